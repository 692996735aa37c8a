"""Hooks that ask people in the middle of a task.

People are asked before a tool is used, for the words of `request_human_input`, and by `ask_people`.
CrewAI swallows every `Exception` of a hook except HookAborted, and then runs the call. So each
failure here raises HookAborted or, as when the host stops, no `Exception`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

import structlog
from crewai.hooks.dispatch import (
    HookAborted,
    InterceptionPoint,
    get_scoped_hooks,
    register,
    scoped_hooks,
)
from crewai.hooks.llm_hooks import LLMCallHookContext
from crewai.hooks.tool_hooks import ToolCallHookContext
from crewai.tools import BaseTool
from crewai.tools.tool_failure import ToolFailure

from crewgate.crew_api.wire import Json
from crewgate.host.engine import gate
from crewgate.host.engine.gate import Asked, Passage, Refused, original_of
from crewgate.host.engine.runs import before_model_call, run_of
from crewgate.host.engine.servers import is_of
from crewgate.host.records import Call, Outcome, Pending, Round, TooMany, digest, exact
from crewgate.host.run import Run

log = structlog.get_logger(__name__)

#: The most calls of an execution that wait for people at once.
MOST_WAITING: Final = 20
#: The most questions that the agents of an execution may ask people with the tool `ask_people`.
MOST_QUESTIONS: Final = 5
#: The most bytes of a call's notification; the bot takes 1 MiB.
_LARGEST: Final = 900_000
#: The most bytes of the schema by which people change a call's arguments in a form.
_LARGEST_SCHEMA: Final = 50_000
#: The most characters that people are shown of the first line of a call's result.
_LINE: Final = 300
ASK_PEOPLE: Final = "ask_people"
#: The code by which MCP's library reports a closed connection.
_CONNECTION_CLOSED: Final = -32_000
#: The module of `MCPServerAdapter`'s tools. They return a server's error as a result, so nobody
#: knows for sure if a call of theirs failed.
_ADAPTER: Final = "mcpadapt"
_BEFORE: Final = InterceptionPoint.PRE_TOOL_CALL
_AFTER: Final = InterceptionPoint.POST_TOOL_CALL


@dataclass
class _Call:
    """A call of a tool, from the hook before it to the one after it."""

    context: Any
    outer: "_Call | None"
    """The call around this call, such as the delegation to a coworker."""
    _: KW_ONLY
    approved: Round | None = None
    passage: Passage | None = None
    """The way of an approved call to its tool."""
    refusal: str = ""
    """The words with which the agent is refused."""


class NotAsked(Exception):
    """People cannot be asked about a call; the message says why."""


class Hooks:
    """The hooks of one execution, which its threads find in `_HOOKS`."""

    def __init__(self, run: Run, id_of: Callable[[Any], str]) -> None:
        """`id_of` returns a task's id, equal after a restart; empty for a task without an id."""
        self._run = run
        self._id_of = id_of
        self._used: dict[str, dict[str, Json]] = {}
        """The entries of `tools_used`, by task and tool."""
        self._met: set[str] = set()
        """The names of all tools of the agents that have used a tool."""
        self._lock = Lock()

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        """Let hooks ask people in this thread, and in threads that CrewAI starts from it."""
        _HOOKS.set(self)
        # Scoped hooks run after global ones: `before_tool_call` sees the arguments the tool gets.
        hooks = {_BEFORE: [before_tool_call], _AFTER: [after_tool_call]}
        with scoped_hooks({**hooks, InterceptionPoint.PRE_MODEL_CALL: [before_model_call]}):
            yield
        unmet = [one for one in self._run.approves if not gate.fits(self._met, [one])]
        if unmet and self._met:
            tools = ", ".join(sorted(self._met))
            log.warning("no_such_tool", pattern=", ".join(unmet), tools=tools)

    def take_used(self, task: Any) -> list[Json]:
        """Return the tools used for a task so far, and forget them."""
        with self._lock:
            return [*self._used.pop(self._id_of(task), {}).values()]

    # ---- calls of tools

    def before(self, call: _Call) -> None:
        """Let a call through, at once or once people approve it. Raises HookAborted."""
        if not self._run.approves:
            return
        try:
            why = self._approve(call) if self._must_ask(call.context) else ""
        except Refused as refused:
            call.refusal = f"This call was refused, and did not run. {refused}".strip()
            raise HookAborted(call.refusal) from refused
        except NotAsked as not_asked:
            why = str(not_asked)
        except TooMany as many:
            why = f"{many}. Wait before you make it again."
        except Exception as error:
            log.exception("call_refused", tool=call.context.tool_name)
            why = f"people were not asked ({type(error).__name__})."
        if why:
            call.refusal = f"This call did not run: {why}"
            log.warning("call_refused", tool=call.context.tool_name, hint=call.refusal)
            raise HookAborted(call.refusal)

    def _must_ask(self, context: Any) -> bool:
        """Return True for a call that people approve; note the names of its agent's tools."""
        self._met |= set().union(*map(gate.every_name, [context.tool, *gate.tools_of(context)]))
        if isinstance(original_of(context.tool), AskPeople):
            return False
        return _is_guarded(context, self._run.approves)

    def _approve(self, call: _Call) -> str:
        """Ask people; return why the call cannot run, or "". Raises Refused."""
        ask = partial(self._ask, call)
        passed = gate.let_through(call.context, ask, seconds=self._run.tool_timeout)
        if isinstance(passed, str):
            return passed
        call.passage = passed
        return ""

    def _ask(self, call: _Call, asked: Asked) -> Json:
        """Return the arguments that people approve. Raises Refused, TooMany and NotAsked."""
        context, tool = call.context, call.context.tool
        of_tool = Call(
            tool=context.tool_name,
            names=tuple(sorted(gate.names_in(context))),
            arguments=asked.arguments,
            filled_in=asked.filled_in,
        )
        body = self._body(context, json.dumps(asked.arguments, indent=2, ensure_ascii=False))
        about = {"agent": body["agent"], "task": body["task_name"], "may_have_run": False}
        schema = gate.schema_of(tool, asked)
        if schema is not None and _size(schema) > _LARGEST_SCHEMA:
            schema = None
        known = {} if schema is None else {"schema": schema}
        body["tool_call"] = {**of_tool.body, **about, **known}
        if _size(body) > _LARGEST:
            raise NotAsked("its arguments are too large to be shown.")
        limits = {"holds": lambda one: not one.approve, "most_waiting": MOST_WAITING}
        checks = {
            "check": partial(gate.changed, tool, schema or {}, asked),
            "fits": lambda one: gate.given_for(tool, asked.given, one.arguments) is not None,
        }
        identity = exact(asked.given)
        pending = self._pending(context, context.tool_name, identity, body, **checks, **limits)
        round_ = self._run.ask_within(pending)
        if round_ is None or round_.decision is None or round_.call is None:
            raise NotAsked("the kickoff gave no humanInputWebhook, so nobody can be asked.")
        if not round_.decision.approve:
            raise Refused(round_.decision.feedback)
        call.approved = round_
        return round_.call.arguments

    def after(self, call: _Call, result: Any, raw: Any) -> str | None:
        """Count a call and report its result; return words for the agent if it did not run."""
        if call.passage is not None:
            call.passage.close()
        if call.refusal:
            if call.approved is not None:
                self._run.tell_outcome(call.approved, Outcome("closed", call.refusal))
            return call.refusal
        tool, task = call.context.tool_name, call.context.task
        with self._lock:
            of_task = self._used.setdefault("" if task is None else self._id_of(task), {})
            used = of_task.setdefault(tool, {"tool": tool, "count": 0, "approved": 0})
            used["count"] += 1
            used["approved"] += call.approved is not None
        if call.approved is not None and call.passage is not None:
            # In a native function call, hooks can tell an error only by the beginning of its text.
            error = call.passage.error
            failed = error is not None or str(raw).startswith("Error executing tool: ")
            failed = failed or isinstance(raw, ToolFailure)
            words = str(result if error is None else error).strip()
            line = words.partition("\n")[0][:_LINE]
            outcome = _outcome(call.passage, line, failed=failed)
            self._run.tell_outcome(call.approved, outcome)
            if not outcome.in_doubt and (run := run_of(call.context.agent)) is not None:
                run.take_end(call.approved.task_id)
        return None

    # ---- questions

    def ask(self, context: Any, prompt: str) -> str:
        """Return people's words for a hook. Raises HookAborted if nobody answers."""
        text, place = prompt, getattr(context, "tool_name", None) or "model call"
        if isinstance(context, ToolCallHookContext):
            arguments = json.dumps(context.tool_input, indent=2, ensure_ascii=False, default=str)
            # No line of the JSON can end the fence, because none begins with backticks.
            text = f"{prompt}\n\nTool: `{place}`\n\n```json\n{arguments}\n```"
        found = self._run.ask_within(self._question(context, "ask", place, text))
        if found is None or found.decision is None:
            raise HookAborted("Nobody can be asked: the kickoff gave no humanInputWebhook")
        if not found.decision.approve:
            raise HookAborted(f"Nobody answered: {found.decision.feedback}")
        return found.decision.feedback

    def ask_people(self, context: Any, question: str, choices: Sequence[str]) -> str:
        """Return people's words for an agent; equal questions get one answer."""
        limits = {"holds": lambda _: True, "most": MOST_QUESTIONS}
        pending = self._question(context, "ask-people", ASK_PEOPLE, question, *choices, **limits)
        try:
            found = self._run.ask_within(pending)
        except TooMany as many:
            return f"{many}: ask no more, and go on with what you know."
        if found is None or found.decision is None:
            return "Nobody can be asked: the kickoff gave no humanInputWebhook."
        return found.decision.feedback if found.decision.approve else "Nobody answered."

    def _question(
        self, context: Any, kind: str, place: str, text: str, *choices: str, **limits: Any
    ) -> Pending:
        body = self._body(context, text, place)
        body["ask"] = {"place": f"{body['task_name']}: {place}", "expires_at": None}
        if choices:
            body["ask"]["choices"] = list(choices)
        what = (place, text, *choices)
        return self._pending(context, kind, what, body, **limits)

    def _body(self, context: Any, text: str, place: str = "") -> Json:
        """Return the fields that every notification of a hook has."""
        role = (getattr(context.agent, "role", None) or "").strip()
        return {
            "task_output": text,
            "task_name": (context.task and context.task.name) or role or place or context.tool_name,
            "agent": role,
            "crew_name": getattr(context.crew, "name", None) or "",
        }

    def _pending(self, context: Any, kind: str, what: object, body: Json, **more: Any) -> Pending:
        run, task = run_of(context.agent), context.task
        # A coworker's task has the words of a model, which are others after a restart.
        outermost = task if run is None else run.outermost_task
        asker = "" if outermost is None else self._id_of(outermost)
        role = "" if asker and outermost is task else body["agent"]
        told = frozenset[str]() if run is None else run.told
        name = f"{kind}-{digest(asker, role, kind, what)}"
        return Pending(id=name, asker=asker, role=role, body=body, told=told, **more)


