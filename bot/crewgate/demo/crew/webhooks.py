"""Sends the stand-in crew's webhooks: once, without retries, recording the answer."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import aiohttp

from crewgate.demo.crew.records import Sent
from crewgate.demo.crew.wire import parse_object_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crewgate.demo.crew.deployment import Deployment

#: The longest that a receiver may take, in seconds; the vendor names 30 for its flow webhooks.
TIMEOUT = 30.0

#: The most that is kept of an answer, in bytes.
ANSWER_LIMIT = 64 * 2**10


class WebhookSender:
    """Sends webhooks between `start` and `stop`."""

    def __init__(self, crew: Deployment) -> None:
        self._crew = crew
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the HTTP session."""
        # Fresh connections: a webhook is never repeated, so none may be lost to a stale one.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )

    async def stop(self) -> None:
        """Close the HTTP session; webhooks fail from now on."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        """Send one webhook and record its outcome."""
        await asyncio.sleep(self._crew.webhook_seconds)
        status, answer, error = await self._try(url, raw, headers)
        body = parse_object_or_nothing(raw)
        at = self._crew.now()
        sent = Sent(kind, url, body, raw, dict(headers), status, answer, error, at)
        self._crew.sent_log.append(sent, len(raw))
        execution_id = str(body.get("execution_id") or body.get("kickoff_id") or "")
        self._crew.changes.announce("sent", execution_id)
        return sent

    async def _try(
        self, url: str, raw: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str, str]:
        if self._session is None:
            return None, "", "the crew is not running"
        try:
            async with self._session.post(
                url, data=io.BytesIO(raw), headers=headers, allow_redirects=False
            ) as answer:
                text = b""
                async for part in answer.content.iter_chunked(8 * 2**10):
                    text += part
                    if len(text) >= ANSWER_LIMIT:
                        break
                return answer.status, text.decode(errors="replace"), ""
        except (aiohttp.ClientError, TimeoutError, OSError) as lost:
            return None, "", f"{type(lost).__name__}: {lost}"
