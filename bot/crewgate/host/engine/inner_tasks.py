"""The tasks of crews that a flow works with, by ids that are the same when it works again."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any


class InnerTasks:
    """Gives ids; CrewAI's own are others each time.

    A flow that is begun again builds its crews again, and people have seen what their tasks said
    the first time. A task is the same if it is asked the same in the same words, for as many times
    as before, since the flow began or since the same answer: one with other inputs is another.
    """

    def __init__(self, execution_id: str, since: str) -> None:
        self._execution_id = execution_id
        self._since = since
        self._ids: dict[int, tuple[str, Any]] = {}
        """By `id()` of the task, with the task, so that no other gets that number."""
        self._seen: Counter[tuple[str, str]] = Counter()

    def id_of(self, task: Any) -> str:
        """The id of a task whose inputs are filled in."""
        if id(task) not in self._ids:
            words = (task.description, task.expected_output)
            self._seen[words] += 1
            told = repr((self._execution_id, self._since, words, self._seen[words]))
            name = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]
            self._ids[id(task)] = name, task
        return self._ids[id(task)][0]
