"""The question before an approval: notes that wait, a claim, what was not shown."""

from collections.abc import Sequence
from typing import Final

from crewgate.domain.caveats import WHOLE, Caveats, Note, Unseen, is_empty
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, actions, button, modal, section
from crewgate.slack.blockkit.text import ELLIPSIS, duration, one_line
from crewgate.slack.payloads import asked
from crewgate.slack.press import Where
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.buttons import APPROVE, READ, REVISE, UNMASK
from crewgate.usecases.read_models import CardView

ANYWAY: Final = "Approve anyway"
_NOTE_LINE: Final = 150
_NOTES_SHOWN: Final = 5
_ASKED_AGAIN: Final = "*Something has changed since you were asked.* Nothing is decided yet."
_COLUMNS: Final = (
    f"*Columns of a table are beyond a phone's edge.* *{READ.label}* shows them row by row."
)
_SHOWS: Final = {Where.HOME: "This row shows", Where.CARD: "This card shows"}


def render_confirmation(
    view: CardView,
    caveats: Caveats,
    notes: Sequence[Note],
    *,
    again: bool = False,
    outcome: int | None = None,
    where: Where = Where.MODAL,
) -> Block:
    """The modal that asks before an approval; `outcome` answers a flow.

    What can do no harm is its green button: to revise where notes wait or there is nothing to read,
    else to read, or to be shown what is masked. To approve all the same is one plain button among
    others. `again`: a caveat changed since the same person was asked; `where` they pressed.
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
        title, anyway, answer = "Before you approve", ANYWAY, []
    approve = APPROVE.id if outcome is None else f"{ids.ANSWER}.{outcome}"
    other = READ.on(round_.id) if revises else REVISE.on(round_.id, label=words)
    unmasks = not revises and caveats.unseen == {Unseen.MASKS}
    green = UNMASK.label if unmasks else READ.label
    masks = [UNMASK.on(round_.id)] if Unseen.MASKS in caveats.unseen and not unmasks else []
    return modal(
        title,
        [
            section(strings.about(view)),
            *answer,
            *render_caveats(caveats, notes, view, again=again, where=where),
            actions(button(anyway, action_id=approve, value=round_.id), *masks, other),
        ],
        callback_id=ids.CONFIRM_MODAL,
        metadata=asked(round_.id, caveats.seen),
        submit=words if revises else green,
    )


def render_receipt(view: CardView, *, by_words: bool = False) -> Block:
    """The modal in the place of that question, once it is answered.

    It stays until it is closed, so it does not say how far the decision is on its way. `by_words`:
    what this person wrote has put the round under another rule.
    """
    said = section((strings.ruled_by_words if by_words else strings.recorded)(view.round))
    return modal(shared.RECORDED_TITLE, [section(strings.about(view)), said])


def render_caveats(
    caveats: Caveats,
    notes: Sequence[Note],
    view: CardView,
    *,
    again: bool = False,
    where: Where = Where.MODAL,
) -> list[Block]:
    """A paragraph for each thing that an approval could overlook; `notes` are those that wait."""
    claim, turned = caveats.claim, caveats.turned
    lines = [
        _ASKED_AGAIN if again else "",
        unsent(caveats.notes, notes) if caveats.notes else "",
        f"{strings.on_it(claim)}." if claim is not None else "",
    ]
    for unseen in sorted(caveats.unseen):
        match unseen:
            case Unseen.EXCERPT:
                lines.append(not_all_shown(caveats, where))
            case Unseen.COLUMNS:
                lines.append(_COLUMNS)
            case Unseen.MASKS:
                lines.append(strings.not_shown(view.masked))
            case Unseen.HASTE if turned is not None:
                lines.append(f"*You turned {turned.pages:,} pages in {duration(turned.took)}.*")
    return [section(line) for line in lines if line]


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


def not_all_shown(caveats: Caveats, where: Where = Where.MODAL) -> str:
    """The share of the output beside the button of somebody who has not read it to its end."""
    share, on_card = caveats.share, caveats.on_card
    if is_empty(share):
        return "*The output is empty.* There is nothing to approve."
    if share is not None and share.shown:
        first = f"the first {share.shown:,} of {share.of:,} characters"
        card = " The card shows all of it." if on_card == WHOLE and where is not Where.CARD else ""
        return f"*{_SHOWS.get(where, 'Beside the button were')} {first}.*{card}"
    if share is not None or not on_card:
        return "You were not shown all of this output, and have not read it to its end."
    return f"*The card shows {on_card} % of this output.*"
