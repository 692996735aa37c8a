"""A flow: runs it to its next question, and goes on with the answer.

CrewAI keeps a paused flow in its own persistence: one row for each flow, which is deleted before
the methods after the question have run. The host keeps a copy of it until they have, and puts it
back if it was killed meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from crewai.core.providers.human_input import set_provider
from crewai.flow.async_feedback import HumanFeedbackPending, PendingFeedbackContext
from crewai.flow.flow_config import flow_config
from crewai.flow.persistence import SQLiteFlowPersistence
from crewai.hooks.dispatch import HookAborted
from pydantic import BaseModel, ValidationError

from crewgate.crew_api.wire import Json, Refusal
from crewgate.host.engine.asks import Asks
from crewgate.host.engine.inner_tasks import InnerTasks
from crewgate.host.engine.outcomes import ExactOutcome
from crewgate.host.engine.reviews import Reviews
from crewgate.host.errors import HostNotStarted
from crewgate.host.records import Question
from crewgate.host.target import Asked, Completed, Failed, Run

_ASKS: Final = Asks()


class FlowTarget:
    """A flow, built anew for each execution and each answer."""

    is_flow = True
    inputs: Sequence[str] = ()
    """A flow starts with a state that it can make by itself; inputs only change it."""

    def __init__(self, name: str, flow: Any, states: Path) -> None:
        self.name = name
        self._flow = flow
        # Readable by this user only, as the host's own file is.
        os.close(os.open(states, os.O_CREAT | os.O_RDWR, 0o600))
        self._persistence = SQLiteFlowPersistence(str(states))
        flow_config.hitl_provider = _ASKS
        unkept = HostNotStarted(
            f"{name}: {flow.__name__} takes no `persistence`, so a pause of it cannot be kept:"
            " let its __init__ take **kwargs and hand them to super().__init__"
        )
        try:
            made = flow(persistence=self._persistence)
        except TypeError as error:
            raise unkept from error
        if made.persistence is not self._persistence:
            raise unkept
        self._state = made.state

    def check(self, inputs: Json) -> None:
        """Raises Refusal where the flow's state refuses them."""
        if not isinstance(self._state, BaseModel):
            return
        try:
            type(self._state).model_validate({**self._state.model_dump(), **inputs})
        except ValidationError as error:
            wrong = {
                ".".join(map(str, one["loc"])): one["msg"]
                for one in error.errors(include_url=False, include_input=False)
            }
            raise Refusal(
                422, "Validation Error", f"Inputs that do not fit: {', '.join(wrong)}", wrong
            ) from error

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Work in the calling thread, to the end or the next question."""
        run.begin([])
        execution_id = run.execution.id
        _ASKS.take(execution_id)
        question = run.question()
        tasks = InnerTasks(execution_id, "" if question is None else question.id)
        reviews = Reviews(run, tasks.id_of)
        reviews.take_up(run.rounds())
        set_provider(reviews)
        pending = self._persistence.load_pending_feedback(execution_id)
        if pending and not _is_about(question, pending[1]):
            # Killed after CrewAI had kept this pause, and before the host did.
            return self._asked(execution_id)
        if question is not None and question.feedback is not None:
            return self._resume(execution_id, question, question.feedback)
        flow = self._flow(persistence=self._persistence)
        _ASKS.watch(flow)
        # Begun again after a kill, it would find what its methods did to its state the first time.
        flow._skip_persistence_restore = True  # noqa: SLF001  # no public way
        inputs = {**run.execution.kickoff.inputs, "id": execution_id}
        return self._outcome(execution_id, flow.kickoff(inputs=inputs))

    def _resume(
        self, execution_id: str, question: Question, feedback: str
    ) -> Completed | Asked | Failed:
        kept = PendingFeedbackContext.from_dict(question.pending["context"])
        self._persistence.save_pending_feedback(execution_id, kept, question.pending["state"])
        flow = self._flow.from_pending(execution_id, self._persistence)
        _ASKS.watch(flow)
        context = flow.pending_feedback
        model = _model_of(flow, context.method_name)
        exact = feedback in question.emit
        # CrewAI hands back a description of the model, from which it may not find it again.
        context.llm = ExactOutcome.of(feedback, model) if exact else model or context.llm
        answers = len(flow.human_feedback_history)
        try:
            result = asyncio.run(flow.resume_async(feedback))
        except HookAborted:
            raise
        except Exception as error:
            # It is the flow's model that raises, so no type can be named. CrewAI keeps the question
            # where no model could read the answer or, with `learn_strict`, learn from it.
            if flow.pending_feedback is not context:
                raise
            self._persistence.save_pending_feedback(execution_id, kept, question.pending["state"])
            return self._asked(execution_id, said=f"“{feedback}” could not be taken: {error}")
        taken = flow.human_feedback_history[answers].outcome
        if exact and taken != feedback:
            return Failed(f"“{feedback}” was answered, but crewai took it for “{taken}”")
        return self._outcome(execution_id, result)

    def _outcome(self, execution_id: str, result: Any) -> Completed | Asked | Failed:
        if isinstance(result, HumanFeedbackPending):
            asking = _ASKS.take(execution_id)
            if len(asking) > 1:
                self._persistence.clear_pending_feedback(execution_id)
                return Failed(
                    f"{' and '.join(asking)} ask people at the same time, and CrewAI keeps one"
                    " question of a flow: let one of them listen to the other"
                )
            return self._asked(execution_id)
        if isinstance(result, BaseModel):
            shown = result.model_dump_json()
            return Completed(shown, {"result_json": json.loads(shown)})
        if isinstance(result, str):
            return Completed(result)
        return Completed(json.dumps(result, default=str, ensure_ascii=False, indent=2))

    def _asked(self, execution_id: str, *, said: str = "") -> Asked:
        state, kept = self._persistence.load_pending_feedback(execution_id)
        told = kept.to_dict()
        return Asked(
            method=kept.method_name,
            message=f"{said}\n\n{kept.message}" if said else kept.message,
            output=told["method_output"],
            emit=tuple(kept.emit or ()),
            flow_class=self._flow.__name__,
            metadata=told["metadata"],
            pending={"state": state, "context": told},
        )


def _is_about(question: Question | None, context: Any) -> bool:
    """Return True if this pause of CrewAI's is the one that the host has asked about."""
    if question is None:
        return False
    asked = question.pending.get("context", {})
    return bool(asked.get("requested_at") == context.requested_at.isoformat())


def _model_of(flow: Any, method: str) -> Any:
    """The live model that a method's question is decorated with."""
    definition = flow._definition.methods[method].human_feedback  # noqa: SLF001  # no public way
    return None if definition is None else definition.llm
