"""The forms of a review: approve, confirm, revise with the notes of the thread, edit, dismiss."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from crewgate.domain.acts import arguments_of
from crewgate.domain.caveats import NOTHING_SEEN, Draft, Note, Seen, Share, Unseen
from crewgate.domain.notification import Output, Question
from crewgate.domain.reason import WHY_LIMIT
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Round
from crewgate.domain.subjects import question_of
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks, text
from crewgate.slack.blockkit.blocks import Block, actions, button, context, modal, present, section
from crewgate.slack.blockkit.excerpts import first_part, length, page_of_blocks
from crewgate.slack.blockkit.rich_text import in_blocks, quotation
from crewgate.slack.metadata import asked
from crewgate.slack.payloads import edit_box
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.output import laid_out, output_in_modal, parts_to_edit
from crewgate.slack.reviews.standing import (
    MASKS_STAY,
    Briefing,
    caution,
    head,
    render_caveats,
    standing,
)
from crewgate.slack.words import cards, names
from crewgate.slack.words.decisions import ANSWER_LIMIT, asker
from crewgate.slack.words.subjects import wording
from crewgate.usecases.read_models import CardView, DeadLetter

ANYWAY: Final = "Approve anyway"


def render_confirmation(briefing: Briefing, *, outcome: int | None = None) -> Block:
    """Render the modal that asks before an approval, or before a flow gets the `outcome`.

    Its green button is harmless: it revises if notes wait or nothing can be read, else it opens the
    reader or shows masks. Approving anyway is one plain button.
    """
    round_, caveats = briefing.view.round, briefing.caveats
    labels = round_.subject.labels
    words = cards.words_label(round_)
    revises = bool(caveats.notes) or caveats.seen.calls_for_words
    if outcome is not None:
        title, anyway = "Before you answer", "Answer anyway"
        label = text.one_line(labels[outcome], cards.OUTCOME_SHOWN)
        answer = [section(f"The answer will be “{label}”.")]
    else:
        title, anyway, answer = "Before you approve", ANYWAY, []
    approve = buttons.APPROVE.id if outcome is None else f"{ids.ANSWER}.{outcome}"
    other = buttons.READ.on(round_.id) if revises else buttons.REVISE.on(round_.id, label=words)
    unmasks = not revises and caveats.unseen == {Unseen.MASKS}
    green = buttons.UNMASK.label if unmasks else buttons.READ.label
    masks = [buttons.UNMASK.on(round_.id)] if Unseen.MASKS in caveats.unseen and not unmasks else []
    return modal(
        title,
        [
            *head(briefing),
            *answer,
            actions(button(anyway, action_id=approve, value=round_.id), *masks, other),
        ],
        callback_id=ids.CONFIRM_MODAL,
        metadata=asked(round_.id, caveats.seen),
        submit=words if revises else green,
    )


def render_receipt(view: CardView, *, by_words: bool = False) -> Block:
    """Render the modal that says what was recorded, in place of the modal that asked.

    It stays open, so it leaves out the progress of the decision. `by_words` is True if this
    person's words have put the round under another rule.
    """
    sentence = section((cards.ruled_by_words if by_words else cards.recorded)(view.round))
    return modal(names.RECORDED_TITLE, [section(cards.about(view)), sentence])


#: The most blocks of notes on one page of a form, between the box and the output's beginning.
_BLOCKS: Final = 40


def render_notes_left(draft: Draft, page: int) -> list[Block]:
    """Render a page of the notes that are not in the box, in full, each with a button to add it."""
    if not draft.left:
        return []
    found = page_of_blocks(map(_note, draft.left), page, most=_BLOCKS)
    turn = buttons.page_buttons(
        found, value=str(found.number), previous_id=ids.PREVIOUS_NOTES, next_id=ids.NEXT_NOTES
    )
    return [section("*Other notes: add what should be sent*"), *found.blocks, *turn]


def _note(note: Note) -> list[Block]:
    about = f"{names.person(note.by)} · {names.counted(len(note.text), 'character')}"
    if not note.fits:
        head = context(f"{about}, more than the box holds: copy it from the thread.")
        return [head, *quotation(note.text)]
    add = button("Add", action_id=ids.ADD_NOTE, value=note.ts)
    return [section(about, add) | {"block_id": f"note-{note.ts}"}, *quotation(note.text)]


_EXCERPT_LIMIT: Final = 2_800
_BODY_READ: Final = 2**16
_BODY_SHOWN: Final = 1_500
_OUTCOMES_SHOWN: Final = 10


def render_approve_form(briefing: Briefing, *, comment: str = "") -> Block:
    """Render the form for an approval's comment; it tells of caveats, and offers to read first."""
    round_, caveats = briefing.view.round, briefing.caveats
    masks = buttons.UNMASK.on(round_.id) if Unseen.MASKS in caveats.unseen else None
    read = buttons.READ.on(round_.id) | {"style": "primary"}
    # Slack keeps the old text of a box unless the box has a new `block_id`.
    box = f"{ids.FEEDBACK}-{caveats.notes_mark or 0}" if briefing.again else ids.FEEDBACK
    return modal(
        "Approve with a comment",
        present(
            *head(briefing),
            actions(*present(read, masks)) if caveats.unseen else None,
            section(
                "The output is approved as it is. Your comment becomes context for the crew's "
                "*next tasks*; it does not change this output. To have it changed, use Revise."
            ),
            context("Your comment is sent with your name, once the last approval is given.")
            if round_.rule.approvals > 1
            else None,
            _box(
                "Your comment",
                placeholder="What should the crew keep in mind from here on?",
                block_id=box,
                value=comment,
            ),
        ),
        callback_id=ids.APPROVE_MODAL,
        metadata=asked(round_.id, caveats.seen),
        submit=ANYWAY if render_caveats(briefing) else buttons.APPROVE.label,
    )


