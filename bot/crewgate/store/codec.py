"""Domain values as JSON and as columns, and back, by their types: each type is compiled once.

Rules, votes, questions, inputs and `meta` are stored as JSON. A field that is not stored has its
default, and one that has its default is not stored: a new one needs nothing here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import sqlalchemy as sa

from crewgate.domain.given import Hidden
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.question import Question
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders, Rule, TimeOut
from crewgate.domain.rules.working_hours import WorkingHours
from crewgate.domain.verdict import Person, Vote

Convert: TypeAlias = Callable[[Any], Any]

#: Fields that are stored with their defaults too, because they always were: the id of a rule is a
#: hash of its JSON, and processes of the version before, which may run beside this one on
#: PostgreSQL, expect those of votes and questions. Nothing needs to be added.
_ALWAYS: Final[Mapping[type, tuple[str, ...]]] = {
    Rule: (
        *("when", "channel", "reviewers", "approvals", "self_approval", "unknown_starter"),
        *("notify", "target", "remind", "escalate", "timeout", "working_hours", "delegation"),
    ),
    Conditions: ("task", "agent", "contains", "json", "inputs", "meta"),
    Reminders: ("every", "most"),
    TimeOut: ("then", "feedback"),
    Vote: ("comment", "on_behalf_of", "answer"),
    Question: ("message", "outcomes", "left_off", "assigned"),
}
#: Stored as a list of their fields, without those at the end that are None.
_AS_LISTS: Final = (Person, Hidden)
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


def _load_reviewer(stored: list[str]) -> ReviewerRef:
    kind, name = stored
    return _REVIEWERS[kind](name)


@dataclass(frozen=True, slots=True)
class Codec:
    """The two ways between the values of one type and JSON."""

    dump: Convert
    load: Convert


def _same(value: Any) -> Any:
    return value


_PLAIN: Final = Codec(_same, _same)
"""The codec of values that are JSON already."""
#: The types that are stored in a form of their own.
_OWN: Final[Mapping[Any, Codec]] = {
    Duration: Codec(str, Duration.parse),
    Email: Codec(str, Email),
    ReviewerRef: Codec(_dump_reviewer, _load_reviewer),
    WorkingHours: Codec(str, WorkingHours.parse),
    datetime: Codec(datetime.isoformat, datetime.fromisoformat),
}


@cache
def codec(kind: Any) -> Codec:
    """Return how values of this type are stored: the same value always as the same JSON."""
    if kind in _OWN:
        return _OWN[kind]
    if get_origin(kind) in (Union, UnionType):
        return _of_union([one for one in get_args(kind) if one is not NoneType])
    if get_origin(kind) is tuple:
        return _of_tuple(get_args(kind))
    if kind in _AS_LISTS:
        return _of_list(kind)
    if is_dataclass(kind):
        return _of_fields(kind)
    return _of_enum(kind) if issubclass(kind, Enum) else _PLAIN


def _of_enum(kind: type[Enum]) -> Codec:
    return Codec(attrgetter("_value_"), {one.value: one for one in kind}.__getitem__)


def _of_union(kinds: list[Any]) -> Codec:
    """Tell several types apart by the value itself; None stays None."""
    if len(kinds) > 1:
        dumps = {kind: codec(kind).dump for kind in kinds}
        loads = {list if kind in _AS_LISTS else kind: codec(kind).load for kind in kinds}
        return Codec(
            lambda value: dumps[type(value)](value), lambda stored: loads[type(stored)](stored)
        )
    one = codec(kinds[0])
    if one is _PLAIN:
        return one
    dump, load = one.dump, one.load
    return Codec(
        lambda value: None if value is None else dump(value),
        lambda stored: None if stored is None else load(stored),
    )


def _of_tuple(kinds: tuple[Any, ...]) -> Codec:
    if kinds[-1] is ...:
        return _of_many(codec(kinds[0]))
    places = [(place, codec(kind)) for place, kind in enumerate(kinds)]
    own = [(place, one.dump, one.load) for place, one in places if one is not _PLAIN]

    def dump(values: Any) -> list[Any]:
        found = list(values)
        for place, convert, _ in own:
            found[place] = convert(found[place])
        return found

    def load(stored: Any) -> tuple[Any, ...]:
        found = list(stored)
        for place, _, convert in own:
            found[place] = convert(found[place])
        return tuple(found)

    return Codec(dump, load)


def _of_many(each: Codec) -> Codec:
    if each is _PLAIN:
        return Codec(list, tuple)
    dump, load = each.dump, each.load
    return Codec(
        lambda values: [dump(value) for value in values],
        lambda stored: tuple([load(value) for value in stored]),
    )


def _of_list(kind: Any) -> Codec:
    names = [field.name for field in fields(kind)]
    return Codec(
        lambda value: [one for name in names if (one := getattr(value, name)) is not None],
        lambda stored: kind(*stored),
    )


def _of_fields(kind: Any) -> Codec:
    hints, always = get_type_hints(kind), _ALWAYS.get(kind, ())
    names = [field.name for field in fields(kind)]
    codecs = {name: codec(hints[name]) for name in names}
    own = [(name, one.dump, one.load) for name, one in codecs.items() if one is not _PLAIN]
    defaults = [(one.name, _default_of(one)) for one in fields(kind) if one.name not in always]
    left_out = [(name, default) for name, default in defaults if default is not MISSING]

    def dump(value: Any) -> dict[str, Any]:
        found = {name: getattr(value, name) for name in names}
        for name, default in left_out:
            if found[name] == default:
                del found[name]
        for name, convert, _ in own:
            if name in found:
                found[name] = convert(found[name])
        return found

    def load(stored: Mapping[str, Any]) -> Any:
        found = {name: stored[name] for name in names if name in stored}
        for name, _, convert in own:
            if name in found:
                found[name] = convert(found[name])
        return kind(**found)

    return Codec(dump, load)


def _default_of(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


class Columns:
    """The fields of a dataclass that have a column of their name: a new one needs nothing here.

    A column that is null leaves a field at its default.
    """

    def __init__(self, kind: type, table: sa.Table, *, apart: Collection[str]) -> None:
        """`apart` has the names of columns that do not hold the field as it is."""
        hints = get_type_hints(kind)
        own = [column for column in table.c if column.name in hints and column.name not in apart]
        self._names = [column.name for column in own]
        self._get = attrgetter(*self._names)
        self._converted = []
        for column in own:
            hint = hints[column.name]
            is_json = isinstance(column.type, sa.JSON)
            if is_json or (isinstance(hint, type) and issubclass(hint, Enum)):
                one = codec(hint)
                is_null_if_empty = is_json and column.nullable
                self._converted.append((column.name, one.dump, one.load, is_null_if_empty))

    def read(self, row: Any) -> dict[str, Any]:
        """Return the fields that a row has."""
        values = zip(self._names, self._get(row), strict=True)
        found = {name: value for name, value in values if value is not None}
        for name, _, load, _ in self._converted:
            if name in found:
                found[name] = load(found[name])
        return found

    def write(self, value: Any) -> dict[str, Any]:
        """Return the columns; of JSON what is empty is null, where that may be."""
        columns = dict(zip(self._names, self._get(value), strict=True))
        for name, dump, _, is_null_if_empty in self._converted:
            found = columns[name]
            columns[name] = None if is_null_if_empty and not found else dump(found)
        return columns
