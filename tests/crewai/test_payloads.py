"""Crews' answers are read tolerantly, and a resume has all that the crew needs."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.kickoff import (
    parse_kickoff,
    parse_registration,
    parse_started,
)
from crewgate.crewai.payloads import (
    decision_body,
    parse_crew,
    parse_error,
    parse_inputs,
    parse_missing_inputs,
    parse_notification,
    parse_refusal,
    parse_resume_answer,
    parse_status,
    parse_step,
    parse_task,
    resume_body,
)
from crewgate.domain.acts import ToolCall
from crewgate.domain.errors import Malformed
from crewgate.domain.execution import CrewUpdate, ExecutionUpdate, StepUpdate, TaskUpdate
from crewgate.domain.notification import Ask, HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused, ResumeStatus, Unknown
from crewgate.domain.redaction import MARK
from crewgate.domain.review import State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.subjects import WORK
from crewgate.domain.verdict import Answer, Approve, Revise, TimedOut
from crewgate.usecases.read_models import CrewStatus, Progress
from tests.builders import NOW, a_decision, a_round
from tests.crewai.bodies import EXECUTION, a_notification_body
from tests.crewai.crews import a_resume


@given(st.binary())
def test_no_bytes_raise_anything_but_malformed(body: bytes) -> None:
    parsers: tuple[Callable[[bytes], object], ...] = (
        parse_notification,
        parse_task,
        parse_step,
        parse_crew,
        parse_status,
        parse_inputs,
        parse_kickoff,
        parse_registration,
    )
    for parse in parsers:
        with pytest.raises(Malformed):
            parse(body)
    parse_resume_answer(200, body, "application/json")
    parse_error(body)
    parse_started(body)
    parse_missing_inputs(body)


@pytest.mark.parametrize(
    ("parse", "body", "update"),
    [
        (
            parse_task,
            {"description": "d", "name": "research_task", "output": "x", "output_json": {"a": 1}},
            TaskUpdate(title="research_task", task="research_task"),
        ),
        (
            parse_task,
            {"description": "d", "name": "research_task", "task_id": "7"},
            TaskUpdate(title="research_task", task="7"),
        ),
        (
            parse_step,
            {"prompt": "p", "thought": "t", "tool": "search_tool", "result": "Three articles"},
            StepUpdate(doing="t"),
        ),
        (
            parse_crew,
            {"result": "# Report", "token_usage": {"total_tokens": 12}, "meta": {"requestId": "r"}},
            CrewUpdate(result=Output("# Report"), tokens=12),
        ),
    ],
)
def test_other_webhooks_say_whom_they_are_about(
    parse: Callable[[bytes], tuple[str, ExecutionUpdate]],
    body: dict[str, object],
    update: ExecutionUpdate,
) -> None:
    assert parse(json.dumps(body | {"kickoff_id": EXECUTION}).encode()) == (EXECUTION, update)
    with pytest.raises(Malformed) as refused:
        parse(json.dumps(body).encode())
    assert refused.value.details[0].startswith("no execution_id")


@pytest.mark.parametrize("tokens", [10**30, 10**15 + 1, -1, 1.5, "12", True, None])
def test_a_count_that_cannot_be_one_is_left_out(tokens: object) -> None:
    usage = {"kickoff_id": EXECUTION, "token_usage": {"total_tokens": tokens}}
    _, update = parse_crew(json.dumps(usage).encode())
    assert update.tokens is None
    tasks = {"status": "running", "progress": {"completed_tasks": tokens, "total_tasks": 10**7}}
    progress = parse_status(json.dumps(tasks).encode())
    assert (progress.completed_tasks, progress.total_tasks) == (None, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://a..com/",
        "https://.a.com/",
        f"https://{'a' * 64}.com/",
        f"https://{'.'.join(['a'] * 128)}/",
        "https://xn--/",
        "https://a:99999/",
    ],
)
@pytest.mark.parametrize("name", ["taskWebhookUrl", "task_webhook_url"])
def test_an_address_whose_host_cannot_be_one_is_refused(name: str, url: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_registration(json.dumps({name: url}).encode())
    assert refused.value.details == (f"{name} is not a web address",)
    carried = parse_notification(a_notification_body(**{name: url})).webhooks
    assert carried == WebhookUrls()


@pytest.mark.parametrize("url", ["https://a.com./x", "http://[::1]:9/", "http://bücher.example"])
def test_an_address_with_a_host_is_taken_as_it_is_written(url: str) -> None:
    assert parse_registration(json.dumps({"taskWebhookUrl": url}).encode()).task == url


def test_a_resume_has_four_fields_and_the_urls_that_exist() -> None:
    assert resume_body(a_resume("e", "t", a_decision(Approve()))) == {
        "execution_id": "e",
        "task_id": "t",
        "human_feedback": "Approved.",
        "is_approve": True,
    }
    urls = WebhookUrls(
        task="http://t", crew="http://c", human_input=HumanInputWebhook("h", "bearer", token="s")
    )
    assert resume_body(a_resume("e", "t", a_decision(Revise("  as written\n")), urls)) == {
        "execution_id": "e",
        "task_id": "t",
        "human_feedback": "  as written\n",
        "is_approve": False,
        "taskWebhookUrl": "http://t",
        "crewWebhookUrl": "http://c",
        "humanInputWebhook": {
            "url": "h",
            "authentication": {"strategy": "bearer", "token": "s"},
        },
    }


def test_an_approval_of_a_call_says_until_when_it_holds() -> None:
    body = resume_body(a_resume("e", "t", a_decision(Approve()), valid_until=NOW))
    assert body["valid_until"] == NOW.isoformat()
    call = a_round(State.RESUMED, subject=ToolCall("buy"), decision=a_decision(Approve(), at=NOW))
    until = (NOW + timedelta(hours=1)).isoformat()
    assert json.loads(decision_body(call))["valid_until"] == until
    assert "valid_until" not in json.loads(decision_body(replace(call, subject=WORK)))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"details": {"code": "expired"}}, RefusalKind.EXPIRED),
        ({"details": {"code": "answered"}}, RefusalKind.ANSWERED),
        ({"details": {"code": "arguments"}}, RefusalKind.ARGUMENTS),
        ({"details": {"code": "request_gone"}}, RefusalKind.OTHER),
        ({"details": {"code": ["expired"]}}, RefusalKind.OTHER),
        ({"details": "expired"}, RefusalKind.OTHER),
        ({}, RefusalKind.OTHER),
        ("expired", RefusalKind.OTHER),
    ],
)
def test_a_refused_resume_is_known_by_its_code(body: object, kind: RefusalKind) -> None:
    assert parse_refusal(json.dumps(body).encode()) is kind


def test_a_hooks_question_is_answered_by_people_and_refused_by_time() -> None:
    answer = a_decision(Answer(" yes\n", to_crew=True))
    body = resume_body(a_resume("e", "ask-1", answer))
    assert (body["human_feedback"], body["is_approve"]) == (" yes\n", True)
    by_rule = replace(answer, by=TimedOut("two eyes", Duration.parse("1d")))
    assert resume_body(a_resume("e", "ask-1", by_rule))["is_approve"] is False


def test_a_notification_of_a_hook_says_so() -> None:
    body = {"execution_id": "e", "task_id": "ask-1", "task_output": "Send it?"}
    ask = {"place": "mail: send_email", "expires_at": None}
    parsed = parse_notification(json.dumps(body | {"ask": ask}).encode())
    assert (parsed.output.text, parsed.ask) == ("Send it?", Ask(place="mail: send_email"))
    for odd in (None, 7, {}, {"place": ""}):
        assert parse_notification(json.dumps(body | {"ask": odd}).encode()).ask is None


def test_a_decision_about_an_edited_text_has_no_is_approve_that_others_would_take() -> None:
    keyed = resume_body(a_resume("e", "t", a_decision(Approve()), key="r-1"))
    assert keyed["idempotency_key"] == "r-1"
    body = resume_body(a_resume("e", "t", a_decision(Revise("Shorter.")), edited="Theirs."))
    assert body == {
        "execution_id": "e",
        "task_id": "t",
        "human_feedback": "Shorter.",
        "edited": {"output": "Theirs.", "is_approve": False},
    }


def test_a_human_input_webhook_without_credentials_is_sent_without() -> None:
    urls = WebhookUrls(step="http://s", human_input=HumanInputWebhook("h"))
    body = resume_body(a_resume("e", "t", a_decision(Approve("Go")), urls))
    assert body["humanInputWebhook"] == {"url": "h"}
    assert (body["stepWebhookUrl"], body["human_feedback"]) == ("http://s", "Go")


PAGE = Unknown("a web page came instead of an answer")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (
            b'{"status": "resumed", "message": "On we\\ngo"}',
            Delivered("resumed: On we go", ResumeStatus.RESUMED),
        ),
        (b'{"status": "Retrying"}', Delivered("Retrying", ResumeStatus.RETRYING)),
        (b'{"status": "completed"}', Delivered("completed", ResumeStatus.COMPLETED)),
        (
            b'{"status": "resumed", "error": "none"}',
            Delivered("resumed", ResumeStatus.RESUMED),
        ),
        (b'{"status": "well"}', Delivered("well")),
        (b'{"status": 1, "message": "m"}', Delivered("m")),
        (b'{"status": " ", "message": null}', Delivered()),
        (b"[]", Delivered()),
        (b"", Delivered()),
        (b"OK", Delivered()),
        (b'{"status": "Error", "message": "no"}', Refused("200", "Error: no")),
        (b'{"status": "failed"}', Refused("200", "failed")),
        (b'{"status": "rejected", "detail": "late"}', Refused("200", "rejected: late")),
        (b'{"error": {"message": "not pending"}}', Refused("200", "not pending")),
        (b"<html>", PAGE),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE html><p>Sign in", PAGE),
    ],
)
def test_a_success_is_one_unless_it_says_otherwise(body: bytes, outcome: Outcome) -> None:
    assert parse_resume_answer(200, body, "application/json") == outcome


def test_a_page_is_known_by_its_type_too() -> None:
    assert parse_resume_answer(200, b"Sign in", "text/HTML; charset=utf-8") == PAGE
    assert parse_resume_answer(200, b"{}", "text/html") == Delivered()


@pytest.mark.parametrize(
    ("fields", "progress"),
    [
        (
            {
                "status": "running",
                "current_task": "research_task",
                "progress": {"completed_tasks": 1, "total_tasks": 3},
            },
            Progress(
                status=CrewStatus.RUNNING,
                word="running",
                current_task="research_task",
                completed_tasks=1,
                total_tasks=3,
            ),
        ),
        (
            {"status": "completed", "result": {"output": "x", "tasks": [{}, {}]}},
            Progress(
                status=CrewStatus.COMPLETED,
                word="completed",
                current_task=None,
                completed_tasks=2,
                total_tasks=2,
                result=Output("x"),
            ),
        ),
        (
            {"status": "error", "error": "Ran out\nof tokens", "execution_time": 1.5},
            Progress(status=CrewStatus.FAILED, word="error", error="Ran out of tokens"),
        ),
        (
            {"state": "Pending Human Input", "progress": {"completed_tasks": True}},
            Progress(status=CrewStatus.OTHER, word="Pending Human Input"),
        ),
        ({"status": "COMPLETED"}, Progress(status=CrewStatus.COMPLETED, word="COMPLETED")),
        ({"status": "Failed"}, Progress(status=CrewStatus.FAILED, word="Failed")),
        (
            {"status": "running", "progress": [1], "current_task": 3},
            Progress(status=CrewStatus.RUNNING, word="running"),
        ),
        (
            {"status": "running", "progress": {"total_tasks": -1}},
            Progress(status=CrewStatus.RUNNING, word="running"),
        ),
    ],
)
def test_a_status_is_read_tolerantly(fields: object, progress: Progress) -> None:
    assert parse_status(json.dumps(fields).encode()) == progress


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (b"{}", ("no status (also accepted: state)",)),
        (b'{"status": null, "state": 1}', ("state must be a string, not a number",)),
        (b'{"status": " "}', ("status is empty",)),
        (b"Healthy", ("Expecting value: line 1 column 1 (char 0)",)),
    ],
)
def test_a_status_without_a_status_is_malformed(body: bytes, details: tuple[str, ...]) -> None:
    with pytest.raises(Malformed) as refused:
        parse_status(body)
    assert refused.value.details == details


def test_inputs_are_names() -> None:
    assert parse_inputs(b'{"inputs": ["topic", 7, "year"]}') == ("topic", "year")


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b'{"inputs": "topic"}', "inputs must be a list, not text"), (b"{}", "no inputs")],
)
def test_inputs_that_are_no_list_are_malformed(body: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_inputs(body)
    assert refused.value.details == (problem,)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "Bad Request", "message": "not  pending"}', "not pending"),
        (b'{"error": "Bad Request"}', "Bad Request"),
        (b'{"error": {"message": "inner"}}', "inner"),
        (b'{"detail": "FastAPI says"}', "FastAPI says"),
        (b'{"odd": 1}', ""),
        (b'["odd"]', ""),
        (b'{"message": "cut', ""),
        (b'\xef\xbb\xbf{"input": "cut', ""),
        (b"plain\ntext", "plain text"),
        (b'Bad body: {"token": "t"}', "Bad body:"),
        (b"<p>Bad body: {&quot;token&quot;: 1}</p>", "Bad body:"),
        (b"Bad [body], {really}", "Bad [body], {really}"),
        (
            b"<html><style>p {}</style><h1>502 Bad Gateway</h1><hr>proxy</html>",
            "502 Bad Gateway proxy",
        ),
        (
            b'{"message": "401 for https://h/?api_key=sk-LEAK&q=1"}',
            f"401 for https://h/?api_key={MARK}&q=1",
        ),
        (b"x" * 250 + b" Authorization: Bearer LEAK", "x" * 250 + f" Authorization: {MARK}"),
        (b"401\nAuthorization:\n  Bearer sk-LEAK", f"401 Authorization: {MARK}"),
        (b'{"error": "token: not accepted"}', "token: not accepted"),
        (b"x" * 1_000, "x" * 299 + "…"),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_crews_own_words_are_found(body: bytes, words: str) -> None:
    assert parse_error(body) == words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (
            [
                {
                    "type": "bool_parsing",
                    "loc": ["body", "tasks", 0, "ok"],
                    "msg": "Input should be a valid boolean",
                    "input": {"humanInputWebhook": {"authentication": {"token": "t"}}},
                },
                {"msg": "Field  required", "input": "t"},
                {"loc": ["body"], "input": "t"},
                {"loc": [{"odd": "t"}], "msg": "odd"},
                "text",
                "never told, for there are too many",
            ],
            "body.tasks.0.ok: Input should be a valid boolean; Field required; ?: odd; text",
        ),
        ([], ""),
        ({"message": "inner"}, "inner"),
        ({"token": "t"}, ""),
        (7, ""),
    ],
)
def test_of_what_fastapi_finds_wrong_the_input_is_not_told(detail: object, words: str) -> None:
    assert parse_error(json.dumps({"detail": detail}).encode()) == words
