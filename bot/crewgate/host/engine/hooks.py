"""Hooks that ask people in the middle of a task.

People are asked before a tool is used, for the words of `request_human_input`, and by `ask_people`.
CrewAI swallows every `Exception` of a hook except HookAborted, and then runs the call. So each
failure here raises HookAborted or, as when the host stops, no `Exception`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
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
from crewai.utilities.string_utils import sanitize_tool_name

from crewgate.crew_api.wire import Json
from crewgate.host.engine import doors
from crewgate.host.engine.doors import Door, Passage, original_of
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
#: CrewAI cuts tools' names at `_CUT` characters. Patterns are compared with the full names, too:
#: `_UNCUT` is longer than any name, so nothing is cut there.
_CUT: Final = 64
_UNCUT: Final = 10_000
_GLOBS: Final = re.compile(r"([*?]|\[[^]]+\])")
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
        unmet = [
            one for one in self._run.approves if not any(fits(name, [one]) for name in self._met)
        ]
        if unmet and self._met:
            log.warning(
                "no_such_tool", pattern=", ".join(unmet), tools=", ".join(sorted(self._met))
            )

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
        except HookAborted as aborted:
            call.refusal = aborted.reason
            raise
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
        self._met |= _names_of(context).union(*map(names_of, _tools_of(context)))
        if isinstance(original_of(context.tool), AskPeople):
            return False
        return _is_guarded(context, self._run.approves)

    def _approve(self, call: _Call) -> str:
        """Ask people; return why the call cannot run, or "". Raises HookAborted if they refuse."""
        context = call.context
        tool, given = context.tool, deepcopy(context.tool_input)
        why = doors.why_no_door(tool)
        if not why and _is_one_of_several(context):
            why = "two tools of its agent have this name"
        if why:
            return f"{why}."
        try:
            arguments, filled_in = doors.arguments_of(tool, given)
            asked = Call(
                tool=context.tool_name,
                names=tuple(sorted(_names_of(context))),
                arguments=arguments,
                filled_in=filled_in,
            )
            identity = exact(given)
        except ValueError as error:
            return f"its arguments do not fit. {error}"
        if doors.given_for(tool, given, asked.arguments) is None:
            why = "its tool changes its arguments each time that it checks them"
            return f"{why}, so nobody can approve what it would get."
        hung = doors.hang_doors(tool)
        body = self._body(context, json.dumps(asked.arguments, indent=2, ensure_ascii=False))
        about = {"agent": body["agent"], "task": body["task_name"], "may_have_run": False}
        schema = _schema_of(context, asked)
        known = {} if schema is None else {"schema": schema}
        body["tool_call"] = {**asked.body, **about, **known}
        if _size(body) > _LARGEST:
            return "its arguments are too large to be shown."
        limits = {"holds": lambda one: not one.approve, "most_waiting": MOST_WAITING}
        checks = {
            "check": partial(_changed, tool, schema, asked),
            "fits": lambda one: doors.given_for(tool, given, one.arguments) is not None,
        }
        pending = self._pending(context, context.tool_name, identity, body, **checks, **limits)
        found = self._run.ask_within(pending)
        if found is None or found.decision is None or found.call is None:
            return "the kickoff gave no humanInputWebhook, so nobody can be asked."
        if not found.decision.approve:
            words = found.decision.feedback
            raise HookAborted(f"This call was refused, and did not run. {words}".strip())
        call.approved = found
        return self._let_through(call, given, found.call, hung)

    def _let_through(self, call: _Call, given: Json, approved: Call, hung: Sequence[Door]) -> str:
        """Give CrewAI arguments for exactly the approved call; return why it cannot run, or ""."""
        context = call.context
        handed = doors.given_for(context.tool, given, approved.arguments)
        if exact(context.tool_input) != exact(given):
            return "its arguments changed while people were asked."
        if not _still_has(context, hung):
            return "its tool was replaced while people were asked."
        if handed is None:
            return doors.DIFFERS
        context.tool_input.clear()
        context.tool_input.update(handed)
        seconds = self._run.tool_timeout
        call.passage = Passage(context.tool, approved.arguments, doors=hung, seconds=seconds)
        call.passage.open()
        return ""

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
            outcome = call.passage.outcome(line, failed=failed)
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
    doors.hang_client_door()


#: The MCP servers that did not answer at the start: people approve all calls of their tools.
_HELD: Final[set[str]] = set()


def hold(servers: Iterable[str]) -> None:
    """Let people approve every call of these MCP servers, if they approve any calls of a target."""
    _HELD.update(servers)


def _is_guarded(context: Any, patterns: Sequence[str]) -> bool:
    if patterns and is_of(original_of(context.tool), _HELD):
        return True
    return any(fits(name, patterns) for name in _names_of(context))


def _names_of(context: Any) -> set[str]:
    # For models with native function calls CrewAI renames a second tool `send` to `send_2`, so the
    # tool's own names count, too.
    return {context.tool_name, *names_of(context.tool), *names_of(original_of(context.tool))}


def names_of(tool: Any) -> set[str]:
    """Return a tool's name and its name at an MCP server, in CrewAI's form, each cut and uncut."""
    names = {getattr(tool, one, None) or "" for one in ("name", "original_tool_name")}
    found = {sanitize_tool_name(one, limit) for one in names for limit in (_CUT, _UNCUT)}
    return found - {""}


def _is_one_of_several(context: Any) -> bool:
    """Return True if CrewAI may run another tool than the one that its hooks are shown."""
    several = (getattr(one, "tools", None) or () for one in (context.task, context.agent))
    return any(
        [*map(_own_name, tools)].count(_own_name(context.tool)) > 1
        for tools in (*several, _tools_of(context))
    )


def _still_has(context: Any, hung: Sequence[Door]) -> bool:
    """Return True if CrewAI would still run the tool that people were asked about."""
    tool, executor = context.tool, getattr(context.agent, "agent_executor", None)
    original = original_of(tool)
    function = (getattr(executor, "_available_functions", None) or {}).get(context.tool_name)
    others = {_own_name(one): original_of(one) for one in getattr(executor, "tools", None) or ()}
    runs = [getattr(function, "__self__", original), others.get(_own_name(tool), original)]
    is_same = all(one is original for one in runs) and not _is_one_of_several(context)
    pairs = zip(doors.hang_doors(tool), hung, strict=True)
    return is_same and not doors.why_no_door(tool) and all(one is door for one, door in pairs)


def _tools_of(context: Any) -> Sequence[Any]:
    """Return all tools that an agent has now, with those of MCP servers."""
    executor = getattr(context.agent, "agent_executor", None)
    return tuple(getattr(executor, "original_tools", None) or ())


def _own_name(tool: Any) -> str:
    return str(sanitize_tool_name(getattr(tool, "name", "")))


def fits(tool: str, patterns: Iterable[str]) -> bool:
    """Return True if a tool's name, in CrewAI's form, matches one of these patterns."""
    return any(fnmatchcase(tool, _as_named(one)) for one in patterns)


@cache
def _as_named(pattern: str) -> str:
    """Return a pattern in CrewAI's form of names: sendE-mail* becomes send_e_mail*."""
    parts = _GLOBS.split(pattern)
    parts[::2] = map(_literal, parts[::2])
    return "".join(parts).strip("_")


