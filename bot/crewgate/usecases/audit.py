"""The linking of audit entries into one chain, whose head is published each hour."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Final

import structlog

from crewgate.domain.audit import BOT, Head, Published, Signature
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import ChainBroken, StoreUnavailable
from crewgate.usecases.ports.base import Clock, Sleep
from crewgate.usecases.ports.store import Tx, UnitOfWork

log = structlog.get_logger(__name__)

LINK_EVERY: Final = 2
#: The pause after a full batch: decisions and notifications have their turn between two batches.
GIVE_WAY: Final = 0.01

Sign = Callable[[Head], Signature]


def is_forged(published: Published, sign: Sign) -> bool:
    """Return True if a head has our key's name, but a signature that our key would not make."""
    ours = sign(published.head)
    return published.signed.key == ours.key and published.signed != ours


async def publish(
    tx: Tx, *, sign: Sign, by: str, channel: str | None, at: datetime
) -> Published | None:
    """Publish the head; None if nothing happened since the last published head.

    Raises ChainBroken if that head is not in this chain, or its signature is not ours.
    """
    head, last = await tx.audit.head(), await tx.audit.last_published()
    if last is not None and is_forged(last, sign):
        raise ChainBroken(last.head.number)
    has_more = head.number > 0 if last is None else await tx.audit.has_more_than(last.head)
    if not has_more:
        return None
    published = Published(head, at, sign(head))
    if last is not None and last.signed.key != published.signed.key:
        log.warning("audit_key_changed", since=last.signed.key, key=published.signed.key)
    await tx.audit.publish(published, by=by)
    if channel is not None:
        target = str(head.number)
        effect = Effect(kind=EffectKind.AUDIT_HEAD, target=target, crew="", channel=channel)
        await tx.enqueue([effect], at=at)
    return published


@dataclass(eq=False, repr=False)
class Linking:
    """Links entries after their commit, a batch at a time: no decision waits until it is linked.

    The head is signed, logged, and posted if a channel is set: after each hour (UTC) with entries,
    and at the stop.
    """

    uow: UnitOfWork
    _: KW_ONLY
    sign: Sign
    channel: str | None
    clock: Clock
    sleep: Sleep
    _looked_at: datetime | None = None

    async def link(self) -> bool:
        async with self.uow.begin() as tx:
            is_full = await tx.audit.link()
        hour = self.clock().replace(minute=0, second=0, microsecond=0)
        is_new = self._looked_at is None or self._looked_at < hour
        if is_new and await self._publish(unless_since=hour):
            self._looked_at = hour
        return bool(is_full)

    async def run(self) -> None:
        """Link until cancelled.

        While entries are few, linking waits for more: under load, linking each entry at once would
        take the writer's turns from decisions.
        """
        while True:
            try:
                more = await self.link()
            except StoreUnavailable as error:
                log.warning("audit_not_linked", why=str(error))
                more = False
            await self.sleep(GIVE_WAY if more else LINK_EVERY)

    async def finish(self) -> None:
        try:
            while await self.link():
                pass
            await self._publish()
        except StoreUnavailable as error:
            log.warning("audit_not_linked", why=str(error))

    async def _publish(self, *, unless_since: datetime | None = None) -> bool:
        now = self.clock()
        try:
            async with self.uow.begin() as tx:
                has_turn = await tx.audit.takes_turn()
                last = await tx.audit.last_published()
                is_early = last and unless_since and last.at >= unless_since
                if is_early or not has_turn:
                    return has_turn
                published = await publish(tx, sign=self.sign, by=BOT, channel=self.channel, at=now)
        except ChainBroken as error:
            log.error("audit_broken", why=str(error))  # noqa: TRY400  # a broken chain is no bug, so no traceback
            return True
        if published is not None:
            signed = published.signed
            log.info(
                "audit_head", head=str(published.head), key=signed.key, signature=signed.signature
            )
        return True
