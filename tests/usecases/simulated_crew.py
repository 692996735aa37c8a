"""A simulated crew for the state machine: it works, pauses, notifies and ends."""

from dataclasses import dataclass, field
from enum import Enum, auto

from crewgate.domain.review import State
from crewgate.domain.verdict import Decision
from tests.usecases.crew_standins import Resumed
from tests.usecases.world import World

TASKS = ("draft", "check", "translate", "publish")
ENDED = "the execution has ended"


class Lead(Enum):
    """How far the crew is by the time a resume is answered."""

    NONE = auto()
    PAUSED = auto()
    """It has paused again already; its notification is on its way."""
    ANNOUNCED = auto()
    """Its notification has arrived, too."""


@dataclass
class Execution:
    """An execution of the crew, with the webhooks that are still on their way, in order."""

    id: str
    task: int = 0
    working: bool = True
    output: str = ""
    drafts: int = 0
    undelivered: list[tuple[str, str]] = field(default_factory=list)
    """(task, output) of notifications on their way."""
    last_delivered: tuple[str, str] | None = None
    updates: list[str | None] = field(default_factory=list)
    """Task and crew webhooks on their way; the crew webhook says why it is the last one."""
    ambiguous: bool = False
    """Something happened that no bot could tell apart from its own resume having been taken."""

    @property
    def takes_edits(self) -> bool:
        """One of the two takes a person's text in the place of its output."""
        return self.id == "e-2"

    @property
    def completed(self) -> bool:
        return self.task == len(TASKS)


class SimulatedCrew:
    """What a crew does by itself, and what must hold whenever it is resumed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.executions = {name: Execution(name) for name in ("e-1", "e-2")}
        self.decided: dict[Decision, str] = {}
        """Decision to round; every decision has a time of its own."""
        self.texts: dict[str, str] = {}
        """Round to the crew's output that its reviewer saw, or edited."""
        self.edited: dict[str, str] = {}
        """Round to the text that a person wrote in the place of the output."""
        self.lead = Lead.NONE
        self.same = False
        """Whether its next output is the same again."""
        self.delivers_on_status = False
        """Whether a notification arrives while the crew is asked for the status."""
        crew = world.crew
        crew.on_resume, crew.on_taken = self.on_resume, self.on_taken
        crew.on_status = self.on_status

    def finish(self, name: str, *, same: bool) -> None:
        """The agent is done; the crew pauses and sends a notification."""
        execution = self.executions[name]
        if not execution.working:
            return
        if not (same and execution.output):
            execution.drafts += 1
            execution.output = f"{TASKS[execution.task]} {execution.drafts} of {name}"
        execution.working = False
        self.world.crew.pause(execution.output, execution=name, task=TASKS[execution.task])
        execution.undelivered.append((TASKS[execution.task], execution.output))

    async def announce(self, name: str) -> None:
        """The oldest notification arrives; updates that were slower than it are lost."""
        execution = self.executions[name]
        if execution.undelivered:
            execution.updates.clear()
            execution.last_delivered = execution.undelivered.pop(0)
            await self._notify(execution, execution.last_delivered)

    async def repeat(self, name: str) -> None:
        """The latest notification arrives once more."""
        execution = self.executions[name]
        if execution.last_delivered:
            execution.ambiguous = True
            await self._notify(execution, execution.last_delivered)

    async def update(self, name: str) -> None:
        execution = self.executions[name]
        if execution.updates:
            await self.world.record_update(name, ended=execution.updates.pop(0))

    def resume_elsewhere(self, name: str) -> None:
        """A person asks for changes without the bot."""
        execution = self.executions[name]
        if execution.completed:
            return
        if self.world.crew.pending.pop((name, TASKS[execution.task]), None):
            execution.working, execution.ambiguous = True, True

    async def _notify(self, execution: Execution, notification: tuple[str, str]) -> None:
        task, output = notification
        received = await self.world.notify(
            output, execution_id=execution.id, task_id=task, takes_edits=execution.takes_edits
        )
        if received.accepted:
            self.texts[received.round.id] = output

    async def on_resume(self, execution_id: str, decision: Decision) -> None:
        """Whatever comes was decided, and is about the newest output the bot knows of."""
        round_ = await self.world.round(self.decided[decision])
        assert round_.state is State.DECIDED
        assert round_.decision == decision
        assert round_.review.execution_id == execution_id
        lines = await self.world.uow.read.rounds.of_execution("research", execution_id, limit=100)
        same_task = [line.round for line in lines if line.round.review == round_.review]
        assert max(same_task, key=lambda other: other.number) == round_

    async def on_taken(self, resumed: Resumed) -> None:
        execution = self.executions[resumed.execution_id]
        round_id = self.decided[resumed.decision]
        assert resumed.output == self.edited.get(round_id, resumed.pending)
        if resumed.pending != self.texts[round_id]:
            assert execution.undelivered, "the bot knew of a newer output than the reviewer saw"
        execution.working = True
        if resumed.decision.is_approve:
            execution.task += 1
            execution.output = ""
            execution.updates.append(ENDED if execution.completed else None)
        if execution.completed:
            execution.working = False
            self.world.crew.completed.add(execution.id)
        if self.lead is not Lead.NONE:
            self.finish(execution.id, same=self.same)
        if self.lead is Lead.ANNOUNCED:
            await self.update(execution.id)
            await self.announce(execution.id)

    async def on_status(self, execution_id: str) -> None:
        if self.delivers_on_status:
            await self.announce(execution_id)
