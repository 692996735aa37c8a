"""Acts: calls of tools that are put to people, their arguments, and their results; pure."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import ClassVar, Final, Self

from crewgate.domain.asked import Asked
from crewgate.domain.errors import ArgumentsMisfit
from crewgate.domain.rules.patterns import read_number


class Kind(StrEnum):
    """The kind of an argument that a form can change."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that a form can change, as the tool's schema describes it."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    required: bool = False


class CallState(StrEnum):
    """The ways in which a call ends."""

    RAN = "ran"
    FAILED = "failed"
    CLOSED = "closed"
    """The call did not run and never will: nobody decided, or an approval was not used."""


class Contradiction(StrEnum):
    """The reason why a call that ran should not have run."""

    UNDECIDED = "undecided"
    REFUSED = "refused"
    UNSENT = "unsent"
    """The call was approved, and the approval surely did not reach anybody."""
    AGAIN = "again"
    """The call had run already on this approval."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """The end of a call, with the first line of its result, or the reason for no result."""

    state: CallState
    words: str = ""
    contradicts: Contradiction | None = None
    unsure: bool = False
    """The tool returns its errors as results, so a call that ran may have failed."""

    @property
    def has_run(self) -> bool:
        return self.state is not CallState.CLOSED

    def repeats(self, before: Self) -> bool:
        """Return True if this result adds nothing to `before`: equal, or the call did not run."""
        return not self.has_run or (self.state, self.words) == (before.state, before.words)

    def judged(
        self, before: Self | None, *, approved: bool | None, is_known: bool, was_tried: bool
    ) -> Self:
        """Return the result with the reason why the call should not have run, if there is one.

        `approved` is None without a decision. `is_known`: the decision may have reached the asker.
        `was_tried`: an earlier approval may have reached the asker, and lets the call run once.
        """
        has_run = before is not None and before.has_run
        approvals = int(was_tried) + (approved is True and is_known)
        if not self.has_run or has_run < approvals:
            return self
        if approvals:
            why = Contradiction.AGAIN
        elif approved:
            why = Contradiction.UNSENT
        else:
            why = Contradiction.UNDECIDED if approved is None else Contradiction.REFUSED
        return replace(self, contradicts=why)


@dataclass(frozen=True, slots=True)
class ToolCall(Asked):
    """A call of a tool that waits for people; its arguments are the round's output."""

    stored_as: ClassVar = "call"
    takes_answers: ClassVar = False
    has_text: ClassVar = False
    has_arguments: ClassVar = True
    is_act: ClassVar = True

    tool: str
    """The tool's name in printable characters; empty if unreadable."""
    _: KW_ONLY
    may_have_run: bool = False
    """An equal call was approved, and the agent was not told its end; also if `was_tried`."""
    was_tried: bool = False
    """The approval of an earlier round may have let the call run; no report says that it ran."""
    arguments: tuple[Argument, ...] = ()
    """The arguments that a form can change, in the tool's order."""
    filled_in: tuple[str, ...] = ()
    """The arguments that the agent did not give, by their paths, such as `to.0.country`."""
    earlier: CallResult | None = None
    """The end of the approved call before this one, if the host knows it."""
    hides: bool = False
    """A value is masked for people, because its argument's name sounds secret."""
    erased: int = 0
    """The number of passages that bot and host took out, because they know them as secrets."""
    other_names: tuple[str, ...] = ()
    """The tool's further names, such as an MCP server's; an empty name is unreadable."""

    @property
    def name(self) -> str:
        """The shortest of the names, for people: CrewAI's may begin with a server's command."""
        return min((self.tool, *filter(None, self.other_names)), key=len)

    def names(self, *, exactly: bool) -> tuple[str, ...]:
        """Return the names that rules read; `exactly`: only the name that CrewAI gives.

        Two servers may have a tool of one name, so a rule that allows a call needs CrewAI's name.
        """
        return (self.tool,) if exactly else (self.tool, *self.other_names)


