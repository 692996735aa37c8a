"""Flows that ask people: the provider of every flow here, and what works while one of them asks.

CrewAI ends a flow's run at its first question: methods that work at that time are cut off, and what
listens to them never runs. So a question waits until nothing else of its flow works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from crewai.flow.async_feedback import HumanFeedbackPending

#: How often the event loop goes round between the end of a method and the beginning of one that
#: listens to it is less than that, for it only passes results on.
ROUNDS: Final = 32
_WORK: Final = "_crewgate_work"


class AskedInside(Exception):
    """A flow asks people inside another, which would go on without their answer."""


class Asks:
    """A `HumanFeedbackProvider` that pauses; the host asks once the flow is on disk."""

    def __init__(self) -> None:
        self._methods: dict[str, list[str]] = {}

    def watch(self, flow: Any) -> None:
        """Let the questions of this flow wait for its other methods."""
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

    async def _pause(self, context: Any, work: _Work) -> str:
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
