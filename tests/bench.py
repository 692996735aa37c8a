"""Speed, side by side in one run: `python tests/bench.py [seconds]`.

Absolute times are noisy; each figure stands beside the bare thing it is compared with. The bot is
a process of its own; Slack and the crew are away, so that only it and this load are running.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.demo.bot_process import BotProcess
from bot.demo.ports import free_port

SECRET = "bench-secret"
AT_ONCE = 16
NOWHERE = "http://127.0.0.1:9"


def raw_commits(folder: Path, seconds: float) -> float:
    """Durable SQLite commits a second on the same disk: one row each, WAL, synchronous=FULL."""
    with contextlib.closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
        done, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 300,))
            database.execute("COMMIT")
            done += 1
    return done / seconds


async def rate(send: Callable[[int], Awaitable[None]], seconds: float) -> tuple[float, float]:
    """Requests a second with AT_ONCE under way, and the median latency in ms."""
    counter, latencies = iter(range(10**9)), []
    end = time.perf_counter() + seconds

    async def one_after_another() -> None:
        while (begun := time.perf_counter()) < end:
            await send(next(counter))
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return len(latencies) / seconds, statistics.median(latencies) * 1000


def signed(body: str) -> dict[str, str]:
    """Slack's headers for a body."""
    now = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={digest}",
    }


def click(round_id: str) -> str:
    """A click on Approve."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "name": "ana"},
        "team": {"id": "T1"},
        "actions": [{"type": "button", "action_id": "approve", "block_id": "b", "value": round_id}],
    }
    return urlencode({"payload": json.dumps(payload)})


async def bare_listener(session: aiohttp.ClientSession, seconds: float) -> tuple[float, float]:
    """A Bolt listener that only acknowledges, in a process of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--bare", str(port))
    try:
        url = f"http://127.0.0.1:{port}/slack/events"
        body = click("nothing")

        async def send(_: int) -> None:
            async with session.post(url, data=body, headers=signed(body)) as answer:
                assert answer.status == 200, await answer.text()

        for _ in range(200):
            try:
                await send(0)
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
        return await rate(send, seconds)
    finally:
        process.terminate()
        await process.wait()


def serve_bare(port: int) -> None:
    """The process behind `bare_listener`."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="xoxb-1")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize)

    @app.action("approve")
    async def on_approve(ack: AsyncAck) -> None:
        await ack()

    web.run_app(app.web_app(), host="127.0.0.1", port=port, print=None, access_log=None)


async def measure(folder: Path, seconds: float) -> None:
    """Everything, one after the other."""
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": f"{NOWHERE}/api/",
        "SLACK_CHANNEL": "C0123456789",
        "CREW_URL": NOWHERE,
        "CREW_TOKEN": "t",
        "CREW_WEBHOOK_SECRET": SECRET,
        "REVIEWERS": "*",
        "LOG_LEVEL": "error",
    }
    async with (
        BotProcess(settings, folder=folder) as bot,
        aiohttp.ClientSession(headers={"Connection": "keep-alive"}) as session,
    ):
        hook = f"{bot.url}/crews/crew/human-input"

        async def notify(number: int) -> None:
            body = {"execution_id": f"e-{number}", "task_id": "t", "task_output": "x" * 300}
            headers = {"Authorization": f"Bearer {SECRET}"}
            async with session.post(hook, json=body, headers=headers) as answer:
                assert answer.status == 202, await answer.text()

        raw = raw_commits(folder, seconds)
        notified, latency = await rate(notify, seconds)
        print(f"raw durable SQLite commits    {raw:8.0f}/s")
        print(f"notifications stored          {notified:8.0f}/s  {latency:6.1f} ms median")
        print(f"  of raw commits              {notified / raw:8.0%}  (goal: a fifth)")
        bare, bare_latency = await bare_listener(session, seconds)
        with contextlib.closing(sqlite3.connect(folder / "crewgate.db")) as database:
            rounds = [row[0] for row in database.execute("SELECT id FROM rounds")]
        waiting = iter(rounds)

        async def decide(_: int) -> None:
            body = click(next(waiting))
            url = f"{bot.url}/slack/events"
            async with session.post(url, data=body, headers=signed(body)) as answer:
                assert answer.status == 200, await answer.text()

        clicks = min(seconds, len(rounds) / bare)
        decided, decided_latency = await rate(decide, clicks)
        print(f"bare Bolt listener            {bare:8.0f}/s  {bare_latency:6.1f} ms median")
        print(f"clicks decided, on disk       {decided:8.0f}/s  {decided_latency:6.1f} ms median")
        print(f"  of the bare listener        {decided / bare:8.0%}  (goal: half)")
        with contextlib.closing(sqlite3.connect(folder / "crewgate.db")) as database:
            count = database.execute("SELECT count(*) FROM rounds WHERE decided_by IS NOT NULL")
            print(f"decisions on disk             {count.fetchone()[0]:8d}")


def main() -> None:
    """Run."""
    if sys.argv[1:2] == ["--bare"]:
        serve_bare(int(sys.argv[2]))
        return
    seconds = float(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), seconds))


if __name__ == "__main__":
    main()
