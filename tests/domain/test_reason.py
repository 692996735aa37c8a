"""The reasons of a round, and the people who can mend its state."""

import pytest

from crewgate.domain.reason import (
    Dismissed,
    ExecutionGone,
    NotCalled,
    NotReached,
    Reason,
    RefusedByCrew,
    RetriesExhausted,
    needs_an_operator,
)
from tests.builders import ANA


@pytest.mark.parametrize(
    ("reason", "needed"),
    [
        (RefusedByCrew("401", "no"), True),
        (RefusedByCrew("403", "no"), True),
        (RefusedByCrew("422", "what?"), True),
        (NotCalled("unreadable", "no key"), True),
        (RefusedByCrew("400", "odd"), False),
        (RefusedByCrew("404", "what?"), False),
        (RetriesExhausted("away"), True),
        (NotReached("away"), False),
        (Dismissed(ANA, "Started again."), False),
        (ExecutionGone(), False),
        (None, False),
    ],
)
def test_an_operator_is_needed_unless_it_is_about_this_one_execution(
    reason: Reason | None, needed: bool
) -> None:
    assert needs_an_operator(reason) is needed
