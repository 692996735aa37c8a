"""An execution of the stand-in crew: its state, its outputs and its answer to `/status`."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from operator import attrgetter
from typing import Any

from crewgate.crew_api.wire import Address, Json, Urls
from crewgate.demo.crew.script import Task
from crewgate.demo.crew.wire import text_of


class State(StrEnum):
    """The state of an execution, in the vendor's words."""

    RUNNING = "running"
    PENDING = "Pending Human Input"
    COMPLETED = "completed"
    ERROR = "error"


@dataclass(slots=True)
class Execution:
    """One kickoff. Only the engine changes it."""

    id: str
    inputs: Json
    meta: Json | None
    urls: Urls
    """The current webhook URLs: none while paused, then those of the resume."""
    human_input: Address | None
    script: Sequence[Task]
    started_at: float
    state: State = State.RUNNING
    position: int = 0
    """The number of tasks of the script that are done, before those that run now."""
    done: set[str] = field(default_factory=set)
    """The tasks among those that run now that are done."""
    pending: list[str] = field(default_factory=list)
    """The tasks that are pending human input."""
    outputs: dict[str, Any] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    """The number of outputs of each task."""
    feedbacks: dict[str, deque[str]] = field(default_factory=dict)
    error: str = ""
    ended_at: float | None = None

    @property
    def current(self) -> tuple[Task, ...]:
        """The tasks of the script that run or wait beside each other; none at the end."""
        rest = self.script[self.position :]
        return (*rest[:1], *takewhile(attrgetter("beside"), rest[1:]))

    def finish(self, task: Task) -> bool:
        """Note that a task is done; return True if the next ones may begin."""
        self.done.add(task.task_id)
        if len(self.done) < len(self.current):
            return False
        self.position += len(self.current)
        self.done.clear()
        return True

    def knows(self, task_id: str) -> bool:
        """Return True if the task belongs to this execution, by script or by `pause`."""
        return task_id in self.outputs or any(task.task_id == task_id for task in self.script)

    def progress(self, now: float) -> Json:
        """The answer to `/status`; the vendor's schema reports a pause as `running`."""
        took = (self.ended_at or now) - self.started_at
        match self.state:
            case State.COMPLETED:
                tasks = [
                    {
                        "task_id": task_id,
                        "output": text_of(output),
                        "agent": task.agent if (task := self.task(task_id)) else "",
                        "execution_time": round(took / len(self.outputs), 3),
                    }
                    for task_id, output in self.outputs.items()
                ]
                result = {"output": tasks[-1]["output"] if tasks else "", "tasks": tasks}
                return {"status": "completed", "result": result, "execution_time": took}
            case State.ERROR:
                return {"status": "error", "error": self.error, "execution_time": took}
        running = [task.task_id for task in self.current if task.task_id not in self.done]
        done = self.position + len(self.done)
        return {
            "status": "running",
            "current_task": next(iter([*self.pending, *running]), ""),
            "progress": {"completed_tasks": done, "total_tasks": len(self.script)},
        }

    def task(self, task_id: str) -> Task | None:
        return next((task for task in self.script if task.task_id == task_id), None)
