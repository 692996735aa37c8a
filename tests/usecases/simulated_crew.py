"""A simulated crew for the state machine: it works, pauses, notifies and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from crewgate.domain.execution import CrewUpdate, ExecutionUpdate, TaskUpdate
from crewgate.domain.notification import Output
from crewgate.domain.review import State
from crewgate.domain.verdict import Decision
from tests.usecases.crew_standins import Resumed
from tests.usecases.world import World

TASKS = ("draft", "check", "translate", "publish")


class Lead(Enum):
    """The crew's progress by the time a resume is answered."""

    NONE = auto()
    PAUSED = auto()
    """It has paused again already; its notification is on its way."""
    ANNOUNCED = auto()
    """Its notification has arrived, too."""


@dataclass
class Branch:
    """Tasks of an execution, one after the other, with their webhooks that are on their way."""

    name: str
    """The execution's id or, where several branches run beside each other, that and more."""
    tasks: Sequence[str] = TASKS
    task: int = 0
    working: bool = True
    output: str = ""
    drafts: int = 0
    pauses: int = 0
    undelivered: list[tuple[str, str, str]] = field(default_factory=list)
    """(task, output, id of the pause) of notifications on their way."""
    last_delivered: tuple[str, str, str] | None = None
    updates: list[ExecutionUpdate] = field(default_factory=list)
    """Task and crew webhooks on their way."""
    ambiguous: bool = False
    """Something happened that no bot could tell apart from its own resume having been taken."""

    @property
    def id(self) -> str:
        """The execution's."""
        return self.name.split()[0]

    @property
    def is_hosted(self) -> bool:
        """One execution is a host's: it takes texts and keys, and names its pauses."""
        return self.id == "e-2"

    @property
    def completed(self) -> bool:
        return self.task == len(self.tasks)


class SimulatedCrew:
    """A crew that works by itself, and checks each resume that reaches it."""

    def __init__(self, world: World, *, beside: bool = False) -> None:
        """`beside`: each execution has two branches, whose tasks wait beside each other."""
        self.world = world
        branches = [Branch("e-1"), Branch("e-2")]
        if beside:
            sides = (TASKS[:2], TASKS[2:])
            branches = [
                Branch(f"{one.id} {tasks[0]}", tasks) for one in branches for tasks in sides
            ]
        self.branches = {branch.name: branch for branch in branches}
        self.decided: dict[Decision, str] = {}
        """Decision to round; every decision has a time of its own."""
        self.texts: dict[str, str] = {}
        """Round to the crew's output that its reviewer saw, or edited."""
        self.edited: dict[str, str] = {}
        """Round to the text that a person wrote in the place of the output."""
        self.taken_unseen: set[str] = set()
        """Outputs that took an earlier decision, because a try in doubt was repeated before their
        notifications arrived. No bot can tell that the crew waits for nobody there."""
        self.lead = Lead.NONE
        self.same = False
        """True if its next output repeats the last one."""
        self.delivers_on_status = False
        """True if a notification arrives while the crew is asked for its status."""
        crew = world.crew
        crew.on_resume, crew.on_taken = self.on_resume, self.on_taken
        crew.on_status = self.on_status

    def branch_of(self, execution_id: str, task: str) -> Branch:
        branches = self.branches.values()
        return next(one for one in branches if one.id == execution_id and task in one.tasks)

    def finish(self, name: str, *, same: bool) -> None:
        """The agent is done; the crew pauses and sends a notification."""
        branch = self.branches[name]
        if not branch.working:
            return
        task = branch.tasks[branch.task]
        if not (same and branch.output):
            branch.drafts += 1
            branch.output = f"{task} {branch.drafts} of {name}"
        branch.working = False
        branch.pauses += 1
        self.world.crew.pause(branch.output, execution=branch.id, task=task)
        branch.undelivered.append((task, branch.output, f"{task} {branch.pauses}"))

    async def announce(self, name: str) -> None:
        """The oldest notification arrives; updates that were slower than it are lost."""
        branch = self.branches[name]
        if branch.undelivered:
            branch.updates.clear()
            branch.last_delivered = branch.undelivered.pop(0)
            await self._notify(branch, *branch.last_delivered)

    async def repeat(self, name: str) -> None:
        """The latest notification arrives once more."""
        branch = self.branches[name]
        if branch.last_delivered:
            branch.ambiguous = not branch.is_hosted or branch.ambiguous
            await self._notify(branch, *branch.last_delivered)

    async def update(self, name: str) -> None:
        branch = self.branches[name]
        if branch.updates:
            await self.world.record(branch.updates.pop(0), branch.id)

    def resume_elsewhere(self, name: str) -> None:
        """A person asks for changes without the bot."""
        branch = self.branches[name]
        if branch.completed:
            return
        if self.world.crew.pending.pop((branch.id, branch.tasks[branch.task]), None):
            branch.working, branch.ambiguous = True, True

    async def _notify(self, branch: Branch, task: str, output: str, pause_id: str) -> None:
        hosted = branch.is_hosted
        received = await self.world.notify(
            output,
            execution_id=branch.id,
            task_id=task,
            task_name=task,
            pause_id=pause_id if hosted else None,
            takes_edits=hosted,
            takes_key=hosted,
        )
        if received.accepted:
            self.texts[received.round.id] = output

    async def on_resume(self, execution_id: str, decision: Decision) -> None:
        """Check that a resume was decided, about the newest output that the bot knows."""
        round_ = await self.world.round(self.decided[decision])
        assert round_.state is State.DECIDED
        assert round_.decision == decision
        assert round_.review.execution_id == execution_id
        lines = await self.world.uow.read.rounds.of_execution("research", execution_id, limit=100)
        same_task = [line.round for line in lines if line.round.review == round_.review]
        assert max(same_task, key=lambda other: other.number) == round_

    async def on_taken(self, resumed: Resumed) -> None:
        branch = self.branch_of(resumed.execution_id, resumed.task_id)
        round_id = self.decided[resumed.decision]
        assert resumed.output == self.edited.get(round_id, resumed.pending)
        if resumed.pending != self.texts[round_id]:
            assert branch.undelivered, "the bot knew of a newer output than the reviewer saw"
        if branch.undelivered:
            self.taken_unseen.add(resumed.pending)
        branch.working = True
        if resumed.decision.is_approve:
            branch.task += 1
            branch.output = ""
            branch.updates.append(TaskUpdate(title=resumed.task_id, task=resumed.task_id))
        if branch.completed:
            branch.working = False
        if all(one.completed for one in self.branches.values() if one.id == branch.id):
            self.world.crew.completed.add(branch.id)
            branch.updates[-1:] = [CrewUpdate(result=Output("Done."))]
        if self.lead is not Lead.NONE:
            self.finish(branch.name, same=self.same)
        if self.lead is Lead.ANNOUNCED:
            await self.update(branch.name)
            await self.announce(branch.name)

    async def on_status(self, execution_id: str) -> None:
        if self.delivers_on_status:
            for branch in self.branches.values():
                if branch.id == execution_id:
                    await self.announce(branch.name)
