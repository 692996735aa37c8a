"""The payloads of a crew's pause, of a resume, and of a crew's answers.

`parse_*` turns bytes into the bot's own types and raises Malformed, never anything else;
`resume_body` goes the other way. CrewAI's status words become types here.
"""

import json
import re
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

from crewgate.crewai import fields, tool_calls, wire
from crewgate.crewai.fields import Count, Id, Lenient, Line, Text, Tokens, Wire
from crewgate.crewai.given import read_given
from crewgate.crewai.outputs import find_output, read_output, with_erased
from crewgate.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from crewgate.domain.masking import find_secret_values
from crewgate.domain.notification import Notification, Output
from crewgate.domain.outcome import Delivered, RefusalKind, Refused, ResumeStatus, Unknown
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Person
from crewgate.usecases.ports.crew import Edited, ResumeRequest
from crewgate.usecases.read_models import CrewStatus, Progress

STATUS: Final = AliasChoices("status", "state")
CURRENT_TASK: Final = AliasChoices("current_task", "currentTask")
COMPLETED: Final = AliasChoices(
    AliasPath("progress", "completed_tasks"), AliasPath("progress", "completedTasks")
)
TOTAL: Final = AliasChoices(
    AliasPath("progress", "total_tasks"), AliasPath("progress", "totalTasks")
)

#: CrewAI's words for the state of an execution. `failed` is not documented, but its meaning is
#: plain.
STATUSES: Final = {
    "running": CrewStatus.RUNNING,
    "completed": CrewStatus.COMPLETED,
    "error": CrewStatus.FAILED,
    "failed": CrewStatus.FAILED,
}
#: CrewAI's words for the effect of a resume.
RESUME_STATUSES: Final = {
    "resumed": ResumeStatus.RESUMED,
    "retrying": ResumeStatus.RETRYING,
    "completed": ResumeStatus.COMPLETED,
}
#: Words for a resume that was not taken. No such word is documented, but each meaning is plain.
RESUME_FAILURES: Final = frozenset(
    {"denied", "error", "fail", "failed", "failure", "forbidden"}
    | {"invalid", "not_found", "refused", "rejected", "unauthorized"}
)

_ABOUT_TASKS: Final = frozenset({"tasks", "execution_time", "token_usage"})
_PROBLEMS_SHOWN: Final = 5
#: Matches the beginning of JSON in an error's text. The text is cut there: people cannot read JSON,
#: and it may quote our own request.
_JSON: Final = re.compile(r"[{\[]\s{0,9}(?:\\{0,9}[\"']|&quot;|&#3[49];|[{\[])")


def _words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("message")
    return fields.own_words(value) if isinstance(value, str) else ""


Words = Annotated[str, BeforeValidator(_words)]
"""A crew's own words: a text, or the message of an object; empty for anything else."""


def _detail(value: object) -> object:
    """Return FastAPI's list of problems in one line, each with its place.

    A problem's `input` is left out, because it repeats the request with its secrets:
    https://fastapi.tiangolo.com/tutorial/handling-errors
    """
    if not isinstance(value, list):
        return value
    return "; ".join(filter(None, map(_problem, value[:_PROBLEMS_SHOWN])))


def _problem(problem: object) -> str:
    match problem:
        case {"msg": str(told), "loc": [*place]}:
            path = ".".join(str(one) if isinstance(one, str | int) else "?" for one in place)
            return ": ".join(filter(None, (path, told)))
        case {"msg": str(told)} | str(told):
            return told
    return ""


class _Notification(wire.Webhooks, wire.ExecutionRef):
    task_id: Id = Field(validation_alias=wire.TASK_ID)
    task_name: Text = Field(None, validation_alias=wire.TASK_NAME)
    name: Text = None
    expected_output: Text = Field(None, validation_alias=wire.EXPECTED_OUTPUT)
    agent: Text = None
    meta: Lenient[wire.Webhooks] = None
    """Webhook URLs in `meta`, from callers who kick off at CrewAI."""
    ask: Lenient[wire.AskWire] = None
    """A hook's question, from `crewgate host`."""
    pause_id: Lenient[Id] = None
    next_task: Text = None
    decision: object = None
    """`fetched` if the sender fetches the decision, as `docs/gate.py` does."""
    resume_extensions: Lenient[list[object]] = None
    """The undocumented fields that the sender's `/resume` takes, as `crewgate host` does."""


class _Status(Wire):
    status: Line = Field(validation_alias=STATUS)
    current_task: Text = Field(None, validation_alias=CURRENT_TASK)
    completed: Lenient[Count] = Field(None, validation_alias=COMPLETED)
    total: Lenient[Count] = Field(None, validation_alias=TOTAL)
    tasks: Lenient[list[object]] = Field(None, validation_alias=AliasPath("result", "tasks"))
    result: object = None
    error: Words = ""


class _Inputs(Wire):
    inputs: list[object]


