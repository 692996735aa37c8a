"""Reads outside of writing transactions: every query here has an index and a limit."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.audit import Published
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import RoundNotFound
from crewgate.domain.masking import NOTHING, Masking
from crewgate.domain.notification import Callback, Format, Given, Output, WebhookUrls, shown
from crewgate.domain.people import EmailOwner, Installation
from crewgate.domain.retry import IN_A_ROW
from crewgate.domain.review import Round, State
from crewgate.domain.subjects import call_of
from crewgate.store import round_rows
from crewgate.store.absences import AbsenceQueries
from crewgate.store.audit import to_published
from crewgate.store.dead_letters import DeadLetterQueries
from crewgate.store.engine import Connection, MaskedReading, OpenConnection, Reader, rows
from crewgate.store.executions import (
    ExecutionQueries,
    to_caller_values,
    to_starter,
    to_starters,
    to_webhooks,
)
from crewgate.store.lessons import LessonQueries, to_given
from crewgate.store.mentions import MentionQueries
from crewgate.store.mornings import MorningQueries
from crewgate.store.notes import NoteQueries, notes_of, to_claim, with_claim
from crewgate.store.statements import among, count_up_to, first_ids, one_of
from crewgate.store.stats import StatsQueries
from crewgate.store.tables import (
    REGISTERED,
    audit_heads,
    direct_messages,
    email_owners,
    executions,
    flow_requests,
    installations,
    outbox,
    outputs,
    reviews,
    rounds,
    rules,
    webhooks,
)
from crewgate.store.unreadable import LAST_MOMENT, each, or_none, reads
from crewgate.usecases import read_models
from crewgate.usecases.log_fields import log_about

#: The characters of each output that are read for a list.
EXCERPT: Final = 2_000
#: The characters of each output that are read for the history of one review.
HISTORY_EXCERPT: Final = 3_100
#: The characters at an excerpt's end that are read, but not shown if the crew's texts are masked: a
#: passage to mask may begin before them and end in them.
_MASKED_BEYOND: Final = 1_000


def _lines_with(excerpt: int) -> sa.Select[Any]:
    return round_rows.LINE.add_columns(
        sa.func.substr(outputs.c.text, 1, excerpt).label("excerpt"),
        sa.func.length(outputs.c.text).label("characters"),
        outputs.c.format,
        outputs.c.erased,
        rounds.c.masked,
    ).join(outputs, outputs.c.round_id == rounds.c.id)


_SHOWN_LINE: Final = _lines_with(EXCERPT)
_HISTORY_LINE: Final = _lines_with(HISTORY_EXCERPT)
#: The time-outs whose time can be read; a card does not mention a damaged time.
_TIMES_OUT: Final = (outbox.c.kind == EffectKind.TIME_OUT.value) & (outbox.c.due_at <= LAST_MOMENT)
_due_at = sa.select(outbox.c.due_at).where(outbox.c.subject == rounds.c.id, _TIMES_OUT)
#: Lines with the facts that must be known before somebody decides in a list.
_LINES: Final = with_claim(_SHOWN_LINE.where(among(rounds.c.id, "rounds"))).add_columns(
    _due_at.limit(1).scalar_subquery().label("due_at"),
    executions.c.starter,
    executions.c.starter_name,
    executions.c.meta,
    executions.c.also_started,
)
_ROUND: Final = round_rows.ROUND.where(rounds.c.id == sa.bindparam("round"))
_LATEST: Final = (
    round_rows.ROUND.where(*round_rows.OF_EXECUTION, reviews.c.task_id == sa.bindparam("task"))
    .order_by(rounds.c.number.desc())
    .limit(1)
)
_POSTING: Final = with_claim(round_rows.WHOLE).where(rounds.c.id == sa.bindparam("round"))
_RIGHT_BEFORE: Final = rounds.c.number == sa.bindparam("number") - 1
#: The previous round with its output, and the latest decided round before the previous one.
_EARLIER: Final = (
    round_rows.ROUND.add_columns(
        outputs.c.format,
        sa.case((_RIGHT_BEFORE, outputs.c.text), else_="").label("text"),
        sa.case((_RIGHT_BEFORE, outputs.c.edited)).label("edited"),
    )
    .join(outputs, outputs.c.round_id == rounds.c.id)
    .where(rounds.c.review_id == sa.bindparam("review"))
    .where(rounds.c.number < sa.bindparam("number"))
    .where(_RIGHT_BEFORE | rounds.c.decided_by.is_not(None))
    .order_by(rounds.c.number.desc())
    .limit(2)
)
#: The latest outputs of these reviews: a passage that is masked in one is masked in all of them.
_OUTPUTS: Final = (
    sa.select(rounds.c.review_id, outputs.c.text)
    .select_from(round_rows.LATEST_OUTPUTS)
    .where(among(reviews.c.id, "reviews"))
)
_TIME_OUT: Final = sa.select(outbox.c.due_at).where(
    outbox.c.subject == sa.bindparam("round"), _TIMES_OUT
)
_WITH_VOTES: Final = round_rows.ROUND.where(
    rounds.c.crew == sa.bindparam("crew"), rounds.c.rule_id == sa.bindparam("rule")
).where(rounds.c.state == State.WAITING.value, rounds.c.votes.is_not(None))
_NEWEST: Final = (
    round_rows.LINE.where(rounds.c.review_id == sa.bindparam("review"))
    .where(rounds.c.number > sa.bindparam("number"), rounds.c.card_ts.is_not(None))
    .order_by(rounds.c.number.desc())
    .limit(1)
)
_ARGUMENTS: Final = sa.select(outputs).where(outputs.c.round_id == sa.bindparam("round"))
_WEBHOOKS: Final = sa.select(webhooks).where(
    webhooks.c.crew == sa.bindparam("crew"),
    webhooks.c.execution_id == sa.bindparam("execution"),
    webhooks.c.origin.in_([REGISTERED, sa.bindparam("round")]),
)
#: The query names all rules of the crews, so that the index by crew, rule and state serves it.
_WAITING: Final = (
    sa.select(
        sa.true().label("waits"),
        rounds.c.crew.label("name"),
        sa.func.count().label("many"),
        sa.func.min(rounds.c.opened_at).label("since"),
    )
    .where(among(rounds.c.crew, "crews"))
    .where(
        rounds.c.rule_id.in_(
            sa.union_all(
                sa.select(sa.literal("")), sa.select(rules.c.id).where(among(rules.c.crew, "crews"))
            )
        )
    )
    .where(rounds.c.state == State.WAITING.value)
    .group_by(rounds.c.crew)
)
_DUE: Final = (
    sa.select(sa.false(), outbox.c.destination, sa.func.count(), sa.func.min(outbox.c.due_at))
    .where(outbox.c.due_at <= sa.bindparam("now"), outbox.c.set_aside_at.is_(None))
    .group_by(outbox.c.destination)
)
_FAILING: Final = (
    sa.select(
        outbox.c.crew,
        sa.func.count().label("many"),
        sa.func.sum(outbox.c.tries).label("tries"),
        sa.func.min(outbox.c.failing_since).label("since"),
        sa.func.min(outbox.c.due_at).label("next_at"),
    )
    .where(among(outbox.c.subject, "rounds"))
    .where(outbox.c.kind == EffectKind.RESUME.value, outbox.c.failing_since.is_not(None))
    .group_by(outbox.c.crew)
    .having(sa.func.sum(outbox.c.tries) >= IN_A_ROW)
)
_OPEN: Final = (State.WAITING, State.DECIDED, State.STUCK)
_DECIDED: Final = (State.RESUMED, State.CLOSED)
_BACKLOG: Final = sa.select(sa.union_all(_WAITING, _DUE).subquery())
_RULES: Final = sa.select(rules).where(among(rules.c.crew, "crews")).order_by(rules.c.id)
_OF_RULE: Final = (rounds.c.crew == rules.c.crew, rounds.c.rule_id == rules.c.id)
#: MIN reads the first row of an index; with EXISTS, PostgreSQL would scan all rounds.
_FIRST_OF_RULE: Final = sa.select(sa.func.min(rounds.c.opened_at)).where(*_OF_RULE)
_RULES_SINCE: Final = _RULES.where(
    sa.func.coalesce(
        *(_FIRST_OF_RULE.where(rounds.c.state == one).scalar_subquery() for one in _OPEN)
    ).is_not(None)
    | sa.exists().where(
        *_OF_RULE, one_of(rounds.c.state, _DECIDED), rounds.c.decided_at >= sa.bindparam("since")
    )
)
_NO_APPROVER: Final = (
    sa.select(rounds.c.id, rounds.c.crew, rounds.c.rule_id)
    .where(sa.text("no_approver"), rounds.c.state == State.WAITING.value)
    .where(among(rounds.c.crew, "crews"))
    .order_by(rounds.c.opened_at)
    .limit(read_models.COUNTED)
)


#: The conditions are literals: for a plan with any other the index would not do.
_REFERRED: Final = (
    round_rows.ROUND.where(sa.text("state = 'WAITING' AND referrals IS NOT NULL"))
    .where(among(rounds.c.crew, "crews"))
    .order_by(rounds.c.opened_at, rounds.c.id)
    .limit(read_models.COUNTED)
)


class RoundQueries(MaskedReading):
    """Reads rounds with the beginning of their outputs, for histories, executions and lists."""

    async def _lines(self, found: Sequence[sa.Row[Any]]) -> tuple[read_models.RoundLine, ...]:
        read = {id(row): line for row in found if (line := or_none(_to_shown_line, row))}
        found, lines = [row for row in found if id(row) in read], tuple(read.values())
        outputs_of = await self.outputs_of([one.round for one in lines])

        def mask() -> tuple[read_models.RoundLine, ...]:
            masks = {
                review.id: self._masking[review.crew].also_those_in(outputs_of[review.id])
                for review in {one.round.review for one in lines}
                if self._masking.get(review.crew)
            }
            return tuple(
                _masked_line(line, row, masks.get(line.round.review.id, NOTHING))
                for line, row in zip(lines, found, strict=True)
            )

        return await self._off_loop(mask)

    async def outputs_of(self, found: Collection[Round]) -> Mapping[str, Sequence[str]]:
        """Return the outputs in which people may have edited masked passages, by review."""
        revised = {
            one.review.id
            for one in found
            if self._masking.get(one.review.crew) and (one.number > 1 or one.decision is not None)
        }
        texts = defaultdict[str, list[str]](list)
        for row in await self._rows(_OUTPUTS, {"reviews": list(revised)}) if revised else ():
            texts[row.review_id].append(row.text)
        return texts

    async def history(self, review_id: str, *, limit: int) -> tuple[read_models.RoundLine, ...]:
        found = await self._rows(
            _HISTORY_LINE.where(rounds.c.review_id == review_id)
            .order_by(rounds.c.number.desc())
            .limit(limit)
        )
        return await self._lines(found)

    async def of_execution(
        self, crew: str, execution_id: str, *, limit: int
    ) -> tuple[read_models.RoundLine, ...]:
        found = await self._rows(
            _SHOWN_LINE.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
            .order_by(rounds.c.opened_at.desc())
            .limit(limit)
        )
        return (await self._lines(found))[::-1]

    async def first_of_review(self, review_id: str) -> str:
        found = await self._rows(
            sa.select(rounds.c.id).where(rounds.c.review_id == review_id, rounds.c.number == 1)
        )
        return str(found[0].id)

    async def with_votes(self, queues: Collection[read_models.QueueKey]) -> list[Round]:
        """Return the waiting rounds of these queues that have an approval, oldest first."""
        found: list[Round] = []
        for crew, rule_id in queues:
            of_queue = {"crew": crew, "rule": rule_id}
            found += each(round_rows.to_round, await self._prepared(_WITH_VOTES, of_queue))
        return sorted(found, key=lambda one: one.opened_at)

    async def without_approver(self, queues: Collection[read_models.QueueKey]) -> tuple[str, ...]:
        """Return the ids of waiting rounds that too few people may approve, oldest first."""
        found = await self._rows(_NO_APPROVER, {"crews": list({crew for crew, _ in queues})})
        return tuple(row.id for row in found if (row.crew, row.rule_id) in queues)

    async def referred_to(
        self, user: str, queues: Collection[read_models.QueueKey]
    ) -> tuple[Round, ...]:
        """Return the waiting rounds of these queues that a person is asked to look at, in order."""
        of = {"crews": list({crew for crew, _ in queues})}
        found = await self._rows(_REFERRED, of) if queues else ()
        theirs = [row for row in found if (row.review_crew, row.rule_id) in queues]
        return tuple(one for one in each(round_rows.to_round, theirs) if one.referrals_to(user))

    async def last_approved(self, crew: str, execution_id: str) -> Round | None:
        found = await self._rows(
            round_rows.ROUND.where(reviews.c.crew == crew, reviews.c.execution_id == execution_id)
            .where(rounds.c.is_approve)
            .order_by(rounds.c.decided_at.desc())
            .limit(1)
        )
        return round_rows.to_round(found[0]) if found else None

    async def count(self, selection: read_models.Selection) -> int:
        async with self._connected() as connection:
            return await count_up_to(connection, selection)

    async def first(
        self, selection: read_models.Selection, *, limit: int, offset: int = 0
    ) -> tuple[str, ...]:
        async with self._connected() as connection:
            return await first_ids(connection, selection, offset=offset, limit=limit)

    async def lines(self, round_ids: Sequence[str]) -> tuple[read_models.RoundLine, ...]:
        """Return these rounds for lists; waiting rounds have all of their `RoundFacts`."""
        if not round_ids:
            return ()
        async with self._connected() as connection:
            found = (await connection.execute(_LINES, {"rounds": list(round_ids)})).all()
            waiting = {row.id: row for row in found if row.state == State.WAITING.value}
            notes = await notes_of(connection, [*waiting]) if waiting else {}
        lines = {one.round.id: one for one in await self._lines(found)}
        for key in lines.keys() & waiting.keys():
            row = waiting[key]
            count, authors = notes.get(key, (0, ()))
            lines[key] = replace(
                lines[key],
                notes=count,
                noted_by=authors,
                claim=or_none(to_claim, row),
                started_by=or_none(to_starters, row) or (),
                due_at=row.due_at,
            )
        return tuple(lines[key] for key in round_ids if key in lines)


class Queries(MaskedReading):
    """All queries; queries about `executions`, `notes`, … are in classes of their own.

    Read models have crews' texts masked by the settings, unless a caller asks otherwise. Single
    rounds and executions, and people's own words, are not masked.
    """

    def __init__(self, reader: Reader, masking: Mapping[str, Masking]) -> None:
        super().__init__(reader, masking)
        self.absences = AbsenceQueries(reader)
        self.dead_letters = DeadLetterQueries(reader, masking)
        self.executions = ExecutionQueries(reader, masking)
        self.lessons = LessonQueries(reader)
        self.mentions = MentionQueries(reader)
        self.mornings = MorningQueries(reader)
        self.notes = NoteQueries(reader)
        self.rounds = RoundQueries(reader, masking)
        self.stats = StatsQueries(reader)

    async def round(self, round_id: str) -> Round:
        found = await self._prepared(_ROUND, {"round": round_id})
        if not found:
            raise RoundNotFound(round_id)
        return log_about(round_rows.to_round(found[0]))

    async def is_readable(self, round_id: str) -> bool:
        found = await self._prepared(_ROUND, {"round": round_id})
        return bool(found) and or_none(round_rows.to_round, found[0]) is not None

    async def latest_round(self, crew: str, execution_id: str, task_id: str) -> Round | None:
        review = {"crew": crew, "execution": execution_id, "task": task_id}
        found = await self._prepared(_LATEST, review)
        return log_about(round_rows.to_round(found[0])) if found else None

    async def posting(self, round_id: str, *, as_it_came: bool = False) -> read_models.Posting:
        """Return the content and place of a round's messages. Raises RoundNotFound."""
        async with self._connected() as connection:
            found = await rows(connection, _POSTING, {"round": round_id})
            if not found:
                raise RoundNotFound(round_id)
            [row] = found
            round_ = log_about(round_rows.to_round(row))
            before = {"review": round_.review.id, "number": round_.number}
            found = await rows(connection, _EARLIER, before) if round_.number > 1 else []
            earlier = [one for one in found if one.removed_at is None or round_.removed_at]
            waits, within = round_.state is State.WAITING, OpenConnection(connection)
            noted = await notes_of(connection, [round_id]) if waits else {}
            away = await AbsenceQueries(within).find() if waits else ()
            newer = None if waits else await _newer_round(connection, row)
            after = await _arguments_after(connection, round_, newer)
            calls = await round_rows.approved_calls(connection, round_, earlier) if waits else ()
            timed = waits and round_.is_timed
            due_at = await connection.scalar(_TIME_OUT, {"round": round_id}) if timed else None
            channel, thread_ts = row.channel, row.thread_ts
            if row.card_thread_ts is not None:
                channel, thread_ts = row.card_channel, row.card_thread_ts
            elif round_.rule.channel is not None:
                channel, thread_ts = await round_rows.thread_elsewhere(connection, round_)
        notes, noted_by = noted.get(round_id, (0, ()))
        previous = earlier[0] if earlier else None
        decided = earlier[1] if earlier[1:] else None
        posting = read_models.Posting(
            view=read_models.CardView(
                round=round_,
                output=round_rows.to_output(row),
                previous=or_none(round_rows.to_round, previous),
                before=Output(previous.text, Format(previous.format)) if previous else None,
                notes=notes,
                noted_by=noted_by,
                claim=or_none(to_claim, row) if waits else None,
                decided_before=or_none(round_rows.to_round, decided),
                topic=round_rows.to_topic(row),
                starter=to_starter(row),
                given=_given_to(row),
                absences=away,
                started_by=to_starters(row),
                lessons=to_given(row.lessons),
                due_at=due_at,
                approved_calls=calls,
                newer=newer,
                after=after,
                asked_text=previous.edited if previous else None,
            ),
            card=round_rows.to_card(row),
            channel=channel,
            thread_ts=thread_ts,
            shown=row.card_shows,
            no_approver=bool(row.no_approver),
            announced_at=row.announced_at,
            shows_progress=row.progress_ts is not None,
        )
        masking = self._masking.get(round_.review.crew, NOTHING)
        if not (masking or round_.subject.has_arguments):
            return posting
        written = (await self.rounds.outputs_of([round_]))[round_.review.id]

        def mask() -> read_models.Posting:
            also = masking.also_those_in(written)
            own = also.for_call() if round_.subject.has_arguments else also
            return replace(posting, masking=own) if as_it_came else _masked(posting, also, own)

        return await asyncio.to_thread(mask)

    async def direct_messages(self, round_id: str) -> dict[str, read_models.MessageRef]:
        found = await self._rows(
            sa.select(direct_messages)
            .where(direct_messages.c.round_id == round_id)
            .order_by(direct_messages.c.user_id)
        )
        return {row.user_id: read_models.MessageRef(row.channel, row.ts, row.ts) for row in found}

    async def callback(self, round_id: str) -> Callback | None:
        """Return the address for a flow's answer; None once the round takes no answer."""
        found = await self._rows(
            sa.select(flow_requests.c.callback_url, flow_requests.c.token).where(
                flow_requests.c.round_id == round_id, flow_requests.c.callback_url.is_not(None)
            )
        )
        return Callback(found[0].callback_url, found[0].token) if found else None

    async def webhooks(self, round_: Round) -> tuple[WebhookUrls, WebhookUrls]:
        """Return the webhooks registered for a round's execution, and those of its notification."""
        review = round_.review
        of = {"crew": review.crew, "execution": review.execution_id, "round": round_.origin}
        found = {row.origin: to_webhooks(row) for row in await self._prepared(_WEBHOOKS, of)}
        return found.get(REGISTERED, WebhookUrls()), found.get(round_.origin, WebhookUrls())

    async def email_owner(self, address: str) -> EmailOwner | None:
        """Return the owner of an address, or None if Slack was never asked about the address."""
        of = sa.select(email_owners).where(email_owners.c.address == address.lower())
        found = await self._rows(of)
        return EmailOwner(address, found[0].user_id, found[0].moved_to) if found else None

    async def installation(self, token_digest: str) -> Installation | None:
        """Return the installation of the bot with this token, or None if Slack never named one."""
        columns = sa.select(*(installations.c[one.name] for one in fields(Installation)))
        found = await self._rows(columns.where(installations.c.token_digest == token_digest))
        return Installation(**found[0]._mapping) if found else None

    async def rules(
        self, crews: Collection[str], *, since: datetime | None = None
    ) -> tuple[read_models.StoredRule, ...]:
        """Return the rules of these crews' rounds, or only of rounds open or decided `since`."""
        asked, statement = {"crews": list(crews), "since": since}, _RULES_SINCE
        if since is None:
            asked, statement = {"crews": list(crews)}, _RULES
        read = await self._rows(statement, asked) if crews else ()
        return tuple(each(round_rows.to_stored_rule, read))

    async def backlog(self, crews: Collection[str], *, now: datetime) -> read_models.Backlog:
        """Return the waiting rounds of these crews and all due jobs, counted, in one read."""
        waiting: dict[str, tuple[int, datetime]] = {}
        due: dict[str, tuple[int, datetime]] = {}
        for row in await self._rows(_BACKLOG, {"crews": list(crews), "now": now}):
            (waiting if row.waits else due)[row.name] = (row.many, row.since)
        return read_models.Backlog(waiting, due)

    async def audit_head(self, number: int) -> Published:
        statement = sa.select(audit_heads).where(audit_heads.c.number == number)
        [found] = await self._rows(statement)
        return to_published(found)

    async def failing(self, round_ids: Collection[str]) -> dict[str, read_models.Failing]:
        """Return, by crew, the decisions on these rounds that failed several times."""
        found = await self._rows(_FAILING, {"rounds": list(round_ids)}) if round_ids else ()
        return {
            one.crew: read_models.Failing(one.many, one.tries, one.since, one.next_at)
            for one in found
        }

    async def next_reminder(self, round_ids: Collection[str]) -> datetime | None:
        first = sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.subject.in_(round_ids))
        found = await self._rows(first.where(outbox.c.kind == EffectKind.REMIND.value))
        return found[0][0] if found else None

    async def ping(self) -> None:
        # The probe reads a table, because SQLite answers anything else without opening its file.
        await self._rows(sa.select(executions.c.activity_count).limit(1))


