"""Personal data that people are not shown: found in what comes from crews, and masked.

Crews never get a mask back: what is stored stays as it came, and is masked where it is read for
people. Each search takes time in proportion to the text, whatever is in it.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import count
from typing import Final, TypeVar

from crewgate.domain.errors import MaskUnknown
from crewgate.domain.notification import TEXT_LIMIT, WORDS_LIMIT
from crewgate.domain.people import Anyone, Email, User, UserGroup
from crewgate.domain.redaction import Dataclass, with_texts
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Person

V = TypeVar("V", bound=Dataclass)


class Kind(StrEnum):
    """The kinds of what is masked; a mask names its kind."""

    EMAIL = "e-mail address"
    IBAN = "IBAN"
    CARD = "card number"
    OTHER = "masked"
    """What a pattern of the settings finds."""


Finder = Callable[[str], Iterator[tuple[int, int]]]
"""Yields where something begins and ends in a text."""
_Span = tuple[int, int, Kind]
_Put = Callable[[Kind, str], str]
Masked = tuple[tuple[Kind, int], ...]
"""How many of each kind are masked in a text."""

#: Ids and places, by which people's presses find their way back.
_KEPT: Final = frozenset(
    {"id", "crew", "execution_id", "digest", "salt", "rule_id", "channel", "ts", "thread_ts"}
)
#: People and rules, which are the settings' or Slack's.
_NOT_FROM_CREWS: Final = (Anyone, Email, Person, Rule, User, UserGroup)
#: A mask, or what people may have made of one: other words in its form, and no link.
_MASK: Final = re.compile(
    rf"\[(?:{'|'.join(Kind)})(?: [0-9]+)?\]|\[[^\W\d_][\w -]{{0,30}} [0-9]{{1,3}}\](?!\()"
)
#: The lengths of the texts that are stored cut, with what is put before some of them.
_CUT_LENGTHS: Final = frozenset({*range(WORDS_LIMIT, WORDS_LIMIT + 100), TEXT_LIMIT})
_IN_NUMBERS_OR_ADDRESSES: Final = re.compile("[@＠0-9]")


@dataclass(frozen=True, slots=True)
class Masking:
    """The kinds of data that people are not shown of a crew's texts, as the settings name them."""

    names: tuple[str, ...] = ()
    finders: tuple[tuple[Kind, Finder], ...] = field(default=(), repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.names)

    def text(self, text: str, *, upto: int | None = None) -> str:
        """Return a text masked; only its beginning, up to a place or the mask across it."""
        return self._replaced(text, lambda kind, _: f"[{kind}]", upto)

    def counted(self, text: str) -> tuple[str, Masked]:
        """Return a text masked, and how many of each kind that took."""
        many = Counter[Kind]()

        def put(kind: Kind, _: str) -> str:
            many[kind] += 1
            return f"[{kind}]"

        masked = self._replaced(text, put)
        return masked, tuple((kind, many[kind]) for kind in Kind if many[kind])

    def numbered(self, text: str) -> tuple[str, dict[str, str]]:
        """Return a text with masks that tell what is masked apart, and what each stands for.

        Where nothing is masked, none stands for anything.
        """
        # What looks like a mask in the text itself stands for itself.
        stands_for = {found: found for found in _MASK.findall(text)}
        masks: dict[str, str] = {}
        numbers = count(1)

        def put(kind: Kind, original: str) -> str:
            if original not in masks:
                free = (f"[{kind} {number}]" for number in numbers)
                masks[original] = next(mask for mask in free if mask not in stands_for)
                stands_for[masks[original]] = original
            return masks[original]

        masked = self._replaced(text, put)
        # Where a link's target is masked, its label looks like a mask now.
        same = {found: found for found in _MASK.findall(masked)}
        return masked, same | stands_for if masks else {}

    def cut(self, text: str) -> str:
        """Return a line that was stored cut, masked, without what the cut may have gone through."""
        return self.text(_without_cut(text) if self else text)

    def shown(self, value: V, *, keep: Collection[str] = ()) -> V:
        """Return a value as people are shown it, its texts masked, except in the fields to keep."""
        if not self:
            return value

        def change(text: str) -> str:
            return self.cut(text) if len(text) in _CUT_LENGTHS else self.text(text)

        return with_texts(value, change, keep={*_KEPT, *keep}, whole=_NOT_FROM_CREWS)

    def _replaced(self, text: str, put: _Put, upto: int | None = None) -> str:
        return _replaced(text, self._spans(text), put, len(text) if upto is None else upto)

    def _spans(self, text: str) -> list[_Span]:
        """Return where something is to mask; what overlaps is masked as one, of the first kind."""
        found: list[_Span] = []
        left = text
        for kind, find in self.finders:
            # Also in what is left: something may begin where something else ends.
            texts = (text,) if left == text else (text, left)
            spans = {span for one in texts for span in find(one) if span[0] < span[1]}
            new = _joined([(*span, kind) for span in spans])
            left = _replaced(left, new, lambda _, gone: "\0" * len(gone), len(left))
            found += new
        return _joined(found)


