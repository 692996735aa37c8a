"""The store's tests run on both databases."""

import pytest

from crewgate.store.engine import Engines
from crewgate.store.outbox import Outbox
from tests.store.jobs import CREWS


@pytest.fixture
def outbox(engines: Engines) -> Outbox:
    return Outbox(engines, CREWS)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
