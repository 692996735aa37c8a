"""Characters that nobody sees, made visible: a text must not carry what its reader cannot read.

The characters are those with the Unicode property Default_Ignorable_Code_Point, from
https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt, with two more that show
nothing: the interlinear annotations, and the blank among the Braille patterns. They stay where
scripts and emoji need them.
"""

import re
from functools import lru_cache
from itertools import groupby
from typing import Final

JOINER: Final = "\u2060"
"""Invisible and without width; put into a token so that no parser takes it for one any more."""

UNSEEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""For the inside of a character class."""

_EMOJI: Final = (  # and other signs, but none that is unseen
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2801-\u2bff\u3030\u303d\u3297\u3299"
    "🀀-\U0001faff"
)
# Arabic to Mandaic, the scripts of India, Tibet and South East Asia, Mongolian; their later blocks.
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
    f"(?<=[{_EMOJI}])\ufe0f?\u200d(?=[{_EMOJI}])"  # 👩 and 💻 become one
    f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]"  # a sign as text or as emoji
    f"|(?<=[0-9#*])\ufe0f(?=\u20e3)"  # keycaps
    f"|(?<=\U0001f3f4)(?:{_FLAGS})\U000e007f"  # England, Scotland, Wales
    f"|(?<=[{_JOINED}])[\u200c\u200d]"
    f"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"  # where a line may break
    f"|(?<=[{_MONGOLIAN}])[\u180b-\u180f]"
    f"|(?<=[\u2801-\u28ff])\u2800"
    f"|(?<=[<&@\\]`]){JOINER}"  # our own
)
_NEEDED_AFTER: Final = frozenset("0123456789#*<&@]`")
"""After these of the ASCII characters alone something can be needed."""
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00010fff\U0001e800-\U0001eeff]"
)
_MARKS: Final = frozenset("\u061c\u200e\u200f")
_RUN: Final = re.compile(
    f"[{UNSEEN}]+"
    # The two that are needed most often are left out: `_revealed` takes ten times as long to tell.
    f"(?<!{_RIGHT_TO_LEFT.pattern}[{''.join(_MARKS)}])"  # a mark alone right after its letter
    f"(?!(?<=[{_EMOJI}]\u200d)[{_EMOJI}])"  # a joiner alone between two emoji
)
#: A mark of direction belongs to right-to-left letters that are so near.
_NEAR: Final = 16
#: So many different characters of a run are named.
_NAMED: Final = 3
_TAG: Final = re.compile("[\U000e0020-\U000e007e]+")
_LETTERS: Final = {code: code - 0xE0000 for code in range(0xE0020, 0xE007F)}


def reveal(text: str) -> str:
    """Name what cannot be seen: `‹U+200B›`, `‹U+3164 ×40›`; hidden letters are spelt out."""
    return text if text.isascii() else _RUN.sub(_revealed, text)


def place_before(text: str, at: int) -> int:
    """Where in a text stands what is at a place of its revealed form."""
    grown = 0
    for run in _RUN.finditer(text):
        start = run.start() + grown
        if start >= at:
            break
        shown = len(_revealed(run))
        if start + shown > at:
            return run.start() + min(at - start, len(run[0]))
        grown += shown - len(run[0])
    return at - grown


def _revealed(run: re.Match[str]) -> str:
    whole, text, start = run[0], run.string, run.start()
    before = text[start - 1 : start]
    # A text can be made of half a million runs, so what is quick to tell comes first.
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
