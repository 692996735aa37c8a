"""Patterns for values: with `*`, `?` and `[…]`, or a number to compare with."""

import fnmatch
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache
from string import punctuation
from typing import Final, Self

from crewgate.domain.letters import fold, unspaced


class Reading(Enum):
    """The ways in which a rule reads words."""

    LETTERS = auto()
    """Letters and digits are compared; for rules that make stricter."""
    AS_WRITTEN = auto()
    """All is compared but case."""
    EXACTLY = auto()
    """All is compared, and a wildcard is for one value, no list; for rules that allow."""


def matches_glob(pattern: str, text: str, *, exactly: bool = False) -> bool:
    """Return True if a text fits a pattern by letters and digits or, if `exactly`, as it is."""
    return fits(pattern, text, Reading.EXACTLY if exactly else Reading.LETTERS)


def fits(pattern: str, text: str, reading: Reading) -> bool:
    """Return True if a text fits a pattern. A pattern without letters is read as written."""
    if reading is Reading.EXACTLY:
        return _exactly(pattern).match(text) is not None
    as_written = _as_written(pattern).match(text.casefold()) is not None
    if as_written or reading is Reading.AS_WRITTEN or not fold(pattern):
        return as_written
    # A `?` may stand for a character that folds to several.
    spellings = (fold, unspaced) if _ONE.search(pattern) else (fold,)
    return any(_by_letters(pattern, spell).match(spell(text)) for spell in spellings)


def spellings(words: str, reading: Reading) -> tuple[Callable[[str], str], ...]:
    """Return how words are spelled, with the text that may have them: one of these must fit."""
    if reading is Reading.EXACTLY:
        return (str,)
    by_letters = reading is Reading.LETTERS and fold(words)
    return (fold, str.casefold) if by_letters else (str.casefold,)


#: A set such as `[abc]`, or one character; a `[` without its `]` is such a character.
_ATOMS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|.", flags=re.DOTALL)
#: A set, wildcards of one kind, or the text between.
_PARTS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|\*+|\?+|\[|[^*?\[]+")
_ONE: Final = re.compile(r"[?\[]")


def has_open_bracket(pattern: str) -> bool:
    return "[" in _ATOMS.findall(pattern)


@lru_cache(maxsize=1_024)
def _as_written(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.casefold()))


@lru_cache(maxsize=1_024)
def _exactly(pattern: str) -> re.Pattern[str]:
    segments = [""]
    for atom in _ATOMS.findall(pattern):
        if atom == "*":
            segments.append("")
        elif atom == "?" or len(atom) > 1:
            segments[-1] += f"(?={_OF_ONE_VALUE}){_class(atom)}"
        else:
            segments[-1] += re.escape(atom)
    return _compiled(segments, _OF_ONE_VALUE)


#: No white space, comma or semicolon, also of other widths.
_OF_ONE_VALUE: Final = r"[^\s,;\u037e\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b]"


@lru_cache(maxsize=1_024)
def _by_letters(pattern: str, spell: Callable[[str], str]) -> re.Pattern[str]:
    """Compile a pattern for spelled texts, in which signs are nothing.

    A `?`, and a set with a sign, are one character or none.
    """
    plain = "".join(
        part.lower() if part[0] in "*?" or part[:-1].startswith("[") else spell(part)
        for part in _PARTS.findall(pattern)
    )
    segments, ways = [""], 1
    for part in _PARTS.findall(plain):
        if part[0] == "?":
            ways *= len(part) + 1
            segments[-1] += f".{{0,{len(part)}}}?"
        elif part[0] == "[":
            may_lack = _has_sign(part)
            ways *= 1 + may_lack
            segments[-1] += _class(part) + "??" * may_lack
        elif part[0] != "*":
            segments[-1] += re.escape(part)
        if part[0] == "*" or ways >= _MOST_WAYS:
            segments.append("")
            ways = 1
    return _compiled(segments, ".")


#: The most ways in which the text between two `*` is tried at one place; beyond, a `?` is a `*`.
_MOST_WAYS: Final = 32


def _compiled(segments: list[str], one: str) -> re.Pattern[str]:
    """Compile a glob so that it never backtracks: the text between two `*` matches atomically."""
    first, *others = segments
    between = "".join(f"(?>{one}*?{segment})" for segment in others[:-1])
    last = "".join(f"{one}*{segment}" for segment in others[-1:])
    return re.compile(rf"(?s:{first}{between}{last})\Z")


def _class(atom: str) -> str:
    """Return the regular expression of a `?` or a set."""
    return fnmatch.translate(atom)[len("(?s:") :].rpartition(")")[0]


def _has_sign(atom: str) -> bool:
    """Return True if a set names a sign, which is nothing in spelled texts."""
    signs = re.compile(_class(atom))
    return not atom.startswith("[!") and any(
        signs.match(one) for one in (*punctuation, " ", *atom[1:-1]) if not fold(one)
    )


#: The signs of comparisons; `>=` comes before `>`: the first sign that fits is taken.
_SIGNS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
#: A number; its digits are bounded, so that no number takes long to parse.
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][-+]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison with a number, such as `>= 50000` in a rule."""

    sign: str
    number: Decimal

    @classmethod
    def parse(cls, text: str) -> Self | None:
        sign = sign_of(text)
        number = read_number(text.removeprefix(sign)) if sign else None
        return None if number is None else cls(sign, number)

    def holds(self, value: str) -> bool:
        """Return True if a value compares in this way; a text that is no number is only unequal."""
        number = read_number(value)
        return self.sign == "!=" if number is None else _SIGNS[self.sign](number, self.number)


def sign_of(text: str) -> str:
    return next((sign for sign in _SIGNS if text.startswith(sign)), "")


def read_number(text: str) -> Decimal | None:
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None
