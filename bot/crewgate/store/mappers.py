"""Rows to domain objects and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any, Final, assert_never, get_type_hints

import sqlalchemy as sa

from crewgate.domain.effects import IN_ORDER, Effect, EffectKind
from crewgate.domain.execution import Execution, id_beginning
from crewgate.domain.given import CallerValues
from crewgate.domain.notification import Format, HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.review import Review, Round
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
from crewgate.store.codec import dumper, loader
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


class _Columns:
    """The fields of a dataclass that have a column of their name: a new one needs nothing here.

    A column that is null leaves a field at its default.
    """

    def __init__(self, kind: type, table: sa.Table, *, apart: Collection[str]) -> None:
        """`apart` has the names of columns that do not hold the field as it is."""
        hints = get_type_hints(kind)
        own = [column for column in table.c if column.name in hints and column.name not in apart]
        self._names = [column.name for column in own]
        self._get = attrgetter(*self._names)
        self._converted = [
            (column.name, dumper(hints[column.name]), loader(hints[column.name]))
            for column in own
            if _is_json(column) or _is_enum(hints[column.name])
        ]
        self._nullable = [column.name for column in own if _is_json(column) and column.nullable]

    def read(self, row: sa.Row[Any]) -> dict[str, Any]:
        """Return the fields that a row has."""
        values = zip(self._names, self._get(row), strict=True)
        found = {name: value for name, value in values if value is not None}
        for name, _, load in self._converted:
            if name in found:
                found[name] = load(found[name])
        return found

    def write(self, value: Any) -> dict[str, Any]:
        """Return the columns; of JSON what is empty is null, where that may be."""
        columns = dict(zip(self._names, self._get(value), strict=True))
        for name, dump, _ in self._converted:
            columns[name] = dump(columns[name])
        for name in self._nullable:
            columns[name] = columns[name] or None
        return columns


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


_ROUND: Final = _Columns(Round, rounds, apart={"reason"})
_EXECUTION: Final = _Columns(Execution, executions, apart={"starter", "result", "activity_count"})
_REVIEW_LABELS: Final = tuple((column.name, f"review_{column.name}") for column in reviews.c)
_load_came: Final = loader(CallerValues)


def to_review(row: sa.Row[Any]) -> Review:
    """A row of `reviews`."""
    return Review(**{column.name: getattr(row, column.name) for column in reviews.c})


def to_round(row: sa.Row[Any]) -> Round:
    """A row of ROUND."""
    rule = None if row.rule is None else to_rule(row.rule)
    found = _ROUND.read(row)
    return Round(
        review=Review(**{name: getattr(row, label) for name, label in _REVIEW_LABELS}),
        rule=rule,
        decision=_to_decision(row, rule, found.get("votes", ())),
        reason=to_reason(row),
        **found,
    )


def to_line(row: sa.Row[Any]) -> RoundLine:
    """A row of LINE."""
    return RoundLine(to_round(row), to_card(row), subject=to_subject(row), rule_id=row.rule_id)


def to_subject(row: sa.Row[Any]) -> str:
    """What the execution is about, from a row of LINE."""
    return row.subject or id_beginning(row.review_execution_id)


def to_came(stored: Any) -> CallerValues:
    """The columns `inputs` and `meta` of `executions`; None is none."""
    came: CallerValues = _load_came(stored or ())
    return came


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
        starter=to_starter(row),
        activity_count=row.activity_count,
        result=None if row.result is None else Output(row.result, Format(row.result_format)),
        **_EXECUTION.read(row),
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
        tries=row.tries + 1 if row.lease_until is None else max(row.tries, 1),
        created_at=row.created_at,
        lease_until=lease_until,
        began_at=row.began_at,
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
    """A row of `rounds`, save for the card's place."""
    return {
        **_ROUND.write(round_),
        "review_id": round_.review.id,
        "crew": round_.review.crew,
        "rule_id": rule_id_of(round_),
        **from_reason(round_.reason),
        **_from_decision(round_.decision),
    }


def from_execution(execution: Execution) -> dict[str, Any]:
    """A row of `executions`, save for its activity and its place in Slack."""
    starter, result = execution.starter, execution.result
    return {
        **_EXECUTION.write(execution),
        "starter": starter and starter.id,
        "starter_name": starter and starter.name,
        "result": result and result.text,
        "result_format": result and result.format.value,
        "subject": execution.subject,
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


def _from_decision(decision: Decision | None) -> dict[str, Any]:
    """The columns that `_to_decision` reads; all null without one."""
    is_approve: bool | None = None
    is_label: bool | None = None
    text: str | None = None
    user: str | None = None
    name: str | None = None
    match None if decision is None else decision.verdict:
        case Approve(text):
            is_approve = True
        case Revise(text):
            is_approve = False
        case Answer(text, is_label):
            pass  # it is neither
        case None:
            pass
        case never:
            assert_never(never)
    match None if decision is None else decision.by:
        case Person(user, name):
            pass
        case None:
            pass
        case TimedOut(name):
            user = ""  # no id of Slack's is empty, so this is nobody's
        case nobody:
            assert_never(nobody)
    deputy = decision and decision.on_behalf_of
    return {
        "is_approve": is_approve,
        "is_label": is_label,
        "feedback": text,
        "decided_by": user,
        "decided_by_name": name,
        "decided_at": decision and decision.at,
        "decided_via": decision and decision.via.value,
        "unsent_notes": decision and decision.unsent_notes,
        "on_behalf_of": deputy and deputy.id,
        "on_behalf_of_name": deputy and deputy.name,
    }


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
