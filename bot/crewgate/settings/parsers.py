"""Parsers of secrets, tokens and addresses; `domain.parsers` has the others.

No function echoes a value that may be a secret.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from crewgate.domain.masking import FINDERS, Finder, Kind, Masking
from crewgate.domain.parsers import InvalidSetting, parse_text, parse_url, setting, shown

T = TypeVar("T")


def optional(parse: Callable[[object], Any], meaning: str, **more: Any) -> Any:  # noqa: ANN401  # fields of Setting
    """Return the field of an optional setting."""
    return setting(None, parse, meaning, **more)


#: Returns the field of an optional setting, hidden from `repr`.
secret: Final = partial(optional, hidden=True)


def parse_table(raw: object) -> Mapping[str, object]:
    if not isinstance(raw, dict):
        raise InvalidSetting("describe each crew as a table, [crews.NAME]")
    return raw


def parse_secret(raw: object) -> str:
    """Accept one word that can be sent in an HTTP header."""
    text = parse_text(raw)
    if not re.fullmatch(r"[!-~]+", text):
        msg = "it holds spaces or unusual characters; put the bare secret, without 'Bearer'"
        raise InvalidSetting(msg)
    return text


#: The beginnings of Slack's tokens: xoxb- (bot), xoxp- (user), xoxe- (refresh), xapp- (app), …
_SLACK_TOKEN: Final = re.compile(r"xox[a-z]?[-.]|xapp-")


def parse_signing_secret(raw: object) -> str:
    """Accept Slack's signing secret; refuse tokens, a frequent mistake."""
    text = parse_secret(raw)
    if _SLACK_TOKEN.match(text):
        msg = (
            "this is a token; put the Signing Secret"
            " (Slack's page Basic Information, App Credentials)"
        )
        raise InvalidSetting(msg)
    return text


#: The shortest secret that is accepted, in characters: shorter secrets can be guessed.
SECRET_LENGTH: Final = 16


def long_secret(instead: str) -> Callable[[object], str]:
    def parse(raw: object) -> str:
        text = parse_secret(raw)
        if len(text) < SECRET_LENGTH:
            long = "1 character" if len(text) == 1 else f"{len(text)} characters"
            needs = f"it has {long}, and needs {SECRET_LENGTH} or more"
            raise InvalidSetting(f"{needs}; {instead}")
        return text

    return parse


parse_webhook_secret: Final = long_secret(
    "put what `openssl rand -hex 32` prints, and give the crew the same"
)
parse_flow_secret: Final = long_secret("put the whole secret that the webhook's settings show")
parse_status_token: Final = long_secret("put what `openssl rand -hex 32` prints")

_AUDIT_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")


def parse_audit_key(raw: object) -> str:
    text = parse_secret(raw)
    if not _AUDIT_KEY.fullmatch(text):
        raise InvalidSetting("it is not 32 bytes in hex; put what `openssl rand -hex 32` prints")
    return text


def token_like(prefix: str, where: str) -> Callable[[object], str]:

    def parse(raw: object) -> str:
        text = parse_secret(raw)
        if not text.startswith(prefix) or text == prefix:
            raise InvalidSetting(f"it does not start with {prefix}; put {where}")
        return text

    return parse


def parse_team(raw: object) -> str:
    """Accept the id of a workspace; refuse an organisation's, a frequent mistake."""
    text = parse_text(raw)
    if not re.fullmatch(r"T[A-Z0-9]{2,}", text):
        raise InvalidSetting(f"{shown(text)} is no workspace; put its id (T…)")
    return text


def value_of_variable(
    variables: Mapping[str, object], parse_value: Callable[[object], T]
) -> Callable[[object], T]:

    def parse(raw: object) -> T:
        name = parse_text(raw)
        if name in variables:
            try:
                return parse_value(variables[name])
            except InvalidSetting as wrong:
                msg = f"the variable {name}: {wrong}"
                raise InvalidSetting(msg) from None
        # A text that is no variable's name may be the secret itself: the error does not repeat it.
        if re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
            msg = f"the variable {name} is not set; put the secret there, or name another variable"
        else:
            msg = "put the name of an environment variable, not the secret itself"
        raise InvalidSetting(msg)

    return parse


def parse_base_url(raw: object) -> str:
    """Accept an http(s) address for paths to follow; return it without a final slash."""
    text = parse_url(raw)
    if "?" in text or "#" in text:
        raise InvalidSetting("put the address without its ?… or #… part")
    return text.rstrip("/")


_OWN_PATH: Final = re.compile(
    r"/(?:crews/[^/]+/(?:human-input|flow-request|events|kickoff).*|slack/events|healthz|readyz)\Z"
)


