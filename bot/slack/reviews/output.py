"""What an agent wrote, as blocks of a message or of a modal."""

from __future__ import annotations

import json
from typing import Final

from bot.domain.notification import Format, Output
from bot.slack import strings
from bot.slack.blockkit.blocks import Block, context, markdown, section
from bot.slack.blockkit.excerpts import first_part, length, percent
from bot.slack.blockkit.rich_text import preformatted, rich_text
from bot.slack.blockkit.text import clean, code, is_blank

OUTPUT_LIMIT: Final = 9_000
"""What the output may take of a message's 12,000; the longest of everything else is 2,700."""


VIEW_LIMIT: Final = 150_000
"""What an output may take of a view, written as JSON; Slack refuses a view over 250 kB."""


_FENCE: Final = ("```json\n", "\n```")


def output_in_message(output: Output) -> tuple[list[Block], int]:
    """The output's blocks, and how much of it they show, in percent."""
    # Only a short text is looked at character by character.
    short = len(output.text) <= OUTPUT_LIMIT
    if not output.text.strip() or (short and is_blank(clean(output.text))):
        return [section(strings.EMPTY_OUTPUT)], 100
    if output.format is Format.JSON:
        before, after = _FENCE
        room = OUTPUT_LIMIT - len(before) - len(after)
        shown, characters = first_part(output.text, room, render=code)
        shown = f"{before}{shown}{after}"
    else:
        shown, characters = first_part(output.text, OUTPUT_LIMIT)
    total = length(output.text)
    if characters >= total:
        return [markdown(shown)], 100
    left_off = context(strings.excerpted(characters, total))
    # A text that begins with ten thousand spaces: Slack takes no block without a visible text.
    blocks = [left_off] if is_blank(shown) else [markdown(shown), left_off]
    return blocks, percent(characters, total)


def output_in_modal(output: Output) -> list[Block]:
    """A page of an output as it reads best where there is no markdown block."""
    if output.format is Format.JSON:
        return preformatted(output.text)
    blocks = rich_text(output.text)
    return blocks if len(json.dumps(blocks)) <= VIEW_LIMIT else preformatted(output.text)
