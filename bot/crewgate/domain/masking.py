"""Personal data that people are not shown: searched in texts from crews, and masked.

Crews never get a mask back: texts are stored unmasked, and masked when they are read for people.
Each search takes linear time, whatever the text.
"""

import html
import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import count, islice
from string import ascii_lowercase, ascii_uppercase
from typing import Final, NamedTuple, Self, TypeVar
from unicodedata import category, decimal, normalize
from urllib.parse import unquote

from crewgate.domain.errors import MaskUnknown
from crewgate.domain.notification import TEXT_LIMIT, WORDS_LIMIT
from crewgate.domain.people import Anyone, Email, User, UserGroup
from crewgate.domain.redaction import Dataclass, is_of_a_person, sounds_secret, with_texts
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Person

V = TypeVar("V", bound=Dataclass)


class Kind(StrEnum):
    """The kinds of personal data; a mask names its kind."""

    EMAIL = "e-mail address"
    IBAN = "IBAN"
    CARD = "card number"
    SECRET = "secret"  # noqa: S105  # a kind
    OTHER = "masked"


Finder = Callable[[str], Iterator[tuple[int, int]]]
"""Yields the spans of one kind of data in a text."""
_Span = tuple[int, int, Kind]
_Put = Callable[[Kind, str], str]
Masked = tuple[tuple[Kind, int], ...]
"""The number of masks of each kind in a text."""

