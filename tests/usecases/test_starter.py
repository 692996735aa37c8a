"""Nobody approves what they started, where the rule says so."""

from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    PerhapsSelfApproval,
    SelfApproval,
    StarterUnresolved,
    UnknownStarter,
)
from crewgate.domain.people import Email, User
from crewgate.domain.review import State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Answer, Person, Revise
from crewgate.usecases.track import track
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import both
from tests.usecases.world import World

pytestmark = both

OTHERS = a_rule(self_approval=False)
KNOWN = a_rule(self_approval=False, unknown_starter=False)
ADDRESS = Email("ana@example.com")


def settings(world: World, rule: Rule = OTHERS) -> None:
    people = (User(ANA.id), User(BEN.id), User(CAI.id))
    world.crews["research"] = a_crew(reviewers=people, rules=(rule,))


async def started_by(world: World, said: str, rule: Rule = OTHERS) -> str:
    """A waiting round whose caller said who started it."""
    settings(world, rule)
    await world.kick_off(("started_by", said), execution="e-1")
    return (await world.notify()).round.id


async def test_who_started_it_in_slack_may_not_approve_it(world: World) -> None:
    settings(world)
    await world.start()
    round_id = (await world.notify()).round.id
    with pytest.raises(SelfApproval) as refused:
        await world.decide(round_id)
    assert refused.value.others == (User(BEN.id), User(CAI.id))
    assert (await world.round(round_id)).state is State.WAITING
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_but_may_ask_for_changes(world: World) -> None:
    settings(world)
    await world.start()
    round_id = (await world.notify()).round.id
    assert (await world.decide(round_id, Revise("Shorter."))).decision is not None


async def test_but_not_of_a_flow_in_words_which_may_come_to_an_approval(world: World) -> None:
    settings(world)
    round_ = (await world.ask()).round
    await world.start(round_.review.execution_id)
    with pytest.raises(SelfApproval):
        await world.decide(round_.id, Revise("Approved, publish it."))
    assert (await world.decide(round_.id, Revise("Publish it."), by=BEN)).decision is not None


async def test_without_such_a_rule_they_may(world: World) -> None:
    settings(world, a_rule())
    await world.start()
    round_id = (await world.notify()).round.id
    assert (await world.decide(round_id)).decision is not None


async def test_a_caller_names_the_starter_by_id(world: World) -> None:
    round_id = await started_by(world, ANA.id)
    with pytest.raises(SelfApproval):
        await world.decide(round_id)
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_or_by_an_address_that_slack_is_asked_about(world: World) -> None:
    world.directory.answers[ADDRESS] = frozenset({ANA.id})
    round_id = await started_by(world, ADDRESS.address)
    with pytest.raises(SelfApproval):
        await world.decide(round_id)
    assert world.directory.asked_about == [ADDRESS]
    assert (await world.decide(round_id, by=BEN)).decision is not None
    assert world.directory.asked_about == [ADDRESS]


async def test_a_notification_does_not_say_who_started_it(world: World) -> None:
    settings(world, KNOWN)
    meta = (("started_by", BEN.id), ("region", "EU"))
    round_id = (await world.notify(meta=meta)).round.id
    with pytest.raises(UnknownStarter):
        await world.decide(round_id)
    assert (await world.execution()).meta == meta[1:]


async def test_nor_does_the_state_of_a_flow(world: World) -> None:
    settings(world, KNOWN)
    asked = await world.ask(meta=(("started_by", BEN.id),))
    with pytest.raises(UnknownStarter):
        await world.decide(asked.round.id, Answer("approved", is_label=True))


async def test_the_kickoff_counts_whatever_a_notification_said_before_it_was_stored(
    world: World,
) -> None:
    settings(world)
    meta = (("started_by", BEN.id), ("region", "EU"))
    round_id = (await world.notify(meta=meta)).round.id
    await world.kick_off(("started_by", ANA.id), execution="e-1")
    with pytest.raises(SelfApproval):
        await world.decide(round_id)
    await world.notify("Another draft.", meta=meta)
    assert (await world.execution()).meta == (("started_by", ANA.id),)


@pytest.mark.parametrize("said", ["somebody", "", "U"])
async def test_who_is_not_known_is_nobody(world: World, said: str) -> None:
    round_id = await started_by(world, said, KNOWN)
    with pytest.raises(UnknownStarter):
        await world.decide(round_id)
    assert (await world.decide(round_id, Revise("Shorter."))).decision is not None


async def test_where_nobody_is_known_the_rule_may_allow_it(world: World) -> None:
    round_id = await started_by(world, "somebody")
    assert (await world.decide(round_id)).decision is not None


async def test_while_slack_does_not_say_whose_an_address_is_nobody_may(world: World) -> None:
    round_id = await started_by(world, ADDRESS.address)
    for by in (ANA, BEN):
        with pytest.raises(StarterUnresolved):
            await world.decide(round_id, by=by)
    assert (await world.round(round_id)).votes == ()
    world.directory.answers[ADDRESS] = frozenset({ANA.id})
    with pytest.raises(SelfApproval):
        await world.decide(round_id)
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_an_address_of_nobody_in_slack_is_unknown(world: World) -> None:
    world.directory.answers[ADDRESS] = frozenset()
    round_id = await started_by(world, ADDRESS.address, KNOWN)
    with pytest.raises(UnknownStarter):
        await world.decide(round_id, by=BEN)


