"""Patterns for values: with `*`, `?` and `[…]`, or a number to compare with."""

import fnmatch
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Self
from unicodedata import category, normalize

#: A set such as `[abc]`, or one character; a `[` without its `]` is such a character.
_ATOMS: Final = re.compile(r"\[!?+\]?+[^\]]*+\]|.", flags=re.DOTALL)


def matches_glob(pattern: str, text: str, *, exactly: bool = False) -> bool:
    """Match as `fnmatch.fnmatchcase` without case and, unless `exactly`, in any of the `readings`.

    If `exactly`, a `*` matches no white space, comma or semicolon: it is for one value, no list.
    """
    if exactly:
        return _regex(in_lower_case(pattern), exactly=True).match(in_lower_case(text)) is not None
    wanted = readings(pattern)[:2]
    raw, *others = readings(text)
    return _regex(wanted[0]).match(raw) is not None or any(
        _regex(wanted[1]).match(one) for one in others
    )


def in_lower_case(text: str) -> str:
    """Return a text in lower case, or as it is if that would change more than case.

    For example, `ß` does not become `ss`, nor a Kelvin sign `k`.
    """
    lower = text.lower()
    return lower if lower.upper() == text.upper() else text


def readings(text: str) -> tuple[str, ...]:
    """Return a text without case, and then as people read it: in plain letters, single-spaced.

    The plain reading leaves out characters that nobody sees; if there are any, a third reading has
    spaces in their place.
    """
    plain = text.translate(_PLAIN)
    seen = [plain.replace(_UNSEEN, put) for put in ("", " ")[: 1 + (_UNSEEN in plain)]]
    return text.casefold(), *(" ".join(one.casefold().split()) for one in seen)


#: The character that takes the place of each invisible one.
_UNSEEN: Final = "\u00ad"
#: Letters and signs that look blank; NFKD turns another, U+FFA0, into one of these.
_BLANK: Final = "\u115f\u1160\u2800\u3164"


class _Plain(dict[int, str]):
    """A table for `str.translate` from a character to plain characters.

    Characters are changed one by one: `normalize` sorts a whole text's marks, in quadratic time.
    """

    def __missing__(self, code: int) -> str:
        found = ""
        for one in normalize("NFKD", chr(code)):
            of = category(one)
            if of == "Cf" or one in _BLANK or (of == "Cc" and not one.isspace()):
                found += _UNSEEN
            elif of not in {"Mn", "Me"}:  # accents are left out: NFKD splits them off
                found += one
        if code < 2**16:  # rarer characters are not stored: the table stays small
            self[code] = found
        return found


_PLAIN: Final = _Plain()


def has_open_bracket(pattern: str) -> bool:
    return "[" in _ATOMS.findall(pattern)


@lru_cache(maxsize=1_024)
def _regex(pattern: str, *, exactly: bool = False) -> re.Pattern[str]:
    """Compile a glob so that it never backtracks: the text between two `*` matches atomically."""
    if not exactly:
        return re.compile(fnmatch.translate(pattern))
    texts = [""]
    for atom in _ATOMS.findall(pattern):
        if atom == "*":
            texts.append("")
        else:
            texts[-1] += atom
    first, *others = (fnmatch.translate(text)[len("(?s:") :].rpartition(")")[0] for text in texts)
    between = "".join(f"(?>{_OF_ONE_VALUE}*?{text})" for text in others[:-1])
    last = "".join(f"{_OF_ONE_VALUE}*{text}" for text in others[-1:])
    return re.compile(rf"(?s:{first}{between}{last})\Z")


_OF_ONE_VALUE: Final = r"[^\s,;]"


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
