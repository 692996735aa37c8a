"""Counts for the stats: the database groups equal rows, so that few rows are read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.caveats import PER_CHARACTER
from crewgate.domain.review import State
from crewgate.domain.stats import SHORT, Decided, DecidedRound, Tally, Waiting
from crewgate.domain.verdict import Via
from crewgate.store.column_types import MICROSECOND, Instant
from crewgate.store.engine import Reading
from crewgate.store.statements import IS_EDITED, IS_FIRST, OF_RULES, one_of, sum_where
from crewgate.store.tables import reviews, rounds

#: The states of a decided round.
_DECIDED: Final = (State.DECIDED, State.RESUMED, State.STUCK, State.CLOSED)

_round = rounds.c
_by = sa.case((_round.decided_via == Via.RULE.value, ""), else_=_round.decided_by)
_earlier = _round.decided_at < sa.bindparam("since", type_=Instant)
_took: Final = sa.type_coerce(_round.decided_at, sa.BigInteger) - sa.type_coerce(
    _round.opened_at, sa.BigInteger
)
#: The time in which an approved text could be read: since the edit or, without one, the opening.
_read = sa.type_coerce(_round.decided_at, sa.BigInteger) - sa.type_coerce(
    sa.func.coalesce(_round.edited_at, _round.opened_at), sa.BigInteger
)
#: A review's title; an empty name is unreadable.
_TITLE: Final = sa.func.coalesce(sa.func.nullif(reviews.c.task_name, ""), reviews.c.task_id)
_waited = sa.func.coalesce(_round.waited_seconds, _took // 1_000_000)
_verdict = sa.case(
    (_round.is_approve, "approve"), (_round.is_approve.is_(None), "answer"), else_="revise"
)
#: True if a person approved their own edited text: this counts neither as waiting nor as haste.
_is_own = sa.and_(_round.is_approve, _round.decided_via == Via.EDIT.value)
_is_hasty = sa.and_(
    _round.is_approve,
    sa.not_(_is_own),
    _round.characters > SHORT,
    _read >= 0,  # negative if a clock was set back
    _read < _round.characters * (PER_CHARACTER // MICROSECOND),
)


#: False for calls of tools, which are counted apart: people or rules decide on them faster.
_is_output = _round.is_act.is_(None)


def _of_output(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(_is_output, *conditions)


def _minutes(seconds: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """Join a group's values as one text of minutes: a row for each costs ten times as much."""
    return sa.func.aggregate_strings(sa.cast(seconds // 60, sa.Text), ",")


#: This runs once for each crew: with the crew as another column to group by, sorting takes longer.
_TALLIES: Final = (
    sa.select(
        _by.label("by"),
        _earlier.label("earlier"),
        sum_where(_is_output).label("count"),
        sum_where(_of_output(_round.is_approve)).label("approved"),
        sum_where(_of_output(sa.not_(_round.is_approve))).label("revised"),
        sum_where(_of_output(IS_FIRST, _round.is_approve.is_not(None))).label("first"),
        sum_where(_of_output(IS_FIRST, _round.is_approve, sa.not_(IS_EDITED))).label("at_once"),
        sum_where(_of_output(_round.is_approve), _round.number).label("rounds"),
        sum_where(_of_output(_is_hasty)).label("hasty"),
        sum_where(_of_output(_round.is_on_target.is_not(None))).label("targeted"),
        sum_where(_of_output(_round.is_on_target)).label("on_target"),
        sum_where(sa.and_(_round.is_act, _round.is_approve)).label("acts_allowed"),
        sum_where(sa.and_(_round.is_act, sa.not_(_round.is_approve))).label("acts_refused"),
        _minutes(sa.case((sa.or_(_is_own, _round.is_act), None), else_=_waited)).label("waited"),
        _minutes(_round.made_in_seconds).label("made_in"),
    )
    .where(
        *OF_RULES,
        one_of(_round.state, _DECIDED),
        _round.decided_at >= sa.bindparam("before", type_=Instant),
    )
    .group_by(sa.text("1"), sa.text("2"))
)
_WAITING: Final = (
    sa.select(
        _round.crew, sa.func.count().label("many"), sa.func.min(_round.opened_at).label("since")
    )
    .where(*OF_RULES, _round.state == State.WAITING.value)
    .group_by(_round.crew)
)
#: The most rounds in memory at a time.
PAGE: Final = 200
#: A page begins behind the last id of the page before. Ids are random, so rounds come in no order.
_DECISIONS: Final = (
    sa.select(
        *(_round.id, _round.rule_id, _round.crew, reviews.c.execution_id.label("execution")),
        *(reviews.c.task_id.label("task"), _round.number.label("round")),
        *(_round.opened_at, _round.decided_at, _verdict.label("verdict"), _by.label("decided_by")),
        *(_round.decided_by_name.label("name"), _round.decided_via.label("through")),
        *(_waited.label("waited_seconds"), _round.is_on_target.label("within_target")),
        _round.is_act.is_not(None).label("is_call"),
    )
    .join_from(rounds, reviews)
    .where(
        _round.id > sa.bindparam("after"), _round.decided_at >= sa.bindparam("since", type_=Instant)
    )
    .order_by(_round.id)
    .limit(PAGE)
)
#: People's verdicts on outputs under a rule, read along the index, the latest first: no calls, and
#: no answers to questions.
_VERDICTED: Final = (
    sa.select(
        *(_round.decided_at, _round.id, _TITLE),
        sa.or_(sa.not_(_round.is_approve), IS_EDITED),
    )
    .join_from(rounds, reviews)
    .where(
        _round.crew == sa.bindparam("crew"),
        _round.rule_id == sa.bindparam("rule"),
        _round.state == State.RESUMED.value,
        _round.decided_at >= sa.bindparam("since", type_=Instant),
        _round.is_approve.is_not(None),
        _round.decided_via != Via.RULE.value,
        _is_output,
    )
    .order_by(_round.decided_at.desc())
    .limit(sa.bindparam("limit"))
)
_COLUMNS: Final = tuple(field.name for field in fields(Decided))
#: The ids of the rules whose rounds count, by crew.
Rules = Mapping[str, Sequence[str]]


class StatsQueries(Reading):
    """Counts decisions and waiting rounds."""

    async def tallies(self, of: Rules, *, before: datetime, since: datetime) -> list[Tally]:
        """Count the decisions since `before` by crew, decider, and before or after `since`."""
        span = {"before": before, "since": since}
        return [
            _to_tally(crew, row)
            for crew, rules in of.items()
            for row in await self._rows(_TALLIES, {"crew": crew, "rules": rules, **span})
        ]

    async def decisions(self, of: Rules, *, since: datetime) -> AsyncIterator[Decided]:
        """Yield the decisions from `since` on, in no order, reading a page at a time."""
        after = ""
        while True:
            page = await self._rows(_DECISIONS, {"after": after, "since": since})
            for row in page:
                if row.rule_id in of.get(row.crew, ()):
                    yield Decided(**{name: getattr(row, name) for name in _COLUMNS})
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def verdicted(
        self, of: Rules, *, since: datetime, limit: int = 100_000
    ) -> list[DecidedRound]:
        """Return the outputs that people decided on since then: the latest `limit` of each rule."""
        return [
            DecidedRound._make(row)
            for crew, each in of.items()
            for rule in each
            for row in await self._rows(
                _VERDICTED, {"crew": crew, "rule": rule, "since": since, "limit": limit}
            )
        ]

    async def waiting(self, of: Rules) -> list[Waiting]:
        return [
            Waiting(crew, row.many, row.since)
            for crew, rules in of.items()
            for row in await self._rows(_WAITING, {"crew": crew, "rules": rules})
        ]


def _to_tally(crew: str, row: sa.Row[Any]) -> Tally:
    lists = {name: _numbers(getattr(row, name)) for name in ("waited", "made_in")}
    return Tally(**{**row._mapping, "crew": crew, "earlier": bool(row.earlier), **lists})


def _numbers(text: str | None) -> list[int]:
    return [*map(int, text.split(","))] if text else []
