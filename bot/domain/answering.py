"""Answers to flows: what a verdict is on a question, and why a flow takes no answer any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.errors import VerdictMisplaced
from bot.domain.outcome import RefusalKind, Refused
from bot.domain.question import Question, Reading, approval_of, reading_of
from bot.domain.reason import AnsweredElsewhere, PerhapsTaken, RequestGone
from bot.domain.rules.rule import Rule, TimeOut
from bot.domain.verdict import Answer, Approve, Decision, Revise, Verdict, decision_of_time

RequestEnded = AnsweredElsewhere | PerhapsTaken | RequestGone
"""Why there is nothing left to answer."""


def meant(verdict: Verdict, question: Question | None) -> Verdict:
    """What a verdict is on a round with this question: words are an answer.

    Raises VerdictMisplaced where the round cannot take it: Approve on a question, one of a flow's
    outcomes on anything else.
    """
    match verdict, question:
        case Revise(feedback), Question(outcomes=outcomes):
            return Answer(feedback, is_label=feedback in outcomes)
        case Answer(text, is_label=True), Question(outcomes=outcomes) if text in outcomes:
            return verdict
        case (_, Question()) | (Answer(), None):
            raise VerdictMisplaced
        case _:
            return verdict


def approves(verdict: Verdict) -> bool:
    """Whether it is an approval: of a task, or an outcome of a flow that reads as one."""
    match verdict:
        case Answer(text, is_label=True):
            return reading_of(text) is Reading.APPROVAL
        case _:
            return isinstance(verdict, Approve)


def decision_of_rule(
    name: str, timeout: TimeOut, question: Question | None, at: datetime
) -> Decision | None:
    """What a rule decides when nobody did; None: it leaves it.

    On a question it answers with its words, or with the first outcome that reads as an approval;
    where none does, it leaves it.
    """
    decision = decision_of_time(name, timeout, at)
    if decision is None or question is None:
        return decision
    if isinstance(decision.verdict, Approve):
        label = approval_of(question)
        return None if label is None else replace(decision, verdict=Answer(label, is_label=True))
    return replace(decision, verdict=meant(decision.verdict, question))


def rule_for(question: Question, rule: Rule | None, *, reviewers: bool) -> Rule | None:
    """The rule that a question's round is under: whom it assigns decide where nobody is named.

    `reviewers`: the crew's settings name some. A rule without a name stands in no settings.
    """
    if not question.assigned or reviewers or (rule is not None and rule.reviewers is not None):
        return rule
    return replace(rule or Rule(name=""), reviewers=question.assigned)


def is_open_to_assigned(
    question: Question | None, rule: Rule | None, rules: Sequence[Rule], *, reviewers: bool
) -> bool:
    """Whether whom a round's request assigns decide on it: the settings name nobody for it.

    `rules` are the crew's now, by which it is known whose people the round's rule names.
    """
    if reviewers:
        return False
    if rule is None or rule.reviewers is None:
        return True
    by_settings = any(one.name == rule.name and one.reviewers is not None for one in rules)
    return question is not None and rule.reviewers == question.assigned and not by_settings


def why_request_ended(refused: Refused, *, in_doubt: bool) -> RequestEnded | None:
    """Why a flow takes no answer to a request any more; None where it still may.

    `in_doubt`: an earlier try may have been taken. Then an answer that exists may be ours, and a
    token that was used once may have been used by us.
    """
    match refused.kind:
        case RefusalKind.REQUEST_GONE:
            return RequestGone(refused.code, refused.words)
        case RefusalKind.ANSWERED | RefusalKind.SPENT if in_doubt:
            return PerhapsTaken(refused.words)
        case RefusalKind.ANSWERED:
            return AnsweredElsewhere(refused.words)
        case _:
            return None
