"""What somebody is asked about before they approve: notes that wait, a claim, an excerpt."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.caveats import Caveats
from bot.domain.notes import Note
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block, actions, button, context, section
from bot.slack.blockkit.modals import modal
from bot.slack.payloads import asked
from bot.slack.reviews import form_strings, reader_strings, strings
from bot.usecases.read_models import CardView


def render_confirmation(
    view: CardView,
    caveats: Caveats,
    notes: Sequence[Note],
    *,
    again: bool = False,
    while_reading: bool = False,
) -> Block:
    """The modal that asks: approve anyway, ask for changes, or cancel.

    `again`: what it tells of has changed since the same person was asked. `while_reading`: it lies
    on the output that it tells of.
    """
    round_ = view.round
    buttons = [
        button(form_strings.ASK_FOR_CHANGES, action_id=ids.VIEW_REVISE, value=round_.id),
    ]
    if caveats.is_excerpt and not while_reading:
        read = button(reader_strings.READ, action_id=ids.VIEW_READ, value=round_.id)
        buttons.append(read)
    return modal(
        form_strings.CONFIRM_TITLE,
        [
            context(f"{strings.headline(round_)} · {shared.number_of(round_)}"),
            *render_caveats(caveats, notes, again=again),
            actions(*buttons),
        ],
        callback_id=ids.CONFIRM_MODAL,
        metadata=asked(round_.id, caveats.seen),
        submit=form_strings.CONFIRM_SUBMIT,
        close=form_strings.REVISE_CLOSE,
    )


def render_caveats(caveats: Caveats, notes: Sequence[Note], *, again: bool = False) -> list[Block]:
    """What an approval could overlook, each in a paragraph; `notes` are those that wait."""
    claim = caveats.claim
    return [
        *([section(form_strings.ASKED_AGAIN)] if again else []),
        *([section(form_strings.unsent(caveats.notes, notes))] if caveats.notes else []),
        *([section(form_strings.claimed(claim))] if claim is not None else []),
        *([section(form_strings.not_all_shown(caveats.shown))] if caveats.is_excerpt else []),
    ]
