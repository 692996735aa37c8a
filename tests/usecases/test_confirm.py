"""An approval that could overlook something is asked about first, and then counts as any other."""

import asyncio

import pytest

from crewgate.domain.caveats import (
    CLAIM_LASTS,
    NOTHING_SEEN,
    SURELY_WHOLE,
    HastyReading,
    Seen,
    Share,
    Unseen,
)
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import AlreadyDecided, ConfirmationNeeded, RoundSuperseded
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.usecases.caveats import caveats_for, record_read_to_end
from crewgate.usecases.notes import change_note, claim, delete_note
from tests.builders import ANA, BEN
from tests.databases import both
from tests.usecases.world import World

LONG = "x" * (SURELY_WHOLE + 1)


async def a_card(world: World, text: str = "A draft.") -> Round:
    received = await world.notify(text)
    await world.settle_slack()
    return await world.round(received.round.id)


async def write(world: World, round_: Round, text: str = "Shorter.", *, ts: str = "9.1") -> None:
    posting = await world.uow.read.posting(round_.id)
    assert posting.card is not None
    await world.note(posting.card, ts, by=BEN, text=text)


async def asked(world: World, round_: Round, seen: Seen = NOTHING_SEEN, by: Person = ANA) -> Seen:
    """Return the caveats that this person is asked about; nothing is recorded."""
    effects = await world.effects()
    with pytest.raises(ConfirmationNeeded) as caught:
        await world.decide(round_.id, by=by, seen=seen)
    assert (await world.round(round_.id)) == round_
    assert await world.effects() == effects
    assert caught.value.caveats == await caveats_for(round_.id, by=by, context=world.reviews)
    return caught.value.caveats.seen


async def unsent(world: World, round_: Round) -> int:
    decision = (await world.round(round_.id)).decision
    assert decision is not None
    return decision.unsent_notes


async def test_notes_that_wait_are_asked_about_and_counted(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_)
    await write(world, round_, "Clearer.", ts="9.2")

    seen = await asked(world, round_)
    await world.decide(round_.id, Approve("Fine."), seen=seen)

    assert (await world.round(round_.id)).state is State.DECIDED
    assert await unsent(world, round_) == 2
    assert EffectKind.RESUME in await world.effects()


async def test_a_note_that_comes_or_changes_after_the_question_is_asked_about(
    world: World,
) -> None:
    round_ = await a_card(world)
    await write(world, round_)
    first = await asked(world, round_)
    await write(world, round_, "Clearer.", ts="9.0")  # it was written earlier and came late
    second = await asked(world, round_, first)
    await change_note("C0REVIEWS", "9.0", text="No!", edited_ts="9.3", context=world.reviews)
    third = await asked(world, round_, second)
    assert len({first, second, third}) == 3

    await delete_note("C0REVIEWS", "9.0", context=world.reviews)
    await delete_note("C0REVIEWS", "9.1", context=world.reviews)
    await world.decide(round_.id, seen=third)
    assert await unsent(world, round_) == 0


async def test_asking_for_changes_is_never_asked_about(world: World) -> None:
    round_ = await a_card(world, LONG)
    await write(world, round_)
    await claim(round_.id, by=BEN, context=world.reviews)
    await world.decide(round_.id, Revise("Shorter."))
    assert await unsent(world, round_) == 0


async def test_somebody_elses_claim_is_asked_about_for_as_long_as_it_holds(world: World) -> None:
    round_ = await a_card(world)
    await claim(round_.id, by=BEN, context=world.reviews)
    await asked(world, await world.round(round_.id))
    with pytest.raises(ConfirmationNeeded):
        await world.decide(round_.id, seen=Seen(claimed_by=ANA.id))
    world.clock.advance(CLAIM_LASTS)
    await world.decide(round_.id)


async def test_whoever_claimed_it_approves_with_one_click(world: World) -> None:
    round_ = await a_card(world)
    await claim(round_.id, by=BEN, context=world.reviews)
    await world.decide(round_.id, by=BEN)


async def test_an_excerpt_is_asked_about_once_unless_it_was_read_to_its_end(world: World) -> None:
    world.slack.excerpts = True
    round_ = await a_card(world, LONG)
    seen = await asked(world, round_)
    assert (await caveats_for(round_.id, by=ANA, context=world.reviews)).shown == 40
    for _ in range(2):
        await record_read_to_end(round_.id, by=BEN, context=world.reviews)
    assert await asked(world, round_) == seen  # she has not read it
    await world.decide(round_.id, by=BEN)


