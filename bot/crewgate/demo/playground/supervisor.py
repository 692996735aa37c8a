"""Starts and stops the bot process on the page's commands, and notices when it exits by itself."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Self, TypeAlias

from crewgate.demo.bot_process import BotProcess
from crewgate.demo.server_process import DidNotStart

Command: TypeAlias = Literal["start", "restart", "kill"]


class Supervisor:
    """Carries out one command at a time; calls `changed` after each change of `state`."""

    def __init__(self, bot: BotProcess, changed: Callable[[], None]) -> None:
        self.state = "running"
        self.problem = ""
        """The reason that the bot is down, in words."""
        self.log = ""
        """The end of the bot's log, where no command stopped it."""
        self._bot = bot
        self._changed = changed
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher

    async def execute(self, command: Command) -> None:
        """Carry out a command; one that would change nothing is ignored."""
        async with self._lock:
            if command == "kill":
                await self._bot.kill()
                self._set_state("down", "The bot was killed here, on this page.")
                return
            if command == "restart" and self._bot.running:
                self._set_state("restarting")
                await self._bot.stop()
            if not self._bot.running:
                await self._start()

    async def settled(self) -> None:
        """Wait until no command is being carried out."""
        async with self._lock:
            pass

    async def _start(self) -> None:
        self._set_state("starting")
        try:
            await self._bot.start()
        except DidNotStart as error:
            self._set_state("down", "The bot did not start.", error.log)
        else:
            self._watch()
            self._set_state("running")

    def _watch(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        self._watcher = asyncio.create_task(self._watch_exit())

    async def _watch_exit(self) -> None:
        await self._bot.ended()
        async with self._lock:
            # A command that ended it held the lock until now and has already set the state.
            if self.state == "running" and not self._bot.running:
                self._set_state("down", "The bot ended by itself.", self._bot.log_tail)

    def _set_state(self, state: str, problem: str = "", log: str = "") -> None:
        self.state, self.problem, self.log = state, problem, log
        self._changed()