#: Fields with ids and places, by which a press of a button finds its round: they are never masked.
_KEPT: Final = frozenset(
    {"id", "crew", "execution_id", "digest", "salt", "rule_id", "channel", "ts", "thread_ts"}
)
#: Types of values that are not masked: they come from the settings or from Slack, never from crews.
_NOT_FROM_CREWS: Final = (Anyone, Email, Person, Rule, User, UserGroup)
#: A mask, or words in brackets that may be a mask changed by a person, but are no Markdown link.
_MASK: Final = re.compile(
    rf"\[(?:{'|'.join(Kind)})(?: [0-9]+)?\]|\[[^\W\d_][\w -]{{0,30}} [0-9]{{1,3}}\](?!\()"
)
#: The possible lengths of a text that was cut before it was stored, also with a prefix before it.
_CUT_LENGTHS: Final = frozenset({*range(WORDS_LIMIT, WORDS_LIMIT + 100), TEXT_LIMIT})
_IN_NUMBERS_OR_ADDRESSES: Final = re.compile("[@＠0-9]")
#: A masked passage is masked in later texts, too, from this many characters on: shorter ones are
#: often parts of words. At most _MOST_KEPT are kept, because each makes the search slower.
_SHORTEST_KEPT: Final = 4
_MOST_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Masking:
    """The kinds of data to mask in a crew's texts, as the settings name them."""

    names: tuple[str, ...] = ()
    finders: tuple[tuple[Kind, Finder], ...] = field(default=(), repr=False, compare=False)
    kept: tuple[tuple[str, Kind], ...] = field(default=(), repr=False)
    """Passages masked even inside a word: an edit may put a letter before one."""
    of_call: bool = False
    """The text is a call's arguments: values are masked by the names of their arguments too."""

    def __bool__(self) -> bool:
        return bool(self.names) or self.of_call

    def for_call(self) -> Self:
        return replace(self, of_call=True)

    def text(self, text: str, *, upto: int | None = None) -> str:
        """Return the masked text, cut at `upto` or after a mask that stands there."""
        return self._in_json(self._replaced(text, lambda kind, _: f"[{kind}]", upto))

    def _in_json(self, masked: str) -> str:
        """Return a call's masked arguments as JSON: a mask in place of a number becomes a text."""
        if not self.of_call or not any(f"[{kind}" in masked for kind in Kind):
            return masked
        return _BARE_MASK.sub(lambda one: one[1] or f'"{one[0]}"', masked)

    def counted(self, text: str) -> tuple[str, Masked]:
        many = Counter[Kind]()

        def put(kind: Kind, _: str) -> str:
            many[kind] += 1
            return f"[{kind}]"

        masked = self._in_json(self._replaced(text, put))
        return masked, tuple((kind, many[kind]) for kind in Kind if many[kind])

    def numbered(self, text: str) -> tuple[str, dict[str, str]]:
        """Return a text with numbered masks, and the passage of each mask."""
        # Words that looked like a mask before any masking are restored as they are.
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
        # A link's label may look like a mask once its target is masked: it is restored as it is.
        same = {found: found for found in _MASK.findall(masked)}
        return masked, same | stands_for if masks else {}

    def cut(self, text: str) -> str:
        """Mask a text that was cut before, and leave out words that the cut may have split."""
        return self.text(_without_cut(text) if self else text)

    def shown(self, value: V, *, keep: Collection[str] = ()) -> V:
        if not self:
            return value

        def change(text: str) -> str:
            return self.cut(text) if len(text) in _CUT_LENGTHS else self.text(text)

        return with_texts(value, change, keep={*_KEPT, *keep}, whole=_NOT_FROM_CREWS)

    def extent(self, text: str) -> tuple[int, int]:
        """Return the first mask's start and the last mask's end; without masks, the end is 0."""
        spans = self._spans(text)
        return (spans[0][0], spans[-1][1]) if spans else (len(text), 0)

    def also_those_in(self, earlier: Iterable[str]) -> Self:
        """Return a masking that also finds passages masked in these earlier texts."""
        found = {text[one[0] : one[1]]: one[2] for text in earlier for one in self._spans(text)}
        longer = ((words, kind) for words, kind in found.items() if len(words) >= _SHORTEST_KEPT)
        return replace(self, kept=tuple(islice(longer, _MOST_KEPT))) if found else self

    def _replaced(self, text: str, put: _Put, upto: int | None = None) -> str:
        return _replaced(text, self._spans(text), put, len(text) if upto is None else upto)

    def _spans(self, text: str) -> list[_Span]:
        found = [
            (*one.span(), kind)
            for words, kind in self.kept
            for one in re.finditer(re.escape(words), text)
        ]
        if self.of_call:
            found += ((*span, Kind.SECRET) for span in find_secret_values(text))
        for number, reading in enumerate(_readings(text) if self.finders else ()):
            left = reading.text
            for kind, find in self.finders:
                if number == 0 and kind is not Kind.OTHER:
                    continue  # only patterns of the settings read the text as received
                # `left`, the text without what was found so far, is searched as well: a match may
                # begin where an earlier match ends.
                spans = {span for one in {reading.text, left} for span in find(one)}
                new = _joined([(*span, kind) for span in spans if span[0] < span[1]])
                left = _replaced(left, new, lambda _, gone: "\0" * len(gone), len(left))
                for start, end, _ in new:
                    found.append(
                        (*_with_marks(text, reading.starts[start], reading.ends[end - 1]), kind)
                    )
        return _joined(found)


def _with_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span that begins or ends inside emphasis, extended to the emphasis's other mark."""
    marks = _EMPHASIS.findall(text, start, end)
    if len(marks) % 2 and text.endswith(marks[0], 0, start):
        return start - len(marks[0]), end
    return start, end + len(marks[-1]) * text.startswith(marks[-1], end) if len(marks) % 2 else end


def _without_cut(line: str) -> str:
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
    """Return a text with each mask of `Masking.numbered` replaced by its passage.

    Raises MaskUnknown for any other mask: a crew must never take a mask for the text.
    """

    def original(mask: re.Match[str]) -> str:
        if mask[0] not in stands_for:
            raise MaskUnknown(mask[0])
        return stands_for[mask[0]]

    return _MASK.sub(original, text) if stands_for else text


# --- how a text reads -----------------------------------------------------------------------------

#: The character that takes the place of each invisible one: joiners, marks of direction, selectors,
#: accents.
_UNSEEN: Final = "\u00ad"
_LIKE: Final = dict(
    zip("·‧∙•。⁄∕−│\u115f\u1160\u2800\u3164", f".....//-|{_UNSEEN * 4}", strict=True)
)


