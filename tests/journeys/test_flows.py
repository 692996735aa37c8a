"""A flow pauses and asks; people answer wherever they meet a review, and the flow goes on.

What its card says then is what is known, and no more.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ANSWERS, ASSIGNED, REVIEWERS, flow_world, question, says
from tests.journeys.people import home, in_private, modal, said, showing
from tests.standins.crew import DROP_AFTER, DROP_BEFORE, garbage, status
from tests.standins.workspace import Message, buttons, message_text

LABELS = ["✓ Approved", "✕ Rejected", "↺ Needs revision", "Answer in words"]
GOES_ON = "The flow goes on with the outcome “approved”."
OURS_OR_NOT = "this one or one from elsewhere: This was answered via slack. What came of sending"


@pytest.fixture
async def flows(make_world: MakeWorld) -> AsyncIterator[World]:
    async with flow_world(make_world) as built:
        yield built


def answered(world: World) -> list[str]:
    """The answers that took effect."""
    return [one.feedback or "" for one in world.crew.flows.answers]


def sent(world: World) -> int:
    """Return the number of answers that arrived."""
    return sum(call.path.startswith(ANSWERS) for call in world.crew.requests)


async def test_an_outcomes_button_is_the_answer(flows: World, database: Path) -> None:
    assert (await flows.crew.ask(output="# Home batteries")).status == 202
    card = await question(flows)

    text = message_text(card)
    assert "Review article asks for an answer" in text
    assert "Please review this." in text
    assert "Home batteries" in text
    assert "assigned to reviewer@example.com" in text
    assert buttons(card)[:4] == LABELS
    styles = [element.get("style") for element in card.blocks[-1]["elements"][:4]]
    assert styles == ["primary", None, None, None]

    await flows.slack.click(ANA, card, "↺ Needs revision")
    decided = await says(flows, card, "The flow goes on with the outcome “needs_revision”.")

    (answer,) = flows.crew.flows.answers
    assert (answer.feedback, answer.outcome, answer.via) == (
        "needs_revision",
        "needs_revision",
        "slack",
    )
    assert f"<@{ANA}> answered “needs_revision”" in decided
    assert ":leftwards_arrow_with_hook:" in decided
    with closing(sqlite3.connect(database)) as connection:
        kept = connection.execute("SELECT callback_url, token FROM flow_requests")
        assert kept.fetchall() == [(None, None)]


async def test_the_documented_shape_is_answered_in_words(flows: World) -> None:
    flows.crew.flows.nested = True
    await flows.crew.ask()
    card = await question(flows)

    await flows.slack.click(ANA, card, "Answer in words")
    form = await modal(flows, ANA, "A model on the flow's side will read this")
    assert form.content["title"]["text"] == "Answer in words"
    assert "“approved”, “rejected”, “needs_revision”" in form.shown
    assert (await flows.slack.submit(ANA, {"feedback": "  "})).errors
    assert (await flows.slack.submit(ANA, {"feedback": "Rejected, too long."})).ok
    decided = await says(flows, card, "with the outcome “rejected”, made of these words")

    assert "Rejected, too long." in decided
    assert answered(flows) == ["Rejected, too long."]


async def test_an_escalation_calls_and_makes_no_second_card(flows: World) -> None:
    """One of a request that is not known is a request."""
    await flows.crew.ask(assigned="carl@example.com", output="Known.")
    card = await question(flows, "Known.")
    assert (await flows.crew.flows.escalate("8401")).status == 202

    text = message_text(await said(flows, "CrewAI has escalated it"))
    assert f"<@{CARL}>: *Review article* still waits for an answer" in text
    unknown = await flows.crew.ask("f-2", event_type="escalation", output="Not known.")
    assert '"status": "accepted"' in unknown.answer
    await question(flows, "Not known.")
    assert (await question(flows, "Known.")).ts == card.ts


# --- where people answer


async def test_home_answers(flows: World) -> None:
    await flows.crew.ask(output="# Findings")
    card = await question(flows)
    await flows.slack.open_home(ANA)
    seen = await home(flows, ANA, "Waiting for you: 1")
    assert buttons(seen) == ["Start", "Refresh", *LABELS, "Read all"]
    await flows.slack.click(ANA, seen, "Read all")
    page = await modal(flows, ANA, "Findings")
    assert LABELS[0] in buttons(page)
    await flows.slack.close_modal(ANA)
    await flows.slack.click(ANA, seen, "✕ Rejected")
    await home(flows, ANA, "Waiting for you: 0")
    await says(flows, card, "The flow goes on with the outcome “rejected”.")

    await flows.crew.ask("f-2", output="The supplier delivers in May. " * 20)
    card = await question(flows, "The supplier delivers in May.")
    await flows.slack.open_home(ANA)
    seen = await home(flows, ANA, "Waiting for you: 1")
    await flows.slack.click(ANA, seen, "✓ Approved")
    asks = await modal(flows, ANA, "This row shows the first 154 of 600 characters")
    await flows.slack.click(ANA, asks, "Answer anyway")
    await says(flows, card, GOES_ON)


async def test_what_is_read_is_answered_there_and_commands_tell_of_it(flows: World) -> None:
    await flows.crew.ask(output="# Findings")
    card = await question(flows)
    assert "Review article" in await flows.ask(ANA, "pending")
    assert "Review article" in await flows.ask(ANA, "pending mine")
    assert "Review article" not in await flows.ask(CARL, "pending mine")
    assert "Round 1 of Review article" in await flows.ask(ANA, "status f-1")
    await flows.slack.overflow(ANA, card, "Read all")
    await flows.slack.click(ANA, await modal(flows, ANA, "Findings"), "✓ Approved")
    assert LABELS[0] not in buttons(await modal(flows, ANA, "answered “approved”"))
    await flows.slack.close_modal(ANA)
    await says(flows, card, GOES_ON)
    await flows.slack.overflow(ANA, flows.slack.fresh(card), "History")
    assert "answered “approved”" in (await modal(flows, ANA, "answered")).shown
    assert "answered “approved”" in await flows.ask(ANA, "status f-1")
    assert "Review article" not in await flows.ask(ANA, "pending")


async def test_a_direct_message_answers_and_follows(make_world: MakeWorld) -> None:
    async with flow_world(make_world, f'{ASSIGNED}\nnotify = "dm"') as flows:
        await flows.crew.ask(assigned="carl@example.com")
        private = await in_private(flows, CARL, "asks for an answer")
        assert buttons(private)[:4] == LABELS
        await flows.crew.flows.escalate("8401", assigned_to_email="ana@example.com")
        theirs = await in_private(flows, ANA, "asks for an answer")
        await flows.slack.click(ANA, theirs, "↺ Needs revision")
        for message in (private, theirs):
            await flows.shown(message, f"<@{ANA}> answered “needs_revision”")
        await flows.crew.until(lambda: answered(flows))
        assert answered(flows) == ["needs_revision"]


async def test_many_outcomes_are_a_menu_everywhere(make_world: MakeWorld) -> None:
    emit = ["publish", "hold", "park", "edit", "archive"]
    async with flow_world(make_world, f'{REVIEWERS}\nnotify = "dm"') as flows:
        for number, outcome in enumerate(emit[:4]):
            await flows.crew.ask(f"f-{number}", emit=emit, output=f"Draft {number}.")
            card = await question(flows, f"Draft {number}.")
            shown = outcome.capitalize()
            if number == 0:
                await flows.slack.overflow(ANA, card, shown)
            elif number == 1:
                await flows.slack.overflow(ANA, await in_private(flows, ANA, "Draft 1"), shown)
            elif number == 2:
                await flows.slack.open_home(ANA)
                seen = await home(flows, ANA, "Waiting for you: 1")
                await flows.slack.overflow(ANA, seen, shown)
            else:
                await flows.slack.overflow(ANA, card, "Read all")
                await flows.slack.overflow(ANA, await modal(flows, ANA, "Draft 3"), shown)
            await says(flows, card, f"The flow goes on with the outcome “{outcome}”.")
        assert answered(flows) == emit[:4]


async def test_notes_ask_before_a_button_and_become_the_words(flows: World) -> None:
    await flows.crew.ask()
    card = await question(flows)
    await flows.slack.write(ANA, CHANNEL, "Shorter.", card.ts)
    await flows.shown(card, "1 note from")
    await flows.slack.click(BEN, card, "✓ Approved")
    asks = await modal(flows, BEN, "1 note waits in the thread")
    assert "The answer will be “approved”." in asks.shown
    await flows.slack.close_modal(BEN)
    assert not answered(flows)

    await flows.slack.until(lambda: flows.slack.ephemerals(ANA))
    await flows.slack.click(ANA, flows.slack.ephemerals(ANA)[0], "Answer in words")
    await modal(flows, ANA, "A model on the flow's side will read this")
    await flows.slack.submit(ANA)
    await flows.slack.until(lambda: answered(flows))
    assert answered(flows) == ["Ana: Shorter."]


# --- what the flow says to an answer


async def asked(world: World, number: int) -> Message:
    """The card of a flow's question; Ana has just pressed Approve on it."""
    await world.crew.ask(f"f-{number}", output=f"Draft {number}.")
    card = await question(world, f"Draft {number}.")
    await world.slack.click(ANA, card, "✓ Approved")
    return card


