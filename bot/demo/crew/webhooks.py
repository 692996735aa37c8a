"""How the stand-in crew sends its webhooks: once, never again, and with a record of the answer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import aiohttp

from bot.demo.crew.records import BoundedLog, Changes, Sent
from bot.demo.crew.wire import parse_object_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long a receiver may take, in seconds; the vendor names 30 for its flow webhooks.
TIMEOUT = 30.0

#: How much of an answer is kept, in bytes.
ANSWER_LIMIT = 64 * 2**10


class WebhookSender:
    """Sends webhooks between `open` and `close`."""

    def __init__(self, changes: Changes, *, keep: int) -> None:
        self.sent: BoundedLog[Sent] = BoundedLog(keep)
        self._changes = changes
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Get ready to send."""
        # Fresh connections: a webhook is never repeated, so none may be lost to a stale one.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )

    async def close(self) -> None:
        """Send no more."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, kind: str, url: str, raw: bytes, headers: Mapping[str, str]) -> Sent:
        """Send one webhook and record what came of it."""
        status, answer, error = await self._try(url, raw, headers)
        body = parse_object_or_nothing(raw)
        sent = Sent(
            kind, url, body, raw, dict(headers), status, answer, error, at=self._changes.time
        )
        self.sent.append(sent, len(raw))
        self._changes.announce(
            "sent", str(body.get("execution_id") or body.get("kickoff_id") or "")
        )
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
