"""Domain values as JSON and back, by their types.

Rules, votes, questions, inputs and `meta` are stored so. A field that is not stored has its
default, and one that has its default is not stored: a new one needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

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


#: How the types are stored that are no plain JSON and no dataclasses of such: dump and load.
_OWN: Final[Mapping[Any, tuple[Convert, Convert]]] = {
    Duration: (str, Duration.parse),
    Email: (str, Email),
    ReviewerRef: (_dump_reviewer, _load_reviewer),
    WorkingHours: (str, WorkingHours.parse),
    datetime: (datetime.isoformat, datetime.fromisoformat),
}


@cache
def dumper(kind: Any) -> Convert:
    """Return what makes JSON of a value of this type, the same for the same value."""
    if kind in _OWN:
        return _OWN[kind][0]
    if get_origin(kind) in (Union, UnionType):
        return _dump_union(get_args(kind))
    if get_origin(kind) is tuple:
        return _convert_tuple(get_args(kind), dumper, list)
    if kind in _AS_LISTS:
        return _dump_list(kind)
    if is_dataclass(kind):
        return _dump_fields(kind)
    return _value_of if issubclass(kind, Enum) else _same


@cache
def loader(kind: Any) -> Convert:
    """Return what makes a value of this type of the JSON that `dumper` gave."""
    if kind in _OWN:
        return _OWN[kind][1]
    if get_origin(kind) in (Union, UnionType):
        return _load_union(get_args(kind))
    if get_origin(kind) is tuple:
        return _convert_tuple(get_args(kind), loader, tuple)
    if kind in _AS_LISTS:
        return lambda stored: kind(*stored)
    if is_dataclass(kind):
        return _load_fields(kind)
    return kind if issubclass(kind, Enum) else _same


def _same(value: Any) -> Any:
    return value


def _value_of(member: Enum) -> Any:
    return member.value


def _convert_tuple(
    kinds: tuple[Any, ...], convert_of: Callable[[Any], Convert], made: Any
) -> Convert:
    if kinds[-1] is ...:
        convert = convert_of(kinds[0])
        return lambda values: made(map(convert, values))
    converts = [*map(convert_of, kinds)]
    return lambda values: made(
        [convert(value) for convert, value in zip(converts, values, strict=True)]
    )


def _dump_union(kinds: tuple[Any, ...]) -> Convert:
    some = [kind for kind in kinds if kind is not NoneType]
    if len(some) == 1:
        return _unless_none(dumper(some[0]))
    converts = {kind: dumper(kind) for kind in some}
    return lambda value: converts[type(value)](value)


def _load_union(kinds: tuple[Any, ...]) -> Convert:
    some = [kind for kind in kinds if kind is not NoneType]
    if len(some) == 1:
        return _unless_none(loader(some[0]))
    converts = {list if kind in _AS_LISTS else kind: loader(kind) for kind in some}
    return lambda stored: converts[type(stored)](stored)


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _dump_list(kind: Any) -> Convert:
    names = [field.name for field in fields(kind)]
    return lambda value: [one for name in names if (one := getattr(value, name)) is not None]


def _dump_fields(kind: Any) -> Convert:
    hints, always = get_type_hints(kind), _ALWAYS.get(kind, ())
    plan = [
        (
            field.name,
            dumper(hints[field.name]),
            MISSING if field.name in always else _default_of(field),
        )
        for field in fields(kind)
    ]

    def dump(value: Any) -> dict[str, Any]:
        found = {}
        for name, convert, default in plan:
            one = getattr(value, name)
            if default is MISSING or one != default:
                found[name] = one if convert is _same else convert(one)
        return found

    return dump


def _default_of(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _load_fields(kind: Any) -> Convert:
    hints = get_type_hints(kind)
    plan = [(field.name, loader(hints[field.name])) for field in fields(kind)]

    def load(stored: Mapping[str, Any]) -> Any:
        return kind(**{name: convert(stored[name]) for name, convert in plan if name in stored})

    return load
