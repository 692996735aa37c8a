"""Decisions: only permitted people decide, and the first decision wins."""

import asyncio

import pytest

from crewgate.domain.effects import UPDATES, EffectKind
from crewgate.domain.errors import (
    AlreadyDecided,
    InvalidTransition,
    NotAReviewer,
    RoundClosed,
    RoundNotFound,
    RoundSuperseded,
)
from crewgate.domain.outcome import Refused
from crewgate.domain.people import Anyone, Email, User, UserGroup
from crewgate.domain.reason import ExecutionEnded
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Revise, Verdict, Via
from crewgate.usecases.decide import may_revise
from tests.builders import ANA, BEN, EVE, NOW, SECOND, a_crew
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World

POST, REFRESH, RESUME = EffectKind.POST, EffectKind.REFRESH, EffectKind.RESUME


@pytest.mark.parametrize(
    "verdict", [Approve(), Approve("Mind the date."), Revise("Shorter.\n— \u202ex 🎉")]
)
async def test_a_decision_is_on_disk_with_its_effects(
    world: World, waiting: Round, verdict: Verdict, woken: list[str]
) -> None:
    woken.clear()
    decided = await world.decide(waiting.id, verdict)
    stored = await world.round(waiting.id)
    assert stored.state is State.DECIDED
    assert stored.decision == decided.decision
    assert stored.decision is not None
    assert stored.decision.verdict == verdict
    assert (stored.decision.by, stored.decision.at, stored.decision.via) == (ANA, NOW, Via.BUTTON)
    assert await world.effects() == [POST, REFRESH, RESUME]
    assert sorted(woken) == [CREW, UPDATES]


async def test_the_first_decision_wins(world: World, waiting: Round) -> None:
    await world.decide(waiting.id, Revise("Shorter."))
    world.clock.advance(SECOND)
    with pytest.raises(AlreadyDecided) as caught:
        await world.decide(waiting.id, by=BEN)
    assert (caught.value.decision.by, caught.value.decision.at) == (ANA, NOW)
    stored = await world.round(waiting.id)
    assert stored.decision is not None
    assert stored.decision.verdict == Revise("Shorter.")
    assert await world.effects() == [POST, REFRESH, RESUME]


@both
async def test_twenty_at_once_make_one_decision(world: World, waiting: Round) -> None:
    verdicts = [Approve() if n % 2 else Revise(f"{n}") for n in range(20)]
    people = [Person(f"U{n:02}", f"Person {n}") for n in range(20)]
    world.crews["research"] = a_crew(reviewers=(Anyone(),))
    world.directory.channels["C0REVIEWS"] = {person.id for person in people}
    outcomes = await asyncio.gather(
        *(
            world.decide(waiting.id, verdict, by=person)
            for verdict, person in zip(verdicts, people, strict=True)
        ),
        return_exceptions=True,
    )
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Round)]
    assert winner.decision is not None
    late = [outcome for outcome in outcomes if isinstance(outcome, AlreadyDecided)]
    assert [error.decision for error in late] == [winner.decision] * 19
    assert await world.effects() == [POST, REFRESH, RESUME]


async def test_only_reviewers_decide(world: World, waiting: Round) -> None:
    with pytest.raises(NotAReviewer) as caught:
        await world.decide(waiting.id, by=EVE)
    assert (caught.value.crew, caught.value.uncertain) == ("research", False)
    assert (await world.round(waiting.id)).state is State.WAITING
    assert await world.effects() == [POST]


async def test_reviewers_named_by_group_or_e_mail_decide(world: World, waiting: Round) -> None:
    world.crews["research"] = a_crew(reviewers=(UserGroup("S0GROUP"), Email("ben@example.com")))
    world.directory.people[UserGroup("S0GROUP")] = frozenset({EVE.id})
    with pytest.raises(NotAReviewer) as caught:
        await world.decide(waiting.id, by=BEN)
    assert caught.value.uncertain  # Slack has not told yet who ben@example.com is
    assert (await world.decide(waiting.id, by=EVE)).decision is not None


async def test_slack_is_asked_outside_of_the_transaction_that_is_then_made_anew(
    world: World, waiting: Round
) -> None:
    world.crews["research"] = a_crew(reviewers=(Anyone(),))
    world.directory.channels, world.directory.learns = {}, {"C0REVIEWS": {EVE.id}}

    assert (await world.decide(waiting.id, by=EVE)).decision is not None

    assert world.directory.looked_up == [(EVE.id, "C0REVIEWS")]
    assert await world.effects() == [POST, REFRESH, RESUME]


async def test_an_unknown_round_takes_no_decision(world: World) -> None:
    with pytest.raises(RoundNotFound):
        await world.decide("' OR 1=1 --")


async def test_a_stale_card_never_decides_a_newer_output(world: World, waiting: Round) -> None:
    newer = await world.notify("Another draft.")
    with pytest.raises(RoundSuperseded):
        await world.decide(waiting.id)
    assert (await world.round(newer.round.id)).state is State.WAITING


async def test_nothing_is_decided_once_the_execution_has_ended(
    world: World, waiting: Round
) -> None:
    await world.record_update(ended="the execution has ended")
    with pytest.raises(RoundClosed) as caught:
        await world.decide(waiting.id)
    assert caught.value.reason == ExecutionEnded()


# --- before the modal opens ---


async def ask(world: World, round_id: str, by: Person = ANA) -> Round:
    return await may_revise(round_id, by=by, context=world.reviews)


async def test_a_reviewer_may_revise_what_waits(world: World, waiting: Round) -> None:
    assert await ask(world, waiting.id) == waiting


async def test_nobody_else_may(world: World, waiting: Round) -> None:
    with pytest.raises(NotAReviewer):
        await ask(world, waiting.id, by=EVE)


async def test_nor_anybody_once_it_is_decided(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    with pytest.raises(AlreadyDecided):
        await ask(world, waiting.id)


# --- trying again ---


async def test_a_stuck_decision_is_sent_again_as_it_was(world: World, waiting: Round) -> None:
    await world.decide(waiting.id, Revise("Shorter."))
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    world.crew.pause()
    again = await world.retry(waiting.id, by=BEN)
    assert again.state is State.DECIDED
    await world.turn(CREW)
    (resumed,) = world.crew.taken
    assert resumed.decision.by == ANA
    assert resumed.decision.verdict == Revise("Shorter.")
    assert (await world.round(waiting.id)).state is State.RESUMED


async def test_only_what_is_stuck_is_sent_again(world: World, waiting: Round) -> None:
    with pytest.raises(InvalidTransition):
        await world.retry(waiting.id)
    with pytest.raises(NotAReviewer):
        await world.retry(waiting.id, by=EVE)
    with pytest.raises(RoundNotFound):
        await world.retry("no such round")


async def test_an_operator_sends_again_what_reviewers_decided(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    world.crews["research"] = a_crew(operators=(User(EVE.id),))
    again = await world.retry(waiting.id, by=EVE)
    assert (again.state, again.decision and again.decision.by) == (State.DECIDED, ANA)
