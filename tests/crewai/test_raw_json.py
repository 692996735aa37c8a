"""Members of a JSON object are replaced; what else there is stays byte for byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.crewai.fields import parse_object
from crewgate.crewai.kickoff import replace_members


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
