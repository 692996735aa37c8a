"""Readers of JSON from outside, and types whose values are checked and fit to store."""

import json
import re
from typing import Annotated, Final, TypeVar

import httpx
import pydantic
from pydantic_core import ErrorDetails

from crewgate.domain.errors import Malformed
from crewgate.domain.notification import TEXT_LIMIT, WORDS_LIMIT
from crewgate.domain.redaction import MARK, hide_credentials

#: The longest id that is accepted, in characters; real ids are UUIDs or task names.
ID_LIMIT: Final = 512
#: The most UTF-8 bytes of an id: an entry of a PostgreSQL index holds 2,704 bytes, and has up to
#: two ids and a crew's name.
ID_BYTES: Final = 1_024

#: The largest plausible number of tasks, or of calls of a tool; a larger number is ignored.
COUNT_LIMIT: Final = 10**6
#: The largest plausible number of tokens; a larger number is ignored.
TOKENS_LIMIT: Final = 10**15

URL_LIMIT: Final = 2_000

#: The most characters that are searched for credentials before a text is cut: half of a credential
#: would not be recognised.
_HIDDEN_IN: Final = 20 * WORDS_LIMIT

#: The most characters of a text that are read to find the first WORDS_LIMIT non-blank ones.
SCAN_LIMIT: Final = 64 * 2**10

#: Indenting deep JSON can multiply its size by hundreds; beyond this size JSON is not indented.
PRETTY_LIMIT: Final = 4 * 2**20

#: The arguments of `Malformed` for JSON that is nested too deeply to be shown.
TOO_DEEP: Final = ("the output is nested too deeply", ("it has more levels than can be read",))

SURROGATES: Final = re.compile("[\ud800-\udfff]")

#: The most characters of a host's name with a final dot, and of one label between its dots (RFC
#: 1035, 2.3.4). An IPv6 address counts as one label, and is short enough.
_HOST_LIMIT: Final = 254
_LABEL_LIMIT: Final = 63

HTTP_URL: Final[pydantic.TypeAdapter[pydantic.HttpUrl]] = pydantic.TypeAdapter(pydantic.HttpUrl)

T = TypeVar("T")


class Wire(pydantic.BaseModel):
    """A JSON object from outside, in which null counts as a missing field."""

    model_config = pydantic.ConfigDict(frozen=True)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None}


W = TypeVar("W", bound=Wire)


def read_count(value: object) -> int:
    return value if type(value) is int and 0 <= value <= COUNT_LIMIT else 0


def read_name(name: str | None) -> str | None:
    """Return a name; it is empty, so unreadable, if `crewgate host` took a secret out of it."""
    return "" if name and MARK in name else name


def read(model: type[W], body: bytes, problem: str) -> W:
    """Read a JSON object. Raises Malformed with `problem` if its fields cannot be used."""
    return validate(model, parse_object(body), problem)


def read_if_object(model: type[W], body: bytes) -> W | None:
    """Read a JSON object whose fields can all be left out; None for anything else."""
    try:
        return model.model_validate(parse_object(body))
    except Malformed:
        return None


def validate(model: type[W], fields: dict[str, object], problem: str) -> W:
    """Read an object's fields. Raises Malformed with `problem` if they cannot be used."""
    try:
        return model.model_validate(fields)
    except pydantic.ValidationError as wrong:
        problems = [_problem(model, error) for error in wrong.errors(include_url=False)]
        raise Malformed(problem, problems) from None


def _problem(model: type[Wire], error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    match error["type"]:
        case "missing":
            return f"no {name}{_also_accepted(model, name)}"
        case "string_type":
            return f"{name} must be a string, not {_kind(error['input'])}"
        case "list_type":
            return f"{name} must be a list, not {_kind(error['input'])}"
        case "string_too_short":
            return f"{name} is empty"
        case "string_too_long" | "value_error":
            return f"{name} is longer than {ID_LIMIT} characters or {ID_BYTES:,} bytes"
    return f"{name} has characters that cannot be stored"


def _also_accepted(model: type[Wire], name: str) -> str:
    for field in model.model_fields.values():
        match field.validation_alias:
            case pydantic.AliasChoices(choices=[first, *others]) if first == name:
                return f" (also accepted: {', '.join(map(str, others))})"
    return ""


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "a list", str: "text"}
    return kinds.get(type(value), "an object")


def decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Malformed(
            "the body is not UTF-8", [f"{wrong.reason} at byte {wrong.start}"]
        ) from None


