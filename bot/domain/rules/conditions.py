"""Which reviews a rule is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must hold, all of it; what is left out holds for every review."""

    task: str | None = None
    """A glob for the task's name or id."""
    agent: str | None = None
    """A glob for the agent's name."""
    contains: tuple[str, ...] = ()
    """The output has one of these texts in it, in whatever case."""
    json: tuple[tuple[str, str], ...] = ()
    """A path in an output that is JSON, as `budget.eur`, and what its value must be."""
    inputs: tuple[tuple[str, str], ...] = ()
    """An input of the execution, and a glob for its value."""
    meta: tuple[tuple[str, str], ...] = ()
    """The same for what the caller said about the execution."""
