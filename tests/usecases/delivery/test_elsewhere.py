"""A rule's cards go to its channel, into a thread of their own; all else stays where it was."""

from dataclasses import replace

import pytest

from crewgate.domain.caveats import Seen, Share
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ConfirmationNeeded
from crewgate.domain.outcome import Refused
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders
from crewgate.domain.verdict import Person, Revise
from crewgate.usecases.decide import edit
from crewgate.usecases.read_models import MessageRef
from tests.builders import ANA, BEN, CAI, EVE, SECOND, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.timed import HOUR, after
from tests.usecases.world import CREW, World

LEGAL = a_rule(
    when=Conditions(task="legal"),
    channel="C0LEGAL",
    reviewers=(User(BEN.id),),
    remind=Reminders(after=Duration.parse("1h"), most=1),
)


@pytest.fixture
def world(world: World) -> World:
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),), rules=(LEGAL,))
    return world


async def posted(world: World, text: str = "A draft.", *, task: str = "legal") -> Round:
    round_ = (await world.notify(text, task_id=task)).round
    await world.settle_slack()
    return round_


async def card(world: World, round_: Round) -> MessageRef:
    found = (await world.uow.read.posting(round_.id)).card
    assert found is not None
    return found


async def test_the_card_is_a_message_of_its_own_there(world: World) -> None:
    await world.start()
    await world.settle_slack()
    theirs = await posted(world)
    general = await posted(world, task="draft")
    ref = await card(world, theirs)
    assert (ref.channel, ref.thread_ts) == ("C0LEGAL", ref.ts)
    execution = await world.uow.read.executions.posting("research", "e-1")
    assert execution is not None
    assert execution.thread is not None
    assert execution.thread.channel == "C0REVIEWS"
    ours = await card(world, general)
    assert (ours.channel, ours.thread_ts) == ("C0REVIEWS", execution.thread.ts)


async def test_it_starts_no_thread_of_the_execution(world: World) -> None:
    await posted(world)
    execution = await world.uow.read.executions.posting("research", "e-1")
    assert execution is not None
    assert execution.thread is None
    general = await posted(world, task="draft")
    ref = await card(world, general)
    assert (ref.channel, ref.thread_ts) == ("C0REVIEWS", ref.ts)


async def test_later_rounds_of_the_execution_follow_in_its_thread(world: World) -> None:
    first = await posted(world)
    await world.decide(first.id, Revise("Shorter."), by=BEN)
    newer = await posted(world, "Another draft.")
    other = (await world.notify("Clause.", task_id="LEGAL")).round
    await world.settle_slack()
    thread = (await card(world, first)).ts
    assert [(await card(world, one)).thread_ts for one in (newer, other)] == [thread, thread]
    shown = (await world.uow.read.posting(first.id)).view.newer
    assert shown is not None
    assert shown.card == await card(world, newer)
    another = await world.notify("A draft.", task_id="legal", execution_id="e-2")
    await world.settle_slack()
    assert (await card(world, another.round)).thread_ts != thread


async def test_another_rule_s_channel_has_another_thread(world: World) -> None:
    other = replace(LEGAL, name="money", when=Conditions(task="money"), channel="C0MONEY")
    world.crews["research"] = replace(world.crews["research"], rules=(LEGAL, other))
    first = await posted(world)
    second = await posted(world, task="money")
    assert (await card(world, second)).channel == "C0MONEY"
    assert (await card(world, second)).thread_ts != (await card(world, first)).thread_ts


async def test_the_crew_s_own_channel_is_not_elsewhere(world: World) -> None:
    here = replace(LEGAL, channel="C0REVIEWS")
    world.crews["research"] = replace(world.crews["research"], rules=(here,))
    await world.start()
    await world.settle_slack()
    round_ = await posted(world)
    assert round_.rule.channel is None
    assert (await card(world, round_)).thread_ts != (await card(world, round_)).ts


async def test_what_is_said_of_a_round_is_said_in_its_thread(world: World) -> None:
    round_ = await posted(world)
    await after(world, HOUR)
    await world.decide(round_.id, by=BEN)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await world.settle_slack()
    there = {one.ref.channel for one in world.slack.messages}
    assert there == {"C0LEGAL"}
    assert {one.key.split()[0] for one in world.slack.messages} == {"card", "reminder", "stuck"}


async def test_notes_in_its_thread_are_its(world: World) -> None:
    general = await posted(world, task="draft")
    theirs = await posted(world)
    world.clock.advance(SECOND)
    unposted = (await world.notify("Clause.", task_id="LEGAL")).round
    note = await world.note(await card(world, theirs), "9.1")
    assert note is not None
    assert note.round_id == theirs.id
    note = await world.note(await card(world, general), "9.2")
    assert note is not None
    assert note.round_id == general.id
    await world.decide(general.id, Revise("Shorter."))
    assert await world.note(await card(world, general), "9.3") is None
    await world.settle_slack()
    note = await world.note(await card(world, theirs), "9.4")
    assert note is not None
    assert note.round_id == unposted.id


