"""The page's server without a browser: who is let in, and what it says."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from crewgate.demo.environment import ANA, CHANNEL, Environment
from crewgate.demo.playground.server import STATIC, Playground, bind_port


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[aiohttp.ClientSession]:
    with bind_port(0, print) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            Playground(environment).listening(listener),
            aiohttp.ClientSession(address) as session,
        ):
            yield session


async def do(client: aiohttp.ClientSession, action: str, **body: Any) -> tuple[int, Any]:
    async with client.post(f"/do/{action}", json={"as": ANA, **body}) as answer:
        return answer.status, await answer.json()


async def first_event(client: aiohttp.ClientSession) -> dict[str, Any]:
    async with client.get("/changes", params={"as": ANA}) as answer:
        line = await answer.content.readline()
    event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return event


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
async def test_other_sites_are_not_let_in(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with client.get("/", headers=headers) as answer:
        assert answer.status == 403
    async with client.post("/do/kickoff", json={}, headers=headers) as answer:
        assert answer.status == 403


async def test_a_form_of_another_site_could_not_do_anything(client: aiohttp.ClientSession) -> None:
    async with client.post("/do/kickoff", data={"as": ANA}) as answer:
        assert answer.status == 415


async def test_the_page_forbids_inline_script_and_fetches_nothing_from_elsewhere(
    client: aiohttp.ClientSession,
) -> None:
    for path in ("/", "/static/main.js", "/static/base.css"):
        async with client.get(path) as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file.name
        assert "https://" not in text, file.name


async def test_the_first_event_is_everything(client: aiohttp.ClientSession) -> None:
    event = await first_event(client)
    assert event["full"] is True
    assert event["set"]["me"] == {"id": ANA, "name": "Ana"}
    assert event["set"]["bot"] == {"state": "running", "problem": "", "log": ""}
    assert event["set"][f"channel/{CHANNEL}"]["name"] == "crew-reviews"
    roles = {one["name"]: one["role"] for one in event["set"]["people"]}
    assert roles["Carl"] == "may not decide"


async def test_a_later_event_is_only_what_changed(client: aiohttp.ClientSession) -> None:
    async with client.get("/changes", params={"as": ANA}) as answer:
        assert await answer.content.readline()
        assert await answer.content.readline() == b"\n"
        await do(client, "write", channel=CHANNEL, text="Hello")
        line = await answer.content.readline()
    event = json.loads(line.removeprefix(b"data: "))
    assert event["full"] is False
    assert event["removed"] == []
    assert "people" not in event["set"]


async def test_a_closed_tab_is_no_error(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.get("/changes", params={"as": ANA}) as answer:
        assert await answer.content.readline()
        answer.close()
    for text in ("one", "two", "three"):  # each one makes the server write to the closed stream
        await do(client, "write", channel=CHANNEL, text=text)

    errors = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert errors == []


async def test_a_tab_closed_while_it_sends_is_no_error(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    assert client._base_url is not None  # noqa: SLF001  # where the page is
    host, port = client._base_url.host, client._base_url.port  # noqa: SLF001
    _, writer = await asyncio.open_connection(host, port)
    writer.write(f"POST /do/write HTTP/1.1\r\nHost: {host}\r\n".encode())
    writer.write(b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    await first_event(client)  # by now it is being read
    writer.transport.abort()
    await first_event(client)

    errors = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert errors == []


async def test_nobody_sees_nothing(client: aiohttp.ClientSession) -> None:
    async with client.get("/changes", params={"as": "U0"}) as answer:
        assert answer.status == 404
    async with client.get("/files/F0/x") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("fly", {}, 409),
        ("write", {"as": "U0", "channel": CHANNEL, "text": "x"}, 409),
        ("write", {"channel": CHANNEL}, 400),
        ("write", {"channel": "C0", "text": "x"}, 400),
        ("write", {"channel": CHANNEL, "text": "x", "thread_ts": "1.0"}, 409),
        ("submit", {"view": "V0", "entered": {}}, 409),
        ("close", {"view": "V0"}, 409),
        ("edit", {"channel": CHANNEL, "ts": "1.0", "text": "x"}, 409),
        ("use", {"surface": "home", "action_id": "a", "block_id": "b"}, 409),
        ("kickoff", {"topic": ""}, 409),
        ("fail", {"who": "crew", "how": "odd"}, 400),
        ("bot", {"command": "dance"}, 409),
        ("notify", {"notify": "dance"}, 409),
    ],
)
async def test_what_cannot_be_done_is_said(
    client: aiohttp.ClientSession, action: str, body: dict[str, Any], status: int
) -> None:
    found, told = await do(client, action, **body)
    assert found == status
    assert told["ok"] is False
    assert told["problem"]


async def test_only_its_author_deletes_a_message(
    client: aiohttp.ClientSession, environment: Environment
) -> None:
    written = await environment.workspace.write("U0BEN", CHANNEL, "Mine")
    status, told = await do(client, "delete", channel=CHANNEL, ts=written.message.ts)
    assert (status, told["ok"]) == (409, False)


async def test_an_unknown_command_is_reported(client: aiohttp.ClientSession) -> None:
    _, told = await do(client, "command", channel=CHANNEL, text="/dance now")
    assert told["ok"] is False
    assert "404" in told["problem"]
