"""Answers to flows: verdicts on a question, and the reasons why a flow takes no answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from crewgate.domain import verdict
from crewgate.domain.acts import ToolCall
from crewgate.domain.errors import AlreadyVoted, VerdictMisplaced, VotedOtherwise
from crewgate.domain.notification import Question
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.reason import AnsweredElsewhere, PerhapsTaken, RequestGone, TimeOver
from crewgate.domain.rules.rule import Rule, TimeOut, TimeoutAction
from crewgate.domain.subjects import Subject, Work

RequestEnded = AnsweredElsewhere | PerhapsTaken | RequestGone | TimeOver


def interpret(given: verdict.Verdict, subject: Subject) -> verdict.Verdict:
    """Return a verdict as this subject takes it: words become an answer, a label or a refusal.

    Raises VerdictMisplaced for Approve on a question and for a flow's label on anything else.
    """
    match subject:
        case Question():
            return _answer_to(subject, given)
        case Work() | ToolCall() if isinstance(given, verdict.Answer):
            raise VerdictMisplaced
        case ToolCall() if isinstance(given, verdict.Revise):
            return verdict.Refuse(given.feedback)
        case Work() | ToolCall():
            return given
        case _:
            assert_never(subject)


def _answer_to(question: Question, given: verdict.Verdict) -> verdict.Answer:
    match given:
        case verdict.Revise(feedback):
            label = _label_of(feedback, question.outcomes)
            if label is not None:
                return verdict.Answer(label, is_label=True)
            return verdict.Answer(feedback, to_crew=question.is_of_crew)
        case verdict.Answer(text, is_label=True) if text in question.outcomes:
            return given
        case _:
            raise VerdictMisplaced


def decided_on(subject: Subject, decision: verdict.Decision) -> verdict.Decision:
    """Return a decision as its subject takes it: on a call, words refuse, and EDIT is CHANGE."""
    if not subject.is_act:
        return decision
    via = verdict.Via.CHANGE if decision.via is verdict.Via.EDIT else decision.via
    return replace(decision, verdict=interpret(decision.verdict, subject), via=via)


def needs_approvals(given: verdict.Verdict, rule: Rule) -> bool:
    """Return True if a verdict needs as many people as an approval does.

    Nobody knows a label's effect, so it needs as many unless it rejects or asks for changes. A
    flow may turn words into any label, so words need as many too if the rule asks for several
    approvals, or excludes the starter.
    """
    match given:
        case verdict.Answer(text, is_label=True):
            return verdict.reading_of(text) not in (
                verdict.Reading.REJECTION,
                verdict.Reading.REVISION,
            )
        case verdict.Answer():
            return rule.approvals > 1 or not rule.self_approval
        case _:
            return isinstance(given, verdict.Approve)


def require_compatible(vote: verdict.Vote, before: verdict.Vote) -> None:
    if before.voices & vote.voices:
        raise AlreadyVoted(before)
    if verdict.choice_of(before) != verdict.choice_of(vote):
        raise VotedOtherwise(before)


def _label_of(words: str, outcomes: Sequence[str]) -> str | None:
    if words in outcomes:
        return words
    same = [one for one in outcomes if one.casefold().split() == words.casefold().split()]
    return same[0] if len(same) == 1 else None


def verdict_of_time(
    timeout: TimeOut, subject: Subject, *, sent_back: int
) -> verdict.Verdict | None:
    """Return the verdict of a rule when nobody decided; None if the round goes on waiting.

    A rule sends at most `timeout.most` rounds back in a row: perhaps nobody is there. A question
    gets the first label that reads as an approval, or goes on waiting.
    """
    match timeout.then:
        case TimeoutAction.REVISE if sent_back >= timeout.most:
            return None
        case TimeoutAction.REVISE:
            return interpret(verdict.Revise(timeout.feedback), subject)
        case TimeoutAction.LEAVE:
            return None
        case TimeoutAction.APPROVE:
            return _approval_of(subject)
        case _:
            assert_never(timeout.then)


def _approval_of(subject: Subject) -> verdict.Verdict | None:
    match subject:
        case Question():
            label = subject.approval
            return None if label is None else verdict.Answer(label, is_label=True)
        case Work() | ToolCall():
            return verdict.Approve()
        case _:
            assert_never(subject)


def rule_for(question: Question, rule: Rule, *, reviewers: bool) -> Rule:
    """Return the rule for a question; assignees become reviewers if nothing else names reviewers.

    `reviewers`: True if the settings name reviewers. A question of `Flow.ask()` takes one answer:
    no two people write equal words.
    """
    if question.ask is not None:
        rule = replace(rule, approvals=1, approvals_from=())
    if not question.assigned or reviewers or rule.reviewers is not None:
        return rule
    return replace(rule, reviewers=question.assigned)


def is_open_to_assigned(
    subject: Subject, rule: Rule, rules: Sequence[Rule], *, reviewers: bool
) -> bool:
    """Return True if the request's assignees decide, because the settings name no reviewers.

    `rules` are the crew's present rules, one of which may name the round's reviewers.
    """
    if reviewers:
        return False
    if rule.reviewers is None:
        return True
    by_settings = any(one.name == rule.name and one.reviewers is not None for one in rules)
    assigned = subject.assignees
    by_request = bool(assigned) and rule.reviewers[: len(assigned)] == assigned
    return by_request and not by_settings


def why_request_ended(refused: Refused, subject: Subject, *, in_doubt: bool) -> RequestEnded | None:
    """Return the reason why a flow no longer takes an answer; None if the flow still may.

    `in_doubt`: an earlier try may have been taken, so an existing answer or a used token may come
    from that try.
    """
    match refused.kind:
        case RefusalKind.REQUEST_OVER if subject.waits_until is not None:
            return TimeOver()
        case RefusalKind.REQUEST_GONE | RefusalKind.REQUEST_OVER:
            return RequestGone(refused.code, refused.words)
        case RefusalKind.ANSWERED if not subject.is_of_flow:
            return AnsweredElsewhere(refused.words)
        case RefusalKind.ANSWERED | RefusalKind.SPENT if in_doubt:
            return PerhapsTaken(refused.words)
        case RefusalKind.ANSWERED:
            return AnsweredElsewhere(refused.words)
        case _:
            return None