def render_revise_form(
    view: CardView,
    draft: Draft,
    *,
    notes_mark: str = "",
    revision: int = 0,
    page: int = 0,
    problem: str | None = None,
) -> Block:
    """Render the form behind Revise: the box holds notes; notes that do not fit stand below.

    `page` is the page of notes below, `notes_mark` the mark in `Caveats`. `revision` counts refills
    of the box: Slack takes a new text only for a new box.
    """
    with_notes = bool(draft.text or draft.left or revision)
    round_ = view.round
    says = wording(round_)
    box = _box(
        says.form_label,
        placeholder=says.form_says.format(asker=asker(round_)),
        block_id=f"{ids.FEEDBACK}-{revision}.{page}" if with_notes else ids.FEEDBACK,
        value=draft.text,
    )
    question = question_of(round_.subject)
    is_ask = question is not None and question.ask is not None
    overflow = "Not every note fits: the box holds 3,000 characters. Those left out stand below."
    warnings = (problem, f":exclamation: {overflow}" if draft.overflowed else None)
    return modal(
        cards.words_label(round_),
        present(
            section(cards.about(view)),
            *standing(view, notes=False, approves=question is not None),
            *(_output(view, "*The question*") if is_ask else []),
            *(_question(round_, question) if question else []),
            context("The agent may use its tools again.")
            if round_.tools_used and not question
            else None,
            box,
            *(caution(view, warning) for warning in warnings if warning),
            *render_notes_left(draft, page),
            *([] if is_ask else _output(view)),
        ),
        callback_id=ids.NOTES_MODAL if with_notes else ids.REVISE_MODAL,
        metadata=asked(view.round.id, Seen(notes=notes_mark)),
        submit=says.form_submit,
    )


def _question(round_: Round, question: Question) -> list[Block]:
    asked = question.message
    quoted = quotation(asked, cards.MESSAGE_SHOWN)
    if not question.outcomes or question.is_of_crew:
        return [*quoted, context(f"The {asker(round_)} gets exactly what you write.")]
    known = [
        f"“{text.one_line(label, cards.OUTCOME_SHOWN)}”"
        for label in question.outcomes[:_OUTCOMES_SHOWN]
    ]
    more = len(question.outcomes) - len(known) + question.left_off
    listed = f"{', '.join(known)}{f' and {more:,} more' if more else ''}"
    becomes = (
        "A model on the flow's side will read this and choose one of its outcomes, perhaps not the"
        f" one you mean: {listed}. To be sure, press the outcome's own button."
    )
    return [*quoted, context(becomes)]


def render_dismiss_form(view: CardView) -> Block:
    return _dismiss_form(
        buttons.DISMISS.label,
        [
            section(cards.about(view)),
            section(
                "The card is closed for good and nothing more is sent to the crew. Your name and "
                "your reason stay on the card and in its history."
            ),
        ],
        callback_id=ids.DISMISS_MODAL,
        metadata=asked(view.round.id, NOTHING_SEEN),
    )


def render_what_came(came: Sequence[DeadLetter], redactor: Redactor) -> Block:
    first = came[0]
    left = first.count - len(came)
    what = "A webhook" if first.count == 1 else f"{names.total(first.count)} webhooks"
    return _dismiss_form(
        cards.WHAT_CAME,
        present(
            section(
                f"{what} of {names.bold(names.crew(first.crew))} could not be understood. The "
                "crew does not repeat this, so it is kept as it came, in the table `dead_letters`; "
                "the log has `not_understood` with the same id."
            ),
            *chain.from_iterable(_dead_letter(one, redactor) for one in came),
            context(f"{names.more(left)}, in the table `dead_letters`") if left else None,
            section(
                "*What to do.* If an execution waits at the crew, answer it with the crew's own "
                "`POST /resume`. If CrewAI sends this shape, report it as a bug; if a proxy or a "
                "setting of the crew made it, correct that. Then say below why this is done with "
                "and press Dismiss: your name and your words stay on the message in the channel."
            ),
        ),
        callback_id=ids.DISMISS_REPORT_MODAL,
        metadata=first.id,
    )