async def test_an_approval_given_before_it_was_known_does_not_count(world: World) -> None:
    settings(world, a_rule(approvals=2, self_approval=False))
    round_id = (await world.notify()).round.id
    await world.decide(round_id, by=ANA)
    await learn_starter(world, ANA)
    counted = await world.decide(round_id, by=BEN)
    assert counted.decision is None
    assert [vote.by for vote in counted.votes] == [BEN]
    assert (await world.decide(round_id, by=CAI)).decision is not None


async def unclear_kickoff(world: World, starter: User | Email) -> None:
    """Somebody had the crew started, and its answer was lost."""
    async with world.uow.begin() as tx:
        await tx.executions.record_kickoff(world.new_id(), "research", starter, at=world.clock())


async def test_who_had_it_started_without_an_answer_may_have_started_it(world: World) -> None:
    settings(world)
    await unclear_kickoff(world, User(ANA.id))
    world.clock.advance(timedelta(days=7))
    round_id = (await world.notify()).round.id
    with pytest.raises(PerhapsSelfApproval):
        await world.decide(round_id)
    assert (await world.decide(round_id, Revise("Shorter."))).decision is not None
    round_id = (await world.notify("Another draft.")).round.id
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_nor_may_they_by_their_address_which_slack_is_asked_about(world: World) -> None:
    world.directory.answers[ADDRESS] = frozenset({ANA.id})
    await unclear_kickoff(world, ADDRESS)
    round_id = await started_by(world, "nobody@example.com")
    world.directory.answers[Email("nobody@example.com")] = frozenset()
    with pytest.raises(PerhapsSelfApproval):
        await world.decide(round_id)
    assert world.directory.asked_about == [Email("nobody@example.com"), ADDRESS]
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_that_tells_nobody_who_did(world: World) -> None:
    settings(world, KNOWN)
    await unclear_kickoff(world, User(ANA.id))
    round_id = (await world.notify()).round.id
    for by in (ANA, BEN):
        with pytest.raises(UnknownStarter):
            await world.decide(round_id, by=by)


async def test_it_counts_for_nothing_where_somebody_else_did_or_long_before_or_after(
    world: World,
) -> None:
    settings(world)
    before = (await world.notify(execution_id="before")).round.id
    world.clock.advance(timedelta(seconds=1))
    await unclear_kickoff(world, User(ANA.id))
    await world.kick_off(("started_by", BEN.id), execution="others")
    others = (await world.notify(execution_id="others")).round.id
    world.clock.advance(timedelta(days=8))
    after = (await world.notify(execution_id="after")).round.id
    for round_id in (before, others, after):
        assert (await world.decide(round_id)).decision is not None


async def learn_starter(world: World, starter: Person) -> None:
    async with world.uow.begin() as tx:
        opened = await tx.executions.open("research", "e-1", at=world.clock())
        await track(tx, opened, starter=starter, at=world.clock())


async def test_cards_learn_who_may_not_approve_from_a_kickoff_that_is_answered_later(
    world: World,
) -> None:
    settings(world)
    round_ = (await world.notify()).round
    await world.settle_slack()
    for starter in (ANA, BEN):
        await learn_starter(world, starter)
        assert EffectKind.REFRESH in await world.effects()
        await world.settle_slack()
    posting = await world.uow.read.posting(round_.id)
    assert posting.view.started_by == (User(ANA.id), User(BEN.id))


@pytest.mark.parametrize("first", ["slack", ANA.id, ADDRESS.address])
async def test_whoever_has_a_kickoff_answered_with_a_known_id_starts_it_too(
    world: World, first: str
) -> None:
    settings(world)
    world.directory.people[ADDRESS] = frozenset({ANA.id})
    if first == "slack":
        await world.start()
    else:
        await world.kick_off(("started_by", first), execution="e-1")
    round_id = (await world.notify()).round.id
    async with world.uow.begin() as tx:
        for _ in range(2):
            opened = await tx.executions.open("research", "e-1", at=world.clock())
            await track(tx, opened, starter=BEN, inputs=(("topic", "x"),), at=world.clock())
    await world.kick_off(("started_by", EVE.id), execution="e-1")
    execution = await world.execution()
    assert execution.also_started == (BEN.id, EVE.id)
    assert ("topic", "x") not in (*execution.inputs, *execution.meta)
    started_by = (await world.uow.read.posting(round_id)).view.started_by
    assert [str(one) for one in started_by[1:]] == [BEN.id, EVE.id]
    for by in (ANA, BEN):
        with pytest.raises(SelfApproval):
            await world.decide(round_id, by=by)
    assert (await world.decide(round_id, by=CAI)).decision is not None
