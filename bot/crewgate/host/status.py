"""The answer of `/status`; the vendor's schema reports a pause as `running`."""

from __future__ import annotations

from crewgate.crew_api.wire import Json
from crewgate.host.records import Execution, State
from crewgate.host.store import Store
from crewgate.host.target import Target


def status_of(store: Store, execution_id: str, target: Target, *, now: float) -> Json:
    """Return the status of an execution of this target. Raises Refusal (404)."""
    execution = store.get(execution_id, target.name)
    took = round((execution.ended_at or now) - execution.created_at, 3)
    match execution.state:
        case State.COMPLETED:
            result = {"output": execution.result, "tasks": _tasks(store, execution)}
            return {"status": "completed", "result": result, "execution_time": took}
        case State.ERROR:
            return {"status": "error", "error": execution.error, "execution_time": took}
    done = {one.position for one in store.finished(execution_id)}
    return {
        "status": "running",
        "current_task": _current(store, execution, done),
        "progress": {"completed_tasks": len(done), "total_tasks": len(execution.tasks)},
    }


def _tasks(store: Store, execution: Execution) -> list[Json]:
    return [
        {
            "task_id": execution.tasks[one.position].id,
            "output": one.output["raw"],
            "agent": one.output["agent"],
            "execution_time": round(one.seconds, 3),
        }
        for one in store.finished(execution.id)
    ]


def _current(store: Store, execution: Execution, done: set[int]) -> str:
    """Return the task that waits for a person, else the first not done; or a flow's method.

    By its name, which people are shown, where it has one.
    """
    waiting = [one.task_id for one in store.rounds(execution.id) if one.decision is None]
    to_do = [task.id for at, task in enumerate(execution.tasks) if at not in done]
    question = store.open_question(execution.id)
    asked = [question.method] if question is not None else []
    current = next(iter([*waiting, *asked, *to_do]), "")
    return next((task.name for task in execution.tasks if task.id == current), "") or current
