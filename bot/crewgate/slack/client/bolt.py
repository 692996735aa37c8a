"""Bolt's application without listeners."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from crewgate.domain.errors import Malformed, StoreUnavailable

log = structlog.get_logger(__name__)

Next = Callable[[], Awaitable[object]]
"""Passes the request to the next middleware."""


class BoltApp(AsyncApp):
    """Answers Slack as soon as a listener acknowledges, and lets the listener finish.

    Bolt itself polls for the acknowledgement every 10 ms and gives up after 3 s: a slow process
    would lose a click although the decision is on disk. With `process_before_response` Bolt awaits
    the listener.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Bolt's own signature
        super().__init__(*args, **kwargs)
        self._listening: set[asyncio.Task[BoltResponse]] = set()
        """Strong references: asyncio alone may collect running tasks."""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        ack = _Ack()
        req.context["ack"] = ack
        listening = asyncio.create_task(super().async_dispatch(req))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        await asyncio.wait({listening, ack.first}, return_when=asyncio.FIRST_COMPLETED)
        return ack.first.result() if ack.first.done() else listening.result()

    async def finish(self, *, within: float) -> None:
        """Wait up to `within` seconds for running listeners, once Slack's requests are refused."""
        if not self._listening:
            return
        _, late = await asyncio.wait(self._listening, timeout=within)
        if late:
            log.warning("listeners_cut_off", count=len(late))


class Middleware(AsyncMiddleware):
    """Calls a function with the request alone.

    For a plain function Bolt collects all possible arguments, which takes 4 % of a press's time.
    """

    def __init__(
        self, function: Callable[[AsyncBoltRequest, Next], Awaitable[BoltResponse | None]]
    ) -> None:
        self._function = function

    @override
    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # Bolt passes `next` by name, so it cannot be renamed
    ) -> BoltResponse | None:
        return await self._function(req, next)


class _Ack(AsyncAck):
    """An acknowledgement whose first call can be awaited."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.first: asyncio.Future[BoltResponse] = asyncio.get_running_loop().create_future()

    async def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:  # noqa: ANN401  # Bolt's own signature
        response = await super().__call__(*args, **kwargs)
        if not self.first.done():
            self.first.set_result(response)
        return response


def new_bolt(client: AsyncWebClient) -> BoltApp:
    token, client.token = client.token, None  # else Bolt warns that `authorize` replaces it

    async def authorize() -> AuthorizeResult:
        # Bolt's own `authorize` would call `auth.test` before the first listener, so that the
        # acknowledgement would wait for the network.
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    with _unseen("SLACK_"):
        app = BoltApp(
            # Without a name Bolt reads the source files of its callers to find one. Bolt sets the
            # level of the logger of this name, so it must not be the name of our package.
            name="crewgate-slack",
            client=client,
            authorize=authorize,
            process_before_response=True,  # the docstring of `BoltApp` says why
            signing_secret="",
            request_verification_enabled=False,
            logger=logging.getLogger("slack_bolt"),
        )
    app.error(on_error)
    return app


@contextmanager
def _unseen(prefix: str) -> Iterator[None]:
    """Hide environment variables from Bolt, which reads more than its arguments.

    Bolt would warn of `SLACK_BOT_TOKEN`; `SLACK_CLIENT_ID` and its secret would make an app of many
    workspaces, whose tokens are kept in files.
    """
    environment = os.environ  # noqa: TID251  # variables are hidden from Bolt, and none is read
    hidden = {name: environment.pop(name) for name in list(environment) if name.startswith(prefix)}
    try:
        yield
    finally:
        environment.update(hidden)


async def on_error(error: Exception) -> BoltResponse | None:
    """Log an unforeseen error of a listener. Slack tells the person that the action failed."""
    match error:
        case Malformed():
            log.warning("payload_malformed", why=type(error.__cause__).__name__)
            return BoltResponse(status=400, body="This is not a payload as Slack documents it.")
        case StoreUnavailable():
            log.warning("store_unavailable", path="Slack", why=str(error))
            return BoltResponse(status=503)  # Slack sends an event again after an error
        case _:
            log.error("listener_failed", exc_info=error)
            return None
