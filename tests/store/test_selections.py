"""The first rounds of a selection, in order, and how many there are."""

from datetime import datetime

from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.store.statements import RANGES
from crewgate.usecases.notes import claim
from crewgate.usecases.read_models import NO_RULE_ID, Selection
from tests.builders import ANA, BEN, SECOND, a_crew, a_note
from tests.usecases.world import World

OPEN = (State.WAITING, State.DECIDED)


def selected(
    *crews: str,
    states: tuple[State, ...] = (State.WAITING,),
    decided_since: datetime | None = None,
) -> Selection:
    return Selection(
        queues=tuple((crew, NO_RULE_ID) for crew in crews),
        states=states,
        decided_since=decided_since,
    )


async def opened(world: World, execution: str, *, crew: str = "research") -> str:
    """A round that waits, opened a second after the one before."""
    world.crews.setdefault(crew, a_crew(crew))
    round_ = (await world.notify(crew=crew, execution_id=execution)).round
    world.clock.advance(SECOND)
    return round_.id


async def test_rounds_of_several_crews_and_states_are_in_order_of_time(world: World) -> None:
    ids = [await opened(world, f"e-{n}", crew=f"crew-{n % 2}") for n in range(5)]
    await opened(world, "e-5", crew="another")
    await world.decide(ids[1])
    read = world.uow.read.rounds
    both = selected("crew-0", "crew-1", states=OPEN)
    assert await read.first(both, limit=9) == tuple(ids)
    assert await read.first(both, limit=2, offset=2) == tuple(ids[2:4])
    assert await read.first(both, limit=2, offset=9) == ()
    assert await read.count(both) == 5
    waiting = selected("crew-1")
    assert (await read.first(waiting, limit=9), await read.count(waiting)) == ((ids[3],), 1)
    nobody = selected()
    assert (await read.first(nobody, limit=9), await read.count(nobody)) == ((), 0)


async def test_the_latest_decision_comes_first(world: World) -> None:
    ids = [await opened(world, f"e-{n}") for n in range(3)]
    since = None
    for key in (ids[1], ids[2], ids[0]):
        await world.decide(key)
        since = since or world.clock() + SECOND
        world.clock.advance(SECOND)
    decided = selected("research", states=(State.DECIDED,), decided_since=since)
    read = world.uow.read.rounds
    assert await read.first(decided, limit=9) == (ids[0], ids[2])
    assert await read.count(decided) == 2


async def test_more_crews_than_one_statement_reads(world: World) -> None:
    names = tuple(f"crew-{n:03}" for n in range(RANGES + 1))
    last = await opened(world, "e-1", crew=names[-1])
    first = await opened(world, "e-2", crew=names[0])
    selection = selected(*names)
    read = world.uow.read
    assert await read.rounds.first(selection, limit=9) == (last, first)
    assert await read.rounds.count(selection) == 2
    await world.start("e-3")
    running = await read.executions.running(crews=(*names, "research"), limit=9)
    assert [one.execution.execution_id for one in running] == ["e-1", "e-2", "e-3"]


async def test_lines_come_as_asked_with_notes_and_claims_of_what_waits(world: World) -> None:
    ids = [await opened(world, f"e-{n}") for n in range(3)]
    for key, ts, by in ((ids[0], "9.1", ANA), (ids[0], "9.2", BEN), (ids[2], "9.3", BEN)):
        async with world.uow.begin() as tx:
            assert await tx.notes.keep(a_note(ts=ts, round_id=key, by=by))
    await claim(ids[0], by=BEN, context=world.reviews)
    await world.decide(ids[2], Revise("Shorter."))
    read = world.uow.read.rounds
    second, third, first = await read.lines([ids[1], ids[2], "unknown", ids[0]])
    assert [line.round.id for line in (first, second, third)] == ids
    assert (first.notes, first.noted_by) == (2, (ANA, BEN))
    assert first.claim is not None
    assert first.claim.by == BEN
    assert (second.notes, second.noted_by, second.claim) == (0, (), None)
    assert (third.notes, third.claim) == (0, None)
    assert await read.lines([]) == ()
