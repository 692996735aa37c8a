"""Rounds as rows and back: the review, the rule, the decision, the reason and the card's place."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, Final, assert_never, get_args, get_type_hints

import sqlalchemy as sa

from crewgate.domain import recorded, verdict
from crewgate.domain.acts import CallState
from crewgate.domain.answering import decided_on
from crewgate.domain.execution import id_beginning
from crewgate.domain.notification import Format, Output, Rewritten
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import WORDS, Reason
from crewgate.domain.review import Review, Round, State
from crewgate.domain.rules.rule import NO_RULE, Rule
from crewgate.domain.stats import is_on_target, waited_seconds
from crewgate.domain.subjects import WORK, Subject, call_of
from crewgate.store.codec import Codec, Columns, codec
from crewgate.store.engine import Connection, rows
from crewgate.store.statements import one_of
from crewgate.store.tables import executions, outputs, reviews, rounds, rules, task_updates
from crewgate.store.unreadable import each, reads
from crewgate.usecases.read_models import NO_RULE_ID, MessageRef, RoundLine, StoredRule

#: The columns that only the stats and the mentions read.
OF_STATS: Final = frozenset(
    {"characters", "waited_seconds", "made_in_seconds", "is_on_target", "is_act"}
) | {"task_key"}

ROUND_COLUMNS = (
    *(column.label(f"review_{column.name}") for column in reviews.c),
    *(column for column in rounds.c if column.name not in {"review_id", "crew", *OF_STATS}),
    rules.c.rule,
)

_with_rule = (rules, rules.c.id == rounds.c.rule_id)
ROUND: Final[sa.Select[Any]] = (
    sa.select(*ROUND_COLUMNS).join_from(rounds, reviews).outerjoin(*_with_rule)
)
"""A round with its review: the shape `to_round` reads."""

EXECUTION_OF_REVIEW: Final = (executions.c.crew == reviews.c.crew) & (
    executions.c.execution_id == reviews.c.execution_id
)

LINE: Final[sa.Select[Any]] = (
    sa.select(*ROUND_COLUMNS, executions.c.channel, executions.c.thread_ts, executions.c.subject)
    .join_from(rounds, reviews)
    .join(executions, EXECUTION_OF_REVIEW)
    .outerjoin(*_with_rule)
)
"""A round with its review and its thread: the shape `to_line` reads."""

_other = rounds.alias("other")
_LAST: Final = (
    sa.select(sa.func.max(_other.c.number)).where(_other.c.review_id == reviews.c.id)
).scalar_subquery()
LATEST_OUTPUTS: Final = reviews.join(
    rounds, (rounds.c.review_id == reviews.c.id) & (rounds.c.number > _LAST - 50)
).join(outputs, outputs.c.round_id == rounds.c.id)
"""The latest fifty rounds of each review with their outputs."""

WHOLE: Final[sa.Select[Any]] = LINE.add_columns(
    outputs.c.format,
    outputs.c.text,
    outputs.c.rewritten,
    outputs.c.erased,
    executions.c.starter,
    executions.c.starter_name,
    executions.c.inputs,
    executions.c.meta,
    executions.c.also_started,
    executions.c.lessons,
    executions.c.progress_ts,
).join(outputs, outputs.c.round_id == rounds.c.id)
"""LINE with the output, and the values that the execution was started on."""

OF_EXECUTION: Final = (
    reviews.c.crew == sa.bindparam("crew"),
    reviews.c.execution_id == sa.bindparam("execution"),
)
IS_UNFINISHED: Final = one_of(rounds.c.state, (State.WAITING, State.DECIDED, State.STUCK))

THIS_ROUND: Final = sa.update(rounds).where(rounds.c.id == sa.bindparam("b_id"))
PLACE_CARD: Final = THIS_ROUND.values(
    card_channel=sa.bindparam("channel"),
    card_ts=sa.bindparam("ts"),
    card_shows=sa.bindparam("shown"),
    masked=sa.bindparam("masked"),
    no_approver=sa.bindparam("no_approver"),
    card_thread_ts=sa.bindparam("thread_ts"),
    announced_at=sa.bindparam("at", type_=rounds.c.announced_at.type),
)
RECORD_DRAWN: Final = THIS_ROUND.values(
    card_shows=sa.bindparam("shown"), no_approver=sa.bindparam("no_approver")
)
FORGET_THREAD: Final = (
    sa.update(rounds)
    .where(
        rounds.c.card_channel == sa.bindparam("b_channel"),
        rounds.c.card_thread_ts == sa.bindparam("b_thread"),
    )
    .values(card_thread_ts=None)
)

_SINCE: Final = (
    task_updates.c.crew == sa.bindparam("crew"),
    task_updates.c.execution_id == sa.bindparam("execution"),
    task_updates.c.activity > sa.bindparam("activity"),
)
_of_name = sa.bindparam("name", type_=sa.Text)
_newer = rounds.alias("newer")
#: True if this round's task may still run: the crew may still wait for a decision that was
#: dismissed, and works on after a request for changes. Calls are left out: their tasks have reviews
#: of their own.
_MAY_RUN: Final = sa.and_(
    (rounds.c.reason == "dismissed")
    | sa.and_(
        rounds.c.state == State.RESUMED.value,
        rounds.c.is_approve.is_(False),
        rounds.c.is_act.is_(None),
    ),
    ~sa.exists().where(_newer.c.review_id == rounds.c.review_id, _newer.c.number > rounds.c.number),
)
_one, _other = rounds.alias("one"), rounds.alias("other")
_review_of_one = reviews.alias("review_of_one")
#: True if two tasks of this execution waited at once: its tasks run side by side, so another task
#: that has sent nothing yet may be running too. A task waits until its decision is first sent.
_RAN_BESIDE: Final = sa.exists().where(
    _review_of_one.c.crew == sa.bindparam("crew"),
    _review_of_one.c.execution_id == sa.bindparam("execution"),
    _one.c.review_id == _review_of_one.c.id,
    _other.c.review_id == reviews.c.id,
    *OF_EXECUTION,
    _one.c.review_id != _other.c.review_id,
    _one.c.opened_at <= _other.c.opened_at,
    sa.func.coalesce(_one.c.in_doubt_since, _one.c.ended_at, _other.c.opened_at)
    >= _other.c.opened_at,
)
HEARD: Final = sa.select(
    sa.exists()
    .where(
        *_SINCE,
        (task_updates.c.task == sa.bindparam("task"))
        | (task_updates.c.task == _of_name)
        # A name that another task has too is left out: the two cannot be told apart.
        & ~sa.exists().where(
            *OF_EXECUTION, reviews.c.id != sa.bindparam("review"), reviews.c.task_name == _of_name
        ),
    )
    .label("done"),
    sa.select(sa.func.count())
    .where(*_SINCE, task_updates.c.task.is_not(None))
    .scalar_subquery()
    .label("named"),
    sa.or_(
        sa.exists().where(
            rounds.c.review_id == reviews.c.id,
            *OF_EXECUTION,
            reviews.c.id != sa.bindparam("review"),
            IS_UNFINISHED | (rounds.c.activity_before > sa.bindparam("activity")) | _MAY_RUN,
        ),
        _RAN_BESIDE,
    ).label("beside"),
)
"""The news since a round's `activity_before`: `done` if its task is completed, `named`, the number
of completed tasks with a name, and `beside` if another task may be running."""

_decided_at = rounds.c.decided_at
_APPROVED_CALLS: Final = (
    ROUND.where(*OF_EXECUTION, reviews.c.agent == sa.bindparam("agent"))
    .where(rounds.c.is_act, rounds.c.is_approve)
    .where(_decided_at.between(sa.bindparam("since"), sa.bindparam("until")))
    .order_by(_decided_at.desc())
    .limit(20)
)

#: Threads of an execution's rounds in other channels than the execution's, the latest first.
_ELSEWHERE: Final = (
    sa.select(rounds.c.card_channel, rounds.c.card_thread_ts, rules.c.rule)
    .join_from(rounds, reviews)
    .join(rules, rules.c.id == rounds.c.rule_id)
    .where(reviews.c.crew == sa.bindparam("crew"))
    .where(reviews.c.execution_id == sa.bindparam("execution"))
    .where(rounds.c.card_thread_ts.is_not(None))
    .order_by(rounds.c.opened_at.desc())
    .limit(100)
)

#: The number of rules whose JSON is cached: lists read all rules that were ever applied, and flows
#: that assign people have one rule for each set of people. Each rule takes 0.6 kB.
REMEMBERED: Final = 10_000

WHILE_WAITING: Final = "while_waiting"
"""The code of an execution's end that only its status reported, while it waited."""
_REASONS: Final[Mapping[str, Any]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): kind for kind, name in recorded.REASONS.items()
}
_REASON_NAMES: Final = {kind: name for name, kind in _REASONS.items()}


