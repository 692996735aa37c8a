"""One review after the other in one modal, the oldest first: for who has many to decide."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from crewgate.demo.environment import ANA, BEN
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT, flow_world
from tests.journeys.people import home, modal
from tests.journeys.test_rules import CREWS, TWO, Skewed
from tests.standins.workspace import View, buttons, error

MINUTE = timedelta(minutes=1)
LONG = "\n\n".join(f"Line {number} says something." for number in range(900))


@dataclass
class Walker:
    """Ana, who reads each page for a minute."""

    world: World
    clock: Skewed

    async def waits(self, *outputs: str) -> None:
        """These outputs wait, the first for the longest time."""
        for number, output in enumerate(outputs):
            await self.world.pause("draft", output, f"e-{number}")
            self.clock.later += MINUTE

    async def start(self, shows: str = "1 of ") -> View:
        await self.world.slack.slash(ANA, "C0REVIEWS", "/crew", "pending mine")
        await self.world.told(ANA)
        open_before = [view.id for view in self.world.slack.open_modals(ANA)]
        await self.world.slack.click(ANA, self.world.slack.ephemerals(ANA)[-1], "Start")
        await self.world.slack.until(
            lambda: {view.id for view in self.world.slack.open_modals(ANA)} - {*open_before}
        )
        return await self.sees(shows)

    async def sees(self, *shows: str) -> View:
        """The modal once it shows these, read for a minute."""

        def found() -> list[View]:
            shown = self.world.slack.open_modals(ANA)[-1:]
            return [view for view in shown if all(one in text_of(view) for one in shows)]

        view = (await self.world.slack.until(found))[0]
        self.clock.later += MINUTE
        return replace(view)

    async def press(self, view: View, button: str) -> None:
        assert (await self.world.slack.click(ANA, view, button)).ok


def text_of(view: View) -> str:
    return f"{view.content['title']['text']}\n{view.shown}"


@pytest.fixture
async def ana(make_world: MakeWorld) -> AsyncIterator[Walker]:
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock)) as world:
        yield Walker(world, clock)


async def test_a_queue_is_decided_one_after_the_other_in_one_modal(ana: Walker) -> None:
    await ana.waits("Draft A.", "Draft B.", "Draft C.", "Draft D.")
    first = await ana.start()
    assert "Draft A." in first.shown
    assert buttons(first) == ["Approve", "Revise", "Skip"]
    assert text_of(first).startswith("1 of 4\n")

    await ana.press(first, "Approve")
    second = await ana.sees("2 of 4", "Draft B.", "*Draft* · Approved by")
    assert second.id == first.id
    await ana.press(second, "Revise")
    form = await ana.sees("What should change?")
    assert buttons(form)[-2:] == ["Back", "Skip"]
    assert form.id == first.id
    reply = await ana.world.slack.submit(ANA, {"feedback": "Shorter."})
    assert reply.body["response_action"] == "update"
    third = await ana.sees("3 of 4", "Draft C.", "asked for a revision")
    await ana.press(third, "Skip")
    last = await ana.sees("4 of 4", "Draft D.")
    await ana.press(last, "Approve")

    end = await ana.sees("That was the last. 1 waits for you still, skipped or new.")
    await ana.press(end, "Start")
    again = await ana.sees("1 of 1", "Draft C.")
    assert again.id == first.id
    await ana.press(again, "Approve")
    end = await ana.sees("That was all.")
    assert buttons(end) == []
    assert "reminder" not in end.shown
    await ana.world.crew.until(lambda: len(ana.world.crew.resumes) == 4)
    said = [one.human_feedback for one in ana.world.crew.resumes]
    assert sorted(said) == ["Approved.", "Approved.", "Approved.", "Shorter."]


async def test_home_starts_it_and_nothing_is_started_where_nothing_waits(ana: Walker) -> None:
    await ana.world.slack.open_home(ANA)
    assert buttons(await home(ana.world, ANA, "Nothing waits")) == ["Refresh"]
    await ana.waits("Draft A.")
    seen = await home(ana.world, ANA, "Waiting for you: 1")
    assert buttons(seen)[:2] == ["Start", "Refresh"]
    card = await ana.world.card("Draft A.")
    await ana.world.slack.click(BEN, card, "Approve")
    await ana.world.delivered(card)
    await ana.press(seen, "Start")
    await ana.sees("Nothing waits for you.")


async def test_a_long_output_is_read_to_its_end_and_haste_is_asked_about(ana: Walker) -> None:
    await ana.waits(LONG, "Draft B.", "Draft C. " + "Word. " * 500)
    view = await ana.start()
    await ana.press(view, "Approve")
    asks = await ana.sees("Before you approve", "the first 6,000 of")
    assert buttons(asks) == ["Approve anyway", "Revise", "Back", "Skip"]
    await ana.press(asks, "Back")
    view = await ana.sees("1 of 3", "Page 2 of")
    await ana.press(view, "Approve")
    asks = await ana.sees("Before you approve", "the first 11,980 of")
    await ana.world.slack.submit(ANA, view=asks)
    view = await modal(ana.world, ANA, "Page 3 of")
    while "Next page" in buttons(view):  # in no time at all
        before = view.hash
        await ana.press(view, "Next page")
        await ana.world.slack.until(lambda before=before: top(ana.world).hash != before)  # type: ignore[misc]
        view = replace(top(ana.world))
    assert text_of(view).startswith("1 of 3")
    await ana.press(view, "Approve")
    asks = await ana.sees("*You turned ")
    await ana.press(asks, "Approve anyway")

    # A second click is a slip, also after that question.
    view = await modal(ana.world, ANA, "Draft B.")
    await ana.press(view, "Approve")
    asks = await ana.sees("*You looked at this for 1 s.*")
    await ana.world.slack.submit(ANA, view=asks)
    await ana.press(await ana.sees("2 of 3", "Draft B."), "Approve")
    view = await modal(ana.world, ANA, "Draft C.")
    ana.clock.later += timedelta(seconds=5)
    await ana.press(view, "Approve")
    await ana.sees("That was all.")


async def test_somebody_who_looks_faster_than_anybody_reads_is_asked_once(ana: Walker) -> None:
    text = "Word. " * 500
    await ana.waits(f"Draft A. {text}", f"Draft B. {text}")
    card = await ana.world.card("Draft A.")
    await ana.start("1 of 2")
    ana.clock.later -= MINUTE - timedelta(seconds=5)
    await ana.press(top(ana.world), "Approve")
    asks = await ana.sees("*You looked at this for 5 s.*")
    await ana.press(asks, "Approve anyway")
    await ana.sees("2 of 2", "Draft B.")
    ana.clock.later -= MINUTE - timedelta(seconds=5)
    await ana.press(top(ana.world), "Approve")
    await ana.sees("That was all.")
    await ana.world.shown(card, f"<@{ANA}> looked at it for 5 s")


async def test_what_another_decides_or_a_newer_output_replaces_is_said_and_left(
    ana: Walker,
) -> None:
    await ana.waits("Draft A.", "Draft B.", "Draft C.", "Draft D.")
    view = await ana.start()
    card = await ana.world.card("Draft A.")
    await ana.world.slack.click(BEN, card, "Approve")
    await ana.world.delivered(card)
    await ana.press(view, "Approve")
    view = await ana.sees("2 of 4", "Draft B.", f"<@{BEN}> approved this")
    await ana.world.pause("draft", "Draft B again.", "e-1")
    await ana.press(view, "Revise")
    view = await ana.sees("3 of 4", "Draft C.", "A newer output came in the meantime.")
    await ana.press(view, "Revise")
    form = await ana.sees("What should change?")
    card = await ana.world.card("Draft C.")
    await ana.world.slack.click(BEN, card, "Approve")
    await ana.world.delivered(card)
    reply = await ana.world.slack.submit(ANA, {"feedback": "Shorter."})
    assert "Your text was not sent." in str(reply.errors)
    await ana.press(form, "Skip")
    view = await ana.sees("4 of 4", "Draft D.")
    await ana.press(view, "Skip")
    await ana.sees("5 of 5", "Draft B again.")
    assert len(ana.world.crew.resumes) == 2


async def test_two_windows_of_one_person_decide_nothing_twice(ana: Walker) -> None:
    await ana.waits("Draft A.", "Draft B.")
    one = await ana.start()
    other = await ana.start()
    assert other.id != one.id
    await ana.press(other, "Approve")
    at_b = await ana.sees("2 of 2", "Draft B.")
    # Slack has closed the first one, and takes no update of it.
    await ana.press(one, "Approve")
    closed = await ana.sees("Slack had closed that window.")
    await ana.press(closed, "Start")
    view = await ana.sees("1 of 1", "Draft B.")
    await ana.press(view, "Approve")
    await ana.sees("That was all.")
    await ana.press(at_b, "Revise")
    await ana.sees("Slack had closed that window.")
    await ana.world.crew.until(lambda: len(ana.world.crew.resumes) == 2)
    assert [one.is_approve for one in ana.world.crew.resumes] == [True, True]


async def test_a_double_click_decides_one(ana: Walker) -> None:
    await ana.waits("Draft A.", "Draft B.")
    view = await ana.start()
    await ana.press(view, "Approve")
    await modal(ana.world, ANA, "Draft B.")
    await ana.press(view, "Approve")
    await ana.sees("2 of 2", "Draft B.")
    assert len(ana.world.slack.open_modals(ANA)) == 1
    await ana.world.crew.until(lambda: ana.world.crew.resumes)
    assert len(ana.world.crew.resumes) == 1


async def test_back_from_a_form_leads_to_the_page(ana: Walker) -> None:
    await ana.waits("Draft A.")
    view = await ana.start()
    await ana.press(view, "Revise")
    form = await ana.sees("What should change?")
    await ana.press(form, "Back")
    await ana.sees("1 of 1", "Draft A.")


async def test_a_text_of_ones_own_leads_on_as_well(ana: Walker) -> None:
    await ana.waits("Draft A.", "Draft B.")
    await ana.press(await ana.start(), "Revise")
    await ana.press(await ana.sees("What should change?"), "Edit the text")
    await ana.sees("The text")
    await ana.world.slack.submit(ANA, {"edited": "My words."})
    await ana.sees("2 of 2", "Draft B.")


async def test_a_database_that_is_away_after_a_decision_loses_the_next_page_alone(
    ana: Walker,
) -> None:
    await ana.waits("Draft A.", "Draft B.")
    view = await ana.start()
    ana.world.slack.fail("views.update", error("internal_error"))
    await ana.press(view, "Approve")
    await ana.world.crew.until(lambda: ana.world.crew.resumes)
    await ana.press(view, "Approve")
    await ana.sees("2 of 2", "Draft B.")


async def test_one_of_several_approvals_leads_on(make_world: MakeWorld) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock)
    async with make_world(runtime, crews_file=TWO, **ENVIRONMENT) as world:
        ana = Walker(world, clock)
        await ana.waits("Draft A.", "Draft B.")
        view = await ana.start()
        await ana.press(view, "Approve")
        view = await ana.sees("2 of 2", "Draft B.", "1 of 2: <@U0ANA>")
        assert "Take back my approval" not in buttons(view)
        await ana.press(view, "Skip")
        await ana.sees("1 waits for you still")


async def test_a_flow_s_outcomes_are_pressed_and_reminders_are_named(
    make_world: MakeWorld,
) -> None:
    clock = Skewed()
    async with flow_world(make_world, runtime=replace(AT_ONCE, clock=clock)) as world:
        ana = Walker(world, clock)
        await world.crew.ask(output="# Home batteries")
        await world.card("asks for an answer")
        view = await ana.start()
        assert buttons(view)[0] == "✓ Approved"
        await ana.press(view, "✕ Rejected")
        await ana.sees("That was all.")
        await world.crew.until(lambda: world.crew.flows.answers)
    crews = f'{CREWS}name = "in time"\nremind = {{ after = "2h", most = 1 }}\n'
    async with make_world(replace(AT_ONCE, clock=clock), crews_file=crews, **ENVIRONMENT) as world:
        ana = Walker(world, clock)
        await ana.waits("Draft A.")
        await ana.press(await ana.start(), "Skip")
        end = await ana.sees("1 waits for you still")
        assert "The next reminder is at <!date^" in end.shown


def top(world: World) -> View:
    return world.slack.open_modals(ANA)[-1]
