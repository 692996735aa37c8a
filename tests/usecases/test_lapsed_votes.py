"""An approval counts only while its author may decide."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from crewgate.domain.people import Anyone, ReviewerRef, User, UserGroup
from crewgate.domain.review import Round
from crewgate.domain.verdict import Person
from crewgate.usecases.away import come_back, go_away
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.usecases.world import World

GROUP = UserGroup("S0LEGAL")
DAY = timedelta(days=1)


def settings(world: World, *people: ReviewerRef) -> None:
    """The settings of now: two of these have to approve."""
    world.crews["research"] = a_crew(reviewers=people, rules=(a_rule(approvals=2),))


async def approved_by(world: World, by: Person, *people: ReviewerRef) -> str:
    """A round that waits for a second approval."""
    settings(world, *people)
    round_id = (await world.notify()).round.id
    await world.decide(round_id, by=by)
    return round_id


def voters(round_: Round) -> Sequence[Person]:
    return [vote.by for vote in round_.votes]


async def test_who_is_no_reviewer_any_more_is_not_counted(world: World) -> None:
    round_id = await approved_by(world, ANA, User(ANA.id), User(BEN.id))
    settings(world, User(BEN.id), User(CAI.id))
    counted = await world.decide(round_id, by=BEN)
    assert (counted.decision, voters(counted)) == (None, [BEN])
    assert (await world.round(round_id)).votes == counted.votes
    assert (await world.decide(round_id, by=CAI)).decision is not None


async def test_nor_who_left_the_group(world: World) -> None:
    world.directory.people[GROUP] = frozenset({ANA.id, BEN.id})
    round_id = await approved_by(world, ANA, GROUP)
    world.directory.people[GROUP] = frozenset({BEN.id, CAI.id})
    assert voters(await world.decide(round_id, by=BEN)) == [BEN]


async def test_nor_whose_account_was_deactivated(world: World) -> None:
    round_id = await approved_by(world, ANA, User(ANA.id), User(BEN.id), User(CAI.id))
    world.directory.gone = {ANA.id}
    assert voters(await world.decide(round_id, by=BEN)) == [BEN]
    world.directory.gone = set()
    assert (await world.decide(round_id, by=CAI)).decision is not None


async def test_nor_who_left_the_channel_whose_members_decide(world: World) -> None:
    world.directory.channels["C0REVIEWS"] = {ANA.id, BEN.id}
    round_id = await approved_by(world, ANA, Anyone())
    world.directory.channels["C0REVIEWS"] = {BEN.id}
    assert voters(await world.decide(round_id, by=BEN)) == [BEN]


@pytest.mark.parametrize(("members", "counted"), [({ANA.id}, [ANA, BEN]), ({CAI.id}, [BEN])])
async def test_slack_is_asked_where_memory_does_not_tell(
    world: World, members: set[str], counted: list[Person]
) -> None:
    world.directory.people[GROUP] = frozenset({ANA.id})
    round_id = await approved_by(world, ANA, GROUP, User(BEN.id))
    del world.directory.people[GROUP]
    world.directory.resolves[GROUP] = frozenset(members)
    assert voters(await world.decide(round_id, by=BEN)) == counted


async def test_slack_is_asked_about_each_of_them(world: World) -> None:
    """As after a start: who has become a guest meanwhile is not in memory."""
    members = {ANA.id, BEN.id, CAI.id}
    world.directory.channels["C0REVIEWS"] = world.directory.learns["C0REVIEWS"] = members
    world.crews["research"] = a_crew(reviewers=(Anyone(),), rules=(a_rule(approvals=3),))
    round_id = (await world.notify()).round.id
    for by in (ANA, BEN):
        await world.decide(round_id, by=by)
    world.directory.unknown, world.directory.guests = {ANA.id, BEN.id}, {BEN.id}
    counted = await world.decide(round_id, by=CAI)
    assert (counted.decision, voters(counted)) == (None, [ANA, CAI])
    assert [user for user, _ in world.directory.looked_up] == [ANA.id, BEN.id]


async def test_what_was_given_counts_where_slack_does_not_say(world: World) -> None:
    world.directory.people[GROUP] = frozenset({ANA.id})
    round_id = await approved_by(world, ANA, GROUP, User(BEN.id))
    del world.directory.people[GROUP]
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_who_stood_in_is_counted_as_long_as_the_other_may_decide(world: World) -> None:
    settings(world, User(ANA.id), User(BEN.id))
    await go_away(ANA, EVE, until=world.clock() + DAY, context=world.reviews)
    kept, lapsed = [
        (await world.notify(execution_id=execution)).round.id for execution in ("e-1", "e-2")
    ]
    for round_id in (kept, lapsed):
        await world.decide(round_id, by=EVE)
    await come_back(ANA, context=world.reviews)
    assert (await world.decide(kept, by=BEN)).decision is not None
    settings(world, User(BEN.id), User(EVE.id))
    assert voters(await world.decide(lapsed, by=BEN)) == [BEN]


async def test_and_as_long_as_they_are_a_colleague(world: World) -> None:
    settings(world, User(ANA.id), User(BEN.id))
    await go_away(ANA, EVE, until=world.clock() + DAY, context=world.reviews)
    round_id = (await world.notify()).round.id
    await world.decide(round_id, by=EVE)
    world.directory.guests, world.directory.unknown = {EVE.id}, {EVE.id}
    assert voters(await world.decide(round_id, by=BEN)) == [BEN]
