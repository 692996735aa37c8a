"""The values that a caller gives at kickoff: kept short, without secrets, for people to read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.given import (
    ASKED_NAME_LIMIT,
    ASKED_VALUE_LIMIT,
    GIVEN_LIMIT,
    NAME_LIMIT,
    NAMES_LIMIT,
    VALUE_LIMIT,
    read_given,
)
from crewgate.crewai.kickoff import new_kickoff, parse_kickoff
from crewgate.crewai.payloads import parse_notification
from crewgate.domain.notification import UNKNOWN, HiddenValue, shown, value_of


def test_a_kickoffs_inputs_and_meta_are_read() -> None:
    body = {"inputs": {"topic": "tea", "words": 200}, "meta": {"ticket": "T-1"}}
    request = parse_kickoff(json.dumps(body).encode())

    assert request.inputs == (("topic", "tea"), ("words", "200"))
    assert request.meta == (("ticket", "T-1"),)
    assert json.loads(request.body) == body


def test_a_notifications_meta_is_read() -> None:
    body = {"execution_id": "e", "task_id": "t", "meta": {"ticket": "T-1", "n": 1.5, "on": True}}

    meta = parse_notification(json.dumps(body).encode()).meta

    assert meta == (("ticket", "T-1"), ("n", "1.5"), ("on", "true"))


def test_who_started_it_is_never_one_too_many() -> None:
    many = {f"n{n}": "x" for n in range(30)}
    found = read_given(many | {"started_by": "U0ANA"})
    assert shown(found) == (*list(many.items())[:9], ("started_by", "U0ANA"))


@pytest.mark.parametrize("meta", [None, [], "text", 1])
def test_what_is_no_object_gives_nothing(meta: object) -> None:
    assert shown(read_given(meta)) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "abc"),
        ("crmToken", "abc"),
        ("db_password", "abc"),
        ("taskWebhookUrl", "https://theirs.example/task"),
        ("humanInputWebhook", {"url": "https://theirs.example"}),
        ("auth", "Bearer abc"),
        ("git", "ghp_1234567890abcdefghij1234567890"),
        ("repository", "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"),
        *((name, "1234") for name in ("PIN", "card_pin", "cardPin", "pinCode", "cvc2", "OTP")),
        ("config", '{"api_key": "abc"}'),
        ("header", "Authorization: Bearer abc"),
        ("link", "https://files.example/a?signature=1"),
        ("link", "https://user@files.example/"),
        ("text", "x" * (VALUE_LIMIT + 1)),
        ("n" * (NAME_LIMIT + 1), "x"),
        ("", "x"),
        ("blank", " \n"),
        ("nested", {"a": 1}),
        ("list", [1]),
        ("nothing", None),
    ],
)
def test_what_is_secret_long_or_nested_is_left_out(name: str, value: object) -> None:
    assert shown(read_given({name: value, "kept": "yes"})) == (("kept", "yes"),)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("text", "x" * ASKED_VALUE_LIMIT, "x" * ASKED_VALUE_LIMIT),
        ("text", "x" * (ASKED_VALUE_LIMIT + 1), HiddenValue()),
        ("n" * (NAME_LIMIT + 1), "x", "x"),
        ("blank", " \n", ""),
        ("nothing", None, None),
        ("list", [1], HiddenValue()),
        ("api_key", "abc", HiddenValue()),
        ("taskWebhookUrl", "https://theirs.example/task", HiddenValue()),
        ("link", "https://files.example/a?signature=1", HiddenValue()),
    ],
)
def test_rules_are_told_what_is_too_long_to_be_shown_and_never_a_secret(
    name: str, value: object, told: str | HiddenValue | None
) -> None:
    assert value_of(read_given({name: value}), name) == told


def test_rules_are_told_of_all_that_came() -> None:
    came = read_given({f"n{n}": str(n) for n in range(30)} | {"amount": 90_000})
    assert len(shown(came)) == GIVEN_LIMIT
    assert (value_of(came, "n0"), value_of(came, "amount")) == ("0", "90000")
    assert value_of(came, "other") is None


def test_of_more_names_than_are_kept_the_rest_cannot_be_told() -> None:
    came = read_given({f"n{n}": "x" for n in range(NAMES_LIMIT + GIVEN_LIMIT + 1)})
    assert (value_of(came, "n0"), value_of(came, "n10")) == ("x", HiddenValue())
    assert value_of(read_given({"n" * (ASKED_NAME_LIMIT + 1): "x"}), "other") is None


@pytest.mark.parametrize("text", ['{"amount": 90000.10}', ' {"amount": "90000.10"} '])
def test_an_object_may_be_written_as_a_text(text: str) -> None:
    assert read_given(text) == (("amount", "90000.10"),)
    body = json.dumps({"execution_id": "e", "task_id": "t", "inputs": text}).encode()
    assert parse_notification(body).inputs == (("amount", "90000.10"),)


@pytest.mark.parametrize("value", ["text", "[1]", '{"a": ', "[" * 10**5, [1], 1])
def test_what_is_no_object_cannot_be_told(value: object) -> None:
    assert read_given(value) == UNKNOWN


def test_a_notification_mostly_says_no_inputs() -> None:
    assert parse_notification(b'{"execution_id": "e", "task_id": "t"}').inputs is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("level", "Basic English"), ("author", "Ana"), ("topic", "Authorization: the board decides")],
)
def test_what_only_reads_like_a_credential_is_shown(name: str, text: str) -> None:
    assert read_given({name: text}) == ((name, text),)


def test_an_address_that_anybody_may_know_is_shown() -> None:
    for site in ("https://example.com/about-us", "https://blog.example/2026-A-Long-Title"):
        assert read_given({"website": site}) == (("website", site),)


def test_a_form_s_secrets_are_sent_and_not_shown() -> None:
    hook = "https://hooks.example/?t=T0A1B2C3D4E5F6G7H8"
    secrets = {"api_key": "abc", "git": "ghp_1234567890abcdefghij1234567890", "hook": hook}
    request = new_kickoff({"topic": "tea"} | secrets)

    assert json.loads(request.body) == {"inputs": {"topic": "tea"} | secrets}
    assert shown(request.inputs) == (("topic", "tea"),)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans(), st.floats())))
def test_whatever_is_given_little_is_shown(value: dict[str, object]) -> None:
    kept = shown(read_given(value))

    assert len(kept) <= GIVEN_LIMIT
    assert all(len(name) <= NAME_LIMIT and len(text) <= VALUE_LIMIT for name, text in kept)
    assert not any("\0" in name + text for name, text in kept)