def _load_person(code: str) -> verdict.Person:
    """Read id and name, which the first space separates."""
    user, _, name = code.partition(" ")
    return verdict.Person(user, name)


#: The codecs for the fields of reasons, by the field's type: all fields are stored as text.
_TEXTS: Final[Mapping[Any, Codec]] = {
    str: Codec(str, str),
    bool: Codec(lambda value: WHILE_WAITING if value else "", WHILE_WAITING.__eq__),
    verdict.Person: Codec(lambda person: f"{person.id} {person.name}", _load_person),
    ResumeStatus | None: Codec(
        lambda one: one or "", lambda code: ResumeStatus(code) if code else None
    ),
}

_LOOKED: Final = ("unsent_notes", "shown_little", "masks_unseen", "looked_seconds")
_DECISION: Final = (
    *("is_approve", "is_label", "feedback", "decided_by", "decided_by_name", "decided_at"),
    *("decided_via", "on_behalf_of", "on_behalf_of_name", *_LOOKED),
)
_ROUND: Final = Columns(Round, rounds, apart={"reason"})
_REVIEW: Final = Columns(Review, reviews, apart=())
from_review: Final = _REVIEW.write
_REVIEW_LABELS: Final = tuple((column.name, f"review_{column.name}") for column in reviews.c)


