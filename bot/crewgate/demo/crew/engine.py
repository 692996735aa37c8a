"""The stand-in crew's executions: pauses, resumes and the webhooks they cause.

There is no HTTP here. A request is carried out in one step without awaiting, so two concurrent
resumes cannot both take effect.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Coroutine
from typing import Any

from crewgate.crew_api.wire import Json, Refusal, Resume, Urls
from crewgate.demo.crew.deployment import Deployment, Execution, Sent, State
from crewgate.demo.crew.flows import FlowRequest, Flows
from crewgate.demo.crew.script import Task, TaskFailed, Tool, answer_of
from crewgate.demo.crew.wire import call_of, notification, text_of

#: The most pieces of feedback on one task that an execution remembers.
FEEDBACK_LIMIT = 20


class Engine:
    """Runs executions: their tasks one after the other, or side by side."""

    def __init__(self, crew: Deployment, flows: Flows) -> None:
        self._crew = crew
        self._flows = flows
        flows.on_answer = self._answered
        self._changes = crew.changes
        self._background: set[asyncio.Task[None]] = set()

    def add(self, execution: Execution) -> None:
        self._crew.add(execution)
        self._begin(execution)

    async def pause(self, execution: Execution, task_id: str, output: object) -> Sent:
        """Pause on a task and send the human-input notification, once.

        Return the record of sending; its `error` tells if there is no address.
        """
        execution.urls = Urls()
        self._wait(execution, task_id, output)
        webhook = execution.human_input
        if webhook is None:
            return Sent("human_input", "", {}, error="no humanInputWebhook")
        task, body = execution.task(task_id), self.notification(execution, task_id, output)
        if task is not None and task.tool is not None:
            body |= call_of(task, task.tool, output)
        return await self._send("human_input", webhook.url, body, webhook.headers)

    def notification(self, execution: Execution, task_id: str, output: object) -> Json:
        task, meta = execution.task(task_id), execution.meta
        return notification(execution.id, task_id, output, task=task, meta=meta)

    def _wait(self, execution: Execution, task_id: str, output: object) -> None:
        execution.outputs[task_id] = output
        execution.rounds[task_id] = execution.rounds.get(task_id, 0) + 1
        execution.state, execution.ended_at = State.PENDING, None
        if task_id not in execution.pending:
            execution.pending.append(task_id)
        self._changes.announce("paused", execution.id)

    async def _ask(self, execution: Execution, task: Task, output: object) -> None:
        self._wait(execution, task.task_id, output)
        await self._flows.ask(
            self._crew.url,
            execution.id,
            task.task_id,
            message=task.description,
            output=output,
            emit=task.emit,
            assigned=None,
            flow_class=task.agent,
            state={"id": execution.id, **execution.inputs},
        )

    def resume(self, call: Resume) -> Json:
        """Carry out a resume. Raises Refusal, and then nothing has changed."""
        execution = self._crew.by_id.get(call.execution_id)
        if execution is None:
            raise Refusal.not_found("Execution not found")
        if not execution.knows(call.task_id):
            raise Refusal.not_found("Task not found in this execution")
        if call.task_id not in execution.pending:
            raise Refusal.bad_request("Execution is not pending human input for this task")
        execution.urls = call.urls
        execution.human_input = call.human_input or execution.human_input
        self._crew.resume_log.append(call)
        task = execution.task(call.task_id)
        if task is not None and task.tool is not None:
            # The agent goes on either way: with the tool's result after an approval, and after a
            # refusal with the words of the refusal.
            output, words = execution.outputs[call.task_id], call.human_feedback
            if call.is_approve:
                self._spawn(self._ran(execution, task, task.tool, output))
            execution.outputs[call.task_id] = task.tool.result if call.is_approve else words
            return self._resume(execution, call.task_id, call.human_feedback, approve=True)
        return self._resume(execution, call.task_id, call.human_feedback, approve=call.is_approve)

    async def _ran(self, execution: Execution, task: Task, tool: Tool, output: object) -> None:
        """Send the notification of a call again, with the tool's result."""
        webhook = execution.human_input
        body = notification(execution.id, task.task_id, output, task=task)
        body |= call_of(task, tool, output)
        body["outcome"] = {"state": "ran", "words": tool.result}
        if webhook is not None:
            await self._send("human_input", webhook.url, body, webhook.headers)

    def _answered(self, asked: FlowRequest) -> None:
        """Carry out the answer to a flow's question, if an execution's script asked it."""
        execution = self._crew.by_id.get(asked.flow_id)
        if execution is None or asked.method not in execution.pending:
            return
        approve = asked.outcome == asked.emit[0]
        if approve or asked.outcome != asked.emit[-1]:
            self._resume(execution, asked.method, asked.feedback or "", approve=approve)
        else:
            self.end(execution)

    def _resume(self, execution: Execution, task_id: str, feedback: str, *, approve: bool) -> Json:
        execution.pending.remove(task_id)
        execution.state = State.PENDING if execution.pending else State.RUNNING
        feedbacks = execution.feedbacks.setdefault(task_id, deque(maxlen=FEEDBACK_LIMIT))
        feedbacks.append(feedback)
        task = next((one for one in execution.current if one.task_id == task_id), None)
        self._changes.announce("resumed", execution.id)
        if not approve:
            if task is not None:
                self._spawn(self._work(execution, task))
            return {"status": "retrying", "message": "The task runs again with your feedback"}
        if task is None:
            return {"status": "resumed", "message": "Execution resumed"}
        self._spawn(self._tell_end(execution, task, goes_on=execution.finish(task)))
        if not execution.current:
            self.end(execution)
            return {"status": "completed", "message": "The last task was approved"}
        return {"status": "resumed", "message": "Execution resumed with the next task"}

    def end(self, execution: Execution, error: str = "") -> None:
        execution.state = State.ERROR if error else State.COMPLETED
        execution.error = error
        execution.pending.clear()
        execution.ended_at = self._crew.now()
        self._changes.announce("ended", execution.id)

    async def stop(self) -> None:
        background = list(self._background)
        for work in background:
            work.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _begin(self, execution: Execution) -> None:
        for task in execution.current:
            self._spawn(self._work(execution, task))

    async def _work(self, execution: Execution, task: Task) -> None:
        step = {
            "prompt": task.description,
            "thought": f"I should start with {task.name.lower()}",
            "tool": "search_tool",
            "tool_input": task.name,
            "result": "Three articles",
        }
        await self._send_update("step", execution, execution.urls.step, step)
        if await self._interrupted(execution):
            return
        feedbacks = tuple(execution.feedbacks.get(task.task_id, ()))
        try:
            output = answer_of(task, execution.inputs, feedbacks, dict(execution.outputs))
        except TaskFailed as failed:
            self.end(execution, error=str(failed))
            return
        if task.emit:
            await self._ask(execution, task, output)
            return
        if task.needs_review:
            await self.pause(execution, task.task_id, output)
            return
        execution.outputs[task.task_id] = output
        execution.rounds[task.task_id] = 1
        await self._tell_end(execution, task, goes_on=execution.finish(task))

    async def _tell_end(self, execution: Execution, task: Task, *, goes_on: bool) -> None:
        """Send the webhook of a finished task, and begin the next tasks or end."""
        output = execution.outputs[task.task_id]
        done = {
            "description": task.description,
            "name": task.task_id,
            "expected_output": task.expected_output,
            "summary": f"{task.name}: done.",
            "agent": task.agent,
            "output": text_of(output),
            "output_json": output if isinstance(output, dict) else None,
        }
        await self._send_update("task", execution, execution.urls.task, done)
        if not goes_on:
            return
        if execution.current:
            self._begin(execution)
            return
        if execution.state is State.RUNNING:
            self.end(execution)
        if execution.state is State.COMPLETED:
            last = next(reversed(execution.outputs.values()), "")
            used = {"total_tokens": 1250, "prompt_tokens": 800, "completion_tokens": 450}
            result = {
                "result": text_of(last),
                "result_json": last if isinstance(last, dict) else None,
                "token_usage": used,
            }
            await self._send_update("crew", execution, execution.urls.crew, result)

    async def _interrupted(self, execution: Execution) -> bool:
        """Wait `task_seconds`; return True if the execution ended or was paused by hand."""
        # Of several tasks that run side by side, one may wait for people while the others go on.
        goes_on = {State.RUNNING, State.PENDING} if execution.current[1:] else {State.RUNNING}
        if self._crew.task_seconds:
            with contextlib.suppress(TimeoutError):
                await self._changes.until(
                    lambda: execution.state not in goes_on, timeout=self._crew.task_seconds
                )
        return execution.state not in goes_on

    async def _send_update(
        self, kind: str, execution: Execution, url: str | None, body: Json
    ) -> None:
        if url is not None:
            body |= {"kickoff_id": execution.id, "meta": execution.meta}
            await self._send(kind, url, body, {})

    async def _send(self, kind: str, url: str, body: Json, headers: dict[str, str]) -> Sent:
        headers = {"Content-Type": "application/json", **headers}
        return await self._crew.send(kind, url, json.dumps(body).encode(), headers)
