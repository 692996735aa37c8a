"""Each modal says all that a decision needs to know, and has no Approve that cannot count."""

from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_private, modal
from tests.journeys.test_rules import CREWS
from tests.standins.workspace import buttons, message_text

OTHERS = f"""{CREWS}
name = "others"
self_approval = false
timeout = {{ after = "3d", then = "revise", feedback = "Nobody had time." }}
""".replace('["U0ANA", "U0BEN"]', '["U0ANA", "U0BEN"]\nnotify = "dm"')
TASK = "Market research"
STARTED = f"<@{ANA}> started this and may not approve it"
SAYS = ("rule “others”", "f nobody decides, it goes back to the crew", STARTED)


async def test_the_starter_is_offered_no_approve_and_each_form_says_all(
    make_world: MakeWorld,
) -> None:
    async with make_world(port=free_port(), crews_file=OTHERS, **ENVIRONMENT) as world:
        world.crew.human_input = None
        status, _ = await world.kick_off(meta={"started_by": ANA})
        assert status == 200
        card = await world.shown(await world.card(TASK), STARTED)

        await world.slack.open_home(ANA)
        hers = await home(world, ANA, TASK)
        assert all(one in hers.shown for one in SAYS[1:])
        assert "Approve" not in buttons(hers)
        assert "Revise" in buttons(hers)
        await world.slack.open_home(BEN)
        assert "Approve" in buttons(await home(world, BEN, TASK))
        told = await in_private(world, ANA, TASK)
        assert "Approve" not in buttons(told)
        assert "Your approval would not count." in message_text(told)
        assert "Approve" in buttons(await in_private(world, BEN, TASK))
        await world.slack.click(ANA, hers, "Start")
        page = await modal(world, ANA, "1 of 1")
        assert "Approve" not in buttons(page)
        assert "Your approval would not count." in page.shown
        await world.slack.close_modal(ANA)

        for entry in ("Approve with a comment…", "Edit the text", "Read all"):
            await world.slack.overflow(BEN, card, entry)
            form = await modal(world, BEN, "rule “others”")
            assert all(one in form.shown for one in SAYS), form.shown
            await world.slack.close_modal(BEN)
        await world.slack.click(BEN, card, "Revise")
        form = await modal(world, BEN, "What should change?")
        assert all(one in form.shown for one in SAYS)
        await world.slack.close_modal(BEN)
        await world.slack.write(ANA, CHANNEL, "Not yet.", card.ts)
        await world.shown(card, "1 note from")
        await world.slack.click(BEN, card, "Approve")
        form = await modal(world, BEN, "Before you approve")
        assert all(one in form.shown for one in SAYS)
        assert form.shown.count("1 note") == 1
