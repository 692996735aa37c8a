"""The cause of a refusal by Slack, told apart by its error code."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from crewgate.domain.outcome import NotSent, RefusalKind, Refused, Unknown
from crewgate.slack.client.web_api import (
    CallFailed,
    call,
    keep_connections,
    new_client,
    time_there,
)
from tests.servers import serve, takes_posts
from tests.standins.workspace import Workspace, echo, error, rate_limited

OUTPUT = "What an agent wrote"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_attachments", RefusalKind.CONTENT),
        ("invalid_blocks", RefusalKind.CONTENT),
        ("invalid_blocks_format", RefusalKind.CONTENT),
        ("metadata_too_large", RefusalKind.CONTENT),
        ("msg_blocks_too_long", RefusalKind.CONTENT),
        ("msg_too_long", RefusalKind.CONTENT),
        ("no_text", RefusalKind.CONTENT),
        ("message_not_found", RefusalKind.MESSAGE_GONE),
        ("thread_not_found", RefusalKind.THREAD_GONE),
        ("cant_update_message", RefusalKind.PERMANENT),
        ("edit_window_closed", RefusalKind.PERMANENT),
        ("file_uploads_disabled", RefusalKind.PERMANENT),
        ("message_limit_exceeded", RefusalKind.PERMANENT),
        ("access_denied", RefusalKind.NOT_ALLOWED),
        ("missing_scope", RefusalKind.NOT_ALLOWED),
        ("no_permission", RefusalKind.NOT_ALLOWED),
        ("not_in_channel", RefusalKind.OTHER),
    ],
)
async def test_an_error_code_says_what_a_refusal_is_about(code: str, kind: RefusalKind) -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", error(code))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    assert caught.value.failure == Refused(code, code, kind)


@pytest.mark.parametrize(
    "code",
    [
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    ],
)
async def test_what_speaks_of_the_whole_token_says_nothing_of_the_message(code: str) -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", error(code))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    assert caught.value.failure == NotSent(f"Slack refuses this bot: {code}", code=code)


async def test_slack_can_ask_for_five_minutes_at_most() -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", rate_limited(86_400))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    failure = caught.value.failure
    assert isinstance(failure, NotSent)
    assert failure.retry_after == timedelta(minutes=5)


async def test_what_slack_quotes_of_a_call_is_in_no_traceback() -> None:
    async with Workspace() as slack:
        slack.fail("chat.postMessage", echo("invalid_arguments"))
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(CallFailed, match="invalid_arguments") as caught:
            await call(client, "chat.postMessage", channel="C1", text=OUTPUT)
    assert isinstance(caught.value.failure, Refused)
    assert OUTPUT in caught.value.failure.words
    assert OUTPUT not in "".join(traceback.format_exception(caught.value))


async def test_a_slack_that_does_not_tell_the_time() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True}, headers={"Date": "soon"})

    async with serve(takes_posts("/auth.test", answer)) as url:
        assert await time_there(new_client(token="xoxb-1", base_url=f"{url}/")) is None


class Counting:
    """A server that counts the requests on each connection, and gives no cookie back to anybody."""

    def __init__(self, *, rest_seconds: float = 30, unanswered: int = 0) -> None:
        """It closes a connection after a rest, or instead of an answer to this request of all."""
        self._rest_seconds = rest_seconds
        self._unanswered = unanswered
        self.served: list[int] = []
        self.closed = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its base URL."""
        async with await asyncio.start_server(self._take, "127.0.0.1") as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(self.served)
        self.served.append(0)
        try:
            while True:
                async with asyncio.timeout(self._rest_seconds):
                    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
                self.served[mine] += 1
                if sum(self.served) == self._unanswered:
                    return
                ok = "false" if "\ncookie:" in head else "true"
                body = f'{{"ok": {ok}}}'
                about = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
                head = f"HTTP/1.1 200 OK\r\nSet-Cookie: b=1; Path=/\r\n{about}\r\n\r\n"
                writer.write(f"{head}{body}".encode())
        except (TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.closed.set()


async def test_clients_share_connections_and_keep_no_cookies() -> None:
    slack = Counting()
    async with slack.listening() as url, keep_connections() as session:
        for token in ("xoxb-1", "xoxb-2"):
            await call(new_client(token=token, base_url=url, session=session), "auth.test")
    assert slack.served == [2]


async def test_a_connection_that_slack_closed_at_rest_is_not_used_again() -> None:
    slack = Counting(rest_seconds=0.1)
    async with slack.listening() as url, keep_connections() as session:
        client = new_client(token="xoxb-1", base_url=url, session=session)
        await call(client, "auth.test")
        await slack.closed.wait()
        await call(new_client(token="xoxb-1", base_url=url), "auth.test")
        await call(client, "auth.test")
    assert slack.served == [1, 1, 1]


async def test_a_call_on_a_kept_connection_is_not_repeated_when_its_answer_is_lost() -> None:
    slack = Counting(unanswered=2)
    async with slack.listening() as url, keep_connections() as session:
        client = new_client(token="xoxb-1", base_url=url, session=session)
        await call(client, "auth.test")
        with pytest.raises(CallFailed) as caught:
            await call(client, "chat.postMessage", channel="C1", text="A card")
    assert slack.served == [2]
    assert caught.value.failure == Unknown("Slack's answer was lost: ServerDisconnectedError")


async def test_calls_that_hang_hold_up_no_other() -> None:
    hanging, released = asyncio.Semaphore(0), asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.match_info["method"] == "slow":
            hanging.release()
            await released.wait()
        return web.json_response({"ok": True})

    async with serve(takes_posts("/{method}", answer)) as url, keep_connections() as session:
        client = new_client(token="xoxb-1", base_url=f"{url}/", session=session)
        slow = [asyncio.create_task(call(client, "slow")) for _ in range(101)]
        for _ in slow:
            await hanging.acquire()
        await call(client, "auth.test")
        released.set()
        await asyncio.gather(*slow)


async def test_a_slack_that_cannot_be_reached_is_told_in_words() -> None:
    async with Counting().listening() as gone:
        pass
    reasons = {gone: "connection refused", "http://slack.invalid/": "the host name is not known"}
    for url, reason in reasons.items():
        with pytest.raises(CallFailed) as caught:
            await call(new_client(token="xoxb-1", base_url=url), "auth.test")
        assert caught.value.failure == NotSent(f"Slack cannot be reached: {reason}")
