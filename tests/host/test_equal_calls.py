"""Equal calls: the order of arguments and what a schema fills in make no other call."""

from typing import Any

import pytest

from crewgate.host.records import Call

ANN = {"to": "ann", "copies": 1, "at": "9:00"}


def call(arguments: dict[str, Any], *filled_in: str, tool: str = "send") -> Call:
    return Call(tool=tool, names=(tool,), arguments=arguments, filled_in=filled_in)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (call(ANN), call({"at": "9:00", "copies": 1, "to": "ann"}), True),
        (call(ANN, "copies"), call(ANN), True),
        (call(ANN, "at", "copies"), call({**ANN, "at": "9:01"}, "at"), True),
        (call(ANN, "at"), call({**ANN, "at": "9:01"}), False),
        (call(ANN, "copies"), call({**ANN, "copies": 2}), False),
        (call(ANN), call({**ANN, "copies": 1.0}), False),
        (call(ANN), call(ANN, tool="post"), False),
        (
            call({"to": [{"name": "ann", "id": 1}]}, "to.0.id"),
            call({"to": [{"name": "ann", "id": 2}]}, "to.0.id"),
            True,
        ),
    ],
)
def test_a_call_is_equal_by_what_the_agent_gave(first: Call, second: Call, equal: bool) -> None:
    assert first.equals(second) is equal
    assert second.equals(first) is equal