class _Alike(dict[int, str]):
    """A table for `str.translate` from a character to its plain look-alike."""

    def __missing__(self, code: int) -> str:
        one = normalize("NFKC", chr(code))
        one = one if len(one) == 1 else chr(code)
        of = category(one)
        if of in {"Cf", "Cn", "Mn", "Me"} or (of == "Cc" and not one.isspace()):
            one = _UNSEEN
        else:
            one = str(decimal(one)) if of == "Nd" else "-" if of == "Pd" else _LIKE.get(one, one)
        if code < 2**16:  # rarer characters are not stored: the table stays small
            self[code] = one
        return one


_ALIKE: Final = _Alike()
#: An escaped character, as in JSON, Markdown, URLs and HTML.
_CODED: Final = re.compile(
    r"\\+(?:(?:u(?=.{4})|x)(?P<code>(?<=u)[0-9a-fA-F]{4}|[0-9a-fA-F]{2})|[bfnrtv]"
    r"|(?P<sign>[!-/:-@\[-`{-~]))"
    r"|%(?:[02][0-9a-fA-F]|3[a-fA-F]|40|[57][b-fB-F])|(?:%[89a-fA-F][0-9a-fA-F]){2,4}"
    r"|&(?:\#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|[a-zA-Z][a-zA-Z0-9]{1,31});"
)
#: The most layers of escapes that are read: `%2540` has two, and stands for `@`.
_LAYERS: Final = 4
_EMPHASIS: Final = re.compile("[*~`]{1,3}")
_MARKS: Final = re.compile(rf"(?:[{_UNSEEN}*~`]|</?[a-zA-Z][a-zA-Z0-9]{{0,9}} ?/?>)+")


class _Reading(NamedTuple):
    """A text as people read it, with the original span of each character."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def replaced(self, pattern: re.Pattern[str], put: Callable[[re.Match[str]], str]) -> Self:
        parts, starts, ends, at = list[str](), array("L"), array("L"), 0
        for found in pattern.finditer(self.text):
            first, behind = found.span()
            parts += self.text[at:first], (new := put(found))
            starts.extend((*self.starts[at:first], *[self.starts[first]] * len(new)))
            ends.extend((*self.ends[at:first], *[self.ends[behind - 1]] * len(new)))
            at = behind
        if not at:
            return self
        starts.extend(self.starts[at:])
        ends.extend(self.ends[at:])
        return type(self)("".join((*parts, self.text[at:])), starts, ends)


def _readings(text: str) -> tuple[_Reading, ...]:
    """Return readings of a text: as received; without codes and marks; with marks as spaces."""
    came = _Reading(text, range(len(text)), range(1, len(text) + 1))
    read = came._replace(text=text.translate(_ALIKE))
    for _ in range(_LAYERS):
        read = read.replaced(_CODED, _decoded)
    without = read.replaced(_MARKS, lambda _: "")
    return came, without, *([] if without is read else [read.replaced(_MARKS, lambda _: " ")])


def _decoded(found: re.Match[str]) -> str:
    if found[0].startswith("\\"):
        read = chr(int(found["code"], 16)) if found["code"] else found["sign"] or "\n"
    else:
        read = html.unescape(unquote(found[0]))
    return read.translate(_ALIKE)


# --- values of a call, by the names of their arguments -------------------------------------------

#: A string of JSON, perhaps one that is cut.
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"?', re.DOTALL)
#: The rest of a string, and a colon if the string is a name.
_REST_OF_STRING: Final = re.compile(r'(?:[^"\\]++|\\.)*+(?:"(\s*+:\s*+)?|\\?\Z)', re.DOTALL)
_BARE_MASK: Final = re.compile(
    rf'("(?:[^"\\]++|\\.)*+"?)|\[(?:{"|".join(Kind)})(?: [0-9]+)?\]', re.DOTALL
)
_NUMBER_OR_WORD: Final = re.compile(r"[^\s,\]}]++")


def find_secret_values(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of values in JSON, perhaps cut, whose names say that they are secrets.

    Only strings with a part of such a name are looked at: a MiB of arguments has 45,000 names. No
    number or word of JSON has such a part, so each is in a string.
    """
    lower = text.lower()
    if len(lower) != len(text):  # `lower` turns some letters into two: places would move
        lower = text.translate(_LOWER)
    places = {part: lower.find(part) for part in _PARTS}
    while places := {part: at for part, at in places.items() if at >= 0}:
        at = min(places.values())
        rest = _REST_OF_STRING.match(text, at)
        assert rest is not None, "it matches an empty text"
        end = max(at + 1, rest.end())
        is_name = rest[1] is not None and end < len(text)
        value = (
            _value_of(text[_opening(text, at) + 1 : rest.start(1) - 1], text, end)
            if is_name
            else None
        )
        if value is not None:
            yield value
            end = value[1]
        places |= {part: lower.find(part, end) for part, at in places.items() if at < end}


