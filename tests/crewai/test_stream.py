"""Batches of the event stream, under the documented names and the library's."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.stream import parse_events, stream_body
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import HumanInputWebhook, Output
from crewgate.domain.stream import (
    LONG_AGO,
    EventBody,
    Failed,
    FeedbackReceived,
    Finished,
    MethodFinished,
    StreamEvent,
    TaskFinished,
    TaskStarted,
)
from tests.crewai.bodies import EXECUTION


def event(type_: str, data: object = None, **changes: Any) -> dict[str, Any]:
    fields = {
        "id": "event-1",
        "execution_id": EXECUTION,
        "timestamp": "2026-11-01T09:00:00Z",
        "type": type_,
        "data": data,
    }
    return fields | changes


def parse(*events: object) -> tuple[StreamEvent, ...]:
    return parse_events(json.dumps({"events": events}).encode())


@pytest.mark.parametrize(
    ("type_", "data", "what", "of_flow"),
    [
        ("task_started", {"task_name": "draft"}, TaskStarted("draft"), False),
        ("task_started", {"task": {"name": "draft"}}, TaskStarted("draft"), False),
        ("task_started", {}, None, False),
        (
            "task_completed",
            {"name": "draft", "output": {"summary": "Short."}, "agent_role": "Writer"},
            TaskFinished("draft", "Short.", "Writer"),
            False,
        ),
        ("crew_kickoff_completed", {"output": "Done."}, Finished(Output("Done.")), False),
        (
            "crew_kickoff_completed",
            {"output": {"raw": "Done."}, "total_tokens": 7},
            Finished(Output("Done."), 7),
            False,
        ),
        ("crew_kickoff_completed", None, Finished(), False),
        ("crew_kickoff_failed", {"error": "No key."}, Failed("No key."), False),
        ("crew_kickoff_failed", {"error": {"message": "No."}}, Failed("No."), False),
        ("crew_kickoff_failed", "?", Failed(), False),
        ("flow_started", {}, None, True),
        ("flow_paused", {}, None, True),
        ("method_execution_started", {"method_name": "review"}, TaskStarted("review"), True),
        ("method_execution_finished", {"method_name": "review"}, MethodFinished("review"), True),
        ("method_execution_finished", {}, None, True),
        ("flow_finished", {"result": "Out."}, Finished(Output("Out.")), True),
        ("flow_failed", {"error": "No."}, Failed("No."), True),
        ("human_feedback_received", {"request_id": "8412"}, FeedbackReceived("8412"), True),
        ("human_feedback_received", {}, None, True),
    ],
)
def test_what_counts_is_read(
    type_: str, data: object, what: EventBody | None, of_flow: bool
) -> None:
    (found,) = parse(event(type_, data))
    assert found == StreamEvent(
        id="event-1",
        execution_id=EXECUTION,
        at=datetime(2026, 11, 1, 9, tzinfo=UTC),
        of_flow=of_flow,
        body=what,
    )


def test_a_flow_keeps_the_id_of_its_kickoff_in_its_state() -> None:
    (found,) = parse(event("flow_finished", {"state": {"id": "kickoff-1"}}))
    assert found.execution_id == "kickoff-1"
    (crews,) = parse(event("crew_kickoff_completed", {"state": {"id": "kickoff-1"}}))
    assert crews.execution_id == EXECUTION


def test_events_are_put_in_the_order_in_which_they_happened() -> None:
    names = ["c", "a", "d", "b"]
    times: list[object] = ["2026-11-01T09:00:02+00:00", None, 1_793_523_603, "2026-11-01T09:00:01"]
    events = [
        event("task_started", {"name": name}, timestamp=at)
        for name, at in zip(names, times, strict=True)
    ]
    found = [one.body for one in parse(*events)]
    assert found == [TaskStarted(name) for name in "abcd"]


@pytest.mark.parametrize("at", ["soon", 1e300, float("nan"), [], {}, True, "2026-11-01"])
def test_odd_times_are_long_ago_or_times(at: object) -> None:
    (found,) = parse(event("flow_started", timestamp=at))
    assert found.at.tzinfo is not None
    assert found.at >= LONG_AGO


def test_an_event_without_an_id_is_known_by_what_it_says() -> None:
    (one,) = parse(event("flow_started", id=None))
    (same,) = parse(event("flow_started", id=None))
    (other,) = parse(event("flow_paused", id=None))
    assert one.id == same.id != other.id


def test_what_means_nothing_is_left_out() -> None:
    odd = [7, None, {}, {"type": "task_started"}, event("llm_call_started"), event("x", id="y")]
    assert parse(*odd, event("flow_started"), event("task_started", execution_id="")) == parse(
        event("flow_started")
    )


@pytest.mark.parametrize("body", [b"?", b"[]", b"{}", b'{"events": {}}', b"\xff"])
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_events(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = ("task", "name", "method_name", "output", "result", "error", "state", "request_id", "agent")


@given(
    st.sampled_from(["task_completed", "flow_finished", "human_feedback_received"]),
    st.dictionaries(st.sampled_from(NAMES), VALUES),
    VALUES,
)
def test_odd_data_never_fails(type_: str, data: dict[str, Any], at: object) -> None:
    with suppress(Malformed):
        for found in parse(event(type_, data, timestamp=at)):
            assert found.execution_id


def test_a_kickoff_asks_for_it_with_the_credentials_to_present() -> None:
    body = stream_body(HumanInputWebhook("https://bot/stream", "bearer", token="secret"))
    assert body["url"] == "https://bot/stream"
    assert body["authentication"] == {"strategy": "bearer", "token": "secret"}
    assert body["realtime"] is False
    assert "flow_finished" in json.dumps(body["events"])
