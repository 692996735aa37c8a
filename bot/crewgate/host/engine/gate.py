"""Ask people in Slack before a tool runs. Copy this file into a project: it needs nothing else.

    decision = gate.ask("send_email", {"to": "ann@example.com", "text": "Hi."})
    result = send_email(**decision.arguments) if decision else decision.words

Version 4. `CREWGATE_URL` is `https://bot.example.com/crews/NAME`, of a crew without `url` in the
bot's `crews.toml`; `CREWGATE_SECRET` is its webhook secret. An approval is for one call with
exactly these arguments. Whatever goes wrong is a refusal: nothing runs that nobody approved.

`ask` waits until people decide. On CrewAI AMP a worker that waits serves nobody else, counts as
running, and loses the question if it ends. For hours, let a task pause with `human_input` instead.
"""

import asyncio
import inspect
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache, partial, wraps
from http.client import HTTPException
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib import error, parse, request

Json = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """True if the call may run, once and with these arguments, which people may have changed."""

    approved: bool
    words: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.approved


def ask(
    tool: str,
    arguments: Mapping[str, Any],
    *,
    agent: str = "",
    execution: str = "",
    schema: Mapping[str, Any] | None = None,
    filled_in: Iterable[str] = (),
    other_names: Iterable[str] = (),
    seconds: float = 3_600,
) -> Decision:
    """Ask people about one call, and wait; never raises an `Exception`.

    Calls of one `execution` share a thread. With a JSON `schema` people may change the arguments.
    `filled_in` names the arguments that no model gave, `other_names` further names of the tool.
    """
    try:
        shown = json.dumps(dict(arguments), indent=2, ensure_ascii=False, allow_nan=False)
        exact = json.loads(shown)  # what people are shown is what runs
        call = {"tool": tool, "arguments": exact, "agent": agent, "may_have_run": False}
        call["filled_in"], call["other_names"] = list(filled_in), list(other_names)
        body = {
            "execution_id": execution or f"call-{uuid.uuid4().hex}",
            "task_id": f"{tool}-{uuid.uuid4().hex}",
            "pause_id": uuid.uuid4().hex,
            "task_name": tool,
            "agent": agent,
            "task_output": shown,
            "decision": "fetched",
            "tool_call": call if schema is None else {**call, "schema": schema},
            "resume_extensions": [] if schema is None else ["arguments"],
        }
        return _wait(body, exact, time.monotonic() + seconds)
    except Exception as why:
        return Decision(approved=False, words=f"People did not approve this: {why}.")


def _wait(body: dict[str, Any], exact: dict[str, Any], until: float) -> Decision:
    path = "/".join(parse.quote(str(body[name]), safe="") for name in ("execution_id", "task_id"))
    answer: dict[str, Any] = {"state": "waiting"}
    try:
        posted = _call("/human-input", body, until)
        this = f"&round={posted['round']}"
        while answer["state"] == "waiting":
            answer = _call(f"/decisions/{path}?wait=25{this}", None, until)
        _require_time(answer.get("valid_until"))
    except BaseException as why:
        closed = {"state": "closed", "words": str(why) or "What asked has ended."}
        try:  # the card says so
            _call("/human-input", {**body, "outcome": closed}, time.monotonic() + 5)
        finally:
            raise why
    if answer["state"] != "decided":
        raise RuntimeError("the question was closed")
    approved = (answer.get("edited") or answer)["is_approve"] is True
    arguments = answer["edited"]["arguments"] if "edited" in answer else exact
    return Decision(approved, str(answer["human_feedback"]), dict(arguments) if approved else {})


def _require_time(valid_until: str | None) -> None:
    """Raise RuntimeError if an approval has ended, by this machine's clock."""
    if valid_until is None:
        return
    # Python 3.10 takes no Z.
    end = valid_until[:-1] + "+00:00" if valid_until.endswith("Z") else valid_until
    if datetime.fromisoformat(end).timestamp() <= time.time():
        raise RuntimeError("the approval has ended")


