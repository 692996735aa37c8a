"""Bolt answers at the moment of an acknowledgement, however late that is."""

import asyncio
import json
import logging
import re
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.client.bolt import BoltApp, new_bolt


@pytest.fixture
def bolt() -> BoltApp:
    return new_bolt(AsyncWebClient(token="xoxb-1"))


def command(text: str = "/crew") -> AsyncBoltRequest:
    body = urlencode({"command": text, "user_id": "U1", "team_id": "T1"})
    return AsyncBoltRequest(body=body, mode="socket_mode")


async def answer(bolt: BoltApp) -> tuple[int, object]:
    response = await bolt.async_dispatch(command())
    body = response.body
    return response.status, json.loads(body) if str(body).startswith("{") else body


async def test_the_answer_leaves_with_the_acknowledgement_and_the_listener_goes_on(
    bolt: BoltApp,
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
    await asyncio.wait_for(ended.wait(), 60)


async def test_an_acknowledgement_that_comes_late_is_the_answer_and_nothing_to_complain_of(
    bolt: BoltApp, caplog: pytest.LogCaptureFixture
) -> None:
    """A decision is acknowledged once it is on disk, and a process may be short of time."""
    on_disk = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, on_disk.set)

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await on_disk.wait()
        await ack(response_action="clear")

    [listener] = bolt._async_listeners  # noqa: SLF001
    listener.ack_timeout = 0  # Bolt by itself waits 3 s, and says then that nobody listens
    assert await answer(bolt) == (200, {"response_action": "clear"})
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_error_after_the_acknowledgement_changes_no_answer(
    bolt: BoltApp, capsys: pytest.CaptureFixture[str]
) -> None:
    before = asyncio.all_tasks()

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await ack("Taken.")
        raise RuntimeError("broken")

    assert await answer(bolt) == (200, "Taken.")
    await asyncio.gather(*asyncio.all_tasks() - before)
    assert "listener_failed" in capsys.readouterr().out


async def test_an_error_before_it_is_one_for_slack_too(bolt: BoltApp) -> None:
    @bolt.command("/crew")
    async def on_crew() -> None:
        raise RuntimeError("broken")

    assert (await answer(bolt))[0] == 500


async def test_what_nobody_listens_to_is_said(bolt: BoltApp) -> None:
    assert (await answer(bolt))[0] == 404


async def test_a_stop_waits_for_what_goes_on_after_its_acknowledgement(bolt: BoltApp) -> None:
    may_end, ended = asyncio.Event(), asyncio.Event()

    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await ack()
        await may_end.wait()
        ended.set()

    await answer(bolt)
    stopping = asyncio.create_task(bolt.finish(within=60))
    done, _ = await asyncio.wait([stopping], timeout=0.01)
    assert not done
    may_end.set()
    await stopping
    assert ended.is_set()


async def test_a_stop_waits_only_so_long_and_says_how_many_were_left(
    bolt: BoltApp, capsys: pytest.CaptureFixture[str]
) -> None:
    @bolt.command("/crew")
    async def on_crew(ack: AsyncAck) -> None:
        await ack()
        await asyncio.Event().wait()

    await answer(bolt)
    await bolt.finish(within=0)
    assert re.search(r"listeners_cut_off +count=1", capsys.readouterr().out)


async def test_a_stop_with_nothing_under_way_is_over_at_once(
    bolt: BoltApp, capsys: pytest.CaptureFixture[str]
) -> None:
    await bolt.finish(within=0)
    assert not capsys.readouterr().out
