"""Runs of agents: a run is what goes on with one memory.

CrewAI gives an executor new messages each time that it is invoked: for a task, for another try
after an error or a guardrail, for a coworker's work. Each step of a plan has messages of its own,
too. So each of these is a run, which knows only the results that stood in its own messages.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final

from crewai.agents.agent_executor import AgentExecutor
from crewai.agents.step_executor import StepExecutor


class AgentRun:
    """One run of an agent, and the approved calls whose results its model was given."""

    def __init__(self, executor: Any, outer: "AgentRun | None") -> None:
        """`outer` is the run whose call of a tool began this run, as for a coworker."""
        self._executor = executor
        self._outer = outer
        self._returned: set[str] = set()
        self.told: frozenset[str] = frozenset()
        """The ids of the calls whose ends stood in the messages of the latest model call."""

    @property
    def agent(self) -> Any:
        return self._executor.agent

    @property
    def outermost_task(self) -> Any:
        """The task that the run is for; for a coworker, the task in which work was given away."""
        return self._executor.task if self._outer is None else self._outer.outermost_task

    def take_end(self, call_id: str) -> None:
        """Note that a call's known end goes into the run's messages."""
        self._returned.add(call_id)

    def go_on(self, context: Any) -> None:
        """Note that the model is called, if the context is of this run's own messages."""
        if context.executor is None:  # CrewAI names no executor for a step of a plan
            is_own = isinstance(self._executor, StepExecutor) and context.agent is self.agent
        else:
            is_own = context.executor is self._executor
        if is_own:
            self.told = frozenset(self._returned)


_RUN: Final[ContextVar[AgentRun | None]] = ContextVar("crewgate_agent_run", default=None)


def run_of(agent: Any) -> AgentRun | None:
    """Return the run in which an agent makes a call; None if CrewAI runs it in another way."""
    run = _RUN.get()
    return run if run is not None and run.agent is agent else None


def before_model_call(context: Any) -> None:
    """Note that a run goes on, as CrewAI's hook."""
    if (run := _RUN.get()) is not None:
        run.go_on(context)


@contextmanager
def _begun(executor: Any) -> Iterator[None]:
    token = _RUN.set(AgentRun(executor, _RUN.get()))
    try:
        yield
    finally:
        _RUN.reset(token)


def _as_run(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an executor's method that is a run each time that it is called."""

    @wraps(function)
    def invoke(executor: Any, *args: Any, **more: Any) -> Any:
        with _begun(executor):
            return function(executor, *args, **more)

    @wraps(function)
    async def invoke_async(executor: Any, *args: Any, **more: Any) -> Any:
        with _begun(executor):
            return await function(executor, *args, **more)

    return invoke_async if iscoroutinefunction(function) else invoke


# CrewAI's events come in threads of their own, where no context variable can be set for an agent.
for _kind, _name in (
    (AgentExecutor, "invoke"),
    (AgentExecutor, "invoke_async"),
    (StepExecutor, "execute"),
):
    setattr(_kind, _name, _as_run(getattr(_kind, _name)))
