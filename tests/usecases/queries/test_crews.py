"""The overview of all executions and crews."""

from crewgate.domain.outcome import Refused, Unknown
from crewgate.domain.review import State
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.crew import CrewClient
from crewgate.usecases.queries import LINES, Overview, execution
from crewgate.usecases.queries import overview as ask
from crewgate.usecases.read_models import CrewUnavailable
from tests.builders import ANA, EVE, SECOND
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World


async def overview(world: World, by: Person = ANA) -> Overview:
    return await ask(by.id, clients=world.context.clients, context=world.reviews)


def names(seen: Overview) -> list[str]:
    return [line.posting.execution.execution_id for line in seen.executions]


async def test_the_overview_asks_every_crew(world: World) -> None:
    await world.start()
    world.crew.says = CrewUnavailable("connection refused")

    seen = await overview(world)

    assert [crew.warning for crew in seen.crews] == ["connection refused"]
    assert names(seen) == ["e-1"]


async def test_a_crew_without_an_address_is_not_asked(world: World) -> None:
    await world.start()
    clients: dict[str, CrewClient] = {}
    seen = await ask(ANA.id, clients=clients, context=world.reviews)
    [health] = seen.crews
    assert (health.took, health.warning) == (None, None)
    found = await execution("e-1", by=ANA.id, context=world.reviews, clients=clients)
    assert isinstance(found.progress, CrewUnavailable)
    assert found.progress.answered


async def test_the_overview_leaves_out_crews_that_the_asker_may_not_read(world: World) -> None:
    await world.start()

    seen = await overview(world, EVE)

    assert (seen.crews, seen.executions, seen.more) == ((), (), False)


async def test_what_needs_somebody_comes_first_and_nothing_twice(world: World) -> None:
    await world.start("running")
    rounds = {}
    for name in ("waiting", "decided", "stuck", "resumed", "closed"):
        world.clock.advance(SECOND)
        rounds[name] = (await world.notify(execution_id=name)).round
    await world.notify("Another task.", execution_id="waiting", task_id="other")
    await world.decide(rounds["stuck"].id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await world.decide(rounds["resumed"].id)
    world.crew.pause(execution="resumed")
    await world.turn(CREW)
    await world.decide(rounds["decided"].id)
    await world.record_update("closed", ended="the execution has ended")

    seen = await overview(world)

    assert names(seen) == ["stuck", "decided", "waiting", "running", "resumed"]
    assert [[line.round.state for line in one.rounds] for one in seen.executions] == [
        [State.STUCK],
        [State.DECIDED],
        [State.WAITING, State.WAITING],
        [],
        [],
    ]
    assert (seen.stuck, seen.waiting, seen.sending, seen.more) == (1, 2, 1, False)


async def test_a_crew_that_answers_and_takes_no_decision_is_not_well(world: World) -> None:
    await world.decide((await world.notify()).round.id)
    world.crew.faults.extend([Fault(Unknown("500", "no", "500"))] * 3)
    begun = world.clock()
    for tries in range(1, 4):
        await world.turn(CREW)
        [health] = (await overview(world)).crews
        assert (health.warning, health.failing is None) == (None, tries < 3)
        world.clock.advance(30 * SECOND)
    failing = health.failing
    assert failing is not None
    assert (failing.decisions, failing.tries, failing.since) == (1, 3, begun)
    assert begun + 60 * SECOND < failing.next_at
    world.crew.pause()
    await world.turn(CREW)
    [health] = (await overview(world)).crews
    assert health.failing is None


async def test_the_list_is_cut(world: World) -> None:
    for number in range(LINES):
        await world.start(f"e-{number:02}")
        world.clock.advance(SECOND)
    assert not (await overview(world)).more
    await world.start("e-99")
    seen = await overview(world)
    assert (len(seen.executions), names(seen)[-1], seen.more) == (LINES, "e-19", True)
    for number in range(LINES + 1):
        await world.notify(execution_id=f"e-{number:02}")
    seen = await overview(world)
    assert (len(seen.executions), seen.waiting, seen.more) == (LINES, LINES + 1, True)
