"""Plays stories, each on an empty database."""

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Protocol, Self

from crewgate.runtime import EventLoop
from crewgate.store.engine import Engines
from tests.builders import FakeClock, a_uow
from tests.databases import EmptiedSqlite, bring_up
from tests.postgres import EmptiedPostgres, Postgres, open_postgres
from tests.simulation.meetings import Meetings
from tests.simulation.oracle import Broken
from tests.simulation.product import MASKED, SCANS, Product
from tests.simulation.simulation import Simulation
from tests.simulation.story import Choices, Failure, Step, Story

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder in memory, whose files no disk syncs


class Database(Protocol):
    """A migrated database that each story finds empty."""

    url: str

    @property
    def engines(self) -> Engines: ...

    async def empty(self) -> None: ...


@dataclass
class OnPostgres:
    """The PostgreSQL of the tests."""

    server: Postgres
    emptied: EmptiedPostgres = field(default_factory=EmptiedPostgres)
    url: str = ""

    @property
    def engines(self) -> Engines:
        return self.emptied.engines

    async def empty(self) -> None:
        self.url = await self.emptied.url(self.server)


class Player:
    """Begins each story on an empty database, and sees what it comes to."""

    def __init__(self, database: Database, runner: asyncio.Runner) -> None:
        self._database = database
        self._runner = runner
        self.meetings = Meetings()

    def play(self, story: Story) -> Failure | None:
        """Play a story; steps that are not possible in their turn are left out."""
        return self._runner.run(self._play(story))

    def explore(self, random: Random, steps: int) -> tuple[Story, Failure | None]:
        """Tell a new story, and return it as far as it went."""
        told: list[Step] = []
        failure = self._runner.run(self._explore(random, steps, told))
        return tuple(told), failure

    async def _begin(self) -> Simulation:
        await self._database.empty()
        engines, clock = self._database.engines, FakeClock()
        uow = a_uow(engines, masking={SCANS: MASKED}, clock=clock)
        product = Product(engines, uow, clock)
        product.database_url = self._database.url
        return Simulation(product)

    async def _play(self, story: Story) -> Failure | None:
        simulation = await self._begin()
        with Watched() as watched:
            for step in story:
                if step.name in simulation.likely():
                    await simulation.take(step.name, Choices(step.choices))
            await simulation.end_well()
        await simulation.stop()
        return watched.failure

    async def _explore(self, random: Random, steps: int, told: list[Step]) -> Failure | None:
        simulation = await self._begin()
        taste = Taste(random)
        self.meetings.names |= simulation.steps().keys()
        with Watched() as watched:
            for _ in range(steps):
                likely = taste.of(simulation.likely())
                [name] = random.choices([*likely], [*likely.values()])
                taste.take(name)
                choices = Choices((), random)
                try:
                    await simulation.take(name, choices)
                finally:
                    told.append(Step(name, tuple(choices.made)))
            await simulation.end_well()
        await simulation.stop()
        self.meetings.add(simulation.met)
        return watched.failure


BEGINNINGS = (
    "crew_begins",
    "agent_calls",
    "program_asks",
    "scans_pause",
    "case_begins",
    "flow_asks",
)
"""The steps by which each kind of crew has something to decide; a single scan is one more."""

UNTAKEN = 4
"""A step that a story has not had is so many times as likely: more of them meet."""


class Taste:
    """Makes some steps likelier in a story, and leaves others out, so that no two are alike.

    A story that takes every step now and then seldom takes the three in a row that break something.
    Half of the stories are about one kind of crew alone, a quarter about two.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._taken: set[str] = set()
        many = random.choice((1, 1, 2, len(BEGINNINGS)))
        left = random.sample(BEGINNINGS, len(BEGINNINGS) - many)
        self._factors = dict.fromkeys(BEGINNINGS, 1) | dict.fromkeys(left, 0)
        self._factors["scan_pauses"] = self._factors["scans_pause"]

    def of(self, likely: dict[str, int]) -> dict[str, int]:
        for name in likely:
            if name not in self._factors:
                self._factors[name] = self._random.choice((0, 1, 1, 1, 5))
        tasted = {
            name: weight * self._factors[name] * (1 if name in self._taken else UNTAKEN)
            for name, weight in likely.items()
        }
        return tasted if any(tasted.values()) else likely

    def take(self, name: str) -> None:
        self._taken.add(name)


class Watched:
    """Whatever a story raises is its failure."""

    failure: Failure | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> bool:
        if isinstance(error, Broken):
            self.failure = Failure(error.sentence, error.read)
        elif isinstance(error, Exception):
            place = traceback.extract_tb(at)[-1]
            where = f"{Path(place.filename).name}:{place.lineno} {place.line}"
            self.failure = Failure(f"{type(error).__name__} in {place.name}", f"{error} ({where})")
        return self.failure is not None


@contextmanager
def opened(backend: str = "sqlite") -> Iterator[Player]:
    """A player on a database of its own."""
    with (
        TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder,
        asyncio.Runner(loop_factory=EventLoop) as runner,
        open_postgres() if backend == "postgresql" else nullcontext() as server,
    ):
        made = _on_sqlite(Path(folder)) if server is None else _on_postgres(server)
        database: Database = runner.run(made)
        yield Player(database, runner)
        runner.run(database.engines.dispose())


async def _on_sqlite(folder: Path) -> Database:
    template = folder / "template.db"
    await bring_up(f"sqlite+aiosqlite:///{template}")
    database = EmptiedSqlite(template, folder / "crewgate.db")
    # Reads in the story's own thread: to pass rows between threads takes longer than to find them.
    read: Any = database.engines.for_outbox.read
    database.engines = replace(database.engines, read=read)
    return database


async def _on_postgres(server: Postgres) -> Database:
    database = OnPostgres(server)
    await database.empty()
    return database
