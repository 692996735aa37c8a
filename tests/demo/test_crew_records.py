"""The stand-in crew's records of its calls and webhooks, and the announcements to its observers."""

from tests.standins.crew import Crew


async def test_after_it_stopped_nothing_is_sent(crew: Crew) -> None:
    await crew.stop()
    assert (await crew.pause("e-1", "t", "x")).error == "the crew is not running"
