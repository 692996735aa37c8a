"""Floods: more waiting rounds of one task than can have a card each.

The card of one round counts the others. The row of each round has the id of the flood's first round
in `gathered_by`. The rounds' states and cards tell which card counts, so a decision on one round
changes no other round's row.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import POSTS_A_CARD
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.store.engine import Changing, Reading, rows, write
from crewgate.store.round_rows import OF_EXECUTION, from_rule, rule_ids_of
from crewgate.store.statements import one_of
from crewgate.store.tables import outbox, reviews, rounds
from crewgate.usecases.read_models import COUNTED, FloodCard, Selection

_opened_at, _gathered_by = rounds.c.opened_at, rounds.c.gathered_by
_until = sa.bindparam("until", type_=_opened_at.type)
#: The waiting rounds of a crew's task. The state is a literal, because a plan for any state could
#: not use the index that has only waiting rounds.
_OF_TASK: Final = (
    rounds.c.crew == sa.bindparam("crew"),
    rounds.c.task_key == sa.bindparam("task"),
    rounds.c.state == sa.literal_column(f"'{State.WAITING.value}'"),
)
_UP_TO: Final = (
    _opened_at <= _until,
    (_opened_at < _until) | (rounds.c.id <= sa.bindparam("round")),
)
_WAITING: Final = sa.select(rounds.c.id).where(*_OF_TASK, *_UP_TO).limit(sa.bindparam("limit"))
_FLOOD: Final = (
    sa.select(_gathered_by)
    .where(*_OF_TASK, _gathered_by.is_not(None))
    .order_by(_opened_at.desc())
    .limit(1)
)
_GATHER: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_id"))
    .values(gathered_by=sa.bindparam("by"))
)
_OF_FLOOD: Final = (_gathered_by == sa.bindparam("flood"), rounds.c.state == State.WAITING.value)
_WITHOUT_CARD: Final = (*_OF_FLOOD, rounds.c.card_ts.is_(None))
_OTHERS: Final = (
    sa.select(rounds.c.id)
    .where(*_WITHOUT_CARD, rounds.c.id != sa.bindparam("round"))
    .limit(COUNTED + 1)
)
_NEXT_FEW: Final = (
    sa.select(rounds.c.id).where(*_WITHOUT_CARD).order_by(_opened_at, rounds.c.id).limit(9)
)
_UNANNOUNCED: Final = _OTHERS.where(rounds.c.announced_at.is_(None)).limit(None)
_ANNOUNCE: Final = (
    sa.update(rounds)
    .where(rounds.c.id == sa.bindparam("b_round"), rounds.c.announced_at.is_(None))
    .values(announced_at=sa.bindparam("at", type_=rounds.c.announced_at.type))
)
_CARD: Final = sa.select(
    rounds.c.id,
    rounds.c.announced_at,
    sa.func.coalesce(rounds.c.ended_at, rounds.c.decided_at).label("ended_at"),
).where(rounds.c.card_ts.is_not(None))
#: These cards have no order: to sort them, SQLite would read all cards that the flood ever had.
_WAITING_CARDS: Final = _CARD.where(*_OF_FLOOD).limit(COUNTED)
_LAST_CARD: Final = (
    _CARD.where(_gathered_by == sa.bindparam("flood"), rounds.c.announced_at.is_not(None))
    .order_by(rounds.c.announced_at.desc())
    .limit(1)
)
_DECIDED: Final = (State.DECIDED, State.RESUMED, State.STUCK, State.CLOSED)
_LAST_DECISION: Final = sa.select(sa.func.max(rounds.c.decided_at)).where(
    rounds.c.crew == sa.bindparam("crew"),
    rounds.c.rule_id.in_((sa.bindparam("rule"), sa.bindparam("escalated"))),
    one_of(rounds.c.state, _DECIDED),
    rounds.c.decided_at >= sa.bindparam("since", type_=rounds.c.decided_at.type),
    rounds.c.decided_by != "",  # empty if a rule decided
    rounds.c.task_key == sa.bindparam("task"),
)
_GATHERED_OF: Final = (
    sa.select(rounds.c.id)
    .join_from(rounds, reviews)
    .where(*OF_EXECUTION, rounds.c.state == State.WAITING.value)
    .where(_gathered_by.is_not(None), rounds.c.card_ts.is_(None))
    .limit(1)
)
_IN_FLOOD: Final = (
    sa.select(rounds.c.id, rounds.c.crew, rounds.c.rule_id, _opened_at)
    .where(*_OF_FLOOD, rounds.c.id != sa.bindparam("round"))
    .order_by(_opened_at, rounds.c.id)
    .limit(COUNTED)
)
_POSTS_CARD: Final = sa.select(outbox.c.id).where(
    outbox.c.subject == sa.bindparam("round"),
    one_of(outbox.c.kind, sorted(POSTS_A_CARD)),
    outbox.c.set_aside_at.is_(None),
)
_PLACE: Final = sa.select(_opened_at, _gathered_by).where(rounds.c.id == sa.bindparam("round"))


def task_key(round_: Round) -> str | None:
    """Return a digest of a first round's task or tool, and of its rule; None for later rounds."""
    review, rule = round_.review, round_.rule
    name = review.task_name or review.task_id
    if isinstance(round_.subject, ToolCall):
        name = round_.subject.tool
    asks = name if rule == NO_RULE else f"{name}\n{from_rule(rule)}"
    return sha256(asks.encode()).hexdigest()[:16] if round_.number == 1 else None


