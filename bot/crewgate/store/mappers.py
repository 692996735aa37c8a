"""Rows to domain objects and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.effects import IN_ORDER, Effect, EffectKind
from crewgate.domain.execution import Execution, ExecutionState, id_beginning
from crewgate.domain.given import Came, Hidden
from crewgate.domain.notification import Format, HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.people import Email
from crewgate.domain.question import Question
from crewgate.domain.review import Review, Round, State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import (
    Answer,
    Approve,
    Decider,
    Decision,
    Person,
    Revise,
    TimedOut,
    Verdict,
    Via,
    Vote,
)
from crewgate.store.reasons import from_reason, to_reason
from crewgate.store.rules import rule_id_of, to_rule
from crewgate.store.tables import executions, reviews, rounds, rules
from crewgate.usecases.ports.outbox import Job
from crewgate.usecases.read_models import MessageRef, RoundLine

ROUND_COLUMNS = (
    *(column.label(f"review_{column.name}") for column in reviews.c),
    *(column for column in rounds.c if column.name not in ("review_id", "crew")),
    rules.c.rule,
)

_with_rule = (rules, rules.c.id == rounds.c.rule_id)
ROUND: Final[sa.Select[Any]] = (
    sa.select(*ROUND_COLUMNS).join_from(rounds, reviews).outerjoin(*_with_rule)
)
"""A round with its review: the shape `to_round` reads."""

LINE: Final[sa.Select[Any]] = (
    sa.select(
        *ROUND_COLUMNS,
        executions.c.channel,
        executions.c.thread_ts,
        executions.c.subject,
    )
    .join_from(rounds, reviews)
    .join(
        executions,
        (executions.c.crew == reviews.c.crew)
        & (executions.c.execution_id == reviews.c.execution_id),
    )
    .outerjoin(*_with_rule)
)
"""A round with its review and its thread: the shape `to_line` reads."""


def to_review(row: sa.Row[Any]) -> Review:
    """A row of `reviews`."""
    return Review(**{column.name: getattr(row, column.name) for column in reviews.c})


def to_round(row: sa.Row[Any]) -> Round:
    """A row of ROUND."""
    rule = None if row.rule is None else to_rule(row.rule)
    votes = tuple(map(_to_vote, row.votes or ()))
    return Round(
        id=row.id,
        review=Review(
            **{column.name: getattr(row, f"review_{column.name}") for column in reviews.c}
        ),
        number=row.number,
        digest=row.digest,
        opened_at=row.opened_at,
        unchanged=row.unchanged,
        state=State(row.state),
        version=row.version,
        rule=rule,
        votes=votes,
        escalated_at=row.escalated_at,
        reminders=row.reminders or 0,
        question=_to_question(row.question),
        decision=_to_decision(row, rule, votes),
        in_doubt_since=row.in_doubt_since,
        activity_before=row.activity_before,
        retries=row.retries or 0,
        reason=to_reason(row.reason, row.reason_code, row.reason_words),
        ended_at=row.ended_at,
    )


def to_line(row: sa.Row[Any]) -> RoundLine:
    """A row of LINE."""
    return RoundLine(to_round(row), to_card(row), subject=to_subject(row), rule_id=row.rule_id)


def to_subject(row: sa.Row[Any]) -> str:
    """What the execution is about, from a row of LINE."""
    return row.subject or id_beginning(row.review_execution_id)


def to_came(stored: Any) -> Came:
    """Pairs, as they are kept: what is hidden is in a list of its own. None is none."""
    return tuple(
        (name, Hidden(*value) if isinstance(value, list) else value) for name, value in stored or ()
    )


def _from_came(came: Came) -> list[list[Any]]:
    return [[name, _from_hidden(one) if isinstance(one, Hidden) else one] for name, one in came]


def _from_hidden(value: Hidden) -> list[str]:
    return [] if value.text is None else [value.text]


def to_starter(row: sa.Row[Any]) -> Person | None:
    """Who started it, from a row of `executions`."""
    return Person(row.starter, row.starter_name) if row.starter else None


def to_card(row: sa.Row[Any]) -> MessageRef | None:
    """Where the round's card is, from a row of LINE."""
    if row.card_ts is None:
        return None
    in_thread = row.thread_ts if row.card_channel == row.channel else None
    thread_ts = row.card_thread_ts or in_thread or row.card_ts
    return MessageRef(row.card_channel, row.card_ts, thread_ts)