def to_review(row: sa.Row[Any]) -> Review:
    return Review(**_REVIEW.read(row))


@reads("rounds")
def to_round(row: sa.Row[Any]) -> Round:
    rule = NO_RULE if row.rule is None else to_rule(row.rule)
    found = _ROUND.read(row)
    subject = _to_subject(row)
    return Round(
        review=Review(**{name: getattr(row, label) for name, label in _REVIEW_LABELS}),
        rule=rule,
        subject=subject,
        decision=_to_decision(row, rule, subject, found),
        reason=_to_reason(row),
        **found,
    )


_SUBJECTS: Final = {kind.stored_as: codec(kind) for kind in get_args(Subject)}


def _to_subject(row: sa.Row[Any]) -> Subject:
    for column in ("question", "call"):
        if (stored := getattr(row, column)) is not None:
            subject: Subject = _SUBJECTS[stored.get("subject", column)].load(stored)
            return subject
    return WORK


def _from_subject(subject: Subject) -> dict[str, Any]:
    """Return the columns of a subject; one without a column of its own shares `question`."""
    columns: dict[str, Any] = {"question": None, "call": None}
    if subject != WORK:
        word = subject.stored_as
        stored = _SUBJECTS[word].dump(subject)
        columns |= {word: stored} if word in columns else {"question": {**stored, "subject": word}}
    return {**columns, "is_act": subject.is_act or None}


def to_line(row: sa.Row[Any]) -> RoundLine:
    """Return a row of LINE as a line, without the fields that lists add."""
    return RoundLine(
        round=to_round(row), card=to_card(row), topic=to_topic(row), rule_id=row.rule_id
    )


