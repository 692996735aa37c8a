"""The question before an approval: notes that wait, a claim, an excerpt."""

from __future__ import annotations

from collections.abc import Sequence

from crewgate.domain.caveats import Caveats
from crewgate.domain.notes import Note
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, actions, context, section
from crewgate.slack.blockkit.modals import modal
from crewgate.slack.payloads import asked
from crewgate.slack.reviews import form_strings, strings
from crewgate.slack.reviews.buttons import READ, REVISE
from crewgate.usecases.read_models import CardView


def render_confirmation(
    view: CardView,
    caveats: Caveats,
    notes: Sequence[Note],
    *,
    again: bool = False,
    while_reading: bool = False,
    outcome: int | None = None,
) -> Block:
    """The modal that asks: approve anyway, ask for changes, or cancel; `outcome` answers a flow.

    `again`: a caveat changed since the same person was asked. `while_reading`: it lies on the
    output itself.
    """
    round_ = view.round
    question = round_.question
    words = form_strings.ASK_FOR_CHANGES if question is None else strings.IN_WORDS
    buttons = [REVISE.on(round_.id, label=words)]
    if question is not None and outcome is not None:
        title, submit = form_strings.ANSWER_TITLE, form_strings.ANSWER_SUBMIT
        answer = [section(form_strings.will_answer(question.outcomes[outcome]))]
    else:
        title, submit, answer = form_strings.CONFIRM_TITLE, form_strings.CONFIRM_SUBMIT, []
    if caveats.is_excerpt and not while_reading:
        buttons.append(READ.on(round_.id))
    return modal(
        title,
        [
            context(f"{strings.headline(round_)} · {shared.number_of(round_)}"),
            *answer,
            *render_caveats(caveats, notes, again=again),
            actions(*buttons),
        ],
        callback_id=ids.CONFIRM_MODAL,
        metadata=asked(round_.id, caveats.seen, outcome),
        submit=submit,
        close=form_strings.REVISE_CLOSE,
    )


def render_caveats(caveats: Caveats, notes: Sequence[Note], *, again: bool = False) -> list[Block]:
    """A paragraph for each thing that an approval could overlook; `notes` are those that wait."""
    claim = caveats.claim
    return [
        *([section(form_strings.ASKED_AGAIN)] if again else []),
        *([section(form_strings.unsent(caveats.notes, notes))] if caveats.notes else []),
        *([section(form_strings.claimed(claim))] if claim is not None else []),
        *([section(form_strings.not_all_shown(caveats.shown))] if caveats.is_excerpt else []),
    ]
