"""The fields of settings, and their values, read by name."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_type_hints

from crewgate.domain.parsers import InvalidSetting, Setting, shown_key
from crewgate.settings.parsers import value_of_variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A field that people set under its `name`."""

    field: str
    name: str
    default: Any
    """The value after a problem, until all problems are known; None also for a required field."""
    setting: Setting
    table: type | None = None
    """The dataclass of a table's own options."""


@cache
def options_of(kind: type) -> tuple[Option, ...]:
    hints = get_type_hints(kind)
    found = []
    for one in fields(kind):
        if (setting := one.metadata.get("setting")) is None:
            continue
        hint = hints[one.name]
        either = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        tables = [each for each in either if _has_options(each)]
        default = None if one.default is MISSING else one.default
        name = setting.name or one.name
        found.append(
            Option(
                field=one.name,
                name=name,
                default=default,
                setting=setting,
                table=next(iter(tables), None),
            )
        )
    return tuple(found)


def _has_options(kind: object) -> bool:
    return is_dataclass(kind) and isinstance(kind, type) and bool(options_of(kind))


class Reader:
    """Reads values by name from one source, and notes problems."""

    def __init__(
        self,
        found: Mapping[str, object],
        problems: list[str],
        prefix: str = "",
        *,
        variables: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.found = found
        self.problems = problems
        self.prefix = prefix
        self.variables = variables
        """The environment variables that a setting may name."""

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def take(self, option: Option, *, needed: bool = True) -> Any:  # noqa: ANN401  # the value has the field's type
        """Return the parsed value; after a problem, the default, until all problems are known.

        Without `needed`, a required value may be missing.
        """
        parse = option.setting.parse
        if option.setting.names_variable:
            parse = value_of_variable(self.variables, parse)
        if option.name not in self.found:
            if needed and option.setting.missing:
                self.note(option.name, f"missing; put {option.setting.missing}")
            return option.default
        try:
            value = parse(self.found[option.name])
        except InvalidSetting as wrong:
            self.note(option.name, str(wrong))
            return option.default
        if option.table is None:
            return value
        below = Reader(value, self.problems, f"{self.prefix}{shown_key(option.name)}.")
        return option.table(**below.take_all(option.table))

    def take_all(self, kind: type) -> dict[str, Any]:
        """Return the values of a table by field; note unknown names."""
        self.refuse_unknown([option.name for option in options_of(kind)])
        for option in options_of(kind):
            for name in option.setting.instead_of:
                if option.name in self and name in self:
                    self.note(name, f"{option.name} stands for it; take one of the two out")
        return {option.field: self.take(option) for option in options_of(kind)}

    def note(self, name: str, problem: str) -> None:
        self.problems.append(f"{self.prefix}{name}: {problem}")

    def refuse_unknown(
        self, known: Collection[str], removed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Note each unknown name, which may be a misspelt setting.

        `removed` has the settings of earlier versions, with advice.
        """
        for name in self.found:
            if name in removed:
                self.note(name, removed[name])
            elif name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                self.note(shown_key(name), f"unknown; {hint}")