def _dead_letter(dead_letter: DeadLetter, redactor: Redactor) -> list[Block]:
    if dead_letter.removed_at is not None:
        return [section(names.removed(dead_letter.removed_at))]
    reason = names.capital(redactor.text(dead_letter.reason))
    why = text.one_line(reason, ANSWER_LIMIT).rstrip(". ")
    name = f"*{names.date(dead_letter.received_at)}* · {names.identifier(dead_letter.id)}"
    # A secret that is cut in two is not recognised, so far more is read and masked than is shown.
    whole = redactor.report(dead_letter.body[:_BODY_READ].decode(errors="replace"))
    head = whole[:_BODY_SHOWN]
    while text.utf16_length(body := text.mrkdwn_code(head)) > _EXCERPT_LIMIT:
        head = head[: len(head) * 3 // 4]
    cut = f"This is the beginning; {len(dead_letter.body):,} bytes came."
    return present(
        section(f"{name}\n{why}."),
        None if text.is_blank(body) else section(f"```\n{body}\n```"),
        None if head == whole else context(cut),
    )


def _dismiss_form(title: str, above: Sequence[Block], *, callback_id: str, metadata: str) -> Block:
    why = blocks.text_field(
        "Why?",
        block_id=ids.FEEDBACK,
        action_id=ids.FEEDBACK,
        max_length=WHY_LIMIT,
        placeholder="Started again as a new execution",
        min_length=1,
        # In a report's form the cursor does not start in the box: the text above is read first.
        focus_on_load=callback_id == ids.DISMISS_MODAL,
    )
    return modal(
        title,
        [*above, why],
        callback_id=callback_id,
        metadata=metadata,
        submit=buttons.DISMISS.label,
    )


def _box(label: str, *, placeholder: str, block_id: str = ids.FEEDBACK, value: str = "") -> Block:
    return blocks.text_field(
        label,
        block_id=block_id,
        action_id=ids.FEEDBACK,
        max_length=FEEDBACK_LIMIT,
        value=value,
        placeholder=placeholder,
        multiline=True,
        min_length=1,
        focus_on_load=True,
    )


def _output(view: CardView, heading: str = "*The output*") -> list[Block]:
    output = view.output
    arguments = arguments_of(output.text) if view.round.subject.has_arguments else None
    if arguments is not None:
        elements, part = laid_out(arguments, _EXCERPT_LIMIT)
        cut = [] if part is None else [context("This is the beginning; the card leads to all.")]
        heading = f"*{wording(view.round).content}*"
        return [section(heading), *in_blocks(elements), *cut] if elements else []
    shown, characters = first_part(output.text, _EXCERPT_LIMIT, render=text.clean)
    if text.is_blank(shown):
        return []
    may_edit = view.round.subject.has_text and parts_to_edit(output) is not None
    first = section(heading, buttons.EDIT.on(view.round.id) if may_edit else None)
    total = length(output.text)
    left_off = context(cards.shown_share(Share(characters, total).percent))
    return present(
        first,
        *output_in_modal(Output(shown, output.format)),
        left_off if characters < total else None,
    )


def render_edit_form(
    briefing: Briefing, written: Sequence[str], *, revision: int = 0, masked: str = ""
) -> Block:
    """Render the form with the parts `written` in its boxes; it says what sending it does.

    `revision` counts refills of the boxes after a caveat changed: Slack takes a new text only for a
    new box. `masked` is the mark of a text with masks.
    """
    round_ = briefing.view.round
    submit, several = "Send edits", ""
    means = (
        "The crew redoes the task with these edits only. The next card says which of them it made."
    )
    if round_.takes_edits:
        submit, several = "Approve my text", cards.edit_of_several(round_)
        means = "Your text takes the place of the crew's output, in your name, and you approve it."
    total = len(written)
    return modal(
        buttons.EDIT.label,
        present(
            *head(briefing),
            section(means),
            caution(briefing.view, several) if several else None,
            context(MASKS_STAY) if masked else None,
            *(
                blocks.text_field(
                    "The text" if total == 1 else cards.part(number + 1, total),
                    block_id=edit_box(revision, number),
                    action_id=ids.EDITED,
                    max_length=FEEDBACK_LIMIT,
                    value=part,
                    multiline=True,
                )
                # One of several boxes may be left empty, which removes its part of the text.
                | {"optional": total > 1}
                for number, part in enumerate(written)
            ),
        ),
        callback_id=ids.EDIT_MODAL,
        metadata=asked(round_.id, briefing.caveats.seen, masked),
        submit=submit,
    )
