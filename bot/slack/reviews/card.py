"""The card: the message that shows a round, in every state of its life."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from bot.domain.changes import measure
from bot.domain.notification import Format, Output
from bot.domain.review import Round, State
from bot.slack import ids
from bot.slack.blockkit.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    markdown,
    notification,
    section,
)
from bot.slack.blockkit.excerpts import first_part, length
from bot.slack.blockkit.text import clean, code, date, is_blank
from bot.slack.reviews import reader_strings as words_reviewing
from bot.slack.reviews import strings as words
from bot.slack.reviews.menu import attention, with_menu
from bot.usecases.read_models import CardView

OUTPUT_LIMIT: Final = 9_000
"""What the output may take of a message's 12,000; the longest of everything else is 2,700."""

_FENCE: Final = ("```json\n", "\n```")
_NAME_LIMIT: Final = 80


def render_card(view: CardView, *, now: datetime) -> Message:
    """A round with its output, and what is true about it now.

    A card stays for days, so its times are left to Slack; `now` ends a claim.
    """
    round_ = view.round
    shown, excerpted = _output(view.output)
    blocks = [
        *_head(view),
        *([section(words.unchanged(round_))] if round_.unchanged else []),
        *shown,
        *attention(view, now=now),
        *_state(round_),
    ]
    return Message(notification(words.card_plain(round_)), blocks, excerpted)


def render_card_plain(view: CardView, *, now: datetime) -> Message:
    """The same without anything an agent wrote, for when Slack refuses the card."""
    round_ = view.round
    blocks = [
        with_menu(words.headline(round_), view),
        context(f"{words.number_of(round_)} · {date(round_.opened_at)}"),
        *([section(words.unchanged(round_))] if round_.unchanged else []),
        section(words.NOT_SHOWABLE),
        *attention(view, now=now),
        *_state(round_),
    ]
    return Message(notification(words.card_plain(round_)), blocks, excerpted=True)


def file_name(view: CardView) -> str:
    """What the file with the whole output is called: `research_task-round-2.md`."""
    task = re.sub(r"[^A-Za-z0-9_]+", "-", view.round.review.title[: 4 * _NAME_LIMIT])
    ending = "json" if view.output.format is Format.JSON else "md"
    named = task[:_NAME_LIMIT].strip("-") or "output"
    return f"{named}-round-{view.round.number}.{ending}"


def file_title(view: CardView) -> str:
    """The title Slack shows above that file."""
    return words.file_title(view.round)


def _head(view: CardView) -> list[Block]:
    round_ = view.round
    parts = (words.number_of(round_), words.agent(round_), date(round_.opened_at))
    blocks = [
        with_menu(words.headline(round_), view),
        context(" · ".join(part for part in parts if part)),
    ]
    if round_.review.expected_output:
        blocks.append(context(words.expected(round_.review.expected_output)))
    earlier = words.earlier_feedback(view.previous) if view.previous is not None else None
    if earlier:
        blocks.append(context(earlier))
    if view.previous is not None and view.before is not None and not round_.unchanged:
        changes = measure(view.before, view.output)
        blocks.append(context(words_reviewing.changed(changes, view.previous)))
    return blocks


def _output(output: Output) -> tuple[list[Block], bool]:
    """The output's blocks, and whether they show only its beginning."""
    # Only a short text is looked at character by character.
    short = len(output.text) <= OUTPUT_LIMIT
    if not output.text.strip() or (short and is_blank(clean(output.text))):
        return [section(words.EMPTY_OUTPUT)], False
    if output.format is Format.JSON:
        before, after = _FENCE
        room = OUTPUT_LIMIT - len(before) - len(after)
        shown, characters = first_part(output.text, room, render=code)
        shown = f"{before}{shown}{after}"
    else:
        shown, characters = first_part(output.text, OUTPUT_LIMIT)
    total = length(output.text)
    if characters >= total:
        return [markdown(shown)], False
    left_off = context(words.excerpted(characters, total))
    # A text that begins with ten thousand spaces: Slack takes no block without a visible text.
    return ([left_off] if is_blank(shown) else [markdown(shown), left_off]), True


def _state(round_: Round) -> list[Block]:
    """What is true about the round now, and what can be done."""
    decision = round_.decision
    match round_.state, decision:
        case State.WAITING, _:
            return [
                actions(
                    button(words.APPROVE, action_id=ids.APPROVE, value=round_.id, style="primary"),
                    button(words.REVISE, action_id=ids.REVISE, value=round_.id),
                )
            ]
        case State.SUPERSEDED, _:
            return [context(words.superseded(round_.number))]
        case State.DECIDED, decision if decision is not None:
            return [section(words.on_its_way(round_, decision))]
        case State.RESUMED, decision if decision is not None:
            return [section(words.taken(round_, decision))]
        case State.STUCK, decision if decision is not None:
            retry = button(words.RETRY, action_id=ids.RETRY, value=round_.id)
            return [section(words.stuck(round_, decision)), actions(retry)]
        case _:
            return [section(words.closed(round_))]