class _NoRedirect(request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None: ...  # it would take the secret elsewhere


def _call(path: str, body: Mapping[str, Any] | None, until: float) -> dict[str, Any]:
    """Return the bot's answer; ask again while it cannot be reached: it knows what it was asked."""
    secret = {"Authorization": f"Bearer {os.environ['CREWGATE_SECRET']}"}
    url = os.environ["CREWGATE_URL"].rstrip("/") + path
    content = None if body is None else json.dumps(body).encode()
    made = request.Request(url, content, {"Content-Type": "application/json", **secret})
    opener, pause = request.build_opener(_NoRedirect), 1.0
    while (left := until - time.monotonic()) > 0:
        try:
            with opener.open(made, timeout=min(left, 40)) as answer:
                return dict(json.loads(answer.read()))
        except error.HTTPError as refused:
            if refused.code < 500 and refused.code != 429:
                raise RuntimeError(f"the bot answered {refused.code}") from refused
        except (OSError, HTTPException):
            pass
        time.sleep(max(0.0, min(pause, until - time.monotonic())))
        pause = min(2 * pause, 30)
    raise RuntimeError("nobody decided in time")


# --- the way of a call of CrewAI's to its tool, which `crewgate host` uses too
#
# CrewAI checks arguments after its hooks. So `arguments_of` checks them before people are asked,
# and a door, the last function before the tool, compares what comes with the approved arguments.

DIFFERS = "its tool would have got other arguments than people approved."
#: CrewAI cuts tools' names at 64 characters. Patterns are compared with full names too.
_UNCUT = 10_000
_GLOBS = re.compile(r"([*?]|\[[^]]+\])")


class NotPassed(Exception):
    """A tool was about to get another call than people approved."""


class Refused(Exception):
    """People refused a call, with these words."""


@dataclass(frozen=True)
class Asked:
    """A call as people are asked about it."""

    given: Json
    """The model's arguments."""
    arguments: Json
    """The arguments as the tool will get them."""
    filled_in: tuple[str, ...]
    """The paths of arguments that the model did not give, such as `to.0.country`."""


@cache
def _library() -> SimpleNamespace:
    """Return the parts of CrewAI and pydantic that are used here; `ask` needs neither."""
    import pydantic
    import pydantic_core
    from crewai import hooks
    from crewai.mcp import client
    from crewai.tools import base_tool, mcp_native_tool, mcp_tool_wrapper
    from crewai.utilities import string_utils

    return SimpleNamespace(
        hooks=hooks,
        MCPClient=client.MCPClient,
        BaseTool=base_tool.BaseTool,
        Tool=base_tool.Tool,
        MCPNativeTool=mcp_native_tool.MCPNativeTool,
        MCPToolWrapper=mcp_tool_wrapper.MCPToolWrapper,
        sanitize=string_utils.sanitize_tool_name,
        pydantic=pydantic,
        as_json=pydantic_core.to_jsonable_python,
    )


def let_through(context: Any, ask: Callable[[Asked], Json], *, seconds: float) -> "Passage | str":
    """Ask people about a call; return its open way to the tool, or why it does not run.

    `ask` returns the arguments that people approved. `seconds` limit an MCP server's answer.
    Raises what `ask` raises.
    """
    asked = _asked_about(context)
    if isinstance(asked, str):
        return asked
    doors = _hang_doors(context.tool)
    approved = ask(asked)
    if exact(context.tool_input) != exact(asked.given):
        return "its arguments changed while people were asked."
    if not _still_has(context, doors):
        return "its tool was replaced while people were asked."
    handed = given_for(context.tool, asked.given, approved)
    if handed is None:
        return DIFFERS
    context.tool_input.clear()
    context.tool_input.update(handed)
    passage = Passage(context.tool, approved, doors=doors, seconds=seconds)
    passage.open()
    return passage


def _why_not(error: ValueError) -> str:
    """Return what is wrong with arguments, without their values: a log may get these words."""
    if not isinstance(error, _library().pydantic.ValidationError):
        return str(error)
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong)


def _asked_about(context: Any) -> "Asked | str":
    """Return a call as people are asked about it, or why nobody can approve it."""
    tool, given = context.tool, deepcopy(context.tool_input)
    if why := _why_no_door(tool) or _why_unclear(context):
        return why
    try:
        asked = Asked(given, *arguments_of(tool, given))
        exact([given, asked.arguments])  # else they cannot be compared
    except ValueError as error:
        return f"its arguments do not fit. {_why_not(error)}"
    if given_for(tool, given, asked.arguments) is None:
        why = "its tool changes its arguments each time that it checks them"
        return f"{why}, so nobody can approve what it would get."
    return asked


def exact(arguments: object) -> str:
    """Return JSON that is equal for equal arguments alone: 1, 1.0, "1" and true differ.

    Raises ValueError for what JSON or UTF-8 cannot hold.
    """
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