_HOOKS: Final[ContextVar[Hooks | None]] = ContextVar("crewgate_hooks", default=None)
_CALL: Final[ContextVar[_Call | None]] = ContextVar("crewgate_call_of_tool", default=None)


def before_tool_call(context: Any) -> None:
    """Ask people before a tool is used, as CrewAI's hook. Raises HookAborted."""
    vars(context).update(getattr(context, "crewgate_given", {}))
    call = _Call(context, _CALL.get())
    _CALL.set(call)
    if (hooks := _HOOKS.get()) is not None:
        hooks.before(call)


def after_tool_call(context: Any) -> str | None:
    """Report a call's result, as CrewAI's hook; return words for the agent if it did not run."""
    # The user's hooks run first. A call that one of them aborted never came to `before_tool_call`,
    # so `_known` does not find it.
    call = _known(lambda one: one.tool_input is context.tool_input)
    if call is None or (hooks := _HOOKS.get()) is None:
        return None
    _CALL.set(call.outer)
    return hooks.after(call, context.tool_result, context.raw_tool_result)


def _known(is_it: Callable[[Any], bool]) -> _Call | None:
    """Return the innermost call under way for whose context `is_it` holds, if any."""
    call = _CALL.get()
    while call is not None and not is_it(call.context):
        call = call.outer
    return call


