"""Flows that ask people: the provider of every flow here, and what works while one of them asks.

CrewAI ends a flow's run at the first question of `@human_feedback`: methods that work at that time
are cut off, and what listens to them never runs. So a question waits until nothing else of its flow
works. A call of `Flow.ask()` blocks its method alone.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from crewai.flow.async_feedback import HumanFeedbackPending
from crewai.flow.flow import Flow
from crewai.flow.flow_config import flow_config
from crewai.flow.flow_context import current_flow_method_name

from crewgate.host.records import Asked
from crewgate.host.run import Run

#: How often the event loop goes round between the end of a method and the beginning of one that
#: listens to it is less than that, for it only passes results on.
ROUNDS: Final = 32
_WORK: Final = "_crewgate_work"


class AskedInside(Exception):
    """A flow asks people inside another, which would go on without their answer."""


def digest(*parts: object) -> str:
    """Return an id that is the same for equal parts."""
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32]


@dataclass
class Hosted:
    """An execution of a flow, as `Flow.ask()` finds it from any method and any inner flow."""

    run: Run
    flow_class: str
    execution_id: str
    since: str
    """The last question of `@human_feedback`: a flow that begins again does so from its answer."""
    _calls: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def ask(
        self, flow: Any, method: str, message: str, seconds: float | None, metadata: Any
    ) -> str | None:
        """Ask people, once for each text and place, however often the flow begins again."""
        with self._lock:
            self._calls[method] += 1
            place = f"{method} {self._calls[method]}"
        kept = flow.persistence
        # CrewAI has just saved it.
        state = None if kept is None else kept.load_state(flow.flow_id)
        asked = Asked(
            method=method,
            message=message,
            flow_class=self.flow_class,
            metadata=_json(metadata or {}),
            pending={"state": _json(state)},
            place=place,
        )
        return self.run.ask(digest(self.execution_id, self.since, place, message), asked, seconds)


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


@dataclass
class _Call:
    """One call of `Flow.ask()`: what CrewAI does not tell its provider, and does not take of it."""

    seconds: float | None
    error: Exception | None = None


_HOSTED: Final[ContextVar[Hosted]] = ContextVar("crewgate_hosted")
_CALL: Final[ContextVar[_Call]] = ContextVar("crewgate_call")
#: Longer limits are none: a moment so far away cannot be written.
_LONGEST: Final = 1e9
_ASK: Final[Callable[..., Any]] = Flow.ask


def ask(flow: Any, message: str, timeout: float | None = None, metadata: Any = None) -> Any:
    """`Flow.ask`, whose time is kept by the host.

    CrewAI tells its provider of no time limit, would count it anew after a restart, and could go on
    without an answer that the host has just accepted. Errors end the flow, where CrewAI takes them
    for no answer.
    """
    if not isinstance(flow._resolve_input_provider(), Asks):  # noqa: SLF001  # no public way
        return _ASK(flow, message, timeout, metadata)
    call = _Call(timeout if timeout is None or timeout < _LONGEST else None)
    token = _CALL.set(call)
    try:
        answer = _ASK(flow, message, None, metadata)
    finally:
        _CALL.reset(token)
    if call.error is not None:
        raise call.error
    return answer


class Asks:
    """CrewAI's two providers.

    `@human_feedback` pauses: the host asks once the flow is on disk. `Flow.ask()` waits.
    """

    def __init__(self) -> None:
        self._methods: dict[str, list[str]] = {}
        flow_config.hitl_provider = self
        flow_config.input_provider = self
        Flow.ask = ask

    def take_part(self, hosted: Hosted) -> None:
        """Let flows of this thread, and of those that CrewAI starts from it, ask for words."""
        _HOSTED.set(hosted)

    def request_input(self, message: str, flow: Any, metadata: Any = None) -> str | None:
        """Wait for people's words; None once the time is over."""
        call, hosted = _CALL.get(), _HOSTED.get(None)
        if hosted is None:
            call.error = AskedInside(
                f"{type(flow).__name__} asks inside a crew, or in a thread that CrewAI did not"
                " start: serve the flow by itself, and let one of its methods ask"
            )
            return None
        try:
            method = str(current_flow_method_name.get("unknown"))
            return hosted.ask(flow, method, str(message), call.seconds, metadata)
        except Exception as error:  # noqa: BLE001  # `ask` raises it
            call.error = error
            return None

    def watch(self, flow: Any) -> None:
        """Let the questions of this flow wait for its other methods."""
        flow.stream = False  # a run would return a stream at once, and nobody would read it
        flow.__dict__[_WORK] = _Work(flow)

    def request_feedback(self, context: Any, flow: Any) -> Any:
        """Pause the flow; a coroutine, which CrewAI awaits in the flow's own event loop.

        Raises AskedInside.
        """
        work = flow.__dict__.get(_WORK)
        if work is None:
            raise AskedInside(
                f"{context.flow_class} asks people inside another flow or a crew, which would go on"
                " without their answer: serve it by itself, or let the outer flow ask"
            )
        self._methods.setdefault(context.flow_id, []).append(context.method_name)
        return self._pause(context, work)

    async def _pause(self, context: Any, work: "_Work") -> str:
        await work.until_all_ask()
        raise HumanFeedbackPending(context=context)

    def take(self, flow_id: str) -> list[str]:
        """Return the methods of a flow that have asked since the last call."""
        return self._methods.pop(flow_id, [])


class _Work:
    """Counts the methods of a flow that work, and those that ask. Used in its event loop alone."""

    def __init__(self, flow: Any) -> None:
        self._working = 0
        self._asking = 0
        self._changed = asyncio.Event()
        execute: Callable[..., Any] = flow._execute_method  # noqa: SLF001  # no public way

        async def execute_method(*args: Any, **kwargs: Any) -> Any:
            self._working += 1
            try:
                return await execute(*args, **kwargs)
            finally:
                self._working -= 1
                self._changed.set()

        # Models of crewai let nobody set what is no field; this is found before the class is asked.
        flow.__dict__["_execute_method"] = execute_method

    async def until_all_ask(self) -> None:
        """Return once every method that works asks, and nothing is about to begin."""
        self._asking += 1
        self._changed.set()
        rounds = 0
        while rounds < ROUNDS:
            if self._working > self._asking:
                rounds = 0
                self._changed.clear()
                await self._changed.wait()
            else:
                rounds += 1
                await asyncio.sleep(0)  # noqa: TID251  # for no time: the others go round once
