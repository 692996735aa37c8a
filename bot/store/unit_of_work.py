"""Where transactions come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.store.engine import Engines
from bot.store.failures import translated
from bot.store.queries import SqlQueries
from bot.store.transaction import SqlTransaction

Wake = Callable[[str], None]
"""Called with a destination that has something new to do."""


class SqlUnitOfWork:
    """`usecases.ports.UnitOfWork`."""

    def __init__(self, engines: Engines, *, wake: Wake) -> None:
        self._engines = engines
        self._wake = wake
        self.read = SqlQueries(engines.read)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        """See `UnitOfWork`."""
        with translated():
            async with self._engines.write.begin() as connection:
                transaction = SqlTransaction(connection)
                yield transaction
        for destination in transaction.woken:
            self._wake(destination)
