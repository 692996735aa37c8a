"""From a raw setting to a typed one: pure functions that say what to put there instead.

No function echoes a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from crewgate.domain.notify import Notify
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

LOG_FORMATS: Final[tuple[LogFormat, ...]] = ("console", "json")
LOG_LEVELS: Final[tuple[LogLevel, ...]] = ("debug", "info", "warning", "error")


T = TypeVar("T")
Choice = TypeVar("Choice", bound=str)


class InvalidSetting(ValueError):
    """What is wrong with a value, and what to put there."""


def shown(value: object) -> str:
    """The value for an error message: on one line, in quotes, not too long."""
    if isinstance(value, bool):
        return str(value).lower()  # as TOML has it
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - a bit of a line


def shown_key(name: str) -> str:
    """A TOML key as a person would write it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) else shown(name)


def parse_text(raw: object) -> str:
    """Any text but an empty one."""
    if not isinstance(raw, str) or not raw.strip():
        msg = "put some text here, in quotes"
        raise InvalidSetting(msg)
    return raw.strip()


def parse_table(raw: object) -> Mapping[str, object]:
    """A TOML table."""
    if not isinstance(raw, dict):
        msg = "describe each crew as a table, [crews.NAME]"
        raise InvalidSetting(msg)
    return raw


def parse_flag(raw: object) -> bool:
    """A TOML boolean."""
    if not isinstance(raw, bool):
        msg = f"{shown(raw)} is neither true nor false; put one of them, without quotes"
        raise InvalidSetting(msg)
    return raw


def parse_secret(raw: object) -> str:
    """One word that can travel in an HTTP header."""
    text = parse_text(raw)
    if not re.fullmatch(r"[!-~]+", text):
        msg = "it holds spaces or unusual characters; put the bare secret here, without 'Bearer'"
        raise InvalidSetting(msg)
    return text


#: What Slack's tokens begin with: xoxb- (bot), xoxp- (user), xoxe- (refresh), xapp- (app), …
_SLACK_TOKEN: Final = re.compile(r"xox[a-z]?[-.]|xapp-")


def parse_signing_secret(raw: object) -> str:
    """Slack's signing secret, which is no token: those are what people paste here by mistake."""
    text = parse_secret(raw)
    if _SLACK_TOKEN.match(text):
        msg = (
            "this is a token; put the Signing Secret here"
            " (Slack's page Basic Information, App Credentials)"
        )
        raise InvalidSetting(msg)
    return text


#: Shorter ones can be guessed.
SECRET_LENGTH: Final = 16


def long_secret(instead: str) -> Callable[[object], str]:
    """A secret that is long enough not to be guessed, by whoever can try."""

    def parse(raw: object) -> str:
        text = parse_secret(raw)
        if len(text) < SECRET_LENGTH:
            needs = f"it has {len(text)} characters, and needs {SECRET_LENGTH} or more"
            raise InvalidSetting(f"{needs}; {instead}")
        return text

    return parse


parse_webhook_secret: Final = long_secret(
    "put here what `openssl rand -hex 32` prints, and give the crew the same"
)
parse_flow_secret: Final = long_secret("put here the whole secret that the webhook's settings show")
parse_status_token: Final = long_secret("put here what `openssl rand -hex 32` prints")


def token_like(prefix: str, where: str) -> Callable[[object], str]:
    """A Slack token of one kind."""

    def parse(raw: object) -> str:
        text = parse_secret(raw)
        if not text.startswith(prefix) or text == prefix:
            msg = f"it does not start with {prefix}; put {where} here"
            raise InvalidSetting(msg)
        return text

    return parse


def value_of_variable(
    variables: Mapping[str, object], parse_value: Callable[[object], T]
) -> Callable[[object], T]:
    """The value of the environment variable that a setting names."""

    def parse(raw: object) -> T:
        name = parse_text(raw)
        if name in variables:
            try:
                return parse_value(variables[name])
            except InvalidSetting as wrong:
                msg = f"the variable {name}: {wrong}"
                raise InvalidSetting(msg) from None
        # Anything else may be the secret itself, put here by mistake.
        if re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            msg = f"the variable {name} is not set; put the secret there, or name another variable"
        else:
            msg = "put the name of an environment variable here, not the secret itself"
        raise InvalidSetting(msg)

    return parse


def parse_url(raw: object) -> str:
    """An http(s) address. Not echoed: webhook addresses often carry a secret."""
    text = parse_text(raw)
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\x00-\x1f\x7f]", text):
        msg = "not a web address; put one that starts with https:// (or http://) here"
        raise InvalidSetting(msg)
    return text


def parse_base_url(raw: object) -> str:
    """An http(s) address that paths are added to; without a slash at its end."""
    text = parse_url(raw)
    if "?" in text or "#" in text:
        msg = "put the address here without its ?… or #… part"
        raise InvalidSetting(msg)
    return text.rstrip("/")


#: A name that could be looked up, or an IPv4 address, with a port or without.
_HOST: Final = re.compile(
    r"(?=.{1,253}(?::|\Z))(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*"
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?::[0-9]{1,5})?"
)