@reads("rules")
def to_stored_rule(row: sa.Row[Any]) -> StoredRule:
    return StoredRule(row.id, row.crew, to_rule(row.rule), row.escalated)


def to_topic(row: sa.Row[Any]) -> str:
    return row.subject or id_beginning(row.review_execution_id)


async def thread_elsewhere(
    connection: Connection, round_: Round
) -> tuple[str, str] | tuple[None, None]:
    """Return channel and ts of the execution's thread in the round's channel, or twice None."""
    about = {"crew": round_.review.crew, "execution": round_.review.execution_id}
    for row in await rows(connection, _ELSEWHERE, about):
        if to_rule(row.rule).channel == round_.rule.channel:
            return row.card_channel, row.card_thread_ts
    return None, None


async def approved_calls(
    connection: Connection, round_: Round, earlier: Sequence[sa.Row[Any]]
) -> tuple[tuple[str, verdict.Decision], ...]:
    """Return the approved calls, by tool, of an output's agent since the round before it."""
    if not any(one.approved for one in round_.tools_used):
        return ()
    since = earlier[0].opened_at if earlier else datetime.min.replace(tzinfo=UTC)
    review = round_.review
    about = {"crew": review.crew, "execution": review.execution_id, "agent": review.agent}
    span = {"since": since, "until": round_.opened_at}
    calls = each(to_round, await rows(connection, _APPROVED_CALLS, {**about, **span}))
    # An approved call counts as used unless its result says that it never ran.
    used = [
        one for one in calls if not one.call_result or one.call_result.state is not CallState.CLOSED
    ]
    return tuple(
        (call.tool, one.decision)
        for one in used
        if (call := call_of(one.subject)) is not None and one.decision
    )


def to_output(row: sa.Row[Any]) -> Output:
    rewritten = codec(Rewritten | None).load(row.rewritten)
    return Output(row.text, Format(row.format), rewritten, row.erased or 0)


def to_card(row: sa.Row[Any]) -> MessageRef | None:
    if row.card_ts is None:
        return None
    in_thread = row.thread_ts if row.card_channel == row.channel else None
    thread_ts = row.card_thread_ts or in_thread or row.card_ts
    return MessageRef(row.card_channel, row.card_ts, thread_ts)


def from_round(round_: Round) -> dict[str, Any]:
    return {
        **_ROUND.write(round_),
        "review_id": round_.review.id,
        "crew": round_.review.crew,
        "rule_id": rule_id_of(round_),
        **from_reason(round_.reason),
        **_from_decision(round_.decision),
        "waited_seconds": waited_seconds(round_),
        "is_on_target": is_on_target(round_),
        **_from_subject(round_.subject),
    }


def _from_decision(decision: verdict.Decision | None) -> dict[str, Any]:
    columns: dict[str, Any] = dict.fromkeys(_DECISION)
    if decision is None:
        return columns
    match decision.verdict:
        case verdict.Approve(text):
            columns["is_approve"] = True
        case verdict.Revise(text) | verdict.Refuse(text):
            columns["is_approve"] = False
        case verdict.Answer(text, is_label):  # an answer neither approves nor revises
            columns["is_label"] = is_label
        case never:
            assert_never(never)
    match decision.by:
        case verdict.Person(user, name):
            pass
        case verdict.TimedOut(name) | verdict.ByRule(name):
            user = ""  # Slack has no empty ids, so this one stands for a rule
        case nobody:
            assert_never(nobody)
    deputy = decision.on_behalf_of
    return columns | {
        "feedback": text,
        "decided_by": user,
        "decided_by_name": name,
        "decided_at": decision.at,
        "decided_via": recorded.via(decision.via),
        **{name: getattr(decision, name) for name in _LOOKED},
        "on_behalf_of": deputy and deputy.id,
        "on_behalf_of_name": deputy and deputy.name,
    }


