"""Whatever the crew answers, the card says what is true, and a decision takes effect once."""

import pytest

from crewgate.demo.crew import Fault, drop_after, drop_before, garbage, hang, status
from crewgate.demo.environment import ANA, CHANNEL
from crewgate.demo.workspace import DROP_BEFORE, Message, buttons, message_text
from tests.journeys.conftest import World


async def approved(world: World) -> Message:
    """A card on which Ana has just pressed Approve."""
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Approve")
    return card


@pytest.mark.parametrize(
    ("how", "words", "advice"),
    [
        (status(400, {"message": "the task is not pending"}), "the task is not pending", "wait"),
        (status(401, {"message": "bad token"}), "bad token", "token"),
        (status(403, {"message": "not yours"}), "not yours", "token"),
        (status(404, {"message": "no such execution"}), "no such execution", "know"),
        (status(422, {"message": "feedback refused"}), "feedback refused", ""),
    ],
)
async def test_a_refusal_shows_the_crews_words_and_what_to_do(
    world: World, how: Fault, words: str, advice: str
) -> None:
    world.crew.fail("/resume", how=how, times=None)

    card = await approved(world)

    stuck = await world.shown(card, words)
    assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]
    assert advice in message_text(stuck)
    assert len(world.crew.requests) == 1
    assert not world.crew.resumes


@pytest.mark.parametrize(
    "how",
    [
        status(429, {"message": "slow down"}),
        status(429, {"message": "slow down"}, retry_after="0"),
        status(503, {"message": "deploying"}),
        status(500, {"message": "oops"}),
        status(502),
        status(504),
        drop_before(),
    ],
)
async def test_what_did_not_take_effect_is_sent_again_by_itself(world: World, how: Fault) -> None:
    world.crew.fail("/resume", how=how, times=3)

    card = await approved(world)

    await world.delivered(card)
    assert len(world.crew.resumes) == 1


@pytest.mark.parametrize(
    "how", [drop_after(), garbage(), status(500, applied=True), status(504, applied=True)]
)
async def test_an_answer_that_was_lost_after_the_crew_took_it_needs_a_sign(
    world: World, how: Fault
) -> None:
    world.crew.fail("/resume", how=how)

    card = await approved(world)

    stuck = await world.shown(card, "may not have reached the crew")
    assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]
    assert len(world.crew.resumes) == 1

    await world.pause("plan", "A plan.")

    done = await world.delivered(card)
    assert buttons(done) == ["Read all"]
    assert len(world.crew.resumes) == 1


async def test_a_refusal_of_the_request_after_a_lost_answer_loses_no_decision(world: World) -> None:
    """A 400 has two meanings; the crew may still wait."""
    world.crew.fail("/resume", how=drop_before())
    world.crew.fail("/resume", how=status(400, {"message": "taskWebhookUrl must use https"}))

    card = await approved(world)

    stuck = await world.shown(card, "may not have reached the crew")
    assert "taskWebhookUrl must use https" in message_text(stuck)
    await world.slack.click(ANA, stuck, "Retry")
    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def test_a_crew_that_says_that_it_failed_did_not_take_it(world: World) -> None:
    answer = {"status": "error", "message": "the queue is full"}
    world.crew.fail("/resume", how=status(200, answer))

    card = await approved(world)

    stuck = await world.shown(card, "the queue is full")
    assert "did not reach the crew" in message_text(stuck)
    assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]


async def test_a_revision_whose_answer_was_lost_is_known_by_the_next_output(world: World) -> None:
    world.crew.fail("/resume", how=drop_after())
    await world.pause("draft", "first words")
    first = await world.card("first words")
    await world.slack.click(ANA, first, "Revise")
    await world.slack.until(lambda: world.slack.open_modals(ANA))
    await world.slack.submit(ANA, {"feedback": "Shorter."})
    await world.crew.until(lambda: world.crew.resumes)

    await world.pause("draft", "second words")

    second = await world.card("second words", round_=2)
    await world.delivered(first)
    assert buttons(world.slack.fresh(second))[:2] == ["Approve", "Revise"]
    assert len(world.crew.resumes) == 1


async def test_an_answer_that_is_no_json_counts_all_the_same(world: World) -> None:
    world.crew.fail("/resume", how=status(200, "OK", applied=True))

    card = await approved(world)

    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def test_a_crew_that_hangs_is_told_about_on_the_card(world: World) -> None:
    world.crew.fail("/resume", how=hang())

    card = await approved(world)

    waiting = await world.shown(card, "Being sent to the crew")
    assert buttons(waiting) == ["Read all"]
    await world.crew.until(lambda: world.crew.requests)
    world.crew.release()
    await world.delivered(card)


async def test_a_crew_that_is_away_gets_the_decision_when_it_is_back(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.crew.go_down()
    await world.slack.click(ANA, card, "Approve")

    warning = await world.shown(card, "cannot be reached")
    assert buttons(warning) == ["Read all"]
    await world.crew.come_back()

    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def test_a_crew_that_is_away_does_not_hold_up_slack(world: World) -> None:
    await world.pause("one", "first task")
    card = await world.card("first task")
    world.crew.fail("/resume", how=hang(), times=None)
    await world.slack.click(ANA, card, "Approve")

    await world.pause("two", "second task", "e-2")

    await world.card("second task")
    world.crew.release()
    world.crew.clear()


async def test_slack_being_away_does_not_hold_up_a_resume(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Revise")
    await world.slack.until(lambda: world.slack.open_modals(ANA))
    world.slack.revoke_token()

    await world.slack.submit(ANA, {"feedback": "Shorter."})

    await world.crew.until(lambda: world.crew.resumes)
    world.slack.restore_token()
    await world.delivered(card)
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_each_time_a_decision_is_stuck_is_told_although_slack_loses_posts(
    world: World,
) -> None:
    """The second notice says the same as the first, which must not be taken for it."""
    world.crew.fail("/resume", how=status(401, {"message": "bad token"}), times=None)

    async def told(count: int) -> None:
        def notices() -> int:
            messages = map(message_text, world.slack.messages(CHANNEL))
            return sum("did not reach the crew" in text for text in messages)

        await world.slack.until(lambda: notices() == count)

    card = await approved(world)
    for count in (1, 2, 3):
        await told(count)
        world.slack.fail("chat.postMessage", DROP_BEFORE)
        await world.slack.click(ANA, await world.shown(card, "bad token"), "Retry")
    await told(4)