async def test_an_answer_is_sent_again_and_takes_effect_once(flows: World) -> None:
    for count, (fault, text) in enumerate(
        (
            (DROP_AFTER, OURS_OR_NOT),
            (status(500, applied=True), OURS_OR_NOT),
            (status(503, applied=True), OURS_OR_NOT),
            (status(504, applied=True), OURS_OR_NOT),
            (garbage(), OURS_OR_NOT),
            (DROP_BEFORE, GOES_ON),
            (status(408), GOES_ON),
            (status(429, retry_after=0), GOES_ON),
            (status(503), GOES_ON),
        ),
        start=1,
    ):
        flows.crew.fail(ANSWERS, how=fault)
        card = await asked(flows, count)
        shown = await says(flows, card, text)
        assert answered(flows) == ["approved"] * count
        assert sent(flows) == 2 * count
        assert ("The flow goes on" in shown) is (text == GOES_ON)
        assert buttons(flows.slack.fresh(card)) == ["Read all"]


async def test_a_request_that_is_gone_or_answered_elsewhere_is_closed(flows: World) -> None:
    told = f"<@{ANA}>, your decision on round 1 of Review article was not taken"
    for count, code in enumerate((404, 410), start=1):
        flows.crew.fail(ANSWERS, how=status(code, {"message": "no such request"}))
        card = await asked(flows, count)
        await says(flows, card, "request any more: no such request. It did not take this one.")
        await flows.slack.until(lambda: len(showing(flows, told)) == count)  # noqa: B023

    await flows.crew.ask("f-3", output="The last one.")
    card = await question(flows, "The last one.")
    flows.crew.flows.answer("8403", "rejected")
    await flows.slack.click(ANA, card, "✓ Approved")
    shown = await says(flows, card, "Somebody was faster, so this one does not count.")
    assert "an answer from elsewhere: This was answered via dashboard" in shown
    assert answered(flows) == ["rejected"]
    assert sent(flows) == 3


async def test_a_refusal_waits_for_retry(flows: World) -> None:
    for count, code in enumerate((401, 403, 422), start=1):
        flows.crew.fail(ANSWERS, how=status(code, {"message": "no"}))
        card = await asked(flows, count)
        await says(flows, card, f"The flow says “no” ({code}).")
        stuck = flows.slack.fresh(card)
        assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]
        await flows.slack.click(BEN, stuck, "Retry")
        await says(flows, card, GOES_ON)
        assert answered(flows) == ["approved"] * count


async def test_an_address_elsewhere_is_never_called(
    flows: World, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "https://crewai.com.evil.example/respond?token=one-use-token"
    await flows.crew.ask(callback_url=url, response_token="one-use-token", output=f"See {url}.")
    card = await question(flows)
    assert "no answer could have been sent" in message_text(card)
    await flows.slack.click(ANA, card, "✓ Approved")
    asks = await modal(flows, ANA, "*Secrets were taken out of this, which nobody is shown.*")
    await flows.slack.click(ANA, asks, "Answer anyway")
    shown = await says(flows, card, "then press Retry")
    assert "no answer could have been sent" not in shown
    assert "one-use-token" not in shown + capsys.readouterr().out
    assert sent(flows) == 0
