"""Linking audit entries into one chain, and having its head leave the database once a day."""

from collections.abc import Callable
from datetime import date
from typing import Final

import structlog

from crewgate.domain.audit import Head, Signature
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import StoreUnavailable
from crewgate.usecases.ports.base import Clock, Sleep
from crewgate.usecases.ports.store import Tx, UnitOfWork

log = structlog.get_logger(__name__)

#: The pause after a batch that was not full, in seconds.
LINK_EVERY: Final = 2
#: The pause after a full one: what people and crews wait for has its turn between two batches.
GIVE_WAY: Final = 0.01


class Linking:
    """Links what was committed, a batch at a time; no other transaction waits for it.

    Each day, by UTC, the first batch has its head signed, logged, and posted where that is set.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        *,
        sign: Callable[[Head], Signature],
        channel: str | None,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._uow = uow
        self._sign = sign
        self._channel = channel
        self._clock = clock
        self._sleep = sleep
        self._published_on = date.min

    async def link(self) -> bool:
        """Link one batch; whether it was full, so that there may be more."""
        async with self._uow.begin() as tx:
            linked = await tx.audit.link()
            if linked is None:
                return False
            head, is_full = linked
            signed = await self._publish(head, tx)
        if signed is not None:
            log.info("audit_head", head=str(head), key=signed.key, signature=signed.signature)
        return is_full

    async def run(self) -> None:
        """Link until cancelled.

        Under load there is always a next entry: to go on for a few would take the writer's turn
        from decisions all the time.
        """
        while True:
            try:
                more = await self.link()
            except StoreUnavailable as error:
                log.warning("audit_not_linked", why=str(error))
                more = False
            await self._sleep(GIVE_WAY if more else LINK_EVERY)

    async def _publish(self, head: Head, tx: Tx) -> Signature | None:
        """Publish a head, unless one of this day was."""
        now = self._clock()
        if self._published_on < now.date():
            # Another process may have been faster.
            last = await tx.audit.published_at()
            self._published_on = date.min if last is None else last.date()
        if self._published_on >= now.date():
            return None
        signed = self._sign(head)
        await tx.audit.publish(head, signed, at=now)
        if self._channel is not None:
            kind = EffectKind.AUDIT_HEAD
            effect = Effect(kind, str(head.number), "", "", channel=self._channel)
            await tx.enqueue([effect], at=now)
        return signed
