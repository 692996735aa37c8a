"""Redaction of secrets in texts from outside, before these are shown, logged or stored.

A crew or a proxy may repeat a request in any spelling: as JSON, in an address, on a page, as a
Basic `Authorization` header. Known secrets are looked for in each spelling.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import Field, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeVar, cast
from urllib.parse import quote, quote_plus, urlsplit


class Dataclass(Protocol):
    """An instance of any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


V = TypeVar("V", bound=Dataclass)

MARK: Final = "[redacted]"

#: Shorter secrets protect nothing, and removing them would spoil every text.
SHORTEST: Final = 8
#: Shorter secrets may be words or parts of words: they are removed only where they stand alone.
_SHORTEST_INSIDE: Final = 10
#: Base64 in several lines has lines of 64 or 76 characters (RFC 7468, RFC 2045), and words are
#: shorter. Looking for a line of at least 40 is cheaper than removing line breaks from each text.
_LINE: Final = b"x" * 40
_AS_LINE: Final = re.sub(rb"[\w+/-]", b"x", bytes(range(256)))


class _Forms(NamedTuple):
    """The spellings of secrets, the longest first: a spelling may be a part of another."""

    secrets: frozenset[str] = frozenset()
    inside: tuple[bytes, ...] = ()
    """Lower-case spellings that are found in any case, also inside longer words."""
    coded: tuple[bytes, ...] = ()
    briefly_coded: tuple[bytes, ...] = ()
    """Base64 spellings that are shorter than a line."""
    alone: tuple[re.Pattern[bytes], ...] = ()

    @classmethod
    def of(cls, secrets: frozenset[str]) -> Self:
        spellings = {form for secret in secrets for form in _spellings(secret)}
        short = {form for form in spellings if len(form) < _SHORTEST_INSIDE}
        coded = {form for secret in secrets for form in _inside_base64(secret)}
        alone = b"|".join(map(re.escape, _longest_first(short)))
        pattern = rb"(?<![A-Za-z0-9])(?:%b)(?![A-Za-z0-9])" % alone
        return cls(
            secrets,
            # `lower` of bytes changes ASCII letters only, so no position moves.
            tuple(dict.fromkeys(form.lower() for form in _longest_first(spellings - short))),
            _longest_first(coded),
            _longest_first(form for form in coded if len(form) < len(_LINE)),
            # Without short secrets there is no pattern: even one that never matches costs time.
            (re.compile(pattern),) if alone else (),
        )


class Redactor:
    """Replaces the secrets it knows by MARK; everything else stays as it is."""

    def __init__(self, secrets: Iterable[str] = (), *, known: _Forms | None = None) -> None:
        known = known or _Forms()
        self._forms = known
        # A part of MARK is no secret: each search would find it again in what the last one put.
        long = (one for one in secrets if len(one) >= SHORTEST and one.lower() not in MARK)
        new = frozenset(long) - known.secrets
        if not new:
            return
        forms = _Forms.of(new)
        self._forms = _Forms(
            forms.secrets | known.secrets,
            forms.inside + known.inside,
            forms.coded + known.coded,
            forms.briefly_coded + known.briefly_coded,
            forms.alone + known.alone,
        )

    def also(self, secrets: Iterable[str]) -> "Redactor":
        more = Redactor(secrets, known=self._forms)
        return more if len(more) > len(self) else self

    def __len__(self) -> int:
        return len(self._forms.secrets)

    def text(self, text: str) -> str:
        return self.counted(text)[0]

    def counted(self, text: str) -> tuple[str, int]:
        """Return a text without secrets, and the number of replacements."""
        if not self:
            return text, 0
        body, count = self._replaced(_encoded(text))
        return body.decode(errors="surrogatepass"), count

    def body(self, body: bytes) -> bytes:
        return self._replaced(body)[0]

    def _replaced(self, body: bytes) -> tuple[bytes, int]:
        folded, count = body.lower(), 0
        for form in self._forms.inside:
            if form in folded:
                count += folded.count(form)
                body, folded = _without(form, body, folded)
        coded, joined = self._forms.briefly_coded, body
        if _LINE in body.translate(_AS_LINE):
            coded, joined = self._forms.coded, _without_line_breaks(body)
        for form in coded:
            # The first character may be missing in `joined`: an `n` or `r` after a backslash was
            # removed as a line break.
            if form[1:] in joined:
                body, more = _broken(form).subn(MARK.encode(), body)
                count += more
        for pattern in self._forms.alone:
            body, more = pattern.subn(MARK.encode(), body)
            count += more
        return body, count

    def fields(self, value: V, *, keep: Collection[str] = ()) -> V:
        if not self:
            return value
        # Most texts have no secret, so all texts are searched together first.
        whole = _encoded("\0".join(_texts_in(value, keep)))
        return value if self.body(whole) == whole else with_texts(value, self.text, keep=keep)

    def error(self, text: str) -> str:
        """Return an error message without secrets and anything that looks like credentials."""
        return self.text(hide_credentials(text))

    def report(self, text: str) -> str:
        """Return an unparsable text without secrets, also by their names, and addresses' paths."""
        return without_paths(_put(_IN_REPORTS, self.error(text)))


