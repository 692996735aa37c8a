"""The last functions of ours before a tool, and what CrewAI makes of its arguments on their way.

CrewAI validates arguments after its hooks. So `arguments_of` validates them before people are
asked, and a door compares the arguments that come to the tool with the approved ones.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from copy import deepcopy
from enum import Enum
from functools import wraps
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from crewai.mcp.client import MCPClient
from crewai.tools import BaseTool
from crewai.tools.base_tool import Tool
from crewai.tools.mcp_native_tool import MCPNativeTool
from crewai.tools.mcp_tool_wrapper import MCPToolWrapper
from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic_core import to_jsonable_python

from crewgate.crew_api.wire import Json
from crewgate.host.records import Outcome, exact

#: The code by which MCP's library reports a closed connection.
_CONNECTION_CLOSED: Final = -32_000
#: The module of `MCPServerAdapter`'s tools. They return a server's error as a result, so nobody
#: knows for sure if a call of theirs failed.
_ADAPTER: Final = "mcpadapt"
DIFFERS: Final = "Its tool would have got other arguments than people approved."


class NotPassed(Exception):
    """A tool was about to get another call than people approved."""


def original_of(tool: Any) -> Any:
    """Return the tool that a crew was given; CrewAI shows hooks a wrapper of it."""
    return getattr(tool, "_original_tool", None)


def why_no_door(tool: Any) -> str:
    """Return why no approval can hold for a tool; empty if one can."""
    original = original_of(tool)
    if tool is None:
        return "CrewAI does not say which tool it is"
    if isinstance(original, MCPToolWrapper):
        why = "CrewAI calls a server that is given as a URL up to three times"
        return f"{why}: give it as MCPServerHTTP(url=…)"
    own = original is not None and type(original).run not in {BaseTool.run, Tool.run}
    if own or "run" in getattr(original, "__dict__", ()):
        return "its tool has a `run` of its own"
    return ""


# ---- arguments


def arguments_of(tool: Any, given: Json) -> tuple[Json, tuple[str, ...]]:
    """Return the arguments that a tool, or its MCP server, gets for `given`, and what it filled in.

    The latter are paths, such as `to.0.country`. Raises what the tool's validator raises, and
    ValueError for what no JSON can hold.
    """
    schema, copied = tool.args_schema, deepcopy(given)  # a validator may change its input
    if schema is not None and schema.model_fields:
        validated = schema.model_validate(copied)
        made = _as_sent(tool, validated.model_dump())
        return made, tuple(_filled_in(validated, given, made))
    return _as_sent(tool, copied if _takes_any(tool) else {}), ()


def _filled_in(value: Any, given: Any, made: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of `made`, a validated value as JSON, that the given value does not have."""
    match made:
        case dict():
            parts = [(name, *_part(value, given, name)) for name in made]
        case list():
            # CrewAI's MCP client may leave items of a list out. Then nobody can tell which items it
            # left in, so nothing inside the list counts as filled in.
            values, givens = (
                one
                if isinstance(one, list | tuple) and len(one) == len(made)
                else [None] * len(made)
                for one in (value, given)
            )
            parts = [(number, values[number], givens[number]) for number in range(len(made))]
        case _:
            return
    for name, inner, raw in parts:
        if raw is _NOT_GIVEN:
            yield f"{path}{name}"
        else:
            yield from _filled_in(inner, raw, made[name], f"{path}{name}.")


_NOT_GIVEN: Final = object()


def _part(value: Any, given: Any, name: str) -> tuple[Any, Any]:
    """Return a part of a validated value, and the given part: None if unknown, or `_NOT_GIVEN`."""
    names = {name}
    if isinstance(value, BaseModel):
        for own, field in type(value).model_fields.items():
            if name in {own, field.serialization_alias}:
                names |= {own} | _aliases(field.alias) | _aliases(field.validation_alias)
                name = own
        if name not in value.model_fields_set:
            return None, _NOT_GIVEN
    inner = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    if not isinstance(given, dict):
        return inner, None
    return inner, next((given[one] for one in names if one in given), _NOT_GIVEN)


