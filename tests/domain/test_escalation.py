"""Escalations of a flow's request: the people they assign, and how often they call them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import ASSIGNED_LIMIT, Question
from crewgate.domain.people import Email, User
from crewgate.domain.receipt import Receipt, receive_request
from crewgate.domain.review import Round
from crewgate.domain.rules.rule import Rule
from tests.builders import LATER, Numbered, a_flow_request, a_review, a_round

QUESTION = Question(request_id="8412", outcomes=("approved", "rejected", "needs_revision"))


def escalate(waiting: Round, *named: str, open_to_assigned: bool = True) -> Receipt:
    request = a_flow_request(escalation=True, assigned=tuple(map(Email, named)))
    return receive_request(
        waiting,
        None,
        request,
        review=a_review(),
        at=LATER,
        new_id=Numbered(),
        operators=() if open_to_assigned else None,
    )


def test_whom_an_escalation_names_is_assigned_too_and_first() -> None:
    waiting = a_round(subject=replace(QUESTION, assigned=(Email("a@example.com"),)))
    receipt = escalate(waiting, "b@example.com", "a@example.com")
    assert isinstance(receipt.current.subject, Question)
    assert receipt.current.subject.assigned == (Email("b@example.com"), Email("a@example.com"))
    assert receipt.current.rule == Rule(name="", reviewers=receipt.current.subject.assigned)
    assert [effect.kind for effect in receipt.effects] == [
        EffectKind.REFRESH,
        EffectKind.CALL_ASSIGNED,
    ]
    assert not receipt.opened
    again = escalate(receipt.current, "b@example.com")
    assert (again.current, again.effects) == (receipt.current, ())


@pytest.mark.parametrize(
    ("ago", "named", "called"),
    [
        (timedelta(minutes=59), "a@example.com", False),
        (timedelta(minutes=59), "new@example.com", True),
        (timedelta(hours=1), "a@example.com", True),
        (-timedelta(hours=6), "a@example.com", True),  # the clock was set back
    ],
)
def test_an_escalation_calls_the_same_people_once_an_hour(
    ago: timedelta, named: str, *, called: bool
) -> None:
    question = replace(QUESTION, assigned=(Email("a@example.com"),), called_at=LATER - ago)
    receipt = escalate(a_round(subject=question), named)
    assert (EffectKind.CALL_ASSIGNED in [each.kind for each in receipt.effects]) is called
    assert isinstance(receipt.current.subject, Question)
    assert receipt.current.subject.called_at == (LATER if called else LATER - ago)


def test_a_request_that_opens_as_an_escalation_has_called() -> None:
    request = a_flow_request(escalation=True)
    opened = receive_request(
        None, None, request, review=a_review(), at=LATER, new_id=Numbered()
    ).current
    assert isinstance(opened.subject, Question)
    assert opened.subject.called_at == LATER
    assert escalate(opened, *map(str, opened.subject.assigned)).effects == ()


def test_whom_an_escalation_names_decides_only_where_the_settings_name_nobody() -> None:
    theirs = Rule(name="two eyes", reviewers=(User("U0ANA"),))
    waiting = a_round(subject=QUESTION, rule=theirs)
    named = escalate(waiting, "b@example.com", open_to_assigned=False).current
    assert isinstance(named.subject, Question)
    assert named.subject.assigned == (Email("b@example.com"),)
    assert named.rule == theirs


def test_of_many_escalations_so_many_people_are_kept() -> None:
    waiting = a_round(subject=QUESTION)
    for number in range(ASSIGNED_LIMIT + 1):
        waiting = escalate(waiting, f"p{number}@example.com").current
    assert isinstance(waiting.subject, Question)
    assert len(waiting.subject.assigned) == ASSIGNED_LIMIT
