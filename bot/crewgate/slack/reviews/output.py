"""Outputs of agents as blocks of a message or a modal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final, assert_never

from crewgate.domain.acts import ToolCall, arguments_of, first_arguments
from crewgate.domain.caveats import WHOLE, Share
from crewgate.domain.edits import Parts, cut
from crewgate.domain.letters import own_script
from crewgate.domain.notification import Format, Output, Question
from crewgate.domain.redaction import MARK
from crewgate.domain.subjects import Work
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.slack.blockkit import excerpts, rich_text
from crewgate.slack.blockkit.blocks import LABEL_LIMIT, Block, context, markdown, present, section
from crewgate.slack.blockkit.parts import drawn_blocks
from crewgate.slack.blockkit.text import (
    clean,
    code,
    hides,
    is_blank,
    leaf_line,
    one_line,
    place_to_break,
    plain,
    utf16_length,
    with_recipients_named,
)
from crewgate.slack.words import cards, names
from crewgate.usecases.read_models import CardView, RoundLine

OUTPUT_LIMIT: Final = 9_000
"""The characters of a message for an output, of 12,000; everything else takes 2,800 at most."""
WHOLE_LIMIT: Final = 3_000
WHOLE_ROWS: Final = 20
"""The most characters and rows of tables that a card shows whole."""
SHORT: Final = 200
"""The characters of a card that comes short, because many wait."""
EXCERPT: Final = 1_500
EXCERPT_ROWS: Final = 10
"""The characters and rows that a card shows of a longer output."""
VIEW_LIMIT: Final = 150_000
"""An output's share of a view, as JSON; Slack refuses a view over 250 kB."""

_FENCE: Final = ("```json\n", "\n```")


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """An output's blocks in a message."""

    blocks: list[Block]
    share: Share
    too_long: bool = False


NO_OUTPUT: Final = ShownOutput([], Share(0, 0))
_EMPTY: Final = ShownOutput([section(names.EMPTY_OUTPUT)], Share(0, 0))


def output_on_card(output: Output, *, is_short: bool = False) -> ShownOutput:
    """Return the blocks of a short output, or of a longer one's beginning with a natural end."""
    if _is_empty(output):
        return _EMPTY
    total = excerpts.length(output.text)
    excerpt = SHORT if is_short else EXCERPT
    fits = total <= (SHORT if is_short else WHOLE_LIMIT)
    if output.format is Format.JSON:
        shown, characters = _json_part(output.text, OUTPUT_LIMIT if fits else excerpt)
    elif fits and excerpts.count_rows(output.text) <= WHOLE_ROWS:
        shown, characters = excerpts.first_part(output.text, OUTPUT_LIMIT)
    else:
        shown, characters = excerpts.short_part(
            output.text, characters=excerpt, rows=EXCERPT_ROWS, limit=OUTPUT_LIMIT
        )
    is_markdown = output.format is Format.MARKDOWN
    columns, beyond, behind = excerpts.measure_overflow(shown) if is_markdown else (0, 0, 0)
    share = Share(characters, total, min(beyond, characters))
    blocks = _with_text(shown) if is_markdown else [markdown(shown)]
    if columns:
        lines = shown.split("\n")
        blocks = _with_text("\n".join(lines[:behind]), context(cards.wide_table(columns)))
        blocks += _with_text("\n".join(lines[behind:]))
    if _size(blocks) > _SIZE_LIMIT:
        blocks = rich_text.preformatted(shown)
    if share.shown >= share.of:
        return ShownOutput(blocks, share)
    left_off = context(cards.shown_share(share.percent))
    return ShownOutput([*blocks, left_off], share, total > OUTPUT_LIMIT)


#: The longest argument in one line with its name, in characters; a longer one is a paragraph.
_BESIDE: Final = 80


def arguments_on_card(output: Output, *, is_short: bool = False) -> ShownOutput:
    """The arguments of a call, short ones in lines, texts as paragraphs, the rest as JSON.

    A value cannot pass for another argument: each is in a mark of its own, as plain text.
    """
    found = arguments_of(output.text)
    if found is None:
        return output_on_card(output, is_short=is_short)
    total = excerpts.length(output.text)
    whole, excerpt = (SHORT, SHORT) if is_short else (WHOLE_LIMIT, EXCERPT)
    room = OUTPUT_LIMIT if total <= whole else excerpt
    elements, characters = laid_out(found, room)
    share = Share(total if characters is None else min(characters, total - 1), total)
    blocks = rich_text.in_blocks(elements)
    if characters is None:
        return ShownOutput(blocks, share)
    left_off = context(cards.shown_share(share.percent))
    return ShownOutput([*blocks, left_off], share, total > OUTPUT_LIMIT)


