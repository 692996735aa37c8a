"""Hooks that ask people: the `request_human_input` of tool calls and model calls.

CrewAI asks at the terminal, where nobody sits, and swallows every `Exception` of a hook but
HookAborted: the call that was to be approved then runs. So whatever goes wrong here is HookAborted,
or no `Exception`, as where the host stops.
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import structlog
from crewai.hooks.dispatch import HookAborted
from crewai.hooks.llm_hooks import LLMCallHookContext
from crewai.hooks.tool_hooks import ToolCallHookContext

from crewgate.host.run import Run, digest

log = structlog.get_logger(__name__)


class HookQuestions:
    """The questions of an execution's hooks, as its threads find them."""

    def __init__(self, run: Run, id_of: Callable[[Any], str]) -> None:
        """`id_of` is the id of a task, the same after a restart; empty for one that has none."""
        self._run = run
        self._id_of = id_of

    def take_part(self) -> None:
        """Let hooks of this thread, and of those that CrewAI starts from it, ask people."""
        _QUESTIONS.set(self)

    def ask(self, context: Any, prompt: str) -> str:
        """Return the words that people answer. Raises HookAborted if nobody does."""
        task, agent, text = context.task, context.agent, prompt
        asker = "" if task is None else self._id_of(task)
        role = (getattr(agent, "role", None) or "").strip()
        call = getattr(context, "tool_name", None) or "model call"
        if isinstance(context, ToolCallHookContext):
            arguments = json.dumps(context.tool_input, indent=2, ensure_ascii=False, default=str)
            # No line of JSON begins as the end of a fence does.
            text = f"{prompt}\n\nTool: `{call}`\n\n```json\n{arguments}\n```"
        name = (task and task.name) or role or call
        body = {
            "task_output": text,
            "task_name": name,
            "agent": role,
            "crew_name": getattr(context.crew, "name", None) or "",
            "ask": {"place": f"{name}: {call}", "expires_at": None},
        }
        decision = self._run.ask_hook(
            digest(asker, getattr(task, "description", ""), role, call, text), asker, text, body
        )
        if decision is None:
            raise HookAborted("Nobody can be asked: the kickoff gave no humanInputWebhook")
        if not decision.approve:
            raise HookAborted(f"Nobody answered: {decision.feedback}")
        return decision.feedback


_QUESTIONS: Final[ContextVar[HookQuestions | None]] = ContextVar("crewgate_hooks", default=None)


def _ask(context: Any, prompt: str) -> str:
    questions = _QUESTIONS.get()
    if questions is None:
        raise HookAborted("Nobody can be asked in a thread that CrewAI did not start")
    return questions.ask(context, prompt)


def request_human_input(context: Any, prompt: str, default_message: str = "") -> str:  # noqa: ARG001  # CrewAI's
    """Ask people, in place of CrewAI's question at the terminal. Raises HookAborted."""
    try:
        return _ask(context, str(prompt))
    except HookAborted as aborted:
        log.warning("hook_not_answered", hint=aborted.reason)
        raise
    except Exception as error:
        log.exception("hook_not_answered")
        raise HookAborted(f"Nobody could be asked: {type(error).__name__}") from error


def replace_terminal() -> None:
    """Let every hook of this process ask people."""
    for context in (ToolCallHookContext, LLMCallHookContext):
        context.request_human_input = request_human_input
