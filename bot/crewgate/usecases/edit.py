"""A person's own text in the place of a round's output."""

from dataclasses import replace

from crewgate.domain.caveats import Seen
from crewgate.domain.edits import REVISION_LIMIT, edits_of, exact_revision
from crewgate.domain.errors import (
    AlreadyDecided,
    NothingEdited,
    RoundSuperseded,
    TooManyEdits,
    VerdictMisplaced,
)
from crewgate.domain.review import Round
from crewgate.domain.verdict import Approve, Person, Revise, Via
from crewgate.usecases.context import ReviewContext
from crewgate.usecases.decide import Edited, decide
from crewgate.usecases.ports.base import NewId, OffLoop


async def edit(
    round_id: str,
    text: str,
    *,
    by: Person,
    context: ReviewContext,
    new_id: NewId,
    off_loop: OffLoop,
    seen: Seen,
) -> Round:
    """Have a round's output be this text: approve it where the crew takes it, else ask for it.

    A crew that takes no other text is asked for exactly these edits, which is a revision. Raises as
    `decide` does; NothingEdited or TooManyEdits.
    """
    posting = await context.uow.read.posting(round_id, as_it_came=True)
    round_, before = posting.view.round, posting.view.output
    try:
        round_.require_waiting()
        if round_.question is not None:
            raise VerdictMisplaced
        edits = await off_loop(edits_of, before.text, text)
        if not edits:
            raise NothingEdited
        revision = exact_revision(edits)
        if not round_.takes_edits and len(revision) > REVISION_LIMIT:
            raise TooManyEdits(len(revision))
        return await decide(
            round_id,
            Approve() if round_.takes_edits else Revise(revision),
            by=by,
            via=Via.EDIT,
            context=context,
            seen=seen,
            edited=Edited(round_, replace(before, text=text), new_id),
        )
    except (AlreadyDecided, RoundSuperseded):
        sent = await _sent_before(round_id, text, by, context, off_loop)
        if sent is None:
            raise
        return sent


async def _sent_before(
    round_id: str, text: str, by: Person, context: ReviewContext, off_loop: OffLoop
) -> Round | None:
    """Return the round that this person's same text has made already: Slack repeats a late form."""
    read = context.uow.read
    posting = await read.posting(round_id, as_it_came=True)
    round_ = posting.view.round
    [line] = await read.rounds.history(round_.review.id, limit=1)
    newest = line.round
    if newest.id != round_.id and newest.edited_by is not None and newest.edited_by.id == by.id:
        edited = await read.posting(newest.id, as_it_came=True)
        decided = newest.decision is not None and newest.decision.is_by(by.id)
        stands = decided or newest.vote_of(by.id) is not None  # it may be taken back
        return newest if stands and edited.view.output.text == text else None
    if round_.decision is None or not round_.decision.is_by(by.id):
        return None
    edits = await off_loop(edits_of, posting.view.output.text, text)
    same = round_.decision.verdict == Revise(exact_revision(edits))
    return round_ if same else None
