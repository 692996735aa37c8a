"""Executions: starting their threads, and taking decisions and answers for them."""

import contextvars
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from textwrap import shorten
from typing import Final

import structlog

from crewgate.crew_api.wire import MISFIT, Answer, Json, Kickoff, Refusal, Resume
from crewgate.host import records
from crewgate.host.run import Completed, Failed, Run, Shared, Target, hash_token, later
from crewgate.host.webhooks import human_input_webhooks, iso, update_webhooks

log = structlog.get_logger(__name__)

_WORDS_SHOWN: Final = 300
_INTERRUPTED: Final = records.Outcome(
    "failed",
    "It may have been done: the host stopped while it ran. If it is made again, people are asked.",
    in_doubt=True,
)


def _task_id(given: str, execution: records.Execution, shown: Mapping[str, records.Round]) -> str:
    """Return the id of what is decided: `given` is that id or, except for a call, a task's name.

    Raises Refusal.
    """
    if given in {*shown, *(task.id for task in execution.tasks)}:
        return given
    named = [task.id for task in execution.tasks if task.name == given]
    if not named:
        raise Refusal.not_found("Task not found in this execution")
    waits = [one for one in shown.values() if one.waits and (one.asker or one.task_id) in named]
    waiting = [one.task_id for one in waits]
    # Where calls wait, a decision has to name its call: a late or repeated decision would let
    # the next call run, unseen.
    if len(waits) > 1 or any("tool_call" in one.body for one in waits):
        raise Refusal.bad_request(f"Give one of {', '.join(waiting)} as task_id")
    return waiting[0] if waiting else named[0]


def _ask_about(run: Run) -> Completed | records.Asked:
    """Ask people about a lesson that a flow has learnt, until they choose *Keep* or *Drop*."""
    run.begin([])
    told, question = run.execution.kickoff.inputs, run.question()
    words = "" if question is None else question.feedback or ""
    for choice in (records.KEEP, records.DROP):
        if words.strip().casefold() == choice.casefold():
            return Completed(choice)
    unclear = f"“{words}” is neither {records.KEEP} nor {records.DROP}.\n\n" if words else ""
    feedback = shorten(told["feedback"], _WORDS_SHOWN, placeholder="…")
    return records.Asked(
        method=told["method"],
        message=f"{unclear}CrewAI drew this lesson from “{feedback}”. Keep it? Later outputs are"
        " then rewritten by it before people see them.",
        output=told["lesson"],
        emit=(records.KEEP, records.DROP),
        flow_class=told["flow_class"],
        metadata=told["metadata"],
        drawn_from=told.get("drawn_from"),
    )


