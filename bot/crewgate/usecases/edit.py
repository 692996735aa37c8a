"""A person's own text in the place of a round's output."""

from dataclasses import replace

from crewgate.domain.caveats import Seen
from crewgate.domain.edits import REVISION_LIMIT, edits_of, exact_revision
from crewgate.domain.errors import NothingEdited, TooManyEdits, VerdictMisplaced
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
    round_.require_waiting()
    if round_.question is not None:
        raise VerdictMisplaced
    edits = await off_loop(edits_of, before.text, text)
    if not edits:
        raise NothingEdited
    _, carried = await context.uow.read.webhooks(round_)
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
        edited=Edited(round_, replace(before, text=text), carried, new_id),
    )
