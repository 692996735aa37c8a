"""Ask people in Slack before a tool runs. Copy this file into a project: it needs nothing else.

    decision = gate.ask("send_email", {"to": "ann@example.com", "text": "Hi."})
    result = send_email(**decision.arguments) if decision else decision.words

Version 2. `CREWGATE_URL` is `https://bot.example.com/crews/NAME`, of a crew without `url` in the
bot's `crews.toml`; `CREWGATE_SECRET` is its webhook secret. An approval is for one call with
exactly these arguments. Whatever goes wrong is a refusal: nothing runs that nobody approved.

`ask` waits until people decide. On CrewAI AMP a worker that waits serves nobody else, counts as
running, and loses the question if it ends. For hours, let a task pause with `human_input` instead.
"""

import json
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from http.client import HTTPException
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
    seconds: float = 3_600,
) -> Decision:
    """Ask people about one call, and wait; never raises an `Exception`.

    Calls of one `execution` share a thread. With a JSON `schema` people may change the arguments.
    `filled_in` names the arguments that no model gave.
    """
    try:
        shown = json.dumps(dict(arguments), indent=2, ensure_ascii=False, allow_nan=False)
        exact = json.loads(shown)  # what people are shown is what runs
        call = {"tool": tool, "arguments": exact, "agent": agent, "may_have_run": False}
        call["filled_in"] = list(filled_in)
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
        this = f"&round={posted['round']}" if "round" in posted else ""
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


def _made(tool: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments as JSON that CrewAI gives a tool for these, and those filled in."""
    from pydantic_core import to_jsonable_python

    model, given = tool.args_schema, deepcopy(dict(given))
    if model is not None and model.model_fields:
        checked = model.model_validate(given)
        values, named = checked.model_dump(), checked.model_fields_set
    elif given:
        raise ValueError("its tool has no schema to check its arguments by")
    else:
        values, named = given, set()
    if hasattr(getattr(tool, "_original_tool", None), "_client_factory"):
        from crewai.mcp.client import MCPClient  # it leaves some out, and changes some

        values = object.__new__(MCPClient)._clean_tool_arguments(values)  # noqa: SLF001

    def plain(value: Any) -> Any:
        secret = getattr(value, "get_secret_value", None)
        return secret() if secret else to_jsonable_python(value)

    shown = json.loads(json.dumps(values, allow_nan=False, default=plain))
    return shown, [one for one in shown if one not in named]


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


def _once(tool: Any) -> None:
    """Let CrewAI call an MCP server once and for an hour, in place of three times half a minute."""
    original: Any = getattr(tool, "_original_tool", None)
    if hasattr(original, "mcp_server_params"):
        raise RuntimeError("CrewAI calls this server up to three times: use MCPServerHTTP(url=…).")
    make = getattr(original, "_client_factory", None)
    if make is None or hasattr(make, "made_once"):
        return

    def made_once() -> Any:
        client = make()
        client.max_retries, client.execution_timeout = 1, 3_600
        return client

    made_once.made_once = True  # type: ignore[attr-defined]
    original._client_factory = made_once  # noqa: SLF001


def _names(*tools: Any) -> set[str]:
    """Return all names of tools: as models are told them, uncut, and those of MCP servers."""
    from crewai.utilities.string_utils import sanitize_tool_name

    several = [one for tool in tools for one in (tool, getattr(tool, "_original_tool", None))]
    names = {getattr(one, name, "") for one in several for name in ("name", "original_tool_name")}
    return {sanitize_tool_name(one, cut) for one in names if one for cut in (64, 10_000)}


def _known(context: Any) -> tuple[list[Any], bool]:
    """Return the tools of the crew's agents, and whether there may be more."""
    crew = getattr(context.crew, "agents", None) or ()
    agents = [one for one in (context.agent, *crew) if one is not None]
    executors = [getattr(one, "agent_executor", None) for one in agents]
    tasks = getattr(context.crew, "tasks", None) or ()
    lists = [getattr(one, "tools", None) or () for one in (*agents, *tasks)]
    lists += [getattr(one, "original_tools", None) or () for one in executors]
    more = any(getattr(one, name, None) for one in agents for name in ("mcps", "apps"))
    return [context.tool, *(tool for tools in lists for tool in tools)], more


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

    def __init__(self, patterns: tuple[str, ...], seconds: float) -> None:
        from crewai.utilities.string_utils import sanitize_tool_name

        plain = [sanitize_tool_name(one) for one in patterns if not {*one} & {*"*?["}]
        self._patterns, self._seconds = (*patterns, *plain), seconds
        self._fits_a_tool: bool | None = None

    def fits(self, names: set[str]) -> bool:
        several = self._patterns
        return not several or any(fnmatchcase(name, one) for name in names for one in several)

    def why_not(self, context: Any) -> str:
        """Return why a call does not run, once people were asked; empty if it runs."""
        if self._fits_a_tool is None:
            known, more = _known(context)
            self._fits_a_tool = more or self.fits({context.tool_name, *_names(*known)})
        if not self._fits_a_tool:
            return f"No tool fits {', '.join(self._patterns)}, which people are to approve."
        if not self.fits({context.tool_name, *_names(context.tool)}):
            return ""
        if _is_one_of_several(context):
            return "Two tools of its agent have this name."
        _once(context.tool)
        given, model = deepcopy(context.tool_input), context.tool.args_schema
        arguments, filled_in = _made(context.tool, given)
        _given_for(context.tool, given, arguments)
        decision = ask(
            context.tool_name,
            arguments,
            agent=getattr(context.agent, "role", None) or "",
            execution=str(getattr(context.crew, "id", None) or ""),
            schema=model.model_json_schema(by_alias=False) if model and given else None,
            filled_in=filled_in,
            seconds=self._seconds,
        )
        if not decision:
            return decision.words or "People refused it."
        approved = {one: arguments[one] for one in filled_in} | decision.arguments
        handed = _given_for(context.tool, given, approved)
        context.tool_input.clear()
        context.tool_input.update(handed)
        return ""


def gate_crewai(*patterns: str, seconds: float = 3_600) -> None:
    """Ask before CrewAI runs tools such as `send_*`, or any; call it once, after other hooks.

    CrewAI runs a tool whose hook raises anything but HookAborted: so nothing else is raised. A tool
    that raises is called again by CrewAI, under one approval: let it return its errors. If no tool
    is known that fits, every call is refused: there is a mistake in the patterns.
    """
    from crewai.hooks import HookAborted, InterceptionPoint, on

    refused: dict[int, str] = {}
    gate = _Gate(patterns, seconds)

    @on(InterceptionPoint.PRE_TOOL_CALL)
    def before(context: Any) -> None:
        refused.pop(id(context.tool_input), None)  # of an earlier call, whose id this one has
        try:
            words = gate.why_not(context)
        except Exception as why:
            words = f"{why}" or type(why).__name__
        if words:
            refused[id(context.tool_input)] = words = f"This call did not run. {words}"
            raise HookAborted(words, "crewgate")

    @on(InterceptionPoint.POST_TOOL_CALL)
    def after(context: Any) -> str | None:
        return refused.pop(id(context.tool_input), None)
