"""Lines that strangers can cause: one a window of each kind, and how many were left out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from crewgate.log_limit import LogLimit

Line = tuple[str, str | None, int]


class Written(list[Line]):
    """What was written: the event, its crew, and how many lines it stands for besides itself."""

    def __init__(self) -> None:
        super().__init__()
        self.grew = asyncio.Event()

    def __call__(
        self, _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        assert not [key for key in event if key.startswith("_counted")]
        self.append((event["event"], event.get("crew"), event.get("left_out", 0)))
        self.grew.set()
        raise structlog.DropEvent


@pytest.fixture
def written() -> Iterator[Written]:
    lines = Written()
    structlog.configure(
        processors=[LogLimit({"refused"}, window=0.05), lines],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    yield lines
    structlog.reset_defaults()


async def until(written: Written, count: int) -> None:
    """Until so many lines were written; windows end by themselves."""
    async with asyncio.timeout(5):
        while len(written) < count:
            written.grew.clear()
            await written.grew.wait()


async def test_a_line_a_window_and_the_number_of_those_left_out(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    for _ in range(1_000):
        log.warning("refused", crew="research")
    log.warning("refused", crew="writing")
    assert written == [("refused", "research", 0), ("refused", "writing", 0)]
    await until(written, 3)
    assert written[2:] == [("refused", "research", 999)]
    log.warning("refused", crew="research")
    assert len(written) == 3
    await until(written, 4)
    assert written[3:] == [("refused", "research", 1)]


async def test_what_comes_seldom_is_written_at_once(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    log.info("refused")
    log.info("other")
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.call_later(0.06, ended.set)
    await ended.wait()
    log.info("refused")
    assert written == [("refused", None, 0), ("other", None, 0), ("refused", None, 0)]


async def test_every_other_line_is_written(written: Written) -> None:
    log = structlog.get_logger("crewgate.test")
    for _ in range(100):
        log.warning("notification", crew="research")
    assert written == [("notification", "research", 0)] * 100
