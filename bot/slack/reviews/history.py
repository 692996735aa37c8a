"""A review's rounds, the newest first: output, decision, every word of it, the crew's answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.domain.notification import Output
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import SECTION_LIMIT, Block, button, divider, section
from bot.slack.blockkit.excerpts import first_part
from bot.slack.blockkit.rich_text import quotation
from bot.slack.blockkit.text import clean, is_blank
from bot.slack.reviews import reader_strings, state_strings, summary
from bot.slack.reviews.output import output_in_modal
from bot.usecases.read_models import RoundLine

_OUTPUT_SHOWN: Final = 1_500


def render_round(line: RoundLine) -> Iterator[Block]:
    """One round, below a line. Its second block is named after it."""
    round_ = line.round
    yield divider()
    yield section(reader_strings.history_entry(round_)) | {"block_id": round_.id}
    shown, characters = first_part(line.excerpt, _OUTPUT_SHOWN, render=clean)
    if is_blank(shown):
        yield section(shared.EMPTY_OUTPUT)
    else:
        yield from output_in_modal(Output(shown, line.format))
    if characters < line.characters:
        left_off = section(reader_strings.excerpt(characters, line.characters))
        read = button(reader_strings.READ, action_id=ids.VIEW_READ, value=round_.id)
        yield left_off | {"accessory": read}
    answered, outcome = summary.decision_and_answer(round_)
    yield section(answered[:SECTION_LIMIT])
    if round_.decision is not None:
        yield from quotation(state_strings.written(round_.decision))
    if outcome:
        yield section(outcome[:SECTION_LIMIT])
