"""Targets without crewai: a crew and a flow whose work is written out."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from crewgate.crew_api.wire import Json, Refusal
from crewgate.host.records import Asked, TaskRow
from crewgate.host.run import Completed, Failed, Run


@dataclass
class StandInCrew:
    """Pauses at every task but those that are named; its output counts the rounds."""

    name: str = "crew"
    inputs: Sequence[str] = ("topic",)
    tasks: Sequence[str] = ("draft", "report")
    unreviewed: Sequence[str] = ()
    work: Callable[[str], None] = lambda _task: None
    is_flow: bool = False
    ending: str = ""
    """Of each output."""
    worked: list[str] = field(default_factory=list)
    """The tasks that were worked on."""

    def check(self, inputs: Json) -> None:
        """Raises Refusal where inputs are missing."""
        missing = [name for name in self.inputs if name not in inputs]
        if missing:
            raise Refusal(422, "Validation Error", "Missing", {"missing_inputs": missing})

    def run(self, run: Run) -> Completed:
        """Work to the end, and go on where it was."""
        run.begin([TaskRow(f"{name}-id", name, name) for name in self.tasks])
        done = {one.position for one in run.finished()}
        text = ""
        for position, name in enumerate(self.tasks):
            if position in done:
                continue
            text = self._until_approved(run, name)
            output: Json = dict.fromkeys(("description", "expected_output", "summary"), name)
            output |= {"name": name, "raw": text, "agent": "Writer", "json": None}
            run.finish_task(position, output, seconds=0.5)
        return Completed(text, {"token_usage": {}})

    def _until_approved(self, run: Run, name: str) -> str:
        shown = [one for one in run.rounds() if one.task_id == f"{name}-id"]
        if shown:
            decision = shown[-1].decision or run.wait(f"{name}-id")
            if decision.approve:
                return replace(shown[-1], decision=decision).decided
        number = len(shown)
        while True:
            self.work(name)
            self.worked.append(name)
            number += 1
            text = f"{name} {number} on {run.execution.kickoff.inputs['topic']}{self.ending}"
            run.step({"thought": "I know"})
            if name in self.unreviewed:
                return text
            decision = run.pause(f"{name}-id", text, {"task_output": text, "task_name": name})
            if decision.approve:
                return text if decision.edited is None else decision.edited


@dataclass
class StandInFlow:
    """Asks as often as it is told to, then completes with all answers."""

    name: str = "flow"
    questions: int = 1
    inputs: Sequence[str] = ()
    is_flow: bool = True
    carried_out: list[str] = field(default_factory=list)
    hold: threading.Event | None = None
    """Held up here while it carries out an answer."""

    def check(self, inputs: Json) -> None:
        """Anything will do."""

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Go on to the next question or to the end."""
        question = run.question()
        run.begin([])
        answers: list[str] = []
        if question is not None:
            assert question.feedback is not None
            answers = [*question.pending["state"]["answers"], question.feedback]
            self.carried_out.append(question.feedback)
            if self.hold is not None:
                self.hold.wait(20)
        if answers and answers[-1] == "fail":
            return Failed("It was told to.")
        if len(answers) == self.questions:
            return Completed(", ".join(answers))
        return Asked(
            method=f"review_{len(answers)}",
            message="Good?",
            output="A draft.",
            emit=("approved", "rejected"),
            flow_class="demo.Flow",
            metadata={"region": "EU"},
            pending={"state": {"answers": answers}},
        )


@dataclass
class StandInPupil(StandInFlow):
    """Draws each answer as a lesson, and rewrites its output by those that people kept."""

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Go on to the next question or to the end."""
        asked = super().run(run)
        if (question := run.question()) is not None:
            told: Json = {"source": "hitl", "method": "review_0", "flow_class": "demo.Flow"}
            told |= {"metadata": {}, "feedback": question.feedback}
            told |= {"drawn_from": {"flow_id": run.execution.id, "id": question.id}}
            run.propose([{"lesson": question.feedback, **told}])
        if not isinstance(asked, Asked) or not (lessons := run.lessons("hitl")):
            return asked
        rewritten = {"original": asked.output, "lessons": [*lessons]}
        return replace(asked, output="A draft, cited.", rewritten=rewritten)


@dataclass
class StandInTalk(StandInFlow):
    """Asks for words, each question in a thread of its own, and completes with all answers."""

    asks: Sequence[str] = ("Which topic?",)
    seconds: float | None = None
    begun: int = 0

    def run(self, run: Run) -> Completed:
        """Ask, and wait for all."""
        run.begin([])
        self.begun += 1
        execution = run.execution.id

        def ask(number: int, message: str) -> str:
            place = f"talk {number}"
            asked = Asked(method="talk", message=message, flow_class="demo.Flow", place=place)
            return str(run.ask(f"{execution}-{number}-{len(message)}", asked, self.seconds))

        with ThreadPoolExecutor() as threads:
            return Completed(", ".join(threads.map(ask, range(1, 9), self.asks)))
