"""Ask people in Slack before a tool runs. Copy this file into a project: it needs nothing else.

    decision = gate.ask("send_email", {"to": "ann@example.com", "text": "Hi."})
    result = send_email(**decision.arguments) if decision else decision.words

`CREWGATE_URL` is `https://bot.example.com/crews/NAME`, of a crew without `url` in the bot's
`crews.toml`; `CREWGATE_SECRET` is its webhook secret. An approval is for one call with exactly
these arguments. Whatever goes wrong is a refusal: nothing runs that nobody approved.

`ask` waits until people decide. On CrewAI AMP a worker that waits serves nobody else, counts as
running, and loses the question if it ends. For hours, let a task pause with `human_input` instead.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    seconds: float = 3_600,
) -> Decision:
    """Ask people about one call, and wait; never raises an `Exception`.

    Calls of one `execution` share a thread. With a JSON `schema` people may change the arguments.
    """
    try:
        shown = json.dumps(dict(arguments), indent=2, ensure_ascii=False, allow_nan=False)
        exact = json.loads(shown)  # what people are shown is what runs
        call = {"tool": tool, "arguments": exact, "agent": agent, "may_have_run": False}
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
        _call("/human-input", body, until)
        while answer["state"] == "waiting":
            answer = _call(f"/decisions/{path}?wait=25", None, until)
    except BaseException as why:
        closed = {"state": "closed", "words": str(why) or "What asked has ended."}
        try:  # the card says so
            _call("/human-input", {**body, "outcome": closed}, time.monotonic() + 1)
        finally:
            raise why
    if answer["state"] != "decided":
        raise RuntimeError("the question was closed")
    approved = (answer.get("edited") or answer)["is_approve"] is True
    arguments = answer["edited"]["arguments"] if "edited" in answer else exact
    return Decision(approved, str(answer["human_feedback"]), dict(arguments) if approved else {})


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


def gate_crewai(*tools: str, seconds: float = 3_600) -> None:
    """Ask before CrewAI runs these tools, or any; call it once, after other hooks are registered.

    CrewAI runs a tool whose hook raises anything but HookAborted: so nothing else is raised. A tool
    that raises is called again by CrewAI, under one approval: let it return its errors.
    """
    from crewai.hooks import HookAborted, InterceptionPoint, on

    refused: dict[int, str] = {}

    @on(InterceptionPoint.PRE_TOOL_CALL, tools=list(tools))
    def before(context: Any) -> None:
        refused.pop(id(context.tool_input), None)  # of an earlier call, whose id this one has
        try:
            model = getattr(context.tool, "args_schema", None)
            decision = ask(
                context.tool_name,
                context.tool_input,
                agent=getattr(context.agent, "role", None) or "",
                execution=str(getattr(context.crew, "id", None) or ""),
                schema=model.model_json_schema() if model and context.tool_input else None,
                seconds=seconds,
            )
            if decision:
                context.tool_input.clear()
                context.tool_input.update(decision.arguments)
                return
            words = decision.words
        except Exception as why:
            words = type(why).__name__
        refused[id(context.tool_input)] = words = f"This call did not run. {words}"
        raise HookAborted(words, "crewgate")

    @on(InterceptionPoint.POST_TOOL_CALL, tools=list(tools))
    def after(context: Any) -> str | None:
        return refused.pop(id(context.tool_input), None)
