"""The events of an event stream, by their meaning for an execution."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from crewgate.domain.notification import Output

#: The time of an event that does not say its own: before all that do.
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task, or a flow's method, is being worked on."""

    name: str


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """A crew's task is completed."""

    name: str
    summary: str = ""
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class MethodFinished:
    """A method of a flow is done."""

    name: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A crew or a flow ran to its end."""

    result: Output | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A crew or a flow failed; `error` is empty if it gave no reason."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackReceived:
    """Somebody answered a flow's request, here or elsewhere."""

    request_id: str


EventBody = TaskStarted | TaskFinished | MethodFinished | Finished | Failed | FeedbackReceived


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event. Events come in any order, perhaps long after they happened."""

    id: str
    execution_id: str
    at: datetime = LONG_AGO
    """The time when it happened, by the crew's clock."""
    of_flow: bool = False
    """It is about the flow itself: crews that end inside of a flow do not end it."""
    body: EventBody | None = None
    """None: nothing that matters, except that there is a flow."""
