"""Calls of tools in notifications: as the host sends them, odd ones, and hostile ones."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.payloads import parse_notification, resume_body
from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall, UsedTool
from crewgate.domain.notification import Format, Notification
from crewgate.domain.verdict import Approve, Decision, Person, Via
from tests.crewai.bodies import a_notification_body
from tests.crewai.crews import a_resume

SCHEMA = {
    "$defs": {
        "Colour": {"enum": ["red", "blue"], "type": "string"},
        "Deep": {"$ref": "#/$defs/Deep"},
    },
    "properties": {
        "to": {"type": "string"},
        "many": {"type": "integer"},
        "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "now": {"type": "boolean"},
        "colour": {"$ref": "#/$defs/Colour"},
        "deep": {"$ref": "#/$defs/Deep"},
        "lines": {"type": "array"},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "number": {"enum": [1, 2]},
        "odd": True,
    },
    "required": ["to"],
}
ARGUMENTS = {"to": "bob", "text": "Hi.", "many": 2}


def parsed(arguments: object = ARGUMENTS, written: object = None, **changes: Any) -> Notification:
    call = {"tool": "send_email", "arguments": arguments, "may_have_run": False} | changes
    output = json.dumps(arguments, indent=2) if written is None else written
    return parse_notification(a_notification_body(task_output=output, tool_call=call))


def test_a_call_is_read_with_what_was_filled_in_and_what_became_of_it_before() -> None:
    ran = {"state": "ran", "words": "Sent.", "at": "2026-11-30T10:00:00Z", "unsure": True}
    more: dict[str, object] = {"agent": "Clerk", "task": "mail", "ran": ran, "may_have_run": True}
    arguments = {"to": [{"street": "A", "country": "DE"}], "cc.all": 1}
    there = ["to", "to.0.country", "cc.all"]
    filled = [*there, "unknown", 7, "to.1.country", "to.0.city", "to.0.country.x"]
    found = parsed(arguments, filled_in=filled, **more)
    assert found.call is not None
    assert found.call.filled_in == tuple(there)
    assert found.call.earlier == CallResult(CallState.RAN, "Sent.", unsure=True)
    assert (found.agent, found.task_name) == ("Clerk", "mail")
    named = a_notification_body(agent="Boss", task_name="lead", tool_call={"tool": "x", **more})
    assert (parse_notification(named).agent, parse_notification(named).task_name) == (
        "Boss",
        "lead",
    )


@pytest.mark.parametrize(
    ("named", "read"),
    [
        (None, ()),
        ([], ()),
        (["purchase", "shop_purchase", "purchase"], ("purchase", "shop_purchase")),
        (["pay\u200b", 7, None], ("pay\\u200b", "")),
        ("purchase", ("purchase",)),
        ([f"n{number}" for number in range(21)], (*(f"n{number}" for number in range(20)), "")),
    ],
)
def test_a_call_is_read_with_all_names_of_its_tool(named: object, read: tuple[str, ...]) -> None:
    """One that cannot be read is empty, and so are those that are too many."""
    found = parsed(other_names=named)
    assert found.call is not None
    assert found.call.other_names == read


def test_a_call_is_read_with_the_arguments_that_a_form_can_change() -> None:
    body = a_notification_body(
        task_output='{"to": "bob", "text": "Hi.", "many": 2}',
        tool_call={"tool": "send_email", "arguments": ARGUMENTS, "schema": SCHEMA},
        resume_extensions=["arguments", "idempotency_key"],
    )
    found = parse_notification(body)
    assert found.call == ToolCall(
        "send_email",
        arguments=(
            Argument("to", Kind.TEXT, required=True),
            Argument("many", Kind.INTEGER),
            Argument("price", Kind.NUMBER),
            Argument("now", Kind.FLAG),
            Argument("colour", Kind.CHOICE, ("red", "blue")),
        ),
    )
    assert (found.takes_edits, found.takes_key) == (True, True)
    assert found.output.text == '{\n  "to": "bob",\n  "text": "Hi.",\n  "many": 2\n}'


def test_an_argument_of_another_kind_than_the_schema_says_is_in_no_form() -> None:
    found = parsed({"to": ["bob"], "many": True, "now": 1, "price": 2}, schema=SCHEMA).call
    assert found is not None
    assert [one.name for one in found.arguments] == ["price", "colour"]


@pytest.mark.parametrize(
    "written", ["A summary.", "{}", '{"to": "ann"}', {"to": "ann"}, "[" * 10_000]
)
def test_people_see_what_would_run_whatever_else_is_sent(written: object) -> None:
    found = parsed({"to": "bob"}, written)
    assert found.output.text == '{\n  "to": "bob"\n}'


@pytest.mark.parametrize(("arguments", "text"), [("Bob, hi.", "Bob, hi."), ([1], "[\n  1\n]")])
def test_arguments_that_are_no_object_are_shown_as_they_are(arguments: object, text: str) -> None:
    assert parsed(arguments, "Other.").output.text == text


@pytest.mark.parametrize("odd", [True, "send", [], {}, {"tool": 7}, {"tool": "", "arguments": 1}])
def test_a_call_that_cannot_be_read_is_still_a_call(odd: object) -> None:
    found = parse_notification(a_notification_body(tool_call=odd, resume_extensions=["edited"]))
    assert found.call == ToolCall("")
    assert not found.takes_edits


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("send_email", "send_email"),
        ("send\u200b_email", "send\\u200b_email"),
        ("a\nb", "a\\nb"),
        ("\ud800", "\\ud800"),
        (" höflich ", "höflich"),
        ("x" * 9_000, "x" * 500),
    ],
)
def test_no_tools_name_passes_for_another(name: str, shown: str) -> None:
    call = parsed(tool=name).call
    assert call is not None
    assert call.tool == shown


def test_arguments_are_kept_as_the_tool_gets_them() -> None:
    secret = {"password": "hunter2x", "pin": 1234, "auth": {"token": "abcd1234"}, "text": "Hi."}
    found = parsed(secret)
    assert found.output.format is Format.JSON
    assert json.loads(found.output.text) == secret
    assert found.call is not None
    assert found.call.hides
    plain = parsed({"text": 'token="Dear Bob"', "total_tokens": 7}).call
    assert plain is not None
    assert not plain.hides


@pytest.mark.parametrize(
    ("erased", "count"), [(None, 0), (2, 2), (-1, 0), (True, 0), ("2", 0), (10**30, 0)]
)
def test_a_host_says_how_many_passages_it_took_out(erased: object, count: int) -> None:
    call = parsed(erased=erased).call
    assert call is not None
    assert call.erased == count


def test_a_tools_name_that_lacks_a_secret_is_unreadable() -> None:
    call = parsed(tool="send_[redacted]", other_names=["[redacted]", "mail"]).call
    assert call is not None
    assert (call.tool, call.other_names) == ("", ("", "mail"))


def test_long_arguments_are_kept_whole() -> None:
    long = "x" * 200_000
    assert json.loads(parsed({"text": long}).output.text) == {"text": long}


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        ({"state": "ran", "words": "Sent."}, CallResult(CallState.RAN, "Sent.")),
        ({"state": "failed", "words": 7}, CallResult(CallState.FAILED)),
        ({"state": "closed"}, CallResult(CallState.CLOSED)),
        ({"state": "exploded", "words": "x"}, None),
        ({}, None),
        ("ran", None),
        (None, None),
    ],
)
def test_the_end_of_a_call_is_read(outcome: object, result: CallResult | None) -> None:
    call = {"tool": "send_email", "arguments": {}}
    found = parse_notification(a_notification_body(tool_call=call, outcome=outcome))
    assert found.call_result == result
    assert parse_notification(a_notification_body(outcome=outcome)).call_result is None


def test_the_tools_used_are_read_as_far_as_they_can_be() -> None:
    used = [
        {"tool": "search", "count": 4, "approved": 0},
        {"tool": "send", "count": 1, "approved": 7},
        {"tool": "none", "count": 0},
        "odd",
    ]
    found = parse_notification(a_notification_body(tools_used=used))
    assert found.tools_used == (UsedTool("search", 4), UsedTool("send", 1))
    assert parse_notification(a_notification_body(tools_used="all")).tools_used == ()


def test_the_choices_of_a_question_are_offered_as_they_came() -> None:
    ask = {
        "place": "paint: ask_people",
        "choices": ["Red ", "blue", "blue", " ", "[redacted]", "x" * 501],
    }
    found = parse_notification(a_notification_body(ask=ask)).ask
    assert found is not None
    assert found.choices == ("Red ", "blue")


def test_other_arguments_take_the_place_of_the_verdict() -> None:
    at = datetime(2026, 5, 12, tzinfo=UTC)
    decision = Decision(verdict=Approve(), by=Person("U1", "Ana"), at=at, via=Via.EDIT)
    body = resume_body(a_resume("e", "t", decision, edited={"to": "ann"}))
    assert body["edited"] == {"arguments": {"to": "ann"}, "is_approve": True}
    assert "is_approve" not in body


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(call=JSON, schema=JSON, outcome=JSON, used=JSON)
def test_nothing_odd_breaks_the_reading(
    call: object, schema: object, outcome: object, used: object
) -> None:
    wrapped = {"tool": call, "arguments": call, "schema": {"properties": schema, "required": call}}
    for one in (call, wrapped):
        body = a_notification_body(tool_call=one, outcome=outcome, tools_used=used)
        found = parse_notification(body)
        assert (found.call is None) == (one is None)
