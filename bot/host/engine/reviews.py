"""CrewAI's human input, given by people whom the host asks.

The provider is held by a context variable of crewai's, so it is the execution's own: its thread and
the threads that crewai starts from there see it, nobody else does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from bot.host.records import Decision, Json, Round
from bot.host.target import Run


class Reviews:
    """A `HumanInputProvider`: pauses at each answer, until somebody approves one."""

    def __init__(self, run: Run, task_ids: Mapping[int, str]) -> None:
        self._run = run
        self._task_ids = task_ids
        """By `id()` of the task: those of the crew, as they were when the execution began."""
        self._before: dict[str, list[Round]] = {}

    def remember(self, task_id: str, rounds: list[Round]) -> None:
        """Rounds from before a restart, which the agent is told of when its task runs."""
        self._before[task_id] = rounds

    def setup_messages(self, context: Any) -> bool:  # noqa: ARG002  # as documented
        """Leave the prompt to crewai."""
        return False

    def post_setup_messages(self, context: Any) -> None:
        """Add to the prompt what was said about this task before a restart."""
        for one in self._before.pop(self._task_id(context), ()):
            context.messages.append({"role": "assistant", "content": one.output})
            if one.decision is not None and not one.decision.approve:
                context.messages.append(context._format_feedback_message(one.decision.feedback))  # noqa: SLF001  # as documented

    def handle_feedback(self, formatted_answer: Any, context: Any) -> Any:
        """Ask people until they approve; gives the answer that they approved."""
        answer = formatted_answer
        while not self._ask(answer, context).approve:
            answer = context._invoke_loop()  # noqa: SLF001  # as documented
        return answer

    async def handle_feedback_async(self, formatted_answer: Any, context: Any) -> Any:
        """The same, without holding up the event loop."""
        answer = formatted_answer
        while not (await asyncio.to_thread(self._ask, answer, context)).approve:
            answer = await context._ainvoke_loop()  # noqa: SLF001  # as documented
        return answer

    def _ask(self, answer: Any, context: Any) -> Decision:
        decision = self._run.pause(
            self._task_id(context), text_of(answer.output), _told(answer.output, context)
        )
        if decision.approve:
            context.ask_for_human_input = False
        else:
            context.messages.append(context._format_feedback_message(decision.feedback))  # noqa: SLF001  # as documented
        return decision

    def _task_id(self, context: Any) -> str:
        return self._task_ids.get(id(context.task)) or str(getattr(context.task, "id", ""))


def text_of(output: Any) -> str:
    """An answer as text: as it is, or as the JSON of its model."""
    return output if isinstance(output, str) else str(output.model_dump_json())


def _told(output: Any, context: Any) -> Json:
    """What a notification says besides the ids and `meta`."""
    task, crew = context.task, context.crew
    return {
        "task_output": output if isinstance(output, str) else json.loads(text_of(output)),
        "task_name": task.name or "",
        "task_description": task.description,
        "expected_output": task.expected_output,
        "agent": context.agent.role.strip(),
        "crew_name": getattr(crew, "name", None) or "",
    }