@dataclass(frozen=True, slots=True)
class UsedTool:
    """A tool used for an output, with the numbers of its calls and of the approved calls."""

    tool: str
    count: int
    approved: int = 0


def first_arguments(text: str) -> tuple[dict[str, object], bool]:
    """Return the arguments at the beginning of a call's text, and True if the call has no more.

    The last argument may be a text that is cut; a number is never cut.
    """
    whole = arguments_of(text)
    if whole is not None:
        return whole, True
    found: dict[str, object] = {}
    name: str | None = None
    at = _start_of_value(text, 0)
    while True:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if end == len(text):
            break
        if name is None:
            name = str(value)
        else:
            found[name], name = value, None
        at = _start_of_value(text, end)
    if name is not None and text[at : at + 1] == '"':
        found[name] = _cut_text(text[at:])
    return found, False


_DECODER: Final = json.JSONDecoder()


def _start_of_value(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in " \r\n\t{,:":
        at += 1
    return at


def _cut_text(text: str) -> str:
    """Read a JSON string that lacks its end; an escape of up to six characters is dropped."""
    for cut in range(len("\\ffff") + 1):
        with suppress(ValueError):
            return f"{json.loads(f'{text[: len(text) - cut]}{chr(34)}')}…"
    return "…"


def arguments_of(text: str) -> dict[str, object] | None:
    """Return a call's arguments; None if its output is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def shown_value(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Change:
    """An argument's text before and after a person's change; None if the argument is absent."""

    name: str
    old: str | None
    new: str | None


def changes_of(before: str, now: str) -> tuple[Change, ...]:
    """Return the arguments that differ, as JSON where their texts are equal: `1` and `"1"`."""
    calls = arguments_of(before) or {}, arguments_of(now) or {}
    found = []
    for name in {**calls[0], **calls[1]}:
        texts = [shown_value(one[name]) if name in one else None for one in calls]
        if texts[0] == texts[1]:
            texts = [json.dumps(one[name], ensure_ascii=False) for one in calls]
        if texts[0] != texts[1]:
            found.append(Change(name, *texts))
    return tuple(found)


def with_changes(call: ToolCall, text: str, written: Mapping[str, str]) -> str:
    """Return the arguments, JSON in `text`, with the values of a form. Raises ArgumentsMisfit.

    An unchanged field leaves its value exactly as it was.
    """
    found = arguments_of(text) or {}
    before = dict(found)
    misfits: dict[str, str] = {}
    for one in call.arguments:
        value, old = written.get(one.name), found.get(one.name)
        if value is None or value == shown_value(old):
            continue
        if not value and one.kind is not Kind.TEXT and not one.required:
            if one.name in call.filled_in:
                misfits[one.name] = FILLED_IN
            else:
                del found[one.name]
            continue
        try:
            found[one.name] = _read(one, value, old)
        except ValueError:
            misfits[one.name] = one.kind
    if misfits:
        raise ArgumentsMisfit(misfits)
    if found == before:
        return text
    return json.dumps(found, indent=2, ensure_ascii=False)


#: The misfit of an emptied argument that the tool would fill in again, unseen by people.
FILLED_IN: Final = "filled in"
_FLAGS: Final = {"true": True, "false": False}


def _read(argument: Argument, text: str, old: object) -> object:
    """Read a field's text; a number keeps the type that `old`, the argument's value, has."""
    match argument.kind:
        case Kind.TEXT:
            return text
        case Kind.FLAG if text in _FLAGS:
            return _FLAGS[text]
        case Kind.CHOICE if text in argument.choices:
            return text
        case Kind.INTEGER | Kind.NUMBER if (number := read_number(text)) is not None:
            whole = number == number.to_integral_value() and not isinstance(old, float)
            if whole and "e" not in text.lower():
                return int(number)
            if argument.kind is Kind.NUMBER and isfinite(float(number)):
                return float(number)
    raise ValueError(text)
