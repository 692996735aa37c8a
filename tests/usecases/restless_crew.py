"""A crew that lives its own life, for the state machine: it works, pauses, announces and ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from bot.domain.review import State
from bot.domain.verdict import Decision
from tests.usecases.standins import Resumed
from tests.usecases.world import World

TASKS = ("draft", "check", "translate", "publish")
ENDED = "the execution has ended"


class Haste(Enum):
    """How far the crew is by the time a resume is answered."""

    NONE = auto()
    PAUSED = auto()
    """It has paused again already; its notification is on its way."""
    HEARD = auto()
    """That has arrived, too."""


@dataclass
class Execution:
    """One run of the crew. What it has said and the bot has not heard yet is kept in order."""

    id: str
    task: int = 0
    run_workers: bool = True
    output: str = ""
    drafts: int = 0
    unheard: list[tuple[str, str]] = field(default_factory=list)
    """(task, output) of notifications on their way."""
    last_heard: tuple[str, str] | None = None
    signs: list[str | None] = field(default_factory=list)
    """Task and crew webhooks on their way; a crew webhook says why it is the last one."""
    murky: bool = False
    """Something happened that no bot could tell apart from its own resume having been taken."""

    @property
    def completed(self) -> bool:
        return self.task == len(TASKS)


class RestlessCrew:
    """What a crew does by itself, and what must hold whenever it is told something."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.executions = {name: Execution(name) for name in ("e-1", "e-2")}
        self.decided: dict[Decision, str] = {}
        """Decision to round; every decision has a time of its own."""
        self.texts: dict[str, str] = {}
        """Round to the output that its reviewer saw."""
        self.haste = Haste.NONE
        self.same = False
        """Whether it then comes up with the same output again."""
        self.chats = False
        """Whether what it had to say is heard while it is asked how far it is."""
        crew = world.crew
        crew.on_resume, crew.on_taken = self.on_resume, self.on_taken
        crew.on_status = self.on_status

    def finish(self, name: str, *, same: bool) -> None:
        """The agent is done; the crew pauses and says so."""
        run = self.executions[name]
        if not run.run_workers:
            return
        if not (same and run.output):
            run.drafts += 1
            run.output = f"{TASKS[run.task]} {run.drafts} of {name}"
        run.run_workers = False
        self.world.crew.pause(run.output, execution=name, task=TASKS[run.task])
        run.unheard.append((TASKS[run.task], run.output))

    async def announce(self, name: str) -> None:
        """The oldest notification arrives; signs that were slower than it are lost."""
        run = self.executions[name]
        if run.unheard:
            run.signs.clear()
            run.last_heard = run.unheard.pop(0)
            await self._notify(run, run.last_heard)

    async def repeat(self, name: str) -> None:
        """The latest notification arrives once more, whyever."""
        run = self.executions[name]
        if run.last_heard:
            run.murky = True
            await self._notify(run, run.last_heard)

    async def sign(self, name: str) -> None:
        run = self.executions[name]
        if run.signs:
            await self.world.hear(name, ended=run.signs.pop(0))

    def somebody_else(self, name: str) -> None:
        """A person asks for changes past the bot."""
        run = self.executions[name]
        if run.completed:
            return
        if self.world.crew.pending.pop((name, TASKS[run.task]), None):
            run.run_workers, run.murky = True, True

    async def _notify(self, run: Execution, said: tuple[str, str]) -> None:
        task, output = said
        received = await self.world.notify(output, execution_id=run.id, task_id=task)
        if received.accepted:
            self.texts[received.round.id] = output

    async def on_resume(self, execution_id: str, decision: Decision) -> None:
        """Whatever comes was decided, and is about the newest output the bot knows of."""
        round_ = await self.world.round(self.decided[decision])
        assert round_.state is State.DECIDED
        assert round_.decision == decision
        assert round_.review.execution_id == execution_id
        lines = await self.world.uow.read.rounds_of("research", execution_id, limit=100)
        same_task = [line.round for line in lines if line.round.review == round_.review]
        assert max(same_task, key=lambda other: other.number) == round_

    async def on_taken(self, resumed: Resumed) -> None:
        run = self.executions[resumed.execution_id]
        if resumed.output != self.texts[self.decided[resumed.decision]]:
            assert run.unheard, "the bot knew of a newer output than the reviewer saw"
        run.run_workers = True
        if resumed.decision.is_approve:
            run.task += 1
            run.output = ""
            run.signs.append(ENDED if run.completed else None)
        if run.completed:
            run.run_workers = False
            self.world.crew.completed.add(run.id)
        if self.haste is not Haste.NONE:
            self.finish(run.id, same=self.same)
        if self.haste is Haste.HEARD:
            await self.sign(run.id)
            await self.announce(run.id)

    async def on_status(self, execution_id: str) -> None:
        if self.chats:
            await self.announce(execution_id)