def to_execution(row: sa.Row[Any]) -> Execution:
    """A row of `executions`."""
    return Execution(
        crew=row.crew,
        execution_id=row.execution_id,
        tracked=row.tracked,
        state=ExecutionState(row.state),
        began_at=row.began_at,
        ended_at=row.ended_at,
        starter=to_starter(row),
        inputs=to_came(row.inputs),
        meta=to_came(row.meta),
        completed_tasks=row.completed_tasks,
        total_tasks=row.total_tasks,
        current_task=row.current_task,
        step=row.step,
        tokens=row.tokens,
        result=None if row.result is None else Output(row.result, Format(row.result_format)),
        error=row.error,
        asked_at=row.asked_at,
        not_found_since=row.not_found_since,
        not_found_count=row.not_found_count or 0,
        stuck_in_doubt=bool(row.stuck_in_doubt),
        is_flow=bool(row.is_flow),
        ended_by_event=bool(row.ended_by_event),
    )


def to_webhooks(row: sa.Row[Any]) -> WebhookUrls:
    """A row of `webhooks`."""
    return WebhookUrls(
        task=row.task_url,
        step=row.step_url,
        crew=row.crew_url,
        human_input=HumanInputWebhook(**row.human_input) if row.human_input else None,
    )


def to_job(row: sa.Row[Any], *, lease_until: datetime) -> Job:
    """A row of `outbox` as it was just before it was leased."""
    return Job(
        id=row.id,
        effect=_to_effect(row),
        tries=row.tries + 1,
        in_doubt=row.began_at is not None,
        created_at=row.created_at,
        lease_until=lease_until,
        failing_since=row.failing_since,
    )


def _to_effect(row: sa.Row[Any]) -> Effect:
    found = Effect(EffectKind(row.kind), "", row.crew, row.execution_id).named(row.subject)
    channel = row.ordering_key.removeprefix(found.ordering_key).strip()
    return replace(found, channel=channel or None) if found.kind in IN_ORDER else found


def from_review(review: Review) -> dict[str, Any]:
    """A row of `reviews`."""
    return {column.name: getattr(review, column.name) for column in reviews.c}


def from_round(round_: Round) -> dict[str, Any]:
    """What can change in a row of `rounds`."""
    decision = round_.decision
    return {
        "state": round_.state.value,
        "in_doubt_since": round_.in_doubt_since,
        "activity_before": round_.activity_before,
        "retries": round_.retries,
        "rule_id": rule_id_of(round_),
        "votes": [*map(_from_vote, round_.votes)] or None,
        "escalated_at": round_.escalated_at,
        "reminders": round_.reminders,
        **from_reason(round_.reason),
        "ended_at": round_.ended_at,
        "is_approve": _is_approve(decision),
        "feedback": decision and _feedback(decision),
        **_from_decider(decision),
        "decided_at": decision and decision.at,
        "decided_via": decision and decision.via.value,
        "unsent_notes": decision and decision.unsent_notes,
        "is_label": _is_label(decision),
    }


def from_execution(execution: Execution) -> dict[str, Any]:
    """What can change in a row of `executions`, save for its activity and its place in Slack."""
    starter, result = execution.starter, execution.result
    return {
        "tracked": execution.tracked,
        "state": execution.state.value,
        "ended_at": execution.ended_at,
        "starter": starter and starter.id,
        "starter_name": starter and starter.name,
        "inputs": _from_came(execution.inputs),
        "completed_tasks": execution.completed_tasks,
        "total_tasks": execution.total_tasks,
        "current_task": execution.current_task,
        "step": execution.step,
        "tokens": execution.tokens,
        "result": result and result.text,
        "result_format": result and result.format.value,
        "error": execution.error,
        "asked_at": execution.asked_at,
        "not_found_since": execution.not_found_since,
        "not_found_count": execution.not_found_count,
        "stuck_in_doubt": execution.stuck_in_doubt,
        "is_flow": execution.is_flow,
        "ended_by_event": execution.ended_by_event,
        "subject": execution.subject,
        "meta": _from_came(execution.meta) or None,
    }


def from_webhooks(urls: WebhookUrls) -> dict[str, Any]:
    """The URL columns of `webhooks`."""
    hook = urls.human_input
    return {
        "task_url": urls.task,
        "step_url": urls.step,
        "crew_url": urls.crew,
        "human_input": hook
        and {
            "url": hook.url,
            "strategy": hook.strategy,
            "token": hook.token,
            "username": hook.username,
            "password": hook.password,
        },
    }


