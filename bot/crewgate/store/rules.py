"""Rules as they were when a round opened under them: rows and JSON, and reading them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.notify import Notify
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, Then, TimeOut
from crewgate.domain.rules.working_hours import WorkingHours
from crewgate.store.engine import Connection
from crewgate.store.tables import rules
from crewgate.usecases.read_models import StoredRule

#: Of so many rules the JSON is not made or read again: lists read all that were ever applied, and
#: of flows that assign people there is one for each set of them. Each takes 0.6 kB.
REMEMBERED: Final = 10_000
_REFS: Final[Mapping[str, Callable[[str], ReviewerRef]]] = {
    "user": User,
    "group": UserGroup,
    "email": Email,
    "anyone": lambda _: Anyone(),
}


def rule_id_of(round_: Round) -> str:
    """What names a round's rule; empty where it has none."""
    if round_.rule is None:
        return ""
    return _id_of(round_.review.crew, round_.rule, round_.escalated_at is not None)


def from_rule_of(round_: Round) -> dict[str, Any]:
    """The row of a round's rule, which it must have."""
    assert round_.rule is not None  # noqa: S101  # asked for by its id
    return {
        "id": rule_id_of(round_),
        "crew": round_.review.crew,
        "escalated": round_.escalated_at is not None,
        "rule": from_rule(round_.rule),
    }


async def rules_of(connection: Connection, crews: Collection[str]) -> tuple[StoredRule, ...]:
    """Every rule that a round of these crews was opened under, also earlier ones."""
    if not crews:
        return ()
    found = await connection.execute(
        sa.select(rules).where(rules.c.crew.in_(crews)).order_by(rules.c.id)
    )
    return tuple(StoredRule(row.id, row.crew, to_rule(row.rule), row.escalated) for row in found)


@lru_cache(REMEMBERED)
def from_rule(rule: Rule) -> str:
    """A rule as JSON, the same for the same rule."""
    found = {
        "name": rule.name,
        "when": _from_conditions(rule.when),
        "channel": rule.channel,
        "reviewers": None if rule.reviewers is None else [*map(_from_ref, rule.reviewers)],
        "approvals": rule.approvals,
        "self_approval": rule.self_approval,
        "unknown_starter": rule.unknown_starter,
        "notify": rule.notify and rule.notify.value,
        "target": rule.target and str(rule.target),
        "remind": rule.remind and _from_reminders(rule.remind),
        "escalate": rule.escalate
        and {"after": str(rule.escalate.after), "to": [*map(_from_ref, rule.escalate.to)]},
        "timeout": rule.timeout
        and {
            "after": str(rule.timeout.after),
            "then": rule.timeout.then.value,
            "feedback": rule.timeout.feedback,
        },
        "working_hours": rule.working_hours and str(rule.working_hours),
        "delegation": rule.delegation,
    }
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


@lru_cache(REMEMBERED)
def to_rule(stored: str) -> Rule:
    """The rule that was stored so."""
    found = json.loads(stored)
    return Rule(
        name=found["name"],
        when=_to_conditions(found["when"]),
        channel=found["channel"],
        reviewers=_to_refs(found["reviewers"]),
        approvals=found["approvals"],
        self_approval=found["self_approval"],
        unknown_starter=found["unknown_starter"],
        notify=found["notify"] and Notify(found["notify"]),
        target=found["target"] and Duration.parse(found["target"]),
        remind=found["remind"] and _to_reminders(found["remind"]),
        escalate=found["escalate"]
        and Escalation(
            Duration.parse(found["escalate"]["after"]), _to_refs(found["escalate"]["to"]) or ()
        ),
        timeout=found["timeout"]
        and TimeOut(
            Duration.parse(found["timeout"]["after"]),
            Then(found["timeout"]["then"]),
            found["timeout"]["feedback"],
        ),
        working_hours=found["working_hours"] and WorkingHours.parse(found["working_hours"]),
        delegation=found["delegation"],
    )


@lru_cache(REMEMBERED)
def _id_of(crew: str, rule: Rule, escalated: bool) -> str:  # noqa: FBT001  # of the cache's key
    return sha256(f"{crew}\n{escalated}\n{from_rule(rule)}".encode()).hexdigest()


def _from_conditions(when: Conditions) -> dict[str, Any]:
    return {
        "task": when.task,
        "agent": when.agent,
        "contains": list(when.contains),
        "json": [*map(list, when.json)],
        "inputs": [*map(list, when.inputs)],
        "meta": [*map(list, when.meta)],
    }


def _to_conditions(found: dict[str, Any]) -> Conditions:
    return Conditions(
        task=found["task"],
        agent=found["agent"],
        contains=tuple(found["contains"]),
        json=_to_pairs(found["json"]),
        inputs=_to_pairs(found["inputs"]),
        meta=_to_pairs(found["meta"]),
    )


def _to_pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, wanted) for name, wanted in found)


def _from_reminders(remind: Reminders) -> dict[str, Any]:
    every = remind.every and str(remind.every)
    return {"after": str(remind.after), "every": every, "most": remind.most}


def _to_reminders(found: dict[str, Any]) -> Reminders:
    every = found["every"] and Duration.parse(found["every"])
    return Reminders(after=Duration.parse(found["after"]), every=every, most=found["most"])


def _from_ref(ref: ReviewerRef) -> list[str]:
    match ref:
        case User(name):
            return ["user", name]
        case UserGroup(name):
            return ["group", name]
        case Email(name):
            return ["email", name]
        case Anyone():
            return ["anyone", ""]


def _to_refs(found: list[list[str]] | None) -> tuple[ReviewerRef, ...] | None:
    if found is None:
        return None
    return tuple(_REFS[kind](name) for kind, name in found)
