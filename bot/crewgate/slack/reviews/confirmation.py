"""The question before an approval: notes that wait, a claim, an excerpt."""

from collections.abc import Sequence
from typing import Final

from crewgate.domain.caveats import Caveats, is_empty
from crewgate.domain.notes import Note
from crewgate.slack import ids, phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, actions, button, section
from crewgate.slack.blockkit.modals import modal
from crewgate.slack.blockkit.text import ELLIPSIS, one_line
from crewgate.slack.payloads import asked
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.buttons import APPROVE, READ, REVISE
from crewgate.usecases.read_models import CardView

_NOTE_LINE: Final = 150
_NOTES_SHOWN: Final = 5
_ASKED_AGAIN: Final = "*Something has changed since you were asked.* Nothing is decided yet."
_READ_TO_END: Final = "and have not read it to its end"


def render_confirmation(
    view: CardView,
    caveats: Caveats,
    notes: Sequence[Note],
    *,
    again: bool = False,
    outcome: int | None = None,
) -> Block:
    """The modal that asks before an approval; `outcome` answers a flow.

    What can do no harm is its green button: to revise where notes wait or there is nothing to read,
    else to read. To approve all the same is one plain button among others. `again`: a caveat
    changed since the same person was asked.
    """
    round_ = view.round
    question = round_.question
    words = strings.words_label(question)
    revises = bool(caveats.notes) or is_empty(caveats.share)
    if question is not None and outcome is not None:
        title, anyway = "Before you answer", "Answer anyway"
        label = one_line(question.outcomes[outcome], strings.OUTCOME_SHOWN)
        answer = [section(f"The answer will be “{label}”.")]
    else:
        title, anyway, answer = "Before you approve", "Approve anyway", []
    approve = APPROVE.id if outcome is None else f"{ids.ANSWER}.{outcome}"
    other = READ.on(round_.id) if revises else REVISE.on(round_.id, label=words)
    return modal(
        title,
        [
            section(strings.about(view)),
            *answer,
            *render_caveats(caveats, notes, again=again),
            actions(button(anyway, action_id=approve, value=round_.id), other),
        ],
        callback_id=ids.CONFIRM_MODAL,
        metadata=asked(round_.id, caveats.seen),
        submit=words if revises else READ.label,
    )


def render_receipt(view: CardView) -> Block:
    """The modal in the place of that question, once it is answered.

    It stays until it is closed, so it does not say how far the decision is on its way.
    """
    decision = view.round.decision
    said = strings.so_far(view.round)
    if decision is not None:
        does = f"The card shows what the {phrases.receiver(decision)} does."
        said = f"{phrases.sentence(decision)}. {does}"
    return modal(shared.RECORDED_TITLE, [section(strings.about(view)), section(said)])


def render_caveats(caveats: Caveats, notes: Sequence[Note], *, again: bool = False) -> list[Block]:
    """A paragraph for each thing that an approval could overlook; `notes` are those that wait."""
    claim = caveats.claim
    return [
        *([section(_ASKED_AGAIN)] if again else []),
        *([section(unsent(caveats.notes, notes))] if caveats.notes else []),
        *([section(f"{strings.on_it(claim)}.")] if claim is not None else []),
        *([section(not_all_shown(caveats))] if caveats.is_excerpt else []),
    ]


def unsent(count: int, notes: Sequence[Note]) -> str:
    """The notes that an approval does not send, the latest by their authors and first lines."""
    one = count == 1
    waits = "waits in the thread. It" if one else "wait in the thread. They"
    lines = [f":memo: *{shared.counted(count, 'note')} {waits} will not be sent.*"]
    if count > _NOTES_SHOWN:
        lines.append(f"The latest {_NOTES_SHOWN}:")
    lines += [_first_line(note) for note in notes[-_NOTES_SHOWN:]]
    return "\n".join(lines)


def _first_line(note: Note) -> str:
    written = note.text.strip()
    first = written.partition("\n")[0].rstrip()
    shown = first if first == written else f"{first} {ELLIPSIS}"
    return f"> {shared.person(note.by)}: {one_line(shown, _NOTE_LINE)}"


def not_all_shown(caveats: Caveats) -> str:
    """The share of the output that somebody was shown who has not read it to its end."""
    share = caveats.share
    if is_empty(share):
        return "*The output is empty.* There is nothing to approve."
    if share is not None and share.shown:
        return (
            f"*You have seen the first {share.shown:,} of {share.of:,} characters* of this output, "
            f"{_READ_TO_END}."
        )
    if share is not None or caveats.shown is None:
        return f"You were not shown all of this output, {_READ_TO_END}."
    return f"You were shown {caveats.shown} % of this output, {_READ_TO_END}."
