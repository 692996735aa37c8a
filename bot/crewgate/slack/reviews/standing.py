"""Everything that must be known before somebody decides on a waiting round.

Cards, private messages, pages and forms draw it from here; the words are in `slack.words.cards`,
which rows of lists share. What a person could overlook is asked about with the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crewgate.domain import review, verdict
from crewgate.domain.caveats import WHOLE, Caveats, Note, Unseen, is_empty
from crewgate.domain.review import Round
from crewgate.domain.subjects import question_of
from crewgate.slack.blockkit.blocks import Block, alert, context, present, section
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.blockkit.text import ELLIPSIS, is_blank, one_line
from crewgate.slack.press import Where
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.changes import edits_since, unchanged
from crewgate.slack.words import cards, names, people
from crewgate.usecases.read_models import Approvers, CardView

_NOTE_LINE: Final = 150
_NOTES_SHOWN: Final = 5
_SHOWS: Final = {Where.HOME: "This row shows", Where.CARD: "This card shows"}
MASKS_STAY: Final = (
    "What is masked has a number. Leave each mask where its text belongs: the crew gets the text."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """A waiting round, with all that a person could overlook who approves it now."""

    view: CardView
    caveats: Caveats
    notes: Sequence[Note] = ()
    """The notes that the caveats count."""
    again: bool = False
    """True: a caveat changed since this person was asked."""
    where: Where = Where.MODAL
    """The place of the press."""


def head(briefing: Briefing, *, approves: bool = True) -> list[Block]:
    """Return the beginning of a form: its subject, what to look at, and what else must be known.

    Without `approves`, the form itself says what happens on Approve.
    """
    view, caveats = briefing.view, briefing.caveats
    return [
        section(cards.about(view)),
        *render_caveats(briefing),
        *standing(view, notes=not caveats.notes, claim=caveats.claim is None, approves=approves),
    ]


def standing(
    view: CardView,
    *,
    notes: bool = True,
    claim: bool = True,
    approves: bool = True,
    was_asked: bool = True,
) -> list[Block]:
    """Return what its viewer must know of a waiting round, below the line that names it.

    The flags leave out lines that the form or page has itself. Masks are not named here: pages and
    caveats name them, to viewers who were not shown the masked text.
    """
    viewer = view.viewer
    if viewer is None or view.round.state is not review.State.WAITING:
        return []
    about = cards.about_waiting(view, now=viewer.now, reader=viewer.user, names_round=False)
    return [
        context(names.joined(about, *viewer.why)),
        *([section(empty)] if (empty := cards.nobody_there(view)) else []),
        *(what_was_asked(view) if was_asked and not view.round.subject.has_arguments else []),
        *what_people_do(view, now=viewer.now, reader=viewer.user, notes=notes, claim=claim),
        *([what_happens(view, viewer.user)] if approves else []),
    ]


def what_was_asked(view: CardView) -> list[Block]:
    question = question_of(view.round.subject)
    message = "" if question is None else question.message
    blocks = [] if is_blank(message) else quotation(message, cards.MESSAGE_SHOWN)
    if edits := edits_since(view):
        blocks.append(section(edits))
    elif view.answers is not None and not view.is_quiet:
        blocks += earlier_feedback(view.answers)
    if view.round.unchanged:
        blocks.append(section(unchanged(view.round, view.answers)))
    if (rewritten := view.output.rewritten) and not view.is_quiet:
        blocks.append(section(cards.rewritten(rewritten)))
        blocks += quotation("\n".join(rewritten.lessons), cards.MESSAGE_SHOWN)
    return blocks


def earlier_feedback(previous: Round) -> list[Block]:
    asked = cards.asked(previous)
    if asked is None or previous.decision is None:
        return []
    words = cards.asked_for(previous.decision) or ""
    return [section(asked), *quotation(words, cards.EARLIER_FEEDBACK_SHOWN)]


def what_people_do(
    view: CardView, *, now: datetime, reader: str, notes: bool = True, claim: bool = True
) -> list[Block]:
    """Return lines about referrals, notes and a claim; `reader` is the only viewer, if not ""."""
    lines = [*people.referrals(view.round, reader)]
    if notes and view.notes:
        them = "it" if view.notes == 1 else "them"
        opens = f"{cards.words_label(view.round)} shows {them}."
        lines.append(f"{cards.notes(view.notes, view.noted_by)} in the thread. {opens}")
    if claim and view.claim is not None and view.claim.holds(now):
        lines.append(f"{cards.on_it(view.claim)}. Everybody may still decide.")
    return [context(line) for line in lines]


def what_happens(view: CardView, reader: str | None) -> Block:
    approvers, voices = view.approvers or Approvers(), verdict.voices_of(view.round.votes)
    in_vain = reader is not None and approvers.bar(reader) and reader not in voices
    return context(cards.what_buttons_do(view.round, nobody=approvers.too_few, in_vain=in_vain))


def render_caveats(briefing: Briefing) -> list[Block]:
    view, caveats = briefing.view, briefing.caveats
    claim, turned = caveats.claim, caveats.turned
    asked_again = "*Something has changed since you were asked.* Nothing is decided yet."
    lines = [
        asked_again if briefing.again else "",
        unsent(caveats.notes, briefing.notes) if caveats.notes else "",
        f"{cards.on_it(claim)}." if claim is not None else "",
    ]
    for unseen in [one for one in Unseen if one in caveats.unseen]:
        match unseen:
            case Unseen.COLUMNS:
                edge = "*Columns of a table are beyond a phone's edge.*"
                lines.append(f"{edge} *{buttons.READ.label}* shows them row by row.")
            case Unseen.ERASED:
                this, more = "this", ""
                if view.round.subject.is_act:
                    this, more = "this call", ": it would run with more than what stands here"
                lines.append(f"*Secrets were taken out of {this}, which nobody is shown{more}.*")
            case Unseen.EXCERPT:
                lines.append(not_all_shown(caveats, briefing.where))
            case Unseen.HASTE if turned is not None:
                pages = f"turned {turned.pages:,} pages in"
                what = pages if turned.pages > 1 else "looked at this for"
                lines.append(f"*You {what} {names.duration(turned.took)}.*")
            case Unseen.MASKS:
                lines.append(cards.not_shown(view.masked))
            case Unseen.MAY_HAVE_RUN:
                lines.append(
                    "*If it has been done, it is done once more.* Look before you approve."
                )
    return [block for line in lines if line for block in _caution_above(view, *line.split("\n", 1))]


def _caution_above(view: CardView, caveat: str, quoted: str = "") -> list[Block]:
    return present(caution(view, caveat), section(quoted) if quoted else None)


def caution(view: CardView, text: str) -> Block:
    """Render what a form's reader could overlook: as an alert, where the workspace takes these."""
    viewer = view.viewer
    return alert(text) if viewer is not None and viewer.alerts else section(text)


