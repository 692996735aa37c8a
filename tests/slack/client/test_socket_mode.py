"""The count of an app's connections, as Slack's hellos tell it."""

import pytest
from structlog.testing import capture_logs

from crewgate.slack.client.socket_mode import MINUTE, Others


def pings_until_due(others: Others) -> int | None:
    """Return the number of pings until the others are counted again; None for never."""
    return next((ping for ping in range(1, 100 * MINUTE) if others.are_due()), None)


def warning_of(others: Others) -> str | None:
    return others.warning


def test_others_that_last_for_a_minute_are_told_of_once_until_they_end() -> None:
    others = Others(lambda: True)
    with capture_logs() as logs:
        others.note(2)
        assert warning_of(others) is None
        assert pings_until_due(others) == MINUTE
        others.note(3)
        assert "give each bot an app of its own" in str(warning_of(others))
        assert pings_until_due(others) == 10 * MINUTE
        others.note(2)
        assert warning_of(others)
    assert logs == [{"event": "slack_app_shared", "connections": 3, "log_level": "warning"}]

    others.note(1)
    assert warning_of(others) is None
    assert pings_until_due(others) is None


def test_an_ended_connection_that_slack_still_counts_is_no_other_program() -> None:
    others = Others(lambda: True)
    others.note(2)
    assert pings_until_due(others) == MINUTE
    others.note(1)
    assert pings_until_due(others) is None
    others.note(2)
    assert warning_of(others) is None


def test_connections_that_are_lost_again_and_again_tell_of_no_other_program() -> None:
    others = Others(lambda: True)
    for _ in range(MINUTE):
        others.note(2)
        assert not others.are_due()
        assert warning_of(others) is None


def test_a_bot_that_the_database_knows_is_no_other_program() -> None:
    is_alone = True
    others = Others(lambda: is_alone)
    for _ in range(2):
        others.note(2)
        pings_until_due(others)
    assert warning_of(others)
    is_alone = False
    others.note(2)
    assert warning_of(others) is None
    assert pings_until_due(others) is None


@pytest.mark.parametrize("number", [None, "2", 1, 0, [2]])
def test_a_hello_without_a_number_of_others_asks_for_no_count(number: object) -> None:
    others = Others(lambda: True)
    others.note(number)
    assert pings_until_due(others) is None