def _masked_line(
    line: read_models.RoundLine, row: sa.Row[Any], masking: Masking
) -> read_models.RoundLine:
    own = masking.for_call() if line.round.subject.has_arguments else masking
    call = call_of(line.round.subject)
    if not masking and not (call is not None and call.hides):
        line = replace(line, masked=bool(line.masked))
    if not own:
        return line
    upto = len(row.excerpt)
    if upto < row.characters:
        upto -= _MASKED_BEYOND
    excerpt = own.text(row.excerpt, upto=upto)
    return replace(
        masking.shown(line, keep={"excerpt"}),
        excerpt=excerpt,
        characters=row.characters - upto + len(excerpt),
        topic=masking.cut(line.topic),
    )


def _masked(posting: read_models.Posting, masking: Masking, own: Masking) -> read_models.Posting:
    """Return a posting with all texts masked; the `own` masking is for its output."""
    output, before = posting.view.output, posting.view.before
    if output.rewritten is not None:
        output = replace(output, rewritten=masking.shown(output.rewritten))
    text, masked = own.counted(output.text)
    after = posting.view.after
    view = masking.shown(posting.view, keep={"output", "before", "after"})
    topic = masking.cut(posting.view.topic)
    before = before and replace(before, text=own.text(before.text))
    after = after and replace(after, text=own.text(after.text))
    output = replace(output, text=text)
    view = replace(view, output=output, before=before, after=after, masked=masked, topic=topic)
    return replace(posting, view=view)


