"""Taking secrets out of texts that come from outside, before they are shown, logged or kept.

A crew or a proxy may repeat what it was sent, in whatever spelling: as JSON, in an address, on a
page, as a Basic `Authorization` header. What is known to be a secret is looked for in each of them.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import Field, fields, is_dataclass, replace
from enum import Enum
from typing import Any, ClassVar, Final, Protocol, TypeVar
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


V = TypeVar("V", bound=_Dataclass)

MARK: Final = "[redacted]"

#: Shorter ones protect nothing, and taking them out would spoil every text.
SHORTEST: Final = 4
#: Shorter ones may be words, and are parts of others: they are taken out where they stand alone.
_SHORTEST_INSIDE: Final = 10
#: A path's segment of this length with a digit, or with letters of both cases, is no name.
_SHORTEST_SEGMENT: Final = 16


class Redactor:
    """Replaces the secrets it knows by MARK; everything else stays as it is."""

    def __init__(self, secrets: Iterable[str] = (), *, base: Redactor | None = None) -> None:
        self._base = base
        self._secrets = frozenset(one for one in secrets if len(one) >= SHORTEST)
        spellings = {form for secret in self._secrets for form in _spellings(secret)}
        # The longer ones first: one may be a part of another.
        ordered = sorted(spellings, key=lambda form: (-len(form), form))
        self._inside = tuple(form for form in ordered if len(form) >= _SHORTEST_INSIDE)
        self._inside_bytes = tuple(form.encode(errors="surrogatepass") for form in self._inside)
        short = "|".join(re.escape(form) for form in ordered if len(form) < _SHORTEST_INSIDE)
        # None where there is none: even a pattern that never matches is tried at each character.
        alone = [rf"(?<![A-Za-z0-9])(?:{short})(?![A-Za-z0-9])"] if short else []
        self._alone = [re.compile(one) for one in alone]
        self._alone_bytes = [re.compile(one.encode(errors="surrogatepass")) for one in alone]

    def also(self, secrets: Iterable[str]) -> Redactor:
        """One that knows these too."""
        more = {one for one in secrets if len(one) >= SHORTEST and one not in self}
        return Redactor(more, base=self) if more else self

    def __bool__(self) -> bool:
        """Whether it knows any secret."""
        return bool(self._secrets or self._base)

    def __contains__(self, secret: str) -> bool:
        return secret in self._secrets or (self._base is not None and secret in self._base)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._inside:
            text = text.replace(form, MARK)
        for pattern in self._alone:
            text = pattern.sub(MARK, text)
        return text if self._base is None else self._base.text(text)

    def body(self, body: bytes) -> bytes:
        """A body without secrets, byte for byte the same everywhere else."""
        for form in self._inside_bytes:
            body = body.replace(form, MARK.encode())
        for pattern in self._alone_bytes:
            body = pattern.sub(MARK.encode(), body)
        return body if self._base is None else self._base.body(body)

    def fields(self, value: V, *, keep: tuple[str, ...] = ()) -> V:
        """A dataclass without secrets in its texts, save those of the fields to keep."""
        if not self:
            return value
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        clean = {name: self._value(one) for name, one in found.items() if name not in keep}
        changed = {name: one for name, one in clean.items() if one != found[name]}
        return replace(value, **changed) if changed else value

    def _value(self, value: object) -> object:
        match value:
            case Enum():
                return value
            case str():
                return self.text(value)
            case tuple():
                return tuple(map(self._value, value))
            case _ if is_dataclass(value) and not isinstance(value, type):
                return self.fields(value)
        return value

    def report(self, text: str) -> str:
        """What nobody understood, without secrets and without what is called one there."""
        for pattern, put in _NAMED:
            text = pattern.sub(put, text)
        return self.text(text)


def is_called_secret(name: str) -> bool:
    """Whether something is a secret by its name, such as `api_key`."""
    return _SECRET_NAME.search(name) is not None


def url_secrets(url: str | None) -> Iterator[str]:
    """The parts of an address that nobody could guess: whoever has them may call it."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    segments = parts.path.split("/")
    values = (value for _, value in parse_qsl(parts.query))
    for found in (unquote(password or ""), *values, *map(unquote, segments)):
        if len(found) >= _SHORTEST_SEGMENT and _is_unguessable(found):
            yield found


def _is_unguessable(text: str) -> bool:
    return any(one.isdigit() for one in text) or not (text.islower() or text.isupper())


def _spellings(secret: str) -> Iterator[str]:
    """How a secret may be written: in JSON, in JSON in JSON, in Python, in addresses, on pages."""
    for text in (secret, repr(secret)[1:-1]):
        yield text
        for escape in (_as_json, _as_plain_json):
            yield escape(text)
            yield escape(text).replace("/", r"\/")  # as PHP writes it
            yield escape(escape(text))
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    yield html.escape(secret)
    yield from _inside_base64(secret)


def _as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _as_plain_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _inside_base64(secret: str) -> Iterator[str]:
    """Base64 that has the secret somewhere, such as behind a user's name: what is sure of it.

    Three bytes are four characters, so there are three ways; the characters at both ends belong to
    the neighbours too.
    """
    raw = secret.encode(errors="surrogatepass")
    for before in range(3):
        written = base64.b64encode(bytes(before) + raw).decode("ascii").rstrip("=")
        whole = (before + len(raw)) * 8 // 6
        sure = written[-(-before * 8 // 6) : whole]
        if len(sure) >= _SHORTEST_INSIDE:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")


_NAME: Final = r"(?:token|secret|passw(?:or)?d|credential|authorization|api[_-]?key)"
#: Whoever has the address at which a flow is answered can answer.
_CALLBACK: Final = r"callback[_-]?url"
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
_NAMED: Final = (
    # `"token": "…"` in JSON, in Python and in JSON in JSON, also when the end is missing.
    (
        re.compile(
            rf"((?:{_NAME}|{_CALLBACK})[\w-]{{0,40}}\\*[\"']?\s{{0,9}}[:=]\s{{0,9}})"
            r"(?:\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?|\\+[\"'][^\"'\\]*+(?:\\+[\"'])?"
            r"|(?:(?:basic|bearer)\s{1,9})?[^\s,;&\"'\\{}\[\]]++)",
            re.IGNORECASE | re.DOTALL,
        ),
        rf"\1{MARK}",
    ),
    (re.compile(r"\b(bearer|basic)\s{1,9}[\w.~+/=-]{6,}+", re.IGNORECASE), rf"\1 {MARK}"),
    (re.compile(r"(://[^\s/@:]{1,99}:)[^\s/@]{1,200}@"), rf"\1{MARK}@"),
    (re.compile(r"(/events/(?:task|step|crew)/)[^\s\"'\\?#<>&]++"), rf"\1{MARK}"),
)
"""What is a secret by its name or its place, for texts that nobody could read."""
