"""Members of a JSON object are replaced; what else there is stays byte for byte."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.fields import parse_object
from crewgate.crewai.kickoff import kickoff_body, new_kickoff, parse_kickoff, replace_members
from crewgate.domain.notification import WebhookUrls


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{}", {}, "{}"),
        ("{}", {"a": None}, '{"a": null}'),
        (" {\n} ", {"a": 1, "b": []}, ' {\n"a": 1, "b": []} '),
        ('{"n": 0.10, "m":1e400}', {"a": 1}, '{"n": 0.10, "m":1e400, "a": 1}'),
        ('{"a" : [1.0, {"a": 2}] , "b":-0}', {"a": "x"}, '{"a" : "x" , "b":-0}'),
        ('{"a": 1, "\\u0061": 2}', {"a": 3}, '{"a": 3, "\\u0061": 3}'),
        ('{"n": NaN, "é": "\\ud800}\\""}', {"a": 1}, '{"n": NaN, "é": "\\ud800}\\"", "a": 1}'),
    ],
)
def test_only_what_is_named_changes(text: str, values: dict[str, Any], expected: str) -> None:
    assert replace_members(text, values) == expected


def test_a_long_number_is_not_worked_out() -> None:
    text = f'{{"n": {"9" * 100_000}}}'
    assert parse_object(text.encode(), numbers=False) == {"n": "9" * 100_000}
    assert replace_members(text, {}) == text


numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
)
plain = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
).map(json.dumps)
spaces = st.text(" \t\r\n", max_size=2)
members = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", 'd"}', ""]), numbers | plain, spaces), max_size=6
)


@given(members, st.dictionaries(st.sampled_from(["a", "b", "new"]), st.text() | st.none()))
def test_what_is_not_named_stays_and_what_is_has_its_value(
    written: list[tuple[str, str, str]], values: dict[str, Any]
) -> None:
    pieces = [f"{s}{json.dumps(name)}{s}:{s}{value}{s}" for name, value, s in written]
    replaced = replace_members("{" + ",".join(pieces) + "}", values)

    found = parse_object(replaced.encode(), numbers=False)
    kept = [
        piece for piece, (name, _, _) in zip(pieces, written, strict=True) if name not in values
    ]
    assert {name: found[name] for name in values} == values
    assert found.keys() == {name for name, _, _ in written} | values.keys()
    at = 0
    for piece in kept:
        at = replaced.index(piece, at) + len(piece)


URLS = '{"taskWebhookUrl": null, "stepWebhookUrl": null, "crewWebhookUrl": null'
ADDED = '"lessons": "1. \\u00c4."'


@pytest.mark.parametrize(
    ("rest", "gives", "sent"),
    [
        ("}", False, ', "inputs": {ADDED}}'),
        (', "inputs": null}', False, ', "inputs": {ADDED}}'),
        (
            ', "inputs" : {"n": 0.10 } ,"x":1e400}',
            False,
            ', "inputs" : {"n": 0.10 , ADDED} ,"x":1e400}',
        ),
        (', "inputs": {"lessons": ""}}', True, ', "inputs": {"lessons": ""}}'),
        (', "inputs": {"lessons": null}}', True, ', "inputs": {"lessons": null}}'),
        (', "inputs": [0.10]}', True, ', "inputs": [0.10]}'),
        (
            ', "inputs": {"lessons": "own"}, "inputs": {}}',
            False,
            ', "inputs": {"lessons": "own"}, "inputs": {ADDED}}',
        ),
        (', "inputs": 1, "inputs": {}}', False, ', "inputs": 1, "inputs": {ADDED}}'),
    ],
)
def test_lessons_are_added_to_the_inputs_of_a_caller_that_gives_none(
    rest: str, gives: bool, sent: str
) -> None:
    request = parse_kickoff((URLS + rest).encode())
    assert request.gives_lessons is gives
    assert kickoff_body(request, WebhookUrls()).decode() == URLS + rest
    taught = kickoff_body(replace(request, lessons="1. Ä."), WebhookUrls())
    assert taught.decode() == URLS + sent.replace("ADDED", ADDED)


def test_a_form_may_give_lessons_too() -> None:
    assert new_kickoff({"lessons": "Mine."}).gives_lessons
    assert not new_kickoff({"topic": "tea"}).gives_lessons
