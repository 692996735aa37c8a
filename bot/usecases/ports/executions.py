"""Executions on their way, as the use cases see their storing, reading and showing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from bot.domain.execution import Run, TaskNews
from bot.domain.notification import WebhookUrls
from bot.domain.outcome import NotSent, Outcome, Refused, Unknown
from bot.usecases.read_models import MessageRef

if TYPE_CHECKING:
    from bot.usecases.ports.store import Posted


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and where it is shown."""

    run: Run
    line: MessageRef | None
    """The message that shows how far it is."""
    channel: str | None
    thread_ts: str | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A webhook on its way to the caller, as it came."""

    id: str
    crew: str
    execution_id: str
    kind: str
    content_type: str
    body: bytes


class Runs(Protocol):
    """What a transaction may change about runs."""

    async def open(self, crew: str, execution_id: str, *, at: datetime) -> Run:
        """The run, made if need be. Nobody else can change it until the transaction ends."""
        ...

    async def save(self, run: Run) -> None:
        """Store a changed run."""
        ...

    async def register(self, crew: str, execution_id: str, urls: WebhookUrls) -> None:
        """Remember webhook URLs for an execution; those not given stay as they were."""
        ...

    async def add_news(self, news_id: str, run: Run, news: TaskNews, *, at: datetime) -> None:
        """Store a finished task's line."""
        ...

    async def news_of(self, run: Run) -> tuple[str, ...]:
        """The ids of all such lines of a run, the oldest first."""
        ...

    async def place_line(self, run: Run, ref: MessageRef | None) -> None:
        """Remember where a run's progress is shown; it starts the thread if there is none."""
        ...

    async def join_thread(self, run: Run, ref: MessageRef) -> None:
        """A message about the run was posted; it starts the thread if there is none."""
        ...

    async def forget_thread(self, run: Run) -> None:
        """Somebody deleted the thread's first message."""
        ...

    async def send(self, parcel: Parcel) -> None:
        """Store a webhook that is to be handed on."""
        ...

    async def drop(self, parcel_id: str) -> None:
        """It was handed on or given up."""
        ...


class RunQueries(Protocol):
    """Reading runs."""

    async def view(self, crew: str, execution_id: str) -> RunView | None:
        """The run, or None."""
        ...

    async def news(self, news_id: str) -> TaskNews | None:
        """A finished task's line, or None."""
        ...

    async def running(self, *, limit: int) -> tuple[RunView, ...]:
        """Runs that people follow and that are not over, the oldest first."""
        ...

    async def targets(self, crew: str, execution_id: str) -> WebhookUrls:
        """The URLs a caller gave for an execution: registered, else carried."""
        ...

    async def parcel(self, parcel_id: str) -> Parcel | None:
        """A webhook on its way, or None."""
        ...


class Saying(StrEnum):
    """What a message about a run says."""

    PROGRESS = "progress"
    TASK = "task"
    END = "end"
    NOT_HANDED_ON = "not handed on"


class RunMessenger(Protocol):
    """Slack, for messages about a run."""

    async def say(
        self,
        what: Saying,
        view: RunView,
        *,
        channel: str,
        look_since: datetime | None,
        subject: str = "",
        news: TaskNews | None = None,
    ) -> Posted | NotSent | Refused | Unknown:
        """Post a message about a run. `news` is what a TASK says, `subject` tells it apart."""
        ...

    async def update(self, view: RunView) -> Outcome:
        """Bring the progress up to date. Refused as `message_not_found` when it was deleted."""
        ...

    async def attach_result(self, view: RunView, *, look_since: datetime | None) -> Outcome:
        """Put the whole result as a file into the thread."""
        ...


class Courier(Protocol):
    """The callers' addresses."""

    async def bring(self, parcel: Parcel, url: str) -> Outcome:
        """Bring a webhook there, in one try."""
        ...
