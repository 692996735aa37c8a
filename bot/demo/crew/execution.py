"""How the stand-in crew works: executions, pauses, resumes and the webhooks they cause.

No HTTP in here: `post` is handed in, and what a request means is decided in one step without
awaiting, so two resumes at once cannot both take effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.demo.crew.records import BoundedLog, Changes, Resume, Sent
from bot.demo.crew.script import Task, TaskFailed
from bot.demo.crew.wire import (
    HumanInput,
    Json,
    Refusal,
    ResumeCall,
    Style,
    Urls,
    notification,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    Post = Callable[[str, str, bytes, dict[str, str]], Awaitable[Sent]]

#: How much feedback on one task an execution remembers.
FEEDBACKS = 20


class State(StrEnum):
    """Where an execution stands, in the vendor's words."""

    RUNNING = "running"
    PENDING = "Pending Human Input"
    COMPLETED = "completed"
    ERROR = "error"


@dataclass(slots=True)
class Execution:
    """One kickoff. Read it freely; only the crew changes it."""

    id: str
    inputs: Json
    meta: Json | None
    urls: Urls
    """The URLs it knows now: none while it is paused, and then what the resume gave."""
    human_input: HumanInput | None
    script: Sequence[Task]
    started_at: float
    state: State = State.RUNNING
    position: int = 0
    """How many tasks of the script are done."""
    pending: str | None = None
    """The task that waits for a person."""
    outputs: dict[str, Any] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    """How often each task has come up with an output."""
    feedbacks: dict[str, deque[str]] = field(default_factory=dict)
    error: str = ""
    ended_at: float | None = None

    @property
    def current(self) -> Task | None:
        """The task of the script that is being worked on or waits."""
        return self.script[self.position] if self.position < len(self.script) else None

    def knows(self, task_id: str) -> bool:
        """Whether the task is one of this execution's, by script or by hand."""
        return task_id in self.outputs or any(task.task_id == task_id for task in self.script)

    def progress(self, now: float) -> Json:
        """The answer to `/status`; the vendor's schema has no word for a pause but `running`."""
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
        current = self.current.task_id if self.current else ""
        return {
            "status": "running",
            "current_task": self.pending or current,
            "progress": {"completed_tasks": self.position, "total_tasks": len(self.script)},
        }

    def task(self, task_id: str) -> Task | None:
        """A task of the script."""
        return next((task for task in self.script if task.task_id == task_id), None)


