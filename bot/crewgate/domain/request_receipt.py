"""What a flow's request means, given the latest round of its method and the one it asked before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from crewgate.domain.effects import EffectKind
from crewgate.domain.people import ReviewerRef
from crewgate.domain.question import ASSIGNED_LIMIT, CALLED_EVERY, FlowRequest, Reading, reading_of
from crewgate.domain.receipt import Receipt
from crewgate.domain.review import Review, Round, State, Transition
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Answer


def receive_request(
    known: Round | None,
    latest: Round | None,
    request: FlowRequest,
    *,
    review: Review,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule | None = None,
    beside: tuple[ReviewerRef, ...] | None = None,
) -> Receipt:
    """Decide what a request means; `known` is the round of the same request, if it came before.

    Each request is a round of its own, whatever its output. One that came before is a duplicate: if
    it is an escalation, whom it names is assigned too and called while it waits, once in
    CALLED_EVERY unless it names somebody new. A new one says that the flow has gone on, by
    whoever's answer, so the round before ends.

    `rule` is a new round's. Of a known one, those decide too whom the request names, `beside` the
    operators where these did until now; None: they do not.
    """
    if known is not None:
        if not request.escalation or known.state is not State.WAITING:
            return Receipt(known, opened=False, ended=None, effects=())
        return _escalate(known, request, at, beside)
    ended = _end(latest, at) if latest is not None else None
    digest = request.output.digest
    opened = Round(
        id=new_id(),
        review=review,
        number=latest.number + 1 if latest else 1,
        digest=digest,
        opened_at=at,
        unchanged=latest is not None and latest.digest == digest and _asked_for_changes(latest),
        question=replace(request.question, called_at=at if request.escalation else None),
        rule=rule,
    )
    return Receipt(
        opened,
        opened=True,
        ended=ended.round if ended else None,
        effects=(*(ended.effects if ended else ()), opened.effect(EffectKind.POST)),
    )


def _escalate(
    known: Round, request: FlowRequest, at: datetime, beside: tuple[ReviewerRef, ...] | None
) -> Receipt:
    """Assign also whom an escalation names: first, for they are waited for. And call them."""
    question = known.question
    assert question is not None  # noqa: S101  # it was opened by a request
    assigned = tuple(dict.fromkeys((*request.question.assigned, *question.assigned)))
    assigned = assigned[:ASSIGNED_LIMIT]
    rule = known.rule
    kinds = [EffectKind.CALL_ASSIGNED]
    if set(assigned) == set(question.assigned):
        if question.called_at is not None and abs(at - question.called_at) < CALLED_EVERY:
            return Receipt(known, opened=False, ended=None, effects=())
        assigned = question.assigned
    else:
        kinds.insert(0, EffectKind.REFRESH)
        if beside is not None:
            rule = rule or Rule(name="")
            before = len(question.assigned)
            others = beside if rule.reviewers is None else rule.reviewers[before:]
            rule = replace(rule, reviewers=(*assigned, *others))
    question = replace(question, assigned=assigned, called_at=at)
    current = replace(known, question=question, rule=rule)
    return Receipt(current, opened=False, ended=None, effects=tuple(map(current.effect, kinds)))


def _end(latest: Round, at: datetime) -> Transition | None:
    unfinished = latest.reopen().round if latest.can_reopen else latest
    match unfinished.state:
        case State.WAITING:
            return unfinished.supersede(at)
        case State.DECIDED | State.STUCK:
            return unfinished.supersede_decided(at)
        case _:
            return None


def _asked_for_changes(round_: Round) -> bool:
    match round_.decision and round_.decision.verdict:
        case Answer(text, is_label=True):
            return reading_of(text) is Reading.REVISION
        case _:
            return False