def unsent(count: int, notes: Sequence[Note]) -> str:
    one = count == 1
    waits = "waits in the thread. It" if one else "wait in the thread. They"
    lines = [f":memo: *{names.counted(count, 'note')} {waits} will not be sent.*"]
    if count > _NOTES_SHOWN:
        lines.append(f"The latest {_NOTES_SHOWN}:")
    lines += [_first_line(note) for note in notes[-_NOTES_SHOWN:]]
    return "\n".join(lines)


def _first_line(note: Note) -> str:
    written = note.text.strip()
    first = written.partition("\n")[0].rstrip()
    shown = first if first == written else f"{first} {ELLIPSIS}"
    return f"> {names.person(note.by)}: {one_line(shown, _NOTE_LINE)}"


def not_all_shown(caveats: Caveats, where: Where = Where.MODAL) -> str:
    """Tell how much of the output an approver has seen."""
    share, on_card = caveats.share, caveats.on_card
    if is_empty(share):
        return "*The output is empty.* There is nothing to approve."
    if share is not None and share.shown:
        first = f"the first {share.shown:,} of {share.of:,} characters"
        card = " The card shows all of it." if on_card == WHOLE and where is not Where.CARD else ""
        return f"*{_SHOWS.get(where, 'You have seen')} {first}.*{card}"
    if share is not None or not on_card:
        return "You were not shown all of this output, and have not read it to its end."
    return f"*The card shows {on_card} % of this output.*"
