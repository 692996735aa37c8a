"""Patterns for values: with `*`, `?` and `[…]`, or a number to compare with."""

import fnmatch
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Self

#: `[` begins a set if the set ends; else it stands for itself.
_ATOMS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|.", flags=re.DOTALL)


def matches_glob(pattern: str, text: str) -> bool:
    """Return `fnmatch.fnmatchcase`, ignoring case.

    `fnmatch.translate` never backtracks: it matches the text between two `*` atomically.
    """
    return _regex(pattern.casefold()).match(text.casefold()) is not None


def has_open_bracket(pattern: str) -> bool:
    return "[" in _ATOMS.findall(pattern)


@lru_cache(maxsize=1_024)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


#: In any order; the longer signs first, for they begin with the shorter ones.
_SIGNS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
#: Bounded, so that no number costs more than a glance.
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][-+]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sign and a number."""

    sign: str
    number: Decimal

    @classmethod
    def parse(cls, text: str) -> Self | None:
        sign = sign_of(text)
        number = read_number(text.removeprefix(sign)) if sign else None
        return None if number is None else cls(sign, number)

    def holds(self, value: str) -> bool:
        """Return True if a value compares so; a text that is no number is only unequal."""
        number = read_number(value)
        return self.sign == "!=" if number is None else _SIGNS[self.sign](number, self.number)


def sign_of(text: str) -> str:
    return next((sign for sign in _SIGNS if text.startswith(sign)), "")


def read_number(text: str) -> Decimal | None:
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None
