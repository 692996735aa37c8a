"""The count of an app's connections, as Slack's hellos tell it."""

import asyncio
from functools import partial
from typing import Final

import pytest
from structlog.testing import capture_logs

from crewgate.slack.client.bolt import new_bolt
from crewgate.slack.client.socket_mode import MINUTE, Others, SocketMode
from crewgate.slack.client.web_api import new_client
from tests.standins.workspace import Workspace


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
        # Each new connection may leave a dead one that Slack counts, so no more are made to count.
        assert pings_until_due(others) is None
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


WORDS: Final = (
    '{"type": "interactive", "payload": {"user": {"username": "hello"}}}',
    '{"type": "interactive", "payload": {"user": {"username": "disconnect"}}}',
)


async def test_words_of_people_are_no_frames_of_slack() -> None:
    gaps: asyncio.Queue[None] = asyncio.Queue()
    async with Workspace() as slack, asyncio.timeout(30):
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        socket = SocketMode(
            new_bolt(client),
            slack.app_token,
            ping=1,
            on_gap=partial(gaps.put_nowait, None),
            is_alone=lambda: True,
        )
        with capture_logs() as logs:
            running = asyncio.create_task(socket.run())
            await gaps.get()
            for words in WORDS:
                await slack.sockets.send_frame(words)
            await slack.sockets.send_frame('{"type": "hello", "num_connections": 7}')
            await gaps.get()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    hellos = [line["connections"] for line in logs if line["event"] == "socket_hello"]
    assert hellos == [1, 7]