def _literal(part: str) -> str:
    # `sanitize_tool_name` strips underscores from both ends of a part. An end may be in the middle
    # of a name, as in `send_*`, so a stripped underscore is put back.
    name = sanitize_tool_name(part, _UNCUT)
    first, last = ("_" if end and not end.isalnum() else "" for end in (part[:1], part[-1:]))
    return f"{first}{name}{last}" if name else first


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _schema_of(context: Any, asked: Call) -> Json | None:
    """Return the schema of the arguments that people can change; None if the tool takes none."""
    model = getattr(context.tool, "args_schema", None)
    # Without arguments CrewAI gives hooks a new dictionary: no change of it reaches the tool.
    if model is None or not context.tool_input:
        return None
    # The schema names arguments by field, not by alias: validated arguments have these names.
    schema: Json = model.model_json_schema(by_alias=False)
    try:
        _changed(context.tool, schema, asked, asked.arguments)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # even the call's own arguments are refused, so no change would be taken
    return schema if _size(schema) <= _LARGEST_SCHEMA else None


def _changed(tool: Any, schema: Json | None, asked: Call, written: Json) -> Json:
    """Return the arguments that a tool gets for changed arguments.

    Raises ValueError if the tool does not take exactly these, with what people saw filled in.
    """
    schema = schema or {}
    unknown = written.keys() - schema.get("properties", {}).keys()
    if unknown and not schema.get("additionalProperties"):
        raise ValueError(f"there is no {', '.join(sorted(unknown))}")
    filled = {one: asked.arguments[one] for one in asked.filled_in if one in asked.arguments}
    complete = filled | written
    made, _ = doors.arguments_of(tool, complete)
    for one, value in made.items():
        # People who left an argument out have not seen its default, so the change is refused.
        if exact(value) != exact(complete.get(one)):
            raise ValueError(f"it would get {one}: {exact(value)}")
    return made


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
