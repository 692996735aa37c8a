"""The question before an approval: notes that wait, a claim, an excerpt."""

from collections.abc import Sequence

from crewgate.domain.caveats import Caveats, is_empty
from crewgate.domain.notes import Note
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, actions, button, section
from crewgate.slack.blockkit.modals import modal
from crewgate.slack.payloads import asked
from crewgate.slack.reviews import form_strings, strings
from crewgate.slack.reviews.buttons import APPROVE, READ, REVISE
from crewgate.usecases.read_models import CardView


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
        title, anyway = form_strings.ANSWER_TITLE, form_strings.ANSWER_ANYWAY
        answer = [section(form_strings.will_answer(question.outcomes[outcome]))]
    else:
        title, anyway, answer = form_strings.CONFIRM_TITLE, form_strings.APPROVE_ANYWAY, []
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
    said = strings.so_far(view.round) if decision is None else form_strings.received(decision)
    return modal(
        shared.RECORDED_TITLE,
        [section(strings.about(view)), section(said)],
    )


def render_caveats(caveats: Caveats, notes: Sequence[Note], *, again: bool = False) -> list[Block]:
    """A paragraph for each thing that an approval could overlook; `notes` are those that wait."""
    claim = caveats.claim
    return [
        *([section(form_strings.ASKED_AGAIN)] if again else []),
        *([section(form_strings.unsent(caveats.notes, notes))] if caveats.notes else []),
        *([section(f"{strings.on_it_in_list(claim)}.")] if claim is not None else []),
        *([section(form_strings.not_all_shown(caveats))] if caveats.is_excerpt else []),
    ]
