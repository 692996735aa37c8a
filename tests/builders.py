"""The builders of tests: `a_*` returns an ordinary value, which keyword arguments change."""

import base64
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crewgate.domain.caveats import Note
from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import Execution
from crewgate.domain.notification import (
    Callback,
    FlowRequest,
    HumanInputWebhook,
    Notification,
    Output,
    Question,
    WebhookUrls,
)
from crewgate.domain.people import Email, User
from crewgate.domain.review import Review, Round, State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Approve, Decision, Person, Verdict, Via, Vote
from crewgate.store.engine import Engines
from crewgate.store.unit_of_work import UnitOfWork, Wake
from crewgate.usecases.read_models import DeadLetter

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
SECOND = timedelta(seconds=1)

ANA = Person("U0ANA", "Ana")
BEN = Person("U0BEN", "Ben")
CAI = Person("U0CAI", "Cai")
EVE = Person("U0EVE", "Eve")
"""Not a reviewer of anything."""


@dataclass
class FakeClock:
    """A clock that stands still until it is told otherwise."""

    now: datetime = NOW
    tick: timedelta = timedelta()
    """The time that each look at it takes."""

    def __call__(self) -> datetime:
        self.now += self.tick
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Numbered:
    """Ids that can be read: the first is `id-001`."""

    count: int = 0

    def __call__(self) -> str:
        self.count += 1
        return f"id-{self.count:03}"


def a_uow(engines: Engines, wake: Wake = lambda _: None, **changes: Any) -> UnitOfWork:
    return UnitOfWork(engines, wake=wake, **({"clock": FakeClock()} | changes))


def a_crew(name: str = "research", **changes: Any) -> Crew:
    crew = Crew(name=name, channel="C0REVIEWS", reviewers=(User(ANA.id), User(BEN.id)))
    return replace(crew, **changes)


def a_rule(**changes: Any) -> Rule:
    return replace(Rule(name="contracts"), **changes)


def a_vote(by: Person = ANA, **changes: Any) -> Vote:
    return replace(Vote(by=by, at=NOW, via=Via.BUTTON), **changes)


def an_execution(crew: str = "research", execution_id: str = "e-1", **changes: Any) -> Execution:
    execution = Execution(crew=crew, execution_id=execution_id, began_at=NOW)
    return replace(execution, **changes)


def a_review(**changes: Any) -> Review:
    review = Review(id="v-1", crew="research", execution_id="e-1", task_id="draft")
    return replace(review, **changes)


def an_output(text: str = "A draft.") -> Output:
    return Output(text)


def a_decision(verdict: Verdict | None = None, **changes: Any) -> Decision:
    return replace(
        Decision(verdict=verdict or Approve(), by=ANA, at=NOW, via=Via.BUTTON), **changes
    )


def a_round(state: State = State.WAITING, **changes: Any) -> Round:
    """A round in this state, decided and ended as that state asks for."""
    round_ = Round(
        id="r-1",
        review=a_review(),
        number=1,
        digest=an_output().digest,
        opened_at=NOW,
        state=state,
    )
    if state in (State.DECIDED, State.RESUMED, State.STUCK):
        round_ = replace(round_, decision=a_decision())
    if state in (State.RESUMED, State.SUPERSEDED, State.CLOSED):
        round_ = replace(round_, ended_at=NOW)
    return replace(round_, **changes)


def a_notification(text: str = "A draft.", **changes: Any) -> Notification:
    notification = Notification(
        execution_id="e-1", task_id="draft", output=an_output(text), task_name="Draft the report"
    )
    return replace(notification, **changes)


def a_flow_request(text: str = "A draft.", **changes: Any) -> FlowRequest:
    """A flow's request; what is no field of its own is a change of its question."""
    known = {field.name for field in fields(FlowRequest)}
    question = Question(
        request_id="8412",
        message="Publish this?",
        outcomes=("approved", "rejected", "needs_revision"),
        assigned=(Email("reviewer@example.com"),),
    )
    asked = {name: value for name, value in changes.items() if name not in known}
    request = FlowRequest(
        flow_id="f-1",
        method="review_article",
        question=replace(question, **asked),
        output=an_output(text),
        callback=Callback(f"https://app.crewai.com/requests/{asked.get('request_id', 8412)}?t=x"),
        flow_name="ContentFlow",
    )
    own = {name: value for name, value in changes.items() if name in known}
    return replace(request, **own)


def a_note(text: str = "Shorter.", **changes: Any) -> Note:
    note = Note(channel="C0REVIEWS", ts="1.0", round_id="r-1", by=ANA, text=text, at=NOW)
    return replace(note, **changes)


def a_human_input_webhook(url: str = "https://bot.example.com/human-input") -> HumanInputWebhook:
    return HumanInputWebhook(url, strategy="bearer", token="secret")


def webhook_urls(prefix: str) -> WebhookUrls:
    """All four, told apart by their prefix."""
    return WebhookUrls(
        task=f"https://{prefix}.example.com/task",
        step=f"https://{prefix}.example.com/step",
        crew=f"https://{prefix}.example.com/crew",
        human_input=a_human_input_webhook(f"https://{prefix}.example.com/human-input"),
    )


def an_effect(kind: EffectKind = EffectKind.POST, **changes: Any) -> Effect:
    """An effect about all that its kind names."""
    given: dict[str, Any] = {"channel": "C1", "user": "U1", "number": 2} | changes
    named: dict[str, Any] = {name: given[name] for name in kind.row.names if name in given}
    return replace(
        Effect(kind=kind, target="r-1", crew="research", execution_id="e-1"), **(named | changes)
    )


def a_secret_key(number: int) -> str:
    """A key of SECRET_KEYS."""
    return base64.urlsafe_b64encode(bytes([number]) * 32).decode()


def a_dead_letter(**changes: Any) -> DeadLetter:
    dead_letter = DeadLetter(
        id="d-1", crew="research", reason="no execution_id", body=b'{"x": 1}', received_at=NOW
    )
    return replace(dead_letter, **changes)
