"""How far an execution is, as a bar of characters and in numbers."""

from typing import Final

from crewgate.slack import strings as shared


def tasks_done(completed: int, total: int) -> str:
    return f"{completed:,} of {shared.counted(total, 'task')}"


_BAR_CELLS: Final = 12
"""Exact for two, three, four, six and twelve tasks."""


def bar(completed: int | None, total: int | None) -> str:
    """`▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks`, or nothing when the numbers are missing or make no sense."""
    if completed is None or total is None or total <= 0:
        return ""
    done = max(0, min(completed, total))
    full = _BAR_CELLS * done // total
    return f"{'▓' * full}{'░' * (_BAR_CELLS - full)} {tasks_done(done, total)}"
