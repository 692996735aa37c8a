"""After a try whose outcome nobody knows: evidence first, then another try."""

from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, NotSent, Refused, ResumeStatus
from crewgate.domain.reason import Answered, AnswerLost, Inferred, RefusedByCrew
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Decision
from crewgate.usecases.delivery.context import GRACE, START_GRACE
from crewgate.usecases.read_models import CrewStatus, Progress
from tests.builders import NOW
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.world import CREW, World

POST, REFRESH = EffectKind.POST, EffectKind.REFRESH
RESUME, NOTIFY_STUCK = EffectKind.RESUME, EffectKind.NOTIFY_STUCK
DAY = timedelta(hours=24)


async def lose(world: World, *, after: bool) -> None:
    world.crew.faults.append(Fault(LOST, after=after))
    assert await world.turn(CREW) == [LOST]


async def test_a_lost_answer_is_waited_for(world: World, decided: Round) -> None:
    await lose(world, after=False)
    unknown = await world.round(decided.id)
    assert (unknown.state, unknown.reason) == (State.DECIDED, AnswerLost("no answer"))
    assert unknown.in_doubt_since == NOW
    rows = {row.kind: row for row in await world.rows()}
    assert rows[RESUME].due_at == NOW + GRACE
    assert rows[RESUME].began_at == NOW


async def test_it_is_sent_again_soon_although_the_crew_was_away_for_long(
    world: World, decided: Round
) -> None:
    """A crew that took it is busy now and refuses another; later it may have paused anew."""
    for _ in range(10):
        world.crew.faults.append(Fault(AWAY))
        assert await world.turn(CREW) == [AWAY]
    await lose(world, after=False)
    rows = {row.kind: row for row in await world.rows()}
    assert rows[RESUME].due_at == world.clock() + GRACE
    world.clock.advance(GRACE)
    await lose(world, after=False)
    rows = {row.kind: row for row in await world.rows()}
    assert rows[RESUME].due_at > world.clock() + GRACE


async def test_it_is_sent_again_where_nothing_shows_that_it_was_taken(
    world: World, decided: Round
) -> None:
    await lose(world, after=False)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (len(world.crew.asked), len(world.crew.taken)) == (2, 1)
    assert (await world.round(decided.id)).reason == Answered("Thank you.", ResumeStatus.RETRYING)


async def test_a_bot_that_stood_still_sends_nothing_beside_the_bot_that_took_over(
    world: World, decided: Round
) -> None:
    """It stood still while it asked for the status; a second send would come without evidence."""
    await lose(world, after=False)
    world.clock.advance(GRACE)
    world.crew.faults.append(Fault(LOST))

    async def the_other_takes_over(_: str) -> None:
        world.crew.on_status = None
        await world.lapse()
        assert await world.turn(CREW) == [LOST]

    world.crew.on_status = the_other_takes_over
    await world.turn(CREW)
    assert len(world.crew.asked) == 2
    assert (await world.round(decided.id)).state is State.DECIDED


async def test_after_a_start_evidence_is_waited_for_before_it_is_sent_again(
    world: World, decided: Round
) -> None:
    """The crew may have gone on, and paused anew, while nobody listened."""
    await lose(world, after=False)
    world.clock.advance(GRACE)
    started_at = world.clock()
    world.context.listening.since = started_at
    assert await world.turn(CREW) == [NotSent("waits for evidence after the start", alone=True)]
    assert len(world.crew.asked) == 1
    rows = {row.kind: row for row in await world.rows()}
    assert rows[RESUME].due_at == started_at + START_GRACE
    world.clock.advance(START_GRACE)
    await world.turn(CREW)
    assert len(world.crew.asked) == 2


@pytest.mark.parametrize("set_back", [timedelta(hours=1), 2 * GRACE])
async def test_a_clock_that_is_set_back_at_a_start_takes_no_grace_away(
    world: World, decided: Round, set_back: timedelta
) -> None:
    await world.outbox.note_alive(now=world.clock(), compare=True)
    await lose(world, after=False)
    world.clock.advance(-set_back)
    started_at = world.clock()
    await world.outbox.note_alive(now=started_at, compare=True)
    world.context.listening.since = started_at
    world.clock.advance(3 * GRACE)
    assert await world.turn(CREW) == [NotSent("waits for evidence after the start", alone=True)]
    world.clock.advance(START_GRACE)
    await world.turn(CREW)
    assert len(world.crew.asked) == 2


async def test_a_status_that_moves_after_a_start_saves_the_other_try(
    world: World, decided: Round
) -> None:
    await lose(world, after=True)
    world.clock.advance(GRACE)
    world.context.listening.since = world.clock()
    world.crew.says = Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task="draft",
        completed_tasks=0,
        total_tasks=3,
    )
    await world.turn(CREW)
    world.clock.advance(START_GRACE)
    world.crew.says = Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task="plan",
        completed_tasks=1,
        total_tasks=3,
    )
    assert await world.turn(CREW) == [Delivered()]
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.asked) == 1


