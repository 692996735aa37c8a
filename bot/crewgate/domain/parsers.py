"""Parsers of settings: pure functions from a raw value to a typed one.

Errors say what to write as the value; no error echoes a value that may be a secret.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from crewgate.domain.notification import Given
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.rules.duration import Duration, NoSuchZone, WorkingHours
from crewgate.domain.rules.patterns import Comparison, sign_of

Choice = TypeVar("Choice", bound=str)
T = TypeVar("T")


class InvalidSetting(ValueError):
    """A setting's value is refused; the message says what to put there."""


def shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()  # as TOML writes it
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - a bit of a line


def shown_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) else shown(name)


def parse_text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise InvalidSetting("put some text, in quotes")
    return raw.strip()


def parse_flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        msg = f"{shown(raw)} is neither true nor false; put one of them, without quotes"
        raise InvalidSetting(msg)
    return raw


def one_of(choices: tuple[Choice, ...]) -> Callable[[object], Choice]:
    def parse(raw: object) -> Choice:
        text = parse_text(raw).lower()
        for choice in choices:
            if choice == text:
                return choice
        raise InvalidSetting(f"{shown(raw)} is unknown; put {' or '.join(choices)}")

    return parse


def parse_url(raw: object) -> str:
    """Return an http(s) address. Errors do not echo it: webhook addresses often carry a secret."""
    text = parse_text(raw)
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or " " in text or not text.isprintable():
        msg = "not a web address; put one that starts with https:// (or http://)"
        raise InvalidSetting(msg)
    return text


RUN_PARTS: Final = ("{crew}", "{execution_id}", "{task_id}")
_RUN_URL: Final = re.compile(
    rf"https://[^{{}}<>|\\@/?#]+([/?#]([^{{}}<>|\\]|{'|'.join(map(re.escape, RUN_PARTS))})*)?"
)
RUN_URL_LIMIT: Final = 400
"""The rest of the longest link that is drawn is for ids."""


def parse_run_url(raw: object) -> str:
    """Return an https address whose RUN_PARTS stand behind its host: ids must not change it.

    Whoever sees the link would see a password in it, so it has none.
    """
    text = parse_url(raw)
    if len(text) > RUN_URL_LIMIT or _RUN_URL.fullmatch(text) is None:
        msg = (
            "put an https:// address, with {execution_id}, {task_id} or {crew} after its host,"
            f" without a password, of at most {RUN_URL_LIMIT} characters"
        )
        raise InvalidSetting(msg)
    return text


def parse_channel(raw: object) -> str:
    """Return a channel id or `#name`. Slack's names are lower-case, up to 80 characters."""
    text = parse_text(raw)
    if re.fullmatch(r"[CG][A-Z0-9]{2,}", text):
        return text
    if re.fullmatch(r"#[\w-]{1,80}", text) and text == text.lower():
        return text
    hint = f"#{text}" if re.fullmatch(r"[\w-]{1,80}", text) and text == text.lower() else "#name"
    raise InvalidSetting(f"{shown(text)} is no channel; put {hint} or its id (C…)")


OPERATORS_HINT: Final = "put user ids (U…), e-mails and user-group ids (S…)"
REVIEWERS_HINT: Final = f"{OPERATORS_HINT}, or {Anyone()} to let anybody in the channel decide"


def parse_reviewers(
    raw: object, *, hint: str = REVIEWERS_HINT, noun: str = "reviewer"
) -> tuple[ReviewerRef, ...]:
    if isinstance(raw, str):
        names: list[object] = [name.strip() for name in raw.split(",") if name.strip()] or [raw]
    elif isinstance(raw, list):
        names = raw
    else:
        raise InvalidSetting(f"{shown(raw)} is no list; {hint}")
    return tuple(dict.fromkeys(_parse_reviewer(name, hint, noun) for name in names))


parse_operators: Final = partial(parse_reviewers, hint=OPERATORS_HINT, noun="operator")


def _parse_reviewer(raw: object, hint: str, noun: str) -> ReviewerRef:
    text = raw.strip() if isinstance(raw, str) else ""
    if text == str(Anyone()):
        return Anyone()
    if re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        return User(text)
    if re.fullmatch(r"S[A-Z0-9]{2,}", text):
        return UserGroup(text)
    if re.fullmatch(r"[^\s@,<>]+@[^\s@,<>]+", text):
        return Email(text)
    raise InvalidSetting(f"{shown(raw)} is no {noun}; {hint}")


