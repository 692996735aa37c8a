"""Referrals: somebody who may decide asks another who may to look; nobody's rights change."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain import errors
from crewgate.domain.audit import Code
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ReferralProblem, ReferralRefused
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import User, UserGroup
from crewgate.domain.referrals import REFERRAL_LIMIT, REFERRALS
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Person, Revise
from crewgate.usecases.away import go_away
from crewgate.usecases.queries import queue
from crewgate.usecases.referrals import refer
from crewgate.usecases.waiting import next_for
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.test_group_votes import groups, waits
from tests.usecases.test_starter import ADDRESS, started_by
from tests.usecases.world import World

NO_REVIEWER, IN_VAIN = ReferralProblem.NO_REVIEWER, ReferralProblem.IN_VAIN
HAS_APPROVED, NOT_TOLD = ReferralProblem.HAS_APPROVED, ReferralProblem.NOT_TOLD
PEOPLE = (User(ANA.id), User(BEN.id), User(CAI.id))
EARLY, LATE = "1700000000.000001", "1700000000.000002"


async def asks(
    world: World, round_id: str, to: Person = BEN, text: str = "", *, by: Person = ANA
) -> Round:
    return await refer(round_id, to, text, by=by, context=world.reviews)


async def refused(world: World, round_id: str, to: Person, text: str = "", **by: Any) -> object:
    with pytest.raises(ReferralRefused) as error:
        await asks(world, round_id, to, text, **by)
    return error.value.why


def messages(world: World) -> list[tuple[str, str]]:
    found = [one.view.referral for one in world.slack.keyed("referral") if one.view]
    return [(one.to.id, one.text) for one in found if one is not None]


async def a_card(world: World, **changes: str) -> Round:
    round_ = (await world.notify(**changes)).round
    await world.settle_slack()
    return await world.round(round_.id)


@both
async def test_who_is_asked_is_mentioned_once_and_has_it_on_top(world: World) -> None:
    older, asked = [await a_card(world, execution_id=f"e-{number}") for number in (1, 2)]
    world.clock.advance(timedelta(minutes=1))
    newer = await a_card(world, execution_id="e-3")
    changed = await asks(world, asked.id, text=" You know them. ")
    [one] = changed.referrals
    assert (one.by, one.to, one.text, one.number) == (ANA, BEN, "You know them.", 1)
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.POST_REFERRAL]
    await world.settle_slack()
    assert messages(world) == [(BEN.id, "You know them.")]
    [entry] = await world.entries(Code.REFERRED)
    assert (entry["actor"], entry["data"]["to"]) == (ANA.id, BEN.id)
    assert "You know" not in str(entry)

    async def in_home(user: Person) -> list[str]:
        found = await queue(user.id, page=0, context=world.reviews)
        assert found.mine.total == 3
        return [line.round.id for line in found.mine.lines]

    async def in_turn(user: Person) -> list[str]:
        found = [""]
        while (
            after := await next_for(user.id, after=found[-1], context=world.reviews)
        ) is not None:
            found.append(after)
        return found[1:]

    first = [asked.id, older.id, newer.id]
    assert await in_home(BEN) == await in_turn(BEN) == first
    assert await in_home(ANA) == await in_turn(ANA) == [older.id, asked.id, newer.id]
    # A wish that comes while somebody walks the list neither restarts nor shortens their way.
    began = world.clock()
    world.clock.advance(timedelta(seconds=1))
    await asks(world, newer.id)
    about: Any = {"since": began, "context": world.reviews}
    shown = ["", *first]
    assert [await next_for(BEN.id, after=one, **about) for one in shown] == [*first, None]
    assert await in_home(BEN) == await in_turn(BEN) == [asked.id, newer.id, older.id]
    # Once decided it is not in the list, and all others still follow.
    await world.decide(asked.id, by=BEN)
    assert await next_for(BEN.id, after=asked.id, context=world.reviews) == newer.id


@both
async def test_only_those_who_may_decide_ask_those_whose_approval_counts(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2),))
    round_id = (await world.notify()).round.id
    with pytest.raises(errors.NotAReviewer):
        await asks(world, round_id, by=EVE)
    assert await refused(world, round_id, ANA) is ReferralProblem.THEMSELVES
    assert await refused(world, round_id, EVE) is NO_REVIEWER
    world.directory.gone.add(CAI.id)
    assert await refused(world, round_id, CAI) is NO_REVIEWER
    long = "x" * (REFERRAL_LIMIT + 1)
    assert await refused(world, round_id, BEN, long) is ReferralProblem.TOO_LONG
    await asks(world, round_id, text=long[1:])
    await world.decide(round_id, by=BEN)
    assert await refused(world, round_id, BEN) is HAS_APPROVED
    stored = await world.round(round_id)
    assert (len(stored.referrals), stored.open_referrals) == (1, ())
    assert not (await queue(BEN.id, page=0, context=world.reviews)).mine.lines
    # A delegate may decide for somebody else, so they can be asked.
    world.directory.gone.clear()
    await go_away(CAI, EVE, until=world.clock() + timedelta(days=1), context=world.reviews)
    await asks(world, round_id, EVE)
    await world.decide(round_id)
    with pytest.raises(errors.AlreadyDecided):
        await asks(world, round_id)


@both
async def test_a_starter_asks_others_and_is_not_asked(world: World) -> None:
    rule = a_rule(self_approval=False)
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(rule,))
    await world.start()
    round_id = (await world.notify()).round.id
    assert await refused(world, round_id, ANA, by=BEN) is IN_VAIN
    assert (await asks(world, round_id)).referrals


async def test_nobody_is_asked_while_slack_does_not_say_who_started(world: World) -> None:
    round_id = await started_by(world, ADDRESS.address)
    assert await refused(world, round_id, BEN) is NOT_TOLD


@both
async def test_a_complete_group_is_not_asked(world: World) -> None:
    round_id = await waits(world, groups(finance=2))
    await world.decide(round_id, by=BEN)
    assert await refused(world, round_id, Person("U0X", "x")) is NO_REVIEWER
    world.directory.people[UserGroup("S0LEGAL")] = frozenset({BEN.id, EVE.id})
    assert await refused(world, round_id, EVE) is IN_VAIN
    world.directory.people.pop(UserGroup("S0LEGAL"))
    assert await refused(world, round_id, EVE) is NOT_TOLD


@both
async def test_of_two_people_who_answer_a_flow_the_second_can_be_asked(world: World) -> None:
    world.crews["research"] = a_crew(reviewers=PEOPLE, rules=(a_rule(approvals=2),))
    round_id = (await world.ask(outcomes=("approve", "publish"))).round.id
    await world.decide(round_id, Answer("publish", is_label=True))
    assert (await asks(world, round_id)).referrals_to(BEN.id)


@both
async def test_a_form_that_comes_twice_asks_once(world: World) -> None:
    round_ = await a_card(world)
    for _ in range(2):
        await world.pressed(EARLY, asks(world, round_.id, text="Look."))
        await world.settle_slack()
    with pytest.raises(errors.PressRepeated):
        await world.pressed(EARLY, asks(world, round_.id, text="Other words."))
    assert messages(world) == [(BEN.id, "Look.")]
    # Opened again it asks again, in place of the first wish.
    again = await world.pressed(LATE, asks(world, round_.id, text="Please."))
    await asks(world, round_.id, ANA, by=BEN)
    await world.settle_slack()
    assert [one.number for one in again.referrals] == [2]
    assert messages(world) == [(BEN.id, "Look."), (BEN.id, "Please."), (ANA.id, "")]


@both
async def test_a_round_has_a_bounded_number_of_them(world: World) -> None:
    people = tuple(User(f"U{number}") for number in range(REFERRALS + 1))
    world.crews["research"] = a_crew(reviewers=(User(ANA.id), *people))
    round_id = (await world.notify()).round.id
    *some, last = [Person(one.id, one.id) for one in people]
    for one in some:
        await asks(world, round_id, one)
    assert await refused(world, round_id, last) is ReferralProblem.TOO_MANY
    assert len((await asks(world, round_id, some[0])).referrals) == REFERRALS


@both
async def test_nobody_is_mentioned_who_may_not_decide_by_then(world: World) -> None:
    team = UserGroup("S0TEAM")
    world.directory.people[team] = frozenset({BEN.id, CAI.id})
    world.crews["research"] = a_crew(reviewers=(User(ANA.id), team))
    round_ = await a_card(world)
    await asks(world, round_.id)
    await asks(world, round_.id, CAI)
    del world.directory.people[team]  # Slack is silent
    await world.turn()
    assert messages(world) == []
    assert EffectKind.POST_REFERRAL in await world.effects()
    world.directory.people[team] = frozenset({CAI.id})
    world.clock.advance(timedelta(minutes=1))
    await world.settle_slack()
    assert messages(world) == [(CAI.id, "")]
    assert not (await queue(BEN.id, page=0, context=world.reviews)).mine.lines


@both
async def test_a_decision_before_the_message_leaves_nothing_to_tell(world: World) -> None:
    round_ = await a_card(world)
    await asks(world, round_.id)
    await world.decide(round_.id, Revise("Shorter."))
    await world.settle_slack()
    assert messages(world) == []
    assert (await world.round(round_.id)).open_referrals == ()


@both
async def test_a_lost_answer_and_a_deleted_thread_lose_no_message(world: World) -> None:
    round_ = await a_card(world)
    await asks(world, round_.id, text="Look.")
    await world.turn("updates")
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    world.clock.advance(timedelta(minutes=1))
    await world.settle_slack()
    assert messages(world) == [(BEN.id, "Look.")]
    await asks(world, round_.id, text="And again.")
    await world.turn("updates")
    gone = Refused("thread_not_found", "deleted", RefusalKind.THREAD_GONE)
    world.slack.faults.append(Fault(gone))
    await world.settle_slack()
    assert messages(world) == [(BEN.id, "Look."), (BEN.id, "And again.")]


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_referral_and_a_decision_meet(world: World) -> None:
    """The second to come is told of the first; a decided round never gets a referral."""
    for number in range(6):
        round_ = await a_card(world, execution_id=f"e-{number}")
        outcomes = (
            await asyncio.gather(
                asks(world, round_.id), world.decide(round_.id, by=BEN), return_exceptions=True
            )
            if number % 2
            else await asyncio.gather(
                world.decide(round_.id, by=BEN), asks(world, round_.id), return_exceptions=True
            )
        )
        stored = await world.round(round_.id)
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        assert all(isinstance(one, errors.AlreadyDecided) for one in failed), failed
        assert bool(stored.referrals) is not bool(failed)
        assert stored.state is State.DECIDED