def _without_cut(line: str) -> str:
    """Return a line without the words at its cut that may begin something to mask."""
    words = line.removesuffix("…").split()
    whole = len(words)
    while line.endswith("…") and words and _IN_NUMBERS_OR_ADDRESSES.search(words[-1]):
        words.pop()
    return line if len(words) == whole else " ".join((*words, "…"))


def _joined(found: Collection[_Span]) -> list[_Span]:
    spans: list[_Span] = []
    for start, end, kind in sorted(found):
        if spans and start < spans[-1][1]:
            first, last, of_first = spans[-1]
            spans[-1] = first, max(last, end), of_first
        else:
            spans.append((start, end, kind))
    return spans


def _replaced(text: str, spans: Sequence[_Span], put: _Put, upto: int) -> str:
    parts, at = [], 0
    for start, end, kind in spans:
        if start >= upto:
            break
        parts += [text[at:start], put(kind, text[start:end])]
        at = end
    return "".join((*parts, text[at:upto]))


NOTHING: Final = Masking()


def unmasked(text: str, stands_for: dict[str, str]) -> str:
    """Return a text with what its masks, of `Masking.numbered`, stand for.

    Raises MaskUnknown if one stands for nothing: a crew must never take a mask for the text.
    """

    def original(mask: re.Match[str]) -> str:
        if mask[0] not in stands_for:
            raise MaskUnknown(mask[0])
        return stands_for[mask[0]]

    return _MASK.sub(original, text) if stands_for else text


# --- what is found --------------------------------------------------------------------------------

#: Soft hyphens and characters without width, as texts taken out of pages have them.
_UNSEEN: Final = r"\u00ad\u200b-\u200d\u2060\ufeff"
#: What parts the groups of a number, also over a line's end, in a quotation, and as JSON has it.
_BETWEEN: Final = rf"(?:[\s>‐‑–{_UNSEEN}-]|\\[nrt])"
#: The rest of an escape in Markdown, or of a letter in JSON.
_ESCAPED: Final = r"(?:[_.+-]|u(?!0040)[0-9a-fA-F]{4})"
_AT: Final = r"(?:\\?@|＠|%40|\\u0040)"
#: Emphasis in Markdown of a part of an address; `_` counts as a letter anyway.
_MARK: Final = "[*~`]{1,3}+"
_LOCAL: Final = rf"(?:[\w.+{_UNSEEN}-]|\\{_ESCAPED})++"
_DOMAIN: Final = (
    rf"(?:{_MARK})?+"
    rf"(?:(?:[\w{_UNSEEN}-]|\\[_-])++(?:{_MARK})?+\\?\.(?:{_MARK})?+)+[^\W\d_]{{2,63}}"
)
#: Behind a full stop the next address is read as a part of the one before, up to its sign.
_ADDRESS: Final = rf"(?:\w{{1,30}}')?+{_LOCAL}(?:{_MARK}(?:{_LOCAL})?+){{0,3}}+(?:{_AT}{_DOMAIN})++"
#: An address begins where no longer one does, so that nothing is read twice, or behind another.
_FIRST: Final = re.compile(
    rf"(?:(?<![\w.+{_UNSEEN}\\-])|(?<=\\)(?!{_ESCAPED}))(?:(?<=\\)[bfnrt])?+(?P<found>{_ADDRESS})"
)
_NEXT: Final = re.compile(f"(?P<found>{_ADDRESS})")


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield e-mail addresses, also in links, in JSON, and as Markdown escapes them."""
    if not any(at in text for at in ("@", "＠", "%40", "\\u0040")):
        return
    end = 0
    while found := _NEXT.match(text, end) or _FIRST.search(text, end):
        start, end = found.span("found")
        marks = re.findall(_MARK, text[start:end])
        if len(marks) % 2:  # the other half may stand right before, or behind
            if text.endswith(marks[0], 0, start):
                start -= len(marks[0])
            elif text.startswith(marks[-1], end):
                end += len(marks[-1])
        yield start, end


#: Countries by the length of their IBANs: https://www.swift.com/standards/data-standards/iban
_COUNTRIES: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS: Final = {one: length for length, some in _COUNTRIES.items() for one in some.split()}
#: The digits behind a country: not inside of a word, unless behind an escape of JSON or a number.
#: They are looked for first, here and below, because most places have none.
_CHECK_DIGITS: Final = re.compile(
    r"[0-9]{2}(?<=[A-Za-z]{2}..)"
    r"(?:(?<![^\W_].{4})|(?<=\\[nrt].{4})|(?<=[0-9][A-Z]{2}..))",
    re.DOTALL,
)
_LETTER: Final = re.compile(r"\\[nrt]|([A-Za-z0-9])")


@cache
def _letters(many: int) -> re.Pattern[str]:
    """Return a pattern for so many letters and digits, in groups or not."""
    return re.compile(rf"(?:[A-Za-z0-9](?:{_BETWEEN}|[.·]){{0,4}}+){{{many - 1}}}[A-Za-z0-9]")


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield IBANs by their country's length and their check digits, in groups or not."""
    for found in _CHECK_DIGITS.finditer(text):
        start = found.start() - 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        written = _letters(length).match(text, start) if length else None
        if written is None:
            continue
        number = "".join(_LETTER.findall(written[0]))
        # In small letters it is one word, else it is prose.
        if number.isupper() or number == written[0]:
            digits = "".join(str(int(one, 36)) for one in number[4:] + number[:4])
            if int(digits) % 97 == 1:  # ISO 7064
                yield written.span()


