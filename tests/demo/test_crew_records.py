"""What the stand-in crew keeps of what happened, and how others are told of it."""

from crewgate.demo.crew.deployment import Log
from tests.demo.builders import now
from tests.standins.crew import Crew


def test_memory_is_bounded() -> None:
    log = Log[int](maxlen=3)
    for number in range(5):
        log.append(number)
    assert (list(log), log.total) == ([2, 3, 4], 5)


async def test_old_executions_are_forgotten_the_ended_ones_first() -> None:
    async with Crew(now=now, keep=2) as crew:
        first, second = (crew.start_execution(scripted=False) for _ in range(2))
        crew.end(second)
        third = crew.start_execution(scripted=False)
        assert [execution.id for execution in crew.executions] == [first, third]
        fourth = crew.start_execution(scripted=False)
        assert [execution.id for execution in crew.executions] == [third, fourth]


async def test_after_it_stopped_nothing_is_sent(crew: Crew) -> None:
    await crew.stop()
    assert (await crew.pause("e-1", "t", "x")).error == "the crew is not running"
