"""Domain values as JSON and as columns, and back, by their types: each type is compiled once.

Rules, votes, questions, inputs and `meta` are stored as JSON. A field at its default is left out
and restored on reading, so a new field needs nothing here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_origin, get_type_hints

import sqlalchemy as sa
from cattrs import Converter

from crewgate.domain.notification import HiddenValue
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.verdict import Person
from crewgate.store.column_types import Instant
from crewgate.store.unreadable import require_times

Convert: TypeAlias = Callable[[Any], Any]

_REVIEWERS: Final[Mapping[str, Callable[[str], ReviewerRef]]] = {
    "user": User,
    "group": UserGroup,
    "email": Email,
    "anyone": lambda _: Anyone(),
}


def _dump_reviewer(reviewer: ReviewerRef) -> list[str]:
    match reviewer:
        case User(name):
            return ["user", name]
        case UserGroup(name):
            return ["group", name]
        case Email(name):
            return ["email", name]
        case Anyone():
            return ["anyone", ""]


@dataclass(frozen=True, slots=True)
class Codec:
    """The conversions between values of one type and JSON."""

    dump: Convert
    load: Convert


def _as_list(kind: Any) -> Codec:
    names = [field.name for field in fields(kind)]
    return Codec(
        lambda value: [one for name in names if (one := getattr(value, name)) is not None],
        lambda stored: kind(*stored),
    )


def _loaded(own: Codec, stored: Any, _kind: Any) -> Any:
    return own.load(stored)


_hidden: Final = _as_list(HiddenValue)
#: The codecs of types that are stored otherwise than `_CONVERTER` would store them.
_OWN: Final[Mapping[Any, Codec]] = {
    Duration: Codec(str, Duration.parse),
    Email: Codec(str, Email),
    HiddenValue: _hidden,
    Person: _as_list(Person),
    ReviewerRef: Codec(_dump_reviewer, lambda stored: _REVIEWERS[stored[0]](stored[1])),
    WorkingHours: Codec(str, WorkingHours.parse),
    datetime: Codec(datetime.isoformat, datetime.fromisoformat),
    str | HiddenValue: Codec(
        lambda value: value if isinstance(value, str) else _hidden.dump(value),
        lambda stored: stored if isinstance(stored, str) else _hidden.load(stored),
    ),
}
_CONVERTER: Final = Converter(
    omit_if_default=True, detailed_validation=False, unstruct_collection_overrides={tuple: list}
)
for _kind, _own in _OWN.items():
    _CONVERTER.register_unstructure_hook(_kind, _own.dump)
    _CONVERTER.register_structure_hook(_kind, partial(_loaded, _own))


@_CONVERTER.register_structure_hook_factory(
    lambda kind: isinstance(kind, type) and issubclass(kind, Enum)
)
def _load_enum(kind: type[Enum]) -> Callable[[Any, Any], Enum]:
    """Return a look-up of members by value: a call of the class costs several times as much."""
    members = {one.value: one for one in kind}
    return lambda stored, _: members[stored]


@cache
def codec(kind: Any) -> Codec:
    load, dump = _CONVERTER.get_structure_hook(kind), _CONVERTER.get_unstructure_hook(kind)
    if get_origin(kind) is tuple:  # most tuples are empty, and need no converter
        return Codec(
            lambda value: dump(value) if value else [],
            lambda stored: load(stored, kind) if stored else (),
        )
    return Codec(dump, lambda stored: load(stored, kind))


class Columns:
    """Conversions of a dataclass to columns and back; null leaves a field at its default."""

    def __init__(self, kind: type, table: sa.Table, *, apart: Collection[str]) -> None:
        """`apart` names the columns that the caller converts itself."""
        hints = get_type_hints(kind)
        defaults = {field.name: field.default for field in fields(kind)}
        own = [column for column in table.c if column.name in hints and column.name not in apart]
        self._names = [column.name for column in own]
        self._get = attrgetter(*self._names)
        self._times = [column.name for column in own if isinstance(column.type, Instant)]
        self._converted = []
        for column in own:
            hint = hints[column.name]
            is_json = isinstance(column.type, sa.JSON)
            if is_json or (isinstance(hint, type) and issubclass(hint, Enum)):
                one = codec(hint)
                is_null_if_empty = is_json and column.nullable
                default = defaults[column.name]
                usual = None if default is MISSING else one.dump(default)
                self._converted.append((column.name, one.dump, one.load, is_null_if_empty, usual))

    def read(self, row: Any) -> dict[str, Any]:
        values = zip(self._names, self._get(row), strict=True)
        found = {name: value for name, value in values if value is not None}
        require_times(*map(found.get, self._times))
        for name, _, load, _, usual in self._converted:
            if name in found:
                if found[name] == usual:
                    del found[name]
                else:
                    found[name] = load(found[name])
        return found

    def write(self, value: Any, before: Any = None) -> dict[str, Any]:
        """Return the columns of `value`, or only those that differ from the columns of `before`.

        Empty JSON becomes null if the column permits it.
        """
        if before is None:
            columns = dict(zip(self._names, self._get(value), strict=True))
        else:
            both = zip(self._names, self._get(value), self._get(before), strict=True)
            columns = {name: one for name, one, was in both if one is not was and one != was}
        for name, dump, _, is_null_if_empty, _ in self._converted:
            if name in columns:
                found = columns[name]
                columns[name] = None if is_null_if_empty and not found else dump(found)
        return columns
