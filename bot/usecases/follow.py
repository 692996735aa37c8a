"""Following an execution to its end: what its webhooks and its status say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.effects import Effect, EffectKind
from bot.domain.execution import FAILED, GONE, CrewNews, News, Run, RunState, StepNews, TaskNews
from bot.domain.outcome import Delivered, Outcome
from bot.domain.retry import Retry
from bot.domain.review import ENDED
from bot.domain.verdict import Person
from bot.usecases.delivery.context import Outside
from bot.usecases.ports.base import NewId
from bot.usecases.ports.outbox import Job
from bot.usecases.ports.store import Tx, UnitOfWork
from bot.usecases.read_models import Parcel, Progress, Silence

#: How often a crew is asked for an execution's status: after 5 s, then ever less often.
GENTLY = Retry(
    first=timedelta(seconds=5), longest=timedelta(minutes=5), patience=timedelta(days=14)
)
#: A crew that says 404 sooner may only be reached at a wrong address, or be just deployed: a review
#: is not closed on that word alone.
SETTLED = timedelta(minutes=10)
_ERRORS = frozenset({"error", "failed"})
_COMPLETED = "completed"


async def begin(
    tx: Tx,
    crew: str,
    execution_id: str,
    *,
    at: datetime,
    starter: Person | None = None,
    inputs: tuple[tuple[str, str], ...] = (),
) -> None:
    """From now on people follow this execution: it was started here, or it has a review.

    What was heard of it before is shown now.
    """
    run = await tx.runs.open(crew, execution_id, at=at)
    if run.known and starter is None and not run.is_over:
        return
    first, again = not run.known, run.known and run.is_over
    if starter is not None:
        run = replace(run, starter=starter, inputs=inputs)
    if again:
        run = run.begin_again()
    await tx.runs.save(replace(run, known=True))
    effects = [_about(run, EffectKind.PROGRESS)] if starter is not None or run.finished else []
    if first:
        effects += [_about(run, EffectKind.TASK_DONE, name) for name in await tx.runs.news_of(run)]
    if run.is_over:
        effects.append(_about(run, EffectKind.CONCLUDE))
    await tx.enqueue(effects, at=at)
    if (first or again) and not run.is_over:
        await tx.enqueue([_about(run, EffectKind.FOLLOW)], at=at + GENTLY.first, wake=False)


async def hear_news(
    crew: str,
    execution_id: str,
    news: News,
    *,
    uow: UnitOfWork,
    at: datetime,
    new_id: NewId,
    parcel: Parcel | None = None,
) -> None:
    """A task, step or crew webhook came; `parcel` is to be handed on as it is."""
    async with uow.begin() as tx:
        if parcel is not None:
            await tx.runs.send(parcel)
            hand_on = Effect(EffectKind.HAND_ON, parcel.id, crew, execution_id)
            await tx.enqueue([hand_on], at=at)
        if isinstance(news, StepNews):
            run = await tx.runs.open(crew, execution_id, at=at)
            await tx.runs.save(replace(run, step=news.doing))
            return
        await tx.note_heard(crew, execution_id, at=at)
        run = await tx.runs.open(crew, execution_id, at=at)
        if isinstance(news, TaskNews):
            await _task_done(tx, run, news, at=at, news_id=new_id())
        else:
            await _crew_done(tx, run, news, at=at)


async def _task_done(tx: Tx, run: Run, news: TaskNews, *, at: datetime, news_id: str) -> None:
    await tx.runs.add_news(news_id, run, news, at=at)
    run = run.finish_task()
    await tx.runs.save(run)
    if run.known:
        kinds = (_about(run, EffectKind.PROGRESS), _about(run, EffectKind.TASK_DONE, news_id))
        await tx.enqueue(kinds, at=at)


async def _crew_done(tx: Tx, run: Run, news: CrewNews, *, at: datetime) -> None:
    ended = run.end(RunState.COMPLETED, at, result=news.result, tokens=news.tokens)
    await _end(tx, run, ended, ENDED, at=at)


async def follow(job: Job, outside: Outside) -> Outcome:
    """Ask the crew how far an execution is, ever less often, until it is over."""
    effect = job.effect
    client = outside.clients.get(effect.crew)
    view = await outside.uow.read.runs.view(effect.crew, effect.execution_id)
    if client is None or view is None or view.run.is_over:
        async with outside.uow.begin() as tx:
            await tx.done(job)
        return Delivered()
    said = await client.status(effect.execution_id)
    now = outside.clock()
    async with outside.uow.begin() as tx:
        run = await tx.runs.open(effect.crew, effect.execution_id, at=now)
        looked = _learn(run, said, now)
        if looked.is_over:
            reason = {RunState.FAILED: _failed(looked), RunState.GONE: GONE}
            await _end(tx, run, looked, reason.get(looked.state, ENDED), at=now)
        elif looked != run:
            await tx.runs.save(looked)
            await tx.enqueue([_about(looked, EffectKind.PROGRESS)], at=now)
        if looked.is_over or now - job.created_at >= GENTLY.patience:
            await tx.done(job)
        else:
            wait = GENTLY.after(job.tries + 1, jitter=outside.jitter())
            await tx.again(job, at=now + wait, unsure=False)
    return Delivered()


def _learn(run: Run, said: Progress | Silence, now: datetime) -> Run:
    match said:
        case Silence(gone=True) if now - run.began_at >= SETTLED:
            return run.end(RunState.GONE, now)
        case Silence():
            return run
        case Progress(state=state) if state.lower() == _COMPLETED:
            run = run.look(finished=said.completed_tasks, total=said.total_tasks, current=None)
            return run.end(RunState.COMPLETED, now, result=said.result)
        case Progress(state=state) if state.lower() in _ERRORS:
            return run.end(RunState.FAILED, now, error=said.error or "")
        case _:
            return run.look(
                finished=said.completed_tasks, total=said.total_tasks, current=said.current_task
            )


def _failed(run: Run) -> str:
    return f"{FAILED}: {run.error}" if run.error else FAILED


async def _end(tx: Tx, before: Run, ended: Run, reason: str, *, at: datetime) -> None:
    """Close what waits, and say so once."""
    await tx.runs.save(ended)
    for round_ in await tx.unfinished(ended.crew, ended.execution_id):
        move = round_.close(reason, at)
        await tx.save(move.round)
        await tx.enqueue(move.effects, at=at)
    if not ended.known:
        return
    effects = [_about(ended, EffectKind.PROGRESS)]
    if not before.is_over:
        effects.append(_about(ended, EffectKind.CONCLUDE))
    await tx.enqueue(effects, at=at)


def _about(run: Run, kind: EffectKind, subject: str = "") -> Effect:
    return Effect(kind, subject or run.execution_id, run.crew, run.execution_id)
