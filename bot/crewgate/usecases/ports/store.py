"""The database, as the use cases see it: the store's own classes."""

from crewgate.store.outbox import Outbox
from crewgate.store.queries import Queries
from crewgate.store.transaction import Tx
from crewgate.store.unit_of_work import UnitOfWork

__all__ = ["Outbox", "Queries", "Tx", "UnitOfWork"]
