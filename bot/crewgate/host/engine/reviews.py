"""CrewAI's human input, answered by the people that the host asks.

A context variable of crewai holds the provider: only the execution's thread, and threads that
crewai starts from there, see it.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from crewgate.crew_api.wire import Json
from crewgate.host.engine.hooks import Hooks
from crewgate.host.records import Decision, Round
from crewgate.host.run import Run


class Reviews:
    """A `HumanInputProvider`: pauses at each answer, until somebody approves one."""

    def __init__(self, run: Run, hooks: Hooks, id_of: Callable[[Any], str]) -> None:
        self._run = run
        self._hooks = hooks
        self._id_of = id_of
        """Returns a task's id, equal after a restart."""
        self._before: dict[str, list[Round]] = {}
        self._shown: dict[str, Round] = {}

    def take_up(self, rounds: list[Round]) -> None:
        """Remember the rounds of a flow's tasks, which all run again.

        A newest round that waits, or was approved, replaces the task's next output: nobody has
        seen that output.
        """
        by_task: dict[str, list[Round]] = {}
        for one in rounds:
            by_task.setdefault(one.task_id, []).append(one)
        for task_id, of_task in by_task.items():
            newest = of_task[-1]
            if newest.decision is None or newest.decision.approve:
                self._shown[task_id] = of_task.pop()
            self.remember(task_id, of_task)

    def remember(self, task_id: str, rounds: list[Round]) -> None:
        """Remember rounds from before a restart: the agent is told of them when its task runs."""
        self._before[task_id] = rounds

    def setup_messages(self, context: Any) -> bool:  # noqa: ARG002  # as documented
        return False

    def post_setup_messages(self, context: Any) -> None:
        """Add the rounds of this task from before a restart to the prompt."""
        # An agent of a flow may work without a task, and then has no rounds from before a restart.
        before = () if context.task is None else self._before.pop(self._id_of(context.task), ())
        for one in before:
            context.messages.append({"role": "assistant", "content": one.decided})
            if one.decision is not None and not one.decision.approve:
                context.messages.append(context._format_feedback_message(one.decision.feedback))  # noqa: SLF001  # as documented

    def handle_feedback(self, formatted_answer: Any, context: Any) -> Any:
        """Ask people until they approve; return the answer that they approved."""
        answer, decision = self._ask(formatted_answer, context)
        while not decision.approve:
            answer, decision = self._ask(context._invoke_loop(), context)  # noqa: SLF001  # as documented
        return answer

    async def handle_feedback_async(self, formatted_answer: Any, context: Any) -> Any:
        """Work as `handle_feedback` without blocking the event loop."""
        answer, decision = await asyncio.to_thread(self._ask, formatted_answer, context)
        while not decision.approve:
            answer = await context._ainvoke_loop()  # noqa: SLF001  # as documented
            answer, decision = await asyncio.to_thread(self._ask, answer, context)
        return answer

    def _ask(self, answer: Any, context: Any) -> tuple[Any, Decision]:
        """Return the answer that people saw, or their edit of it, and their decision."""
        task_id = self._id_of(context.task)
        shown = self._shown.pop(task_id, None)
        if shown is None:
            output = _told(answer.output, context)
            if used := self._hooks.take_used(context.task):
                output["tools_used"] = used
            decision = self._run.pause(task_id, text_of(answer.output), output)
        else:
            answer = _with_output(answer, shown.output)
            context.messages.append({"role": "assistant", "content": shown.output})
            decision = shown.decision or self._run.wait(task_id)
        if decision.edited is not None:
            answer = _with_output(answer, decision.edited)
            context.messages.append({"role": "assistant", "content": decision.edited})
        if decision.approve:
            context.ask_for_human_input = False
        else:
            context.messages.append(context._format_feedback_message(decision.feedback))  # noqa: SLF001  # as documented
        return answer, decision


def text_of(output: Any) -> str:
    """Return an answer as text, or as the JSON of its model."""
    return output if isinstance(output, str) else str(output.model_dump_json())


def _with_output(answer: Any, text: str) -> Any:
    """Return an answer with another output: the text, or the model read from it as JSON."""
    kind = type(answer.output)
    output = text if kind is str else kind.model_validate_json(text)
    return replace(answer, output=output, text=text)


def _told(output: Any, context: Any) -> Json:
    """Return the fields of a notification, except for ids and `meta`."""
    task, crew = context.task, context.crew
    return {
        "task_output": output if isinstance(output, str) else json.loads(text_of(output)),
        "task_name": task.name or "",
        "task_description": task.description,
        "expected_output": task.expected_output,
        "agent": context.agent.role.strip(),
        "crew_name": getattr(crew, "name", None) or "",
        "next_task": _next(task, getattr(crew, "tasks", ())),
    }


def _next(task: Any, tasks: Sequence[Any]) -> str:
    """Return the name of the task after this one; empty if it may be skipped, or has no name."""
    later = [after for one, after in pairwise(tasks) if one is task]
    return "" if not later or hasattr(later[0], "condition") else later[0].name or ""
