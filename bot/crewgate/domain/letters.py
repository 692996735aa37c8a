"""Letters of a text: what of it counts where words are compared, and which look like others."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from string import ascii_letters, digits
from typing import Final
from unicodedata import category, decimal, name, normalize

# --- what counts ----------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Return a text's letters and digits in plain form, without case; everything else is nothing.

    Spacing marks count too, and other marks after a letter of their own script: Hindi's vowel signs
    are part of its words. The accents of Latin, Greek and Cyrillic are nothing.
    """
    return _folded(text, _FOLDED)


def unspaced(text: str) -> str:
    """Return the characters of a text that `fold` leaves something of, as written, in lower case.

    Each stays one character, so that a `?` stands for one: `fold` makes three of `각`.
    """
    return _folded(text, _UNSPACED)


def _folded(text: str, table: dict[int, str]) -> str:
    if text.isascii():
        return text.translate(_ASCII)
    # Characters are changed one by one: `normalize` sorts a whole text's marks, in quadratic time.
    return _MARKED.sub(_with_own_marks, text.translate(table))


_ASCII: Final = dict.fromkeys(range(128)) | {
    ord(one): one.lower() for one in ascii_letters + digits
}
#: A letter or digit, if there is one, and the marks that follow.
_MARKED: Final = re.compile(r"(\w?)(\W+)")


def _with_own_marks(found: re.Match[str]) -> str:
    letter, marks = found.groups()
    return letter + "".join(one for one in marks if _counts(one, letter))


@lru_cache(maxsize=1_000)
def _counts(mark: str, letter: str) -> bool:
    if category(mark) == "Mc":
        return True
    script = _script(letter) if letter.isalpha() else ""
    return script not in {"", "LATIN", "GREEK", "CYRILLIC"} and script in name(mark, "")


def _script(letter: str) -> str:
    return name(letter, "").partition(" ")[0]


class _Folded(dict[int, str]):
    """A table for `str.translate` from a character to its plain letters, digits and marks."""

    def __missing__(self, code: int) -> str:
        # A sign such as ™ is nothing, though NFKD makes letters of it.
        is_sign = category(chr(code))[0] not in "LMN"
        found = "" if is_sign else "".join(map(self._plain, normalize("NFKD", chr(code))))
        return self._kept(code, found)

    def _kept(self, code: int, found: str) -> str:
        if code < 2**16:  # rarer characters are not stored: the table stays small
            self[code] = found
        return found

    def _plain(self, one: str) -> str:
        match category(one)[0]:
            case "L" if not name(one, "").endswith("FILLER"):  # a blank that counts as a letter
                return normalize("NFKD", one.casefold())
            case "N":
                return str(decimal(one, one))
            case "M":
                return one
        return ""


