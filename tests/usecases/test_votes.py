"""Several approvals: they are counted on disk, and the last one decides, once."""

import asyncio

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    AlreadyDecided,
    ConfirmationNeeded,
    RoundSuperseded,
    VotedOtherwise,
)
from crewgate.domain.people import Anyone
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Person, Revise
from crewgate.store.engine import open_engines
from crewgate.usecases.decide import take_back
from crewgate.usecases.queries import pending, queue
from tests.builders import ANA, BEN, CAI, SECOND, a_crew, a_rule, a_uow, a_vote
from tests.databases import both
from tests.usecases.world import CREW, World

pytestmark = pytest.mark.usefixtures("rule_for_two")

POST, REFRESH, RESUME = EffectKind.POST, EffectKind.REFRESH, EffectKind.RESUME
CROWD = [Person(f"U{n:02}", f"Person {n}") for n in range(12)]


async def test_the_first_approval_is_on_disk_and_shown(
    world: World, waiting: Round, woken: list[str]
) -> None:
    counted = await world.decide(waiting.id, Approve("Mind the date."))
    assert counted.decision is None
    stored = await world.round(waiting.id)
    assert (stored.state, stored.votes) == (State.WAITING, (a_vote(comment="Mind the date."),))
    assert await world.effects() == [POST, REFRESH]


async def test_the_last_one_sends_what_all_of_them_wrote(world: World, waiting: Round) -> None:
    world.crew.pause()
    await world.decide(waiting.id, Approve("Mind the date."))
    decided = await world.decide(waiting.id, by=BEN)
    assert decided.decision is not None
    assert [vote.by for vote in decided.decision.votes] == [ANA, BEN]
    assert await world.effects() == [POST, REFRESH, REFRESH, RESUME]
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert taken.decision.human_feedback == "Ana: Mind the date."
    assert (await world.round(waiting.id)).state is State.RESUMED


async def test_pressing_again_changes_nothing(world: World, waiting: Round) -> None:
    first = await world.decide(waiting.id)
    again = await world.decide(waiting.id, Approve("More."))
    assert again.votes == first.votes == (await world.round(waiting.id)).votes
    assert again.version == (await world.round(waiting.id)).version
    assert await world.effects() == [POST, REFRESH]