def with_texts(
    value: V,
    change: Callable[[str], str],
    *,
    keep: Collection[str] = (),
    whole: tuple[type, ...] = (),
) -> V:
    """Return a dataclass with its texts changed, nested ones too.

    Fields in `keep` stay unchanged, and so do values of the types in `whole`.
    """

    def changed(one: object) -> object:
        match one:
            case Enum():
                return one
            case str():
                return change(one)
            case tuple():
                return tuple(map(changed, one))
            case _ if is_dataclass(one) and not isinstance(one, type):
                as_it_is = isinstance(one, whole)
                return one if as_it_is else with_texts(one, change, keep=keep, whole=whole)
        return one

    found = {name: getattr(value, name) for name in _names_of(value) if name not in keep}
    new = {name: changed(one) for name, one in found.items()}
    different = {name: one for name, one in new.items() if one != found[name]}
    return replace(value, **different) if different else value


def _texts_in(value: object, keep: Collection[str]) -> list[str]:
    texts, nested = [], [value]
    for one in nested:  # the loop appends to this list
        if isinstance(one, tuple):
            parts: Iterable[object] = one
        else:
            parts = [getattr(one, name) for name in _names_of(one) if name not in keep]
        for part in parts:
            if part is None or part is False:  # as most parts are
                continue
            if isinstance(part, str):
                if not isinstance(part, Enum):
                    texts.append(part)
            elif part != ():
                nested.append(part)
    return texts


