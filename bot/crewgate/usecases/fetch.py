"""Decisions that askers fetch by long polls, so that no crew is called.

A decision may be fetched again, for an answer may be lost: while its words are stored, and an
approval of a call until it expires. `delivery.resume` reports decisions that nobody fetched.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from crewgate.domain.audit import CREW, Code, Entry, digest_of
from crewgate.domain.crew import Crew
from crewgate.domain.effects import EffectKind, crew_destination
from crewgate.domain.errors import TooManyWait
from crewgate.domain.execution import effect_on
from crewgate.domain.review import Round, State
from crewgate.metrics import FETCHED, resumes
from crewgate.usecases.delivery.resume import edited_of
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.ports.base import Check, Clock, NewId, Wakeup
from crewgate.usecases.ports.crew import Edited
from crewgate.usecases.ports.store import UnitOfWork
from crewgate.usecases.rounds import ask_anew
from crewgate.usecases.track import STATUS_POLL

log = structlog.get_logger(__name__)

#: The pause between two looks at the database: decisions stored by another bot wake no asker here.
LOOK_EVERY: Final = timedelta(seconds=2)
#: The most askers that wait at once: each asker holds a connection, and crews need some too.
AT_ONCE: Final = 100

Render = Callable[[Round, Edited | None], bytes]


@dataclass(eq=False, repr=False)
class Fetches:
    """The askers that wait for decisions of this bot."""

    uow: UnitOfWork
    render: Render
    _: KW_ONLY
    clock: Clock
    new_id: NewId
    look_every: timedelta = LOOK_EVERY
    at_once: int = AT_ONCE
    _waiting: dict[Wakeup, str] = field(default_factory=dict)
    _stopping: bool = False

    def wake(self, destination: str) -> None:
        for asker, of in self._waiting.items():
            if of == destination:
                asker.set()

    def stop(self) -> None:
        self._stopping = True
        for asker in self._waiting:
            asker.set()

    async def fetch(
        self,
        crew: Crew,
        execution_id: str,
        task_id: str,
        *,
        seconds: float,
        is_there: Check,
        number: int | None = None,
    ) -> bytes | None:
        """Wait for the decision on a review's latest round, and return the decision.

        With `number` the answer is about that round, and `closed` once another notification has
        opened a newer round. None: there is no such review or round, or the bot itself sends the
        decision.

        After `seconds` the answer may be that the round still waits. If `is_there` returns False,
        the asker has hung up, and the decision does not count as fetched. Raises TooManyWait and
        StoreUnavailable.
        """
        latest = await self._decided((crew.name, execution_id, task_id), seconds, number)
        if latest is None or latest.is_of_flow or not (crew.is_fetched or latest.is_fetched):
            return None
        edited = await edited_of(latest, self.uow.read)
        if latest.state in (State.DECIDED, State.STUCK) and is_there():
            latest = await self._record(latest, edited, crew)
        if latest.state is State.RESUMED and latest.has_expired(self.clock()):
            latest = replace(latest, state=State.CLOSED)
        return self.render(latest, edited)

    async def _decided(
        self, review: tuple[str, str, str], seconds: float, number: int | None
    ) -> Round | None:
        asker, time = Wakeup(), asyncio.get_running_loop().time
        until = time() + seconds
        of = crew_destination(review[0])
        is_full = len(self._waiting) >= self.at_once and not self._makes_room(of)
        if not is_full:
            self._waiting[asker] = of
        try:
            while True:
                latest = await self.uow.read.latest_round(*review)
                if latest is not None and number is not None and number != latest.number:
                    if number > latest.number:
                        return None
                    first = latest
                    if latest.origin_id is not None:  # a person's text, or a call asked about anew
                        first = await self.uow.read.round(latest.origin_id)
                    if number < first.number:
                        return replace(latest, number=number, state=State.CLOSED)
                left = until - time()
                if latest is None or latest.state is not State.WAITING or left <= 0:
                    return latest
                if is_full:
                    raise TooManyWait
                if self._stopping or asker not in self._waiting:
                    return latest
                await asker.wait(min(left, self.look_every.total_seconds()))
        finally:
            self._waiting.pop(asker, None)

    def _makes_room(self, of: str) -> bool:
        """End the oldest poll of the crew with the most polls, unless this crew has as many.

        Its asker learns that the round still waits, and asks again.
        """
        counts = Counter(self._waiting.values())
        [(most, many)] = counts.most_common(1)
        if many <= counts[of] + 1:
            return False
        oldest = next(asker for asker, theirs in self._waiting.items() if theirs == most)
        del self._waiting[oldest]
        oldest.set()
        return True

    async def _record(self, decided: Round, edited: Edited | None, crew: Crew) -> Round:
        now = self.clock()
        async with self.uow.begin() as tx:
            execution = await tx.executions.open(crew.name, decided.review.execution_id, at=now)
            current = await tx.round(decided.id)
            if current.state not in (State.DECIDED, State.STUCK):  # it changed since it was read
                return current
            if current.has_expired(now):
                return await ask_anew(
                    tx,
                    current.expire(now),
                    may_have_run=current.in_doubt,
                    crew=crew,
                    at=now,
                    new_id=self.new_id,
                )
            fetched = current.fetch(now)
            digest = digest_of(self.render(fetched.round, edited), current.salt)
            await tx.save(fetched.round)
            tx.audit.of_round(Entry(Code.FETCHED, CREW, {"sent": digest}), fetched.round)
            await tx.enqueue(fetched.effects, at=now)
            if not crew.is_fetched:  # the asker goes on: ask soon for the crew's status
                poll = effect_on(execution, EffectKind.POLL_STATUS)
                await tx.expedite(poll, at=now + STATUS_POLL.first)
        resumes.labels(decided.review.crew, FETCHED).inc()
        log.info("fetched", **fields_of(fetched.round))
        return fetched.round
