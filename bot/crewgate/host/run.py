"""One execution in its thread, as the engine sees the host, and what all threads share."""

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock
from typing import Any, Protocol

import structlog

from crewgate.crew_api.wire import FlowWebhook, Json
from crewgate.host.database import or_not_kept
from crewgate.host.records import (
    Asked,
    Decision,
    Execution,
    Finished,
    HostStops,
    Question,
    Round,
    TaskRow,
)
from crewgate.host.store import Store
from crewgate.host.webhooks import (
    human_input_webhooks,
    iso,
    question_webhooks,
    step_webhooks,
    task_webhooks,
)

log = structlog.get_logger(__name__)


def later(seconds: float, call: Callable[..., object], *args: object) -> None:
    """Call in a thread of its own after some time, unless the process ends before."""
    timer = threading.Timer(max(0.0, seconds), call, args)
    timer.daemon = True
    timer.start()


class Slots:
    """Working executions take a place; waiting for a person or ending frees it."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def submit(self, start: Callable[[], None]) -> None:
        """Call `start`, which returns at once, when a place is free; `leave` frees it."""
        with self._lock:
            self._waiting.append(start)
        self._fill()

    def leave(self) -> None:
        """Free a place for the next."""
        with self._lock:
            self._free += 1
        self._fill()

    def _fill(self) -> None:
        while True:
            with self._lock:
                if not self._free or not self._waiting:
                    return
                self._free -= 1
                start = self._waiting.popleft()
            start()


class Waiters:
    """The threads that wait, by execution and task."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], threading.Event] = {}
        self._claimed: set[tuple[str, str]] = set()
        """Those that somebody is about to wake."""
        self._lock = threading.Lock()
        self._stopped = False

    def open(self, execution_id: str, task_id: str) -> None:
        """Register a waiter before anybody else can know of the pause."""
        with self._lock:
            waiter = self._waiting[execution_id, task_id] = threading.Event()
            if self._stopped:
                waiter.set()

    def withdraw(self, execution_id: str, task_id: str) -> bool:
        """Unregister a waiter; False if somebody is about to wake it, so it must wait."""
        with self._lock:
            if (execution_id, task_id) in self._claimed:
                return False
            self._waiting.pop((execution_id, task_id), None)
            return True

    def wait(self, execution_id: str, task_id: str) -> None:
        """Return once woken. Raises HostStops."""
        self._waiting[execution_id, task_id].wait()
        with self._lock:
            self._waiting.pop((execution_id, task_id), None)
            self._claimed.discard((execution_id, task_id))
            if self._stopped:
                raise HostStops

    def claim(self, execution_id: str, task_id: str) -> bool:
        """Reserve waking a waiter; False if nobody waits or somebody else will wake it."""
        with self._lock:
            key = (execution_id, task_id)
            if key not in self._waiting or key in self._claimed:
                return False
            self._claimed.add(key)
            return True

    def wake(self, execution_id: str, task_id: str) -> None:
        with self._lock:
            waiter = self._waiting.get((execution_id, task_id))
        if waiter is not None:
            waiter.set()

    def stop(self) -> None:
        """End every thread that waits."""
        with self._lock:
            self._stopped = True
            waiting = list(self._waiting.values())
        for waiter in waiting:
            waiter.set()


def utc_seconds() -> float:
    return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The one instance of each that the whole host shares."""

    store: Store
    slots: Slots
    waiters: Waiters
    wake: Callable[[], None]
    """Wakes the sender, from any thread."""
    url: str
    """The host's own address, for the callbacks of flows."""
    flow_webhook: FlowWebhook | None
    again_after: float
    """Seconds until an execution goes on whose work could not be written to disk."""
    new_id: Callable[[], str]
    redact: Callable[[str], str]
    """Takes secrets out of an error's words."""
    now: Callable[[], float] = utc_seconds
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32)


def digest(*parts: object) -> str:
    """Return an id that is the same for equal parts."""
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32]


