"""*Ask somebody…* over real HTTP: from a card's menu to the decision of the person who is asked."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from crewgate.demo.environment import ANA, BEN, CARL
from crewgate.demo.workspace.world import BOT_USER_ID
from crewgate.slack import ids
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_thread, modal, showing
from tests.journeys.test_away import CREWS
from tests.journeys.test_rules import Skewed
from tests.standins.workspace import Message, Reply, View, buttons, message_text

BOTH = CREWS.replace('["U0ANA"]', '["U0ANA", "U0BEN"]').partition("[[crews")[0]


async def form(world: World, card: Message, user: str = ANA) -> View:
    await world.slack.overflow(user, card, "Ask somebody…")
    return await modal(world, user, "Who should look?")


async def sent(world: World, user: str, why: str = "") -> Reply:
    return await world.slack.submit(ANA, {ids.REFER_TO: user, "feedback": why})


async def test_who_is_asked_is_mentioned_finds_it_first_and_decides(make_world: MakeWorld) -> None:
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock), crews_file=BOTH, **ENVIRONMENT) as world:
        for number, text in enumerate(("An older draft.", "The draft.", "A newer draft.")):
            await world.pause("draft", text, f"e-{number}")
            await world.card(text)
            clock.later += timedelta(minutes=1)
        card = await world.card("The draft.")
        opened = await form(world, card)
        assert f"These may decide: <@{ANA}> and <@{BEN}>" in opened.shown
        assert (await sent(world, BEN, "You know <!channel>.")).ok

        told = await in_thread(world, card, "asks you to look")
        assert f"<@{BEN}>: " in message_text(told)
        assert f"<@{ANA}>" not in message_text(told)
        assert "<!channel>" not in str(told.blocks[0])
        await world.shown(card, f"asked by <@{ANA}>: <@{BEN}>")

        await world.slack.open_home(BEN)
        seen = await home(world, BEN, "asks you to look")
        places = [seen.shown.index(one) for one in ("The draft.", "An older", "A newer")]
        assert places == sorted(places)
        assert f"<@{ANA}> asks you to look" in seen.shown
        await world.slack.click(BEN, seen, "Start")
        first = await modal(world, BEN, "The draft.")
        assert "1 of 3" in str(first.content["title"])
        clock.later += timedelta(minutes=1)
        await world.slack.click(BEN, first, "Approve")
        await modal(world, BEN, "An older draft.")
        await world.delivered(card)
        assert "asked by" not in message_text(world.slack.fresh(card))
        assert len(showing(world, "asks you to look")) == 1
        [resume] = world.crew.resumes
        assert resume.is_approve


async def test_a_wish_during_a_walk_does_not_start_it_again(make_world: MakeWorld) -> None:
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock), crews_file=BOTH, **ENVIRONMENT) as world:
        for number, text in enumerate(("Draft A.", "Draft B.", "Draft C.")):
            await world.pause("draft", text, f"e-{number}")
            await world.card(text)
            clock.later += timedelta(minutes=1)
        await world.slack.open_home(BEN)
        await world.slack.click(BEN, await home(world, BEN, "Waiting for you: 3"), "Start")
        await world.slack.click(BEN, await modal(world, BEN, "Draft A."), "Skip")
        shown = await modal(world, BEN, "Draft B.")
        await form(world, await world.card("Draft B."))
        await sent(world, BEN)
        await in_thread(world, await world.card("Draft B."), "asks you to look")
        await world.slack.click(BEN, shown, "Skip")
        last = await modal(world, BEN, "Draft C.")
        assert "3 of 3" in str(last.content["title"])
        await world.slack.click(BEN, last, "Skip")
        end = await modal(world, BEN, "That was the last.")
        await world.slack.click(BEN, end, "Start")
        await modal(world, BEN, "Draft B.")


async def test_each_refusal_is_a_sentence(make_world: MakeWorld) -> None:
    async with make_world(crews_file=BOTH, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.overflow(CARL, card, "Ask somebody…")
        assert "not a reviewer" in await world.told(CARL)
        assert not world.slack.open_modals(CARL)

        await form(world, card)
        refused: dict[str, Any] = {
            ANA: "That is you.",
            CARL: "They may not decide on this, so nobody was asked.",
            BOT_USER_ID: "They may not decide on this, so nobody was asked.",
        }
        for user, sentence in refused.items():
            assert sentence in str((await sent(world, user)).errors)

        # Somebody decides while the form is open.
        await world.slack.click(BEN, card, "Approve")
        await world.delivered(card)
        reply = await sent(world, BEN)
        assert "Ben approved this just now. Your text was not sent." in str(reply.errors)
        assert not showing(world, "asks you to look")
        assert "Ask somebody…" not in str(world.slack.fresh(card).blocks)
        await world.slack.close_modal(ANA, all_of_them=True)
        # The menu of a card that a screen shows still.
        await world.slack.overflow(ANA, card, "Ask somebody…")
        assert "approved this" in await world.told(ANA)
        assert buttons(world.slack.fresh(card)) == ["Read all"]


async def test_a_newer_output_has_nobody_asked(make_world: MakeWorld) -> None:
    async with make_world(crews_file=BOTH, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await form(world, card)
        await world.pause("draft", "A newer one.")
        await world.card("A newer one.", round_=2)
        assert "newer output" in str((await sent(world, BEN)).body)
        assert not showing(world, "asks you to look")
