"""Flows' requests are stored, known by their ids, and answered once, on both databases."""

from dataclasses import replace
from datetime import datetime

import pytest

from crewgate.domain.notification import Ask, Callback, Question, WebhookUrls
from crewgate.domain.people import Email
from crewgate.domain.reason import (
    AnsweredElsewhere,
    ExecutionGone,
    PerhapsTaken,
    Reason,
    RequestGone,
    TakenAs,
    TimeOver,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Answer
from crewgate.store.unit_of_work import UnitOfWork
from tests.builders import LATER, NOW, a_decision, a_review, a_round, an_output

QUESTION = Question(
    request_id="8412",
    message="Publish «это» 🎉?",
    outcomes=(" yes ", "no", "нет"),
    left_off=3,
    assigned=(Email("a@example.com"),),
)
EXPIRING = Question(request_id="x", ask=Ask(place="talk 1", expires_at=LATER))
LABEL = a_decision(Answer(" yes ", is_label=True))
CALLBACK = Callback("https://app.crewai.com/requests/8412/respond?token=one-use", "one-use")


async def keep(uow: UnitOfWork, round_: Round, callback: Callback = CALLBACK) -> Round:
    """Store a round the way a flow's request does."""
    async with uow.begin() as tx:
        review = round_.review
        await tx.executions.open(review.crew, review.execution_id, at=round_.opened_at, activity=1)
        await tx.open_review(review)
        await tx.open_round(round_, an_output(), WebhookUrls())
        await tx.keep_callback(round_, callback)
    return round_


async def save(uow: UnitOfWork, round_: Round) -> None:
    async with uow.begin() as tx:
        await tx.round(round_.id)
        await tx.save(round_)


@pytest.mark.parametrize(
    "round_",
    [
        a_round(subject=QUESTION),
        a_round(subject=Question(request_id="x")),
        a_round(subject=Question(request_id="x", host_refused=True)),
        a_round(subject=Question(request_id="x", ask=Ask(place="talk 1"))),
        a_round(State.CLOSED, subject=EXPIRING, reason=TimeOver()),
        a_round(subject=QUESTION, rule=Rule(name="", reviewers=QUESTION.assigned)),
        a_round(State.DECIDED, subject=QUESTION, decision=LABEL),
        a_round(State.DECIDED, subject=QUESTION, decision=a_decision(Answer(" no\n"))),
        *(
            a_round(State.RESUMED, subject=QUESTION, decision=LABEL, reason=reason)
            for reason in (TakenAs(""), TakenAs(" yes ", "accepted"))
        ),
        *(
            a_round(State.CLOSED, subject=QUESTION, decision=LABEL, reason=reason)
            for reason in (
                AnsweredElsewhere(),
                AnsweredElsewhere("via dashboard"),
                PerhapsTaken(),
                PerhapsTaken("already responded"),
                RequestGone("410", "gone"),
            )
        ),
    ],
)
async def test_a_question_comes_back_as_it_was(uow: UnitOfWork, round_: Round) -> None:
    await keep(uow, round_)
    assert await uow.read.round("r-1") == round_
    await save(uow, round_)
    assert await uow.read.round("r-1") == replace(round_, version=2)


async def test_whom_it_is_assigned_to_later_is_saved(uow: UnitOfWork) -> None:
    asked = await keep(uow, a_round(subject=QUESTION))
    assigned = (Email("b@example.com"), *QUESTION.assigned)
    changed = replace(
        asked,
        subject=replace(QUESTION, assigned=assigned),
        rule=Rule(name="", reviewers=assigned),
    )
    await save(uow, changed)
    assert await uow.read.round("r-1") == replace(changed, version=2)


async def test_a_request_is_known_by_its_id_to_the_letter(uow: UnitOfWork) -> None:
    asked = await keep(uow, a_round(subject=replace(QUESTION, request_id="Req-1")))
    async with uow.begin() as tx:
        assert await tx.round_of_request("research", "e-1", "Req-1") == asked
        for crew, execution, request in (
            ("research", "e-1", "req-1"),
            ("research", "e-1", "Req-1 "),
            ("research", "E-1", "Req-1"),
            ("other", "e-1", "Req-1"),
        ):
            assert await tx.round_of_request(crew, execution, request) is None


@pytest.mark.parametrize(
    ("state", "reason", "ended_at", "kept"),
    [
        (State.WAITING, None, None, True),
        (State.DECIDED, None, None, True),
        (State.STUCK, None, None, True),
        (State.CLOSED, ExecutionGone(), LATER, True),
        (State.RESUMED, TakenAs("yes"), LATER, False),
        (State.SUPERSEDED, None, LATER, False),
        (State.CLOSED, PerhapsTaken(), LATER, False),
        (State.CLOSED, AnsweredElsewhere(), LATER, False),
    ],
)
async def test_where_it_is_answered_is_wiped_once_nothing_is_left_to_answer(
    uow: UnitOfWork, state: State, reason: Reason | None, ended_at: datetime | None, kept: bool
) -> None:
    asked = await keep(uow, a_round(subject=QUESTION))
    other = a_round(
        id="r-2",
        review=a_review(id="v-2", task_id="publish"),
        subject=replace(QUESTION, request_id="2"),
    )
    await keep(uow, other, Callback("https://app.crewai.com/requests/2?token=another"))
    decision = LABEL if state in (State.DECIDED, State.RESUMED, State.STUCK) else None
    await save(
        uow, replace(asked, state=state, reason=reason, ended_at=ended_at, decision=decision)
    )
    assert await uow.read.callback("r-1") == (CALLBACK if kept else None)
    assert await uow.read.callback("r-2") is not None
    async with uow.begin() as tx:
        await tx.executions.open("research", "e-1", at=NOW)
        assert await tx.round_of_request("research", "e-1", "8412") is not None
    addresses = await uow.read.executions.addresses_of("research", "e-1")
    assert (CALLBACK.url in addresses) is kept
    assert "https://app.crewai.com/requests/2?token=another" in addresses


async def test_a_round_that_no_flow_asked_has_no_answers_address(uow: UnitOfWork) -> None:
    assert await uow.read.callback("r-1") is None
