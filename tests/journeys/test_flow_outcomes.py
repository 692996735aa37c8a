"""What a flow says to an answer, and what its card says then: what is known, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crewgate.demo.crew import drop_after, drop_before, garbage, status
from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ANSWERS, flow_world, question, says

GOES_ON = "The flow goes on with the outcome “approved”."
OURS_OR_NOT = "this one or one from elsewhere: This was answered via slack. What came of sending"


@pytest.fixture
async def flows(make_world: MakeWorld) -> AsyncIterator[World]:
    async with flow_world(make_world) as built:
        yield built


def answered(world: World) -> list[str]:
    """What took effect."""
    return [one.feedback or "" for one in world.crew.flows.answers]


def sent(world: World) -> int:
    """How many answers arrived."""
    return sum(call.path.startswith(ANSWERS) for call in world.crew.requests)


async def asked(world: World, number: int) -> Message:
    """The card of a flow's question; Ana has just pressed Approve on it."""
    await world.crew.ask(f"f-{number}", output=f"Draft {number}.")
    card = await question(world, f"Draft {number}.")
    await world.slack.click(ANA, card, "✓ approved")
    return card


async def test_an_answer_is_sent_again_and_takes_effect_once(flows: World) -> None:
    for count, (fault, text) in enumerate(
        (
            (drop_after(), OURS_OR_NOT),
            (status(500, applied=True), OURS_OR_NOT),
            (status(504, applied=True), OURS_OR_NOT),
            (garbage(), OURS_OR_NOT),
            (drop_before(), GOES_ON),
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


async def test_a_request_that_is_gone_is_closed_and_its_reviewer_told(flows: World) -> None:
    told = f"<@{ANA}>, your decision on round 1 of Review article was not taken"
    for count, code in enumerate((404, 410), start=1):
        flows.crew.fail(ANSWERS, how=status(code, {"message": "no such request"}))
        card = await asked(flows, count)
        await says(flows, card, "request any more: no such request. It did not take this one.")
        await flows.slack.until(
            lambda: (
                sum(told in message_text(one) for one in flows.slack.messages(CHANNEL)) == count  # noqa: B023
            )
        )
        assert (answered(flows), sent(flows)) == ([], count)


async def test_somebody_who_answered_elsewhere_was_faster(flows: World) -> None:
    await flows.crew.ask()
    card = await question(flows)
    flows.crew.flows.answer("8401", "rejected")
    await flows.slack.click(ANA, card, "✓ approved")
    shown = await says(flows, card, "Somebody was faster, so this one does not count.")
    assert "an answer from elsewhere: This was answered via dashboard" in shown
    assert answered(flows) == ["rejected"]


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
    await flows.slack.click(ANA, card, "✓ approved")
    shown = await says(flows, card, "then press Retry")
    assert "no answer could have been sent" not in shown
    assert "one-use-token" not in shown + capsys.readouterr().out
    assert sent(flows) == 0


async def test_a_flow_that_ended_closes_what_it_asked(flows: World) -> None:
    await flows.crew.ask()
    card = await question(flows)
    secret = {"Authorization": "Bearer demo-webhook-secret", "Content_Type": "application/json"}
    ended = b'{"events": [{"id": "1", "execution_id": "other", "type": "flow_finished",'
    ended += b'"timestamp": "2026-11-01T09:00:00Z", "data": {"state": {"id": "f-1"}}}]}'
    for _ in range(2):
        status_, body = await flows.post("/crews/research/events/stream", ended, **secret)
        assert (status_, body) == (202, {"status": "accepted"})
    await says(flows, card, "The execution has ended")
    assert buttons(flows.slack.fresh(card)) == ["Read all"]
