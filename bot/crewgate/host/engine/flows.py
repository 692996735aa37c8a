"""A flow: runs it to its next question, and continues it with the answer.

CrewAI keeps a paused flow in its own persistence: one row for each flow, which is deleted before
the methods after the question have run. The host keeps a copy of the row until these have run, and
puts the copy back if it was killed meanwhile.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from crewai import Crew
from crewai.core.providers.human_input import set_provider
from crewai.flow.async_feedback import HumanFeedbackPending, PendingFeedbackContext
from crewai.flow.flow import Flow
from crewai.flow.flow_config import flow_config
from crewai.flow.flow_context import current_flow_method_name
from crewai.flow.persistence import SQLiteFlowPersistence
from crewai.hooks.dispatch import HookAborted
from crewai.llms.base_llm import BaseLLM
from crewai.utilities.llm_utils import create_llm
from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from crewgate.crew_api.wire import Json, Refusal
from crewgate.host.database import make_private
from crewgate.host.engine.hooks import Hooks
from crewgate.host.engine.lessons import REWRITTEN, Lessons
from crewgate.host.engine.reviews import Reviews
from crewgate.host.records import Asked, HostNotStarted, Question, digest
from crewgate.host.run import Completed, Failed, Run

#: The turns of the event loop, with a question in every working method, after which no method is
#: about to begin: between two methods CrewAI takes fewer turns to pass results on.
ROUNDS: Final = 32
_WORK: Final = "_crewgate_work"


class AskedInside(Exception):
    """A flow inside another flow, or a crew, asks people: the outer one would not wait."""


@dataclass
class Hosted:
    """An execution of a flow, found from any method, any inner flow and any task.

    A restarted flow asks again and builds its crews anew, but people have seen its questions and
    its tasks' outputs. So ids depend on words, with inputs filled in, and on how often these have
    come since the flow's start or its last answer; CrewAI's own ids change.
    """

    run: Run
    flow_class: str
    execution_id: str
    _: KW_ONLY
    since: str
    """The id of the last answered `@human_feedback` question: a restarted flow begins there."""
    _seen: Counter[object] = field(default_factory=Counter)
    _ids: dict[int, tuple[str, Any]] = field(default_factory=dict)
    """Ids by `id()` of the task; the task is held, so that no other task gets its `id()`."""
    _lock: Lock = field(default_factory=Lock)

    def id_of(self, task: Any) -> str:
        """Return the id of a task whose inputs are filled in."""
        with self._lock:
            if id(task) not in self._ids:
                words = (task.description, task.expected_output)
                self._seen[words] += 1
                name = digest(self.execution_id, self.since, words, self._seen[words])
                self._ids[id(task)] = name, task
            return self._ids[id(task)][0]

    def ask(
        self, flow: Any, method: str, message: str, seconds: float | None, metadata: Any
    ) -> str | None:
        """Ask people, once for each text and place, even if the flow begins again."""
        with self._lock:
            self._seen[method] += 1
            place = f"{method} {self._seen[method]}"
        persistence = flow.persistence
        # CrewAI has just saved the flow's state, so the stored state is the present one.
        state = None if persistence is None else persistence.load_state(flow.flow_id)
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
    """A call of `Flow.ask()`: its time limit, which CrewAI does not pass on, and its error."""

    seconds: float | None
    error: Exception | None = None


_HOSTED: Final[ContextVar[Hosted]] = ContextVar("crewgate_hosted")
_CALL: Final[ContextVar[_Call]] = ContextVar("crewgate_call")
#: A time limit of so many seconds or more counts as none: its end may be too late for a date.
_LONGEST: Final = 1e9
_ASK: Final[Callable[..., Any]] = Flow.ask
_PLAN: Final[Callable[..., Any]] = Crew._handle_crew_planning  # noqa: SLF001  # no public way


def ask(flow: Any, message: str, timeout: float | None = None, metadata: Any = None) -> Any:
    """`Flow.ask`, with a time limit that the host keeps.

    CrewAI does not tell its provider of a time limit, would count it anew after a restart, and
    could go on without an answer that the host has just accepted. Errors end the flow; CrewAI would
    treat them as no answer.
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
    """Provides both of CrewAI's interfaces for questions.

    `@human_feedback` pauses: the host asks once the flow is on disk. `Flow.ask()` waits.
    """

    def request_input(self, message: str, flow: Any, metadata: Any = None) -> str | None:
        """Wait for people's words; return None when the time is over."""
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

    def request_feedback(self, context: Any, flow: Any) -> Any:
        """Return a coroutine that pauses the flow, once CrewAI awaits it in the flow's event loop.

        Raises AskedInside.
        """
        work = flow.__dict__.get(_WORK)
        if work is None:
            raise AskedInside(
                f"{context.flow_class} asks people inside another flow or a crew, which would go on"
                " without their answer: serve it by itself, or let the outer flow ask"
            )
        rewritten = work.lessons.rewritten(context.method_name, context.method_output)
        if rewritten is not None:
            context.metadata = {**context.metadata, REWRITTEN: rewritten}
        return self._pause(context, work)

    async def _pause(self, context: Any, work: "_Work") -> str:
        await work.until_all_ask(context.method_name)
        raise HumanFeedbackPending(context=context)


