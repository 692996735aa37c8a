"""The requests of pausing flows: both shapes, odd ones, and hostile ones."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.flow_requests import MESSAGE_LIMIT, parse_flow_request
from crewgate.crewai.wire import LABEL_LIMIT
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import (
    ASSIGNED_LIMIT,
    Ask,
    Format,
    RequestId,
    Rewritten,
    Source,
)
from crewgate.domain.people import Email

FLOW = "6f0c2f4a-0d7b-4a51-9a51-2f3c55a0e9d1"
FLAT: dict[str, Any] = {
    "event_type": "new_request",
    "id": "8412",
    "status": "pending",
    "flow_id": FLOW,
    "flow_class": "ContentFlow",
    "method_name": "review_article",
    "message": "Please review this article.",
    "output": "# Home batteries",
    "emit": ["approved", "rejected", "needs_revision"],
    "state": {"id": FLOW, "topic": "home batteries"},
    "metadata": {"region": "EU"},
    "callback_url": "https://app.crewai.com/requests/8412/respond?token=one-use-token",
    "response_token": "one-use-token",
    "assigned_to_email": "reviewer@example.com",
}
NESTED: dict[str, Any] = {
    "event": "new_request",
    "request": {
        "id": "0b7a2c52",
        "flow_id": "flow_9d1",
        "method_name": "review_article",
        "message": "Please review this article.",
        "emit_options": ["approved", "rejected"],
        "state": {"article_id": 7, "author": "editor@example.com"},
        "metadata": {},
    },
    "deployment": {"id": 12, "name": "Content flow"},
    "callback_url": "https://api.example.com/hitl/callback/one-use-token",
    "assigned_to_email": "reviewer@example.com",
}


def flat(**changes: Any) -> bytes:
    return json.dumps(FLAT | changes).encode()


def test_what_arrives_is_flat() -> None:
    request = parse_flow_request(flat())
    assert (request.flow_id, request.method) == (FLOW, "review_article")
    question = request.question
    assert (question.request_id, question.message) == ("8412", "Please review this article.")
    assert question.outcomes == ("approved", "rejected", "needs_revision")
    assert question.assigned == (Email("reviewer@example.com"),)
    assert request.output.text == "# Home batteries"
    assert request.meta == (("region", "EU"),)
    assert request.callback.url == FLAT["callback_url"]
    assert request.callback.token == "one-use-token"
    assert not request.escalation


def test_a_request_counts_the_secrets_that_its_host_took_out() -> None:
    some = ["yes", "no [redacted]"]
    request = parse_flow_request(flat(erased=2, flow_class="Of [redacted]", emit=some))
    assert request.output.erased == 2
    assert (request.question.outcomes, request.question.left_off) == (("yes",), 1)
    assert request.flow_name == ""
    state = {"note": "x", "api_key": "s3cret"}
    assert parse_flow_request(flat(erased=2, output="", state=state)).output.erased == 3


def test_what_is_documented_has_the_request_inside() -> None:
    request = parse_flow_request(json.dumps(NESTED).encode())
    assert (request.flow_id, request.question.request_id) == ("flow_9d1", "0b7a2c52")
    assert request.question.outcomes == ("approved", "rejected")
    assert request.question.assigned == (Email("reviewer@example.com"),)
    assert request.callback.url.endswith("/one-use-token")


def test_a_text_that_was_rewritten_has_its_original_and_the_lessons() -> None:
    """As `crewgate host` tells it; whoever does not know the field shows the text."""
    rewritten = {"original": {"price": 3}, "lessons": ["Cite\nit.", "x" * 400]}
    output = parse_flow_request(flat(output={"price": 4}, rewritten=rewritten)).output
    assert output.rewritten == Rewritten('{\n  "price": 3\n}', ("Cite it.", "x" * 299 + "…"))
    assert output.text == '{\n  "price": 4\n}'


@pytest.mark.parametrize(
    "rewritten",
    [
        *("Cite it.", [], {}, {"original": "a"}, {"lessons": ["a"]}),
        *({"original": "a", "lessons": some} for some in ([], [3], "Cite it.", ["a"] * 21)),
    ],
    ids=lambda one: repr(one)[:20],
)
def test_what_cannot_be_read_of_it_is_left_out(rewritten: object) -> None:
    output = parse_flow_request(flat(rewritten=rewritten)).output
    assert (output.text, output.rewritten) == ("# Home batteries", None)


DRAWN = {"flow_id": "f-1", "id": "8411", "keep": "Keep", "retire": "Retire"}


def test_a_lesson_names_the_answer_that_it_was_drawn_from() -> None:
    request = parse_flow_request(flat(drawn_from=DRAWN))
    assert request.source_request == RequestId(flow_id="f-1", request_id="8411")
    assert request.question.drawn_from == Source(keep="Keep", retire="Retire")


@pytest.mark.parametrize("lacks", DRAWN)
def test_a_lesson_without_one_of_these_is_a_question_as_any(lacks: str) -> None:
    given = {name: value for name, value in DRAWN.items() if name != lacks}
    request = parse_flow_request(flat(drawn_from=given))
    assert (request.source_request, request.question.drawn_from) == (None, None)


def test_without_an_output_the_state_is_shown_without_its_secrets() -> None:
    state = {"id": FLOW, "topic": "tea", "api_key": "sk-12345678"}
    request = parse_flow_request(flat(output=None, state=state))
    assert request.output.format is Format.JSON
    assert json.loads(request.output.text) == {"topic": "tea", "api_key": "[redacted]"}
    assert parse_flow_request(flat(output="", state={"id": FLOW})).output.text == ""
    assert parse_flow_request(flat(output="", state=["a"])).output.text == '[\n  "a"\n]'


def test_what_the_state_says_stands_for_what_the_caller_said() -> None:
    assert parse_flow_request(flat(metadata={})).meta == (("topic", "home batteries"),)
    assert parse_flow_request(flat(metadata=None, state=None)).meta == ()


def test_an_escalation_is_told_apart() -> None:
    assert parse_flow_request(flat(event_type="escalation")).escalation


def test_words_that_a_host_asks_for_have_their_text_as_the_output() -> None:
    """The state is what rules choose by, and not shown."""
    ask = {"place": "gather 2", "expires_at": "2026-03-01T10:00:00Z"}
    request = parse_flow_request(flat(output=None, metadata=None, ask=ask))
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert request.question.ask == Ask(place="gather 2", expires_at=at)
    assert (request.output.text, request.question.message) == ("Please review this article.", "")
    assert request.question.outcomes == ()
    assert request.meta == (("topic", "home batteries"),)


@pytest.mark.parametrize("ask", [None, True, {}, {"place": ""}, {"place": ["x"]}])
def test_an_ask_that_cannot_be_read_is_a_question_as_any(ask: object) -> None:
    question = parse_flow_request(flat(ask=ask)).question
    assert (question.ask, question.message) == (None, "Please review this article.")


@pytest.mark.parametrize("at", [None, "soon", "2026-03-01T10:00:00", 1e99])
def test_without_a_moment_that_is_sure_it_never_expires(at: object) -> None:
    asked = parse_flow_request(flat(ask={"place": "gather 2", "expires_at": at}))
    assert asked.question.ask == Ask(place="gather 2")


def test_ids_may_be_numbers_and_the_flow_may_be_named_by_its_state() -> None:
    assert parse_flow_request(flat(id=8412)).question.request_id == "8412"
    assert parse_flow_request(flat(flow_id=None)).flow_id == FLOW


@pytest.mark.parametrize("name", ["id", "flow_id", "method_name", "callback_url"])
def test_what_is_indispensable_is_named(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_flow_request(flat(**{name: None, "state": None}))
    assert f"no {name}" in caught.value.details[0]


@pytest.mark.parametrize("url", ["ftp://app.crewai.com/x", "respond", "https://", "https://a b/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Malformed, match="what it is about") as caught:
        parse_flow_request(flat(callback_url=url))
    assert caught.value.details == ("callback_url is not a web address",)


@pytest.mark.parametrize("event", ["responded", 7, ["new_request"], {"a": 1}])
def test_an_unknown_event_is_no_question(event: object) -> None:
    with pytest.raises(Malformed, match="event is not known"):
        parse_flow_request(flat(event_type=event))


def test_labels_are_kept_exactly_once_each_and_never_blank() -> None:
    emit = [" yes ", "no", "no", "", "  ", 7, None, "a\0b", "\ud800", "x" * (LABEL_LIMIT + 1)]
    question = parse_flow_request(flat(emit=emit)).question
    assert question.outcomes == (" yes ", "no")
    assert question.left_off == 3
    assert parse_flow_request(flat(emit="go")).question.outcomes == ("go",)
    assert parse_flow_request(flat(emit=None)).question.outcomes == ()


def test_of_very_many_labels_a_menus_worth_is_offered() -> None:
    question = parse_flow_request(flat(emit=[f"label {n}" for n in range(250)])).question
    assert (len(question.outcomes), question.left_off) == (100, 150)


def test_a_message_that_is_too_long_is_a_part_of_the_output() -> None:
    message = "m" * (MESSAGE_LIMIT + 1)
    request = parse_flow_request(flat(message=message))
    assert len(request.question.message) == MESSAGE_LIMIT
    assert request.output.text == f"{message}\n\n---\n\n# Home batteries"
    request = parse_flow_request(flat(message=message, output={"a": 1}))
    assert request.output.text.endswith('```json\n{\n  "a": 1\n}\n```')
    assert parse_flow_request(flat(message=7)).question.message == ""


def test_everybody_whom_a_request_names_may_decide() -> None:
    routing = {"effective_responders": ["Lead@Example.com", {"email": "b@example.com"}, 7, "<@U1>"]}
    request = parse_flow_request(
        flat(assigned_to={"id": 1, "email": "Reviewer@example.com"}, routing=routing)
    )
    names = ("reviewer@example.com", "lead@example.com", "b@example.com")
    assert request.question.assigned == tuple(map(Email, names))
    many = {"effective_responders": [f"p{n}@example.com" for n in range(2 * ASSIGNED_LIMIT)]}
    assert len(parse_flow_request(flat(routing=many)).question.assigned) == ASSIGNED_LIMIT
    assert parse_flow_request(flat(assigned_to_email=None, routing=[])).question.assigned == ()
    for unfit in ("a\ud800@example.com", "a\0@example.com"):
        assert parse_flow_request(flat(assigned_to_email=unfit)).question.assigned == ()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted({*FLAT, "routing", "request", "emit_options"})), JSON_VALUES)
def test_odd_values_are_read_or_refused(name: str, value: object) -> None:
    with suppress(Malformed):
        request = parse_flow_request(flat(**{name: value}))
        assert all(label.strip() for label in request.question.outcomes)
        request.question.message.encode()
        request.output.text.encode()
