"""Notifications are understood in all their spellings, and nothing odd breaks the reading."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.fields import pretty
from crewgate.crewai.payloads import (
    parse_notification,
)
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import Format, Output, WebhookUrls
from tests.crewai.bodies import EXECUTION, a_notification_body


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
    assert notification.execution_id == EXECUTION
    assert notification.task_id == "research_task"
    assert notification.output == Output(
        "## Findings\n\n- Demand grew 18 % in 2025.\n- Two vendors.\n"
    )
    assert notification.webhooks == WebhookUrls()
    assert notification.task_name is None


@pytest.mark.parametrize(
    ("said", "takes_edits"),
    [(["edited"], True), (["more", "edited"], True), ([], False), ("edited", False), (None, False)],
)
def test_only_who_says_so_takes_a_text_of_a_person(said: object, *, takes_edits: bool) -> None:
    body = json.dumps({"task_id": "t", "execution_id": "e", "resume_extensions": said}).encode()
    notification = parse_notification(body)
    assert notification.takes_edits is takes_edits
    assert notification.output == Output("")


def test_a_crew_says_which_pause_it_is_and_that_it_takes_a_key() -> None:
    fields = {"task_id": "t", "execution_id": "e"}
    more = {"pause_id": "t 1", "resume_extensions": ["idempotency_key"]}
    notification = parse_notification(json.dumps(fields | more).encode())
    assert (notification.pause_id, notification.takes_key) == ("t 1", True)
    assert not notification.takes_edits
    plain = parse_notification(json.dumps(fields | {"pause_id": 7}).encode())
    assert (plain.pause_id, plain.takes_key, plain.is_fetched) == (None, False, False)


@pytest.mark.parametrize("said", ["fetched", "FETCHED", "approved", True, ["fetched"], None])
def test_only_who_says_so_fetches_the_decision(said: object) -> None:
    fields = {"task_id": "t", "execution_id": "e", "task_output": "Hi.", "decision": said}
    notification = parse_notification(json.dumps(fields).encode())
    assert notification.is_fetched is (said == "fetched")
    assert notification.output == Output("Hi.")


def test_camel_case_is_understood() -> None:
    body = b"""{
      "executionId": "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
      "taskId": "2d0e8c1f-0a51-4a47-9f35-6a1b5a0f7b11",
      "taskOutput": "A first draft of the launch post."
    }"""
    notification = parse_notification(body)
    assert notification.execution_id == EXECUTION
    assert notification.task_id == "2d0e8c1f-0a51-4a47-9f35-6a1b5a0f7b11"
    assert notification.output.text == "A first draft of the launch post."


def test_a_name_that_lacks_a_secret_is_unreadable_and_the_text_counts_what_it_lacks() -> None:
    """As `crewgate host` sends them: rules count as strictly as they might."""
    body = a_notification_body(
        task_output="A [redacted] draft", task_name="Of [redacted]", agent="[redacted]", erased=3
    )
    found = parse_notification(body)
    assert (found.task_name, found.agent, found.output.erased) == ("", "", 3)
    assert found.output.text == "A [redacted] draft"
    alone = parse_notification(a_notification_body(task_output="", erased=3))
    assert alone.output == Output("", erased=3)


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
    assert parse_notification(a_notification_body(task_output=output)).output == Output(text, kind)


def test_what_pythons_json_reads_is_read() -> None:
    body = b'{"execution_id": "e", "task_id": "s", "output": "a", "task_id": "t", "output": 1e999}'
    notification = parse_notification(b"\xef\xbb\xbf" + body)
    assert notification.task_id == "t"
    assert notification.output == Output("Infinity", Format.JSON)
    assert parse_notification(b'{"\\ud800": 1, ' + body[1:]) == notification


def test_an_absent_output_is_empty() -> None:
    body = json.dumps({"execution_id": EXECUTION, "task_id": "t"}).encode()
    assert parse_notification(body).output == Output("")


def test_deep_json_with_many_leaves_does_not_explode() -> None:
    depth, leaves = 150, 100_000
    body = a_notification_body(task_output="@").replace(
        b'"@"', b"[" * depth + b",".join([b"1"] * leaves) + b"]" * depth
    )
    text = parse_notification(body).output.text
    assert len(text) < 2**20
    assert text.count("1") == leaves


def test_odd_optional_fields_never_refuse_a_notification() -> None:
    body = a_notification_body(
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
    assert notification.task_name == "\u2400" + "n" * 498 + "…"
    assert notification.expected_output == "a list"
    assert notification.agent is None
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
        ({"task_id": "x" * 513}, "task_id is longer than 512 characters or 1,024 bytes"),
        ({"task_id": "a\0b"}, "task_id has characters that cannot be stored"),
        ({"task_id": "a\udc00"}, "task_id has characters that cannot be stored"),
    ],
)
def test_an_unusable_id_is_named(changes: dict[str, object], words: str) -> None:
    (problem,) = problems(a_notification_body(**changes))
    assert problem.startswith(words)


@pytest.mark.parametrize("name", ["execution_id", "task_id"])
def test_an_id_that_no_index_takes_is_refused(name: str) -> None:
    (problem,) = problems(a_notification_body(**{name: "😀" * 512}))
    assert problem == f"{name} is longer than 512 characters or 1,024 bytes"
    taken = parse_notification(a_notification_body(**{name: "😀" * 256}))
    assert "😀" * 256 in (taken.execution_id, taken.task_id)


def test_ids_are_opaque_and_may_be_long() -> None:
    odd = "x" * 511 + "/"
    assert parse_notification(a_notification_body(task_id=odd)).task_id == odd


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
        a_notification_body(task_output="@").replace(b'"@"', b"9" * 5_000),
        a_notification_body(task_output="@").replace(b'"@"', b"[" * 200_000 + b"]" * 200_000),
        b"[" * 1_000_000,
    ],
)
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    assert problems(body)


def test_json_too_deep_to_show_is_malformed() -> None:
    for depth in range(100, 1_100, 50):
        nested = b"[" * depth + b"]" * depth
        body = a_notification_body(task_output="@").replace(b'"@"', nested)
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
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
    output = parse_notification(a_notification_body(**fields)).output.text
    output.encode()
    assert "\0" not in output
