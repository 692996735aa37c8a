"""Rules as they were when a round opened under them: rows and JSON, and reading them."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.review import Round
from crewgate.domain.rules.rule import Rule
from crewgate.store.codec import dumper, loader
from crewgate.store.engine import Connection
from crewgate.store.tables import rules
from crewgate.usecases.read_models import StoredRule

#: Of so many rules the JSON is not made or read again: lists read all that were ever applied, and
#: of flows that assign people there is one for each set of them. Each takes 0.6 kB.
REMEMBERED: Final = 10_000


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
    return json.dumps(dumper(Rule)(rule), sort_keys=True, separators=(",", ":"))


@lru_cache(REMEMBERED)
def to_rule(stored: str) -> Rule:
    """The rule that was stored so."""
    rule: Rule = loader(Rule)(json.loads(stored))
    return rule


@lru_cache(REMEMBERED)
def _id_of(crew: str, rule: Rule, escalated: bool) -> str:  # noqa: FBT001  # of the cache's key
    return sha256(f"{crew}\n{escalated}\n{from_rule(rule)}".encode()).hexdigest()