@both
@pytest.mark.parametrize("channel", [None, "C0LEGAL"])
@pytest.mark.parametrize("edits", [False, True])
async def test_a_note_before_the_next_card_is_about_the_newest_round(
    world: World, channel: str | None, *, edits: bool
) -> None:
    rule = replace(LEGAL, channel=channel, approvals=2, reviewers=(User(ANA.id), User(BEN.id)))
    world.crews["research"] = replace(world.crews["research"], rules=(rule,))
    first = (await world.notify(task_id="legal", takes_edits=True)).round
    await world.settle_slack()
    if edits:
        newest = await edit(
            first.id,
            "My draft.",
            by=ANA,
            context=world.reviews,
            seen=Seen(share=Share(8, 8)),
        )
    else:
        newest = (await world.notify("Another draft.", task_id="legal")).round
    assert await world.note(await card(world, first), "9.1", by=EVE)
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(newest.id, by=BEN)
    assert asked.value.caveats.notes == 1


async def test_a_card_that_was_deleted_comes_back_there(world: World) -> None:
    round_ = await posted(world)
    world.slack.card(round_.id).deleted = True
    await world.enqueue(EffectKind.REFRESH, round_.id)
    await world.settle_slack()
    ref = await card(world, round_)
    assert (ref.channel, ref.thread_ts) == ("C0LEGAL", ref.ts)


async def test_a_thread_that_is_gone_begins_anew(world: World) -> None:
    first = await posted(world)
    await world.decide(first.id, Revise("Shorter."), by=BEN)
    await world.settle_slack()
    world.slack.card(first.id).deleted = True
    newer = await posted(world, "Another draft.")
    ref = await card(world, newer)
    assert (ref.channel, ref.thread_ts) == ("C0LEGAL", ref.ts)
    assert (await card(world, first)).thread_ts == (await card(world, first)).ts


BIG = replace(LEGAL, when=Conditions(contains=("9",)))


async def revised(world: World, text: str, *, by: Person = BEN) -> Round:
    """Open a round whose reviewer asks for changes."""
    round_ = await posted(world, text)
    await world.decide(round_.id, Revise("Less."), by=by)
    await world.turn(CREW)
    return await world.round(round_.id)


@pytest.mark.parametrize(
    ("texts", "quoted"),
    [
        (("9 EUR", "1 EUR"), []),
        (("1 EUR", "9 EUR"), []),
        (("9 EUR", "99 EUR"), [1]),
        (("1 EUR", "2 EUR"), [1]),
        (("1 EUR", "9 EUR", "2 EUR"), []),
    ],
)
async def test_a_card_quotes_the_round_before_only_where_that_one_s_card_is_there_too(
    world: World, texts: tuple[str, ...], quoted: list[int]
) -> None:
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),), rules=(BIG,))
    *before, last = texts
    for text in before:
        await revised(world, text, by=BEN if "9" in text else ANA)
    card = world.slack.card((await posted(world, last)).id)
    assert [one.number for one in card.earlier] == quoted
    assert isinstance(card.shows, Round)
    await world.enqueue(EffectKind.REFRESH, card.shows.id)
    await world.settle_slack()
    assert [one.number for one in card.earlier] == quoted


@pytest.mark.parametrize(("reads", "quoted"), [(ANA, []), (BEN, [1]), (CAI, [1]), (EVE, [1])])
async def test_a_private_message_quotes_what_its_person_may_read(
    world: World, reads: Person, quoted: list[int]
) -> None:
    """Ben decided on the round before, Cai operates the crew, Eve is in that round's channel."""
    reviewers = tuple(User(one.id) for one in (ANA, BEN, CAI, EVE))
    operators = (User(CAI.id),)
    world.crews["research"] = a_crew(
        reviewers=reviewers, operators=operators, starters=(), rules=(BIG,), notify=Notify.DM
    )
    world.directory.channels["C0LEGAL"] = {EVE.id}
    await revised(world, "9 EUR")
    round_ = await posted(world, "1 EUR")
    [message] = world.slack.keyed(f"direct {round_.id} {reads.id}")
    assert [one.number for one in message.earlier] == quoted
    await world.decide(round_.id)
    await world.settle_slack()
    assert [one.number for one in message.earlier] == quoted


async def test_an_undecided_round_before_is_quoted_without_an_older_one_from_elsewhere(
    world: World,
) -> None:
    world.crews["research"] = a_crew(reviewers=(User(ANA.id),), rules=(BIG,))
    await revised(world, "9 EUR")
    await posted(world, "1 EUR")
    card = world.slack.card((await posted(world, "2 EUR")).id)
    assert [one.number for one in card.earlier] == [2]
    card = world.slack.card((await posted(world, "99 EUR")).id)
    assert [one.number for one in card.earlier] == []
