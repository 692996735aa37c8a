"""Ask people in Slack before a tool runs. Copy this file into a project: it needs nothing else.

    decision = gate.ask("send_email", {"to": "ann@example.com", "text": "Hi."})
    result = send_email(**decision.arguments) if decision else decision.words

Version 3. `CREWGATE_URL` is `https://bot.example.com/crews/NAME`, of a crew without `url` in the
bot's `crews.toml`; `CREWGATE_SECRET` is its webhook secret. An approval is for one call with
exactly these arguments. Whatever goes wrong is a refusal: nothing runs that nobody approved.

`ask` waits until people decide. On CrewAI AMP a worker that waits serves nobody else, counts as
running, and loses the question if it ends. For hours, let a task pause with `human_input` instead.
"""

import json
import os
import time
import uuid
from asyncio import iscoroutine
from asyncio import run as run_coroutine
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import wraps
from http.client import HTTPException
from threading import Lock
from typing import Any
from urllib import error, parse, request


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
    except BaseException as why:
        closed = {"state": "closed", "words": str(why) or "What asked has ended."}
        try:  # the card says so
            _call("/human-input", {**body, "outcome": closed}, time.monotonic() + 5)
        finally:
            raise why
    if answer["state"] != "decided":
        raise RuntimeError("the question was closed")
    end = answer.get("valid_until")
    if end is not None and _seconds(end) <= time.time():
        raise RuntimeError("the approval has ended")
    approved = (answer.get("edited") or answer)["is_approve"] is True
    arguments = answer["edited"]["arguments"] if "edited" in answer else exact
    return Decision(approved, str(answer["human_feedback"]), dict(arguments) if approved else {})


def _seconds(at: str) -> float:
    # Python 3.10 takes no Z.
    return datetime.fromisoformat(f"{at[:-1]}+00:00" if at.endswith("Z") else at).timestamp()


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


# --- as a hook of CrewAI: it checks a call's arguments after its hooks, so this does it before


DIFFERS = "Its tool would have got other arguments than people approved."


