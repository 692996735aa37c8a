"""An approval that would surely be refused is known before the press, as the press finds it."""

from datetime import timedelta

import pytest

from crewgate.domain import errors
from crewgate.domain.people import Role, User
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Rule, TimeOut
from crewgate.domain.verdict import Person
from crewgate.usecases.access import crew_for
from crewgate.usecases.away import go_away
from crewgate.usecases.waiting import counts
from tests.builders import ANA, BEN, CAI, EVE, NOW, a_crew, a_rule
from tests.databases import both
from tests.usecases.test_group_votes import groups, waits
from tests.usecases.world import World

DAY = timedelta(days=1)
HOUR = Duration.parse("1h")
OTHERS = a_rule(self_approval=False)


async def known_and_pressed(world: World, round_id: str, by: Person) -> tuple[bool, bool]:
    """The answer of `counts`, and of the press."""
    round_ = await world.round(round_id)
    away = await world.uow.read.absences.find(at=world.clock(), delegate=by.id)
    known = counts(
        round_,
        by.id,
        starters={ANA.id} if not round_.rule.self_approval else (),
        permitted=crew_for(round_, world.crews).permitted(Role.REVIEWER),
        away=away,
        directory=world.directory,
    )
    try:
        await world.decide(round_id, by=by)
    except (errors.VoteRefused, errors.NotPermitted):
        return known, False
    return known, True


@pytest.mark.parametrize(
    ("by", "stands_in_for", "delegation", "counts_"),
    [
        (ANA, None, True, False),
        (BEN, None, True, True),
        (EVE, None, True, False),
        (EVE, ANA, True, False),
        (EVE, BEN, True, True),
        (EVE, BEN, False, False),
        (BEN, ANA, True, True),
    ],
)
async def test_a_starter_approves_neither_as_themselves_nor_through_a_delegate(
    world: World, by: Person, stands_in_for: Person | None, *, delegation: bool, counts_: bool
) -> None:
    rule = a_rule(self_approval=False, delegation=delegation)
    people = (User(ANA.id), User(BEN.id), User(CAI.id))
    world.crews["research"] = a_crew(reviewers=people, rules=(rule,))
    await world.start()
    round_id = (await world.notify()).round.id
    if stands_in_for is not None:
        await go_away(stands_in_for, by, until=NOW + DAY, context=world.reviews)
    assert await known_and_pressed(world, round_id, by) == (counts_, counts_)


@pytest.mark.parametrize(("by", "counts_"), [(ANA, True), (CAI, True), (EVE, False)])
async def test_a_group_that_is_complete_takes_no_other_approval(
    world: World, by: Person, *, counts_: bool
) -> None:
    round_id = await waits(world)
    legal = next(iter(world.directory.people))
    world.directory.people[legal] |= {EVE.id}
    await world.decide(round_id, by=BEN)
    assert await known_and_pressed(world, round_id, by) == (counts_, counts_)


async def test_where_slack_names_no_group_nobody_is_ruled_out(world: World) -> None:
    round_id = await waits(world)
    world.directory.people.clear()
    round_ = await world.round(round_id)
    assert counts(round_, EVE.id, away=(), directory=world.directory)


async def test_a_rule_that_has_escalated_takes_its_people_for_any_group(world: World) -> None:
    rule: Rule = groups(escalate=Escalation(HOUR, (User(EVE.id),)))
    round_id = await waits(world, rule)
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(round_id)).escalate(NOW).round)
    assert await known_and_pressed(world, round_id, EVE) == (True, True)


@both
async def test_rows_of_lists_have_the_starter_and_the_time_of_the_rule(world: World) -> None:
    timed = a_rule(self_approval=False, timeout=TimeOut(HOUR))
    world.crews["research"] = a_crew(rules=(timed,))
    await world.start()
    waiting = (await world.notify()).round
    other = (await world.notify("B", execution_id="e-2")).round
    await world.settle_slack()
    lines = await world.uow.read.rounds.lines([waiting.id, other.id])
    assert [one.started_by for one in lines] == [(User(ANA.id),), ()]
    assert [one.due_at for one in lines] == [NOW + timedelta(hours=1)] * 2
    await world.decide(waiting.id, by=BEN)
    [line] = await world.uow.read.rounds.lines([waiting.id])
    assert (line.started_by, line.due_at) == ((), None)
