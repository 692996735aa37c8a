"""Dismissals: of a round that is stuck or gone, and of the report of a dead letter."""

from crewgate.domain.audit import Code, Entry
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import InvalidTransition
from crewgate.domain.people import Role
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person
from crewgate.usecases.access import crew_for
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.read_models import DeadLetter
from crewgate.usecases.timed import apply


async def dismiss(round_id: str, why: str, *, by: Person, context: ReviewContext) -> Round:
    """Close a round for good, with a person and a reason; nothing more is sent to the crew.

    Reviewers and operators may. Raises RoundNotFound, NotAReviewer, UnknownCrew, StoreUnavailable,
    or InvalidTransition if it is neither stuck nor gone.
    """
    await may_dismiss(round_id, by=by, context=context)
    now = context.clock()
    async with context.uow.begin() as tx:
        tx.audit.acts(by)
        transition = (await tx.round(round_id)).dismiss(by, why.strip(), now)
        await apply(tx, transition, at=now)
    return transition.round


async def may_dismiss(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Return the round if this person may dismiss it now; checked again when they do.

    Raises as `dismiss` does.
    """
    round_ = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, round_)
    if not round_.can_dismiss:
        raise InvalidTransition(round_.state, "be dismissed")
    return round_


async def dismiss_report(
    dead_letter_id: str, why: str, *, by: Person, context: ReviewContext
) -> None:
    """Record that somebody has dealt with a dead letter, which stays stored.

    Operators may; reviewers where the settings name none. Raises NotPermitted, UnknownCrew,
    StoreUnavailable, or InvalidTransition if there is none (any more).
    """
    dead_letter = await _report(dead_letter_id, by=by, context=context)
    now = context.clock()
    async with context.uow.begin() as tx:
        if not await tx.dismiss_dead_letter(dead_letter_id, Dismissed(by, why.strip()), at=now):
            raise _dismissed_already()
        tx.audit.acts(by)
        entry = Entry(Code.REPORT_DISMISSED, by.id, {"webhook": dead_letter_id})
        tx.audit.add(entry, crew=dead_letter.crew)
        refresh = Effect(EffectKind.REFRESH_REPORT, dead_letter_id, dead_letter.crew, "")
        await tx.enqueue([refresh], at=now)


async def may_dismiss_report(
    dead_letter_id: str, *, by: Person, context: ReviewContext
) -> DeadLetter:
    """Return the dead letter if this person may see and dismiss it. Raises as `dismiss_report`."""
    dead_letter = await _report(dead_letter_id, by=by, context=context)
    if dead_letter.dismissed is not None:
        raise _dismissed_already()
    return dead_letter


async def _report(dead_letter_id: str, *, by: Person, context: ReviewContext) -> DeadLetter:
    dead_letter = await context.uow.read.dead_letter(dead_letter_id)
    if dead_letter is None:
        raise _dismissed_already()
    crew = crew_for(dead_letter.crew, context.crews)
    await context.ensure(by.id, Role.OPERATOR if crew.operators else Role.REVIEWER, crew.name)
    return dead_letter


def _dismissed_already() -> InvalidTransition:
    return InvalidTransition("dismissed or unknown", "be dismissed")
