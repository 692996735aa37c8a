"""Reading: every query here has an index and a limit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import RoundNotFound
from crewgate.domain.given import shown
from crewgate.domain.notification import Format, Output, WebhookUrls
from crewgate.domain.people import EmailOwner, Installation
from crewgate.domain.question import Callback
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.starter import said_starter
from crewgate.store.absences import find_absences
from crewgate.store.dead_letters import find_dead_letter
from crewgate.store.engine import Connection, Reader, rows
from crewgate.store.executions import SqlExecutionQueries
from crewgate.store.failures import translate_errors
from crewgate.store.mappers import (
    LINE,
    ROUND,
    to_came,
    to_card,
    to_round,
    to_starter,
    to_subject,
    to_webhooks,
)
from crewgate.store.notes import SqlNoteQueries, claims_on, notes_of
from crewgate.store.rounds import SqlRoundQueries, newer_round, thread_elsewhere
from crewgate.store.rules import rules_of
from crewgate.store.statements import WEBHOOKS_OF_ROUND
from crewgate.store.tables import (
    REGISTERED,
    direct_messages,
    email_owners,
    executions,
    flow_requests,
    installations,
    outbox,
    outputs,
    rounds,
)
from crewgate.usecases.ports.queries import Queries
from crewgate.usecases.ports.slack import Posting
from crewgate.usecases.read_models import (
    CardView,
    DeadLetter,
    DirectMessage,
    MessageRef,
    StoredRule,
)

#: The round right before, with its output, and the last before that one that was decided.
_RIGHT_BEFORE = rounds.c.number == sa.bindparam("number") - 1
_EARLIER = (
    ROUND.add_columns(
        outputs.c.format, sa.case((_RIGHT_BEFORE, outputs.c.text), else_="").label("text")
    )
    .join(outputs, outputs.c.round_id == rounds.c.id)
    .where(rounds.c.review_id == sa.bindparam("review"))
    .where(rounds.c.number < sa.bindparam("number"))
    .where(_RIGHT_BEFORE | rounds.c.decided_by.is_not(None))
    .order_by(rounds.c.number.desc())
    .limit(2)
)
_ROUND = ROUND.where(rounds.c.id == sa.bindparam("round"))
_POSTING = (
    LINE.add_columns(
        outputs.c.format,
        outputs.c.text,
        executions.c.starter,
        executions.c.starter_name,
        executions.c.inputs,
        executions.c.meta,
    )
    .join(outputs, outputs.c.round_id == rounds.c.id)
    .where(rounds.c.id == sa.bindparam("round"))
)


class SqlQueries(Queries):
    """Reads on connections of an engine."""

    def __init__(self, engine: Reader) -> None:
        self._engine = engine
        self.executions = SqlExecutionQueries(engine)
        self.notes = SqlNoteQueries(engine)
        self.rounds = SqlRoundQueries(engine)

    async def round(self, round_id: str) -> Round:
        async with self._reading() as connection:
            found = await rows(connection, _ROUND, {"round": round_id})
        if not found:
            raise RoundNotFound(round_id)
        return to_round(found[0])

    async def posting(self, round_id: str) -> Posting:
        async with self._reading() as connection:
            found = await rows(connection, _POSTING, {"round": round_id})
            if not found:
                raise RoundNotFound(round_id)
            [row] = found
            round_ = to_round(row)
            before = {"review": round_.review.id, "number": round_.number}
            earlier = await rows(connection, _EARLIER, before) if round_.number > 1 else []
            waits = round_.state is State.WAITING
            noted = await notes_of(connection, [round_id]) if waits else {}
            claimed = await claims_on(connection, [round_id]) if waits else {}
            away = await find_absences(connection) if waits else ()
            newer = None if waits else await newer_round(connection, row)
            channel, thread_ts = row.channel, row.thread_ts
            if row.card_thread_ts is not None:
                channel, thread_ts = row.card_channel, row.card_thread_ts
            elif round_.other_channel is not None:
                channel, thread_ts = await thread_elsewhere(connection, round_)
        notes, noted_by = noted.get(round_id, (0, ()))
        previous = earlier[0] if earlier else None
        decided = earlier[1] if earlier[1:] else None
        return Posting(
            view=CardView(
                round_,
                Output(row.text, Format(row.format)),
                to_round(previous) if previous else None,
                Output(previous.text, Format(previous.format)) if previous else None,
                notes,
                noted_by,
                claimed.get(round_id),
                to_round(decided) if decided else None,
                subject=to_subject(row),
                starter=to_starter(row),
                given=shown(to_came(row.inputs)) or shown(to_came(row.meta)),
                absences=away,
                started_by=said_starter(to_starter(row), to_came(row.meta)),
                newer=newer,
            ),
            card=to_card(row),
            channel=channel,
            thread_ts=thread_ts,
        )

    async def direct_messages(self, round_id: str) -> tuple[DirectMessage, ...]:
        found = await self._rows(
            sa.select(direct_messages)
            .where(direct_messages.c.round_id == round_id)
            .order_by(direct_messages.c.user_id)
        )
        return tuple(
            DirectMessage(row.user_id, MessageRef(row.channel, row.ts, row.ts)) for row in found
        )

    async def callback(self, round_id: str) -> Callback | None:
        found = await self._rows(
            sa.select(flow_requests.c.callback_url, flow_requests.c.token).where(
                flow_requests.c.round_id == round_id, flow_requests.c.callback_url.is_not(None)
            )
        )
        return Callback(found[0].callback_url, found[0].token) if found else None

    async def webhooks(self, round_: Round) -> tuple[WebhookUrls, WebhookUrls]:
        found = {}
        async with self._reading() as connection:
            of_round = {
                "crew": round_.review.crew,
                "execution": round_.review.execution_id,
                "round": round_.id,
            }
            for row in await rows(connection, WEBHOOKS_OF_ROUND, of_round):
                found[row.origin] = to_webhooks(row)
        return found.get(REGISTERED, WebhookUrls()), found.get(round_.id, WebhookUrls())

    async def email_owner(self, address: str) -> EmailOwner | None:
        found = await self._rows(
            sa.select(email_owners).where(email_owners.c.address == address.lower())
        )
        return EmailOwner(address, found[0].user_id, found[0].moved_to) if found else None

    async def installation(self, token_digest: str) -> Installation | None:
        found = await self._rows(
            sa.select(*(installations.c[one.name] for one in fields(Installation))).where(
                installations.c.token_digest == token_digest
            )
        )
        return Installation(**found[0]._mapping) if found else None

    async def absences(self, *, at: datetime, delegate: str | None = None) -> tuple[Absence, ...]:
        async with self._reading() as connection:
            return await find_absences(connection, at=at, delegate=delegate)

    async def absence(self, user: str, *, at: datetime) -> Absence | None:
        async with self._reading() as connection:
            return next(iter(await find_absences(connection, at=at, away=user)), None)

    async def rules(self, crews: Collection[str]) -> tuple[StoredRule, ...]:
        async with self._reading() as connection:
            return await rules_of(connection, crews)

    async def dead_letter(self, dead_letter_id: str) -> DeadLetter | None:
        async with self._reading() as connection:
            return await find_dead_letter(connection, dead_letter_id)

    async def behind(self, round_ids: Collection[str], *, since: datetime) -> frozenset[str]:
        async with self._reading() as connection:
            found = await connection.execute(
                sa.select(outbox.c.subject).where(
                    outbox.c.subject.in_(round_ids),
                    outbox.c.kind == EffectKind.REFRESH.value,
                    outbox.c.set_aside_at.is_(None),
                    outbox.c.created_at <= since,
                )
            )
            return frozenset(row.subject for row in found)

    async def ping(self) -> None:
        # It reads a table: SQLite answers anything else without its file.
        async with self._reading() as connection:
            await connection.scalar(sa.select(executions.c.activity_count).limit(1))

    async def _rows(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with self._reading() as connection:
            return (await connection.execute(statement)).all()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        with translate_errors():
            async with self._engine.connect() as connection:
                yield connection