class Engine:
    """Runs executions, one task at a time."""

    def __init__(
        self,
        post: Post,
        changes: Changes,
        *,
        now: Callable[[], float],
        keep: int,
        task_seconds: float,
    ) -> None:
        self.executions: dict[str, Execution] = {}
        self.resumes: BoundedLog[Resume] = BoundedLog(keep)
        self.style = Style.RICH
        self.task_seconds = task_seconds
        self._post = post
        self._changes = changes
        self._now = now
        self._keep = keep
        self._at_work: set[asyncio.Task[None]] = set()

    def open(self, execution: Execution, *, run: bool = True) -> None:
        """Take an execution on. The oldest is forgotten when there are too many."""
        while len(self.executions) >= self._keep:
            ended = (known.id for known in self.executions.values() if known.ended_at is not None)
            self.executions.pop(next(ended, next(iter(self.executions))))
        self.executions[execution.id] = execution
        self._changes.announce("started", execution.id)
        if run:
            self._spawn(self._go_on(execution))

    async def pause(self, execution: Execution, task_id: str, output: object, style: Style) -> Sent:
        """Wait for a person, and tell so at the one address for it, once.

        Returns what came of telling; `error` says so when there is no address.
        """
        execution.outputs[task_id] = output
        execution.rounds[task_id] = execution.rounds.get(task_id, 0) + 1
        execution.state, execution.pending = State.PENDING, task_id
        execution.urls = Urls()
        execution.ended_at = None
        self._changes.announce("paused", execution.id)
        where = execution.human_input
        if where is None:
            return Sent("human_input", "", {}, b"", {}, None, error="no humanInputWebhook")
        task, meta = execution.task(task_id), execution.meta
        body = notification(style, execution.id, task_id, output, task=task, meta=meta)
        return await self._send("human_input", where.url, body, where.headers)

    def resume(self, call: ResumeCall) -> Json:
        """Take a person's decision. Raises Refusal, and then nothing has changed."""
        execution = self.executions.get(call.execution_id)
        if execution is None:
            raise Refusal(404, "Not Found", "Execution not found")
        if not execution.knows(call.task_id):
            raise Refusal(404, "Not Found", "Task not found in this execution")
        if execution.pending != call.task_id:
            raise Refusal(400, "Bad Request", "Execution is not pending human input for this task")
        execution.pending, execution.state = None, State.RUNNING
        execution.urls = call.urls
        execution.human_input = call.human_input or execution.human_input
        heard = execution.feedbacks.setdefault(call.task_id, deque(maxlen=FEEDBACKS))
        heard.append(call.human_feedback)
        current = execution.current
        scripted = current is not None and current.task_id == call.task_id
        self.resumes.append(
            Resume(
                call.execution_id,
                call.task_id,
                call.human_feedback,
                call.is_approve,
                call.urls,
                call.human_input,
            ),
            len(call.human_feedback),
        )
        self._changes.announce("resumed", execution.id)
        if not call.is_approve:
            if scripted:
                self._spawn(self._go_on(execution))
            return {"status": "retrying", "message": "The task runs again with your feedback"}
        if not scripted or current is None:
            return {"status": "resumed", "message": "Execution resumed"}
        execution.position += 1
        self._spawn(self._approved(execution, current))
        if execution.current is None:
            self.end(execution)
            return {"status": "completed", "message": "The last task was approved"}
        return {"status": "resumed", "message": "Execution resumed with the next task"}

    def end(self, execution: Execution, error: str = "") -> None:
        """Nothing more will happen."""
        execution.state = State.ERROR if error else State.COMPLETED
        execution.error = error
        execution.pending = None
        execution.ended_at = self._now()
        self._changes.announce("ended", execution.id)

    async def stop(self) -> None:
        """Drop what is being worked on."""
        at_work = list(self._at_work)
        for work in at_work:
            work.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _approved(self, execution: Execution, task: Task) -> None:
        await self._tell_task(execution, task)
        if execution.current is None:
            await self._tell_crew(execution)
        else:
            await self._go_on(execution)

    async def _go_on(self, execution: Execution) -> None:
        while (task := execution.current) is not None:
            await self._tell_step(execution, task)
            if await self._interrupted(execution):
                return
            feedbacks = tuple(execution.feedbacks.get(task.task_id, ()))
            try:
                output = task.produce(execution.inputs, feedbacks, dict(execution.outputs))
            except TaskFailed as failed:
                self.end(execution, error=str(failed))
                return
            if task.needs_review:
                await self.pause(execution, task.task_id, output, self.style)
                return
            execution.outputs[task.task_id] = output
            execution.rounds[task.task_id] = 1
            execution.position += 1
            await self._tell_task(execution, task)
        if execution.state is State.RUNNING:
            self.end(execution)
            await self._tell_crew(execution)

    async def _interrupted(self, execution: Execution) -> bool:
        """Let the task take its time; true when the execution ended or paused by hand meanwhile."""
        if self.task_seconds:
            with contextlib.suppress(TimeoutError):
                await self._changes.until(
                    lambda: execution.state is not State.RUNNING, timeout=self.task_seconds
                )
        return execution.state is not State.RUNNING

    async def _tell_step(self, execution: Execution, task: Task) -> None:
        body = {
            "prompt": task.description,
            "thought": f"I should start with {task.name.lower()}",
            "tool": "search_tool",
            "tool_input": task.name,
            "result": "Three articles",
        }
        await self._tell("step", execution, execution.urls.step, body)

    async def _tell_task(self, execution: Execution, task: Task) -> None:
        output = execution.outputs[task.task_id]
        body = {
            "description": task.description,
            "name": task.task_id,
            "expected_output": task.expected_output,
            "summary": f"{task.name}: done.",
            "agent": task.agent,
            "output": text_of(output),
            "output_json": output if isinstance(output, dict) else None,
        }
        await self._tell("task", execution, execution.urls.task, body)

    async def _tell_crew(self, execution: Execution) -> None:
        last = next(reversed(execution.outputs.values()), "")
        body = {
            "result": text_of(last),
            "result_json": last if isinstance(last, dict) else None,
            "token_usage": {"total_tokens": 1250, "prompt_tokens": 800, "completion_tokens": 450},
        }
        await self._tell("crew", execution, execution.urls.crew, body)

    async def _tell(self, kind: str, execution: Execution, url: str | None, body: Json) -> None:
        if url is not None:
            body |= {"kickoff_id": execution.id, "meta": execution.meta}
            await self._send(kind, url, body, {})

    async def _send(self, kind: str, url: str, body: Json, headers: dict[str, str]) -> Sent:
        headers = {"Content-Type": "application/json", **headers}
        return await self._post(kind, url, json.dumps(body).encode(), headers)
