"""Patterns for values: with `*`, `?` and `[…]`, or a number that a value is compared with."""

import fnmatch
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Self

#: `[` begins a set where one ends; else it stands for itself.
_ATOMS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|.", flags=re.DOTALL)
#: A character that no text of people has; only a `*` takes it.
_ANYTHING: Final = "\ue000"


def matches_glob(pattern: str, text: str) -> bool:
    """Return `fnmatch.fnmatchcase`, with both in one case.

    `fnmatch.translate` tries no place twice: it matches what is between two `*` atomically.
    """
    return _regex(pattern.casefold()).match(text.casefold()) is not None


def is_anything(pattern: str) -> bool:
    return pattern != "" and not pattern.strip("*")


def has_open_bracket(pattern: str) -> bool:
    """Return True if a `[` stands for itself, because no `]` closes it."""
    return "[" in _ATOMS.findall(pattern)


def covers_glob(wide: str, narrow: str) -> bool:
    """Return True if all that matches `narrow` surely matches `wide`; in doubt, no."""
    wide, narrow = wide.casefold(), narrow.casefold()
    if wide == narrow or is_anything(wide):
        return True
    atoms = _ATOMS.findall(narrow)
    if any(_is_open(atom) for atom in _ATOMS.findall(wide) if atom != "*"):
        # Its `?` could take what stands for any number of characters here.
        return not any(map(_is_open, atoms)) and matches_glob(wide, narrow)
    return matches_glob(wide, "".join(_ANYTHING if _is_open(one) else one for one in atoms))


def _is_open(atom: str) -> bool:
    """Return True if the atom stands for more than itself."""
    return atom in {"*", "?"} or len(atom) > 1


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
        """None where it is not a sign and a number."""
        sign = sign_of(text)
        number = read_number(text.removeprefix(sign)) if sign else None
        return None if number is None else cls(sign, number)

    def holds(self, value: str) -> bool:
        """Return True if it holds for a value; one that is no number is only unequal to it."""
        number = read_number(value)
        return self.sign == "!=" if number is None else _SIGNS[self.sign](number, self.number)

    def covers(self, narrow: Self) -> bool:
        """Return True if this one holds wherever `narrow` does."""
        if self == narrow:
            return True
        if narrow.sign == "!=":
            return False
        if narrow.sign == "=":
            return _SIGNS[self.sign](narrow.number, self.number)
        if self.sign == "!=":
            return not _SIGNS[narrow.sign](self.number, narrow.number)
        if self.sign[0] != narrow.sign[0]:
            return False
        # The number itself is the only one that `>=` has and `>` has not.
        bound = self.sign[0] if self.sign + "=" == narrow.sign else f"{self.sign[0]}="
        return _SIGNS[bound](narrow.number, self.number)


def sign_of(text: str) -> str:
    return next((sign for sign in _SIGNS if text.startswith(sign)), "")


def read_number(text: str) -> Decimal | None:
    text = text.strip()
    return Decimal(text) if _NUMBER.fullmatch(text) else None
