"""The progress of real executions, gathered from the requests and webhooks that pass by."""

from crewgate.crew_api.wire import Json, Refusal, Urls, parse_resume_of_host
from crewgate.demo.crew import Deployment
from crewgate.demo.crew.execution import Execution, State
from crewgate.demo.crew.script import SAMPLE


class Progress:
    """The executions of the sample crew, whose tasks have the names of the script."""

    def __init__(self, crew: Deployment) -> None:
        self._crew = crew

    def kicked_off(self, body: Json, answer: object) -> None:
        if not isinstance(answer, dict) or "kickoff_id" not in answer:
            return
        execution = Execution(
            id=str(answer["kickoff_id"]),
            inputs=dict(body.get("inputs") or {}),
            meta=body.get("meta"),
            urls=Urls(),
            human_input=None,
            script=SAMPLE,
            started_at=self._crew.now(),
        )
        self._crew.add(execution)

    def resumed(self, raw: bytes) -> None:
        try:
            call = parse_resume_of_host(raw)
        except Refusal:
            return
        self._crew.resume_log.append(call, len(call.human_feedback))
        if execution := self._crew.by_id.get(call.execution_id):
            execution.state = State.RUNNING
            execution.pending.clear()
        self._crew.changes.announce("resumed", call.execution_id)

    def told(self, kind: str, body: Json) -> None:
        execution = self._crew.by_id.get(str(body.get("execution_id") or body.get("kickoff_id")))
        if execution is None:
            return
        match kind:
            case "human_input":
                self._paused(execution, body)
            case "task":
                self._finished(execution, body)
            case "crew":
                execution.state, execution.position = State.COMPLETED, len(SAMPLE)
                execution.ended_at = self._crew.now()
        self._crew.changes.announce("told", execution.id)

    def _paused(self, execution: Execution, body: Json) -> None:
        task_id = _script_id(body.get("task_name"))
        execution.outputs[task_id] = body.get("task_output")
        execution.rounds[task_id] = execution.rounds.get(task_id, 0) + 1
        execution.position = _position(task_id)
        execution.state, execution.pending = State.PENDING, [task_id]

    def _finished(self, execution: Execution, body: Json) -> None:
        task_id = _script_id(body.get("name"))
        execution.outputs[task_id] = body.get("output")
        execution.rounds.setdefault(task_id, 1)
        execution.position = max(execution.position, _position(task_id) + 1)


def _script_id(name: object) -> str:
    return next((task.task_id for task in SAMPLE if task.name == name), str(name))


def _position(task_id: str) -> int:
    return next((at for at, task in enumerate(SAMPLE) if task.task_id == task_id), 0)
