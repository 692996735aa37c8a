"""Patterns with `*`, `?` and `[…]`, whatever the case, in time that grows with the text alone."""

import fnmatch
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

#: `[` begins a set where one ends; else it stands for itself.
_ATOMS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|.", flags=re.DOTALL)
#: What the standard library puts around a pattern that has to be all of the text.
_BEFORE, _AFTER = fnmatch.translate("x").split("x")
#: In no text that people write; only a `*` takes it.
_ANYTHING: Final = "\ue000"


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a pattern between two `*`; it takes so many characters."""

    regex: re.Pattern[str]
    length: int


def matches_glob(pattern: str, text: str) -> bool:
    """As `fnmatch.fnmatchcase`, with both in one case.

    Between two `*`, the first place that fits will do, so no place is tried twice.
    """
    pieces = _pieces(pattern.casefold())
    text = text.casefold()
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return first.regex.fullmatch(text) is not None
    at, end = first.length, len(text) - last.length
    if at > end or not first.regex.match(text) or not last.regex.match(text, end):
        return False
    for piece in pieces[1:-1]:
        found = piece.regex.search(text, at, end)
        if found is None:
            return False
        at = found.end()
    return True


def is_anything(pattern: str) -> bool:
    return pattern != "" and not pattern.strip("*")


def has_open_bracket(pattern: str) -> bool:
    """True if a `[` stands for itself, because no `]` closes it."""
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
    """Return True if it stands for more than itself."""
    return atom in {"*", "?"} or len(atom) > 1


@lru_cache(maxsize=1_024)
def _pieces(pattern: str) -> tuple[_Piece, ...]:
    pieces: list[list[str]] = [[]]
    for atom in _ATOMS.findall(pattern):
        if atom == "*":
            pieces.append([])
        else:
            pieces[-1].append(atom)
    return tuple(_Piece(_regex("".join(atoms)), len(atoms)) for atoms in pieces)


def _regex(piece: str) -> re.Pattern[str]:
    inside = fnmatch.translate(piece).removeprefix(_BEFORE).removesuffix(_AFTER)
    return re.compile(inside, flags=re.DOTALL)
