"""The log of a bot as it is run: a start complains of nothing, and strangers cannot fill it."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable
from pathlib import Path

import aiohttp
import pytest

from bot.demo.environment import ANA, CHANNEL, Environment, start_environment
from bot.demo.workspace import HANG
from bot.log_limit import BY_STRANGERS
from tests.journeys.conftest import MakeWorld

TIMES = 40


async def test_a_start_and_a_stop_complain_of_nothing(tmp_path: Path) -> None:
    """`SLACK_BOT_TOKEN` is in the environment, as in an installation."""
    async with start_environment(tmp_path, task_seconds=0) as environment:
        await environment.crew.pause("e-1", "draft", "A draft.")
        await environment.workspace.until(
            lambda: environment.workspace.calls_of("chat.postMessage")
        )
    lines = environment.bot.log.read_text().splitlines()
    assert any("started" in line for line in lines)
    assert not [line for line in lines if not re.search(r"\[info +\]", line)]


async def test_a_stop_says_how_many_it_did_not_answer(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_world() as world:
        world.slack.fail("response_url", HANG)
        await world.slack.slash(ANA, CHANNEL, "/crew", "pending")
        await world.slack.until(lambda: world.slack.hanging)
    assert "listeners_cut_off" in capsys.readouterr().out


async def test_strangers_cannot_fill_the_log(tmp_path: Path) -> None:
    async with start_environment(tmp_path, task_seconds=0) as environment:
        async with aiohttp.ClientSession() as session:
            for _ in range(TIMES):
                for request in strange(session, environment):
                    await request
        for _ in range(TIMES):
            await no_http(environment.bot.port)
    text = environment.bot.log.read_text()
    written = {event: len(re.findall(rf"\b{event}\b", text)) for event in BY_STRANGERS}
    # Of `wrong_event_key` there is a line for each kind of webhook at most.
    assert {event for event, lines in written.items() if lines} == BY_STRANGERS - NOT_TRIED
    assert max(written.values()) == 1
    assert len(text) < 10_000


NOT_TRIED = {"connection_closed", "other_team", "flow_signature_refused"}
"""It takes hundreds of connections, another workspace with the app, or a crew with flows."""


def strange(session: aiohttp.ClientSession, environment: Environment) -> list[Awaitable[object]]:
    """What anybody may send who knows where the bot is and what its crew is called."""
    crew = f"{environment.bot.url}/crews/{environment.crew.name}"
    big = b"x" * 2**21
    forged = {"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=" + "0" * 64}
    events = f"{environment.bot.url}/slack/events"
    return [
        answered(session, events, data=b"{}", headers=forged),
        answered(session, events, data=io.BytesIO(big)),
        answered(session, events, data=b"\xff", headers={"Content-Encoding": "gzip"}),
        answered(session, f"{crew}/human-input", data=b"{}"),
        answered(session, f"{crew}/human-input", data=io.BytesIO(big)),
        answered(session, f"{crew}/flow-request", data=b"{}"),
        answered(session, f"{crew}/kickoff", data=b"{}"),
        answered(session, f"{crew}/events/task/key", data=b"{}"),
        answered(session, f"{crew}/events/crew/key", data=io.BytesIO(big)),
        answered(session, f"{crew}/events/odd/key", data=b"{}"),
        answered(session, f"{crew}x/human-input", data=b"{}"),
        answered(session, f"{environment.bot.url}/nowhere", data=b"{}"),
    ]


async def answered(session: aiohttp.ClientSession, url: str, **request: object) -> None:
    """Every answer is a 4xx; a connection may be closed on a large body."""
    try:
        async with session.post(url, **request) as answer:  # type: ignore[arg-type]
            assert 400 <= answer.status < 500
    except aiohttp.ClientConnectionError:
        pass


async def no_http(port: int) -> None:
    """What is no request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01\x00\xa5\r\n\r\n")
    await reader.read()
    writer.close()