def parse_object(body: bytes, *, numbers: bool = True) -> dict[str, object]:
    """Read a JSON object. Raises Malformed, never anything else.

    Without `numbers`, numbers of any length stay as their text.

    The reader is as tolerant as Python's `json`, which many crews write with: NaN and infinities
    are numbers, lone surrogates are characters (pydantic's reader refuses those), and the last of
    equal keys counts.
    """
    text = decode(body)
    try:
        fields = json.loads(text) if numbers else json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        raise Malformed(
            "the body is nested too deeply", ["it has more levels than can be read"]
        ) from None
    except ValueError as wrong:
        raise Malformed("the body is not JSON", [one_line(str(wrong))]) from None
    if not isinstance(fields, dict):
        raise Malformed("the body is not a JSON object", ["it must begin with { and end with }"])
    return fields


def pretty(value: object) -> str:
    """Return JSON, NaN included, indented unless it is long. Raises Malformed if it is too deep."""
    parts: list[str] = []
    length = 0
    try:
        for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
            parts.append(part)
            length += len(part)
            if length > PRETTY_LIMIT:
                return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise Malformed(*TOO_DEEP) from None
    return "".join(parts)


def clean(text: str) -> str:
    """Make text fit for databases and Slack: NUL and lone surrogates become visible."""
    try:
        text.encode()
    except UnicodeEncodeError:  # rare; the pattern is slow, so it runs only in this case
        text = SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.replace("\0", "\u2400").replace("\r\n", "\n")


def one_line(text: str) -> str:
    return _cut(_in_one_line(text))


def own_words(text: str) -> str:
    """Return the beginning of a crew's words in one line, without credentials.

    An error often repeats the call that failed, its keys included.
    """
    return _cut(hide_credentials(_in_one_line(text)[:_HIDDEN_IN]))


def _in_one_line(text: str) -> str:
    return " ".join(clean(text[:SCAN_LIMIT]).split())


def _cut(text: str, limit: int = WORDS_LIMIT) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


_UNREAD: Final = re.compile(r"<(style|script)\b", re.IGNORECASE)
_UNREAD_ENDS: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("style", "script")}


def without_markup(page: str) -> str:
    """Return the text of an HTML page, read in one pass; a tag without `>` counts as text."""
    words: list[str] = []
    at = 0
    while (start := page.find("<", at)) >= 0:
        words.append(page[at:start])
        if unread := _UNREAD.match(page, start):
            ends = _UNREAD_ENDS[unread[1].lower()].search(page, start)
            if ends is None:
                return " ".join(words)
            start = ends.start()
        at = start
        end = page.find(">", start)
        if end < 0:
            break
        at = end + 1
    return " ".join((*words, page[at:]))


def _none_when_invalid(value: object, validate: pydantic.ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except pydantic.ValidationError:
        return None


def _as_written(url: str) -> str:
    # Pydantic only checks the address: its own result may spell the address in another way.
    HTTP_URL.validate_python(url)
    if not _names_a_host(url):
        raise ValueError("no host could be called by this name")
    return url


def _names_a_host(url: str) -> bool:
    """Return False for a host with an empty or too long label, which no name server can look up."""
    try:
        host = httpx.URL(url).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return False
    labels = host.removesuffix(".").split(".")
    return len(host) <= _HOST_LIMIT and all(0 < len(label) <= _LABEL_LIMIT for label in labels)


def _short_enough(text: str) -> str:
    if len(text.encode()) > ID_BYTES:
        raise ValueError("too many bytes")
    return text


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    # Cleaning a long text is slow, so the text is cut first; twice TEXT_LIMIT is enough, because
    # cleaning makes at most two characters into one.
    return _cut(clean(value[: 2 * TEXT_LIMIT + 2]), TEXT_LIMIT)


def _line(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


Lenient = Annotated[T | None, pydantic.WrapValidator(_none_when_invalid)]

Verbatim = Annotated[str, pydantic.StringConstraints(pattern=r"^[^\x00]*$")]
"""A text that is stored and sent back unchanged; its pattern refuses lone surrogates too."""

Id = Annotated[
    Verbatim,
    pydantic.StringConstraints(min_length=1, max_length=ID_LIMIT),
    pydantic.AfterValidator(_short_enough),
]

Url = Annotated[
    str,
    pydantic.StringConstraints(
        max_length=URL_LIMIT,
        # Refuses addresses that are not absolute, some of which pydantic completes: `http:host`.
        pattern=r"^(?i:https?)://[^\x00-\x20\x7f-\x9f/?#][^\x00-\x20\x7f-\x9f]*$",
    ),
    pydantic.AfterValidator(_as_written),
]

Count = Annotated[int, pydantic.Strict(), pydantic.Field(ge=0, le=COUNT_LIMIT)]
Tokens = Annotated[int, pydantic.Strict(), pydantic.Field(ge=0, le=TOKENS_LIMIT)]

Text = Annotated[str | None, pydantic.BeforeValidator(_text)]
"""The cleaned beginning of a text; None if it is blank or no text."""

Line = Annotated[str, pydantic.StringConstraints(min_length=1), pydantic.BeforeValidator(_line)]