def _sent(tool: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a tool, or of its MCP server, as JSON."""
    from pydantic_core import to_jsonable_python

    if _calls_server(getattr(tool, "_original_tool", None)):
        from crewai.mcp.client import MCPClient  # it leaves some out, and changes some

        values = object.__new__(MCPClient)._clean_tool_arguments(dict(values))  # noqa: SLF001

    def plain(value: Any) -> Any:
        if secret := getattr(value, "get_secret_value", None):
            return secret()
        if isinstance(value, (set, frozenset)):
            return sorted(value, key=lambda one: json.dumps(one, default=plain))
        shown = to_jsonable_python(value)
        if isinstance(shown, (dict, list)):  # it may be read once only, or have masked parts
            raise TypeError(f"a value of type {type(value).__name__} cannot be shown")
        return shown

    return dict(json.loads(json.dumps(dict(values), allow_nan=False, default=plain)))


def _calls_server(original: Any) -> bool:
    """Return True if a tool does nothing but send its arguments by CrewAI's MCP client."""
    from crewai.tools.mcp_native_tool import MCPNativeTool as Native

    return isinstance(original, Native) and all(
        getattr(type(original), name) is getattr(Native, name) for name in ("_run", "_run_async")
    )


def _made(tool: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments as JSON that CrewAI gives a tool for these, and those filled in."""
    model, given = tool.args_schema, deepcopy(dict(given))
    if model is not None and model.model_fields:
        checked = model.model_validate(given)
        shown = _sent(tool, checked.model_dump())
        return shown, [*_filled_in(checked, shown)]
    if given:
        raise ValueError("its tool has no schema to check its arguments by")
    return {}, []


def _filled_in(value: Any, shown: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of what a schema added, such as `to.0.country`."""
    parts: Iterable[tuple[Any, Any]] = shown.items() if isinstance(shown, dict) else ()
    if isinstance(shown, list) and isinstance(value, (list, tuple)) and len(value) == len(shown):
        parts = enumerate(shown)
    for name, part in parts:
        named = getattr(value, "model_fields_set", None)
        if named is not None and name not in named:
            yield f"{path}{name}"
        elif isinstance(value, (dict, list, tuple)):
            has = not isinstance(value, dict) or name in value
            yield from _filled_in(value[name] if has else None, part, f"{path}{name}.")
        else:
            yield from _filled_in(getattr(value, name, None), part, f"{path}{name}.")


def _given_for(tool: Any, given: dict[str, Any], approved: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of which CrewAI makes the approved ones. Raises RuntimeError."""
    wanted = json.dumps(approved, sort_keys=True)
    # Without arguments CrewAI may give hooks a dictionary of their own.
    for one in (approved, given) if given else (given,):
        try:
            if json.dumps(_made(tool, one)[0], sort_keys=True) == wanted:
                return deepcopy(one)
        except (ValueError, TypeError, LookupError, AttributeError):
            continue
    raise RuntimeError("Its tool would get other arguments than people see.")


_OPEN: ContextVar[tuple["_Passage", ...]] = ContextVar("crewgate_open", default=())
_INSIDE: ContextVar["_Passage | None"] = ContextVar("crewgate_inside", default=None)


class _Passage:
    """The way of one approved call to its tool: once, and with the approved arguments."""

    def __init__(
        self, context: Any, approved: dict[str, Any], doors: list[Any], seconds: int
    ) -> None:
        self.given, self._tool = context.tool_input, context.tool
        self._exact, self._lock = json.dumps(approved, sort_keys=True), Lock()
        self._end: Exception | None = None
        self.seconds = seconds
        self.doors = doors

    def compare(self, values: Mapping[str, Any]) -> None:
        if json.dumps(_sent(self._tool, values), sort_keys=True) != self._exact:
            raise RuntimeError(DIFFERS)

    def run(self, function: Callable[..., Any], args: Any, values: dict[str, Any]) -> Any:
        """Call the tool's function, once. Raises its error again at a second time."""
        with self._lock:
            if self._end is not None:
                raise self._end
            if args:
                raise RuntimeError(DIFFERS)
            self.compare(values)
            self._end = RuntimeError("This call has run already.")
        inside = _INSIDE.set(self)
        try:
            result = function(**values)
            return run_coroutine(result) if iscoroutine(result) else result
        except Exception as why:
            self._end = why
            raise
        finally:
            _INSIDE.reset(inside)


def _door(function: Any) -> Any:
    """Return a tool's function that lets an approved call through once, as it was approved."""
    if hasattr(function, "crewgate_door"):
        return function

    @wraps(function)
    def door(*args: Any, **values: Any) -> Any:
        open_ = (one for one in reversed(_OPEN.get()) if any(door is each for each in one.doors))
        passage = next(open_, None)
        if passage is None or passage is _INSIDE.get():  # its function may call itself
            return function(*args, **values)
        return passage.run(function, args, values)

    door.crewgate_door = True  # type: ignore[attr-defined]
    return door


def _doors(tool: Any) -> list[Any]:
    """Put doors before both functions by which CrewAI calls a tool, and before its MCP client."""
    original = getattr(tool, "_original_tool", None)
    tool.func = _door(tool.func)
    if original is None:
        return [tool.func]
    name = "func" if "func" in type(original).model_fields else "_run"
    original.__dict__[name] = _door(getattr(original, name))
    make = getattr(original, "_client_factory", None)
    if make is not None and not hasattr(make, "crewgate_door"):
        original._client_factory = _client_door(make, original)  # noqa: SLF001
    return [tool.func, original.__dict__[name]]


def _still_has(context: Any, doors: list[Any]) -> bool:
    """Return True if CrewAI, which looks for it after its hooks, would still run this tool."""
    executor, tool = getattr(context.agent, "agent_executor", None), context.tool
    original = getattr(tool, "_original_tool", None)
    functions = getattr(executor, "_available_functions", None) or {}
    of_name = [
        getattr(one, "_original_tool", None)
        for one in getattr(executor, "tools", None) or ()
        if one.name == tool.name
    ]
    runs = [getattr(functions.get(context.tool_name), "__self__", original), *of_name]
    is_same = all(one is original for one in runs) and not _why_no_door(context)
    return is_same and all(one is door for one, door in zip(_doors(tool), doors, strict=True))


def _client_door(make: Callable[[], Any], original: Any) -> Callable[[], Any]:
    """Let CrewAI call an MCP server once, in place of three times half a minute."""

    def made() -> Any:
        client, passage = make(), _INSIDE.get()
        if passage is None:
            return client
        client.max_retries, client.execution_timeout = 1, passage.seconds
        send, calls_server = client.call_tool_result, _calls_server(original)

        async def checked(name: str, values: dict[str, Any] | None = None) -> Any:
            if calls_server and name != original.original_tool_name:
                raise RuntimeError(DIFFERS)
            if calls_server:
                passage.compare(values or {})
            return await send(name, values)

        client.call_tool_result = checked
        return client

    made.crewgate_door = True  # type: ignore[attr-defined]
    return made


def _why_no_door(context: Any) -> str:
    """Return why no approval can hold for a tool; empty if one can."""
    from crewai.tools import base_tool

    original: Any = getattr(context.tool, "_original_tool", None)
    if _is_one_of_several(context):
        return "Two tools of its agent have this name."
    if hasattr(original, "mcp_server_params"):
        return "CrewAI calls this server up to three times: use MCPServerHTTP(url=…)."
    if "run" in getattr(original, "__dict__", ()):
        return "Its tool has a `run` of its own."
    if original is not None and type(original).run not in (
        base_tool.BaseTool.run,
        base_tool.Tool.run,
    ):
        return "Its tool has a `run` of its own."
    return ""


def _names(*tools: Any) -> set[str]:
    """Return all names of tools: as models are told them, uncut, and those of MCP servers."""
    from crewai.utilities.string_utils import sanitize_tool_name

    several = [one for tool in tools for one in (tool, getattr(tool, "_original_tool", None))]
    names = {getattr(one, name, "") for one in several for name in ("name", "original_tool_name")}
    return {sanitize_tool_name(one, cut) for one in names if one for cut in (64, 10_000)}


def _known(context: Any) -> list[Any]:
    """Return the tools of the crew's agents that are known before their MCP servers are asked."""
    executors = [getattr(one, "agent_executor", None) for one in _agents(context)]
    lists = [getattr(one, "tools", None) or () for one in _agents(context)]
    lists += [
        getattr(one, "tools", None) or () for one in getattr(context.crew, "tasks", None) or ()
    ]
    lists += [getattr(one, "original_tools", None) or () for one in executors]
    return [context.tool, *(tool for tools in lists for tool in tools)]


def _agents(context: Any) -> list[Any]:
    crew = getattr(context.crew, "agents", None) or ()
    return [context.agent, *(one for one in crew if one is not context.agent)]


def _asked(context: Any) -> list[Any]:
    """Return the tools of MCP servers and apps of the agents that have not begun."""
    tools: list[Any] = []
    for one in _agents(context)[1:]:
        if mcps := getattr(one, "mcps", None):
            tools += one.get_mcp_tools(mcps)
        if apps := getattr(one, "apps", None):
            tools += one.get_platform_tools(apps)
    return tools


def _is_one_of_several(context: Any) -> bool:
    """Return True if CrewAI may run another tool than the one that its hooks are shown."""
    executor, name = getattr(context.agent, "agent_executor", None), _names(context.tool)
    lists = (getattr(one, "tools", None) or () for one in (context.task, context.agent))
    return any(
        sum(not name.isdisjoint(_names(one)) for one in tools) > 1
        for tools in (*lists, getattr(executor, "original_tools", None) or ())
    )


class _Gate:
    """The patterns of tools, and what becomes of a call."""

    def __init__(self, patterns: tuple[str, ...], *, seconds: float, server_seconds: int) -> None:
        from crewai.utilities.string_utils import sanitize_tool_name

        plain = [sanitize_tool_name(one) for one in patterns if not {*one} & {*"*?["}]
        self._patterns = (*patterns, *plain)
        self._seconds, self._server_seconds = seconds, server_seconds
        self._fits_a_tool: bool | None = None

    def fits(self, names: set[str]) -> bool:
        several = self._patterns
        return not several or any(fnmatchcase(name, one) for name in names for one in several)

    def why_not(self, context: Any) -> str:
        """Return why a call does not run, once people were asked; empty if it runs."""
        names = {context.tool_name, *_names(context.tool)}
        if self._fits_a_tool is None:
            known = self.fits({*names, *_names(*_known(context))})
            self._fits_a_tool = known or self.fits(_names(*_asked(context)))
        if not self._fits_a_tool:
            return f"No tool fits {', '.join(self._patterns)}, which people are to approve."
        if not self.fits(names):
            return ""
        if why := _why_no_door(context):
            return why
        given, model = deepcopy(context.tool_input), context.tool.args_schema
        arguments, filled_in = _made(context.tool, given)
        _given_for(context.tool, given, arguments)
        doors = _doors(context.tool)
        decision = ask(
            context.tool_name,
            arguments,
            agent=getattr(context.agent, "role", None) or "",
            execution=str(getattr(context.crew, "id", None) or ""),
            schema=model.model_json_schema(by_alias=False) if model and given else None,
            filled_in=filled_in,
            other_names=sorted(names - {context.tool_name}),
            seconds=self._seconds,
        )
        if not decision:
            return decision.words or "People refused it."
        filled = {one: arguments[one] for one in filled_in if one in arguments}
        approved = filled | decision.arguments
        handed = _given_for(context.tool, given, approved)
        if not _still_has(context, doors):
            return "Its tool was replaced while people were asked."
        context.tool_input.clear()
        context.tool_input.update(handed)
        _OPEN.set((*_OPEN.get(), _Passage(context, approved, doors, self._server_seconds)))
        return ""


def gate_crewai(*patterns: str, seconds: float = 3_600, server_seconds: int = 3_600) -> None:
    """Ask before CrewAI runs tools such as `send_*`, or any; call it once, after other hooks.

    CrewAI runs a tool whose hook raises anything but HookAborted: so nothing else is raised. An
    approved call runs once, also where CrewAI would try again; an MCP server has `server_seconds`.
    If no tool is known that fits, every call is refused: there is a mistake in the patterns.

    No hook sees a tool that another tool's own code calls: call `ask` there. Where a model calls
    natively, CrewAI ends a task with a refusal's words if the tool has `result_as_answer`.
    """
    from crewai.hooks import HookAborted, InterceptionPoint, on

    refused: dict[int, str] = {}
    gate = _Gate(patterns, seconds=seconds, server_seconds=server_seconds)

    @on(InterceptionPoint.PRE_TOOL_CALL)
    def before(context: Any) -> None:
        refused.pop(id(context.tool_input), None)  # of an earlier call, whose id this one has
        words = "It could not be checked."
        try:
            words = gate.why_not(context)
        except Exception as why:
            with suppress(Exception):  # its text may fail, too
                words = f"{why}" or type(why).__name__
        if words:
            refused[id(context.tool_input)] = words = f"This call did not run. {words}"
            raise HookAborted(words, "crewgate")

    @on(InterceptionPoint.POST_TOOL_CALL)
    def after(context: Any) -> str | None:
        _OPEN.set(tuple(one for one in _OPEN.get() if one.given is not context.tool_input))
        return refused.pop(id(context.tool_input), None)