#: Not what follows the point of a number, as of 0.5333333333333333.
_NUMBERS: Final = re.compile(
    r"[0-9](?:(?<![^\W_].)|(?<=\\[nrt].))"
    r"(?<!\b[0-9]\..)(?<!\b[0-9]{2}\..)(?<!\b[0-9]{3}\..)[0-9]*+"
    rf"(?:{_BETWEEN}{{1,4}}+[0-9]++)*+"
)
#: The groups that cards have, for dots also part versions, dates and thousands.
_DOTTED: Final = re.compile(
    r"[0-9]{4}(?:(?<![^\W_].{4})(?<![.·].{4})|(?<=\\[nrt].{4}))"
    r"(?:(?:[.·][0-9]{4}){3}(?:[.·][0-9]{1,3})?|[.·][0-9]{6}[.·][0-9]{4,5})(?![.·]?[0-9])"
)
_GROUP: Final = re.compile("[0-9]+")
#: The most groups of a card number, and its characters with what is between them.
_GROUPS: Final = 5
_CHARACTERS: Final = range(13, 40)
#: The lengths, and how the numbers of issuers begin (ISO/IEC 7812).
_CARD: Final = re.compile(
    r"(?=[0-9]{13,19}\Z)(?:22(?:0[0-4]|2[1-9]|[3-9])|2[3-6]|27(?:[01]|20)|3[04-9]|[4-6])"
)


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield card numbers by their length and their check digit, in groups or not."""
    for numbers in _NUMBERS.finditer(text):
        groups = [one.span() for one in _GROUP.finditer(text, *numbers.span())]
        first = 0
        while first < len(groups):
            start, last = groups[first][0], first
            for last in reversed(range(first, min(first + _GROUPS, len(groups)))):
                end = groups[last][1]
                if end - start in _CHARACTERS and _is_card(text[start:end]):
                    yield start, end
                    break
            first = last + 1
    yield from (one.span() for one in _DOTTED.finditer(text) if _is_card(one[0]))


def _is_card(written: str) -> bool:
    number = "".join(_GROUP.findall(written))
    # A column of numbers has more line ends.
    lines = written.count("\n") + written.count("\\n")
    if lines > 1 or not _CARD.match(number):
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (doubled + sum(map(int, number[-1::-2]))) % 10 == 0  # Luhn


FINDERS: Final = {
    "email": (Kind.EMAIL, find_emails),
    "iban": (Kind.IBAN, find_ibans),
    "card": (Kind.CARD, find_cards),
}
"""By their names in the settings."""