def _value_of(name: str, text: str, start: int) -> tuple[int, int] | None:
    """Return the span of the value at `start`, if its name says that it is a secret."""
    opens = text[start]
    is_secret = sounds_secret(name) and opens in '"{['
    if not (is_secret or is_of_a_person(name)):
        return None
    if opens == '"':
        string = _JSON_STRING.match(text, start)
        assert string is not None, "it opens here"
        start, end = string.span(1)
    elif opens in "{[":
        try:
            end = json.JSONDecoder().raw_decode(text, start)[1]
        except (ValueError, RecursionError):  # the JSON is cut, or nested too deeply
            end = len(text)
    else:
        word = _NUMBER_OR_WORD.match(text, start)
        end = start if word is None else word.end()
    return (start, end) if start < end else None


_PARTS: Final = (
    *("access", "api", "auth", "credential", "passw", "private", "secret", "token", "webhook"),
    *("cvc", "cvv", "otp", "passcode", "passphrase", "pin", "tan"),
)
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def _opening(text: str, at: int) -> int:
    """Return the place of the quotation mark that opens the string around a place."""
    while (at := text.rfind('"', 0, at)) > 0:
        before = text[max(0, at - _ESCAPES) : at]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            break
    return at


#: The most backslashes that are counted before a name's quotation mark.
_ESCAPES: Final = 1_000


# --- what is found --------------------------------------------------------------------------------