def parse_hosts(raw: object) -> tuple[str, ...]:
    """Names of hosts in lower case, each with a port or without."""
    if not isinstance(raw, list):
        msg = f'{shown(raw)} is no list; put host names here, as ["flows.example.com"]'
        raise InvalidSetting(msg)
    hosts = tuple(parse_text(one).lower().rstrip(".") for one in raw)
    for host in hosts:
        if not _HOST.fullmatch(host):
            msg = f"{shown(host)} is no host; put its name alone, without https:// and a path"
            raise InvalidSetting(msg)
    return hosts


def parse_folder_url(raw: object) -> str:
    """The same, with a slash at its end."""
    return f"{parse_base_url(raw)}/"


def parse_port(raw: object) -> int:
    """A TCP port."""
    text = parse_text(raw)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:  # noqa: PLR2004
        msg = f"{shown(text)} is not a port; put a number from 1 to 65535 here"
        raise InvalidSetting(msg)
    return int(text)


def parse_log_format(raw: object) -> LogFormat:
    """How a log line looks."""
    return one_of(LOG_FORMATS, raw)


def parse_log_level(raw: object) -> LogLevel:
    """From which level on a log line is written."""
    return one_of(LOG_LEVELS, raw)


def parse_notify(raw: object) -> Notify:
    """How reviewers are told."""
    return one_of(tuple(Notify), raw)


def one_of(choices: tuple[Choice, ...], raw: object) -> Choice:
    """One of some words."""
    text = parse_text(raw).lower()
    for choice in choices:
        if choice == text:
            return choice
    msg = f"{shown(raw)} is unknown; put {' or '.join(choices)} here"
    raise InvalidSetting(msg)


def parse_channel(raw: object) -> str:
    """A channel id, or `#name`. Slack's names are lower-case, up to 80 characters."""
    text = parse_text(raw)
    if re.fullmatch(r"[CG][A-Z0-9]{2,}", text):
        return text
    if re.fullmatch(r"#[\w-]{1,80}", text) and text == text.lower():
        return text
    hint = f"#{text}" if re.fullmatch(r"[\w-]{1,80}", text) and text == text.lower() else "#name"
    msg = f"{shown(text)} is no channel; put {hint} or its id (C…) here"
    raise InvalidSetting(msg)


def parse_crew_name(raw: object) -> str:
    """A name that is safe in addresses and as a user name."""
    text = parse_text(raw)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        msg = "a crew's name has 1 to 64 letters, digits, - and _; choose such a name"
        raise InvalidSetting(msg)
    return text


REVIEWERS_HINT: Final = (
    "put user ids (U…), e-mails and user-group ids (S…) here,"
    f" or {Anyone()} to let anybody in the channel decide"
)


def parse_reviewers(raw: object) -> tuple[ReviewerRef, ...]:
    """A list, or text with commas between; each once, in their order."""
    if isinstance(raw, str):
        names: list[object] = [name.strip() for name in raw.split(",") if name.strip()] or [raw]
    elif isinstance(raw, list):
        names = raw
    else:
        msg = f"{shown(raw)} is no list; {REVIEWERS_HINT}"
        raise InvalidSetting(msg)
    return tuple(dict.fromkeys(_parse_reviewer(name) for name in names))


def _parse_reviewer(raw: object) -> ReviewerRef:
    text = raw.strip() if isinstance(raw, str) else ""
    if text == str(Anyone()):
        return Anyone()
    if re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        return User(text)
    if re.fullmatch(r"S[A-Z0-9]{2,}", text):
        return UserGroup(text)
    if re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", text):
        return Email(text)
    msg = f"{shown(raw)} is no reviewer; {REVIEWERS_HINT}"
    raise InvalidSetting(msg)


#: What `asyncpg.connect` takes as text; anything else in an address would fail at the first
#: connection, far from its cause. https://magicstack.github.io/asyncpg/current/api/
_ASYNCPG: Final = frozenset(
    {"gsslib", "host", "krbsrvname", "passfile", "port", "prepared_statement_cache_size"}
    | {"service", "servicefile", "ssl", "target_session_attrs"}
)


def parse_database_url(raw: object) -> str:
    """SQLite or PostgreSQL, with the asynchronous driver put in. Not echoed: it holds a password.

    `sslmode`, which hosts put into their addresses, becomes asyncpg's `ssl`.
    """
    text = parse_text(raw)
    scheme, mark, rest = text.partition("://")
    match scheme.lower():
        case "sqlite" | "sqlite+aiosqlite" if mark and re.fullmatch(r"/[^/].*|//.+", rest):
            return f"sqlite+aiosqlite://{rest}"
        case "postgres" | "postgresql" | "postgresql+asyncpg" if rest:
            address, _, query = rest.partition("?")
            return f"postgresql+asyncpg://{address}{_asyncpg_query(query)}"
    msg = "put sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE here"
    raise InvalidSetting(msg)


def _asyncpg_query(query: str) -> str:
    wanted = dict(parse_qsl(query, keep_blank_values=True))
    if "sslmode" in wanted:
        wanted.setdefault("ssl", wanted["sslmode"])
        del wanted["sslmode"]
    for name in wanted:
        if name not in _ASYNCPG:
            msg = f"the driver asyncpg does not know {shown(name)}; take it out of the address"
            raise InvalidSetting(msg)
    return f"?{urlencode(wanted)}" if wanted else ""