def guard(patterns: Iterable[str]) -> None:
    """Block calls of these tools where no execution's own hooks run."""
    guarded = tuple(patterns)

    def refuse_unasked(context: Any) -> None:
        # This hook runs before the user's hooks, so they cannot replace the values copied here.
        context.crewgate_given = vars(context).copy()
        # The host's own hook must be the last: a later one could change the approved arguments.
        if not guarded or get_scoped_hooks(_BEFORE)[-1:] == [before_tool_call]:
            return
        why = "Nobody can be asked in a thread that CrewAI did not start, or in scoped_hooks()"
        try:
            if not _is_guarded(context, guarded):
                return
        except Exception:
            log.exception("call_refused", tool=context.tool_name)
        log.warning("call_refused", tool=context.tool_name, hint=why)
        raise HookAborted(why)

    register(_BEFORE, refuse_unasked)
    gate.hang_client_door()


#: The MCP servers that did not answer at the start: people approve all calls of their tools.
_HELD: Final[set[str]] = set()


def hold(servers: Iterable[str]) -> None:
    """Let people approve every call of these MCP servers, if they approve any calls of a target."""
    _HELD.update(servers)


def _is_guarded(context: Any, patterns: Sequence[str]) -> bool:
    if patterns and is_of(original_of(context.tool), _HELD):
        return True
    return gate.fits([context.tool_name, context.tool], patterns)


