"""Going away by the command and by its form, and what becomes of who decides, over real HTTP."""

from datetime import timedelta
from pathlib import Path

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.runtime import utc_now
from crewgate.slack import ids
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import in_private, modal, without
from tests.standins.workspace import Message, Reply, error, message_text

CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA"]

[[crews.research.rules]]
name = "law"
when = { task = "contract*" }
delegation = false

[[crews.research.rules]]
name = "in time"
remind = { after = "2h", most = 1 }
"""
TOMORROW = (utc_now() + timedelta(days=1)).date()


async def fill_in(world: World, **values: str) -> Reply:
    await world.slack.slash(ANA, CHANNEL, "/crew", "away")
    await modal(world, ANA, "Who decides for you")
    entered = {ids.AWAY_UNTIL: TOMORROW.isoformat(), ids.AWAY_DELEGATE: BEN} | values
    return await world.slack.submit(ANA, entered)


async def by_command(world: World) -> None:
    said = await world.ask(ANA, "away until tomorrow for @Ben")
    assert f"<@{BEN}> decides for you" in said
    assert "`/crew back`" in said


async def decided_by(world: World, user: str, task: str) -> Message:
    await world.pause(task, f"About {task}.")
    card = await world.card(f"About {task}.")
    await world.slack.click(user, card, "Approve")
    return card


async def test_a_colleague_decides_until_the_person_is_back(make_world: MakeWorld) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        card = await decided_by(world, BEN, "before")
        assert "not a reviewer" in await world.told(BEN)
        await world.slack.click(ANA, card, "Approve")
        await world.delivered(card)
        rules = await world.ask(ANA, "rules")
        assert "*research* has 2 rules" in rules
        assert rules.index("“law”") < rules.index("“in time”")
        assert f"It takes one approval; <@{ANA}> may decide." in rules
        assert "You decide for no crew" in await world.ask(BEN, "rules")

        await world.pause("early", "An early draft.")
        await world.card("An early draft.")
        await fill_in(world)
        assert f"<@{BEN}> decides for you" in (await modal(world, ANA, "decides for you")).shown
        told = message_text(await in_private(world, BEN, "You decide for"))
        assert f"You decide for <@{ANA}> until the end of" in told
        assert "1 review waits: see the app's Home." in told
        assert "“in time”" in await world.ask(BEN, "rules")
        await world.pause("draft", "A draft.")
        card = await world.card("A draft.")
        assert {ANA, BEN} <= world.slack.pings(card)
        assert f"<@{BEN}> for <@{ANA}>: please decide" in message_text(card)
        await world.slack.click(BEN, card, "Approve")
        decided = message_text(await world.delivered(card))
        assert f"approved by <@{BEN}> for <@{ANA}>" in decided

        assert "You are back" in await world.ask(ANA, "back")
        assert "You were not away" in await world.ask(ANA, "back")
        before = len(world.slack.ephemerals(BEN))
        await decided_by(world, BEN, "after")
        assert "not a reviewer" in await world.told(BEN, count=before + 1)
        assert len(world.crew.resumes) == 2


async def test_a_delegate_who_was_made_a_guest_meanwhile_decides_nothing(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        await by_command(world)
        world.slack.add_user(BEN, "Ben", is_guest=True)
        await decided_by(world, BEN, "draft")
        assert "not a reviewer" in await world.told(BEN)
        assert not world.crew.resumes


async def test_while_away_the_form_shows_what_is_set(world: World) -> None:
    world.slack.fail("views.open", error("expired_trigger_id"))
    assert "did not open the form" in await world.ask(ANA, "away")
    await by_command(world)
    await world.slack.slash(ANA, CHANNEL, "/crew", "away for @Carl")
    view = await modal(world, ANA, f"<@{BEN}> decides for you until the end of")
    [until, delegate] = [block["element"] for block in view.blocks if block["type"] == "input"]
    assert until["initial_date"] == TOMORROW.isoformat()
    assert delegate["initial_user"] == CARL
    await world.slack.submit(ANA)
    await modal(world, ANA, f"<@{CARL}> decides for you")


async def test_what_is_wrong_is_said_below_its_field(world: World) -> None:
    world.slack.add_user("U0GUS", "Gus", is_guest=True)
    world.slack.add_user("U0OTTO", "Otto", team_id="T0OTHER")
    until, delegate = ids.AWAY_UNTIL, ids.AWAY_DELEGATE
    yesterday, far = (str(TOMORROW + timedelta(days=days)) for days in (-2, 400))
    assert (await fill_in(world, **{until: yesterday})).errors.keys() == {until}
    assert "too far ahead" in (await fill_in(world, **{until: far})).errors[until]
    assert "themselves" in (await fill_in(world, **{delegate: ANA})).errors[delegate]
    for user in ("U0GUS", "U0OTTO", "U0DEMOBOT"):
        assert "a colleague" in (await fill_in(world, **{delegate: user})).errors[delegate]
    world.slack.add_user("U0EVE", "Eve")
    world.slack.fail("users.info", error("fatal_error"), times=None)
    assert "try again" in (await fill_in(world, **{delegate: "U0EVE"})).errors[delegate].lower()


async def test_records_that_cannot_be_reached_are_told_and_the_form_stays(
    world: World, database: Path
) -> None:
    await world.slack.slash(ANA, CHANNEL, "/crew", "away")
    await modal(world, ANA, "Who decides for you")
    async with without(database, "absences"):
        entered = {ids.AWAY_UNTIL: TOMORROW.isoformat(), ids.AWAY_DELEGATE: BEN}
        await world.slack.submit(ANA, entered)
        view = await modal(world, ANA, "cannot reach my records")
        assert TOMORROW.isoformat() in str(view.content)
        for text in ("away", f"away until {TOMORROW} for @Ben", "back", "rules"):
            assert "cannot reach my records" in await world.ask(ANA, text)