class _Work:
    """Holds a flow's questions back until each of its other methods asks, too, or has ended.

    Used only in the flow's event loop.
    """

    def __init__(self, flow: Any, lessons: Lessons) -> None:
        self.lessons = lessons
        self.asking: list[str] = []
        """The methods that ask."""
        self._working = 0
        self._changed = asyncio.Event()
        flow.stream = False  # else a run returns a stream at once, and nobody reads it
        flow.__dict__[_WORK] = self
        execute: Callable[..., Any] = flow._execute_method  # noqa: SLF001  # no public way

        async def execute_method(*args: Any, **kwargs: Any) -> Any:
            self._working += 1
            try:
                return await execute(*args, **kwargs)
            finally:
                self._working -= 1
                self._changed.set()

        # CrewAI's models refuse to set an attribute that is no field, so this function goes into
        # `__dict__`, where Python looks before it looks at the class.
        flow.__dict__["_execute_method"] = execute_method

    async def until_all_ask(self, method: str) -> None:
        """Return once every working method asks, and no other is about to begin."""
        self.asking.append(method)
        self._changed.set()
        rounds = 0
        while rounds < ROUNDS:
            if self._working > len(self.asking):
                rounds = 0
                self._changed.clear()
                await self._changed.wait()
            else:
                rounds += 1
                await asyncio.sleep(0)  # noqa: TID251  # gives the loop's other tasks one turn


def plan(crew: Any) -> None:
    """`Crew._handle_crew_planning`: a plan that a model writes into a task leaves its id alone."""
    if (hosted := _HOSTED.get(None)) is not None:
        for task in crew.tasks:
            hosted.id_of(task)
    _PLAN(crew)


flow_config.hitl_provider = flow_config.input_provider = Asks()
Flow.ask = ask
setattr(Crew, _PLAN.__name__, plan)


