"""Approvals of several groups: each counts for one, by the members at the time of the press."""

from datetime import timedelta

import pytest

from crewgate.domain.errors import GroupsComplete, GroupsUnresolved, NotAReviewer, SelfApproval
from crewgate.domain.people import User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Rule
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.usecases import queries
from crewgate.usecases.away import go_away
from crewgate.usecases.decide import take_back
from crewgate.usecases.delivery.cards import people_of
from crewgate.usecases.queries import queue
from tests.builders import ANA, BEN, CAI, EVE, NOW, a_crew, a_rule
from tests.databases import both
from tests.usecases.world import World

LEGAL, FINANCE = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
DAY = timedelta(days=1)


def groups(*, legal: int = 1, finance: int = 1, **changes: object) -> Rule:
    """The rule as the settings make it."""
    needed = ((LEGAL, legal), (FINANCE, finance))
    return a_rule(
        approvals_from=needed, reviewers=(LEGAL, FINANCE), approvals=legal + finance, **changes
    )


async def waits(world: World, rule: Rule | None = None) -> str:
    """Ana is in both groups, Ben in legal, Cai in finance."""
    world.directory.people |= {
        LEGAL: frozenset({ANA.id, BEN.id}),
        FINANCE: frozenset({ANA.id, CAI.id}),
    }
    world.crews["research"] = a_crew(rules=(rule or groups(),))
    return (await world.notify()).round.id


def counted(round_: Round) -> list[tuple[Person, UserGroup | None]]:
    return [(vote.by, vote.group) for vote in round_.votes]


@both
async def test_who_is_in_both_counts_where_they_are_needed(world: World) -> None:
    round_id = await waits(world)
    assert counted(await world.decide(round_id, by=ANA)) == [(ANA, LEGAL)]
    await world.decide(round_id, Approve("Fine."), by=BEN)
    stored = await world.round(round_id)
    assert counted(stored) == [(ANA, FINANCE), (BEN, LEGAL)]
    assert stored.decision is not None
    assert stored.decision.votes == stored.votes
    world.directory.people[LEGAL] = frozenset()
    assert counted(await world.round(round_id)) == [(ANA, FINANCE), (BEN, LEGAL)]


async def test_a_group_that_has_approved_takes_no_more_approvals(world: World) -> None:
    round_id = await waits(world)
    world.directory.people[LEGAL] = frozenset({BEN.id, EVE.id})
    await world.decide(round_id, by=BEN)
    with pytest.raises(GroupsComplete):
        await world.decide(round_id, by=EVE)
    assert counted(await world.round(round_id)) == [(BEN, LEGAL)]
    sent_back = await world.decide(round_id, Revise("Shorter."), by=EVE)
    assert sent_back.state is State.DECIDED


@both
async def test_what_others_have_approved_for_ones_groups_waits_for_others(world: World) -> None:
    round_id = await waits(world, groups(escalate=Escalation(Duration(DAY), (User(EVE.id),))))
    world.directory.people[LEGAL] |= {"U0LEA"}
    await go_away(CAI, Person("U0DEL", "Del"), until=NOW + DAY, context=world.reviews)

    async def waits_for() -> list[str]:
        people = [ANA.id, BEN.id, CAI.id, EVE.id, "U0LEA", "U0DEL"]
        parts = {user: await queue(user, page=0, context=world.reviews) for user in people}
        pending = [await queries.pending(user, mine=True, context=world.reviews) for user in people]
        mine = [user for user, found in parts.items() if found.mine.total]
        assert mine == [user for user, found in zip(people, pending, strict=True) if found.total]
        listed = [user for user, found in parts.items() if found.mine.total + found.others.total]
        assert set(mine) <= set(listed)
        assert BEN.id in listed
        return mine

    assert await waits_for() == [ANA.id, BEN.id, CAI.id, "U0LEA", "U0DEL"]
    await world.decide(round_id, by=BEN)
    assert await waits_for() == [ANA.id, CAI.id, "U0DEL"]
    await take_back(round_id, by=BEN, context=world.reviews)
    # Ana counts for the group that is missing.
    await world.decide(round_id, by=ANA)
    assert await waits_for() == [BEN.id, CAI.id, "U0LEA", "U0DEL"]
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(round_id)).escalate(NOW).round)
    assert await waits_for() == [BEN.id, CAI.id, EVE.id, "U0LEA", "U0DEL"]
    await take_back(round_id, by=ANA, context=world.reviews)
    await world.decide(round_id, by=BEN)
    assert await waits_for() == [ANA.id, CAI.id, EVE.id, "U0DEL"]
    # While Slack does not tell, nothing is hidden.
    del world.directory.people[FINANCE]
    assert await waits_for() == [ANA.id, EVE.id, "U0LEA"]


async def test_what_is_taken_back_is_missing_again(world: World) -> None:
    round_id = await waits(world)
    await world.decide(round_id, by=BEN)
    await take_back(round_id, by=BEN, context=world.reviews)
    await world.decide(round_id, by=CAI)
    assert counted(await world.round(round_id)) == [(CAI, FINANCE)]
    assert (await world.decide(round_id, by=ANA)).decision is not None


