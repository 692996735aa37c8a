"""The workspace misbehaving on demand, and telling what changes in it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.standins.workspace import (
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    Workspace,
    echo,
    error,
    http_status,
    rate_limited,
    slow,
)


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace(ack_seconds=0.05) as slack:
        slack.add_user("U1", "ana")
        slack.add_channel("C1", "reviews", members=["U1"])
        yield slack


@pytest.fixture
def client(slack: Workspace) -> AsyncWebClient:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    client.retry_handlers.clear()
    return client


def texts(slack: Workspace) -> list[str]:
    return [message.text for message in slack.messages("C1")]


async def test_errors_come_as_often_as_asked(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", error("fatal_error"), times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await client.chat_postMessage(channel="C1", text="x")
    await client.chat_postMessage(channel="C1", text="x")
    assert [call.answer is None for call in slack.calls_of("chat.postMessage")] == [
        True,
        True,
        False,
    ]


async def test_rate_limits_name_a_time(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("*", rate_limited(30), times=None)
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "30"
    slack.clear_faults()
    await client.auth_test()


async def test_a_status_without_json(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("auth.test", http_status(503))
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test()
    assert caught.value.response.status_code == 503


async def test_connections_are_dropped_before_and_after_the_work(
    slack: Workspace, client: AsyncWebClient
) -> None:
    for fault, left in ((DROP_BEFORE, []), (DROP_AFTER, ["x"])):
        slack.fail("chat.postMessage", fault)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.chat_postMessage(channel="C1", text="x")
        assert texts(slack) == left


async def test_a_call_hangs_until_it_is_released(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", HANG)
    call = asyncio.create_task(client.chat_postMessage(channel="C1", text="x"))
    await slack.until(lambda: slack.faults.hanging == 1)
    assert texts(slack) == []
    slack.release()
    await call
    assert texts(slack) == ["x"]
    slack.fail("chat.postMessage", slow(0.01))
    await client.chat_postMessage(channel="C1", text="y")
    assert texts(slack) == ["x", "y"]


async def test_slack_goes_down_and_comes_back(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("auth.test", HANG)
    async with aiohttp.ClientSession() as session:
        client.session = session
        await client.chat_postMessage(channel="C1", text="x")
        hanging = asyncio.create_task(client.auth_test())
        await slack.until(lambda: slack.faults.hanging == 1)
        address = slack.api_url

        await slack.go_down()

        with pytest.raises(aiohttp.ClientConnectionError):
            await hanging
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.auth_test()
        await slack.come_back()
        await client.chat_postMessage(channel="C1", text="y")
    assert slack.api_url == address
    assert texts(slack) == ["x", "y"]


async def test_waiting_fails_with_the_latest_calls(
    slack: Workspace, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C1", text="something")
    with pytest.raises(TimeoutError, match=r"chat\.postMessage.*something"):
        await slack.until(lambda: slack.messages("C1")[1], timeout=0.01)


async def test_changes_are_told_in_order_and_the_oldest_are_lost(
    slack: Workspace, client: AsyncWebClient
) -> None:
    with slack.subscribe(size=2) as news:
        await client.chat_postMessage(channel="C1", text="x")
        await client.auth_test()
        assert news.missed == 1
        kinds = [(await anext(news)).kind, (await anext(news)).kind]
    assert kinds == ["call", "call"]
    await client.auth_test()
    assert news.missed == 1


async def hook(slack: Workspace) -> str:
    """The `response_url` of a command that nobody acknowledged."""
    with slack.subscribe() as _:
        await slack.slash("U1", "C1", "/crew")
    [name] = slack.world.response_urls
    return f"{slack.world.url}/respond/{name}"


async def test_a_response_url_works_five_times(slack: Workspace) -> None:
    url = await hook(slack)
    async with aiohttp.ClientSession() as http:

        async def answer(**body: object) -> tuple[int, str]:
            async with http.post(url, json=body) as response:
                return response.status, str((await response.json()).get("error", ""))

        assert await answer(text="for you") == (200, "")
        assert await answer(text="for all", response_type="in_channel") == (200, "")
        assert await answer(text="") == (400, "no_text")
        slack.fail("response_url", http_status(500))
        async with http.post(url, json={"text": "x"}) as response:
            assert response.status == 500
        assert await answer(text="more") == (200, "")
        assert await answer(text="the fifth") == (200, "")
        assert await answer(text="one too many") == (404, "used_url")
    private = [message.text for message in slack.ephemerals("U1")]
    assert private == ["for you", "more", "the fifth"]
    assert texts(slack) == ["for all"]


async def test_a_response_url_lasts_half_an_hour() -> None:
    clock = [1_700_000_000.0]
    async with Workspace(now=lambda: clock[0]) as slack:
        slack.add_user("U1", "ana")
        slack.add_channel("C1", "reviews", members=["U1"])
        url = await hook(slack)
        clock[0] += 1_801
        async with aiohttp.ClientSession() as http, http.post(url, json={"text": "x"}) as response:
            assert (await response.json())["error"] == "expired_url"


async def test_a_silent_socket_answers_nothing(slack: Workspace) -> None:
    app = AsyncWebClient(base_url=slack.api_url)
    url = (await app.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)

        reply = await slack.slash("U1", "C1", "/crew")
        envelope = await socket.receive_json()
        assert envelope["type"] == "slash_commands"
        assert envelope["accepts_response_payload"]
        assert reply.problem == "no answer in time"

        slack.sockets.silence()
        await slack.slash("U1", "C1", "/crew")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.01)
        assert len(slack.sockets.open) == 1
    await slack.until(lambda: len(slack.sockets.open) == 0)


async def test_a_socket_that_is_cut_while_the_bot_thinks(slack: Workspace) -> None:
    app = AsyncWebClient(base_url=slack.api_url)
    url = (await app.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.receive_json()
        written = asyncio.create_task(slack.write("U1", "C1", "hello"))
        envelope = await socket.receive_json()
        await socket.send_str("pardon?")
        await socket.send_json({"envelope_id": "another"})
        slack.sockets.drop()
        assert (await written).reply.problem == "the socket was cut"
        assert envelope["payload"]["event"]["text"] == "hello"
    again = (await app.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(again) as socket:
        await socket.receive_json()
        repeated = asyncio.create_task(slack.resend((await written).delivery, 1, "timeout"))
        envelope = await socket.receive_json()
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (1, "timeout")
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await repeated).ok
        await slack.sockets.refresh()
        assert (await socket.receive_json())["reason"] == "refresh_requested"
        assert (await slack.slash("U1", "C1", "/crew")).problem == "no socket is connected"


async def test_an_echo_quotes_the_arguments(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", echo("invalid_arguments"))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C1", text="a secret")
    [quoted] = caught.value.response["response_metadata"]["messages"]
    assert "a secret" in quoted
    assert not texts(slack)


async def test_faults_can_end_without_what_hangs(slack: Workspace, client: AsyncWebClient) -> None:
    slack.fail("chat.postMessage", HANG)
    call = asyncio.create_task(client.chat_postMessage(channel="C1", text="x"))
    await slack.until(lambda: slack.faults.hanging == 1)
    slack.faults.clear()
    await client.chat_postMessage(channel="C1", text="y")
    await slack.go_down()
    with pytest.raises(aiohttp.ClientError):
        await call
    assert texts(slack) == ["y"]