def hash_token(token: str) -> str:
    """Return the hash that is stored in place of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Run:
    """The host as an execution in its thread sees it.

    After each call, what it said is on disk, with its webhooks. Each raises NotKept if that cannot
    be.
    """

    def __init__(
        self, execution_id: str, target: str, shared: Shared, expire: Callable[[str], None]
    ) -> None:
        """`expire` ends the time of a question, by its id."""
        self._id = execution_id
        self._target = target
        self._shared = shared
        self._store = shared.store
        self._expire = expire
        self._asking: set[str] = set()
        """The questions of hooks that were asked in this run."""
        self._lock = Lock()

    @property
    @or_not_kept
    def execution(self) -> Execution:
        return self._store.get(self._id, self._target)

    @or_not_kept
    def begin(self, tasks: Sequence[TaskRow]) -> Sequence[TaskRow]:
        """Store the tasks; return those with which it began. Raises TargetChanged."""
        return self._store.begin(self._id, tasks)

    @or_not_kept
    def finished(self) -> list[Finished]:
        """The tasks that were done before."""
        return self._store.finished(self._id)

    @or_not_kept
    def rounds(self) -> list[Round]:
        """The rounds that were shown to people before."""
        return self._store.rounds(self._id)

    @or_not_kept
    def finish_task(self, position: int, output: Mapping[str, Any], *, seconds: float) -> None:
        execution = self.execution
        task = execution.tasks[position]
        self._store.finish_task(
            self._id,
            task.id,
            position,
            dict(output),
            seconds=seconds,
            at=self._shared.now(),
            webhooks=task_webhooks(execution, task.id, output),
        )
        log.info("task_finished", execution=self._id, task=task.id)
        self._shared.wake()

    @or_not_kept
    def step(self, step: Json) -> None:
        if webhooks := step_webhooks(self.execution, step):
            self._store.put(self._id, webhooks, at=self._shared.now())
            self._shared.wake()

    @or_not_kept
    def pause(self, task_id: str, output: str, body: Json, *, asker: str | None = None) -> Decision:
        """Show an output, or a hook's question, and wait for the decision. Raises HostStops."""
        webhooks = human_input_webhooks(self.execution, task_id, self._shared.new_id(), body)
        # Before anybody can know that this waits.
        self._shared.waiters.open(self._id, task_id)
        self._store.pause(
            self._id, task_id, output, at=self._shared.now(), asker=asker, webhooks=webhooks
        )
        log.info("paused", execution=self._id, task=task_id)
        if not webhooks:
            log.warning("nobody_is_told", execution=self._id, hint="give a humanInputWebhook")
        self._shared.wake()
        return self._wait(task_id)

    @or_not_kept
    def ask_hook(self, question: str, asker: str, text: str, body: Json) -> Decision | None:
        """Ask people for the words of a hook and wait, also where this was asked before a restart.

        The same `question` is asked again once its answer was given: a call that may have run does
        not run again unasked. Return None if nobody can be asked. Raises HostStops.
        """
        execution = self.execution
        if execution.kickoff.human_input is None:
            return None
        with self._lock:
            before = {one.task_id: one for one in self.rounds() if one.asker is not None}
            spent = {one.task_id for one in before.values() if one.spent}
            names = (f"ask-{question}-{number}" for number in count(1))
            task_id = next(one for one in names if one not in spent | self._asking)
            self._asking.add(task_id)
        if task_id in before:
            decision = self.wait(task_id)
        else:
            decision = self.pause(task_id, text, body, asker=asker)
        self._store.spend(self._id, task_id)
        return decision

    @or_not_kept
    def wait(self, task_id: str) -> Decision:
        """Wait for the decision on a round that was shown before. Raises HostStops."""
        self._shared.waiters.open(self._id, task_id)
        decided = self._store.decision(self._id, task_id)
        if decided is not None and self._shared.waiters.withdraw(self._id, task_id):
            return decided
        return self._wait(task_id)

    @or_not_kept
    def announce(self, question_id: str, asked: Asked) -> None:
        """Ask people what a flow asks."""
        execution, at, token = self.execution, self._shared.now(), self._shared.new_token()
        webhook = self._shared.flow_webhook
        answered_at = f"{self._shared.url}/human_feedback_requests/{question_id}/respond"
        webhooks = question_webhooks(
            execution,
            # It may say why the answer before could not be read.
            replace(asked, message=self._shared.redact(asked.message)),
            question_id,
            url=None if webhook is None else webhook.url.replace("{name}", self._target),
            told={
                "created_at": iso(at),
                "callback_url": f"{answered_at}?token={token}",
                "response_token": token,
            },
        )
        self._store.ask(
            question_id, self._id, asked, token_hash=hash_token(token), at=at, webhooks=webhooks
        )
        log.info("asked", execution=self._id, request=question_id, method=asked.method)
        self._shared.wake()

    @or_not_kept
    def ask(self, question_id: str, asked: Asked, seconds: float | None) -> str | None:
        """Ask people for words and wait, also where this was asked before a restart.

        Return None once the seconds since it was first asked are over. Raises HostStops.
        """
        self._shared.waiters.open(self._id, question_id)
        found = self._store.question(question_id)
        if found is None:
            at = None if seconds is None else self._shared.now() + seconds
            self.announce(question_id, replace(asked, expires_at=at))
            if seconds is not None:
                later(seconds, self._expire, question_id)
        elif found[1].answered_at and self._shared.waiters.withdraw(self._id, question_id):
            return found[1].feedback
        self._shared.slots.leave()
        self._shared.waiters.wait(self._id, question_id)
        found = self._store.question(question_id)
        return found[1].feedback if found else None

    @or_not_kept
    def question(self) -> Question | None:
        """The question whose answer a flow is to carry out."""
        return self._store.open_question(self._id)

    def _wait(self, task_id: str) -> Decision:
        self._shared.slots.leave()
        self._shared.waiters.wait(self._id, task_id)
        decision = self._store.decision(self._id, task_id)
        if decision is None:
            raise RuntimeError(f"{task_id} was woken without a decision")
        return decision


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

    name: str
    """Its last name in what the command was given."""
    is_flow: bool
    inputs: Sequence[str]

    def check(self, inputs: Json) -> None:
        """Raise Refusal if inputs are missing or the flow's state refuses their types."""
        ...

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Work in the calling thread, to its end or the next question that it waits for without."""
        ...
