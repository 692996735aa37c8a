"""A tool call in a notification: the arguments that people see and that a form can change.

A malformed part is left out, as in any notification. But a call never passes for a task's output:
an unreadable call has an empty tool name, for which the strictest rule counts.
"""

import json
from collections.abc import Mapping
from typing import Final

from crewgate.crewai.fields import COUNT_LIMIT, clean, own_words, pretty, read_count, read_name
from crewgate.crewai.outputs import read_output
from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall, UsedTool
from crewgate.domain.notification import TEXT_LIMIT, Format, HiddenValue, Output, part_of

#: The most arguments that a form can change.
_ARGUMENTS_LIMIT: Final = 20
#: The most characters of an argument's name, or of a choice for it, in a form.
_WORD_LIMIT: Final = 75
#: The most choices for an argument in a form.
_CHOICES_LIMIT: Final = 100
#: The most further names of a tool that are read; the rest counts as one unreadable name.
_NAMES_LIMIT: Final = 20
#: The most tools that a card names.
_TOOLS_LIMIT: Final = 20
_KINDS: Final = {
    "string": Kind.TEXT,
    "number": Kind.NUMBER,
    "integer": Kind.INTEGER,
    "boolean": Kind.FLAG,
}
_TYPES: Final[Mapping[Kind, type | tuple[type, ...]]] = {
    Kind.TEXT: str,
    Kind.CHOICE: str,
    Kind.FLAG: bool,
    Kind.INTEGER: int,
    Kind.NUMBER: (int, float),
}


def read_call(value: object) -> ToolCall | None:
    """Read the call in `tool_call`; None if there is no call."""
    if value is None:
        return None
    fields = value if isinstance(value, dict) else {}
    return ToolCall(
        _name(fields.get("tool")),
        may_have_run=fields.get("may_have_run") is True,
        arguments=_arguments(fields.get("schema"), fields.get("arguments")),
        filled_in=_filled_in(fields.get("filled_in"), fields.get("arguments")),
        earlier=read_result(fields.get("ran")),
        erased=read_count(fields.get("erased")),
        other_names=_other_names(fields.get("other_names")),
    )


def _other_names(value: object) -> tuple[str, ...]:
    """Read the further names of a tool; an unreadable name is empty."""
    named = value if isinstance(value, list) else [] if value is None else [value]
    found = [*map(_name, named[:_NAMES_LIMIT]), *([""] if len(named) > _NAMES_LIMIT else [])]
    return tuple(dict.fromkeys(found))


def about_call(value: object) -> dict[str, object]:
    """Return the agent and the task of `tool_call`, under a notification's names for them."""
    fields = value if isinstance(value, dict) else {}
    found = {"agent": fields.get("agent"), "task_name": fields.get("task")}
    return {name: one for name, one in found.items() if one}


def _filled_in(value: object, arguments: object) -> tuple[str, ...]:
    """Read the paths of filled-in arguments that exist; a name may have a dot, as a path has."""
    known = arguments if isinstance(arguments, dict) else {}
    named = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return tuple(
        one for one in named if one in known or not isinstance(part_of(known, one), HiddenValue)
    )


def read_arguments(value: object, written: object) -> Output:
    """Return the arguments of `tool_call` as the tool gets them.

    A value whose name looks secret is masked where people read it. `written` is the notification's
    output, with the arguments in the agent's order. `written` counts only with equal arguments:
    people must see the call that would run. Raises Malformed for arguments nested too deeply.
    """
    arguments = value.get("arguments") if isinstance(value, dict) else None
    if not isinstance(arguments, dict):
        return read_output(written if arguments is None else arguments)
    if isinstance(written, str):
        try:
            in_order = json.loads(written)
        except (ValueError, RecursionError):
            in_order = None
        arguments = in_order if in_order == arguments else arguments
    return Output(clean(pretty(arguments)), Format.JSON)


def read_result(value: object) -> CallResult | None:
    """Read a call's result, from `outcome` or `ran`; None if it is missing or unknown."""
    match value:
        case {"state": "ran" | "failed" | "closed" as state, **rest}:
            words = rest.get("words")
            return CallResult(
                CallState(state),
                own_words(words) if isinstance(words, str) else "",
                unsure=rest.get("unsure") is True,
            )
    return None


def read_tools_used(value: object) -> tuple[UsedTool, ...]:
    """Read the valid part of `tools_used`."""
    found = []
    for one in value[:_TOOLS_LIMIT] if isinstance(value, list) else ():
        match one:
            case {"tool": str(tool), "count": int(count), **rest} if 0 < count <= COUNT_LIMIT:
                approved = rest.get("approved")
                known = approved if isinstance(approved, int) and 0 <= approved <= count else 0
                found.append(UsedTool(_name(tool), count, known))
    return tuple(found)


def _name(value: object) -> str:
    """Return a tool's name; unusual characters are spelled out, so that no two names look alike."""
    name = (read_name(value) or "").strip() if isinstance(value, str) else ""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name[:TEXT_LIMIT])


def _arguments(schema: object, values: object) -> tuple[Argument, ...]:
    if not isinstance(values, dict):
        return ()
    match schema:
        case {"properties": dict(properties), **rest}:
            required, kinds = rest.get("required"), rest.get("$defs")
        case _:
            return ()
    required = required if isinstance(required, list) else []
    found = []
    for name, described in properties.items():
        kind, choices = _kind_of(described, kinds if isinstance(kinds, dict) else {})
        value = values.get(name)
        fits = value is None or (
            kind is not None
            and isinstance(value, _TYPES[kind])
            and isinstance(value, bool) == (kind is Kind.FLAG)
        )
        if kind is not None and fits and 0 < len(name) <= _WORD_LIMIT:
            found.append(Argument(name, kind, choices, name in required))
    return tuple(found[:_ARGUMENTS_LIMIT])


def _kind_of(described: object, kinds: dict[str, object]) -> tuple[Kind | None, tuple[str, ...]]:
    """Return the kind of an argument, and its choices; None if a form cannot ask for it."""
    match described:
        case {"anyOf": list(several)}:
            others = [one for one in several if one != {"type": "null"}]
            return _kind_of(others[0], kinds) if len(others) == 1 else (None, ())
        case {"$ref": str(name)}:
            found = kinds.get(name.removeprefix("#/$defs/"))
            # A reference within the referred part is not followed: a schema may refer to itself.
            is_choice = isinstance(found, dict) and "enum" in found
            return _kind_of(found, {}) if is_choice else (None, ())
        case {"enum": list(choices)}:
            fit = all(isinstance(one, str) and 0 < len(one) <= _WORD_LIMIT for one in choices)
            if fit and 0 < len(choices) <= _CHOICES_LIMIT:
                return Kind.CHOICE, tuple(map(str, choices))
            return None, ()
        case {"type": str(name)}:
            return _KINDS.get(name), ()
    return None, ()