def _outcome(passage: Passage, words: str, *, failed: bool) -> Outcome:
    """Return what became of a call whose result begins with these words."""
    if not passage.ran:
        # The tool never ran: CrewAI answered from its cache, or with its own error or limit.
        instead = f"CrewAI answered in its place: {words}"
        return Outcome("closed", gate.DIFFERS if passage.differs else instead)
    if passage.is_sent and passage.error is not None and not _is_answered(passage.error):
        return Outcome("failed", f"It may have been done: {words}", in_doubt=True)
    returns_errors = type(passage.original).__module__.partition(".")[0] == _ADAPTER
    return Outcome("failed" if failed else "ran", words, unsure=returns_errors)


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


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _ask(context: Any, prompt: str) -> str:
    if (hooks := _HOOKS.get()) is None:
        raise HookAborted("Nobody can be asked in a thread that CrewAI did not start")
    return hooks.ask(context, prompt)


def request_human_input(context: Any, prompt: str, default_message: str = "") -> str:  # noqa: ARG001  # CrewAI's
    """Ask people instead of the terminal, as CrewAI's function does. Raises HookAborted."""
    try:
        return _ask(context, str(prompt))
    except HookAborted as aborted:
        log.warning("hook_not_answered", hint=aborted.reason)
        raise
    except Exception as error:
        log.exception("hook_not_answered")
        raise HookAborted(f"Nobody could be asked: {type(error).__name__}") from error


def replace_terminal() -> None:
    """Let every hook of this process ask people, where CrewAI would ask at the terminal."""
    for context in (ToolCallHookContext, LLMCallHookContext):
        context.request_human_input = request_human_input


class AskPeople(BaseTool):
    """A tool for agents that have a question."""

    name: str = ASK_PEOPLE
    description: str = (
        "Ask the people who follow this work a question, and wait for their answer. Ask only what"
        " you cannot find out yourself. Give `choices` where one of a few answers is wanted."
    )

    def _run(self, question: str, choices: list[str] | None = None) -> str:
        hooks, call = _HOOKS.get(), _CALL.get()
        if hooks is None or call is None:
            return "Nobody can be asked: this crew is not served by `crewgate host`."
        return hooks.ask_people(call.context, question, choices or ())


ask_people: Final = AskPeople()
