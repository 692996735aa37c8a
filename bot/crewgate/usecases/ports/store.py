"""The database, as the use cases see it: a unit of work over the store's own classes."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from crewgate.store.queries import Queries
from crewgate.store.transaction import Tx

__all__ = ["Queries", "Tx", "UnitOfWork"]


class UnitOfWork(Protocol):
    """The unit of work: transactions, and reading outside of them."""

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """Begin a transaction: committed when the block ends, rolled back when it raises.

        Raises StoreUnavailable, at the start or at the commit; then nothing was stored.
        """

    @property
    def read(self) -> Queries: ...
