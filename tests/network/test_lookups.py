"""Looking host names up without ever waiting for one that hangs."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from crewgate.network.untrusted_addresses import Lookups, TooManyLookups
from tests.resolver import Names

#: A deadline that no lookup of these tests has to keep.
NOW = 0.02


@pytest.fixture
def names() -> Iterator[Names]:
    found = Names()
    yield found
    found.released.set()


async def test_a_name_is_found(names: Names) -> None:
    assert await Lookups(names).addresses("crew.example", owner="a") == ["127.0.0.1"]


async def test_a_name_that_nobody_knows_is_an_error(names: Names) -> None:
    with pytest.raises(socket.gaierror, match="nobody"):
        await Lookups(names).addresses("nobody.example", owner="a")


@pytest.mark.parametrize("host", ["a..com", "a" * 70 + ".com"])
async def test_what_is_no_name_is_an_error(host: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the library words them differently
        await Lookups().addresses(host, owner="a")


async def test_a_name_that_hangs_is_given_up_and_not_asked_again_meanwhile(names: Names) -> None:
    lookups = Lookups(names, deadline=NOW, for_each=1)

    for _ in range(50):
        with pytest.raises(TimeoutError):
            await lookups.addresses("slow.example", owner="a")

    assert names.asked == ["slow.example"]
    with pytest.raises(TooManyLookups):
        await lookups.addresses("crew.example", owner="a")


async def test_one_lookup_answers_all_who_ask_meanwhile(names: Names) -> None:
    lookups = Lookups(names)
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(lookups.addresses("slow.example", owner="a")) for _ in range(9)]
        await asyncio.sleep(0)  # noqa: TID251  # lets them ask
        names.released.set()

    assert [task.result() for task in asking] == [["127.0.0.1"]] * 9
    assert names.asked == ["slow.example"]


async def test_a_name_that_answers_after_all_can_be_asked_again(names: Names) -> None:
    lookups = Lookups(names, deadline=NOW)
    with pytest.raises(TimeoutError):
        await lookups.addresses("slow.example", owner="a")
    names.released.set()

    async with asyncio.timeout(60):
        while (found := await _try(lookups, "slow.example")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0)  # noqa: TID251  # the thread tells no one when it is done
    assert found == ["127.0.0.1"]


async def _try(lookups: Lookups, host: str) -> list[str] | None:
    try:
        return await lookups.addresses(host, owner="a")
    except TimeoutError:
        return None


async def test_one_owner_holds_a_few_lookups_and_leaves_the_others_theirs(names: Names) -> None:
    lookups = Lookups(names, for_each=3)
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(lookups.addresses(f"slow-{number}.example", owner="a"))
        await asyncio.sleep(0)  # noqa: TID251  # lets them ask

        with pytest.raises(TooManyLookups):
            await lookups.addresses("crew.example", owner="a")

        assert await lookups.addresses("crew.example", owner="b") == ["127.0.0.1"]
        names.released.set()
    assert len(names.asked) == 4


async def test_whoever_stops_waiting_stops_nobody_else(names: Names) -> None:
    lookups = Lookups(names)
    first = asyncio.create_task(lookups.addresses("slow.example", owner="a"))
    second = asyncio.create_task(lookups.addresses("slow.example", owner="a"))
    await asyncio.sleep(0)  # noqa: TID251  # lets them ask
    first.cancel()
    names.released.set()

    assert await second == ["127.0.0.1"]
    assert first.cancelled()