def _names_of(value: object) -> tuple[str, ...]:
    return _names(cast("type", type(value)))


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _longest_first(forms: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(sorted(map(_encoded, forms), key=lambda form: (-len(form), form)))


def _without(form: bytes, body: bytes, folded: bytes) -> tuple[bytes, bytes]:
    pieces, at = [], 0
    parts = folded.split(form)
    for part in parts:
        pieces.append(body[at : at + len(part)])
        at += len(part) + len(form)
    return MARK.encode().join(pieces), MARK.encode().join(parts)


def _without_line_breaks(body: bytes) -> bytes:
    """Remove line breaks, plain or escaped by JSON once or twice."""
    return body.replace(rb"\n", b"").replace(rb"\r", b"").translate(None, b"\r\n\\")


def _broken(form: bytes) -> re.Pattern[bytes]:
    """Return a pattern for base64 in one line or in several, as in a mail (RFC 2045, 6.8)."""
    characters = (re.escape(form[at : at + 1]) for at in range(len(form)))
    return re.compile(rb"(?:\\{1,9}[rn]?|[\r\n])*+".join(characters))


def hide_credentials(text: str) -> str:
    """Hide what its name, place or form shows to be a secret; `token: expired` stays."""
    return _put(_CREDENTIALS, text)


def _put(patterns: Iterable[tuple[re.Pattern[str], str]], text: str) -> str:
    for pattern, put in patterns:
        text = pattern.sub(put, text)
    return text


def is_called_secret(name: str) -> bool:
    """Return True if a name says that its value is a secret, as `api_key` does."""
    return _SECRET_NAME.search(name) is not None


def is_of_a_person(name: str) -> bool:
    """Return True for the name of a value by which a person proves who they are."""
    return _OF_A_PERSON.search(name) is not None


def is_secret_variable(name: str) -> bool:
    """Return True for an environment variable whose value `crewgate host` keeps secret."""
    return _SECRET_VARIABLE.search(name) is not None


def is_credential(name: str) -> bool:
    """Return True if a field's name says that its text, list or object is a secret."""
    return _CREDENTIAL.search(name) is not None


def sounds_secret(name: str) -> bool:
    """Return True if any word of a name is that of a secret: `secret_note`, `token2`."""
    return is_credential(name) or _SECRET_WORD.search(name) is not None


def is_hidden_argument(name: str) -> bool:
    """Return True if a call's argument of this name may be masked for people."""
    return sounds_secret(name) or is_of_a_person(name)


#: A word for a person's secret code in the name of an argument: `pin`, but not in `shipping`.
_OF_A_PERSON: Final = re.compile(
    r"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?i:pin|cvv|cvc|otp|tan|passcode|passphrase)(?:$|[\W_\d]|(?=[A-Z]))"
)
#: A word for a secret in a name, perhaps with a number: not in `secretary` or `tokenizer`.
_SECRET_WORD: Final = re.compile(
    r"(?:^|[\W_\d]|(?<=[a-z])(?=[A-Z]))"
    r"(?i:secrets?|tokens?|passw(?:or)?ds?|credentials?|webhooks?|(?:api|access|private)[\W_]?keys?)"
    r"(?:$|[\W_\d]|(?=[A-Z]))"
)
#: `STRIPE_KEY` and `TOKEN_FILE`, but not `KEYCLOAK_URL`, `MAX_TOKENS` or `TOKENIZERS_PARALLELISM`.
_SECRET_VARIABLE: Final = re.compile(r"(?i)(?:KEYS?|TOKEN|SECRETS?|PASSWORDS?)(?![A-Z])")
_CREDENTIAL: Final = re.compile(
    r"(?is)(?:api.?key|passw(?:or)?d|secret|token)\Z|webhook"
    r"|\A(?:auth(?:entication|orization)?|credentials?)\Z"
)


def without_paths(text: str, addresses: Collection[str] | None = None) -> str:
    """Return a text whose addresses show scheme and host alone.

    With `addresses`, only those at a host of one of them. An address is found by its scheme, so a
    caller who chooses one takes no word out of a text.
    """
    hosts = None if addresses is None else {_host(one) for one in addresses}

    def shortened(found: re.Match[str]) -> str:
        begin, host = found.groups()
        is_meant = hosts is None or _host(f"http://{host}") in hosts
        return f"{begin}{host}" if is_meant else found[0]

    return text if hosts == set() else _ADDRESS.sub(shortened, text)


def has_address(value: Dataclass) -> bool:
    """Return True if a text of a dataclass, or of one in it, has an address."""
    return _ADDRESS.search("\0".join(_texts_in(value, ()))) is not None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


#: An address as it is, in JSON or in another address: scheme, user, host and what follows.
_ADDRESS: Final = re.compile(
    r"(?i)(https?(?::|%3A)(?:\\*/|%2F){2})(?:[^\s/?#%\\\"'<>]*@)?([^\s/?#%\\\"'<>@]++)"
    r"(?:(?:[/?#%]|\\+/)(?:[^\s\"'<>\\]|\\+(?:/|u[0-9a-f]{4}))*+)?"
)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the spellings of a secret in JSON, JSON in JSON, Python, URLs and HTML; not base64."""
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
    yield _encoded(secret).hex()


def _as_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _as_plain_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _inside_base64(secret: str) -> Iterator[str]:
    """Yield the base64 of a secret behind or before other text, such as a user's name.

    Three bytes are four characters, so there are three alignments; the characters at both ends
    depend on the neighbours and are left off.
    """
    raw = _encoded(secret)
    for before in range(3):
        written = base64.b64encode(bytes(before) + raw).decode("ascii").rstrip("=")
        whole = (before + len(raw)) * 8 // 6
        sure = written[-(-before * 8 // 6) : whole]
        yield sure
        yield sure.replace("+", "-").replace("/", "_")


_NAME: Final = (
    r"(?:token|secret|passw(?:or)?d|credential|authorization|(?:api|access|private)[_-]?key"
    # `auth` must not be the beginning of `author`.
    r"|(?-i:(?<![a-z])o?auth|O?Auth)(?-i:(?![a-z]))|(?-i:(?<![A-Z])O?AUTH(?![A-Z])))"
)
_SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
#: The name of a secret, perhaps with letters after it: `token_value`. A flow's callback URL is a
#: secret too: whoever has it can answer the flow.
_CALLED: Final = rf"(?:{_NAME}|callback[_-]?url)[\w-]{{0,40}}"
_QUOTED: Final = r"\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?|\\+[\"'][^\"'\\]*+(?:\\+[\"'])?"
_BARE: Final = r"[^\s,;&\"'\\{}\[\]]"
#: The value after a secret's name, unless it is a number of up to 12 digits (`total_tokens=512` is
#: only a count) or a word for a missing value.
_VALUE: Final = (
    rf"(?:{_QUOTED}|(?:(?:basic|bearer)\s{{1,9}})?"
    rf"(?!(?:\d{{1,12}}|none|null|true|false)(?![\w.+/=-])){_BARE}++)"
)
#: A value that is no word: 8 characters with letters and digits, or 16 with letters of both cases.
_UNGUESSABLE: Final = (
    rf"(?:(?={_BARE}{{0,99}}[a-z])(?={_BARE}{{0,99}}\d){_BARE}{{8,}}+"
    rf"|(?={_BARE}{{0,99}}(?-i:[a-z][A-Z])){_BARE}{{16,}}+)"
)

_NO_WORD: Final = rf"(?:\"[^\"\s]++\"|'[^'\s]++'|(?:basic|bearer)\s{{1,9}}{_BARE}++|{_UNGUESSABLE})"
#: Keys with the prefix of their vendor, and JWTs.
_OF_VENDORS: Final = (
    r"(?-i:(?<![A-Za-z0-9_-])(?:(?:gh[opsur]|github_pat|glpat|npm|hf|whsec|sk|rk|pk|xai|gsk)"
    r"[_-](?=[\w-]{0,99}\d)[\w-]{16,}|gh[opsur]_\w{30,}|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}"
    r"|A(?:KIA|SIA)[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?))"
)


def _patterns(*found: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    flags = re.IGNORECASE | re.DOTALL
    return tuple((re.compile(pattern, flags), put) for pattern, put in found)


_CREDENTIALS: Final = _patterns(
    # `"token": "…"` in JSON, in Python and in JSON in JSON, also when the end is missing, and
    # `token=…`, as in an address.
    (rf"({_CALLED}(?:\\*[\"']\s{{0,9}}[:=]|\s{{0,9}}=)\s{{0,9}}){_VALUE}", rf"\1{MARK}"),
    # `token: …`, where prose may follow, so only a value that is no word is removed.
    (rf"({_CALLED}\s{{0,9}}:\s{{0,9}}){_NO_WORD}", rf"\1{MARK}"),
    (rf"([?&][\w-]{{0,40}}(?:key|sig|signature)=){_BARE}++", rf"\1{MARK}"),
    (rf"\b(bearer|basic)\s{{1,9}}{_UNGUESSABLE}", rf"\1 {MARK}"),
    (r"(://[^\s/@:]{1,99}:)[^\s/@]{1,200}@", rf"\1{MARK}@"),
    (r"(/events/(?:task|step|crew)/)[^\s\"'\\?#<>&]++", rf"\1{MARK}"),
    (_OF_VENDORS, MARK),
    (r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*", rf"\1{MARK}"),
)
"""Secrets by their name, place or form, in texts that may quote people too."""

_IN_REPORTS: Final = _patterns(
    (rf"({_CALLED}\s{{0,9}}:\s{{0,9}}){_VALUE}", rf"\1{MARK}"),
    (r"\b(bearer|basic)\s{1,9}[\w.~+/=-]{6,}+", rf"\1 {MARK}"),
)
"""Further secrets in unparsable texts, where prose matters less."""
