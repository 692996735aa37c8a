"""The target that is served: a crew or a flow behind one address."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crewgate.crew_api.wire import Json
from crewgate.host.records import Asked
from crewgate.host.run import Run


@dataclass(frozen=True, slots=True)
class Completed:
    """A crew or flow came to its end."""

    result: str
    more: Json = field(default_factory=dict)
    """Further fields of its webhook."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A crew or flow ended with an error."""

    why: str


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
    def inputs(self) -> Sequence[str]: ...

    def check(self, inputs: Json) -> None:
        """Raise Refusal if inputs are missing or the flow's state refuses their types."""
        ...

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Work in the calling thread, to its end or the next question that it waits for without."""
        ...
