"""Telling a crew a decision, so that it takes effect once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.outcome import Delivered, NotSent, Refused, ResumeStatus, Unknown
from crewgate.domain.reason import Answered, NotCalled, NotReached, RefusedByCrew, RetriesExhausted
from crewgate.domain.review import Round, State
from crewgate.encryption import Cipher
from crewgate.store.column_types import Secret
from crewgate.store.tables import REGISTERED, webhooks
from crewgate.usecases.delivery.context import GRACE
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.track import PAUSED_POLL
from tests.builders import LATER, SECOND, a_crew, a_secret_key, webhook_urls
from tests.usecases.crew_standins import Resumed
from tests.usecases.faults import AWAY, LOST, Fault
from tests.usecases.world import CREW, STATUS, World

POST, REFRESH = EffectKind.POST, EffectKind.REFRESH
RESUME, NOTIFY_STUCK = EffectKind.RESUME, EffectKind.NOTIFY_STUCK
DAY = timedelta(hours=24)


# --- the clean try ---


async def test_the_crew_takes_it(world: World, decided: Round) -> None:
    world.clock.now = LATER
    assert Delivered("Thank you.", ResumeStatus.RETRYING) in await world.turn(CREW)
    (resumed,) = world.crew.taken
    assert (resumed.execution_id, resumed.task_id) == ("e-1", "draft")
    assert resumed.decision == decided.decision
    taken = await world.round(decided.id)
    assert (taken.state, taken.reason) == (
        State.RESUMED,
        Answered("Thank you.", ResumeStatus.RETRYING),
    )
    assert (taken.in_doubt_since, taken.ended_at) == (LATER, LATER)
    assert await world.effects() == [REFRESH]


@pytest.mark.parametrize("code", ["400", "401", "403", "404", "422"])
async def test_a_refusal_needs_a_person(world: World, decided: Round, code: str) -> None:
    world.crew.faults.append(Fault(Refused(code, "no")))
    await world.turn(CREW)
    stuck = await world.round(decided.id)
    assert (stuck.state, stuck.reason) == (State.STUCK, RefusedByCrew(code, "no"))
    assert stuck.in_doubt_since is None
    assert await world.effects() == [REFRESH, NOTIFY_STUCK]


@pytest.mark.parametrize("origin", ["registered", "carried"])
async def test_webhooks_that_no_key_opens_need_an_operator(world: World, origin: str) -> None:
    world.crew.pause()
    Secret.cipher = Cipher([a_secret_key(1)])
    given = webhook_urls("given")
    received = await world.notify(webhooks=given if origin == "carried" else WebhookUrls())
    async with world.uow.begin() as tx:
        if origin == "registered":
            await tx.executions.register("research", "e-1", given)
    decided = await world.decide(received.round.id)
    Secret.cipher = Cipher([a_secret_key(2)])
    await world.turn(CREW)
    stuck = await world.round(decided.id)
    lost = NotCalled("unreadable", "its webhooks cannot be read with any key in SECRET_KEYS")
    assert (stuck.state, stuck.reason, stuck.in_doubt_since) == (State.STUCK, lost, None)
    assert world.crew.taken == []

    Secret.cipher = Cipher([a_secret_key(2), a_secret_key(1)])
    await world.retry(decided.id)
    await world.turn(CREW)
    assert world.crew.taken[0].webhooks.task == given.task


async def test_a_decision_is_sent_though_the_execution_is_said_to_have_failed(
    world: World, decided: Round
) -> None:
    """The answer tells more than a status; the person who decided is told of the outcome."""
    world.crew.says = Progress(status=CrewStatus.FAILED, word="error")
    world.clock.advance(PAUSED_POLL)
    await world.turn(STATUS)
    assert (await world.round(decided.id)).state is State.DECIDED

    world.crew.faults.append(Fault(Refused("400", "not pending")))
    await world.turn(CREW)

    stuck = await world.round(decided.id)
    assert (stuck.state, stuck.can_dismiss) == (State.STUCK, True)
    assert await world.effects() == [REFRESH, NOTIFY_STUCK]


async def test_what_was_not_sent_is_due_at_once_and_the_worker_told(
    world: World, decided: Round
) -> None:
    away = NotSent("rate limited", retry_after=30 * SECOND)
    world.crew.faults.append(Fault(away))
    assert await world.turn(CREW) == [away]
    waiting = await world.round(decided.id)
    assert (waiting.state, waiting.reason) == (State.DECIDED, NotReached("rate limited"))
    assert waiting.in_doubt_since is None
    assert await world.effects() == [RESUME, REFRESH]
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.RESUMED


# --- rounds that moved on ---


async def test_what_is_not_decided_any_more_is_not_sent(world: World, decided: Round) -> None:
    await world.notify("Another draft.")
    assert await world.turn(CREW) == [Delivered()]
    assert world.crew.asked == []
    assert RESUME not in await world.effects()


async def test_the_answer_comes_after_the_lease_was_lost(world: World, decided: Round) -> None:
    """A process stood still for longer than its lease; another one took over meanwhile."""

    async def on_taken(_: Resumed) -> None:
        world.crew.on_taken = None
        await world.lapse()
        await world.turn(CREW)

    world.crew.on_taken = on_taken
    await world.turn(CREW)
    taken = await world.round(decided.id)
    assert taken.state is State.RESUMED
    assert taken.reason == Answered("Thank you.", ResumeStatus.RETRYING)
    assert len(world.crew.taken) == 1
    assert RESUME not in await world.effects()


# --- giving up ---


@pytest.mark.parametrize("outcome", [AWAY, LOST])
async def test_after_a_day_of_trying_a_person_must_act(
    world: World, decided: Round, outcome: NotSent | Unknown
) -> None:
    world.crew.faults.extend([Fault(outcome)] * 3)
    await world.turn(CREW)
    world.clock.advance(DAY - SECOND)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.DECIDED
    world.clock.advance(SECOND + GRACE * 2)
    await world.turn(CREW)
    stuck = await world.round(decided.id)
    assert (stuck.state, stuck.reason) == (State.STUCK, RetriesExhausted(outcome.why))
    assert (await world.effects())[-2:] == [REFRESH, NOTIFY_STUCK]
    assert RESUME not in await world.effects()


async def test_one_that_waited_while_the_bot_was_stopped_has_a_day_of_tries(
    world: World, decided: Round
) -> None:
    world.crew.faults.extend([Fault(AWAY)] * 3)
    world.clock.advance(2 * DAY)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.DECIDED
    world.clock.advance(DAY - SECOND)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.DECIDED
    world.clock.advance(SECOND)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.STUCK


async def test_a_retry_has_a_day_of_its_own(world: World, decided: Round) -> None:
    world.crew.faults.extend([Fault(AWAY)] * 3)
    await world.turn(CREW)
    world.clock.advance(DAY)
    await world.turn(CREW)
    await world.retry(decided.id)
    await world.turn(CREW)
    assert (await world.round(decided.id)).state is State.DECIDED


async def test_the_waits_grow_and_keep_the_grace(world: World, decided: Round) -> None:
    world.crew.faults.extend([Fault(LOST)] * 4)
    waits = []
    for _ in range(4):
        await world.turn(CREW)
        (row,) = [row for row in await world.rows() if row.kind == RESUME]
        waits.append(row.due_at - world.clock())
        world.clock.now = row.due_at
    assert waits == [GRACE, GRACE, timedelta(seconds=4), timedelta(seconds=8)]


# --- webhook URLs ---


async def test_the_urls_are_looked_up_when_the_resume_is_sent(world: World, decided: Round) -> None:
    world.crews["research"] = a_crew(configured=webhook_urls("configured"))
    async with world.engines.write.begin() as connection:
        await connection.execute(
            webhooks.insert().values(
                crew="research",
                execution_id="e-1",
                origin=REGISTERED,
                task_url="https://registered",
            )
        )
    await world.turn(CREW)
    (resumed,) = world.crew.taken
    assert resumed.webhooks == replace(webhook_urls("configured"), task="https://registered")


async def test_the_urls_of_the_notification_are_passed_on(world: World) -> None:
    world.crew.pause()
    received = await world.notify(webhooks=webhook_urls("carried"))
    await world.decide(received.round.id)
    await world.turn(CREW)
    assert world.crew.taken[0].webhooks == webhook_urls("carried")


async def test_a_crew_without_urls_is_told_none(world: World, decided: Round) -> None:
    await world.turn(CREW)
    assert world.crew.taken[0].webhooks == WebhookUrls()


async def test_a_resume_does_not_wait_for_slack(world: World) -> None:
    received = await world.notify()
    world.crew.pause()
    world.slack.faults.append(Fault(AWAY))
    await world.turn()
    await world.decide(received.round.id)
    (job,) = await world.lease(CREW)
    await deliver(job, world.context)
    assert (await world.round(received.round.id)).state is State.RESUMED
    assert (await world.effects())[0] is POST
