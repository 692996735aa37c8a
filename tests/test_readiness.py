"""The number of the database's reads for `/readyz`."""

import asyncio
from collections.abc import Mapping

from crewgate.lifecycle import Supervisor
from crewgate.readiness import Readiness
from crewgate.runtime import RESTART
from crewgate.web.health import Health
from tests.builders import FakeClock


async def test_many_who_ask_at_once_ask_the_database_once() -> None:
    """Strangers may ask, too, and it has few connections."""
    asked: list[str] = []
    answers = asyncio.Event()

    async def probe() -> None:
        asked.append("database")
        await answers.wait()

    async def count_set_aside() -> Mapping[str, int]:
        return {}

    clock = FakeClock()
    readiness = Readiness(
        probe=probe,
        count_set_aside=count_set_aside,
        supervisor=Supervisor(clock=clock, restart=RESTART),
        workers={},
        warnings=(),
        clock=clock,
    )
    gone = asyncio.create_task(readiness.check_health())
    checks = [asyncio.create_task(readiness.check_health()) for _ in range(500)]
    await asyncio.wait_for(asyncio.wait([gone], timeout=0.01), 60)
    gone.cancel()  # a caller that goes away takes nothing from the others
    answers.set()

    assert await asyncio.gather(*checks) == [Health((), ())] * 500
    assert asked == ["database"]
    await readiness.check_health()
    assert len(asked) == 2