def _aliases(alias: Any) -> set[Any]:
    match alias:
        case AliasChoices():
            return set().union(*map(_aliases, alias.choices))
        case AliasPath():
            return {alias.path[0]}
    return {alias}


def given_for(tool: Any, given: Json, approved: Json) -> Json | None:
    """Return the arguments of which CrewAI makes exactly the approved ones; None if none fit.

    If a validator would change its own result once more, `given`, the model's arguments, may fit.
    """
    for candidate in (approved, given):
        with suppress(ValueError, TypeError, LookupError, AttributeError):
            made, _ = arguments_of(tool, candidate)
            if exact(made) == exact(approved):
                return deepcopy(candidate)
    return None


def _takes_any(tool: Any) -> bool:
    several = inspect.signature(tool.func).parameters.values()
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in several)


def _as_sent(tool: Any, values: Mapping[str, Any]) -> Json:
    if _is_served(original_of(tool)):
        values = _cleaned(values)
    found: Json = _plain(values)
    return found


def _is_served(original: Any) -> bool:
    # A subclass's own `_run` may send its server other arguments: it does not count as served.
    kind = type(original)
    return issubclass(kind, MCPNativeTool) and all(
        getattr(kind, name) is getattr(MCPNativeTool, name) for name in ("_run", "_run_async")
    )


def _cleaned(values: Mapping[str, Any]) -> Json:
    """Return the arguments that CrewAI's MCP client sends for these values."""
    client = object.__new__(MCPClient)  # `__init__` needs a server, and cleaning does not
    cleaned: Json = client._clean_tool_arguments(dict(values))  # CrewAI offers no public way
    return cleaned


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. Raises ValueError for a value that cannot be shown."""
    match value:
        case Enum():
            plain = _plain(value.value)
        case _ if hasattr(value, "get_secret_value"):
            plain = _plain(value.get_secret_value())
        case BaseModel():
            plain = _plain(value.model_dump())
        case dict():
            plain = {_name(name): _plain(one) for name, one in value.items()}
        case list() | tuple():
            plain = [_plain(one) for one in value]
        case set() | frozenset():
            plain = sorted(map(_plain, value), key=exact)
        case _:
            plain = to_jsonable_python(value)
            # A value of another type that becomes a list or object, such as a generator or a model,
            # may be readable once only, or have masked parts.
            if isinstance(plain, dict | list):
                raise ValueError(f"a value of type {type(value).__name__} cannot be shown")  # noqa: TRY004  # as for a value
    return plain


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no name of an argument")  # noqa: TRY004  # as for a value
    return name


# ---- doors


class Passage:
    """The way of an approved call to its tool: the call goes once, with the approved arguments."""

    def __init__(
        self, tool: Any, arguments: Json, *, doors: "Sequence[Door]", seconds: float
    ) -> None:
        """`seconds` limit the answer of an MCP server."""
        self._tool = tool
        self._original = original_of(tool)
        self._exact = exact(arguments)
        self._doors = doors
        self._lock = Lock()
        self._differs = False
        self.seconds = seconds
        self.ran = False
        self.is_sent = False
        """True once the call was sent to an MCP server."""
        self.error: Exception | None = None

    @property
    def to_server(self) -> bool:
        """True if the last door is in CrewAI's MCP client."""
        return _is_served(self._original)

    @property
    def by_client(self) -> bool:
        """True for CrewAI's tool of an MCP server; another tool may use the client by itself."""
        return isinstance(self._original, MCPNativeTool)

    def open(self) -> None:
        """Let the call through from now on, until `close`."""
        _OPEN.set((*_OPEN.get(), self))

    def close(self) -> None:
        _OPEN.set(tuple(one for one in _OPEN.get() if one is not self))

    def leads_through(self, door: "Door") -> bool:
        return any(one is door for one in self._doors)

    def compare(self, arguments: Mapping[str, Any], *, name: str | None = None) -> None:
        """Raise NotPassed unless these are the approved arguments, and `name` the approved tool."""
        try:
            self._differs = exact(_as_sent(self._tool, arguments)) != self._exact
        except ValueError:
            self._differs = True
        self._differs |= name not in {None, getattr(self._original, "original_tool_name", None)}
        if self._differs:
            raise NotPassed(DIFFERS)

    def require_first(self) -> None:
        """Raise the error of the call if it ran before."""
        if self.ran:
            raise self.error or RuntimeError("This call has run")

    def pass_once(self) -> None:
        """Mark the call as run; raise its error if it ran before."""
        with self._lock:
            self.require_first()
            self.ran = True

    def outcome(self, words: str, *, failed: bool) -> Outcome:
        """Return what became of the call whose result begins with these words."""
        if not self.ran:
            # The tool never ran: CrewAI answered from its cache, or with its own error or limit.
            instead = f"CrewAI answered in its place: {words}"
            return Outcome("closed", DIFFERS if self._differs else instead)
        if self.is_sent and self.error is not None and not _is_answered(self.error):
            return Outcome("failed", f"It may have been done: {words}", in_doubt=True)
        returns_errors = type(self._original).__module__.partition(".")[0] == _ADAPTER
        return Outcome("failed" if failed else "ran", words, unsure=returns_errors)


