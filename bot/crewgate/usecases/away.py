"""Absences: going away, with a delegate who decides meanwhile, and coming back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from crewgate.domain.audit import Code, Entry
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import AbsenceProblem, AbsenceRefused
from crewgate.domain.people import Notify, Role
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import LONGEST, Absence
from crewgate.domain.verdict import Person
from crewgate.usecases.access import ReviewContext, notify_for
from crewgate.usecases.read_models import Selection

#: The most waiting rounds whose cards are updated at once, the oldest first.
CARDS: Final = 50


async def go_away(
    by: Person, delegate: Person, *, until: datetime, context: ReviewContext
) -> tuple[Absence, int]:
    """Let a delegate decide where this person may, in place of any delegate before.

    Return the absence, and the number of waiting cards that name the delegate, CARDS at most. The
    delegate also gets the reviewers' private messages.
    """
    now = context.clock()
    if until <= now:
        raise AbsenceRefused(AbsenceProblem.PAST)
    if until > now + LONGEST:
        raise AbsenceRefused(AbsenceProblem.TOO_FAR)
    if delegate.id == by.id:
        raise AbsenceRefused(AbsenceProblem.THEMSELVES)
    is_colleague = await context.directory.look_up_colleague(delegate.id)
    if not is_colleague:
        raise AbsenceRefused(
            AbsenceProblem.NOT_TOLD if is_colleague is None else AbsenceProblem.NO_COLLEAGUE
        )
    absence = Absence(away=by, delegate=delegate, since=now, until=until)
    waiting = await _waiting_for(by, context)
    async with context.uow.begin() as tx:
        await tx.absences.put(absence, at=now)
        data = {"delegate": delegate.id, "until": until.isoformat()}
        tx.audit.add(Entry(Code.AWAY, by.id, data), execution_id=by.id)
        await tx.enqueue([one for round_ in waiting for one in _told(round_, context)], at=now)
    return absence, len(waiting)


async def come_back(by: Person, *, context: ReviewContext) -> bool:
    now = context.clock()
    waiting = await _waiting_for(by, context)
    async with context.uow.begin() as tx:
        was_away = await tx.absences.remove(by.id, at=now)
        if was_away:
            tx.audit.add(Entry(Code.BACK, by.id, {}), execution_id=by.id)
            await tx.enqueue([round_.effect(EffectKind.REFRESH) for round_ in waiting], at=now)
    return was_away


async def _waiting_for(by: Person, context: ReviewContext) -> list[Round]:
    [theirs] = await context.queues_of(by.id, Role.REVIEWER, recheck=False)
    read = context.uow.read.rounds
    lines = await read.lines(
        await read.first(Selection(queues=theirs, states=(State.WAITING,)), limit=CARDS)
    )
    return [line.round for line in lines if line.round.rule.delegation]


def _told(round_: Round, context: ReviewContext) -> Iterator[Effect]:
    yield round_.effect(EffectKind.REFRESH)
    if notify_for(round_, context.crews, context.directory) is Notify.DM:
        yield round_.effect(EffectKind.TELL_REVIEWERS)