async def test_a_try_that_began_after_the_start_is_repeated_as_ever(
    world: World, decided: Round
) -> None:
    world.context.listening.since = world.clock()
    await lose(world, after=False)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.RESUMED


@pytest.mark.parametrize("words", ["not pending", "taskWebhookUrl must use https"])
async def test_a_400_is_no_proof_by_itself(world: World, decided: Round, words: str) -> None:
    await lose(world, after=True)
    world.crew.faults.append(Fault(Refused("400", words)))
    world.clock.advance(GRACE)
    await world.turn(CREW)
    stuck = await world.round(decided.id)
    assert (stuck.state, stuck.reason) == (State.STUCK, RefusedByCrew("400", words))
    assert stuck.in_doubt
    assert await world.effects() == [REFRESH, REFRESH, NOTIFY_STUCK]


async def test_a_400_with_a_sign_that_comes_meanwhile_shows_that_it_was_taken(
    world: World, decided: Round
) -> None:
    async def on_resume(_: str, _decision: Decision) -> None:
        await world.record_update()

    await lose(world, after=True)
    world.crew.on_resume = on_resume
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).reason == Inferred()


async def test_a_sign_of_having_gone_on_shows_that_it_was_taken(
    world: World, decided: Round
) -> None:
    await lose(world, after=True)
    await world.record_update()
    world.clock.advance(GRACE)
    assert await world.turn(CREW) == [Delivered()]
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.asked) == 1
    assert await world.effects() == [REFRESH, REFRESH]


async def test_a_sign_from_before_the_try_shows_nothing(world: World, decided: Round) -> None:
    await world.record_update()
    await lose(world, after=False)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert len(world.crew.asked) == 2


async def test_an_execution_that_ran_to_its_end_shows_that_it_was_taken(
    world: World, decided: Round
) -> None:
    await lose(world, after=True)
    world.crew.completed.add("e-1")
    world.clock.advance(GRACE)
    assert await world.turn(CREW) == [Delivered()]
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.asked) == 1
    assert RESUME not in await world.effects()


async def test_a_crew_that_does_not_tell_how_far_it_is_is_told_again(
    world: World, decided: Round
) -> None:
    await lose(world, after=False)
    world.crew.silent = True
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).reason == Answered("Thank you.", ResumeStatus.RETRYING)


async def test_a_newer_output_that_comes_while_we_ask_is_evidence(
    world: World, decided: Round
) -> None:
    """Asking the crew takes up to 2 s: activity meanwhile counts."""

    async def on_status(_: str) -> None:
        await world.notify("Short draft.")
        world.crew.pause("Short draft.")

    await lose(world, after=True)
    world.crew.on_status = on_status
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert [resumed.output for resumed in world.crew.taken] == ["A draft."]
    assert (await world.round(decided.id)).reason == Inferred()


async def test_a_sign_that_comes_while_we_ask_is_evidence(world: World, decided: Round) -> None:
    async def on_status(_: str) -> None:
        await world.record_update()

    await lose(world, after=True)
    world.crew.on_status = on_status
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert len(world.crew.asked) == 1
    assert (await world.round(decided.id)).state is State.RESUMED


@pytest.mark.parametrize("ended", [None, "the execution has ended"])
async def test_the_end_of_the_execution_is_a_sign_too(
    world: World, decided: Round, ended: str | None
) -> None:
    await lose(world, after=True)
    await world.record_update(ended=ended)
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.RESUMED


async def test_a_crash_while_sending_is_an_unknown_outcome(world: World, decided: Round) -> None:
    world.crew.faults.append(Fault(Crashed, after=True))
    with pytest.raises(Crashed):
        await world.turn(CREW)
    assert (await world.round(decided.id)).in_doubt_since == NOW
    await world.lapse()
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.STUCK
    await world.record_update()
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.taken) == 1


async def test_a_refusal_after_a_lost_answer_needs_a_person_and_stays_unsure(
    world: World, decided: Round
) -> None:
    await lose(world, after=True)
    world.crew.faults.append(Fault(Refused("401", "no")))
    world.clock.advance(GRACE)
    await world.turn(CREW)
    stuck = await world.round(decided.id)
    assert (stuck.state, stuck.in_doubt_since) == (State.STUCK, NOW)
    await world.retry(decided.id)
    await world.record_update()
    await world.turn(CREW)
    assert (await world.round(decided.id)).reason == Inferred()
    assert len(world.crew.asked) == 2


async def test_evidence_and_an_end_in_one_go(world: World, decided: Round) -> None:
    """The newer output came, and the round was settled, while we asked."""

    async def on_status(_: str) -> None:
        world.crew.completed.add("e-1")
        await world.notify("Short draft.")

    await lose(world, after=True)
    world.crew.on_status = on_status
    world.clock.advance(GRACE)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.RESUMED
    assert RESUME not in await world.effects()