async def test_pressing_again_asks_nothing_either(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    await note(world, waiting)
    await world.decide(waiting.id)
    with pytest.raises(ConfirmationNeeded) as caught:
        await world.decide(waiting.id, by=BEN)
    decided = await world.decide(waiting.id, by=BEN, seen=caught.value.caveats.seen)
    assert decided.decision is not None
    assert decided.decision.unsent_notes == 1


async def note(world: World, waiting: Round) -> None:
    await world.settle_slack()
    card = (await world.uow.read.posting(waiting.id)).card
    assert card is not None
    await world.note(card, "9.1", by=BEN)


async def test_an_approval_is_taken_back_until_the_last_one(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    await take_back(waiting.id, by=ANA, context=world.reviews)
    assert (await world.round(waiting.id)).votes == ()
    assert await world.effects() == [POST, REFRESH, REFRESH]
    assert (await world.decide(waiting.id, by=BEN)).decision is None
    assert (await world.decide(waiting.id, by=ANA)).decision is not None
    with pytest.raises(AlreadyDecided):
        await take_back(waiting.id, by=ANA, context=world.reviews)


async def test_a_newer_output_starts_the_count_again(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    newer = (await world.notify("Another draft.")).round
    assert (newer.rule, newer.votes) == (waiting.rule, ())
    with pytest.raises(RoundSuperseded):
        await world.decide(waiting.id, by=BEN)
    await world.settle_slack()
    posting = await world.uow.read.posting(newer.id)
    assert posting.view.previous is not None
    assert posting.view.previous.votes == (a_vote(),)


@both
@pytest.mark.parametrize("approvals", [2, 3, len(CROWD)])
async def test_however_many_press_at_once_it_is_decided_once(world: World, approvals: int) -> None:
    rule = a_rule(approvals=approvals)
    world.crews["research"] = a_crew(reviewers=(Anyone(),), rules=(rule,))
    world.directory.channels["C0REVIEWS"] = {person.id for person in CROWD}
    waiting = (await world.notify()).round
    outcomes = await asyncio.gather(
        *(world.decide(waiting.id, by=person) for person in (*CROWD, *CROWD)),
        return_exceptions=True,
    )
    decided = [one for one in outcomes if isinstance(one, Round) and one.decision is not None]
    [winner] = decided
    assert winner.decision is not None
    assert len(winner.decision.votes) == approvals
    assert len({vote.by.id for vote in winner.decision.votes}) == approvals
    late = [one for one in outcomes if isinstance(one, AlreadyDecided)]
    assert {error.decision for error in late} <= {winner.decision}
    assert (await world.effects()).count(RESUME) == 1


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_several_processes_count_together(world: World, database_url: str) -> None:
    world.crews["research"] = a_crew(reviewers=(Anyone(),), rules=(a_rule(approvals=3),))
    world.directory.channels["C0REVIEWS"] = {person.id for person in CROWD}
    others = [open_engines(database_url) for _ in range(2)]
    worlds = [world]
    for engines in others:
        uow = a_uow(engines)
        worlds.append(World(engines, uow, crews=world.crews, directory=world.directory))
    try:
        for n in range(8):
            waiting = (await world.notify(execution_id=f"e-{n}")).round
            outcomes = await asyncio.gather(
                *(
                    worlds[m % 3].decide(waiting.id, by=person)
                    for m, person in enumerate(CROWD[:6])
                ),
                return_exceptions=True,
            )
            winners = [
                one.decision
                for one in outcomes
                if isinstance(one, Round) and one.decision is not None
            ]
            assert len(winners) == 1
            assert (await world.round(waiting.id)).decision == winners[0]
            assert len(winners[0].votes) == 3
            errors = [one for one in outcomes if not isinstance(one, Round)]
            assert [type(error) for error in errors] == [AlreadyDecided] * 3
    finally:
        for engines in others:
            await engines.dispose()
    assert (await world.effects()).count(RESUME) == 8


async def test_an_outcome_that_nobody_can_read_takes_all_of_them_too(world: World) -> None:
    publish = Answer("publish", is_label=True)
    asked = (await world.ask(outcomes=("publish", "approved"))).round
    await world.decide(asked.id, publish)
    assert (await world.round(asked.id)).votes == (a_vote(answer="publish"),)
    with pytest.raises(VotedOtherwise):
        await world.decide(asked.id, Revise("Approved."), by=BEN)
    decided = await world.decide(asked.id, Revise("Publish"), by=CAI)
    assert decided.decision is not None
    assert (decided.decision.verdict, len(decided.decision.votes)) == (publish, 2)
    assert (await world.round(asked.id)).decision == decided.decision


async def test_words_that_approve_send_the_outcome_that_another_pressed(world: World) -> None:
    asked = (await world.ask(outcomes=("approved", "lgtm"))).round
    await world.decide(asked.id, Answer("lgtm", is_label=True))
    decided = await world.decide(asked.id, Revise("ok"), by=BEN)
    assert decided.decision is not None
    assert decided.decision.verdict == Answer("lgtm", is_label=True)


@pytest.mark.parametrize("label", ["rejected", "needs_revision"])
async def test_an_outcome_that_does_not_approve_is_by_who_chose_it_alone(
    world: World, label: str
) -> None:
    asked = (await world.ask()).round
    await world.decide(asked.id, Answer("approved", is_label=True))
    decided = await world.decide(asked.id, Answer(label, is_label=True), by=BEN)
    stored = await world.round(asked.id)
    assert stored.decision == decided.decision
    assert stored.decision is not None
    assert (stored.decision.by, stored.decision.votes) == (BEN, ())
    assert stored.votes == (a_vote(answer="approved"),)


@both
async def test_what_somebody_has_approved_waits_for_others(world: World) -> None:
    first = (await world.notify()).round
    world.clock.advance(SECOND)
    second = (await world.notify(execution_id="e-2")).round
    await world.decide(first.id)
    for person, mine, others in ((ANA, [second], [first]), (BEN, [first, second], [])):
        found = await pending(person.id, mine=True, context=world.reviews)
        assert [line.round.id for line in found.lines] == [one.id for one in mine]
        assert found.total == len(mine)
        shown = await queue(person.id, page=0, context=world.reviews)
        assert [line.round.id for line in shown.mine.lines] == [one.id for one in mine]
        assert [line.round.id for line in shown.others.lines] == [one.id for one in others]
        assert (shown.mine.total, shown.others.total) == (len(mine), len(others))
    everything = await pending(ANA.id, mine=False, context=world.reviews)
    assert everything.total == 2
