"""The log has people's presses: by whom, on which round, and why they had no effect."""

from dataclasses import replace

from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from crewgate.demo.environment import ANA, BEN, CARL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, modal
from tests.journeys.test_home import rows
from tests.journeys.test_rules import TWO
from tests.standins.workspace import buttons


async def test_a_refusal_names_the_person_and_the_round(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.open_home(ANA)
    of_ana = await home(world, ANA, "A draft")
    round_id = rows(of_ana)[0]["elements"][0]["value"]

    with capture_logs() as logs:
        await world.slack.click(CARL, card, "Approve")
        await world.told(CARL)
        await world.slack.overflow(CARL, card, "Approve with a comment…")
        await world.slack.click(CARL, replace(of_ana, user=CARL), "Revise")
        await modal(world, CARL, "not a reviewer")

    refused = [line for line in logs if line["event"] == "refused"]
    assert {(line["by"], line["round_id"], line["why"]) for line in refused} == {
        (CARL, round_id, "NotAReviewer")
    }
    assert len(refused) == 3

    with capture_logs() as logs:
        await world.ask(CARL, "kickoff nobody")
    [line] = [line for line in logs if line["event"] == "refused"]
    assert (line["by"], line["why"]) == (CARL, "UnknownCrew")


async def test_who_has_approved_is_told_so_when_they_press_approve_again(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=TWO, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "1 of 2")
        await world.slack.click(ANA, world.slack.fresh(card), "Approve")
        assert "You have approved this" in await world.told(ANA)


async def test_what_a_button_changed_is_logged_wherever_it_was_pressed_and_only_then(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=TWO, **ENVIRONMENT) as world:
        with capture_logs(processors=[merge_contextvars]) as logs:
            await world.pause()
            card = await world.card("A draft")
            await world.slack.click(CARL, card, "I'm on it")
            await world.told(CARL)
            await world.slack.click(ANA, card, "I'm on it")
            await world.slack.click(ANA, card, "Approve")
            await world.slack.click(ANA, await world.shown(card, "1 of 2"), "Take back my approval")
            await world.slack.click(ANA, world.slack.fresh(card), "Approve")
            await world.slack.overflow(ANA, world.slack.fresh(card), "Read all")
            await world.slack.click(ANA, await modal(world, ANA), "Take back my approval")
            await world.slack.click(ANA, await modal(world, ANA, "Approve"), "Approve")
            await world.slack.open_home(ANA)
            await world.slack.click(ANA, await home(world, ANA, "A draft"), "Take back my approval")
        assert [(line["event"], line["where"], line["by"]) for line in logs if "where" in line] == [
            ("claimed", "card", ANA),
            ("taken_back", "card", ANA),
            ("taken_back", "modal", ANA),
            ("taken_back", "home", ANA),
        ]
        about = [
            line
            for line in logs
            if line["event"] in {"notification", "refused", "claimed", "approved", "taken_back"}
            or (line["event"] == "delivered" and line["kind"] in {"post", "refresh"})
        ]
        assert len({line["event"] for line in about}) == 6
        names = ("crew", "execution", "review", "round_id", "round_number")
        [(crew, execution, *_, number)] = {tuple(line[name] for name in names) for line in about}
        assert (crew, execution, number) == ("research", "e-1", 1)

        # However often one of two approves, the other one resumes the crew, once.
        for _ in range(2):
            await world.slack.click(ANA, world.slack.fresh(card), "Approve")
        assert buttons(world.slack.fresh(card))[:2] == ["Approve", "Revise"]
        assert not world.crew.resumes
        await world.slack.click(BEN, world.slack.fresh(card), "Approve")
        await world.delivered(card)
        [resume] = world.crew.resumes
        assert (resume.is_approve, resume.human_feedback) == (True, "Approved.")