@dataclass(frozen=True, slots=True)
class Setting:
    """The metadata of a field that people set.

    `settings.options` reads these fields, and the documents are written from them: a new setting
    is a field and the place where it acts.
    """

    parse: Callable[[object], Any]
    meaning: str
    _: KW_ONLY
    name: str = ""
    """The name in the file, if that is not the field's."""
    missing: str = ""
    """The words that ask for the value of a required setting."""
    default: str = ""
    example: str = ""
    instead_of: tuple[str, ...] = ()
    """Keys of the table that exclude this key."""
    only_with: str = ""
    """A key that this key needs."""
    names_variable: bool = False
    """The file names an environment variable, whose value counts."""
    shared: str = ""
    """The environment variable for crews that do not set the key themselves."""


def metadata_of(parse: Callable[[object], Any], meaning: str, **more: Any) -> dict[str, Setting]:  # noqa: ANN401  # parameters are the fields of Setting
    """Return the metadata of a required setting's field; `more` as for Setting."""
    return {"setting": Setting(parse, meaning, **more)}


def setting(
    value: T,
    parse: Callable[[object], Any],
    meaning: str,
    *,
    hidden: bool = False,
    **more: Any,  # noqa: ANN401  # further fields of Setting
) -> T:
    """Return a dataclass field with this value as its default; `hidden` from `repr`."""
    made: T = field(default=value, repr=not hidden, metadata=metadata_of(parse, meaning, **more))
    return made


#: The limits of a crew's rules: each rule is tried against each new output, which may be long.
MOST_RULES: Final = 50
MOST_PATTERNS: Final = 20
MOST_APPROVALS: Final = 50
PATTERN_LIMIT: Final = 200
NAME_LIMIT: Final = 100


def parse_tables(raw: object) -> list[Mapping[str, object]]:
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        msg = "describe each rule as a table with two brackets, [[crews.NAME.rules]]"
        raise InvalidSetting(msg)
    if len(raw) > MOST_RULES:
        raise InvalidSetting(f"{len(raw)} rules; put {MOST_RULES} at most")
    return raw


def inline(example: str) -> Callable[[object], Mapping[str, object]]:
    def parse(raw: object) -> Mapping[str, object]:
        if not isinstance(raw, dict):
            raise InvalidSetting(f"{shown(raw)} is no table; put one like {example}")
        return raw

    return parse


def parse_rule_name(raw: object) -> str:
    text = parse_text(raw)
    if len(text) > NAME_LIMIT or not text.isprintable():
        msg = f"put a name on one line, of {NAME_LIMIT} characters at most"
        raise InvalidSetting(msg)
    return text


def text_up_to(limit: int) -> Callable[[object], str]:
    def parse(raw: object) -> str:
        text = parse_text(raw)
        if len(text) > limit:
            raise InvalidSetting(f"it has {len(text)} characters; put {limit} at most")
        return text

    return parse


parse_glob: Final = text_up_to(PATTERN_LIMIT)


