"""The outbox of the tests' database."""

from __future__ import annotations

import pytest

from crewgate.store.engine import Engines
from crewgate.store.outbox import SqlOutbox


@pytest.fixture
def outbox(engines: Engines) -> SqlOutbox:
    return SqlOutbox(engines)
