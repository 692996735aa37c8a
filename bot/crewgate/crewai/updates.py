"""The task, step and crew webhooks of an execution under way."""

from pydantic import AliasPath, Field

from crewgate.crewai.fields import Id, Lenient, Text, Tokens, one_line, parse_object, read, validate
from crewgate.crewai.outputs import find_output
from crewgate.crewai.wire import KNOWN, TASK_ID, TASK_NAME, ExecutionRef
from crewgate.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from crewgate.domain.notification import Output


class _Task(ExecutionRef):
    task_id: Lenient[Id] = Field(None, validation_alias=TASK_ID)
    name: Text = None
    task_name: Text = Field(None, validation_alias=TASK_NAME)
    description: Text = None
    summary: Text = None
    agent: Text = None


class _Step(ExecutionRef):
    thought: Text = None
    tool: Text = None


class _Crew(ExecutionRef):
    tokens: Lenient[Tokens] = Field(None, validation_alias=AliasPath("token_usage", "total_tokens"))


_NO_EXECUTION = "the webhook does not say what it is about"


def parse_task(body: bytes) -> tuple[str, TaskUpdate]:
    wire = read(_Task, body, _NO_EXECUTION)
    update = TaskUpdate(
        title=one_line(wire.task_name or wire.name or wire.description or "a task"),
        summary=one_line(wire.summary or ""),
        agent=wire.agent,
        task=wire.task_id or wire.task_name or wire.name,
    )
    return wire.execution_id, update


def parse_step(body: bytes) -> tuple[str, StepUpdate]:
    wire = read(_Step, body, _NO_EXECUTION)
    return wire.execution_id, StepUpdate(doing=one_line(wire.thought or wire.tool or ""))


def parse_crew(body: bytes) -> tuple[str, CrewUpdate]:
    fields = parse_object(body)
    wire = validate(_Crew, fields, _NO_EXECUTION)
    result = find_output(fields, ("result", "output"), known=KNOWN) or Output("")
    return wire.execution_id, CrewUpdate(result=result, tokens=wire.tokens)
