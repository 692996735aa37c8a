"""A flow: runs it to its next question, and goes on with the answer.

CrewAI keeps a paused flow in its own persistence: one row for each flow, which is deleted before
the methods after the question have run. The host keeps a copy of it until they have, and puts it
back if it was killed meanwhile.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

from crewai.core.providers.human_input import set_provider
from crewai.flow.async_feedback import HumanFeedbackPending, PendingFeedbackContext
from crewai.flow.persistence import SQLiteFlowPersistence
from crewai.hooks.dispatch import HookAborted
from crewai.llms.base_llm import BaseLLM
from crewai.utilities.llm_utils import create_llm
from pydantic import BaseModel, PrivateAttr, ValidationError

from crewgate.crew_api.wire import Json, Refusal
from crewgate.host.database import make_private
from crewgate.host.engine.asks import Asks, Hosted, digest
from crewgate.host.engine.hooks import HookQuestions
from crewgate.host.engine.reviews import Reviews
from crewgate.host.errors import HostNotStarted
from crewgate.host.records import Asked, Question
from crewgate.host.run import Run
from crewgate.host.target import Completed, Failed

_ASKS: Final = Asks()


class FlowTarget:
    """A flow, built anew for each execution and each answer."""

    is_flow = True
    inputs: Sequence[str] = ()
    """A flow starts with a state that it can make by itself; inputs only change it."""

    def __init__(self, name: str, flow: Any, states: Path) -> None:
        self.name = name
        self._flow = flow
        make_private(states)
        self._persistence = SQLiteFlowPersistence(str(states))
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
        """Raise Refusal if the flow's state refuses the inputs."""
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
        tasks = _InnerTasks(execution_id, "" if question is None else question.id)
        reviews = Reviews(run, tasks.id_of)
        reviews.take_up(run.rounds())
        set_provider(reviews)
        HookQuestions(run, tasks.id_of).take_part()
        _ASKS.take_part(Hosted(run, self._flow.__name__, execution_id, tasks.since))
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
        context.llm = _ExactOutcome.of(feedback, model) if exact else model or context.llm
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
    """Return True if the host has asked about this pause of CrewAI's."""
    if question is None:
        return False
    asked = question.pending.get("context", {})
    return bool(asked.get("requested_at") == context.requested_at.isoformat())


def _model_of(flow: Any, method: str) -> Any:
    """Return the live model that decorates a method's question."""
    definition = flow._definition.methods[method].human_feedback  # noqa: SLF001  # no public way
    return None if definition is None else definition.llm


class _InnerTasks:
    """Ids of tasks that stay the same when a flow begins again; CrewAI's own change.

    A flow that is begun again builds its crews again, and people have seen what their tasks said
    the first time. A task is the same if it is asked the same in the same words, for as many times
    as before, since the flow began or since the same answer: one with other inputs is another.
    """

    def __init__(self, execution_id: str, since: str) -> None:
        self._execution_id = execution_id
        self.since = since
        self._ids: dict[int, tuple[str, Any]] = {}
        """By `id()` of the task, with the task, so that no other gets that number."""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def id_of(self, task: Any) -> str:
        """Return the id of a task whose inputs are filled in."""
        with self._lock:
            if id(task) not in self._ids:
                words = (task.description, task.expected_output)
                self._seen[words] += 1
                name = digest(self._execution_id, self.since, words, self._seen[words])
                self._ids[id(task)] = name, task
            return self._ids[id(task)][0]


class _ExactOutcome(BaseLLM):
    """A model that chooses the outcome that a person named; later calls go to the flow's own.

    CrewAI asks the flow's model which outcome an answer means even where it is the label of one:
    that costs a call, fails without a model, and may choose another.
    """

    _outcome: str = PrivateAttr(default="")
    _chosen: bool = PrivateAttr(default=False)
    _model: Any = PrivateAttr(default=None)

    @classmethod
    def of(cls, outcome: str, model: Any) -> "_ExactOutcome":
        """Return a model that chooses this outcome and passes later calls to `model`.

        It may be the name of one, its settings, or None. It is made when it is asked, so that a
        label needs no key of a model.
        """
        made = cls(model="exact-outcome")
        made._outcome, made._model = outcome, model
        return made

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outcome once, then what the flow's own model says."""
        if self._chosen:
            return self._resolved().call(*args, **kwargs)
        self._chosen = True
        return json.dumps({"outcome": self._outcome})

    def supports_function_calling(self) -> bool:
        asked = getattr(self._resolved(), "supports_function_calling", None)
        return bool(asked()) if asked else False

    def supports_stop_words(self) -> bool:
        return False

    def _resolved(self) -> Any:
        if self._model is None or isinstance(self._model, str | dict):
            self._model = create_llm(self._model)
        return self._model
