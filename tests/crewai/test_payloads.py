"""What crews send is understood in all its spellings, and nothing odd breaks the reading."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.crewai.fields import pretty
from bot.crewai.kickoff import (
    parse_kickoff,
    parse_missing_inputs,
    parse_registration,
    parse_started,
)
from bot.crewai.payloads import (
    parse_error,
    parse_inputs,
    parse_notification,
    parse_resume_answer,
    parse_status,
    resume_body,
)
from bot.crewai.updates import parse_crew, parse_step, parse_task
from bot.domain.errors import Malformed
from bot.domain.execution import CrewUpdate, ExecutionUpdate, StepUpdate, TaskUpdate
from bot.domain.notification import Format, HumanInputWebhook, Output, WebhookUrls
from bot.domain.outcome import ResumeStatus
from bot.domain.verdict import Approve, Decision, Person, Revise, Verdict, Via
from bot.usecases.read_models import CrewStatus, Progress

RUN = "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b"


def a_notification(**changes: Any) -> bytes:
    fields = {"execution_id": RUN, "task_id": "research_task", "task_output": "text"}
    return json.dumps(fields | changes).encode()


def a_decision(verdict: Verdict) -> Decision:
    return Decision(verdict, Person("U1", "Ana"), datetime(2026, 1, 1, tzinfo=UTC), Via.BUTTON)


def problems(body: bytes) -> tuple[str, ...]:
    with pytest.raises(Malformed) as refused:
        parse_notification(body)
    assert refused.value.details
    return refused.value.details


def test_the_reference_is_understood() -> None:
    body = b"""{
      "execution_id": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
      "task_id": "research_task",
      "task_output": "## Findings\\n\\n- Demand grew 18 % in 2025.\\n- Two vendors.\\n"
    }"""
    notification = parse_notification(body)
    assert notification.execution_id == RUN
    assert notification.task_id == "research_task"
    assert notification.output == Output(
        "## Findings\n\n- Demand grew 18 % in 2025.\n- Two vendors.\n"
    )
    assert notification.webhooks == WebhookUrls()
    assert notification.task_name is None


def test_camel_case_is_understood() -> None:
    body = b"""{
      "executionId": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
      "taskId": "2d0e8c1f-0a51-4a47-9f35-6a1b5a0f7b11",
      "taskOutput": "A first draft of the launch post."
    }"""
    notification = parse_notification(body)
    assert notification.execution_id == RUN
    assert notification.task_id == "2d0e8c1f-0a51-4a47-9f35-6a1b5a0f7b11"
    assert notification.output.text == "A first draft of the launch post."


def test_json_output_is_understood() -> None:
    body = b"""{
      "execution_id": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
      "task_id": "c9b4f4d8-7d0e-4a77-8a56-3a3f7f0b9e10",
      "crew_name": "governance",
      "task_name": "qa_gate_review",
      "task_output": {
        "recommendation": "proceed",
        "score": 0.85,
        "alternatives": [
          {"action": "proceed", "rationale": "evidence is strong"},
          {"action": "retry", "rationale": "two areas are thin"}
        ]
      },
      "meta": {"requestId": "req-42", "taskWebhookUrl": "https://hooks.example.com/task"}
    }"""
    notification = parse_notification(body)
    assert notification.task_name == "qa_gate_review"
    assert notification.output.format is Format.JSON
    assert notification.output.text.startswith('{\n  "recommendation": "proceed",\n  "score": 0.85')
    assert notification.webhooks == WebhookUrls(task="https://hooks.example.com/task")


def test_the_first_name_that_is_present_and_not_null_counts() -> None:
    body = json.dumps(
        {
            "execution_id": None,
            "kickoffId": "fourth",
            "kickoff_id": "third",
            "taskId": "t",
            "task_output": None,
            "result": "later",
            "output": "sooner",
        }
    ).encode()
    notification = parse_notification(body)
    assert (notification.execution_id, notification.output.text) == ("third", "sooner")


@pytest.mark.parametrize(
    ("output", "text", "kind"),
    [
        ("", "", Format.MARKDOWN),
        (None, "", Format.MARKDOWN),
        ({"raw": "from raw", "json": 1}, "from raw", Format.MARKDOWN),
        ({"raw": {"a": "é"}}, '{\n  "raw": {\n    "a": "é"\n  }\n}', Format.JSON),
        ([1, "two"], '[\n  1,\n  "two"\n]', Format.JSON),
        ({}, "{}", Format.JSON),
        (0, "0", Format.JSON),
        (float("nan"), "NaN", Format.JSON),
        ({"a": [float("-inf")]}, '{\n  "a": [\n    -Infinity\n  ]\n}', Format.JSON),
        (False, "false", Format.JSON),
        ("a\0b\r\nc\ud800", "a\u2400b\nc\ufffd", Format.MARKDOWN),
        ({"k": "\ud800"}, '{\n  "k": "\ufffd"\n}', Format.JSON),
    ],
)
def test_outputs_of_every_kind_are_shown(output: object, text: str, kind: Format) -> None:
    assert parse_notification(a_notification(task_output=output)).output == Output(text, kind)


def test_what_pythons_json_reads_is_read() -> None:
    body = b'{"execution_id": "e", "task_id": "s", "output": "a", "task_id": "t", "output": 1e999}'
    notification = parse_notification(b"\xef\xbb\xbf" + body)
    assert notification.task_id == "t"
    assert notification.output == Output("Infinity", Format.JSON)
    assert parse_notification(b'{"\\ud800": 1, ' + body[1:]) == notification


def test_an_absent_output_is_empty() -> None:
    body = json.dumps({"execution_id": RUN, "task_id": "t"}).encode()
    assert parse_notification(body).output == Output("")


def test_deep_json_with_many_leaves_does_not_explode() -> None:
    depth, leaves = 150, 100_000
    body = a_notification(task_output="@").replace(
        b'"@"', b"[" * depth + b",".join([b"1"] * leaves) + b"]" * depth
    )
    text = parse_notification(body).output.text
    assert len(text) < 2**20
    assert text.count("1") == leaves


def test_odd_optional_fields_never_refuse_a_notification() -> None:
    body = a_notification(
        task_name=7,
        name="\0" + "n" * 600,
        agent={"role": "x"},
        summary="   ",
        description=["d"],
        expected_output="a list",
        meta="m",
        humanInputWebhook="nope",
        taskWebhookUrl={"url": "x"},
        anything={"else": [1]},
    )
    notification = parse_notification(body)
    assert notification.task_name == "\u2400" + "n" * 499
    assert notification.expected_output == "a list"
    assert (notification.agent, notification.summary) == (None, None)
    assert notification.task_description is None
    assert notification.webhooks == WebhookUrls()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"execution_id": None}, "no execution_id (also accepted: executionId, kickoff_id, kick"),
        ({"task_id": None}, "no task_id (also accepted: taskId)"),
        ({"execution_id": ""}, "execution_id is empty"),
        ({"execution_id": 7}, "execution_id must be a string, not a number"),
        ({"execution_id": True}, "execution_id must be a string, not a boolean"),
        ({"task_id": ["x"]}, "task_id must be a string, not a list"),
        ({"task_id": {"x": 1}}, "task_id must be a string, not an object"),
        ({"task_id": "x" * 513}, "task_id is longer than 512 characters"),
        ({"task_id": "a\0b"}, "task_id has characters that cannot be stored"),
        ({"task_id": "a\udc00"}, "task_id has characters that cannot be stored"),
    ],
)
def test_an_unusable_id_is_named(changes: dict[str, object], words: str) -> None:
    (problem,) = problems(a_notification(**changes))
    assert problem.startswith(words)


def test_ids_are_opaque_and_may_be_long() -> None:
    odd = "x" * 511 + "/"
    assert parse_notification(a_notification(task_id=odd)).task_id == odd


def test_all_problems_are_listed() -> None:
    assert len(problems(b"{}")) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        a_notification(task_output="@").replace(b'"@"', b"9" * 5_000),
        a_notification(task_output="@").replace(b'"@"', b"[" * 200_000 + b"]" * 200_000),
        b"[" * 1_000_000,
    ],
)
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    assert problems(body)


def test_json_too_deep_to_show_is_malformed() -> None:
    for depth in range(100, 1_100, 50):
        nested = b"[" * depth + b"]" * depth
        body = a_notification(task_output="@").replace(b'"@"', nested)
        try:
            parse_notification(body)
        except Malformed as refused:
            assert "deeply" in str(refused)  # noqa: PT017  # either answer is right


def test_showing_json_too_deep_to_show_is_malformed_not_a_crash() -> None:
    value: object = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(Malformed):
        pretty(value)


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
    parse_resume_answer(body)
    parse_error(body)
    parse_started(body)
    parse_missing_inputs(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(
            (
                "task_output",
                "output",
                "agent",
                "name",
                "meta",
                "humanInputWebhook",
                "crewWebhookUrl",
            )
        ),
        JSON,
    )
)
def test_nothing_but_the_ids_can_refuse_a_notification(fields: dict[str, object]) -> None:
    output = parse_notification(a_notification(**fields)).output.text
    output.encode()
    assert "\0" not in output


def test_urls_are_found_at_the_top_or_under_meta() -> None:
    body = a_notification(
        task_webhook_url="http://a.example/t",
        stepWebhookUrl="ftp://a.example/s",
        humanInputWebhookUrl="https://a.example/h",
        meta={
            "taskWebhookUrl": "http://meta.example/t",
            "stepWebhookUrl": "http://meta.example/s",
            "crewWebhookUrl": "http://meta.example/c",
        },
    )
    assert parse_notification(body).webhooks == WebhookUrls(
        task="http://a.example/t",
        step="http://meta.example/s",
        crew="http://meta.example/c",
        human_input=HumanInputWebhook("https://a.example/h"),
    )


def test_urls_stay_as_they_were_written() -> None:
    url = "HTTP://Bücher.example?q=%C3%BC#é"
    assert parse_notification(a_notification(crewWebhookUrl=url)).webhooks.crew == url


def test_an_odd_human_input_webhook_yields_to_a_plain_url() -> None:
    body = a_notification(humanInputWebhook={"url": 7}, human_input_webhook_url="http://h.x")
    assert parse_notification(body).webhooks.human_input == HumanInputWebhook("http://h.x")


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        (
            {"strategy": "bearer", "token": "t"},
            HumanInputWebhook("http://h.x", "bearer", token="t"),
        ),
        (
            {"strategy": "basic", "username": "u", "password": "p"},
            HumanInputWebhook("http://h.x", "basic", username="u", password="p"),
        ),
        ({"strategy": "magic"}, HumanInputWebhook("http://h.x")),
        ({"strategy": "bearer", "token": "\ud800"}, HumanInputWebhook("http://h.x")),
        (
            {"strategy": "basic", "username": "u", "password": "\0"},
            HumanInputWebhook("http://h.x"),
        ),
        (None, HumanInputWebhook("http://h.x")),
    ],
)
def test_a_human_input_webhook_comes_with_its_credentials(
    authentication: object, expected: HumanInputWebhook
) -> None:
    body = a_notification(humanInputWebhook={"url": "http://h.x", "authentication": authentication})
    assert parse_notification(body).webhooks.human_input == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:host",
        "http:///host",
        "//host/path",
        "javascript:alert(1)",
        "http://host:port/",
        "http://[::1/",
        "http://a b/",
        "http://host/\n",
        "http://host/" + "x" * 2_000,
        7,
    ],
)
def test_what_is_no_web_address_is_ignored(url: object) -> None:
    body = a_notification(taskWebhookUrl=url, humanInputWebhook={"url": url})
    assert parse_notification(body).webhooks == WebhookUrls()


@pytest.mark.parametrize(
    ("parse", "body", "update"),
    [
        (
            parse_task,
            {"description": "d", "name": "research_task", "output": "x", "output_json": {"a": 1}},
            TaskUpdate(title="research_task"),
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
    assert parse(json.dumps(body | {"kickoff_id": RUN}).encode()) == (RUN, update)
    with pytest.raises(Malformed) as refused:
        parse(json.dumps(body).encode())
    assert refused.value.details[0].startswith("no execution_id")


def test_a_resume_has_four_fields_and_the_urls_that_exist() -> None:
    assert resume_body("e", "t", a_decision(Approve()), WebhookUrls()) == {
        "execution_id": "e",
        "task_id": "t",
        "human_feedback": "Approved.",
        "is_approve": True,
    }
    urls = WebhookUrls(
        task="http://t", crew="http://c", human_input=HumanInputWebhook("h", "bearer", token="s")
    )
    assert resume_body("e", "t", a_decision(Revise("  as written\n")), urls) == {
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


def test_a_human_input_webhook_without_credentials_is_sent_without() -> None:
    urls = WebhookUrls(step="http://s", human_input=HumanInputWebhook("h"))
    body = resume_body("e", "t", a_decision(Approve("Go")), urls)
    assert body["humanInputWebhook"] == {"url": "h"}
    assert (body["stepWebhookUrl"], body["human_feedback"]) == ("http://s", "Go")


@pytest.mark.parametrize(
    ("body", "words", "status"),
    [
        (
            b'{"status": "resumed", "message": "On we\\ngo"}',
            "resumed: On we go",
            ResumeStatus.RESUMED,
        ),
        (b'{"status": "Retrying"}', "Retrying", ResumeStatus.RETRYING),
        (b'{"status": "completed"}', "completed", ResumeStatus.COMPLETED),
        (b'{"status": "well"}', "well", None),
        (b'{"status": 1, "message": "m"}', "m", None),
        (b'{"status": " ", "message": null}', "", None),
        (b"[]", "", None),
        (b"<html>", "", None),
        (b"", "", None),
    ],
)
def test_an_answer_to_a_resume_becomes_one_line_and_a_status(
    body: bytes, words: str, status: ResumeStatus | None
) -> None:
    assert parse_resume_answer(body) == (words, status)


@pytest.mark.parametrize(
    ("fields", "progress"),
    [
        (
            {
                "status": "running",
                "current_task": "research_task",
                "progress": {"completed_tasks": 1, "total_tasks": 3},
            },
            Progress(CrewStatus.RUNNING, "running", "research_task", 1, 3),
        ),
        (
            {"status": "completed", "result": {"output": "x", "tasks": [{}, {}]}},
            Progress(CrewStatus.COMPLETED, "completed", None, 2, 2, result=Output("x")),
        ),
        (
            {"status": "error", "error": "Ran out\nof tokens", "execution_time": 1.5},
            Progress(CrewStatus.FAILED, "error", error="Ran out of tokens"),
        ),
        (
            {"state": "Pending Human Input", "progress": {"completed_tasks": True}},
            Progress(CrewStatus.OTHER, "Pending Human Input"),
        ),
        ({"status": "COMPLETED"}, Progress(CrewStatus.COMPLETED, "COMPLETED")),
        ({"status": "Failed"}, Progress(CrewStatus.FAILED, "Failed")),
        (
            {"status": "running", "progress": [1], "current_task": 3},
            Progress(CrewStatus.RUNNING, "running"),
        ),
        (
            {"status": "running", "progress": {"total_tasks": -1}},
            Progress(CrewStatus.RUNNING, "running"),
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
        (b'{"odd": 1}', '{"odd": 1}'),
        (b"plain\ntext", "plain text"),
        (
            b"<html><style>p {}</style><h1>502 Bad Gateway</h1><hr>proxy</html>",
            "502 Bad Gateway proxy",
        ),
        (b"x" * 1_000, "x" * 299 + "…"),
        (b"\xff", "\ufffd"),
        (b"", ""),
    ],
)
def test_the_crews_own_words_are_found(body: bytes, words: str) -> None:
    assert parse_error(body) == words