#: The passages that hooks have opened in this thread, the newest last.
_OPEN: Final[ContextVar[tuple[Passage, ...]]] = ContextVar("crewgate_open", default=())
#: The passage of the call that this thread is making through a door; None between such calls.
_PASSING: Final[ContextVar[Passage | None]] = ContextVar("crewgate_passing", default=None)
_HANGING: Final = Lock()


class Door:
    """Stands before a tool's function: lets an approved call through once, as it was approved.

    CrewAI repeats a failed call up to six times, and validates its arguments each time.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = (
            function  # CrewAI reads the parameters by `inspect.signature`, which looks here
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        passage = next((one for one in reversed(_OPEN.get()) if one.leads_through(self)), None)
        # Inside its passage a tool's function may call another function of the same tool, which is
        # no second call.
        if passage is None or passage is _PASSING.get():
            return self.__wrapped__(*args, **kwargs)
        passage.require_first()
        if args:
            raise NotPassed(DIFFERS)
        passage.compare(kwargs)
        if not passage.to_server:
            passage.pass_once()
        passage.error = None
        token = _PASSING.set(passage)
        try:
            result = self.__wrapped__(**kwargs)
            return asyncio.run(result) if inspect.iscoroutine(result) else result
        except Exception as error:
            passage.error = error
            raise
        finally:
            _PASSING.reset(token)


def hang_doors(tool: Any) -> list[Door]:
    """Put doors before a tool's functions, or return the doors that stand there.

    CrewAI calls `tool.func`, or the original tool's function if the model calls tools natively.
    """
    original = original_of(tool)
    with _HANGING:
        if not isinstance(tool.func, Door):
            tool.func = Door(tool.func)
        if original is None:
            return [tool.func]
        name = "func" if isinstance(original, Tool) else "_run"
        function = getattr(original, name)
        if not isinstance(function, Door):
            # Pydantic's models refuse to set an attribute that is no field, so the door goes into
            # `__dict__`, where Python looks before it looks at the class.
            function = original.__dict__[name] = Door(function)
        return [tool.func, function]


def hang_client_door() -> None:
    """Let CrewAI's MCP client send an approved call once, without its limit of half a minute."""
    call = MCPClient.call_tool_result

    @wraps(call)
    async def call_tool_result(
        client: MCPClient, tool_name: str, arguments: Json | None = None
    ) -> Any:
        passage = _PASSING.get()
        if passage is not None and passage.by_client:
            if passage.to_server:
                passage.compare(arguments or {}, name=tool_name)
                passage.pass_once()
            passage.is_sent = True
            client.max_retries, client.execution_timeout = 1, max(1, int(passage.seconds))
        return await call(client, tool_name, arguments)

    setattr(MCPClient, call.__name__, call_tool_result)


def _is_answered(error: BaseException) -> bool:
    """Return True if an MCP server answered a call with an error."""
    cause: BaseException | None = error
    while cause is not None:
        code = getattr(getattr(cause, "error", None), "code", None)
        if isinstance(code, int):
            # MCP's library raises such an error for a lost connection and a time-out, too: then no
            # server answered.
            return code not in {_CONNECTION_CLOSED, HTTPStatus.REQUEST_TIMEOUT}
        cause = cause.__cause__
    return False
