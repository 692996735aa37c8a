"""What a flow's request means, given the latest round of its method and the one it asked before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.domain.effects import EffectKind
from bot.domain.question import ASSIGNED_LIMIT, FlowRequest, Reading, reading_of
from bot.domain.receipt import Receipt
from bot.domain.review import Review, Round, State, Transition
from bot.domain.rules.rule import Rule
from bot.domain.verdict import Answer


def receive_request(
    known: Round | None,
    latest: Round | None,
    request: FlowRequest,
    *,
    review: Review,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule | None = None,
    open_to_assigned: bool = False,
) -> Receipt:
    """Decide what a request means; `known` is the round of the same request, if it came before.

    Each request is a round of its own, whatever its output. One that came before is a duplicate: if
    it is an escalation, whom it names is assigned too and called while it waits. A new one says
    that the flow has gone on, by whoever's answer, so the round before ends.

    `rule` is a new round's. `open_to_assigned`: of a known one, whom the request names decides.
    """
    if known is not None:
        if not request.escalation or known.state is not State.WAITING:
            return Receipt(known, opened=False, ended=None, effects=())
        current = _assign(known, request, decide=open_to_assigned)
        refresh = (current.effect(EffectKind.REFRESH),) if current != known else ()
        call = current.effect(EffectKind.CALL_ASSIGNED)
        return Receipt(current, opened=False, ended=None, effects=(*refresh, call))
    ended = _end(latest, at) if latest is not None else None
    digest = request.output.digest
    opened = Round(
        id=new_id(),
        review=review,
        number=latest.number + 1 if latest else 1,
        digest=digest,
        opened_at=at,
        unchanged=latest is not None and latest.digest == digest and _asked_for_changes(latest),
        question=request.question,
        rule=rule,
    )
    return Receipt(
        opened,
        opened=True,
        ended=ended.round if ended else None,
        effects=(*(ended.effects if ended else ()), opened.effect(EffectKind.POST)),
    )


def _assign(known: Round, request: FlowRequest, *, decide: bool) -> Round:
    """The round, assigned also to whom an escalation names: first, for they are waited for."""
    assert known.question is not None  # noqa: S101  # it was opened by a request
    named = (*request.question.assigned, *known.question.assigned)
    assigned = tuple(dict.fromkeys(named))[:ASSIGNED_LIMIT]
    if set(assigned) == set(known.question.assigned):
        return known
    rule = known.rule
    if decide:
        rule = replace(rule or Rule(name=""), reviewers=assigned)
    return replace(known, question=replace(known.question, assigned=assigned), rule=rule)


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
