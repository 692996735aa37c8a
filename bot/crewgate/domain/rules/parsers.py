"""Options of a rule from raw to typed: pure functions that say what to put there instead."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from zoneinfo import available_timezones

from crewgate.domain.given import Given
from crewgate.domain.parsers import (
    REVIEWERS_HINT,
    InvalidSetting,
    one_of,
    parse_reviewers,
    parse_text,
    shown,
    shown_key,
)
from crewgate.domain.people import ReviewerRef, UserGroup
from crewgate.domain.rules.comparison import Comparison, sign_of
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.working_hours import NoSuchZone, WorkingHours

#: Each rule is tried against each new output, which may be long.
MOST_RULES: Final = 50
MOST_PATTERNS: Final = 20
MOST_APPROVALS: Final = 50
PATTERN_LIMIT: Final = 200
NAME_LIMIT: Final = 100
"""Characters; cards and answers repeat it."""


def parse_tables(raw: object) -> list[Mapping[str, object]]:
    """TOML's array of tables."""
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        msg = "describe each rule as a table with two brackets, [[crews.NAME.rules]]"
        raise InvalidSetting(msg)
    if len(raw) > MOST_RULES:
        raise InvalidSetting(f"{len(raw)} rules; put {MOST_RULES} at most")
    return raw


def inline(example: str) -> Callable[[object], Mapping[str, object]]:
    """A table, most often in one line."""

    def parse(raw: object) -> Mapping[str, object]:
        if not isinstance(raw, dict):
            raise InvalidSetting(f"{shown(raw)} is no table; put one like {example}")
        return raw

    return parse


def parse_rule_name(raw: object) -> str:
    """One line that people can read aloud."""
    text = parse_text(raw)
    if len(text) > NAME_LIMIT or not text.isprintable():
        msg = f"put a name on one line, of {NAME_LIMIT} characters at most"
        raise InvalidSetting(msg)
    return text


def text_up_to(limit: int) -> Callable[[object], str]:
    """Some text of so many characters at most."""

    def parse(raw: object) -> str:
        text = parse_text(raw)
        if len(text) > limit:
            raise InvalidSetting(f"it has {len(text)} characters; put {limit} at most")
        return text

    return parse


parse_glob: Final = text_up_to(PATTERN_LIMIT)
"""A pattern with `*`, `?` and `[…]`."""


def parse_contains(raw: object) -> tuple[str, ...]:
    """Texts of which one must be there."""
    if not isinstance(raw, list) or not raw:
        raise InvalidSetting('put a list of texts, as ["liability", "indemnif"]')
    _not_more(len(raw))
    return tuple(dict.fromkeys(parse_glob(one) for one in raw))


def parse_values(raw: object) -> Given:
    """Names, each with a pattern for its value."""
    values = inline('{ country = "D*" }')(raw)
    if not values:
        raise InvalidSetting('it is empty; put names with their values, { country = "D*" }')
    _not_more(len(values))
    return tuple((_parse_name(name), _parse_value(name, value)) for name, value in values.items())


def parse_json(raw: object) -> Given:
    """Paths in a JSON output, each with what its value must be; `a.b` may stand without quotes."""
    values = dict(_flat(inline(_JSON)(raw)))
    if not values:
        raise InvalidSetting(f"it is empty; put paths with what their values must be, {_JSON}")
    _not_more(len(values))
    return tuple((_parse_path(path), _parse_wanted(path, one)) for path, one in values.items())


def parse_rule_reviewers(raw: object) -> tuple[ReviewerRef, ...]:
    """At least one."""
    found = parse_reviewers(raw)
    if not found:
        raise InvalidSetting(f"empty, so nobody may decide; {REVIEWERS_HINT}")
    return found


def parse_reviewers_from(raw: object) -> str:
    """`inputs.NAME` or `meta.NAME`."""
    text = parse_text(raw)
    if not re.fullmatch(rf"(inputs|meta)\.[^\n]{{1,{PATTERN_LIMIT}}}", text):
        raise InvalidSetting(f"{shown(text)}: put inputs.NAME or meta.NAME")
    return text


def whole_number(most: int) -> Callable[[object], int]:
    """From 1 on."""

    def parse(raw: object) -> int:
        if type(raw) is not int or not 1 <= raw <= most:
            raise InvalidSetting(f"{shown(raw)}: put a number from 1 to {most}, no quotes")
        return raw

    return parse


def parse_approvals_from(raw: object) -> tuple[tuple[UserGroup, int], ...]:
    """User groups, each with a number."""
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
    """`30s`, `15m`, `4h`, `3d` or `4wh`."""
    try:
        return Duration.parse(raw if isinstance(raw, str) else "")
    except ValueError as wrong:
        raise InvalidSetting(f"{shown(raw)}: {wrong}") from None


def parse_working_hours(raw: object) -> WorkingHours:
    """`Mon-Fri 09:00-17:30 Europe/Berlin`."""
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
    """TOML reads `budget.eur` without quotes as a table in a table."""
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


def _parse_wanted(path: str, raw: object) -> str:
    text = _parse_value(path, raw)
    sign = sign_of(text)
    if sign and Comparison.parse(text) is None:
        msg = f"{shown_key(path)}: after {sign} comes a number; put one like {sign} 50000"
        raise InvalidSetting(msg)
    return text


def _parse_value(name: str, raw: object) -> str:
    """A text; numbers, true and false may stand without quotes."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int | float):
        return str(raw)
    try:
        return parse_glob(raw)
    except InvalidSetting as wrong:
        raise InvalidSetting(f"{shown_key(name)}: {wrong}") from None
