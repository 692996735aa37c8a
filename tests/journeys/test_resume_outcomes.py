"""Whatever the crew answers, the card says what is true, and a decision takes effect once."""

from crewgate.demo.environment import ANA, BEN, CARL
from tests.journeys.conftest import World
from tests.journeys.people import modal, showing
from tests.standins.crew import DROP_AFTER, DROP_BEFORE, HANG, garbage, status
from tests.standins.workspace import Message, buttons, message_text


async def approved(world: World, execution: str = "e-1") -> Message:
    """A card on which Ana has just pressed Approve."""
    await world.pause(output=f"A draft of {execution}.", execution=execution)
    card = await world.card(f"A draft of {execution}.")
    await world.slack.click(ANA, card, "Approve")
    return card


async def test_a_refusal_shows_the_crews_words_and_what_to_do(world: World) -> None:
    for count, (code, words, advice) in enumerate(
        (
            (400, "the task is not pending", "wait"),
            (401, "bad token", "token"),
            (403, "not yours", "token"),
            (404, "no such execution", "know"),
            (422, "feedback refused", ""),
            (200, "the queue is full", "did not reach the crew"),
        ),
        start=1,
    ):
        world.crew.fail("/resume", how=status(code, {"status": "error", "message": words}))

        card = await approved(world, f"e-{count}")

        stuck = await world.shown(card, words)
        assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]
        assert advice in message_text(stuck)
        assert len([call for call in world.crew.requests if call.path == "/resume"]) == count
    assert not world.crew.resumes


async def test_what_did_not_take_effect_is_sent_again_by_itself(world: World) -> None:
    for count, how in enumerate(
        (
            status(429, {"message": "slow down"}),
            status(429, {"message": "slow down"}, retry_after="0"),
            status(503, {"message": "deploying"}),
            status(500, {"message": "oops"}),
            status(502),
            status(504),
            DROP_BEFORE,
        ),
        start=1,
    ):
        world.crew.fail("/resume", how=how, times=3)

        card = await approved(world, f"e-{count}")

        await world.delivered(card)
        assert len(world.crew.resumes) == count


async def test_an_answer_that_was_lost_after_the_crew_took_it_needs_a_sign(world: World) -> None:
    for count, how in enumerate(
        (DROP_AFTER, garbage(), status(500, applied=True), status(504, applied=True)), start=1
    ):
        world.crew.fail("/resume", how=how)

        card = await approved(world, f"e-{count}")

        stuck = await world.shown(card, "may not have reached the crew")
        assert buttons(stuck) == ["Retry", "Dismiss", "Read all"]
        assert len(world.crew.resumes) == count

        await world.pause("plan", "A plan.", f"e-{count}")

        done = await world.delivered(card)
        assert buttons(done) == ["Read all"]
        assert len(world.crew.resumes) == count


async def test_a_refusal_of_the_request_after_a_lost_answer_loses_no_decision(world: World) -> None:
    """A 400 has two meanings; the crew may still wait."""
    world.crew.fail("/resume", how=DROP_BEFORE)
    world.crew.fail("/resume", how=status(400, {"message": "taskWebhookUrl must use https"}))

    card = await approved(world)

    stuck = await world.shown(card, "may not have reached the crew")
    assert "taskWebhookUrl must use https" in message_text(stuck)
    await world.slack.click(ANA, stuck, "Retry")
    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def test_a_revision_whose_answer_was_lost_is_known_by_the_next_output(world: World) -> None:
    world.crew.fail("/resume", how=DROP_AFTER)
    await world.pause("draft", "first words")
    first = await world.card("first words")
    await world.revise(ANA, first)
    await world.crew.until(lambda: world.crew.resumes)

    await world.pause("draft", "second words")

    second = await world.card("second words", round_=2)
    await world.slack.overflow(ANA, second, "History")
    await modal(world, ANA, "The crew has it: “the crew has gone on, so it has this”")
    assert buttons(world.slack.fresh(second))[:2] == ["Approve", "Revise"]
    assert len(world.crew.resumes) == 1


async def test_a_crew_that_hangs_is_told_about_on_the_card(world: World) -> None:
    world.crew.fail("/resume", how=HANG)

    card = await approved(world)

    waiting = await world.shown(card, "Being sent to the crew")
    assert buttons(waiting) == ["Read all"]
    await world.crew.until(lambda: world.crew.requests)
    await world.pause("two", "second task", "e-2")
    await world.card("second task")  # Slack is not held up
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


async def test_each_time_a_decision_is_stuck_is_told_although_slack_loses_posts(
    world: World,
) -> None:
    """The second notice says the same as the first, which must not be taken for it."""
    world.crew.fail("/resume", how=status(401, {"message": "bad token"}), times=None)

    async def told(count: int) -> None:
        await world.slack.until(lambda: len(showing(world, "did not reach the crew")) == count)

    card = await approved(world)
    for count in (1, 2, 3):
        await told(count)
        world.slack.fail("chat.postMessage", DROP_BEFORE)
        await world.slack.click(ANA, await world.shown(card, "bad token"), "Retry")
    await told(4)

    assert any(ANA in world.slack.pings(one) for one in showing(world, "did not reach the crew"))
    stuck = await world.shown(card, "bad token")
    await world.slack.click(CARL, stuck, "Retry")
    assert "not a reviewer" in await world.told(CARL)
    world.crew.clear()
    await world.slack.click(BEN, stuck, "Retry")
    await world.delivered(card)
    assert len(world.crew.resumes) == 1