def parse_contains(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not raw:
        raise InvalidSetting('put a list of texts, as ["liability", "indemnif"]')
    _not_more(len(raw))
    return tuple(dict.fromkeys(parse_glob(one) for one in raw))


def parse_values(raw: object) -> Given:
    values = inline('{ country = "D*" }')(raw)
    if not values:
        raise InvalidSetting('it is empty; put names with their values, { country = "D*" }')
    _not_more(len(values))
    return tuple((_parse_name(name), _parse_value(name, value)) for name, value in values.items())


def parse_json(raw: object) -> Given:
    """Return JSON paths, each with its wanted value; TOML's `a.b` may stand without quotes."""
    values = dict(_flat(inline(_JSON)(raw)))
    if not values:
        raise InvalidSetting(f"it is empty; put paths with what their values must be, {_JSON}")
    found = [
        (_parse_path(path), wanted)
        for path, one in values.items()
        for wanted in _parse_all_wanted(path, one)
    ]
    _not_more(len(found))
    return tuple(found)


def parse_rule_reviewers(raw: object) -> tuple[ReviewerRef, ...]:
    found = parse_reviewers(raw)
    if not found:
        raise InvalidSetting(f"empty, so nobody may decide; {REVIEWERS_HINT}")
    return found


def parse_reviewers_from(raw: object) -> str:
    text = parse_text(raw)
    if not re.fullmatch(rf"(inputs|meta)\.[^\n]{{1,{PATTERN_LIMIT}}}", text):
        raise InvalidSetting(f"{shown(text)}: put inputs.NAME or meta.NAME")
    return text


def whole_number(most: int) -> Callable[[object], int]:
    def parse(raw: object) -> int:
        if type(raw) is not int or not 1 <= raw <= most:
            raise InvalidSetting(f"{shown(raw)}: put a number from 1 to {most}, no quotes")
        return raw

    return parse


def parse_approvals_from(raw: object) -> tuple[tuple[UserGroup, int], ...]:
    values = inline(_GROUPS)(raw)
    if not values:
        raise InvalidSetting(f"it is empty; put user groups with numbers, {_GROUPS}")
    _not_more(len(values))
    parse_count = whole_number(MOST_APPROVALS)
    found = tuple((_parse_group(name), parse_count(count)) for name, count in values.items())
    if (total := sum(count for _, count in found)) > MOST_APPROVALS:
        msg = f"{total} approvals in all; put numbers that make {MOST_APPROVALS} at most"
        raise InvalidSetting(msg)
    return found


def _parse_group(name: str) -> UserGroup:
    match parse_reviewers([name]):
        case (UserGroup() as group,):
            return group
        case _:
            raise InvalidSetting(f"{shown(name)} is no user group; put ids of groups (S…)")


def parse_allow(raw: object) -> bool:
    return one_of(("allow", "deny"))(raw) == "allow"


def parse_duration(raw: object) -> Duration:
    try:
        return Duration.parse(raw if isinstance(raw, str) else "")
    except ValueError as wrong:
        raise InvalidSetting(f"{shown(raw)}: {wrong}") from None


def parse_working_hours(raw: object) -> WorkingHours:
    try:
        return WorkingHours.parse(raw if isinstance(raw, str) else "")
    except NoSuchZone as wrong:
        near = difflib.get_close_matches(wrong.name, available_timezones(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; put one like Europe/Berlin or UTC"
        msg = f"the time zone {shown(wrong.name)} does not exist{hint}"
        raise InvalidSetting(msg) from None
    except ValueError as wrong:
        raise InvalidSetting(f"{shown(raw)}: {wrong}") from None


_GROUPS: Final = '{ "S0LEGAL" = 1 }'
_JSON: Final = '{ "budget.eur" = ">= 50000" }'


def _not_more(count: int) -> None:
    if count > MOST_PATTERNS:
        raise InvalidSetting(f"{count} of them; put {MOST_PATTERNS} at most")


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Yield paths and values: TOML reads `budget.eur` without quotes as a table in a table."""
    for key, value in table.items():
        path = f"{before}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{path}.")
        else:
            yield path, value


def _parse_name(name: str) -> str:
    if not name or len(name) > PATTERN_LIMIT:
        msg = f"{shown(name)}: put a name of 1 to {PATTERN_LIMIT} characters"
        raise InvalidSetting(msg)
    return name


def _parse_path(path: str) -> str:
    if not re.fullmatch(r"[^.]+(?:\.[^.]+)*", path) or len(path) > PATTERN_LIMIT:
        msg = f"{shown(path)} is no path; put keys with dots between them, as budget.eur or items.0"
        raise InvalidSetting(msg)
    return path


def _parse_all_wanted(path: str, raw: object) -> list[str]:
    if not isinstance(raw, list):
        return [_parse_wanted(path, raw)]
    if not raw or not all(isinstance(one, str) and Comparison.parse(one) for one in raw):
        msg = f'{shown_key(path)}: a list has comparisons that all hold, as ["> 0", "< 100"]'
        raise InvalidSetting(msg)
    return raw


def _parse_wanted(path: str, raw: object) -> str:
    text = _parse_value(path, raw)
    sign = sign_of(text)
    if sign and Comparison.parse(text) is None:
        msg = f"{shown_key(path)}: after {sign} comes a number; put one like {sign} 50000"
        raise InvalidSetting(msg)
    return text


def _parse_value(name: str, raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int | float):
        return str(raw)
    try:
        return parse_glob(raw)
    except InvalidSetting as wrong:
        raise InvalidSetting(f"{shown_key(name)}: {wrong}") from None


def parse_retention(raw: object) -> timedelta | None:
    return None if str(raw).strip().lower() == "for ever" else parse_days(raw)


def parse_days(raw: object) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4}) ?d", str(raw).strip().lower())
    if found is None:
        raise InvalidSetting(f'{shown(raw)} is no time in days; put one like "90d" here')
    return timedelta(days=int(found[1]))
