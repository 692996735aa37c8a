"""The target that is served: a crew or a flow behind one address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from crewgate.crew_api.wire import Json
from crewgate.host.records import Decision, Execution, Finished, Question, Round, TaskRow


@dataclass(frozen=True, slots=True)
class Completed:
    """A crew or flow came to its end."""

    result: str
    more: Json = field(default_factory=dict)
    """Further fields of its webhook."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A flow waits for a person, and its thread has ended."""

    method: str
    message: str
    output: object
    emit: tuple[str, ...]
    flow_class: str
    metadata: Json
    pending: Json
    """Its state and what it waits for, as CrewAI keeps them."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It came to its end otherwise than it was told to."""

    why: str


class Run(Protocol):
    """The host as an execution in its thread sees it; after each call, what it said is on disk."""

    @property
    def execution(self) -> Execution:
        """The execution as it is now."""
        ...

    def begin(self, tasks: Sequence[TaskRow]) -> Sequence[TaskRow]:
        """Say on which tasks it works; gives those with which it began. Raises TargetChanged."""
        ...

    def finished(self) -> list[Finished]:
        """The tasks that were done before."""
        ...

    def rounds(self) -> list[Round]:
        """The rounds that were shown to people before."""
        ...

    def finish_task(self, position: int, output: Mapping[str, Any], *, seconds: float) -> None:
        """A task is done."""
        ...

    def step(self, step: Json) -> None:
        """An agent took a step."""
        ...

    def pause(self, task_id: str, output: str, body: Json) -> Decision:
        """Show an output to people and wait for the decision. Raises HostStops."""
        ...

    def wait(self, task_id: str) -> Decision:
        """Wait for the decision on a round that was shown before. Raises HostStops."""
        ...

    def question(self) -> Question | None:
        """The question whose answer a flow is to carry out."""
        ...


class Target(Protocol):
    """A crew or a flow."""

    @property
    def name(self) -> str:
        """Its last name in what the command was given."""
        ...

    @property
    def is_flow(self) -> bool:
        """True if it asks questions rather than pausing at tasks."""
        ...

    @property
    def inputs(self) -> Sequence[str]:
        """The names of required inputs."""
        ...

    def check(self, inputs: Json) -> None:
        """Raises Refusal where inputs are missing or of a type that the flow's state refuses."""
        ...

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Work in the calling thread, to its end or its next question."""
        ...
