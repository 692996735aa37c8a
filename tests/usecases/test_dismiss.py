"""Dismissing rounds that are stuck or gone: for permitted people, and for good."""

import asyncio

import pytest

from crewgate.domain.audit import Code
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    InvalidTransition,
    NotAnOperator,
    NotAReviewer,
    RoundNotFound,
    UnknownCrew,
)
from crewgate.domain.outcome import Refused
from crewgate.domain.people import User
from crewgate.domain.reason import Dismissed
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Person
from crewgate.usecases.decide import dismiss, dismiss_report, may_dismiss_report, reopen
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.read_models import DeadLetter
from tests.builders import ANA, BEN, EVE, a_crew
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.test_gone import RUNNING, a_waiting_round, ask, lose
from tests.usecases.world import CREW, World

WHY = "Started again."


async def stuck(world: World) -> Round:
    """Ana's decision, which the crew refused; all is shown."""
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.decide(round_.id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await world.settle_slack()
    return await world.round(round_.id)


async def test_a_stuck_decision_is_dismissed_with_who_and_why(world: World) -> None:
    round_ = await stuck(world)
    await dismiss(round_.id, f" {WHY}\n", by=BEN, context=world.reviews)
    dismissed = await world.round(round_.id)
    assert (dismissed.state, dismissed.reason) == (State.CLOSED, Dismissed(BEN, WHY))
    assert dismissed.decision == round_.decision
    assert dismissed.ended_at == world.clock()
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.NOTIFY_STUCK]


async def test_who_dismisses_their_own_decision_is_told_nothing(world: World) -> None:
    round_ = await stuck(world)
    await dismiss(round_.id, WHY, by=ANA, context=world.reviews)
    assert await world.effects() == [EffectKind.REFRESH]


async def test_an_operator_may_and_others_may_not(world: World) -> None:
    operator = Person("U0OPS", "Ops")
    world.crews["research"] = a_crew(operators=(User(operator.id),))
    round_ = await stuck(world)
    with pytest.raises(NotAReviewer):
        await dismiss(round_.id, WHY, by=EVE, context=world.reviews)
    assert (await world.round(round_.id)).state is State.STUCK
    await dismiss(round_.id, WHY, by=operator, context=world.reviews)
    assert (await world.round(round_.id)).reason == Dismissed(operator, WHY)


async def test_of_a_crew_that_is_not_set_up_nobody_may(world: World) -> None:
    round_ = await stuck(world)
    world.crews.clear()
    with pytest.raises(UnknownCrew):
        await dismiss(round_.id, WHY, by=ANA, context=world.reviews)


async def test_what_is_not_there_cannot_be_dismissed(world: World) -> None:
    with pytest.raises(RoundNotFound):
        await dismiss("nothing", WHY, by=ANA, context=world.reviews)


async def test_what_waits_or_is_being_sent_or_was_taken_cannot_be_dismissed(world: World) -> None:
    world.crew.pause()
    round_ = (await world.notify()).round
    for state in (State.WAITING, State.DECIDED, State.RESUMED):
        assert (await world.round(round_.id)).state is state
        with pytest.raises(InvalidTransition):
            await dismiss(round_.id, WHY, by=ANA, context=world.reviews)
        if state is State.WAITING:
            await world.decide(round_.id)
        else:
            await world.turn(CREW)


async def test_what_was_retried_meanwhile_is_not_dismissed(world: World) -> None:
    round_ = await stuck(world)
    await world.retry(round_.id)
    with pytest.raises(InvalidTransition):
        await dismiss(round_.id, WHY, by=BEN, context=world.reviews)
    assert (await world.round(round_.id)).state is State.DECIDED


async def test_what_is_gone_and_dismissed_stays_closed_when_the_crew_knows_it_again(
    world: World,
) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    await dismiss(round_.id, WHY, by=BEN, context=world.reviews)
    assert await world.effects() == [EffectKind.REFRESH]
    await ask(world, RUNNING)
    assert (await world.round(round_.id)).reason == Dismissed(BEN, WHY)
    with pytest.raises(InvalidTransition):
        await reopen(round_.id, by=ANA, context=world.reviews)


