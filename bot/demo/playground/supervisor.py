"""Keeps the bot: ends and starts it on the page's word, and sees when it ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self, TypeAlias

from bot.demo.bot_process import BotDidNotStart, BotProcess

Order: TypeAlias = Literal["start", "restart", "kill"]


class Keeper:
    """Obeys one order at a time; `changed` is called whenever `state` is another."""

    def __init__(self, bot: BotProcess, changed: Callable[[], None]) -> None:
        self.state = "running"
        self.trouble = ""
        """Why it is down when nobody asked for that."""
        self._bot = bot
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def obey(self, order: Order) -> None:
        """Carry out an order; one that changes nothing is none."""
        async with self._one_at_a_time:
            if order == "kill":
                await self._bot.kill()
                self._become("down")
                return
            if order == "restart" and self._bot.running:
                self._become("restarting")
                await self._bot.stop()
            if not self._bot.running:
                await self._start()

    async def _start(self) -> None:
        self._become("starting")
        try:
            await self._bot.start()
        except BotDidNotStart as error:
            self._become("down", str(error))
        else:
            self._watch()
            self._become("running")

    def _watch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = asyncio.create_task(self._until_ended())

    async def _until_ended(self) -> None:
        await self._bot.ended()
        async with self._one_at_a_time:
            # Who ended it on purpose had the lock until now, and has said what is the case.
            if self.state == "running" and not self._bot.running:
                self._become("down", "The bot ended by itself.")

    def _become(self, state: str, trouble: str = "") -> None:
        self.state, self.trouble = state, trouble
        self._changed()
