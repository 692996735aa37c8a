"""Files that Slack took: looked for later, uploaded once more, and said to be missing."""

from collections.abc import Awaitable, Callable

import pytest

from crewgate.domain.effects import SLACK, UPDATES, EffectKind, posts_destination
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.usecases.delivery.context import SHARE_GRACE
from crewgate.usecases.ports.base import Job
from tests.builders import SECOND
from tests.usecases.faults import Fault
from tests.usecases.world import World


async def a_round(world: World) -> None:
    """A card whose output follows as a file."""
    world.slack.excerpts = True
    await world.notify()


async def a_result(world: World) -> None:
    """An execution whose result follows as a file."""
    world.slack.long_results = True
    await world.start()
    await world.record(CrewUpdate(result=Output("long")))


ATTACHES = {EffectKind.ATTACH, EffectKind.RESULT_FILE}
LOOKS = {EffectKind.LOOK_FOR_FILE, EffectKind.LOOK_FOR_RESULT_FILE}
Begin = Callable[[World], Awaitable[None]]
of_both = pytest.mark.parametrize("begin", [a_round, a_result])


def files(world: World) -> int:
    """Return the number of visible files."""
    return len(world.slack.files) + len(world.slack.keyed("file"))


def said(world: World) -> int:
    """Return how often people were told that a file is missing."""
    told = world.slack.keyed("attach failed")
    return len(told) + world.messages_said().count(EffectKind.RESULT_FILE_FAILED)


@of_both
@pytest.mark.parametrize(("unshared", "there"), [(0, 1), (1, 1), (2, 0)])
async def test_a_file_is_looked_for_once_an_upload_and_uploaded_twice_at_most(
    world: World, begin: Begin, unshared: int, there: int
) -> None:
    world.slack.unshared = unshared
    await begin(world)
    for looks in range(3):
        await world.settle_slack()
        assert world.slack.calls.count("find file") == min(looks, unshared + 1, 2)
        world.clock.advance(SHARE_GRACE - SECOND)
        assert await world.turn() == []  # not before
        world.clock.advance(SECOND)
    await world.settle_slack()

    assert (files(world), said(world)) == (there, 1 - there)
    assert world.slack.calls.count("find file") == min(unshared + 1, 2)


@of_both
async def test_a_bot_that_stood_still_looks_for_no_file_of_another(
    world: World, begin: Begin
) -> None:
    await begin(world)
    late: list[Job] = []
    while not late:
        jobs = await world.lease(SLACK)
        late = [job for job in jobs if job.effect.kind in ATTACHES]
        await world.deliver(*(job for job in jobs if job not in late))
    await world.lapse()
    await world.settle_slack()
    await world.deliver(*late)

    assert len([one for one in await world.effects() if one in LOOKS]) == 1


async def test_nothing_is_looked_for_below_a_card_that_is_gone(world: World) -> None:
    world.slack.excerpts, world.slack.unshared = True, 1
    round_ = (await world.notify()).round
    await world.settle_slack()
    async with world.uow.begin() as tx:
        await tx.forget_card(round_, world.slack.card(round_.id).ref)
    world.clock.advance(SHARE_GRACE)
    await world.settle_slack()

    assert (files(world), said(world)) == (0, 0)
    assert await world.effects() == []


@of_both
async def test_without_the_scope_only_a_result_says_that_no_file_follows(
    world: World, begin: Begin
) -> None:
    off = Refused("missing_scope", "files:write", RefusalKind.OFF)
    await begin(world)
    for destination in (posts_destination("research"), UPDATES):
        while await world.turn(destination):
            pass
    world.slack.faults.append(Fault(off))
    world.slack.execution_faults.append(off)
    await world.settle_slack()

    assert (files(world), said(world)) == (0, int(begin is a_result))
    assert "find file" not in world.slack.calls
    assert await world.effects() == []
