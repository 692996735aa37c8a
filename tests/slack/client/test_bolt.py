"""Bolt answers at the moment of an acknowledgement, however late that is."""

from __future__ import annotations

import asyncio
import json
import logging
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client.bolt import new_bolt

BOLT_GIVES_UP = 3
"""After how many seconds Bolt by itself says that nobody listens."""


@pytest.fixture
def bolt() -> AsyncApp:
    return new_bolt(AsyncWebClient(token="xoxb-1"), signing_secret=None)


def command(text: str = "/crew") -> AsyncBoltRequest:
    body = urlencode({"command": text, "user_id": "U1", "team_id": "T1"})
    return AsyncBoltRequest(body=body, mode="socket_mode")


async def answer(bolt: AsyncApp) -> tuple[int, object]:
    response = await bolt.async_dispatch(command())
    body = response.body
    return response.status, json.loads(body) if str(body).startswith("{") else body


async def test_the_answer_leaves_with_the_acknowledgement_and_the_listener_goes_on(
    bolt: AsyncApp,
) -> None:
    answered, ended = asyncio.Event(), asyncio.Event()

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await ack("Taken.")
        await answered.wait()
        await ack("Too late to say something else.")
        ended.set()

    assert await answer(bolt) == (200, "Taken.")
    answered.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_an_acknowledgement_that_comes_late_is_the_answer_and_nothing_to_complain_of(
    bolt: AsyncApp, caplog: pytest.LogCaptureFixture
) -> None:
    """A decision is acknowledged once it is on disk, and a process may be short of time."""
    on_disk = asyncio.Event()
    asyncio.get_running_loop().call_later(BOLT_GIVES_UP + 0.1, on_disk.set)

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await on_disk.wait()
        await ack(response_action="clear")

    assert await answer(bolt) == (200, {"response_action": "clear"})
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_error_after_the_acknowledgement_changes_no_answer(
    bolt: AsyncApp, capsys: pytest.CaptureFixture[str]
) -> None:
    before = asyncio.all_tasks()

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await ack("Taken.")
        raise RuntimeError("broken")

    assert await answer(bolt) == (200, "Taken.")
    await asyncio.gather(*asyncio.all_tasks() - before)
    assert "listener_failed" in capsys.readouterr().out


async def test_an_error_before_it_is_one_for_slack_too(bolt: AsyncApp) -> None:
    @bolt.command("/crew")
    async def on_crew() -> None:
        raise RuntimeError("broken")

    assert (await answer(bolt))[0] == 500


async def test_what_nobody_listens_to_is_said(bolt: AsyncApp) -> None:
    assert (await answer(bolt))[0] == 404
