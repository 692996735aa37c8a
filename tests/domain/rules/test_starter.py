"""The person whom a caller names as the starter of an execution."""

import pytest

from crewgate.domain.execution import said_starter
from crewgate.domain.people import Email, User
from tests.builders import ANA


def test_who_started_it_in_slack_counts_before_whom_its_caller_names() -> None:
    assert said_starter(ANA, (("started_by", "U0BEN"),)) == User(ANA.id)


@pytest.mark.parametrize(
    ("said", "starter"),
    [
        ("U0BEN", User("U0BEN")),
        (" W0BEN ", User("W0BEN")),
        ("ben@example.com", Email("ben@example.com")),
        ("Ben", None),
        ("", None),
    ],
)
def test_a_caller_names_them_by_id_or_address(said: str, starter: User | Email | None) -> None:
    assert said_starter(None, (("started_by", said),)) == starter
    assert said_starter(None, ()) is None
