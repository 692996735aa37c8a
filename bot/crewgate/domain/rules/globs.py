"""Patterns with `*`, `?` and `[…]`, in any case, in time that grows with the text alone."""

import fnmatch
import re
from functools import lru_cache
from typing import Final

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