@both
async def test_a_decision_tells_that_somebody_was_shown_little(world: World) -> None:
    world.slack.excerpts = True
    for shown, task in ((40, "draft"), (50, "check")):
        round_ = (await world.notify(LONG, task_id=task)).round
        beside = Seen(share=Share(shown, 100), unseen=frozenset({Unseen.EXCERPT}))
        await world.decide(round_.id, seen=beside)
        decision = (await world.round(round_.id)).decision
        assert decision is not None
        assert decision.shown_little == (40 if shown == 40 else None)


@both
async def test_pages_that_were_turned_in_haste_are_asked_about_once(world: World) -> None:
    world.slack.excerpts = True
    round_ = await a_card(world, LONG)
    context, haste = world.reviews, HastyReading(17, 3)
    await record_read_to_end(round_.id, by=ANA, context=context, turned=haste)
    seen = await asked(world, round_)
    assert seen.unseen == {Unseen.HASTE}
    assert (await caveats_for(round_.id, by=ANA, context=context)).turned == haste
    for turned in (None, haste):  # who has read it once may turn its pages again
        await record_read_to_end(round_.id, by=BEN, context=context, turned=turned)
    assert (await caveats_for(round_.id, by=BEN, context=context)).all_in(NOTHING_SEEN)
    await record_read_to_end(round_.id, by=ANA, context=context, turned=None)
    await world.decide(round_.id)


async def test_a_newer_output_has_to_be_read_anew(world: World) -> None:
    world.slack.excerpts = True
    first = await a_card(world, LONG)
    seen = await asked(world, first)
    await record_read_to_end(first.id, by=ANA, context=world.reviews)
    newer = await a_card(world, f"{LONG} New.")

    with pytest.raises(RoundSuperseded):
        await world.decide(first.id, seen=seen)
    await asked(world, newer)


async def test_a_long_output_that_its_card_shows_whole_takes_one_click(world: World) -> None:
    round_ = await a_card(world, LONG)
    await world.decide(round_.id)


async def test_what_was_beside_the_button_counts_and_not_what_the_card_shows(
    world: World,
) -> None:
    """A direct message may be without the output that the card in the channel shows whole."""
    round_ = await a_card(world)
    beside = Seen(share=Share(0, 8))
    with pytest.raises(ConfirmationNeeded) as caught:
        await world.decide(round_.id, seen=beside)
    of = await caveats_for(round_.id, by=ANA, context=world.reviews, seen=beside)
    assert caught.value.caveats == of
    assert of.share == beside.share
    await world.decide(round_.id, seen=of.seen)


@pytest.mark.parametrize(("characters", "asks"), [(SURELY_WHOLE, False), (SURELY_WHOLE + 1, True)])
async def test_a_long_output_is_asked_about_while_nobody_knows_what_its_card_shows(
    world: World, characters: int, *, asks: bool
) -> None:
    round_ = (await world.notify("x" * characters)).round
    if asks:
        await asked(world, round_)
    else:
        await world.decide(round_.id)


async def test_a_card_that_shows_nothing_of_the_output_is_asked_about(world: World) -> None:
    round_ = await a_card(world)
    world.slack.unshowable = True
    await claim(round_.id, by=ANA, context=world.reviews)
    await world.settle_slack()
    await asked(world, await world.round(round_.id))
    assert (await caveats_for(round_.id, by=ANA, context=world.reviews)).shown == 0


@both
async def test_two_who_confirm_at_once_make_one_decision(world: World) -> None:
    round_ = await a_card(world)
    await write(world, round_)
    seen = await asked(world, round_)

    outcomes = await asyncio.gather(
        *(world.decide(round_.id, by=by, seen=seen) for by in (ANA, BEN, ANA, BEN)),
        return_exceptions=True,
    )

    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Round)]
    late = [outcome for outcome in outcomes if isinstance(outcome, AlreadyDecided)]
    assert [error.decision for error in late] == [winner.decision] * 3
    assert (await world.effects()).count(EffectKind.RESUME) == 1
    with pytest.raises(AlreadyDecided):
        await world.decide(round_.id)  # there is nothing left to ask about


@both
async def test_a_note_and_an_approval_at_once_are_never_both_there_unseen(world: World) -> None:
    for number in range(6):
        round_ = await a_card(world, f"Draft {number}.")
        outcomes = await asyncio.gather(
            write(world, round_, ts=f"{number}.1"),
            world.decide(round_.id),
            return_exceptions=True,
        )
        stored = await world.round(round_.id)
        kept = await world.uow.read.notes.of_round(round_.id, limit=9)
        assert bool(kept) == (stored.state is State.WAITING), outcomes