# --- arguments


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


def changed(tool: Any, schema: Json, asked: Asked, written: Json) -> Json:
    """Return the arguments that a tool gets for those that people wrote.

    Raises ValueError if the tool does not take exactly these, with what people saw filled in.
    """
    unknown = written.keys() - schema.get("properties", {}).keys()
    if unknown and not schema.get("additionalProperties"):
        raise ValueError(f"there is no {', '.join(sorted(unknown))}")
    filled = {one: asked.arguments[one] for one in asked.filled_in if one in asked.arguments}
    complete = filled | written
    made, _ = arguments_of(tool, complete)
    for one, value in made.items():
        # People who left an argument out have not seen its default, so the change is refused.
        if exact(_as_number(complete.get(one), value)) != exact(value):
            raise ValueError(f"it would get {one}: {exact(value)}")
    return made


def _as_number(written: Any, made: Any) -> Any:
    """Return what people wrote, a whole number as the float that a tool makes of it."""
    if type(written) is int and type(made) is float and written == made:
        return made
    if isinstance(written, dict) and isinstance(made, dict):
        return {name: _as_number(one, made.get(name)) for name, one in written.items()}
    if isinstance(written, list) and isinstance(made, list) and len(written) == len(made):
        return [_as_number(*pair) for pair in zip(written, made, strict=True)]
    return written


def given_for(tool: Any, given: Json, approved: Json) -> Json | None:
    """Return the arguments of which CrewAI makes exactly the approved ones; None if none fit.

    If a validator would change its own result once more, `given`, the model's arguments, may fit.
    Without arguments CrewAI may give hooks a dictionary of their own, which reaches no tool.
    """
    for candidate in (approved, given) if given else (given,):
        with suppress(ValueError, TypeError, LookupError, AttributeError):
            made, _ = arguments_of(tool, candidate)
            if exact(made) == exact(approved):
                return deepcopy(candidate)
    return None


def schema_of(tool: Any, asked: Asked) -> Json | None:
    """Return the schema of the arguments that people can change; None if the tool takes none."""
    model = tool.args_schema
    # Without arguments CrewAI gives hooks a new dictionary: no change of it reaches the tool.
    if model is None or not asked.given:
        return None
    # The schema names arguments by field, not by alias: validated arguments have these names.
    schema: Json = model.model_json_schema(by_alias=False)
    try:
        changed(tool, schema, asked, asked.arguments)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # even the call's own arguments are refused, so no change would be taken
    return schema


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


_NOT_GIVEN = object()


def _part(value: Any, given: Any, name: str) -> tuple[Any, Any]:
    """Return a part of a validated value, and the given part: None if unknown, or `_NOT_GIVEN`."""
    names = {name}
    if isinstance(value, _library().pydantic.BaseModel):
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
    if isinstance(alias, _library().pydantic.AliasChoices):
        return set().union(*map(_aliases, alias.choices))
    return {alias.path[0] if isinstance(alias, _library().pydantic.AliasPath) else alias}


def _takes_any(tool: Any) -> bool:
    several = inspect.signature(tool.func).parameters.values()
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in several)


def _as_sent(tool: Any, values: Mapping[str, Any]) -> Json:
    if _is_served(original_of(tool)):
        client = object.__new__(_library().MCPClient)  # `__init__` needs a server
        values = client._clean_tool_arguments(dict(values))  # no public way
    plain: Json = _plain(values)
    return plain