def parse_public_url(raw: object) -> str:
    """Accept the bot's own base address, without a path that the bot adds itself."""
    text = parse_base_url(raw)
    if path := _OWN_PATH.search(text):
        raise InvalidSetting(f"it ends in {path[0]}; put the bot's own address, without it")
    return text


#: A host's name that could be looked up, or an IPv4 address, with or without a port.
_HOST: Final = re.compile(
    r"(?=.{1,253}(?::|\Z))(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*"
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?::[0-9]{1,5})?"
)


def parse_hosts(raw: object) -> tuple[str, ...]:
    """Accept names of hosts, with or without a port; return them in lower case."""
    if not isinstance(raw, list):
        msg = f'{shown(raw)} is no list; put host names, as ["flows.example.com"]'
        raise InvalidSetting(msg)
    hosts = tuple(parse_text(one).lower().rstrip(".") for one in raw)
    for host in hosts:
        if not _HOST.fullmatch(host):
            msg = f"{shown(host)} is no host; put its name alone, without https:// and a path"
            raise InvalidSetting(msg)
    return hosts


def parse_redact(raw: object) -> Masking:
    if not isinstance(raw, list):
        raise InvalidSetting(f'{shown(raw)} is no list; put, as ["email", "iban"], {_MASKED}')
    names = tuple(map(parse_text, raw))
    finders = sorted(map(_masked_as, names), key=lambda one: [*Kind].index(one[0]))
    return Masking(names, tuple(finders))


_MASKED: Final = "email, iban, card, or a pattern between slashes, as /AC-[0-9]+/"
#: Samples: a pattern that can match an empty text does so in at least one of these.
_SAMPLES: Final = ("", "a 1", " \n.")


def _masked_as(name: str) -> tuple[Kind, Finder]:
    if name in FINDERS:
        return FINDERS[name]
    if not re.fullmatch("(?s)/.+/", name):
        raise InvalidSetting(f"{shown(name)} is nothing that can be masked; put {_MASKED}")
    import re2  # noqa: PLC0415  # the library takes memory, and most crews mask by no pattern

    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(name[1:-1], options)
    except re2.error as wrong:
        why = wrong.args[0]
        why = why.decode() if isinstance(why, bytes) else why
        raise InvalidSetting(f"RE2 does not take the pattern {shown(name)}: {why}") from None
    find = partial(_find, pattern)
    if any(start == end for one in _SAMPLES for start, end in find(one)):
        msg = f"the pattern {shown(name)} matches an empty text; have it match a character at least"
        raise InvalidSetting(msg)
    return Kind.OTHER, find


def _find(pattern: Any, text: str) -> Iterator[tuple[int, int]]:  # noqa: ANN401  # re2 has no types
    # RE2 reads UTF-8, which cannot hold half of a surrogate pair, so U+FFFD takes its place.
    yield from (one.span() for one in pattern.finditer(re.sub("[\ud800-\udfff]", "\ufffd", text)))


def parse_folder_url(raw: object) -> str:
    """Accept an http(s) address; return it with a final slash."""
    return f"{parse_base_url(raw)}/"


def parse_port(raw: object) -> int:
    text = parse_text(raw)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:  # noqa: PLR2004
        raise InvalidSetting(f"{shown(text)} is not a port; put a number from 1 to 65535")
    return int(text)


def parse_crew_name(raw: object) -> str:
    text = parse_text(raw)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        msg = "a crew's name has 1 to 64 letters, digits, - and _; choose such a name"
        raise InvalidSetting(msg)
    return text


#: The text arguments of `asyncpg.connect`; another argument in an address would fail at the first
#: connection, far from its cause. https://magicstack.github.io/asyncpg/current/api/
_ASYNCPG: Final = frozenset(
    {"gsslib", "host", "krbsrvname", "passfile", "port", "prepared_statement_cache_size"}
    | {"service", "servicefile", "ssl", "target_session_attrs"}
)


def parse_database_url(raw: object) -> str:
    """Accept SQLite or PostgreSQL, with the asynchronous driver added; never echo the password.

    `sslmode`, common in hosts' addresses, becomes asyncpg's `ssl`.
    """
    text = parse_text(raw)
    scheme, mark, rest = text.partition("://")
    match scheme.lower():
        case "sqlite" | "sqlite+aiosqlite" if mark and re.fullmatch(r"/[^/].*|//.+", rest):
            return f"sqlite+aiosqlite://{rest}"
        case "postgres" | "postgresql" | "postgresql+asyncpg" if rest:
            address, _, query = rest.partition("?")
            return f"postgresql+asyncpg://{address}{_asyncpg_query(query)}"
    raise InvalidSetting("put sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")


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