class _Answer(Wire):
    status: Words = ""
    message: Words = ""
    error: Words = ""
    detail: Annotated[Words, BeforeValidator(_detail)] = ""
    code: Lenient[Literal[RefusalKind.ANSWERED, RefusalKind.EXPIRED, RefusalKind.ARGUMENTS]] = (
        Field(None, validation_alias=AliasPath("details", "code"))
    )
    missing: Lenient[list[str]] = Field(
        None, validation_alias=AliasPath("details", "missing_inputs")
    )
    outcome: Lenient[Line] = Field(None, validation_alias=AliasPath("request", "outcome"))


def parse_notification(body: bytes) -> Notification:
    """Read the human-input webhook.

    Only the two ids are required. A malformed optional field is left out: the crew's pause must not
    be lost over it. Raises Malformed.
    """
    members = fields.parse_object(body)
    if "tool_call" in members:
        members = tool_calls.about_call(members["tool_call"]) | members
    payload = fields.validate(
        _Notification, members, "the notification does not say what it is about"
    )
    urls, extensions = payload.urls(), payload.resume_extensions or ()
    call = tool_calls.read_call(members.get("tool_call"))
    if call is None:
        output = find_output(members, wire.OUTPUT, known=wire.KNOWN) or Output("")
        output = with_erased(output, members)
    else:
        written = (members[name] for name in wire.OUTPUT if members.get(name) is not None)
        output = tool_calls.read_arguments(members["tool_call"], next(written, None))
        call = replace(call, hides=any(find_secret_values(output.text)))
    return Notification(
        execution_id=payload.execution_id,
        task_id=payload.task_id,
        output=output,
        task_name=fields.read_name(payload.task_name or payload.name),
        expected_output=payload.expected_output,
        agent=fields.read_name(payload.agent),
        inputs=read_given(members["inputs"]) if "inputs" in members else None,
        meta=read_given(members.get("meta")),
        webhooks=urls.or_else(payload.meta.urls()) if payload.meta else urls,
        ask=None if payload.ask is None else payload.ask.ask(),
        pause_id=payload.pause_id,
        call=call,
        call_result=tool_calls.read_result(members.get("outcome")) if call or payload.ask else None,
        tools_used=tool_calls.read_tools_used(members.get("tools_used")),
        next_task=payload.next_task,
        takes_edits=("edited" if call is None else "arguments") in extensions,
        is_fetched=payload.decision == "fetched",
        takes_key="idempotency_key" in extensions,
    )


def resume_body(request: ResumeRequest) -> dict[str, object]:
    """Return the body of `POST /resume`: the four required fields, and the given others.

    An edited text, or the arguments of an edited call, and the verdict are in `edited`: a crew that
    does not know this field refuses a request without `is_approve`, and cannot take it for a
    decision on its own text. An answer to a hook's question approves if a person gave it, and
    refuses if a rule gave it at a time-out.
    """
    decision, edited, webhooks = request.decision, request.edited, request.webhooks
    answers = isinstance(decision.verdict, Answer) and isinstance(decision.by, Person)
    verdict: dict[str, object] = {"is_approve": decision.is_approve or answers}
    what = "output" if isinstance(edited, str) else "arguments"
    body: dict[str, object] = {
        "execution_id": request.execution_id,
        "task_id": request.task_id,
        "human_feedback": decision.human_feedback,
        **(verdict if edited is None else {"edited": {what: edited, **verdict}}),
    }
    if request.key is not None:
        body["idempotency_key"] = request.key
    if request.valid_until is not None:
        body["valid_until"] = request.valid_until.isoformat()
    body |= {name: url for name, url in wire.update_urls(webhooks).items() if url}
    if webhooks.human_input is not None:
        body["humanInputWebhook"] = wire.human_input_body(webhooks.human_input)
    return body


def decision_body(round_: Round, edited: Edited | None = None) -> bytes:
    """Return the answer to a fetch: a state and, once decided, a resume's fields, equal each time.

    Once the decision's words are removed, the state is `closed`: nobody can tell what to do.
    """
    decision, state = round_.decision, "waiting"
    body: dict[str, object] = {}
    if round_.state in (State.CLOSED, State.SUPERSEDED) or round_.removed_at is not None:
        state = "closed"
    elif decision is not None and round_.state is State.RESUMED:
        state = "decided"
        sent = ResumeRequest(
            execution_id="",
            task_id="",
            decision=decision,
            edited=edited,
            valid_until=round_.valid_until,
        )
        body = resume_body(sent)
        del body["execution_id"], body["task_id"]
    return json.dumps({"state": state, "round": round_.number, **body}).encode()


def parse_resume_answer(code: int, body: bytes, content_type: str) -> Delivered | Refused | Unknown:
    """Read a 2xx to a resume; never raises.

    The result is Refused if the crew's own words report a failure, Unknown for a page of a proxy or
    a login: the crew may not have seen the resume. Every other answer, even empty, counts as a yes.
    """
    answer = fields.read_if_object(_Answer, body)
    if answer is None:
        if "html" in content_type.lower() or body.lstrip(_BLANK).startswith(b"<"):
            return Unknown("a web page came instead of an answer")
        return Delivered()
    status = RESUME_STATUSES.get(answer.status.lower())
    failed = answer.status.lower() in RESUME_FAILURES or bool(answer.error)
    if status is None and failed:
        reason = answer.message or answer.error or answer.detail
        return Refused(str(code), fields.one_line(": ".join(filter(None, (answer.status, reason)))))
    words = fields.one_line(": ".join(word for word in (answer.status, answer.message) if word))
    return Delivered(words, status)