async def test_who_left_a_group_counts_for_the_other_one_if_that_has_room(world: World) -> None:
    round_id = await waits(world, groups(finance=2))
    await world.decide(round_id, by=ANA)
    world.directory.people[LEGAL] = frozenset({BEN.id})
    assert counted(await world.decide(round_id, by=CAI)) == [(ANA, FINANCE), (CAI, FINANCE)]


async def test_an_approval_without_a_place_any_more_lapses(world: World) -> None:
    round_id = await waits(world, groups(finance=2))
    for by in (ANA, BEN):
        await world.decide(round_id, by=by)
    assert counted(await world.round(round_id)) == [(ANA, FINANCE), (BEN, LEGAL)]
    world.directory.people[FINANCE] = frozenset({CAI.id})
    assert counted(await world.decide(round_id, by=CAI)) == [(ANA, LEGAL), (CAI, FINANCE)]


async def test_a_delegate_approves_for_the_group_of_who_is_away(world: World) -> None:
    round_id = await waits(world)
    await go_away(CAI, BEN, until=NOW + DAY, context=world.reviews)
    await world.decide(round_id, by=ANA)
    world.directory.people[FINANCE] = frozenset({CAI.id})
    decided = await world.decide(round_id, by=BEN)
    assert [(vote.by, vote.on_behalf_of, vote.group) for vote in decided.votes] == [
        (ANA, None, LEGAL),
        (BEN, CAI, FINANCE),
    ]
    other = (await world.notify(execution_id="e-2")).round.id
    assert counted(await world.decide(other, by=BEN)) == [(BEN, LEGAL)]


async def test_who_started_it_counts_for_no_group(world: World) -> None:
    round_id = await waits(world, groups(self_approval=False))
    await world.start()
    with pytest.raises(SelfApproval):
        await world.decide(round_id, by=ANA)
    await world.decide(round_id, by=BEN)
    assert (await world.decide(round_id, by=CAI)).decision is not None


async def test_whom_an_escalation_adds_counts_for_any_group(world: World) -> None:
    round_id = await waits(world, groups(escalate=Escalation(Duration(DAY), (User(EVE.id),))))
    with pytest.raises(NotAReviewer):
        await world.decide(round_id, by=EVE)
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(round_id)).escalate(NOW).round)
    await world.decide(round_id, by=CAI)
    decided = await world.decide(round_id, by=EVE)
    assert counted(decided) == [(CAI, FINANCE), (EVE, LEGAL)]


async def test_and_also_while_slack_does_not_tell_of_the_groups(world: World) -> None:
    people = (User(EVE.id), UserGroup("S0LEADS"))
    world.directory.people[people[1]] = frozenset({"U0LEAD"})
    round_id = await waits(world, groups(escalate=Escalation(Duration(DAY), people)))
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(round_id)).escalate(NOW).round)
    del world.directory.people[LEGAL], world.directory.people[FINANCE]
    with pytest.raises(GroupsUnresolved):
        await world.decide(round_id, by=Person("U0LEAD", "Lea"))
    voted = await world.decide(round_id, by=EVE)
    assert counted(voted) == [(EVE, LEGAL)]


async def test_where_slack_does_not_tell_nobody_is_counted_who_may_be_in_no_group(
    world: World,
) -> None:
    round_id = await waits(world)
    await world.decide(round_id, by=ANA)
    del world.directory.people[LEGAL]
    with pytest.raises(NotAReviewer) as caught:
        await world.decide(round_id, by=BEN)
    assert caught.value.uncertain
    assert counted(await world.round(round_id)) == [(ANA, LEGAL)]
    decided = await world.decide(round_id, by=CAI)
    assert counted(decided) == [(ANA, LEGAL), (CAI, FINANCE)]
    assert (LEGAL,) in world.directory.resolved


async def test_slack_is_asked_for_a_group_that_memory_does_not_tell_of(world: World) -> None:
    round_id = await waits(world)
    await world.decide(round_id, by=CAI)
    world.directory.resolves[LEGAL] = world.directory.people.pop(LEGAL)
    decided = await world.decide(round_id, by=ANA)
    assert counted(decided) == [(CAI, FINANCE), (ANA, LEGAL)]


async def test_only_people_of_the_groups_that_are_missing_are_reminded(world: World) -> None:
    round_id = await waits(world, groups(finance=2))
    await go_away(BEN, EVE, until=NOW + DAY, context=world.reviews)
    await world.decide(round_id, by=ANA)
    waiting = await world.round(round_id)
    found = await people_of(waiting, world.context, missing=True)
    assert found.users == {ANA.id, CAI.id}
    assert waiting.not_voted([LEGAL, FINANCE, User(ANA.id), User(EVE.id)]) == (
        FINANCE,
        User(EVE.id),
    )
