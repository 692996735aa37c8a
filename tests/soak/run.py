"""One run: load and trouble, then peace, then what must hold."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from crewgate.domain.review import State
from tests.quick_bot import quick
from tests.soak.audit import look_at_audit, wanted_kinds
from tests.soak.beside import Beside
from tests.soak.calls import Calls
from tests.soak.checks import check_everything, lost_by_design
from tests.soak.database import Database, Stored, open_database
from tests.soak.evidence import CrewRecords, Evidence, read_crews
from tests.soak.leaks import event_keys, find_leaks, read_log
from tests.soak.lessons import Lessons
from tests.soak.load import ask_readyz, probe, start_executions
from tests.soak.options import Options
from tests.soak.people import People
from tests.soak.report import figures, line
from tests.soak.trouble import Trouble
from tests.soak.world import World, open_world

#: As it is served, but for its clock, its longest wait, and this: some 50 messages a minute can be
#: changed in a workspace, and ten executions a second would take half an hour to be shown.
SERVE = quick("tests.soak.stepped_bot", update=0.02)
_LOOK_SECONDS = 1.0
_TELL_SECONDS = 10.0
_READY = 200


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run."""

    figures: list[str]
    problems: list[str]


async def soak(
    options: Options,
    folder: Path,
    *,
    trouble_in: Callable[[World], Trouble] = Trouble,
    command: Sequence[str] = SERVE,
    more_settings: Mapping[str, str] | None = None,
) -> Result:
    """Run, and say what came of it."""
    began = time.monotonic()
    besides = _besides(options, folder)
    async with open_world(options, folder, command, more_settings, besides) as world:
        people = People(world)
        attending = [people.run(), *(beside.attend() for beside in besides)]
        async with background(*attending), open_database(world.bots.database_url) as database:
            trouble = trouble_in(world)
            await people.go_away()
            telling = _tell(world, people, besides, database)
            async with background(probe(world), telling):
                async with background(
                    trouble.run(),
                    people.come_and_go(),
                    start_executions(world),
                    *(beside.load() for beside in besides),
                ):
                    kills = (beside.kills(options.kills) for beside in besides)
                    await asyncio.gather(asyncio.sleep(options.seconds), trouble.kills(), *kills)
                await trouble.end()
                for beside in besides:
                    beside.crew.faults.clear()
                await asyncio.gather(*(beside.last() for beside in besides))
                settled = await _settle(world, people, besides, database)
            async with aiohttp.ClientSession() as session:
                ready = await ask_readyz(world, session)
            evidence = _evidence(world, people, await database.read())
            url = world.bots.database_url
            stored = evidence.stored
            wanted = wanted_kinds(options.beside)
            audit = await look_at_audit(url, folder, world.chance("audit"), wanted)
            world.ledger.reopened = audit.reopened
            world.ledger.counts.update({f"proven: {kind}": n for kind, n in audit.proven.items()})
    found = [] if settled else [f"not settled after {options.settle_seconds:g} s"]
    found += [] if ready == _READY else [f"/readyz says {ready}: {world.ledger.http_answers[-1]}"]
    found += check_everything(evidence)
    found += [*audit.problems, *_look_at_outputs(world)]
    told = list(figures(world, evidence, time.monotonic() - began))
    if options.is_short:
        told += [line(f"not seen in so short a run: evidence {kind}", 0) for kind in audit.unproven]
    else:
        found += [f"no evidence {kind} was proved" for kind in audit.unproven]
    for beside in besides:
        rounds = stored.of_crew(beside.name)
        found += beside.wrong(rounds)
        told += [f"beside: {beside.name}"]
        told += [line(f"  {name}", value) for name, value in beside.figures(rounds)]
    return Result(told, found)


def _besides(options: Options, folder: Path) -> list[Beside]:
    made: list[Beside] = []
    made += [Calls(folder, options.seed)] if Calls.name in options.beside else []
    made += [Lessons(options.seed)] if Lessons.name in options.beside else []
    return made


@asynccontextmanager
async def background(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on for as long as the block lasts; an error in it ends the run."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()


async def _tell(
    world: World, people: People, besides: Sequence[Beside], database: Database
) -> None:
    """Say how it goes, again and again, until cancelled."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        evidence = _evidence(world, people, await database.read())
        executions = evidence.crews.executions.values()
        ended = sum(execution.ended_at is not None for execution in executions)
        seconds = time.monotonic() - began
        print(
            f"  {seconds:4.0f} s: {len(executions)} executions, {ended} have ended, "
            f"{len(people.attended)} cards are looked at, "
            f"{len(evidence.stored.behind)} effects to do",
            flush=True,
        )
        for beside in besides:
            beside.watch(evidence.stored.of_crew(beside.name))


async def _settle(
    world: World, people: People, besides: Sequence[Beside], database: Database
) -> bool:
    """Wait until nothing is left to do, as long as that is allowed to take."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(world.options.settle_seconds):
            while True:
                stored = await database.read()
                if _is_settled(_evidence(world, people, stored), people) and all(
                    beside.is_settled(stored.of_crew(beside.name)) for beside in besides
                ):
                    return True
                await asyncio.sleep(_LOOK_SECONDS)
    return False


def _is_settled(evidence: Evidence, people: People) -> bool:
    lost = lost_by_design(evidence)
    # Retry cannot help where the crew went on and nothing says so.
    hopeless = {
        round_.id
        for round_ in evidence.stored.rounds
        if round_.execution_id in lost and round_.state is State.STUCK and round_.in_doubt
    }
    return (
        people.attended <= hopeless
        and not evidence.stored.behind
        and all(
            execution.ended_at is not None or execution.id in lost
            for execution in evidence.crews.executions.values()
        )
    )


def _evidence(world: World, people: People, stored: Stored) -> Evidence:
    crews: CrewRecords = read_crews(world.crews)
    direct = tuple(people.direct.values())
    return Evidence(crews, stored, world.ledger, people.cards, _keys(world), direct)


def _keys(world: World) -> Counter[str]:
    return Counter(
        str(message.metadata["event_payload"]["key"])
        for channel in world.slack.world.channels
        for message in world.slack.messages(channel)
        if message.metadata is not None
    )


def _look_at_outputs(world: World) -> list[str]:
    secrets = {**world.secrets, **event_keys(world.crews)}
    logs = world.bots.logs
    warnings: Counter[str] = Counter()
    unforeseen = [problem for log in logs for problem in read_log(log, warnings)]
    world.ledger.counts.update({f"logged: {name}": times for name, times in warnings.items()})
    uploads = [file.text for file in world.slack.files]
    return [*unforeseen, *find_leaks(secrets, world.ledger, uploads, logs)]