class _Unspaced(_Folded):
    """A table from a character to itself in lower case, or to nothing."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        lower = one.lower() if len(one.lower()) == 1 else one
        return self._kept(code, lower if _FOLDED[code] else "")


_FOLDED: Final = _Folded()
_UNSPACED: Final = _Unspaced()

# --- letters that look like others ----------------------------------------------------------------

#: Scripts with letters that look alike, by the beginnings of their letters' Unicode names.
_SCRIPTS: Final = (
    *("LATIN LETTER SMALL CAPITAL", "MATHEMATICAL", "CIRCLED LATIN", "PARENTHESIZED LATIN"),
    *("SQUARED LATIN", "NEGATIVE CIRCLED LATIN", "NEGATIVE SQUARED LATIN"),
    *("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU"),
)
_CODES: Final = {script: chr(ord("A") + number) for number, script in enumerate(_SCRIPTS)}
_LATIN: Final = _CODES["LATIN"]
#: The codes of a character that belongs to no such script: between words, and inside one.
_BETWEEN, _INSIDE = " ", "-"
#: Marks of Markdown that stand inside words and are not drawn.
_MARKUP: Final = frozenset("*~`")


class _Coded(dict[int, str]):
    """A table for `str.translate` from a character to the code of its script, one for one."""

    def __missing__(self, code: int) -> str:
        found = self._code(chr(code))
        if code < 2**16:
            self[code] = found
        return found

    def _code(self, char: str) -> str:
        of = category(char)
        if of[0] == "L":
            letters = (one for one in (char, *normalize("NFKC", char)) if one.isalpha())
            named = (name(one, "") for one in letters)
            codes = (_CODES[one] for each in named for one in _SCRIPTS if each.startswith(one))
            return next(codes, _INSIDE if name(char, "").endswith("FILLER") else _BETWEEN)
        if of == "So" and " LATIN " in name(char):
            return next((_CODES[one] for one in _SCRIPTS if name(char).startswith(one)), _BETWEEN)
        ends = of[0] in "PSZ" or char.isspace()
        return _BETWEEN if ends and char not in _MARKUP else _INSIDE


_CODED: Final = _Coded()
#: A sign as JSON and programs write it. Its letter is no part of the word after it: `"\\nПривет"`.
_ESCAPED: Final = re.compile(r"\\[bfnrt]")
_MIXED: Final = re.compile(rf"([A-Z]){_INSIDE}*+(?!\1)[A-Z]")
_WORD: Final = re.compile(f"[^{_BETWEEN}]+")
_OF_ONE_SCRIPT: Final = re.compile(r"([A-Z])\1*+")
_TOKEN: Final = re.compile(r"[^\s,;<>()\[\]\"']+")
_HOST: Final = re.compile(r"@|\w\.\w\w")

Span = tuple[int, int, str]
"""The place of letters in a text, and the beginning of their names, such as `CYRILLIC`."""


def is_mixed(text: str) -> bool:
    """Return True if a word has letters of two scripts that look alike: `bob` with a Cyrillic o."""
    return not text.isascii() and _MIXED.search(_coded(text)) is not None


def mixed_words(text: str) -> Iterator[str]:
    """Yield the words that have letters of two scripts that look alike, in order."""
    if is_mixed(text):
        words = _WORD.finditer(_coded(text))
        yield from (text[slice(*word.span())] for word in words if _MIXED.search(word[0]))


def others_in_words(text: str) -> Iterator[Span]:
    """Yield the letters that are of another script than their word, in order.

    A word's own script is its most frequent one, and Latin where two are equally frequent.
    """
    if not is_mixed(text):
        return
    coded = _coded(text)
    for word in _WORD.finditer(coded):
        if _MIXED.search(word[0]):
            yield from _others(coded, *word.span(), own=_most_frequent(word[0]))


def others_in_recipients(text: str, own: str) -> Iterator[Span]:
    """Yield the words of addresses and hosts that are wholly in another script than `own`.

    Latin words are left out: addresses are Latin in texts of any script.
    """
    if text.isascii():
        return
    for token in _recipients(text):
        coded = _coded(token[0])
        for word in _WORD.finditer(coded):
            codes = set(word[0]) - {_INSIDE}
            if len(codes) == 1 and not codes & {own, _LATIN}:
                yield from _others(coded, *word.span(), own=own, at=token.start())


def own_script(texts: Iterable[str]) -> str:
    """Return the code of the most frequent script of these texts, without addresses and hosts."""
    texts = tuple(texts)
    if all(map(str.isascii, texts)):
        return _LATIN
    return _most_frequent(
        "".join(
            _coded(token[0])
            for text in texts
            for token in _TOKEN.finditer(text)
            if not _HOST.search(token[0])
        )
    )


def _coded(text: str) -> str:
    """Return the code of each character's script."""
    return (_ESCAPED.sub(2 * _BETWEEN, text) if "\\" in text else text).translate(_CODED)


def _recipients(text: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(text) if _HOST.search(token[0]))


def _most_frequent(coded: str) -> str:
    return max(_CODES.values(), key=lambda one: (coded.count(one), one == _LATIN))


def _others(coded: str, start: int, end: int, *, own: str, at: int = 0) -> Iterator[Span]:
    for letters in _OF_ONE_SCRIPT.finditer(coded, start, end):
        if letters[1] != own:
            script = _SCRIPTS[ord(letters[1]) - ord("A")]
            yield at + letters.start(), at + letters.end(), script