def _to_verdict(row: sa.Row[Any], subject: Subject) -> verdict.Verdict:
    if row.is_label is not None:
        to_crew = not subject.is_of_flow
        return verdict.Answer(row.feedback, is_label=row.is_label, to_crew=to_crew)
    return verdict.Approve(row.feedback) if row.is_approve else verdict.Revise(row.feedback)


def _to_decision(
    row: sa.Row[Any], rule: Rule, subject: Subject, found: Mapping[str, Any]
) -> verdict.Decision | None:
    votes: tuple[verdict.Vote, ...] = found.get("votes", ())
    if row.decided_by is None:
        return None
    via = verdict.Via(row.decided_via)
    by: verdict.Decider = verdict.Person(row.decided_by, row.decided_by_name)
    if via is verdict.Via.RULE:
        name, timeout = row.decided_by_name, rule.timeout
        by = verdict.ByRule(name) if timeout is None else verdict.TimedOut(name, timeout.after)
    # Fewer votes than the rule needs did not decide the round: the decision is a Revise, a label
    # that needs no approvals, or the rule's own, and has no votes.
    decided = len(votes) >= rule.approvals
    decision = verdict.Decision(
        verdict=_to_verdict(row, subject),
        by=by,
        at=row.decided_at,
        via=via,
        unsent_notes=row.unsent_notes or 0,
        votes=votes if decided else (),
        on_behalf_of=row.on_behalf_of and verdict.Person(row.on_behalf_of, row.on_behalf_of_name),
        shown_little=row.shown_little,
        masks_unseen=bool(row.masks_unseen),
        looked_seconds=row.looked_seconds,
    )
    return decided_on(subject, decision)


@cache
def _reason_fields(kind: Any) -> tuple[tuple[str, str, Codec], ...]:
    return tuple(
        (name, "reason_words" if name in WORDS else "reason_code", _TEXTS[hint])
        for name, hint in get_type_hints(kind).items()
    )


def _to_reason(row: sa.Row[Any]) -> Reason | None:
    if row.reason is None:
        return None
    kind = _REASONS[row.reason]
    reason: Reason = kind(
        **{name: one.load(getattr(row, column)) for name, column, one in _reason_fields(kind)}
    )
    return reason


def from_reason(reason: Reason | None) -> dict[str, str | None]:
    """Return the columns of a reason: its kind, a code, and words from outside."""
    columns: dict[str, str | None] = {"reason": None, "reason_code": "", "reason_words": ""}
    if reason is not None:
        kind: Any = type(reason)
        columns["reason"] = _REASON_NAMES[kind]
        for name, column, one in _reason_fields(kind):
            columns[column] = one.dump(getattr(reason, name))
    return columns


def rule_id_of(round_: Round) -> str:
    if round_.rule == NO_RULE:
        return NO_RULE_ID
    return _id_of(round_.review.crew, round_.rule, round_.escalated_at is not None)


def rule_ids_of(round_: Round) -> tuple[str, str]:
    """Return the ids of a round's rule before and after it escalated."""
    if round_.rule == NO_RULE:
        return NO_RULE_ID, NO_RULE_ID
    crew = round_.review.crew
    return _id_of(crew, round_.rule, False), _id_of(crew, round_.rule, True)  # noqa: FBT003


def from_rule_of(round_: Round) -> dict[str, Any]:
    return {
        "id": rule_id_of(round_),
        "crew": round_.review.crew,
        "escalated": round_.escalated_at is not None,
        "rule": from_rule(round_.rule),
    }


@lru_cache(REMEMBERED)
def from_rule(rule: Rule) -> str:
    return json.dumps(codec(Rule).dump(rule), sort_keys=True, separators=(",", ":"))


@lru_cache(REMEMBERED)
def to_rule(stored: str) -> Rule:
    rule: Rule = codec(Rule).load(json.loads(stored))
    return rule


@lru_cache(REMEMBERED)
def _id_of(crew: str, rule: Rule, escalated: bool) -> str:  # noqa: FBT001  # lru_cache makes its key of positions
    return sha256(f"{crew}\n{escalated}\n{from_rule(rule)}".encode()).hexdigest()