def _is_served(original: Any) -> bool:
    """Return True if a tool does nothing but send its arguments by CrewAI's MCP client."""
    # A subclass's own `_run` may send its server other arguments: it does not count as served.
    kind, served = type(original), _library().MCPNativeTool
    return issubclass(kind, served) and all(
        getattr(kind, name) is getattr(served, name) for name in ("_run", "_run_async")
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it. Raises ValueError for a value that cannot be shown."""
    match value:
        case Enum():
            plain = _plain(value.value)
        case _ if hasattr(value, "get_secret_value"):
            plain = _plain(value.get_secret_value())
        case _ if isinstance(value, _library().pydantic.BaseModel):
            plain = _plain(value.model_dump())
        case dict():
            plain = {_name(name): _plain(one) for name, one in value.items()}
        case list() | tuple():
            plain = [_plain(one) for one in value]
        case set() | frozenset():
            plain = sorted(map(_plain, value), key=exact)
        case _:
            plain = _library().as_json(value)
            # A value of another type that becomes a list or object, such as a generator or a model,
            # may be readable once only, or have masked parts.
            if isinstance(plain, dict | list):
                raise ValueError(f"a value of type {type(value).__name__} cannot be shown")  # noqa: TRY004  # as for a value
    return plain


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{name!r} is no name of an argument")  # noqa: TRY004  # as for a value
    return name


# --- doors


class Passage:
    """The way of an approved call to its tool: the call goes once, with the approved arguments."""

    def __init__(
        self, tool: Any, arguments: Json, *, doors: "Sequence[Door]", seconds: float
    ) -> None:
        """`seconds` limit the answer of an MCP server."""
        self._tool = tool
        self.original = original_of(tool)
        self._exact = exact(arguments)
        self._doors = doors
        self._lock = Lock()
        self.differs = False
        """True if the tool was about to get other arguments."""
        self.seconds = seconds
        self.ran = False
        self.is_sent = False
        """True once the call was sent to an MCP server."""
        self.error: Exception | None = None

    @property
    def to_server(self) -> bool:
        """True if the last door is in CrewAI's MCP client."""
        return _is_served(self.original)

    @property
    def by_client(self) -> bool:
        """True for CrewAI's tool of an MCP server; another tool may use the client by itself."""
        return isinstance(self.original, _library().MCPNativeTool)

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
            self.differs = exact(_as_sent(self._tool, arguments)) != self._exact
        except ValueError:
            self.differs = True
        self.differs |= name not in {None, getattr(self.original, "original_tool_name", None)}
        if self.differs:
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


#: The passages that hooks have opened in this thread, the newest last.
_OPEN: ContextVar[tuple[Passage, ...]] = ContextVar("crewgate_open", default=())
#: The passage of the call that this thread is making through a door; None between such calls.
_PASSING: ContextVar[Passage | None] = ContextVar("crewgate_passing", default=None)
_HANGING = Lock()


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


def _hang_doors(tool: Any) -> list[Door]:
    """Put doors before a tool's functions, or return the doors that stand there.

    CrewAI calls `tool.func`, or the original tool's function if the model calls tools natively.
    """
    original = original_of(tool)
    with _HANGING:
        first = _door_before(tool.func)
        if first is None:
            first = tool.func = Door(tool.func)
        if original is None:
            return [first]
        name = "func" if isinstance(original, _library().Tool) else "_run"
        function = getattr(original, name)
        second = _door_before(function)
        if second is None:
            # Pydantic's models refuse to set an attribute that is no field, so the door goes into
            # `__dict__`, where Python looks before it looks at the class.
            second = original.__dict__[name] = Door(function)
        return [first, second]


def _door_before(function: Any) -> Door | None:
    """Return the door of this copy before a function, behind those of other copies, or None."""
    while type(function).__qualname__ == Door.__qualname__:
        if isinstance(function, Door):
            return function
        function = function.__wrapped__
    return None


@cache  # two doors of one file would compare a call twice; each copy needs a door of its own
def hang_client_door() -> None:
    """Let CrewAI's MCP client send an approved call once, without its limit of half a minute.

    A second call changes nothing.
    """
    client_class = _library().MCPClient
    call = client_class.call_tool_result

    @wraps(call)
    async def call_tool_result(client: Any, tool_name: str, arguments: Json | None = None) -> Any:
        passage = _PASSING.get()
        if passage is not None and passage.by_client:
            if passage.to_server:
                passage.compare(arguments or {}, name=tool_name)
                passage.pass_once()
            passage.is_sent = True
            client.max_retries, client.execution_timeout = 1, max(1, int(passage.seconds))
        return await call(client, tool_name, arguments)

    client_class.call_tool_result = call_tool_result


# --- the tool of a call


def original_of(tool: Any) -> Any:
    """Return the tool that a crew was given; CrewAI shows hooks a wrapper of it."""
    return getattr(tool, "_original_tool", None)


def tools_of(context: Any) -> Sequence[Any]:
    """Return all tools that an agent has now, with those of MCP servers."""
    executor = getattr(context.agent, "agent_executor", None)
    return tuple(getattr(executor, "original_tools", None) or ())


def _why_no_door(tool: Any) -> str:
    """Return why no approval can hold for a tool; empty if one can."""
    original, library = original_of(tool), _library()
    if tool is None:
        return "CrewAI does not say which tool it is."
    if isinstance(original, library.MCPToolWrapper):
        why = "CrewAI calls a server that is given as a URL up to three times"
        return f"{why}: give it as MCPServerHTTP(url=…)."
    runs = {library.BaseTool.run, library.Tool.run}
    own = original is not None and type(original).run not in runs
    if own or "run" in getattr(original, "__dict__", ()):
        return "its tool has a `run` of its own."
    return ""


def _why_unclear(context: Any) -> str:
    """Return why CrewAI may run another tool than the one that its hooks are shown, or nothing."""
    lists = (getattr(one, "tools", None) or () for one in (context.task, context.agent))
    name = _own_name(context.tool)
    several = any([*map(_own_name, tools)].count(name) > 1 for tools in (*lists, tools_of(context)))
    return "two tools of its agent have this name." if several else ""


def _still_has(context: Any, doors: Sequence[Door]) -> bool:
    """Return True if CrewAI, which looks for it after its hooks, would still run this tool."""
    tool, executor = context.tool, getattr(context.agent, "agent_executor", None)
    original = original_of(tool)
    function = (getattr(executor, "_available_functions", None) or {}).get(context.tool_name)
    others = {_own_name(one): original_of(one) for one in getattr(executor, "tools", None) or ()}
    runs = [getattr(function, "__self__", original), others.get(_own_name(tool), original)]
    is_same = all(one is original for one in runs) and not _why_unclear(context)
    pairs = zip(_hang_doors(tool), doors, strict=True)
    return is_same and not _why_no_door(tool) and all(one is door for one, door in pairs)


# --- names and patterns


def names_of(tool: Any) -> set[str]:
    """Return a tool's name and its name at an MCP server, in CrewAI's form, each cut and uncut."""
    if isinstance(tool, str):
        return {tool}
    sanitize = _library().sanitize
    names = _raw_names(tool)
    return {*map(sanitize, names), *(sanitize(one, _UNCUT) for one in names)} - {""}


def names_in(context: Any) -> set[str]:
    """Return the names of a call's tool in CrewAI's form."""
    # For models with native function calls CrewAI renames a second tool `send` to `send_2`, so the
    # tool's own names count, too.
    return {context.tool_name, *names_of(context.tool), *names_of(original_of(context.tool))}


def _raw_names(tool: Any) -> set[str]:
    names = (getattr(tool, one, None) for one in ("name", "original_tool_name"))
    return {one for one in names if one}


def fits(tools: Iterable[Any], patterns: Iterable[str]) -> bool:
    """Return True if a tool's name, as written or in CrewAI's form, matches one of the patterns.

    A tool may be given by its name.
    """
    names = set[str]().union(*map(every_name, tools))
    forms = {form for one in patterns for form in (one, _as_named(one))}
    return any(fnmatchcase(name, form) for name in names for form in forms)


def every_name(tool: Any) -> set[str]:
    """Return the names of a tool, as written and in CrewAI's form; `tool` may be its name."""
    both = (tool, original_of(tool))
    return set[str]().union(*map(_raw_names, both), *map(names_of, both))


def _own_name(tool: Any) -> str:
    return str(_library().sanitize(getattr(tool, "name", "")))


@cache
def _as_named(pattern: str) -> str:
    """Return a pattern in CrewAI's form of names: sendE-mail* becomes send_e_mail*."""
    parts = _GLOBS.split(pattern)
    parts[::2] = map(_literal, parts[::2])
    return "".join(parts).strip("_")


def _literal(part: str) -> str:
    # `sanitize_tool_name` strips underscores from both ends of a part. An end may be in the middle
    # of a name, as in `send_*`, so a stripped underscore is put back.
    name = _library().sanitize(part, _UNCUT)
    first, last = ("_" if end and not end.isalnum() else "" for end in (part[:1], part[-1:]))
    return f"{first}{name}{last}" if name else first


# --- as a hook of a program's own


class _Gate:
    """The patterns of tools, and what becomes of a call."""

    def __init__(self, patterns: tuple[str, ...], *, seconds: float, server_seconds: int) -> None:
        self._patterns = patterns
        self._seconds, self._server_seconds = seconds, server_seconds
        self._unknown: list[str] | None = None
        """The patterns that fit no tool of the first crew that makes a call; None before."""

    def pass_on(self, context: Any) -> "Passage | str":
        """Return the way of a call to its tool once people approved it, or why it does not run.

        The words are empty for a call that people are not asked about.
        """
        if self._unknown is None:
            self._unknown = self._unfit(
                _asked(context), self._unfit(_known(context), self._patterns)
            )
        if self._unknown:
            return f"no tool fits {', '.join(self._unknown)}, which people are to approve."
        if self._patterns and not fits([context.tool_name, context.tool], self._patterns):
            return ""
        return let_through(context, partial(self._ask, context), seconds=self._server_seconds)

    @staticmethod
    def _unfit(tools: Iterable[Any], patterns: Iterable[str]) -> list[str]:
        left = [*patterns]
        known = [*tools] if left else []
        return [one for one in left if not fits(known, [one])]

    def _ask(self, context: Any, asked: Asked) -> Json:
        schema = schema_of(context.tool, asked)
        decision = ask(
            context.tool_name,
            asked.arguments,
            agent=getattr(context.agent, "role", None) or "",
            execution=str(getattr(context.crew, "id", None) or ""),
            schema=schema,
            filled_in=asked.filled_in,
            other_names=sorted(names_in(context) - {context.tool_name}),
            seconds=self._seconds,
        )
        if not decision:
            raise Refused(decision.words or "People refused it.")
        if exact(decision.arguments) == exact(asked.arguments):
            return decision.arguments
        return changed(context.tool, schema or {}, asked, decision.arguments)


def _known(context: Any) -> list[Any]:
    """Return the tools of the crew's agents that are known before their MCP servers are asked."""
    agents, tasks = _agents(context), getattr(context.crew, "tasks", None) or ()
    executors = [getattr(one, "agent_executor", None) for one in agents]
    lists = [getattr(one, "tools", None) or () for one in (*agents, *tasks)]
    lists += [getattr(one, "original_tools", None) or () for one in executors]
    return [context.tool_name, context.tool, *(tool for tools in lists for tool in tools)]


def _agents(context: Any) -> list[Any]:
    crew = getattr(context.crew, "agents", None) or ()
    return [context.agent, *(one for one in crew if one is not context.agent)]


def _asked(context: Any) -> Iterator[Any]:
    """Yield the tools of MCP servers and apps of the agents that have not begun."""
    for one in _agents(context)[1:]:
        if mcps := getattr(one, "mcps", None):
            yield from one.get_mcp_tools(mcps)
        if apps := getattr(one, "apps", None):
            yield from one.get_platform_tools(apps)


def gate_crewai(*patterns: str, seconds: float = 3_600, server_seconds: int = 3_600) -> None:
    """Ask before CrewAI runs tools such as `send_*`, or any; call it once, after other hooks.

    CrewAI runs a tool whose hook raises anything but HookAborted: so nothing else is raised. An
    approved call runs once, also where CrewAI would try again; an MCP server has `server_seconds`.
    If a pattern fits no tool of the first crew that makes a call, every call is refused: there is a
    mistake in the pattern.

    No hook sees a tool that another tool's own code calls: call `ask` there. Where a model calls
    natively, CrewAI ends a task with a refusal's words if the tool has `result_as_answer`.
    """
    hooks = _library().hooks
    hang_client_door()
    gate = _Gate(patterns, seconds=seconds, server_seconds=server_seconds)
    calls: dict[int, Passage | str] = {}
    """The ways, or the words of refusals, of calls under way, by the ids of their arguments."""

    @hooks.on(hooks.InterceptionPoint.PRE_TOOL_CALL)
    def before(context: Any) -> None:
        key = id(context.tool_input)
        calls.pop(key, None)  # of an earlier call, whose id this one has
        words = "This call did not run: it could not be checked."
        try:
            passed = gate.pass_on(context)
            words = f"This call did not run: {passed}" if isinstance(passed, str) and passed else ""
        except Refused as refused:
            words = f"This call was refused, and did not run. {refused}"
        except Exception as why:
            with suppress(Exception):  # its text may fail, too
                words = f"This call did not run: {str(why) or type(why).__name__}"
        if words:
            calls[key] = words
            raise hooks.HookAborted(words, "crewgate")
        calls[key] = passed

    @hooks.on(hooks.InterceptionPoint.POST_TOOL_CALL)
    def after(context: Any) -> str | None:
        ended = calls.pop(id(context.tool_input), "")
        if isinstance(ended, Passage):
            ended.close()
            return None
        return ended or None