def from_effect(effect: Effect) -> dict[str, Any]:
    """What an effect itself brings to a row of `outbox`."""
    return {
        "destination": effect.destination,
        "priority": effect.priority,
        "ordering_key": effect.ordering_key,
        "kind": effect.kind.value,
        "subject": effect.names,
        "crew": effect.crew,
        "execution_id": effect.execution_id,
    }


def _from_decider(decision: Decision | None) -> dict[str, str | None]:
    stood_in = decision.on_behalf_of if decision else None
    user, name = None, None
    match decision and decision.by:
        case Person() as by:
            user, name = by.id, by.name
        case TimedOut() as by:
            user, name = "", by.rule  # no id of Slack's is empty, so this is nobody's
    return {
        "decided_by": user,
        "decided_by_name": name,
        "on_behalf_of": stood_in.id if stood_in else None,
        "on_behalf_of_name": stood_in.name if stood_in else None,
    }


def _feedback(decision: Decision) -> str | None:
    match decision.verdict:
        case Approve(comment):
            return comment
        case Revise(feedback) | Answer(feedback):  # pragma: no branch  # there is no fourth
            return feedback


def from_question(question: Question | None) -> dict[str, Any] | None:
    """The column `question` of `rounds`."""
    if question is None:
        return None
    called_at = question.called_at and question.called_at.isoformat()
    assigned = list(map(str, question.assigned))
    stored = asdict(question) | {"assigned": assigned, "called_at": called_at}
    for newer in ("called_at", "host_refused"):  # an earlier version does not know them
        if not stored[newer]:
            del stored[newer]
    return stored


def _to_question(stored: dict[str, Any] | None) -> Question | None:
    if stored is None:
        return None
    called_at = stored.get("called_at")  # earlier versions did not store it
    read = {
        "outcomes": tuple(stored["outcomes"]),
        "assigned": tuple(map(Email, stored["assigned"])),
        "called_at": called_at and datetime.fromisoformat(called_at),
    }
    return Question(**stored | read)


def _is_approve(decision: Decision | None) -> bool | None:
    """Null for an answer to a flow too, which is neither."""
    if decision is None or isinstance(decision.verdict, Answer):
        return None
    return decision.is_approve


def _is_label(decision: Decision | None) -> bool | None:
    verdict = decision and decision.verdict
    return verdict.is_label if isinstance(verdict, Answer) else None


def _to_verdict(row: sa.Row[Any]) -> Verdict:
    if row.is_label is not None:
        return Answer(row.feedback, is_label=row.is_label)
    return Approve(row.feedback) if row.is_approve else Revise(row.feedback)


def _to_decision(row: sa.Row[Any], rule: Rule | None, votes: tuple[Vote, ...]) -> Decision | None:
    if row.decided_by is None:
        return None
    via = Via(row.decided_via)
    by: Decider = Person(row.decided_by, row.decided_by_name)
    if via is Via.RULE and rule is not None and rule.timeout is not None:
        by = TimedOut(row.decided_by_name, rule.timeout.after)
    # Fewer did not decide: one Revise did, an outcome that does not approve, or the rule.
    decided = rule is not None and len(votes) >= rule.approvals
    return Decision(
        verdict=_to_verdict(row),
        by=by,
        at=row.decided_at,
        via=via,
        unsent_notes=row.unsent_notes or 0,
        votes=votes if decided else (),
        on_behalf_of=row.on_behalf_of and Person(row.on_behalf_of, row.on_behalf_of_name),
    )


def _from_vote(vote: Vote) -> dict[str, Any]:
    stood_in = vote.on_behalf_of
    return {
        "by": [vote.by.id, vote.by.name],
        "at": vote.at.isoformat(),
        "via": vote.via.value,
        "comment": vote.comment,
        "on_behalf_of": stood_in and [stood_in.id, stood_in.name],
        "answer": vote.answer,
    }


def _to_vote(stored: Mapping[str, Any]) -> Vote:
    stood_in = stored["on_behalf_of"]
    return Vote(
        Person(*stored["by"]),
        datetime.fromisoformat(stored["at"]),
        Via(stored["via"]),
        stored["comment"],
        stood_in and Person(*stood_in),
        stored.get("answer"),
    )