class FlowTarget:
    """A flow, built anew for each execution and each answer."""

    is_flow = True
    inputs: Sequence[str] = ()
    """Empty: a flow makes its state by itself, and inputs only change it."""

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
        """Run the flow in the calling thread, to its end or its next `@human_feedback` question."""
        run.begin([])
        execution_id = run.execution.id
        question = run.question()
        since = "" if question is None else question.id
        hosted = Hosted(run, self._flow.__name__, execution_id, since=since)
        hooks = Hooks(run, hosted.id_of)
        reviews = Reviews(run, hooks, hosted.id_of)
        reviews.take_up(run.rounds())
        set_provider(reviews)
        # `Asks` reads this variable in this thread, and in threads that CrewAI starts from it.
        _HOSTED.set(hosted)
        pending = self._persistence.load_pending_feedback(execution_id)
        known = {} if question is None else question.pending.get("context", {})
        if pending and known.get("requested_at") != pending[1].requested_at.isoformat():
            # The process was killed after CrewAI had stored this pause, and before the host had
            # stored it: so the host asks people now.
            return self._asked(execution_id)
        with hooks.taking_part():
            if question is not None and question.feedback is not None:
                return self._resume(run, question, question.feedback)
            flow = self._flow(persistence=self._persistence)
            _Work(flow, Lessons(flow, run, self._flow.__name__))
            # A flow that begins again after a kill must not load the state stored under its id,
            # which its methods have changed already.
            flow._skip_persistence_restore = True  # noqa: SLF001  # no public way
            inputs = {**run.execution.kickoff.inputs, "id": execution_id}
            return self._outcome(execution_id, flow, flow.kickoff(inputs=inputs))

    def _resume(self, run: Run, question: Question, feedback: str) -> Completed | Asked | Failed:
        execution_id = run.execution.id
        pause = PendingFeedbackContext.from_dict(question.pending["context"])
        self._persistence.save_pending_feedback(execution_id, pause, question.pending["state"])
        flow = self._flow.from_pending(execution_id, self._persistence)
        _Work(flow, Lessons(flow, run, self._flow.__name__, feedback, question.id))
        context = flow.pending_feedback
        context.metadata.pop(REWRITTEN, None)  # the flow is to see its author's metadata alone
        asks = flow._definition.methods[context.method_name].human_feedback  # noqa: SLF001  # no public way
        model = None if asks is None else asks.llm
        exact = feedback in question.emit
        # CrewAI keeps only a description of the method's model with a pause, and cannot always make
        # the model from it: so the flow gets the model itself again.
        if exact:
            model = _ExactOutcome(model="exact-outcome", outcome=feedback, then=model)
        context.llm = model or context.llm
        answers = len(flow.human_feedback_history)
        try:
            result = asyncio.run(flow.resume_async(feedback))
        except HookAborted:
            raise
        except Exception as error:
            # The flow's model may raise errors of any type. If no model could read the answer or,
            # with `learn_strict`, learn from it, CrewAI keeps the question: people are asked again.
            if flow.pending_feedback is not context:
                raise
            self._persistence.save_pending_feedback(execution_id, pause, question.pending["state"])
            return self._asked(execution_id, said=f"“{feedback}” could not be taken: {error}")
        taken = flow.human_feedback_history[answers].outcome
        if exact and taken != feedback:
            return Failed(f"“{feedback}” was answered, but crewai took it for “{taken}”")
        return self._outcome(execution_id, flow, result)

    def _outcome(self, execution_id: str, flow: Any, result: Any) -> Completed | Asked | Failed:
        if isinstance(result, HumanFeedbackPending):
            asking = flow.__dict__[_WORK].asking
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
        metadata = {**told["metadata"]}
        rewritten = metadata.pop(REWRITTEN, None)
        return Asked(
            method=kept.method_name,
            message=f"{said}\n\n{kept.message}" if said else kept.message,
            output=told["method_output"],
            emit=tuple(kept.emit or ()),
            flow_class=self._flow.__name__,
            metadata=metadata,
            pending={"state": state, "context": told},
            rewritten=rewritten,
        )


class _ExactOutcome(BaseLLM):
    """A model that returns the outcome that a person chose; later calls go to the flow's own model.

    CrewAI asks the flow's model for the outcome even if the answer is a label: asking costs a call,
    fails without a model, and may choose another outcome.
    """

    outcome: str
    then: Any = Field(exclude=True)
    """The flow's own model, its name or its settings, or None. The model is made on first use, so
    that a label needs no model key."""
    _chosen: bool = PrivateAttr(default=False)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outcome once, then the answers of the flow's own model."""
        if self._chosen:
            return self._resolved().call(*args, **kwargs)
        self._chosen = True
        return json.dumps({"outcome": self.outcome})

    def supports_function_calling(self) -> bool:
        asked = getattr(self._resolved(), "supports_function_calling", None)
        return bool(asked()) if asked else False

    def supports_stop_words(self) -> bool:
        return False

    def _resolved(self) -> Any:
        if self.then is None or isinstance(self.then, str | dict):
            self.then = create_llm(self.then)
        return self.then