async def test_the_next_output_is_a_new_round(world: World) -> None:
    round_ = await stuck(world)
    await dismiss(round_.id, WHY, by=BEN, context=world.reviews)
    received = await world.notify()
    assert received.accepted
    assert received.round.number == round_.number + 1


# --- the report of a webhook that could not be understood ---


async def a_report(world: World) -> str:
    dead_letter = await world.store_dead_letter()
    await world.settle_slack()
    return dead_letter


def shown(world: World, dead_letter_id: str) -> DeadLetter:
    [message] = world.slack.keyed(f"dead letter {dead_letter_id}")
    assert isinstance(message.shows, DeadLetter)
    return message.shows


async def test_a_report_is_dismissed_once_and_shows_by_whom(world: World) -> None:
    dead_letter = await a_report(world)
    await dismiss_report(dead_letter, f"{WHY} ", by=BEN, context=world.reviews)
    await world.settle_slack()
    assert shown(world, dead_letter).dismissed == Dismissed(BEN, WHY)
    [entry] = await world.entries(Code.REPORT_DISMISSED)
    assert (entry["actor"], entry["crew"]) == (BEN.id, "research")
    assert entry["data"] == {"webhook": dead_letter}
    with pytest.raises(InvalidTransition):
        await dismiss_report(dead_letter, "Again.", by=ANA, context=world.reviews)
    assert len(await world.entries(Code.REPORT_DISMISSED)) == 1
    stored = await world.uow.read.dead_letters.find(dead_letter)
    assert stored is not None
    assert (stored.dismissed, stored.body) == (Dismissed(BEN, WHY), b"?")


async def test_whoever_may_dismiss_a_report_may_until_somebody_has(world: World) -> None:
    dead_letter = await a_report(world)
    found = await may_dismiss_report(dead_letter, by=ANA, context=world.reviews)
    assert (found.id, found.body) == (dead_letter, b"?")
    with pytest.raises(NotAReviewer):
        await may_dismiss_report(dead_letter, by=EVE, context=world.reviews)
    world.crews["research"] = a_crew(operators=(User(EVE.id),))
    await may_dismiss_report(dead_letter, by=EVE, context=world.reviews)
    with pytest.raises(NotAnOperator):
        await may_dismiss_report(dead_letter, by=ANA, context=world.reviews)
    world.crews["research"] = a_crew()
    await dismiss_report(dead_letter, WHY, by=BEN, context=world.reviews)
    with pytest.raises(InvalidTransition):
        await may_dismiss_report(dead_letter, by=ANA, context=world.reviews)


@both
async def test_two_at_once_dismiss_a_report_once(world: World) -> None:
    dead_letter = await a_report(world)
    found = await asyncio.gather(
        *(dismiss_report(dead_letter, WHY, by=by, context=world.reviews) for by in (ANA, BEN)),
        return_exceptions=True,
    )
    assert [type(one) for one in found if one is not None] == [InvalidTransition]


async def test_who_may_not_dismiss_a_report_does_not(world: World) -> None:
    dead_letter = await a_report(world)
    with pytest.raises(NotAReviewer):
        await dismiss_report(dead_letter, WHY, by=EVE, context=world.reviews)
    with pytest.raises(InvalidTransition):
        await dismiss_report("unknown", WHY, by=ANA, context=world.reviews)
    assert shown(world, dead_letter).dismissed is None


async def test_a_report_that_somebody_deleted_stays_deleted(world: World) -> None:
    dead_letter = await a_report(world)
    world.slack.messages[-1].deleted = True
    await dismiss_report(dead_letter, WHY, by=BEN, context=world.reviews)
    await world.settle_slack()
    assert await world.effects() == []


async def test_a_report_whose_answer_was_lost_shows_that_it_was_dismissed(world: World) -> None:
    dead_letter = await world.store_dead_letter()
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    await dismiss_report(dead_letter, WHY, by=BEN, context=world.reviews)
    await world.turn()
    assert shown(world, dead_letter).dismissed is None
    world.clock.advance(LEASE)
    await world.settle_slack()
    assert shown(world, dead_letter).dismissed == Dismissed(BEN, WHY)
