"""The caveats of an approval, and the looks that end some of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from crewgate.domain.audit import Code, Entry
from crewgate.domain.caveats import NOTHING_SEEN, Caveats, Circumstances, HastyReading, Look, Seen
from crewgate.domain.crew import Crew
from crewgate.domain.people import Role
from crewgate.domain.verdict import Person
from crewgate.usecases.access import ReviewContext
from crewgate.usecases.ports.base import Crews
from crewgate.usecases.ports.store import Tx


async def caveats_in(
    tx: Tx, round_id: str, *, by: Person, at: datetime, crews: Crews, seen: Seen, is_vote: bool
) -> Caveats:
    """Return the caveats of a person who decides in this transaction; a vote ends their claim."""
    found = _with_masks(await tx.notes.circumstances(round_id, by), crews)
    if is_vote and found.claim is not None and found.claim.by.id == by.id:
        await tx.notes.end_claim(round_id)
    return found.caveats(by, at, seen)


async def caveats_for(
    round_id: str, *, by: Person, context: ReviewContext, seen: Seen = NOTHING_SEEN
) -> Caveats:
    found = _with_masks(await context.uow.read.notes.circumstances(round_id, by), context.crews)
    return found.caveats(by, context.clock(), seen)


def _with_masks(found: Circumstances, crews: Mapping[str, Crew]) -> Circumstances:
    """Return the circumstances; before any card, nothing is masked unless the crew masks data."""
    crew = crews.get(found.crew)
    is_known = found.masked is not None or (crew is not None and bool(crew.redact)) or found.hides
    return found if is_known else replace(found, masked=False)


async def unmask(round_id: str, *, by: Person, context: ReviewContext) -> None:
    round_ = await context.uow.read.round(round_id)
    await context.ensure(by.id, Role.REVIEWER, round_)
    async with context.uow.begin() as tx:
        tx.audit.acts(by)
        tx.audit.of_round(Entry(Code.UNMASKED, by.id, {}), round_)


async def record_unmasked(round_id: str, *, by: Person, context: ReviewContext) -> None:
    async with context.uow.begin() as tx:
        await tx.notes.record_unmasked(round_id, by)


async def record_read_to_end(
    round_id: str,
    *,
    by: Person,
    context: ReviewContext,
    turned: HastyReading | None = None,
    look: Look | None = None,
) -> None:
    async with context.uow.begin() as tx:
        await tx.notes.record_read_to_end(round_id, by, turned, look)