#: The most characters of an e-mail address before and after its `@` (RFC 5321, 4.5.3.1).
_LOCAL_LIMIT: Final = 64
_DOMAIN_LIMIT: Final = 255
#: The part of an address before its `@`, matched in the reversed text.
_LOCAL: Final = re.compile(rf"(?:[\w.+-]|'(?=\w)){{0,{_LOCAL_LIMIT - 1}}}[\w+-]")
_QUOTED: Final = re.compile(rf'"[^"\n]{{1,{_LOCAL_LIMIT}}}"')
_DOMAIN: Final = re.compile(
    r"(?:[ \t]?\n[> ]{0,4})?"
    r"(?:(?:[\w-]++\.)+(?:xn--[a-zA-Z0-9-]{1,59}|[^\W\d_]{2,63})|\[[0-9a-fA-F:.IPv]{3,45}\])"
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of e-mail addresses; beyond the limits, only the part around the `@`."""
    end, at = 0, -1
    while (at := text.find("@", at + 1)) >= 0:
        domain = _DOMAIN.match(text, at + 1)
        if domain is None:
            continue
        before = text[max(end, at - _LOCAL_LIMIT - 2) : at][::-1]
        local = _QUOTED.match(before) or _LOCAL.match(before)
        if local is not None or at == end:
            start = at - (local.end() if local else 0)
            end = min(domain.end(), at + 1 + _DOMAIN_LIMIT)
            if text.startswith("@", end) and text.count(".", at, end) > 1:
                # Another `@` follows: the part after the last full stop begins the next address.
                end = text.rindex(".", at, end)
            yield start, end


#: Countries with the length of their IBANs: https://www.swift.com/standards/data-standards/iban
_IBANS: Final = (
    "NO15 BE16 DK18 FI18 FK18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 "
    "MN20 XK20 CH21 HR21 LI21 LV21 BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 "
    "GI23 IL23 IQ23 OM23 SO23 TL23 AD24 CZ24 ES24 MD24 PK24 RO24 SA24 SE24 SK24 TN24 VG24 "
    "LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 IT27 MC27 MR27 SM27 AL28 AZ28 BY28 CY28 "
    "DO28 GT28 HN28 HU28 LB28 NI28 PL28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 "
    "MT31 SC31 LC32 RU33 "
)
_IBAN_LENGTHS: Final = {one[:2]: int(one[2:]) for one in _IBANS.split()}
#: The signs between the groups of a number, also across lines, in a quotation and in a table.
_BETWEEN: Final = r"[\s>|_\\-]"
_SIGN: Final = "[.,+/:]"
#: The two check digits after an IBAN's country code. The code begins a word, or follows a digit or
#: `IBAN`. Digits are looked for first, here and below, because most places have no digits.
_CHECK_DIGITS: Final = re.compile(
    r"[0-9]{2}(?<=[A-Za-z]{2}..)"
    r"(?:(?<![^\W_].{4})|(?<=[0-9][A-Z]{2}..)|(?<=[iI][bB][aA][nN].{4}))",
    re.DOTALL,
)
_WORD: Final = re.compile("[A-Za-z0-9]+")


@cache
def _letters(many: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[A-Za-z0-9](?:{_BETWEEN}|{_SIGN}){{0,4}}+){{{many - 1}}}[A-Za-z0-9]")


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of IBANs: by the country's length and the check digits, in groups or not."""
    for found in _CHECK_DIGITS.finditer(text):
        start = found.start() - 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        written = _letters(length).match(text, start) if length else None
        if written is None:
            continue
        *groups, last = _WORD.findall(written[0])
        number = "".join((*groups, last))
        # An IBAN in small letters is one word or groups of four; anything else is prose.
        if number.isupper() or all(len(one) == 4 for one in groups):  # noqa: PLR2004
            digits = "".join(str(int(one, 36)) for one in number[4:] + number[:4])
            if int(digits) % 97 == 1:  # the check digits are right (ISO 7064)
                yield written.span()


#: The digits of a number, but not those behind a point, as in 0.5333333333333333.
_NUMBERS: Final = re.compile(
    r"[0-9](?<![^\W_].)(?<!\b[0-9]\..)(?<!\b[0-9]{2}\..)(?<!\b[0-9]{3}\..)[0-9]*+"
    rf"(?:{_BETWEEN}{{1,4}}+[0-9]++)*+"
)
#: A card number in groups joined by `.`, `,`, `+`, `/` or `:`; dates, sums and thousands have
#: groups of other lengths.
_SIGNED: Final = re.compile(
    rf"[0-9]{{4}}(?<![^\W_].{{4}})(?<![0-9]{_SIGN}.{{4}})(?:"
    rf"({_SIGN} ?)[0-9]{{4}}(?:\1[0-9]{{4}}){{2}}(?:\1[0-9]{{1,3}})?"
    rf"|({_SIGN} ?)[0-9]{{6}}\2[0-9]{{4,5}})(?!{_SIGN}?[0-9])"
)
_GROUP: Final = re.compile("[0-9]+")
_GROUPS: Final = 5
_CHARACTERS: Final = range(13, 40)
#: The lengths of card numbers, and the first digits that issuers have (ISO/IEC 7812).
_CARD: Final = re.compile(
    r"(?=[0-9]{13,19}\Z)(?:22(?:0[0-4]|2[1-9]|[3-9])|2[3-6]|27(?:[01]|20)|3[04-9]|[4-6])"
)


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of card numbers: by their length and check digit, in groups or not."""
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
    yield from (one.span() for one in _SIGNED.finditer(text) if _is_card(one[0]))


def _is_card(written: str) -> bool:
    number = "".join(_GROUP.findall(written))
    # A number with more than one line end is a column of numbers, and no card.
    if written.count("\n") > 1 or not _CARD.match(number):
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (doubled + sum(map(int, number[-1::-2]))) % 10 == 0  # Luhn


FINDERS: Final = {
    "email": (Kind.EMAIL, find_emails),
    "iban": (Kind.IBAN, find_ibans),
    "card": (Kind.CARD, find_cards),
}
