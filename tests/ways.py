"""`python -m tests.ways [-v]`: the functions of ours that run from one event to its effect.

A whole bot runs in this process between the two stand-ins. Each way is walked once to warm up,
once under a profile hook that records each call into the bot, and twenty times without the hook for
its processor time (that of the bot and of both stand-ins). A move is a call from one file into
another. The figures help a reader to see whether steps went; no test limits them, for inlining
functions would meet a limit and help nobody. `-v` prints the files of each way.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from pathlib import Path
from types import FrameType
from typing import Any, Self

import structlog

from crewgate.app import running
from crewgate.demo.environment import ANA, CHANNEL, connect, people
from crewgate.settings.load import load
from tests.databases import bring_up
from tests.journeys.conftest import AT_ONCE, says_delivered
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Message, Workspace

BOT = str(Path(__file__).parents[1] / "bot" / "crewgate")
STAND_INS = (f"{BOT}/demo/", f"{BOT}/crew_api/")
REPEATS = 20


@dataclass
class Trace:
    """The calls into the bot, in order."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        path, name = frame.f_code.co_filename, frame.f_code.co_qualname
        is_ours = path.startswith(BOT) and not path.startswith(STAND_INS)
        if event == "call" and is_ours and not name.endswith(">"):
            self.calls.append((path.removeprefix(f"{BOT}/"), name))

    def __enter__(self) -> Self:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    @property
    def files(self) -> list[str]:
        return sorted({file for file, _ in self.calls})

    def __str__(self) -> str:
        moves = sum(before != after for (before, _), (after, _) in pairwise(self.calls))
        functions = len(set(self.calls))
        return f"{len(self.files):>4} files {moves:>5} moves {functions:>5} functions"


@dataclass
class Place:
    """A bot between a workspace and a crew."""

    slack: Workspace
    crew: Crew
    numbers: Iterator[int] = field(default_factory=count)

    async def nothing(self) -> str:
        return "nothing is prepared"

    async def notify(self, _: str = "") -> Message:
        """Pause, and return the card."""
        execution = self._new_execution()
        await self.crew.pause(execution, f"draft {execution}", "A draft.")
        return await self._card(execution)

    async def call(self, _: str) -> Message:
        """Ask about a call of a tool, and return the card."""
        execution = self._new_execution()
        arguments = {"to": "bob@acme.example", "text": "Hello"}
        await self.crew.notify_raw(
            {
                "execution_id": execution,
                "task_id": f"send_email-{execution}",
                "task_output": json.dumps(arguments),
                "tool_call": {"tool": f"send_{execution}", "arguments": arguments},
            }
        )
        return await self._card(execution)

    async def press(self, card: Message) -> None:
        await self.slack.click(ANA, card, "Approve")

    async def resume(self, card: Message) -> None:
        await self.press(card)
        await self.slack.until(lambda: says_delivered(self.slack.fresh(card)))

    async def pending(self, _: str) -> None:
        before = len(self.slack.ephemerals(ANA))
        await self.slack.slash(ANA, CHANNEL, "/crew", "pending mine")
        await self.slack.until(lambda: len(self.slack.ephemerals(ANA)) > before)

    def _new_execution(self) -> str:
        return f"w-{next(self.numbers):04}"

    async def _card(self, execution: str) -> Message:
        def posted() -> list[Message]:
            return [one for one in self.slack.messages(CHANNEL) if execution in str(one)]

        return (await self.slack.until(posted))[-1]


async def main(arguments: list[str]) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        slack = await stack.enter_async_context(Workspace())
        crew = await stack.enter_async_context(Crew())
        people(slack)
        url = f"sqlite+aiosqlite:///{folder / 'crewgate.db'}"
        await bring_up(url)
        environment = {"HOST": "127.0.0.1", "DATABASE_URL": url}
        chosen = load(settings(slack, crew) | environment, cwd=folder)
        bot = await stack.enter_async_context(running(replace(chosen, port=0), AT_ONCE))
        connect(slack, crew, bot.address)
        place = Place(slack, crew)
        ways: tuple[tuple[str, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[Any]]], ...]
        ways = (
            ("a notification, to its posted card", place.nothing, place.notify),
            ("a press on Approve, to its acknowledgement", place.notify, place.press),
            ("a press on Approve, to the card that says taken", place.notify, place.resume),
            ("a call of a tool, to its posted card", place.nothing, place.call),
            ("/crew pending mine, to its answer", place.nothing, place.pending),
        )
        for name, prepare, walk in ways:
            await walk(await prepare())
            subject = await prepare()
            await settled()
            with Trace() as trace:
                await walk(subject)
            subjects = [await prepare() for _ in range(REPEATS)]
            await settled()
            began = time.process_time()
            for one in subjects:
                await walk(one)
            milliseconds = (time.process_time() - began) * 1000 / REPEATS
            print(f"{name:<50}{trace}{milliseconds:>8.1f} ms of processor")
            if "-v" in arguments:
                print("    " + "\n    ".join(trace.files))


async def settled() -> None:
    """Let the workers finish what they began."""
    for _ in range(200):
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
