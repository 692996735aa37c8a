"""A person decides, or asks to try again."""

from __future__ import annotations

from bot.domain.caveats import NOTHING_SEEN, Caveats, Seen
from bot.domain.errors import ConfirmationNeeded, InvalidTransition
from bot.domain.execution import ExecutionState
from bot.domain.people import Role
from bot.domain.review import Round, State
from bot.domain.verdict import Approve, Decision, Person, Verdict, Via
from bot.usecases.context import ReviewContext
from bot.usecases.evidence import reopen as reopen_execution


async def decide(
    round_id: str,
    verdict: Verdict,
    *,
    by: Person,
    via: Via,
    context: ReviewContext,
    seen: Seen = NOTHING_SEEN,
) -> Round:
    """Record a person's decision; the first one wins. `seen` is what they were asked about.

    Raises RoundNotFound, NotAReviewer, UnknownCrew, a NotWaiting that says why it is too late,
    ConfirmationNeeded, or StoreUnavailable: then nothing was recorded.
    """

    async def record() -> Round:
        now = context.clock()
        async with context.uow.begin() as tx:
            round_ = await tx.round(round_id)
            context.require(by.id, Role.REVIEWER, round_)
            round_.require_waiting()
            unsent = 0
            if isinstance(verdict, Approve):
                caveats = (await tx.notes.circumstances(round_.id, by)).caveats(by, now)
                if not caveats.all_in(seen):
                    raise ConfirmationNeeded(caveats)
                unsent = caveats.notes
            transition = round_.decide(Decision(verdict, by, now, via, unsent))
            await tx.save(transition.round)
            await tx.enqueue(transition.effects, at=now)
        return transition.round

    # Only when it returns may the listener acknowledge: Slack never repeats a click.
    return await context.permitting(by.id, Role.REVIEWER, record)


async def may_revise(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """The round, if this person may ask for changes now; checked again when they do.

    Raises as `decide` does.
    """
    round_ = await context.uow.read.round(round_id)
    await context.ensure(by.id, Role.REVIEWER, round_)
    round_.require_waiting()
    return round_


async def caveats_for(round_id: str, *, by: Person, context: ReviewContext) -> Caveats:
    """What this person would overlook if they approved now."""
    found = await context.uow.read.notes.circumstances(round_id, by)
    return found.caveats(by, context.clock())


async def record_read_to_end(round_id: str, *, by: Person, context: ReviewContext) -> None:
    """Remember that this person has turned to the last page of a round's output."""
    async with context.uow.begin() as tx:
        await tx.notes.record_read_to_end(round_id, by)


async def retry(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Send a stuck decision once more, as it was.

    Raises RoundNotFound, NotAReviewer, UnknownCrew, or InvalidTransition when it is not stuck (any
    more).
    """

    async def record() -> Round:
        async with context.uow.begin() as tx:
            round_ = await tx.round(round_id)
            context.require(by.id, Role.REVIEWER, round_)
            transition = round_.retry()
            await tx.save(transition.round)
            await tx.enqueue(transition.effects, at=context.clock())
        return transition.round

    return await context.permitting(by.id, Role.REVIEWER, record)


async def reopen(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Let an execution's rounds wait again that were closed because the crew did not know it.

    Reviewers and operators may. They are closed anew if the crew goes on not knowing it. Raises
    RoundNotFound, NotAReviewer, UnknownCrew, or InvalidTransition when there is nothing to reopen.
    """
    closed = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, closed)
    review = closed.review
    now = context.clock()
    async with context.uow.begin() as tx:
        execution = await tx.executions.open(review.crew, review.execution_id, at=now)
        if execution.is_over and execution.state is not ExecutionState.GONE:
            raise InvalidTransition(execution.state, "be reopened")
        await reopen_execution(tx, execution, at=now)
        reopened = await tx.round(round_id)
        if reopened.state not in (State.WAITING, State.STUCK):
            raise InvalidTransition(reopened.state, "be reopened")
        return reopened