def parse_flow_answer(code: int, body: bytes, content_type: str) -> Delivered | Refused | Unknown:
    """Read a flow's 2xx as one to a resume, and the outcome that it names; never raises."""
    outcome = parse_resume_answer(code, body, content_type)
    answer = fields.read_if_object(_Answer, body)
    if not isinstance(outcome, Delivered) or answer is None:
        return outcome
    return Delivered(outcome.words, label=answer.outcome or "")


_BLANK: Final = b"\xef\xbb\xbf \t\r\n"


def parse_status(body: bytes) -> Progress:
    payload = fields.read(_Status, body, "the crew's status has no status")
    finished = None if payload.tasks is None else len(payload.tasks)
    return Progress(
        status=STATUSES.get(payload.status.lower(), CrewStatus.OTHER),
        word=payload.status,
        current_task=payload.current_task,
        completed_tasks=finished if payload.completed is None else payload.completed,
        total_tasks=finished if payload.total is None else payload.total,
        error=payload.error or None,
        result=_result(payload.result),
    )


def _result(value: object) -> Output | None:
    if isinstance(value, dict):
        return find_output(value, ("output",), known=_ABOUT_TASKS)
    return None if value is None else read_output(value)


def parse_inputs(body: bytes) -> tuple[str, ...]:
    payload = fields.read(_Inputs, body, "the crew's inputs are not a list")
    return tuple(fields.clean(name) for name in payload.inputs if isinstance(name, str))


def is_crews_own(body: bytes) -> bool:
    answer = fields.read_if_object(_Answer, body)
    return answer is not None and bool(answer.message or answer.error or answer.detail)


#: The most bytes of an error's JSON that is parsed: longer JSON is no message for people.
_ERROR_LIMIT: Final = 256 * 2**10


def parse_error(body: bytes) -> str:
    """Return the crew's own words about a failure, in one line; never raises.

    JSON without words for people is not shown: it may repeat the request.
    """
    text = body[: fields.SCAN_LIMIT].decode(errors="replace").lstrip("\ufeff \t\r\n")
    if len(body) > _ERROR_LIMIT and text.startswith(("{", "[")):
        return ""
    answer = fields.read_if_object(_Answer, body)
    if answer is None:
        # An answer in HTML comes from a proxy; its markup is left out.
        words = fields.without_markup(text) if text.startswith("<") else text
        return fields.own_words(_JSON.split(words, maxsplit=1)[0])
    return answer.message or answer.error or answer.detail


def parse_refusal(body: bytes) -> RefusalKind:
    """Return why a crew refused a resume, by the code in its details."""
    answer = fields.read_if_object(_Answer, body)
    return (answer and answer.code) or RefusalKind.OTHER


def parse_missing_inputs(body: bytes) -> tuple[str, ...]:
    answer = fields.read_if_object(_Answer, body)
    return tuple(map(fields.clean, answer.missing or ())) if answer else ()


class _Task(wire.ExecutionRef):
    task_id: Lenient[Id] = Field(None, validation_alias=wire.TASK_ID)
    name: Text = None
    task_name: Text = Field(None, validation_alias=wire.TASK_NAME)
    description: Text = None
    summary: Text = None
    agent: Text = None


class _Step(wire.ExecutionRef):
    thought: Text = None
    tool: Text = None


class _Crew(wire.ExecutionRef):
    tokens: Lenient[Tokens] = Field(None, validation_alias=AliasPath("token_usage", "total_tokens"))


#: Malformed's words for a webhook that names no execution.
_NO_EXECUTION = "the webhook does not say what it is about"


def parse_task(body: bytes) -> tuple[str, TaskUpdate]:
    """Read a task webhook: its execution's id, and its content. Raises Malformed."""
    payload = fields.read(_Task, body, _NO_EXECUTION)
    update = TaskUpdate(
        title=fields.one_line(payload.task_name or payload.name or payload.description or "a task"),
        summary=fields.one_line(payload.summary or ""),
        agent=payload.agent,
        task=payload.task_id or payload.task_name or payload.name,
    )
    return payload.execution_id, update


def parse_step(body: bytes) -> tuple[str, StepUpdate]:
    """Read a step webhook: its execution's id, and its content. Raises Malformed."""
    payload = fields.read(_Step, body, _NO_EXECUTION)
    return payload.execution_id, StepUpdate(
        doing=fields.one_line(payload.thought or payload.tool or "")
    )


def parse_crew(body: bytes) -> tuple[str, CrewUpdate]:
    """Read a crew webhook: its execution's id, and its content. Raises Malformed."""
    members = fields.parse_object(body)
    payload = fields.validate(_Crew, members, _NO_EXECUTION)
    result = find_output(members, ("result", "output"), known=wire.KNOWN) or Output("")
    return payload.execution_id, CrewUpdate(result=result, tokens=payload.tokens)
