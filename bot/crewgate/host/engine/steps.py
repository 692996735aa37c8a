"""The steps of a crew's agents. CrewAI reports none of an agent without tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crewgate.crew_api.wire import Json
from crewgate.host.engine.reviews import text_of
from crewgate.host.target import Run


def listen_to_steps(crew: Any, run: Run) -> None:
    """Tell the run of each step, and the callbacks that the crew and its agents have too."""
    crew.step_callback = _chain(run, crew.step_callback)
    for agent in crew.agents:
        if getattr(agent, "step_callback", None):
            agent.step_callback = _chain(run, agent.step_callback)


def _chain(run: Run, theirs: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def on_step(step: Any) -> Any:
        run.step(_told(step))
        return theirs(step) if theirs else None

    return on_step


def _told(step: Any) -> Json:
    output = getattr(step, "output", None)
    result = getattr(step, "result", None) if output is None else text_of(output)
    return {
        "prompt": getattr(step, "text", ""),
        "thought": getattr(step, "thought", ""),
        "tool": getattr(step, "tool", ""),
        "tool_input": getattr(step, "tool_input", ""),
        "result": result or "",
    }
