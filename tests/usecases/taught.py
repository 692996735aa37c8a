"""A lesson from a revised output that was approved, and what people do with it."""

from crewgate.domain.lessons import Lesson
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person, Revise
from crewgate.usecases import lessons
from tests.builders import ANA, BEN, CAI
from tests.usecases.world import World

TEXT = "Add a source for every figure."
WISH = "Please add a source to each figure"


async def approved(world: World, execution: str = "e-1", *, by: Person = ANA) -> Round:
    """Let this person revise a round, and approve it by as many people as it needs."""
    first = (await world.notify(execution_id=execution)).round
    await world.decide(first.id, Revise(WISH), by=by)
    second = (await world.notify("A draft [1].", execution_id=execution)).round
    for one in (BEN, CAI)[: second.rule.approvals]:
        await world.decide(second.id, by=one)
    return await world.round(second.id)


async def propose(
    world: World, text: str = TEXT, execution: str = "e-1", *, by: Person = ANA
) -> Lesson:
    round_ = await approved(world, execution)
    return await lessons.propose(by, round_.id, text, context=world.reviews)


async def keep(world: World, lesson: Lesson, by: Person = BEN) -> Lesson:
    return await lessons.keep(by, lesson.id, context=world.reviews)


async def kept(world: World, text: str = TEXT, execution: str = "e-1") -> Lesson:
    return await keep(world, await propose(world, text, execution))


async def in_force(world: World, crew: str = "research") -> list[str]:
    found = await world.uow.read.lessons.in_force(crew, world.clock())
    return [one.text for one in found]
