"""Lessons of flows with `@human_feedback(learn=True)`, kept or dropped by people.

From each answer CrewAI draws lessons into `flow.memory`; later it recalls them from there, and has
an output rewritten by them before people see it. Here that memory hands lessons to the host, which
asks people about each in an execution of its own; only kept lessons are recalled.
"""

import json
import re
from collections.abc import Sequence
from copy import copy
from typing import Any, Final

import structlog
from crewai.memory import MemoryMatch, MemoryRecord
from pydantic import BaseModel

from crewgate.crew_api.wire import Json
from crewgate.host.run import Run

log = structlog.get_logger(__name__)

REWRITTEN: Final = "crewgate_rewritten"
"""The key of an output's original and lessons in a pause's metadata, until the host has asked."""
#: The most lessons from one answer that people are asked about.
MOST_DRAWN: Final = 5
#: CrewAI's query for lessons: the method, and the output as the method returned it.
_SEARCH: Final = re.compile(r"human feedback lessons for ([^:]+): (.*)", re.DOTALL)


class Lessons:
    """The lessons that one run of a flow is given, and those that CrewAI draws in it."""

    def __init__(
        self, flow: Any, run: Run, flow_class: str, feedback: str = "", question: str = ""
    ) -> None:
        """`feedback` is the answer to a `question`, by its id, that the flow goes on with."""
        self._flow = flow
        self._run = run
        answered = {"flow_id": run.execution.id, "id": question}
        self._told = {"flow_class": flow_class, "feedback": feedback, "drawn_from": answered}
        self._recalled: dict[str, tuple[str, Sequence[str]]] = {}
        asks = [one.human_feedback for one in flow._definition.methods.values()]  # noqa: SLF001  # no public way
        self._sources = {one.learn_source for one in asks if one is not None and one.learn}
        if flow.memory is None or not self._sources:
            return
        # The memory is copied, because other flows may use it. Its methods are replaced in
        # `__dict__`, because pydantic's models refuse to set an attribute that is no field.
        flow.memory, self._theirs = copy(flow.memory), flow.memory
        flow.memory.__dict__.update(recall=self._recall, remember_many=self._remember_many)

    def _recall(self, query: str, *args: Any, **more: Any) -> Any:
        if more.get("source") not in self._sources:
            return self._theirs.recall(query, *args, **more)
        lessons = self._run.lessons(more["source"])
        if found := _SEARCH.fullmatch(query):
            self._recalled[found[1]] = found[2], lessons
        return [MemoryMatch(record=MemoryRecord(content=one), score=1.0) for one in lessons]

    def _remember_many(self, contents: list[str], *args: Any, **more: Any) -> Any:
        if more.get("source") not in self._sources:
            return self._theirs.remember_many(contents, *args, **more)
        answered = self._flow.pending_feedback
        about = {
            **self._told,
            "source": more["source"],
            "method": "lesson" if answered is None else answered.method_name,
            "metadata": {} if answered is None else answered.to_dict()["metadata"],
        }
        drawn = [lesson for one in contents if (lesson := one.strip())]
        if drawn[MOST_DRAWN:]:
            log.warning("lessons_left_out", execution=self._run.execution.id, most=MOST_DRAWN)
        self._run.propose([{"lesson": lesson, **about} for lesson in drawn[:MOST_DRAWN]])
        return []

    def rewritten(self, method: str, output: Any) -> Json | None:
        """Return a rewritten output's original and its lessons; None for an original output."""
        original, lessons = self._recalled.pop(method, ("", ()))
        is_model = isinstance(output, BaseModel)
        if not lessons or original == (output.model_dump_json() if is_model else output):
            return None
        return {"original": json.loads(original) if is_model else original, "lessons": [*lessons]}