def _of_task(round_: Round) -> dict[str, Any]:
    return {"crew": round_.review.crew, "task": task_key(round_)}


class FloodQueries(Reading):
    """Counts waiting rounds, and finds the cards of floods."""

    async def count(self, round_: Round, *, limit: int) -> int:
        """Count the waiting rounds of a round's crew, task and rule, up to this round."""
        up_to = {"until": round_.opened_at, "round": round_.id, "limit": limit}
        return len(await self._prepared(_WAITING, _of_task(round_) | up_to))

    async def card(self, flood: str) -> FloodCard | None:
        """Return the card that counts the other rounds: the latest that waits, else the latest.

        None if no card was ever posted.
        """
        found = await self._prepared(_WAITING_CARDS, {"flood": flood})
        last = await self._prepared(_LAST_CARD, {"flood": flood})
        if not last:
            return None
        card = max(found, key=lambda one: one.announced_at, default=last[0])
        return FloodCard(card.id, bool(found), last[0].announced_at, card.ended_at)

    async def others(self, flood: str, round_id: str) -> tuple[int, tuple[str, ...]]:
        """Count the other waiting rounds of a flood without a card, up to COUNTED.

        Return also the ids of the rounds that no message in Slack has counted.
        """
        about = {"flood": flood, "round": round_id}
        many = len(await self._prepared(_OTHERS, about))
        unannounced = await self._prepared(_UNANNOUNCED, about) if many else ()
        return many, tuple(row.id for row in unannounced)

    async def next_few(self, flood: str) -> tuple[str, ...]:
        """Return the oldest waiting rounds of a flood without a card; some may be damaged."""
        return tuple(row.id for row in await self._prepared(_NEXT_FEW, {"flood": flood}))

    async def last_decision(self, round_: Round, *, since: datetime) -> datetime | None:
        """Return when a person last decided on a round of this task and rule."""
        rule, escalated = rule_ids_of(round_)
        about = _of_task(round_) | {"rule": rule, "escalated": escalated, "since": since}
        [[at]] = await self._prepared(_LAST_DECISION, about)
        return at  # type: ignore[no-any-return]

    async def are_gathered(self, crew: str, execution_id: str) -> bool:
        """Return True if a round of an execution waits without a card of its own."""
        of = {"crew": crew, "execution": execution_id}
        return bool(await self._rows(_GATHERED_OF, of))

    async def following(self, card: str, waiting: Selection) -> str | None:
        """Return the first of a flood's rounds, but not `card`, that `waiting` selects, or None."""
        [place] = await self._prepared(_PLACE, {"round": card})
        after = await self._prepared(_PLACE, {"round": waiting.after})
        found = await self._prepared(_IN_FLOOD, {"flood": place.gathered_by, "round": card})
        for row in found:
            is_behind = not after or (row.opened_at, row.id) > (after[0].opened_at, waiting.after)
            is_theirs = (row.crew, row.rule_id) in waiting.queues
            if is_behind and is_theirs and row.id not in waiting.without:
                return str(row.id)
        return None


class Floods(Changing):
    """Gathers rounds in a transaction; transactions that gather rounds of one task go in turn."""

    async def gather(self, round_: Round) -> str:
        """Let a round join a flood; return the flood's id, which is its first round's id."""
        of = _of_task(round_)
        if self._connection.dialect.name == "postgresql":
            # No row is locked before this lock, and after it only the transaction's own round. So
            # no two transactions wait for each other.
            lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"{of['crew']} {of['task']}"))
            await self._connection.scalar(sa.select(lock))
        found = await rows(self._connection, _FLOOD, of)
        flood: str = found[0].gathered_by if found else round_.id
        await write(self._connection, _GATHER, {"b_id": round_.id, "by": flood})
        return flood

    async def posts_card(self, round_id: str) -> bool:
        """Return True if a job waits that posts the round's card."""
        return bool(await rows(self._connection, _POSTS_CARD, {"round": round_id}))

    async def announce(self, round_id: str, *, at: datetime) -> bool:
        """Note that a card counts a gathered round; return False if one did before."""
        return await write(self._connection, _ANNOUNCE, {"b_round": round_id, "at": at}) > 0