def laid_out(arguments: Mapping[str, object], room: int) -> tuple[list[Block], int | None]:
    """Return the elements of as many arguments as fit, and the number of shown characters.

    The number is None if everything is shown.
    """
    if not arguments:
        return [rich_text.text_section([_NO_ARGUMENTS])], None
    made: list[Block] = []
    line: list[Block] = []
    shown = 0
    own = script_of(arguments)
    for name, value in arguments.items():
        label = plain(name, LABEL_LIMIT) or "?"
        text = clean(with_recipients_named(written(value), own))
        is_text = isinstance(value, str)
        left = room - shown - utf16_length(label) - len(": \n")
        cut = utf16_length(text) > left
        if cut and left <= _BESIDE:
            break
        if cut:
            text = text[: place_to_break(text, left // 4, left // 2)]
        shown = room if cut else room - left + utf16_length(text)
        name_leaf = rich_text.leaf(f"{label}: ", bold=True)
        beside = "\n" not in text and len(text) <= _BESIDE
        style = {} if is_text else {"code": True}
        if beside and not cut:
            empty = rich_text.leaf("empty", italic=True)
            value_leaf = empty if is_blank(text) else rich_text.leaf(text, **style)
            line += present(rich_text.leaf("\n") if line else None, name_leaf, value_leaf)
            continue
        made.append(
            rich_text.text_section(
                present(*line, rich_text.leaf("\n") if line else None, name_leaf)
            )
        )
        line = []
        made.append(rich_text.quote(text) if is_text else rich_text.code_block(text))
        if cut:
            break
    else:
        return present(*made, rich_text.text_section(line) if line else None), None
    return present(*made, rich_text.text_section(line) if line else None), shown


def first_text_argument(output: Output) -> str:
    """Return the first text among a call's arguments, for a notification; empty without one."""
    arguments = arguments_of(output.text) or {}
    own = script_of(arguments)
    named = (with_recipients_named(one, own) for one in arguments.values() if isinstance(one, str))
    return next(filter(None, (plain(one, _BESIDE) for one in named)), "")


def arguments_in_list(line: RoundLine) -> str:
    """Return the beginning of a call's arguments, in mrkdwn; empty for anything else."""
    if not line.round.subject.has_arguments or line.round.removed_at is not None:
        return ""
    arguments, _ = first_arguments(line.excerpt)
    own = script_of(arguments)
    named = (
        f"{name}: {with_recipients_named(written(one), own)}" for name, one in arguments.items()
    )
    return one_line(", ".join(named), _BESIDE)


def page_of_call(
    output: Output, number: int | None, seen: Share | None
) -> tuple[excerpts.BlocksPage, Share] | None:
    """Return a page of a call's arguments, laid out as on its card; None if they are no JSON.

    Without a number, the first page with more than was `seen`. All pages count as equal shares.
    """
    groups, total = _groups_of_call(output), excerpts.length(output.text)
    if groups is None:
        return None
    pages = excerpts.page_of_blocks(groups, 0).total
    if number is None:
        number = 0 if seen is None else seen.shown * pages // max(1, seen.of)
    page = excerpts.page_of_blocks(groups, number)
    return page, Share(total * (page.number + 1) // pages, total)


def count_pages(output: Output, *, is_call: bool) -> int:
    """Return the number of pages on which the reader shows an output."""
    groups = _groups_of_call(output) if is_call else None
    if groups is None:
        return excerpts.page_of(output.text, 0).total
    return excerpts.page_of_blocks(groups, 0).total


def _groups_of_call(output: Output) -> list[list[Block]] | None:
    found = arguments_of(output.text)
    if found is None:
        return None
    return [[block] for block in rich_text.in_blocks(laid_out(found, _ALL)[0])]


#: A room, in characters, into which the arguments of any call fit.
_ALL: Final = 10**9
_NO_ARGUMENTS: Final = rich_text.leaf("It takes no arguments.", italic=True)


def script_of(arguments: Mapping[str, object]) -> str:
    """Return the script of a call's words, beside which an address of another one is named."""
    return own_script(text for name, one in arguments.items() for text in (name, written(one)))


_IN_LINES: Final = json.JSONEncoder(ensure_ascii=False, indent=2).encode
_IN_ONE_LINE: Final = json.JSONEncoder(ensure_ascii=False).encode


def written(value: object) -> str:
    if isinstance(value, str):
        return value
    return (_IN_LINES if isinstance(value, dict | list) else _IN_ONE_LINE)(value)


def not_showable(output: Output) -> ShownOutput:
    share = Share(0, max(1, excerpts.length(output.text)))
    return ShownOutput([section(cards.NOT_SHOWABLE)], share, too_long=True)


def output_in_message(output: Output) -> ShownOutput:
    if _is_empty(output):
        return _EMPTY
    total = excerpts.length(output.text)
    if output.format is Format.JSON:
        shown, characters = _json_part(output.text, OUTPUT_LIMIT)
    else:
        shown, characters = excerpts.first_part(output.text, OUTPUT_LIMIT)
    share = Share(characters, total)
    blocks = _with_text(shown) if output.format is Format.MARKDOWN else [markdown(shown)]
    if _size(blocks) > _SIZE_LIMIT:
        blocks = rich_text.preformatted(shown)
    if share.percent == WHOLE:
        return ShownOutput(blocks, share)
    shows = f"Showing the first {characters:,} of {total:,} characters"
    left_off = context(f"{shows}; the whole text is in the thread.")
    return ShownOutput([*blocks, left_off], share, too_long=True)


def output_in_modal(output: Output, *, limit: int = VIEW_LIMIT) -> list[Block]:
    """A page for a modal, which has no markdown block; text beyond `limit` is unformatted."""
    if output.format is Format.JSON:
        return rich_text.preformatted(output.text)
    blocks = rich_text.rich_text(output.text)
    return blocks if len(json.dumps(blocks)) <= limit else rich_text.preformatted(output.text)


def _is_empty(output: Output) -> bool:
    # Unseen characters are looked for in short texts only: in a long text that takes long.
    short = len(output.text) <= OUTPUT_LIMIT
    return not output.text.strip() or (short and is_blank(clean(output.text)))


def _json_part(text: str, limit: int) -> tuple[str, int]:
    before, after = _FENCE
    shown, characters = excerpts.first_part(text, limit - len(before) - len(after), render=code)
    return f"{before}{shown}{after}", characters


def _with_text(shown: str, *left_off: Block) -> list[Block]:
    """Return a text as blocks of a message: as rich text where Slack's Markdown may draw less."""
    # Slack refuses a block without visible text, and a long text may begin with spaces alone.
    if is_blank(shown):
        return [*left_off]
    lines = shown.split("\n")
    found = groupby(drawn_blocks(shown), key=attrgetter("is_plain"))
    stretches = [(is_plain, next(blocks).start) for is_plain, blocks in found]
    if len(stretches) > _STRETCHES:
        return [*rich_text.rich_text(shown), *left_off]
    starts = [0, *(start for _, start in stretches[1:]), len(lines)]
    made: list[Block] = []
    for (is_plain, _), (start, end) in zip(stretches, pairwise(starts), strict=True):
        text = "\n".join(lines[start:end])
        made += [markdown(text)] if is_plain else rich_text.rich_text(text)
    return [*made, *left_off]


def _size(value: object) -> int:
    """Return the length of all strings in blocks; Slack does not document which of them count."""
    match value:
        case str():
            return utf16_length(value)
        case dict():
            return sum(map(_size, value.values()))
        case list():
            return sum(map(_size, value))
        case _:
            return 0


#: `OUTPUT_LIMIT` with the names of blocks: rich text has many, and fills up the columns of tables.
_SIZE_LIMIT: Final = OUTPUT_LIMIT + 200
#: The most stretches of Markdown and rich text in a message, which has 50 blocks at most.
_STRETCHES: Final = 12
#: The most characters of a text that are put into one box, which holds 3,000: the text can grow.
_BOX: Final = 2_000
#: The most boxes of a form: Slack takes 100 blocks, and some stand around the boxes.
_BOXES: Final = 80
#: The longest output to edit, in bytes as JSON: Slack takes 250,000 for a modal, and texts grow.
_LONGEST: Final = 100_000


def parts_to_edit(output: Output) -> Parts | None:
    """Return an output's parts for the boxes; None if people could not see and change all of it.

    None for JSON, for a text too long for the form, and for hidden text or secrets, which an edited
    text would lose.
    """
    text = output.text
    if output.format is not Format.MARKDOWN or len(text) > _LONGEST:
        return None
    if MARK in text or hides(text.replace("\r\n", "\n")) or len(json.dumps(text)) > _LONGEST:
        return None
    parts = cut(text, _BOX, place_to_break)
    if any(utf16_length(part) > FEEDBACK_LIMIT for part in parts.texts):
        # A box's limit is in UTF-16 units, of which an emoji takes two, so parts are half as long.
        parts = cut(text, _BOX // 2, place_to_break)
    return parts if 0 < len(parts.texts) <= _BOXES else None


def preview(line: RoundLine) -> tuple[Block, Share]:
    """Return an output's beginning in one line, without Markdown's marks, and its share.

    The line is rich text: mrkdwn would take `*` and `~` of the output as its own.
    """
    if line.round.removed_at is not None:
        return section(names.removed(line.round.removed_at)), Share(0, 0)
    if line.round.subject.has_arguments:
        return _preview_of_call(line.excerpt, line.characters)
    found = excerpts.preview(
        line.excerpt,
        is_json=line.format is Format.JSON,
        characters=line.characters,
        limit=_SHORT if line.characters <= _SHORT else _LINE,
    )
    # Without the brackets of a link two words are one, which may be of two scripts.
    words = clean(f"{found.words}{_not_in_line(found.rows, found.code_lines)}")
    line_leaf = rich_text.leaf(words) if words else rich_text.leaf(_NOTHING, italic=True)
    return rich_text.paragraph(line_leaf), found.share


_NOTHING: Final = "The output is empty."
_LINE: Final = 160
#: The longest output whose preview is whole, in characters; other previews have `_LINE` of them.
_SHORT: Final = 400


def decided_on(view: CardView) -> Block | None:
    """Return a decided call's arguments, or a question's words, in about two lines."""
    text, subject = view.output.text, view.round.subject
    if view.round.removed_at is not None:
        return None
    match subject:
        case Work():
            return None
        case ToolCall():
            return _preview_of_call(text, max(_SHORT + 1, len(text)))[0]
        case Question():
            words = leaf_line(subject.message or text, _LINE)
            return rich_text.paragraph(rich_text.leaf(words)) if words else None
        case _:
            assert_never(subject)


def _preview_of_call(text: str, characters: int) -> tuple[Block, Share]:
    """Return the arguments in one line; their names are in bold, and no value can be."""
    arguments, is_whole = first_arguments(text)
    is_whole = is_whole and characters <= _SHORT
    made: list[Block] = []
    left = 5 * _SHORT if is_whole else _LINE
    own = script_of(arguments)
    for name, value in arguments.items():
        text = leaf_line(with_recipients_named(written(value), own), max(0, left))
        left -= len(name) + len(text)
        is_whole = is_whole and left > 0
        label = leaf_line(name, LABEL_LIMIT) or "?"
        made += present(
            rich_text.leaf(" · ") if made else None,
            rich_text.leaf(f"{label}: ", bold=True),
            rich_text.leaf(text) if text else rich_text.leaf("empty", italic=True),
        )
        if left <= 0:
            break
    if not made:
        made = [_NO_ARGUMENTS if is_whole else rich_text.leaf("…")]
    seen = characters if is_whole else min(_LINE, characters - 1)
    return rich_text.paragraph(*made), Share(max(0, seen), characters)


def _not_in_line(rows: Sequence[int | None], code_lines: int) -> str:
    named = ""
    if rows:
        named = f" + {'table' if len(rows) == 1 else f'{len(rows):,} tables'}"
        counted = [count for count in rows if count is not None]
        if len(counted) == len(rows):
            named += f", {names.counted(sum(counted), 'row')}"
    return named + (f" + code, {names.counted(code_lines, 'line')}" if code_lines else "")
