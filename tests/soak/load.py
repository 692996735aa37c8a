"""Starts executions, and asks how the bot is."""

import asyncio
import time
from http import HTTPStatus
from itertools import count

import aiohttp

from tests.soak.labels import topic
from tests.soak.rules import STARTER, rule_of
from tests.soak.world import World
from tests.standins.crew import Crew

#: One execution in so many is kicked off through the bot; the others at the crew itself.
_THROUGH_THE_BOT = 10
#: The same where the starter matters.
_WITH_STARTER = 2
_KICKOFF_SECONDS = 20
_PROBE_SECONDS = 0.5


async def start_executions(world: World) -> None:
    """Start them at the rate that was asked for, until cancelled."""
    chance = world.chance("load")
    timeout = aiohttp.ClientTimeout(total=_KICKOFF_SECONDS)
    due = time.monotonic()
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        for number in count(1):
            due += chance.expovariate(world.options.rate)
            await asyncio.sleep(max(0, due - time.monotonic()))
            crew = chance.choice(world.crews)
            others_approve = rule_of(crew.name).others_approve
            if number % (_WITH_STARTER if others_approve else _THROUGH_THE_BOT):
                crew.start_execution({"topic": topic(number)})
            else:
                group.create_task(_kick_off(world, crew, number, session))


async def _kick_off(world: World, crew: Crew, number: int, session: aiohttp.ClientSession) -> None:
    """Kick off through the bot, once: whether it started is then seen at the crew."""
    url = f"{world.bots.address}/crews/{crew.name}/kickoff"
    headers = {"Authorization": f"Bearer {crew.token}"}
    body = {"inputs": {"topic": topic(number)}, "meta": {"started_by": STARTER}}
    try:
        async with session.post(url, json=body, headers=headers) as answer:
            text = await answer.text()
            world.ledger.http_answers.append(text)
            world.ledger.counts[f"kickoffs answered {answer.status}"] += 1
            if answer.status == HTTPStatus.OK and "kickoff_id" in text:
                world.ledger.started.add(number)
    except (aiohttp.ClientError, TimeoutError):
        world.ledger.counts["kickoffs without an answer"] += 1


async def probe(world: World) -> None:
    """Ask `/readyz` again and again, until cancelled."""
    async with aiohttp.ClientSession() as session:
        while True:
            began = time.time()
            status = await ask_readyz(world, session)
            if not world.ledger.was_out(began) and not world.ledger.was_out(time.time()):
                world.ledger.counts[f"/readyz answered {status or 'nothing'}"] += 1
            await asyncio.sleep(_PROBE_SECONDS)


async def ask_readyz(world: World, session: aiohttp.ClientSession) -> int:
    """The status of `/readyz`; 0 when nobody answered."""
    try:
        async with session.get(f"{world.bots.address}/readyz") as answer:
            world.ledger.http_answers.append(await answer.text())
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0
