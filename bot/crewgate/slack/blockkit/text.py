"""Text from outside, made fit for Slack. No sentences here.

Text of agents, crews and callers is never trusted: it mentions nobody, hides no address behind a
label and leaves nothing invisible. Lengths are counted in UTF-16 units, never less than Slack
counts.
"""

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import merge
from itertools import groupby, repeat
from typing import Final

from crewgate.domain.letters import Span, mixed_words, others_in_recipients, others_in_words
from crewgate.slack.blockkit.markdown import lines_of

JOINER: Final = "\u2060"
"""An invisible character without width, to break anything that a parser takes for a token."""

UNSEEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Characters that cannot be seen, for the inside of a character class."""

_EMOJI: Final = (  # emoji and other visible signs
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2801-\u2bff\u3030\u303d\u3297\u3299"
    "🀀-\U0001faff"
)
# Scripts in which joiners between letters change what is seen: from Arabic to Mandaic; those of
# India, Tibet and South East Asia; Mongolian; and the blocks that Unicode added for them later.
_JOINED: Final = (
    "\u0600-\u061b\u061d-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af\u1a20-\u1aaf\u1b00-\u1c4f"
    "\ua800-\ua8ff\ua930-\ua9df\uaa60-\uaa7f\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00010aff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff"
_MONGOLIAN: Final = "\u1800-\u180a\u1810-\u18af"
_FLAGS: Final = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region)
    for region in ("gbeng", "gbsct", "gbwls")
)
_NEEDED: Final = re.compile(
    f"(?<=[{_EMOJI}])\ufe0f?\u200d(?=[{_EMOJI}])"  # a joiner makes one emoji of 👩 and 💻
    f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]"  # selects the look of a sign: text or emoji
    f"|(?<=[0-9#*])\ufe0f(?=\u20e3)"  # the keycap of a digit, `#` or `*`
    f"|(?<=\U0001f3f4)(?:{_FLAGS})\U000e007f"  # flags of England, Scotland, Wales
    f"|(?<=[{_JOINED}])[\u200c\u200d]"
    f"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"  # where a line without spaces may break
    f"|(?<=[{_MONGOLIAN}])[\u180b-\u180f]"
    f"|(?<=[\u2801-\u28ff])\u2800"
    f"|(?<=[<&@\\]`]){JOINER}"  # joiners that this module inserted
)
_NEEDED_AFTER: Final = frozenset("0123456789#*<&@]`")
"""The only ASCII characters after which an unseen character can be necessary."""
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00010fff\U0001e800-\U0001eeff]"
)
_MARKS: Final = frozenset("\u061c\u200e\u200f")
_RUN: Final = re.compile(
    f"[{UNSEEN}]+"
    # Two frequent kinds of run that `_revealed` would leave are not matched: ten times as fast.
    f"(?<!{_RIGHT_TO_LEFT.pattern}[{''.join(_MARKS)}])"  # one mark of direction after its letter
    f"(?!(?<=[{_EMOJI}]\u200d)[{_EMOJI}])"  # one joiner between two emoji
)
#: The most characters between a mark of direction and a right-to-left letter that needs it.
_NEAR: Final = 16
#: The most characters that are named of a run, repeats as one; a longer run's length follows.
_NAMED: Final = 3
_TAG: Final = re.compile("[\U000e0020-\U000e007e]+")
_LETTERS: Final = {code: code - 0xE0000 for code in range(0xE0020, 0xE007F)}


def reveal(text: str) -> str:
    """Name unseen characters: `‹U+200B›`, `‹U+3164 ×40›`; hidden letters are spelt out.

    Letters that look like those of their word's script are named too: `b‹Cyrillic о›b`.
    """
    return text if text.isascii() else _with_named(text, _named_in(text))


def with_recipients_named(text: str, own: str) -> str:
    """Name words of addresses that are wholly of another script than `own`, that of their call."""
    return _with_named(text, map(_of_script, repeat(text), others_in_recipients(text, own)))


def words_named(text: str, own: str = "") -> str:
    """Return what is named in a text, for beside a box that has the text as it is."""
    found = [*map(reveal, mixed_words(text))]
    if own:
        spans = others_in_recipients(text, own)
        found += (named for _, _, named in map(_of_script, repeat(text), spans))
    return ", ".join(dict.fromkeys(found))


def place_before(text: str, at: int) -> int:
    """Return the place in `text` that is at `at` in its revealed form."""
    grown = 0
    for start, end, named in _named_in(text):
        if start + grown >= at:
            break
        if start + grown + len(named) > at:
            return start + min(at - start - grown, end - start - 1)
        grown += len(named) - (end - start)
    return at - grown


def hides(text: str) -> bool:
    """Return True if some of a text cannot be seen: a box would give it back changed."""
    return clean_controls(text) != text or any(named != text[a:b] for a, b, named in _unseen(text))


_Named = tuple[int, int, str]
"""The place of something in a text, and what is drawn for it."""


def _named_in(text: str) -> Iterable[_Named]:
    """Return what `reveal` names, in order; none of it overlaps."""
    return merge(_unseen(text), map(_of_script, repeat(text), others_in_words(text)))


def _unseen(text: str) -> Iterator[_Named]:
    return ((*run.span(), _revealed(run)) for run in _RUN.finditer(text))


def _of_script(text: str, span: Span) -> _Named:
    start, end, script = span
    return start, end, f"‹{script.capitalize()} {text[start:end]}›"


def _with_named(text: str, found: Iterable[_Named]) -> str:
    made: list[str] = []
    at = 0
    for start, end, named in found:
        made += (text[at:start], named)
        at = end
    return "".join((*made, text[at:]))


def _revealed(run: re.Match[str]) -> str:
    whole, text, start = run[0], run.string, run.start()
    before = text[start - 1 : start]
    # A text may have half a million runs, so cheap checks come before `_NEEDED.match`.
    if whole in _MARKS:
        if _RIGHT_TO_LEFT.search(text, max(0, start - _NEAR), run.end() + _NEAR):
            return whole
    elif not before.isascii() or before in _NEEDED_AFTER:
        needed = _NEEDED.match(text, start)
        if needed is not None and needed[0] == whole:
            return whole
    return _named(whole) if len(whole) > _CACHED else _named_before(whole)


def _named(run: str) -> str:
    named: list[str] = []
    for char, same in groupby(run):
        if len(named) == _NAMED:
            named.append(f"… {len(run):,} in all")
            break
        count = sum(1 for _ in same)
        named.append(f"U+{ord(char):04X}" + (f" ×{count:,}" if count > 1 else ""))
    hidden = "".join(_TAG.findall(run)).translate(_LETTERS)
    return f"‹{' '.join(named)}{f' “{hidden}”' if hidden else ''}›"


_CACHED: Final = 8
_named_before: Final = lru_cache(maxsize=1_000)(_named)

ELLIPSIS: Final = "…"

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BLANK = re.compile(rf"[\s{UNSEEN}]*")

# Matches raw signs (`<`) and entities (`&lt;`): Slack does not say whether it decodes entities in a
# markdown block. A joiner breaks them in code, too: Slack may think that the code ends earlier.
_TOKEN = re.compile(
    r"<(?=[A-Za-z!@#/?\\&])"  # mentions, dates, links, tags, comments
    r"|&(?=(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{0,31});"
    r"|(?:[lL][tT]|[gG][tT]|[aA][mM][pP])(?![\w=]))"  # an entity, but not `&lt=2` in an address
    r"|@(?=channel|everyone|group|here)"
    r"|\](?=[(:])",  # `](` before a link's target, `]:` before the definition of a reference
    re.IGNORECASE,
)

_URL = r"https?://(?:[^\s()<>\\`|]|\([^\s()<>\\`|]*\))+"
_LINK = re.compile(
    rf"(?<![\\\w{JOINER}])"  # not right after a word, which the link's label would join
    r"!?\[(?P<label>[^\[\]`]{0,500})\]"
    rf"\([ ]?<?(?P<url>{_URL})>?(?:[ ]+(?P<title>\"[^\"\n]*\"|'[^'\n]*'))?[ ]?\)"
)
_AUTOLINK = re.compile(r"(?<!\S)<(?P<url>https?://[^\s<>|\\`]+)>(?=[\s.,;!?]|$)")
_BACKTICKS = re.compile("`+")
#: Slack's marks of bold, struck-out text, code and italic, which needs the edge of a word.
_MARK = re.compile(r"[*~`]|\b_|_\b")
_ADJACENT_BACKTICKS = re.compile("`(?=`)")


def utf16_length(text: str) -> int:
    """The length that counts against Slack's limits, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Name unseen characters and letters that look like others; each line end is one character.

    All text from outside that people read goes through it. Right-to-left text and its marks stay;
    characters that turn text around are named. Lone surrogates, which JSON can carry and UTF-8
    cannot, become U+FFFD.
    """
    return reveal(clean_controls(text))


def clean_controls(text: str) -> str:
    """Make control characters visible; each, and each line end, becomes one character."""
    # For a text without control characters this takes half the time of `_CONTROLS.sub`.
    if text.replace("\n", " ").replace("\t", " ").isprintable():
        return text
    return _CONTROLS.sub(lambda match: match[0].translate(_PICTURES), text.replace("\r\n", "\n"))


_PICTURES: Final = {
    **dict.fromkeys(range(0x7F, 0xA0), "\ufffd"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **{code: chr(0x2400 + code) for code in range(0x20)},  # the control pictures: NUL is ␀
    **dict.fromkeys(map(ord, "\r\x85\u2028\u2029"), "\n"),
    0x7F: "␡",
}


def is_blank(text: str) -> bool:
    return _BLANK.fullmatch(text) is not None


def neutralise_markdown(text: str) -> str:
    """Neutralise Markdown for Slack's `markdown` block: the text reads as written and does nothing.

    Web links are opened up as `label (address)`. An invisible character breaks everything else that
    could become a link, a mention or Slack's markup, so that it is shown.
    """
    return _broken(_with_open_links(clean(text)))


def code(text: str) -> str:
    """Return text for the inside of a code block, which no backticks can end."""
    return _ADJACENT_BACKTICKS.sub("`" + JOINER, _broken(clean(text)))


def mrkdwn_code(text: str) -> str:
    """Return text for the inside of a code block in mrkdwn, which decodes entities."""
    return _ADJACENT_BACKTICKS.sub("`" + JOINER, escape_mrkdwn(text))


def _broken(text: str) -> str:
    return _TOKEN.sub(rf"\g<0>{JOINER}", text)


def _with_open_links(text: str) -> str:
    """Show the address of each link; `_broken` is what makes links harmless."""
    if "](" not in text and "<http" not in text.lower():
        return text
    written: list[str] = []
    paragraph: list[str] = []
    for line in lines_of(text):
        words = text[line.start : line.end]
        if line.fence is None and not words.isspace():
            paragraph.append(words)
            continue
        written += (_open_links("".join(paragraph)), words)
        paragraph = []
    return "".join((*written, _open_links("".join(paragraph))))


def _open_links(paragraph: str) -> str:
    written: list[str] = []
    at = 0
    for start, end in _code_spans(paragraph):
        written += (_open_links_in_prose(paragraph[at:start]), paragraph[start:end])
        at = end
    return "".join((*written, _open_links_in_prose(paragraph[at:])))


def _open_links_in_prose(prose: str) -> str:
    # Links are opened twice: the label of a link can be an image, which is written like a link.
    for _ in range(2):
        prose = _LINK.sub(_open_link, prose)
    return _AUTOLINK.sub(r"\g<url>", prose)


def _open_link(match: re.Match[str]) -> str:
    label, url, title = match["label"].strip(), match["url"], match["title"]
    target = f"{url} {title}" if title else url
    if label == url:
        return target
    return f"{label} ({target})" if label else f"({target})"


def _code_spans(paragraph: str) -> list[tuple[int, int]]:
    """Return the places of `code`: from backticks to the next equally long run, in linear time."""
    runs = [match.span() for match in _BACKTICKS.finditer(paragraph)]
    by_length: defaultdict[int, deque[int]] = defaultdict(deque)
    for index, (start, end) in enumerate(runs):
        by_length[end - start].append(index)
    spans: list[tuple[int, int]] = []
    opener = 0
    while opener < len(runs):
        start, end = runs[opener]
        alike = by_length[end - start]
        while alike and alike[0] <= opener:
            alike.popleft()
        if alike:
            opener = alike[0]
            spans.append((start, runs[opener][1]))
        opener += 1
    return spans


def escape_mrkdwn(text: str, limit: int | None = None) -> str:
    """Escape text for `verbatim` objects of mrkdwn; at most `limit` long once escaped."""
    text = clean(text if limit is None else text[: 2 * limit + 2])
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped if limit is None else _shortened(escaped, limit, escaped=True)


def one_line(text: str, limit: int) -> str:
    """Put a foreign name or id into one line of mrkdwn, at most `limit` long once escaped.

    Slack has no escape for its marks, but reads none in code. So a line with a mark is code, and a
    backtick in it is drawn as `ˋ`.
    """
    line = _in_one_line(text, limit)
    if _MARK.search(line) is None:
        return escape_mrkdwn(line, limit)
    return f"`{escape_mrkdwn(line.replace('`', 'ˋ'), limit - 2)}`"


def leaf_line(text: str, limit: int) -> str:
    """Put a foreign text into one line of rich text, whose leaves have no markup."""
    return _shortened(_in_one_line(text, limit), limit, escaped=False)


def beginning(text: str, limit: int) -> str:
    """Return the beginning of a text for rich text, with at most `limit // 20` lines."""
    lines = _shortened(clean(text[: 2 * limit + 2].strip()), limit, escaped=False).split("\n")
    most = limit // 20
    return "\n".join(lines if len(lines) <= most else [*lines[:most], ELLIPSIS])


def plain(text: str, limit: int) -> str:
    """Put a foreign name or id into one line of a `plain_text` object, which has no entities."""
    return _shortened(_broken(_in_one_line(text, limit)), limit, escaped=False)


def _in_one_line(text: str, limit: int) -> str:
    head = text[: 4 * limit]
    line = " ".join(clean(head).split())
    return line if len(head) == len(text) else line + ELLIPSIS


def _shortened(text: str, limit: int, *, escaped: bool) -> str:
    if utf16_length(text) <= limit:
        return text
    at = len(text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore"))
    at = whole_character(text, before_number(text, at))
    entity = text.rfind("&", max(0, at - 4), at) if escaped else -1
    if entity >= 0 and ";" not in text[entity:at]:
        at = entity
    return text[:at].rstrip() + ELLIPSIS


def before_number(text: str, at: int) -> int:
    """Return `at`, or the beginning of the number that a cut at `at` would shorten.

    Only a number at the beginning of the text is cut.
    """
    for number in _NUMBER.finditer(text, max(0, at - _LONG_NUMBER)):
        if number.start() >= at:
            break
        if at < number.end() and number.start() > 0:
            return number.start()
    return at


_LONG_NUMBER: Final = 40
_NUMBER: Final = re.compile(r"\d+(?:[.,'’ \u00a0]\d+)*")


def whole_character(text: str, at: int) -> int:
    """Return `at`, or a place a little before it that tears no accent or emoji apart."""
    for _ in range(16):
        if not 0 < at < len(text) or not (_joins(text[at]) or text[at - 1] == "\u200d"):
            break
        at -= 1
    return at


def place_to_break(text: str, earliest: int, latest: int) -> int:
    """Return the place to break a line: a sentence's end, else a word's, else `latest`."""
    ends = (text.rfind(mark, earliest, latest) + len(mark) for mark in _SENTENCE_ENDS)
    sentence = max(ends)
    if sentence > earliest + 2:
        return sentence
    word = max(text.rfind(space, earliest, latest) for space in " \n") + 1
    if word > earliest:
        return word
    at = whole_character(text, latest)
    return at if at > earliest else latest


_SENTENCE_ENDS: Final = (". ", "! ", "? ", "。", "！", "？")


def _joins(char: str) -> bool:
    return (
        unicodedata.category(char).startswith("M")
        or char == "\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )
