"""The database, as the use cases see it: the store's own classes."""

from crewgate.store.queries import Queries
from crewgate.store.transaction import Tx
from crewgate.store.unit_of_work import UnitOfWork

__all__ = ["Queries", "Tx", "UnitOfWork"]
