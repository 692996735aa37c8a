"""A press counts once: one that is not newer than its person's last on the round does nothing."""

from datetime import timedelta

import pytest

from crewgate.domain.errors import PressRepeated, RoundSuperseded
from crewgate.domain.outcome import Refused
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Press, Revise
from crewgate.usecases.away import go_away
from crewgate.usecases.decide import dismiss, reopen, take_back
from crewgate.usecases.notes import claim
from tests.builders import ANA, BEN, EVE
from tests.usecases.faults import Fault
from tests.usecases.test_gone import a_waiting_round, lose
from tests.usecases.world import CREW, World

pytestmark = pytest.mark.usefixtures("rule_for_two")

FIRST, SECOND, THIRD, FOURTH = (f"1700000000.00000{number}" for number in (1, 2, 3, 4))


async def test_an_approval_that_was_taken_back_does_not_count_again(
    world: World, waiting: Round
) -> None:
    await world.pressed(FIRST, world.decide(waiting.id))
    await world.pressed(SECOND, take_back(waiting.id, by=ANA, context=world.reviews))
    for repeated in (FIRST, SECOND):
        with pytest.raises(PressRepeated):
            await world.pressed(repeated, world.decide(waiting.id))
        with pytest.raises(PressRepeated):
            await world.pressed(repeated, world.decide(waiting.id, Approve("Good.")))
        with pytest.raises(PressRepeated):
            await world.pressed(repeated, world.decide(waiting.id, Revise("No.")))
    stored = await world.round(waiting.id)
    assert (stored.votes, stored.presses) == ((), (Press(ANA.id, SECOND),))
    assert (await world.pressed(THIRD, world.decide(waiting.id))).votes


async def test_taking_back_is_not_repeated_either(world: World, waiting: Round) -> None:
    await world.pressed(FIRST, world.decide(waiting.id))
    await world.pressed(SECOND, take_back(waiting.id, by=ANA, context=world.reviews))
    await world.pressed(THIRD, world.decide(waiting.id))
    with pytest.raises(PressRepeated):
        await world.pressed(SECOND, take_back(waiting.id, by=ANA, context=world.reviews))
    assert [vote.by for vote in (await world.round(waiting.id)).votes] == [ANA]


async def test_the_presses_of_others_do_not_age_one_s_own(world: World, waiting: Round) -> None:
    await world.pressed(SECOND, world.decide(waiting.id))
    decided = await world.pressed(FIRST, world.decide(waiting.id, by=BEN))
    assert decided.state is State.DECIDED


async def test_a_delegate_s_press_is_not_repeated_after_the_absent_person_took_it_back(
    world: World, waiting: Round
) -> None:
    until = world.clock() + timedelta(days=1)
    await go_away(ANA, EVE, until=until, context=world.reviews)
    await world.pressed(FIRST, world.decide(waiting.id, by=EVE))
    await world.pressed(SECOND, take_back(waiting.id, by=ANA, context=world.reviews))
    with pytest.raises(PressRepeated):
        await world.pressed(FIRST, world.decide(waiting.id, by=EVE))
    assert (await world.round(waiting.id)).votes == ()


async def test_a_press_without_a_time_counts(world: World, waiting: Round) -> None:
    await world.pressed(FIRST, world.decide(waiting.id))
    await take_back(waiting.id, by=ANA, context=world.reviews)
    assert (await world.decide(waiting.id)).votes


async def test_a_newer_output_begins_anew(world: World, waiting: Round) -> None:
    await world.pressed(SECOND, world.decide(waiting.id))
    newer = (await world.notify("Another draft.")).round
    assert (await world.pressed(FIRST, world.decide(newer.id))).votes
    with pytest.raises(RoundSuperseded):
        await world.pressed(THIRD, world.decide(waiting.id))


async def test_a_decision_is_sent_once_for_each_press_of_retry(
    world: World, waiting: Round
) -> None:
    await world.pressed(FIRST, world.decide(waiting.id, Revise("No.")))
    world.crew.faults.extend([Fault(Refused("401", "no"))] * 2)
    await world.turn(CREW)
    await world.pressed(SECOND, world.retry(waiting.id))
    await world.turn(CREW)
    assert (await world.round(waiting.id)).state is State.STUCK
    with pytest.raises(PressRepeated):
        await world.pressed(SECOND, world.retry(waiting.id))
    again = await world.pressed(THIRD, world.retry(waiting.id))
    assert (again.state, again.retries) == (State.DECIDED, 2)


async def test_a_round_is_reopened_once_for_each_press(world: World) -> None:
    round_ = await a_waiting_round(world)
    await lose(world)
    await world.pressed(FIRST, reopen(round_.id, by=ANA, context=world.reviews))
    await lose(world)
    with pytest.raises(PressRepeated):
        await world.pressed(FIRST, reopen(round_.id, by=ANA, context=world.reviews))
    assert (await world.round(round_.id)).state is State.CLOSED
    back = await world.pressed(SECOND, reopen(round_.id, by=ANA, context=world.reviews))
    assert (back.state, back.presses) == (State.WAITING, (Press(ANA.id, SECOND),))


async def test_a_form_of_before_a_retry_dismisses_nothing(world: World, waiting: Round) -> None:
    await world.pressed(FIRST, world.decide(waiting.id, Revise("No.")))
    world.crew.faults.extend([Fault(Refused("401", "no"))] * 2)
    await world.turn(CREW)
    await world.pressed(THIRD, world.retry(waiting.id))
    await world.turn(CREW)
    with pytest.raises(PressRepeated):
        await world.pressed(SECOND, dismiss(waiting.id, "Lost.", by=ANA, context=world.reviews))
    assert (await world.round(waiting.id)).state is State.STUCK
    closed = await world.pressed(
        FOURTH, dismiss(waiting.id, "Lost.", by=ANA, context=world.reviews)
    )
    assert closed.state is State.CLOSED


async def test_a_claim_that_comes_again_takes_nothing_from_the_next_person(
    world: World, waiting: Round
) -> None:
    await world.pressed(FIRST, claim(waiting.id, by=ANA, context=world.reviews))
    await world.pressed(SECOND, claim(waiting.id, by=BEN, context=world.reviews))
    with pytest.raises(PressRepeated):
        await world.pressed(FIRST, claim(waiting.id, by=ANA, context=world.reviews))
    claimed = (await world.uow.read.posting(waiting.id)).view.claim
    assert claimed is not None
    assert claimed.by == BEN
