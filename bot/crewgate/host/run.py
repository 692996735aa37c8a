"""One execution in its thread, as the engine sees it, and the objects that all threads share."""

import hashlib
import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import structlog

from crewgate.crew_api.wire import FlowWebhook, Json, Kickoff
from crewgate.domain.redaction import Redactor, hide_credentials
from crewgate.host import records
from crewgate.host.store import Closing, Store
from crewgate.host.webhooks import (
    FIRST_PAUSE,
    human_input_webhooks,
    iso,
    question_webhooks,
    task_webhooks,
    update_webhooks,
)
from crewgate.network.connections import Limits
from crewgate.network.untrusted_addresses import Lookups

log = structlog.get_logger(__name__)

#: The default time limit of an approved call to an MCP server; CrewAI's own is half a minute.
TOOL_SECONDS: Final = 3_600.0
#: The most lessons that a flow is given for one output; CrewAI itself recalls as many.
MOST_LESSONS: Final = 10


def later(seconds: float, call: Callable[..., object], *args: object) -> None:
    """Call in a thread of its own after some time, unless the process ends before."""
    timer = threading.Timer(max(0.0, seconds), call, args)
    timer.daemon = True
    timer.start()


class Slots:
    """Limits working executions: each takes a place, and frees it when it waits or ends."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def submit(self, start: Callable[[], None]) -> None:
        """Call `start`, which returns at once, when a place is free; `leave` frees the place."""
        with self._lock:
            self._waiting.append(start)
        self._fill()

    def leave(self) -> None:
        """Free a place for another execution."""
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
    """The threads that wait for people, by execution and task.

    An execution has one place, however many threads CrewAI gives it: the first that waits leaves
    the place to others, and the first that is woken takes one again.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._waiting: dict[tuple[str, str], threading.Event] = {}
        self._claimed: set[tuple[str, str]] = set()
        """Waiters that somebody is about to wake."""
        self._left: dict[str, list[threading.Event]] = {}
        """Executions without a place, each with the threads to be woken once it has one."""
        self._lock = threading.Lock()
        self._stopped = False

    def open(self, execution_id: str, task_id: str) -> None:
        """Register a waiter, before the pause is announced."""
        with self._lock:
            waiter = self._waiting[execution_id, task_id] = threading.Event()
            if self._stopped:
                waiter.set()

    def withdraw(self, execution_id: str, task_id: str) -> bool:
        """Unregister a waiter; return False if it is being woken, and has to wait for that."""
        with self._lock:
            if (execution_id, task_id) in self._claimed:
                return False
            self._waiting.pop((execution_id, task_id), None)
            return True

    def wait(self, execution_id: str, task_id: str) -> None:
        """Return once woken, with a place. Raises HostStops."""
        with self._lock:
            waiter = self._waiting[execution_id, task_id]
            leaves = execution_id not in self._left and not waiter.is_set()
            if leaves:
                self._left[execution_id] = []
        if leaves:
            self._slots.leave()
        waiter.wait()
        with self._lock:
            self._waiting.pop((execution_id, task_id), None)
            self._claimed.discard((execution_id, task_id))
            if self._stopped:
                raise records.HostStops

    def wake(self, execution_id: str, task_id: str) -> bool:
        """Wake a waiter once there is a place; return False if none waits or one is being woken."""
        key = (execution_id, task_id)
        with self._lock:
            if key not in self._waiting or key in self._claimed:
                return False
            self._claimed.add(key)
            waiter, others = self._waiting[key], self._left.get(execution_id)
            if others is None:
                waiter.set()
                return True
            others.append(waiter)
            if others[1:]:
                return True
        self._slots.submit(partial(self._take_place, execution_id))
        return True

    def wake_all(self, execution_id: str, task_ids: Sequence[str]) -> None:
        """Wake the threads that wait for closed calls and questions: each ends."""
        for task_id in task_ids:
            self.wake(execution_id, task_id)

    def _take_place(self, execution_id: str) -> None:
        with self._lock:
            if woken := self._left.get(execution_id):
                del self._left[execution_id]
        if not woken:  # it has ended meanwhile
            self._slots.leave()
        for waiter in woken or ():
            waiter.set()

    def end(self, execution_id: str) -> None:
        """Free the place of an execution whose thread ends, if it has one."""
        with self._lock:
            woken = self._left.pop(execution_id, None)
        if woken is None:
            self._slots.leave()
        for waiter in woken or ():
            waiter.set()

    def stop(self) -> None:
        """End all waiting threads."""
        with self._lock:
            self._stopped = True
            waiting = list(self._waiting.values())
        for waiter in waiting:
            waiter.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of `crewgate host`, and times that tests shorten."""

    host: str
    port: int
    workers: int
    database: Path
    token: str
    public_url: str | None = None
    flow_webhook: FlowWebhook | None = None
    first_pause: float = FIRST_PAUSE
    """Seconds until a failed webhook is sent again."""
    again_after: float = 30.0
    """Seconds until an execution whose work could not be stored goes on."""
    close_after: float = 2.0
    """Seconds for an agent to repeat its calls after a restart, once it makes another call."""
    approve_tools: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By target, the patterns of tools whose calls people approve."""
    tool_timeout: float = TOOL_SECONDS
    """Seconds until an MCP server must have answered an approved call."""
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    """Returns ids for executions and questions, in the form of CrewAI's ids."""
    redactor: Redactor = field(default_factory=Redactor)
    """Knows the secrets of the environment."""
    secret_keys: tuple[str, ...] = ()
    """The keys that credentials are encrypted with, the newest first."""
    limits: Limits = field(default_factory=Limits.of_process)
    lookups: Lookups = field(default_factory=Lookups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The objects that the whole host shares."""

    store: Store
    options: Options
    wake: Callable[[], None]
    """Wakes the sender, from any thread."""
    url: str
    """The host's own address, for callbacks of flows."""
    slots: Slots
    waiters: Waiters
    checks: dict[tuple[str, str], Callable[[Json], Json]] = field(default_factory=dict)
    """Argument checks of waiting calls, by execution and task; see `Pending.check`."""


def hash_token(token: str) -> str:
    """Return the hash that is stored in place of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Run:
    """The host, as seen by an execution in its thread.

    Each method returns once its changes and their webhooks are on disk, or raises NotKept.
    """

    def __init__(
        self,
        execution_id: str,
        target: str,
        shared: Shared,
        *,
        expire: Callable[[str], None],
        begin: Callable[[str, str], None],
    ) -> None:
        """`expire` ends a question's time, by its id; `begin` runs an execution of a target."""
        self._id = execution_id
        self._target = target
        self._shared = shared
        self._store = shared.store
        self._expire = expire
        self._begin = begin
        self._asking: dict[str, records.Pending] = {}
        """The calls and questions that this run has asked, by their rounds' ids."""
        self._waiting: set[str] = set()
        """The calls of this run that wait now."""
        self._lock = Lock()

    @property
    def execution(self) -> records.Execution:
        return self._store.get(self._id, self._target)

    def begin(self, tasks: Sequence[records.TaskRow]) -> Sequence[records.TaskRow]:
        """Store the tasks; return them with the ids of the first run. Raises TargetChanged."""
        return self._store.begin(self._id, tasks)

    def finished(self) -> list[records.Finished]:
        """The tasks finished earlier."""
        return self._store.finished(self._id)

    def rounds(self) -> list[records.Round]:
        """The rounds shown to people earlier."""
        return self._store.rounds(self._id)

    def finish_task(self, position: int, output: Mapping[str, Any], *, seconds: float) -> None:
        execution = self.execution
        task = execution.tasks[position]
        closed = self._store.finish_task(
            self._id,
            task.id,
            position,
            dict(output),
            seconds=seconds,
            closing=self.closing("The task is done, and needs no answer."),
            webhooks=task_webhooks(execution, task.id, output),
        )
        log.info("task_finished", execution=self._id, task=task.id)
        self._shared.waiters.wake_all(self._id, closed)
        self._shared.wake()

    def step(self, step: Json) -> None:
        if webhooks := update_webhooks("step", self.execution, step):
            self._store.put(self._id, webhooks)
            self._shared.wake()

    def pause(
        self, task_id: str, output: str, body: Json, *, pending: records.Pending | None = None
    ) -> records.Decision:
        """Show an output, call or question, and wait for people. Raises HostStops."""
        # A random id: two pauses could get the same number once a database is restored from a copy.
        body = {**body, "pause_id": self._shared.options.new_id()}
        if pending is not None:
            pending = replace(pending, body=body)
        webhooks = human_input_webhooks(self.execution, task_id, body)
        # The waiter is opened before anybody is told of this round: else a decision could come
        # before the waiter, and wake nobody.
        self._shared.waiters.open(self._id, task_id)
        self._store.pause(self._id, task_id, output, pending=pending, webhooks=webhooks)
        log.info("paused", execution=self._id, task=task_id)
        if not webhooks:
            log.warning("nobody_is_told", execution=self._id, hint="give a humanInputWebhook")
        self._shared.wake()
        return self._wait(task_id)

    def ask_within(self, pending: records.Pending) -> records.Round | None:
        """Ask people in the middle of a task and wait, perhaps for an answer from before a restart.

        Once the answer was delivered, an equal question is asked anew, unless the decision holds:
        a call that may have run needs a new approval, and so does one whose approval ended. Return
        the round with its decision, None if nobody can be asked. Raises HostStops and TooMany.
        """
        while True:
            with suppress(records.ApprovalEnded):
                return self._ask_within(pending)

    def _ask_within(self, pending: records.Pending) -> records.Round | None:
        execution = self.execution
        if execution.kickoff.human_input is None or execution.ended_at is not None:
            return None
        with self._lock:
            before = [one for one in self.rounds() if one.asker is not None]
            same = [one for one in before if pending.is_for(one)]
            for one in same:
                if one.spent and one.decision is not None and pending.holds(one.decision):
                    return one
            repeated = [one for one in before if pending.repeats(one)]
            ran = [one for one in repeated if one.may_have_run]
            left = [one for one in same if not one.spent and one.task_id not in self._asking]
            known = self._close_unfit(pending, left, may_have_run=bool(ran))
            task_id = self._new_id(pending, before) if known is None else known.task_id
            if known is None:
                self._require_room(pending, before)
            under_way = self._is_under_way(pending, before)
            self._asking[task_id] = pending
            if pending.most_waiting is not None:
                self._waiting.add(task_id)
        body = pending.body
        if "tool_call" in body:
            doubt = _doubt(ran, under_way=under_way)
            body = {**body, "tool_call": {**body["tool_call"], **doubt}}
        if pending.check is not None:
            self._shared.checks[self._id, task_id] = pending.check
        try:
            if known is not None:
                self.wait(task_id)
            else:
                if not any(one.task_id not in self._asking for one in [*same, *repeated]):
                    self._close_others(pending, before)
                text = str(body["task_output"])
                self.pause(task_id, text, body, pending=pending)
        finally:
            self._waiting.discard(task_id)
            self._shared.checks.pop((self._id, task_id), None)
        self._spend(task_id, pending)
        return next(one for one in self.rounds() if one.task_id == task_id)

    def _spend(self, task_id: str, pending: records.Pending) -> None:
        """Take an answer once. Raises ApprovalEnded, and RuntimeError if it was given before."""
        # An execution that failed while this thread waited has closed the round: the thread ends.
        if not self._store.spend(self._id, task_id, self.closing, told=pending.told):
            raise RuntimeError(f"The answer to {task_id} was given before, or it was closed")

    def _is_under_way(self, pending: records.Pending, before: Sequence[records.Round]) -> bool:
        """Return True if this run asks about an equal call, or lets it run, at this time."""
        stored = {one.task_id: one for one in before}
        for task_id, other in self._asking.items():
            one, call = stored.get(task_id), other.call
            if one is not None and _may_run(one) and pending.repeats(one):
                return True
            # A call that its thread is about to store has no round yet.
            if one is None and call and pending.call and call.equals(pending.call):
                return True
        return False

    def _new_id(self, pending: records.Pending, before: Sequence[records.Round]) -> str:
        taken = {*self._asking, *(one.task_id for one in before)}
        return next(one for n in count(1) if (one := f"{pending.id}-{n}") not in taken)

    def _close_unfit(
        self, pending: records.Pending, left: Sequence[records.Round], *, may_have_run: bool
    ) -> records.Round | None:
        """Return the round from before a restart that this call or question takes up, if any.

        Close those that people cannot decide on any longer: the tool would get other arguments now,
        or the card does not say that an equal call may have been done.
        """
        fit = []
        for one in left:
            why = ""
            if one.call is not None and not pending.fits(one.call):
                why = "It is asked about again: its tool would get other arguments now."
            elif may_have_run and not one.body["tool_call"].get("may_have_run"):
                why = "It is asked about again: an equal call may have been done already."
            if why:
                self._store.close(self._id, [one.task_id], self.closing(why), undecided=False)
            else:
                fit.append(one)
        return fit[0] if fit else None

    def _require_room(self, pending: records.Pending, before: Sequence[records.Round]) -> None:
        if pending.most_waiting is not None and len(self._waiting) >= pending.most_waiting:
            raise records.TooMany(f"{len(self._waiting)} calls wait for people already")
        asked = sum(one.task_id.startswith(f"{pending.kind}-") for one in before)
        if pending.most is not None and asked >= pending.most:
            raise records.TooMany(f"People were asked {asked} times already")

    def _close_others(self, pending: records.Pending, before: Sequence[records.Round]) -> None:
        """Give up the agent's calls from before a restart, because it makes another call.

        It may make several calls at once, so it has some time to repeat them.
        """
        others = [one.task_id for one in before if one.waits and pending.is_by_asker_of(one)]
        if others := [one for one in others if one not in self._asking]:
            later(self._shared.options.close_after, self._close, others)

    def _close(self, task_ids: Sequence[str]) -> None:
        with suppress(records.HostStops, records.NotKept), self._lock:
            if left := [one for one in task_ids if one not in self._asking]:
                closing = self.closing("The agent, started again, makes another call.")
                closed = self._store.close(self._id, left, closing)
                self._shared.waiters.wake_all(self._id, closed)
                self._shared.wake()

    def closing(self, why: str) -> Closing:
        """Return a function that makes the webhooks about a closed call or question."""
        execution, outcome = self.execution, {"state": "closed", "words": why}
        return lambda one: human_input_webhooks(execution, one.task_id, one.body, outcome)

    def tell_outcome(self, one: records.Round, outcome: records.Outcome) -> None:
        """Tell people the result of a call that they approved."""
        body = outcome.body
        body["words"] = self._shared.options.redactor.error(outcome.words)
        webhooks = human_input_webhooks(self.execution, one.task_id, one.body, body)
        stored = {**body, "at": iso(int(self._store.now()))}
        if outcome.in_doubt:
            stored["in_doubt"] = True
        self._store.record(self._id, one, stored, webhooks=webhooks)
        self._shared.wake()

    @property
    def tool_timeout(self) -> float:
        """Seconds until an MCP server must have answered an approved call."""
        return self._shared.options.tool_timeout

    @property
    def approves(self) -> Sequence[str]:
        """The patterns of tools whose calls people approve."""
        return self._shared.options.approve_tools.get(self._target, ())

    def wait(self, task_id: str) -> records.Decision:
        """Wait for the decision on a round shown earlier. Raises HostStops."""
        self._shared.waiters.open(self._id, task_id)
        # Nobody wakes this thread if the round was decided, or closed, before it was to be woken.
        is_over = not any(one.waits for one in self.rounds() if one.task_id == task_id)
        if is_over and self._shared.waiters.withdraw(self._id, task_id):
            return self._decided(task_id)
        return self._wait(task_id)

    def announce(self, question_id: str, asked: records.Asked) -> None:
        """Ask people a flow's question."""
        execution, token = self.execution, secrets.token_urlsafe(32)
        webhook = self._shared.options.flow_webhook
        answered_at = f"{self._shared.url}/human_feedback_requests/{question_id}/respond"
        webhooks = question_webhooks(
            execution,
            # The message may quote the error that the last answer caused.
            replace(asked, message=hide_credentials(asked.message)),
            question_id,
            url=None if webhook is None else webhook.url.replace("{name}", self._target),
            content={
                "created_at": iso(self._store.now()),
                "callback_url": f"{answered_at}?token={token}",
                "response_token": token,
            },
        )
        self._store.ask(
            question_id, self._id, asked, token_hash=hash_token(token), webhooks=webhooks
        )
        log.info("asked", execution=self._id, request=question_id, method=asked.method)
        self._shared.wake()

    def ask(self, question_id: str, asked: records.Asked, seconds: float | None) -> str | None:
        """Ask people for words and wait, perhaps for an answer from before a restart.

        Return None once `seconds` have passed since people were first asked. Raises HostStops.
        """
        self._shared.waiters.open(self._id, question_id)
        question = self._store.question(question_id)
        if question is None:
            at = None if seconds is None else self._store.now() + seconds
            self.announce(question_id, replace(asked, expires_at=at))
            if seconds is not None:
                later(seconds, self._expire, question_id)
        elif question.answered_at and self._shared.waiters.withdraw(self._id, question_id):
            return question.feedback
        self._shared.waiters.wait(self._id, question_id)
        question = self._store.question(question_id)
        return question.feedback if question else None

    def propose(self, lessons: Sequence[Json]) -> None:
        """Ask people about lessons, each in an execution of its own, and once for each text."""
        for one in lessons:
            words = " ".join(one["lesson"].casefold().split())
            name = f"{records.LESSON}{records.digest(self._target, one['source'], words)}"
            lesson = self._store.add_lesson(name, self._target, Kickoff(one))
            if lesson is not None:
                log.info("lesson_drawn", execution=self._id, lesson=lesson)
                self._begin(lesson, self._target)

    def lessons(self, source: str) -> Sequence[str]:
        """Return the newest lessons of this source that are in force, the newest last."""
        lessons = self._store.lessons(self._target)
        return [one["lesson"] for one in lessons if one["source"] == source][-MOST_LESSONS:]

    def question(self) -> records.Question | None:
        """Return the question that a flow waits for, or whose answer it carries out."""
        return self._store.open_question(self._id)

    def _wait(self, task_id: str) -> records.Decision:
        self._shared.waiters.wait(self._id, task_id)
        return self._decided(task_id)

    def _decided(self, task_id: str) -> records.Decision:
        decision = self._store.decision(self._id, task_id)
        if decision is None and self.execution.ended_at is not None:
            raise records.HostStops
        if decision is None:
            raise RuntimeError(f"{task_id} was closed")
        return decision


def _may_run(one: records.Round) -> bool:
    """Return True for a call that waits for people, or that they approved and that will run."""
    return not one.spent and (one.decision is None or one.decision.approve)


def _doubt(ran: Sequence[records.Round], *, under_way: bool) -> Json:
    """Return what a notification says of equal calls whose ends the agent was not told.

    The end of the latest is told only if all ends are known.
    """
    ends = [one.outcome for one in ran if one.outcome and not one.outcome.get("in_doubt")]
    is_known = ran and not under_way and len(ends) == len(ran)
    return {"may_have_run": bool(ran) or under_way, **({"ran": ends[-1]} if is_known else {})}


@dataclass(frozen=True, slots=True)
class Completed:
    """A crew or flow came to its end."""

    result: str
    more: Json = field(default_factory=dict)
    """Further fields of the webhook about the end."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A crew or flow ended with an error."""

    why: str


class Target(Protocol):
    """A crew or a flow that the host serves."""

    name: str
    """The name after the colon in the command's argument."""
    is_flow: bool
    inputs: Sequence[str]

    def check(self, inputs: Json) -> None:
        """Raise Refusal if inputs are missing or do not fit the flow's state."""

    def run(self, run: Run) -> Completed | records.Asked | Failed:
        """Run in the calling thread, to the end or the next question that pauses the flow."""