class Runner:
    """All actions on executions; the methods are called from any thread."""

    def __init__(self, targets: Mapping[str, Target], shared: Shared) -> None:
        self.targets = targets
        self.shared = shared
        self._store = shared.store
        self._working: set[str] = set()
        self._again: set[str] = set()
        """Executions to run again: they were to go on while their thread was still at work."""
        self._lock = threading.Lock()

    def take_up(self) -> None:
        """Continue the executions that were unfinished when the host ended."""
        for execution in self._store.unfinished():
            for one in self._store.asks(execution.id):
                if one.answered_at is None and one.expires_at is not None:
                    later(one.expires_at - self._store.now(), self.expire, one.id)
            if execution.target not in self.targets:
                log.warning("not_served", execution=execution.id, target=execution.target)
            elif self._can_go_on(execution):
                log.info("taken_up", execution=execution.id)
                self._go_on(execution.id, execution.target)

    def announce_again(self) -> None:
        """Announce open calls again: a database restored from a copy may lack decisions on them.

        Tell people of the calls that ran when the host ended: nobody will know how far they came.
        """
        for execution in self._store.unfinished():
            for one in self._store.rounds(execution.id):
                about = partial(human_input_webhooks, execution, one.task_id, one.body)
                if one.waits and one.call is not None:
                    webhooks = about()
                    self._store.announce(execution.id, webhooks)
                elif one.call is not None and one.may_have_run and one.outcome is None:
                    told = _INTERRUPTED.body
                    webhooks = about(told)
                    stored = {**told, "in_doubt": True, "at": iso(int(self._store.now()))}
                    self._store.record(execution.id, one, stored, webhooks=webhooks)

    def _can_go_on(self, execution: records.Execution) -> bool:
        """Return True if there is work to do, even if other tasks wait for people."""
        if execution.state is not records.State.PAUSED:
            return execution.state in {records.State.QUEUED, records.State.RUNNING}
        rounds = self._store.rounds(execution.id)
        # A round with an `asker` was opened by a hook, in the middle of a task. The task can begin
        # again at once: the hook takes up the same card, which stays valid.
        if any(one.asker is not None and not one.spent for one in rounds):
            return True
        if self.targets[execution.target].is_flow:
            return any(one.answered_at is not None for one in self._store.asks(execution.id))
        done = {execution.tasks[one.position].id for one in self._store.finished(execution.id)}
        newest = {one.task_id: one for one in rounds if one.asker is None}
        return any(one.decision and one.task_id not in done for one in newest.values())

    def stop(self) -> None:
        """End the threads that wait for people; working threads are cut off with the process."""
        self.shared.waiters.stop()

    # ---- requests of callers

    def kick_off(self, target: Target, kickoff: Kickoff) -> str:
        """Begin an execution, and return its id once it is on disk. Raises Refusal."""
        target.check(kickoff.inputs)
        execution_id = self.shared.options.new_id()
        self._store.add(execution_id, target.name, kickoff)
        log.info("kicked_off", execution=execution_id, target=target.name)
        self._go_on(execution_id, target.name)
        return execution_id

    def resume(self, target: Target, call: Resume) -> Json:
        """Store a decision, then answer; a repeated decision gets an equal answer.

        Raises Refusal.
        """
        execution = self._store.get(call.execution_id, target.name)
        shown = {one.task_id: one for one in self._store.rounds(execution.id)}
        call = replace(call, task_id=_task_id(call.task_id, execution, shown))
        one = shown.get(call.task_id)
        body = {} if one is None else one.body
        if "ask" in body and (call.edited is not None or not call.human_feedback.strip()):
            raise Refusal.bad_request("A question takes is_approve and words in human_feedback")
        if "tool_call" in body and call.edited is not None:
            why = "A call of a tool takes edited arguments, and no output"
            raise Refusal.bad_request(why, code=MISFIT)
        if call.arguments is not None:
            if one is not None and one.waits:
                taken = self._check(body, call.arguments, execution.id, call.task_id)
                call = replace(call, arguments=taken)
            call = replace(call, edited=json.dumps(call.arguments, ensure_ascii=False))
        if self._store.decide(call):
            log.info("decided", execution=execution.id, task=call.task_id, approve=call.is_approve)
            self._wake(execution.id, execution.target, call.task_id)
        if body:
            did = "It was answered" if "ask" in body else "The call runs, once"
            refused = "The agent is given your words"
            return {"status": "resumed", "message": did if call.is_approve else refused}
        if not call.is_approve:
            return {"status": "retrying", "message": "The task runs again with your feedback"}
        if execution.tasks and execution.tasks[-1].id == call.task_id:
            return {"status": "completed", "message": "The last task was approved"}
        return {"status": "resumed", "message": "Execution resumed with the next task"}

    def _check(self, body: Json, arguments: Json, execution_id: str, task_id: str) -> Json:
        """Return changed arguments as the tool will get them. Raises Refusal."""
        if "schema" not in body.get("tool_call", {}):
            why = "Nothing here takes other arguments"
            raise Refusal.bad_request(why, arguments="invalid", code=MISFIT)
        check = self.shared.checks.get((execution_id, task_id))
        if check is None:
            why = "The task has just begun again, and its tool is not there yet"
            raise Refusal(503, "Service Unavailable", why)
        try:
            return check(arguments)
        except ValueError as error:
            why = f"The tool does not take this: {error}"
            raise Refusal.bad_request(why, code=MISFIT) from error

    def question(self, question_id: str, token: str) -> records.Question:
        """Return a flow's question for a caller with its token. Raises Refusal."""
        question = self._store.question(question_id)
        if question is None:
            raise Refusal.not_found("There is no such request")
        if not hmac.compare_digest(question.token_hash, hash_token(token)):
            raise Refusal(401, "unauthorized", "The token is not that of this request")
        return question

    def answer(self, question: records.Question, call: Answer) -> Json:
        """Store the answer to a flow's question, or end a kept lesson. Raises Refusal."""
        at = self._store.now()
        is_lesson = question.execution_id.startswith(records.LESSON)
        is_end = is_lesson and call.feedback == records.RETIRE
        feedback = records.DROP if is_end else call.feedback
        until = call.valid_until if is_lesson else None
        over = self._store.answer(question.id, feedback, call.source, until=until)
        if is_end:
            self._store.retire(question.execution_id)
            log.info("lesson_retired", execution=question.execution_id)
        if over is not None and not is_end:
            then = iso(int(over.answered_at or at))
            if over.feedback is None:
                raise Refusal(410, "expired", f"It has taken no answer since {then}")
            through = over.source or "its callback"
            raise Refusal(409, "already_responded", f"Answered via {through} at {then}")
        if over is None:
            log.info("answered", execution=question.execution_id, request=question.id)
            self._wake(question.execution_id, question.target, question.id)
        request = {
            "id": question.id,
            "status": "responded",
            "feedback": call.feedback,
            "outcome": call.feedback if call.feedback in question.emit else None,
            "responded_at": iso(int(at)),
            "responded_via": call.source,
        }
        return {"status": "accepted", "request": request}

    def expire(self, question_id: str) -> None:
        """Let a flow go on without an answer, unless an answer came."""
        try:
            question = self._store.question(question_id)
            if question and not self._store.answer(question_id, None, ""):
                log.info("expired", execution=question.execution_id, request=question_id)
                self._wake(question.execution_id, question.target, question_id)
        except records.HostStops:
            return
        except records.NotKept as error:
            log.error("not_kept", request=question_id, hint=str(error))  # noqa: TRY400
            later(self.shared.options.again_after, self.expire, question_id)

    # ---- threads

    def _wake(self, execution_id: str, target: str, about: str) -> None:
        """Wake the thread that waits for this task or question; without one, run the execution."""
        if not self.shared.waiters.wake(execution_id, about):
            self._go_on(execution_id, target)

    def _go_on(self, execution_id: str, target: str) -> None:
        """Run an execution in its own thread once there is a place, never twice at a time."""
        if target not in self.targets:
            return  # the next start of a host that serves the target continues the execution
        with self._lock:
            if execution_id in self._working:
                self._again.add(execution_id)
                return
            self._working.add(execution_id)

        def start() -> None:
            work = contextvars.Context().run
            threading.Thread(
                target=work, args=(self._work, execution_id, target), daemon=True
            ).start()

        self.shared.slots.submit(start)

    def _work(self, execution_id: str, target: str) -> None:
        try:
            self._run(execution_id, target)
        except records.HostStops:
            return
        except records.NotKept as error:
            log.error("not_kept", execution=execution_id, hint=str(error))  # noqa: TRY400
            later(self.shared.options.again_after, self._go_on, execution_id, target)
        finally:
            with self._lock:
                self._working.discard(execution_id)
                again = execution_id in self._again
                self._again.discard(execution_id)
            self.shared.waiters.end(execution_id)
        if again:
            self._go_on(execution_id, target)

    def _run(self, execution_id: str, target: str) -> None:
        run = Run(execution_id, target, self.shared, expire=self.expire, begin=self._go_on)
        if not self._can_go_on(run.execution):
            return
        try:
            is_lesson = execution_id.startswith(records.LESSON)
            outcome = _ask_about(run) if is_lesson else self.targets[target].run(run)
        except records.TargetChanged as error:
            log.error("crew_changed", execution=execution_id, hint=str(error))  # noqa: TRY400
            return
        except (Exception, SystemExit) as error:
            # It is the user's code that raises, so no type can be named.
            log.exception("failed", execution=execution_id)
            outcome = Failed(f"{type(error).__name__}: {error}")
        execution = run.execution
        closing = run.closing("The execution has ended.")
        match outcome:
            case Completed(result, more):
                ends = update_webhooks("crew", execution, {"result": result, **more})
                closed = self._store.end(
                    execution.id, result=result, closing=closing, webhooks=ends
                )
                log.info("completed", execution=execution.id)
            case Failed(why):
                why = self.shared.options.redactor.error(why)
                closed = self._store.end(execution.id, error=why, closing=closing)
                log.info("ended_with_an_error", execution=execution.id)
            case records.Asked():
                closed = []
                run.announce(self.shared.options.new_id(), outcome)
        self.shared.waiters.wake_all(execution.id, closed)
        self.shared.wake()