@reads("executions")
def _given_to(row: sa.Row[Any]) -> Given:
    return shown(to_caller_values(row.inputs)) or shown(to_caller_values(row.meta))


@reads("rounds")
def _to_shown_line(row: sa.Row[Any]) -> read_models.RoundLine:
    format_ = Format(row.format)
    return replace(
        round_rows.to_line(row),
        excerpt=row.excerpt,
        characters=row.characters,
        format=format_,
        masked=None if row.masked is None else bool(row.masked),
        erased=row.erased or 0,
    )


async def _arguments_after(
    connection: Connection, round_: Round, newer: read_models.NewerRound | None
) -> Output | None:
    if newer is None or not round_.subject.has_arguments:
        return None
    # Readers of this card may not be in the newer card's channel: newer arguments are not shown.
    if newer.round.rule.channel != round_.rule.channel or newer.round.removed_at is not None:
        return None
    found = await rows(connection, _ARGUMENTS, {"round": newer.round.id})
    return round_rows.to_output(found[0])


async def _newer_round(connection: Connection, row: sa.Row[Any]) -> read_models.NewerRound | None:
    """Return the latest round with a card that came after a LINE row's round, or None."""
    found = await rows(connection, _NEWEST, {"review": row.review_id, "number": row.number})
    card = round_rows.to_card(found[0]) if found else None
    newer = None if card is None else or_none(round_rows.to_round, found[0])
    return None if card is None or newer is None else read_models.NewerRound(newer, card)
