"""The end of a task whose output is approved already: its agent must not run it again."""

from collections.abc import Callable
from typing import Any


def replace_once(agent: Any, task: Any, answer: Callable[[], str | None]) -> None:
    """Replace the agent's next run of this task by the `answer`, unless the answer is None."""
    execute: Callable[..., Any] = agent.execute_task
    wanted, answers = task, [answer]

    # CrewAI passes all arguments by keyword, so the parameters have the names of its method.
    def execute_task(task: Any, context: Any = None, tools: Any = None) -> Any:
        given = answers.pop()() if task is wanted and answers else None
        return execute(task, context, tools) if given is None else given

    # CrewAI's models refuse to set an attribute that is no field, so this function goes into
    # `__dict__`, where Python looks before it looks at the class.
    agent.__dict__["execute_task"] = execute_task
