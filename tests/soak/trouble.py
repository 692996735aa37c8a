"""The faults of a run: on both sides, outages, kills, and a clock that steps.

Faults last until they are used up or the run is over. What hangs ends by its server going down for
a moment: if it were released, it would do its work long after the bot gave up on it, and no bot can
know of that.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from random import Random
from typing import Final

import aiohttp

from crewgate.demo.faults import DROP_AFTER, HANG
from crewgate.demo.servers import BotProcess
from tests.soak.ledger import Outage
from tests.soak.load import ask_readyz
from tests.soak.stepped_bot import step
from tests.soak.world import World
from tests.standins import crew as at_crew
from tests.standins import workspace as at_slack
from tests.standins.crew import Crew
from tests.standins.faults import DROP_BEFORE, slow
from tests.standins.workspace import Workspace

#: Between two faults of one side, two outages, two steps of the clock, in seconds; between two
#: kills, in parts of what is between them on average.
_FAULTS: Final = (0.1, 0.6)
_OUTAGES: Final = (4.0, 12.0)
_STEPS: Final = (8.0, 16.0)
_BETWEEN_KILLS: Final = (0.5, 1.5)
#: Seconds that a bot lives at least.
_ALIVE: Final = (0.5, 3.0)
_HANG: Final = (1.0, 8.0)
_DOWN: Final = (0.3, 2.0)
_DEAD: Final = (0.0, 1.0)
#: Seconds that the clock steps by; each time while resumes take long.
_STEP_BY: Final = (120, 3600, -120)
_LONG_RESUME: Final = slow(6)
_UNDER_WAY: Final = 2.0
_WATCHED: Final = 3.0
#: Clients notice a death later than it happens, on a busy machine by seconds.
_NOTICED: Final = 2.0
_OPEN: Final = float("inf")

_PAGE: Final = "<html><h1>502 Bad Gateway</h1><script>alert(1)</script></html>"
_MALFORMED: Final[tuple[object, ...]] = (
    [],
    "odd",
    {"ok": True},
    {"ok": None},
    {"ok": False, "error": ["odd"]},
)

AT_RESUME: Final = (
    at_crew.status(500),
    at_crew.status(500, applied=True),
    at_crew.status(502, _PAGE),
    at_crew.status(503, retry_after=1),
    at_crew.status(429, retry_after=2),
    at_crew.status(400, {"error": "Bad Request", "message": "taskWebhookUrl must use https"}),
    at_crew.status(401),
    at_crew.status(404, "not found"),
    *(at_crew.echo(422, into=place) for place in at_crew.Echo),
    *(at_crew.echo(500, into=place) for place in at_crew.Echo),
    at_crew.echo(200, into=at_crew.Echo.MESSAGE),
    at_crew.garbage(applied=False),
    at_crew.garbage(applied=True),
    DROP_BEFORE,
    DROP_AFTER,
    DROP_AFTER,
    slow(1),
    HANG,
    replace(HANG, applied=True),
)
AT_STATUS: Final = (
    at_crew.status(500),
    at_crew.status(404, _PAGE),
    at_crew.status(404),
    at_crew.status(429, retry_after=2),
    at_crew.echo(422),
    at_crew.garbage(),
    DROP_BEFORE,
    slow(1),
    HANG,
)
AT_KICKOFF: Final = (
    at_crew.status(500),
    at_crew.status(503, retry_after=1),
    at_crew.echo(422),
    at_crew.garbage(applied=True),
    DROP_BEFORE,
    DROP_AFTER,
    slow(2),
    HANG,
)
AT_FLOW: Final = (
    at_crew.status(500),
    at_crew.status(500, applied=True),
    DROP_BEFORE,
    DROP_AFTER,
    slow(1),
)
AT_CREW: Final = {
    "/crewai_plus": AT_FLOW,
    "/resume": AT_RESUME,
    "/status": AT_STATUS,
    "/kickoff": AT_KICKOFF,
}

#: Never codes that speak of one message for good: its card would rightly stay as it is.
AT_SLACK: Final = (
    at_slack.error("internal_error"),
    at_slack.error("fatal_error"),
    at_slack.echo("invalid_arguments"),
    at_slack.rate_limited(1),
    at_slack.rate_limited(3),
    at_slack.http_status(500),
    at_slack.http_status(503),
    *(at_slack.malformed(body) for body in _MALFORMED),
    slow(1),
    DROP_BEFORE,
    DROP_AFTER,
    HANG,
)
#: Not for reading: what cannot be read is posted again, as the documents say.
AT_POSTS: Final = (*AT_SLACK, at_slack.error("not_in_channel"))
METHODS: Final = (
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "conversations.members",
    "files.getUploadURLExternal",
    "files.completeUploadExternal",
    "upload",
    "reactions.add",
    "usergroups.users.list",
    "users.info",
    "views.open",
    "views.update",
    "auth.test",
)


class Trouble:
    """Makes trouble until cancelled; `end` undoes what is left of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = world.ledger
        self._going_down: set[Crew | Workspace] = set()
        self._stepping = asyncio.Lock()
        """Nobody is killed while the clock steps: it would end what the step brings about."""
        self._hangs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Everything at once, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fail_crews(self._world.chance("crews")))
            group.create_task(self._fail_slack(self._world.chance("slack")))
            group.create_task(self._outages(self._world.chance("outages")))
            group.create_task(self._steps(self._world.chance("steps")))

    async def end(self) -> None:
        """No more faults, and everybody is there again."""
        for task in self._hangs:
            task.cancel()
        await asyncio.gather(*self._hangs, return_exceptions=True)
        self._going_down.clear()
        # What hangs is not released: whoever called may be dead, and have called again since.
        self._world.slack.faults.clear()
        await self._restart(self._world.slack, 0)
        for crew in self._world.crews:
            crew.clear()
            await self._restart(crew, 0)
        for bot in self._world.bots.processes:
            if not bot.running:
                await bot.start()
        await self._end_outage()

    async def _end_outage(self) -> None:
        """The last kill may have been interrupted, before the bot was started or was ready."""
        async with aiohttp.ClientSession() as session:
            ready = False
            while not ready:
                ready = await ask_readyz(self._world, session) == HTTPStatus.OK
                await asyncio.sleep(_NOTICED)
        if self._ledger.outages and self._ledger.outages[-1].until == _OPEN:
            since = self._ledger.outages[-1].since
            self._ledger.outages[-1] = Outage(since, time.time() + _NOTICED)

    async def _fail_crews(self, chance: Random) -> None:
        while True:
            await asyncio.sleep(chance.uniform(*_FAULTS))
            crew = chance.choice(self._world.crews)
            [route] = chance.choices(list(AT_CREW), weights=[1, 6, 2, 1])
            fault = chance.choice(AT_CREW[route])
            crew.fail(route, how=fault, times=_times(chance))
            self._ledger.faults[f"crew {route} {fault.name}"] += 1
            if fault.seconds is None:
                self._end_later(crew, chance)

    async def _fail_slack(self, chance: Random) -> None:
        slack = self._world.slack
        while True:
            await asyncio.sleep(chance.uniform(*_FAULTS))
            method = chance.choice(METHODS)
            fault = chance.choice(AT_POSTS if method.startswith("chat.") else AT_SLACK)
            slack.fail(method, fault, times=_times(chance))
            self._ledger.faults[f"slack {fault.name}"] += 1
            if fault is HANG:
                self._end_later(slack, chance)

    def _end_later(self, hangs: Crew | Workspace, chance: Random) -> None:
        after, down = chance.uniform(*_HANG), chance.uniform(*_DOWN)

        async def end() -> None:
            await asyncio.sleep(after)
            await self._restart(hangs, down)

        task = asyncio.create_task(end())
        self._hangs.add(task)
        task.add_done_callback(self._hangs.discard)

    async def _outages(self, chance: Random) -> None:
        sides: Sequence[Crew | Workspace] = (*self._world.crews, self._world.slack)
        weights = [1] * len(self._world.crews) + [len(self._world.crews) // 2]
        while True:
            await asyncio.sleep(chance.uniform(*_OUTAGES))
            [side] = chance.choices(sides, weights=weights)
            self._ledger.faults[f"{'slack' if side is sides[-1] else 'crew'} down"] += 1
            await self._restart(side, chance.uniform(*_DOWN))

    async def _restart(self, side: Crew | Workspace, down: float) -> None:
        if side in self._going_down:
            return
        self._going_down.add(side)
        try:
            await side.go_down()
            await asyncio.sleep(down)
        finally:
            await side.come_back()
            self._going_down.discard(side)

    async def kills(self) -> None:
        """Kill the bot as often as was asked for; late ones follow each other at once."""
        chance, options = self._world.chance("kills"), self._world.options
        due = time.monotonic()
        for _ in range(options.kills):
            due += chance.uniform(*_BETWEEN_KILLS) * options.seconds / options.kills
            await asyncio.sleep(max(chance.uniform(*_ALIVE), due - time.monotonic()))
            bot = chance.choice(self._world.bots.processes)
            async with self._stepping:
                await self._kill(bot, chance.uniform(*_DEAD))

    async def _steps(self, chance: Random) -> None:
        while True:
            await asyncio.sleep(chance.uniform(*_STEPS))
            async with self._stepping:
                for crew in self._world.crews:
                    crew.fail("/resume", how=_LONG_RESUME)
                await asyncio.sleep(_UNDER_WAY)
                by = chance.choice([by for by in _STEP_BY if self._ledger.ahead + by >= 0])
                self._ledger.steps.append(self._ledger.ahead + by)
                step(self._world.clock, self._ledger.ahead)
                self._ledger.faults[f"steps of the clock by {by} s"] += 1
                await asyncio.sleep(_WATCHED)

    async def _kill(self, bot: BotProcess, dead: float) -> None:
        """Kill, and start again even if this is cancelled meanwhile."""
        self._ledger.faults["kills of the bot"] += 1
        since = time.time()
        self._ledger.outages.append(Outage(since, _OPEN))
        await bot.kill()
        until = time.time() + _NOTICED
        await asyncio.sleep(dead)
        await bot.start()
        alone = len(self._world.bots.processes) == 1
        self._ledger.outages[-1] = Outage(since, time.time() + _NOTICED if alone else until)


def _times(chance: Random) -> int:
    return chance.choice((1, 1, 1, 2, 3))
