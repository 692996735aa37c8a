"""The rule of a new round, and the rights and the view of people under it."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.errors import NotAReader, NotAReviewer, UnknownCrew
from crewgate.domain.notification import (
    CallerValues,
    Format,
    HiddenValue,
    HumanInputWebhook,
    Output,
    WebhookUrls,
)
from crewgate.domain.people import Anyone, Role, User
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Escalation, Rule
from crewgate.usecases import queries as look
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffRequest
from crewgate.usecases.queries import pending, queue
from tests.builders import ANA, BEN, CAI, EVE, NOW, SECOND, a_crew, a_rule
from tests.usecases.world import World

LEGAL = a_rule(when=Conditions(task="legal"), reviewers=(User(BEN.id),), channel="C0LEGAL")


def settings(world: World, *rules: Rule, **changes: Any) -> None:
    world.crews["research"] = a_crew(rules=rules, **changes)


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (Conditions(), True),
        (Conditions(task="DRAFT*"), True),
        (Conditions(task="plan"), False),
        (Conditions(agent="Lawyer"), True),
        (Conditions(contains=("liab",)), True),
        (Conditions(json=(("eur", ">= 5"),)), True),
        (Conditions(inputs=(("topic", "tea"),)), True),
        (Conditions(meta=(("region", "EU"),)), True),
        (Conditions(meta=(("region", "US"),)), False),
    ],
)
async def test_the_rule_is_chosen_by_all_that_is_known(
    world: World, when: Conditions, fits: bool
) -> None:
    rule = a_rule(when=when)
    settings(world, rule)
    await world.start()
    output = Output('{"eur": 50000, "text": "Liability"}', Format.JSON)
    received = await world.notify(output=output, agent="Lawyer", meta=(("region", "EU"),))
    assert received.round.rule == (rule if fits else NO_RULE)
    assert (await world.round(received.round.id)).rule == (rule if fits else NO_RULE)


TEN = tuple((f"n{number}", "x") for number in range(10))
BIG = a_rule(when=Conditions(inputs=(("amount", "9*"),)), approvals=2)


async def start_on(world: World, inputs: CallerValues, meta: CallerValues = ()) -> None:
    """A caller starts an execution through the bot."""
    kickoffs = Kickoffs(
        uow=world.uow,
        crews=world.crews,
        clients={"research": world.crew},
        clock=world.clock,
        new_id=world.new_id,
        redactors={"research": Redactor()},
        teaching=world.teaching,
    )
    world.crew.kickoff_outcome = KickoffAnswer(
        status=200, body=b"", content_type="", execution_id="e-1"
    )
    await kickoffs.start("research", KickoffRequest(body=b"{}", inputs=inputs, meta=meta))


@pytest.mark.parametrize(
    ("value", "strict"),
    [
        (HiddenValue("90000"), True),
        (HiddenValue("10"), False),
        (HiddenValue(), True),
        (None, False),
    ],
)
async def test_each_round_is_under_the_rule_for_all_that_it_was_started_on(
    world: World, value: HiddenValue | None, strict: bool
) -> None:
    """And nobody is shown more of it than before."""
    settings(world, BIG, own=WebhookUrls(human_input=HumanInputWebhook("https://bot.example")))
    amount = () if value is None else (("amount", value),)
    await start_on(world, (*TEN, *amount, ("secret plan", HiddenValue("x"))))
    for draft in ("A draft.", "Another draft."):
        round_ = (await world.notify(draft)).round
        assert (round_.rule == BIG) is strict
        assert (await world.uow.read.posting(round_.id)).view.given == TEN
    assert ("secret plan", HiddenValue()) in (await world.execution()).inputs


async def test_a_rule_by_meta_is_for_all_that_a_notification_or_a_flow_carries(
    world: World,
) -> None:
    rule = replace(BIG, when=Conditions(meta=(("risk", "high"),)))
    settings(world, rule)
    meta = (*TEN, ("risk", HiddenValue("high")))
    assert (await world.notify(meta=meta)).round.rule == rule
    assert (await world.notify("Another draft.", meta=())).round.rule == rule
    asked = (await world.ask(meta=meta, assigned=())).round
    assert asked.rule == rule


async def test_an_execution_that_somebody_else_started_is_under_the_strictest_rule_that_may_match(
    world: World,
) -> None:
    small = a_rule(name="small", when=Conditions(inputs=(("amount", "1*"),)))
    settings(world, small, BIG, a_rule(name="rest"))
    assert (await world.notify(execution_id="e-1")).round.rule == BIG
    carried = (await world.notify(execution_id="e-2", inputs=(("amount", "10"),))).round
    assert carried.rule == small
    again = await world.notify("Another.", execution_id="e-2", inputs=(("amount", "90"),))
    assert again.round.rule == small


async def test_a_name_that_no_rule_asked_for_when_it_came_cannot_be_told(world: World) -> None:
    settings(world)
    await world.notify(meta=(("risk", HiddenValue("low")),))
    rule = replace(BIG, when=Conditions(meta=(("risk", "high"),)))
    settings(world, rule)
    assert (await world.notify("Another draft.")).round.rule == rule


async def test_of_rules_that_may_match_one_for_few_people_is_stricter_than_the_crew_s(
    world: World,
) -> None:
    large = Rule(name="large", when=Conditions(inputs=(("amount", "9*"),)))
    settings(world, large, Rule(name="finance", reviewers=(User(CAI.id),)), reviewers=(Anyone(),))
    round_ = (await world.notify()).round
    assert round_.rule.name == "finance"


async def test_a_round_keeps_which_patterns_fit_by_letters_and_digits_alone(world: World) -> None:
    settings(world, Rule(name="wires", when=Conditions(contains=("wire transfer", "draft"))))
    assert (await world.notify("Draft: wire transfer.")).round.rule.by_letters == ()
    round_ = (await world.notify("A wi-re\u2065transfer.", execution_id="e-2")).round
    assert round_.rule.by_letters == ("wire transfer",)
    assert await world.round(round_.id) == round_


async def test_the_first_rule_that_fits_counts_and_stays_with_the_round(world: World) -> None:
    settings(world, LEGAL, a_rule(approvals=2))
    first = (await world.notify()).round
    settings(world)
    assert (await world.round(first.id)).rule == a_rule(approvals=2)
    newer = (await world.notify("Another draft.")).round
    assert (newer.number, newer.rule) == (2, NO_RULE)


async def test_what_was_told_before_counts_for_later_rounds(world: World) -> None:
    settings(world, a_rule(when=Conditions(meta=(("region", "EU"),))))
    await world.notify(meta=(("region", "EU"),))
    later = (await world.notify("Another draft.")).round
    assert later.rule != NO_RULE


async def test_a_crew_that_the_settings_do_not_name_has_no_rules(world: World) -> None:
    world.crews.clear()
    assert (await world.notify()).round.rule == NO_RULE


# --- who may ---


@pytest.fixture
async def legal(world: World) -> Round:
    settings(world, LEGAL, reviewers=(User(ANA.id),), operators=(User(CAI.id),))
    world.directory.channels |= {"C0LEGAL": {EVE.id}, "C0REVIEWS": {"U0OTHER"}}
    return (await world.notify(task_id="legal")).round


async def test_the_rule_s_people_decide_and_not_the_crew_s(world: World, legal: Round) -> None:
    with pytest.raises(NotAReviewer) as caught:
        await world.decide(legal.id, by=ANA)
    assert caught.value.permitted == (User(BEN.id),)
    assert (await world.decide(legal.id, by=BEN)).decision is not None


async def test_who_reads_a_round_is_who_is_in_its_channel(world: World, legal: Round) -> None:
    """And its reviewers, and the crew's operators and starters."""
    context = world.reviews
    for person in (BEN, CAI, EVE, ANA):
        await context.ensure(person.id, Role.READER, legal)
    with pytest.raises(NotAReader) as caught:
        await context.ensure("U0OTHER", Role.READER, legal)
    assert caught.value.channel == "C0LEGAL"
    await context.ensure("U0OTHER", Role.READER, legal.review)


async def test_which_rounds_of_a_review_somebody_reads_is_asked_for_each(world: World) -> None:
    big = replace(LEGAL, when=Conditions(contains=("9",)))
    settings(world, big, reviewers=(User(ANA.id),), starters=())
    world.directory.channels |= {"C0LEGAL": {EVE.id}, "C0REVIEWS": {CAI.id}}
    rounds = [(await world.notify(text)).round for text in ("1 EUR", "9 EUR", "2 EUR", "99 EUR")]
    for person, numbers in ((ANA, {1, 3}), (BEN, {2, 4}), (CAI, {1, 3}), (EVE, {2, 4})):
        found = await world.reviews.readable(person.id, rounds)
        assert {one.number for one in rounds if one.id in found} == numbers


async def test_anyone_is_anyone_in_the_rule_s_channel(world: World) -> None:
    settings(world, a_rule(channel="C0LEGAL", reviewers=(Anyone(),)))
    world.directory.channels |= {"C0LEGAL": {EVE.id}, "C0REVIEWS": {CAI.id}}
    round_ = (await world.notify()).round
    with pytest.raises(NotAReviewer):
        await world.decide(round_.id, by=CAI)
    assert (await world.decide(round_.id, by=EVE)).decision is not None


async def test_once_it_is_escalated_more_people_may_decide(world: World) -> None:
    settings(world, a_rule(escalate=Escalation(Duration.parse("1d"), (User(EVE.id),))))
    round_ = (await world.notify()).round
    with pytest.raises(NotAReviewer):
        await world.decide(round_.id, by=EVE)
    assert await mine(world, EVE.id) == []
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(round_.id)).escalate(NOW).round)
    assert await mine(world, EVE.id) == await mine(world, ANA.id) == [round_.id]
    assert (await world.decide(round_.id, by=EVE)).decision is not None


async def mine(world: World, user: str) -> list[str]:
    found = await pending(user, mine=True, context=world.reviews)
    return [line.round.id for line in found.lines]


async def test_a_crew_that_is_gone_permits_nobody(world: World, legal: Round) -> None:
    world.crews.clear()
    with pytest.raises(UnknownCrew):
        await world.decide(legal.id, by=BEN)
    assert await mine(world, BEN.id) == []


# --- what they are shown ---


async def test_a_person_is_shown_what_they_may_decide_by_rule(world: World) -> None:
    """Ana by the crew's settings, Ben by the rule: nobody what is the other's."""
    ours = a_rule(when=Conditions(task="legal"), reviewers=(User(BEN.id),), channel="C0LEGAL")
    crew = replace(world.crews["research"], reviewers=(User(ANA.id),), starters=(), rules=(ours,))
    world.crews["research"] = crew
    theirs = (await world.notify(execution_id="e-1", task_id="legal")).round
    general = (await world.notify(execution_id="e-2")).round
    for person, round_ in ((ANA, general), (BEN, theirs)):
        found = await pending(person.id, mine=True, context=world.reviews)
        assert [line.round.id for line in found.lines] == [round_.id]
        shown = await queue(person.id, page=0, context=world.reviews, keep=[theirs.id, general.id])
        assert [line.round.id for line in shown.mine.lines] == [round_.id]
        assert [line.round.id for line in shown.kept] == [round_.id]
        assert shown.others.lines == ()


async def test_an_execution_is_shown_without_the_rounds_that_others_read(
    world: World, legal: Round
) -> None:
    world.clock.advance(SECOND)
    general = (await world.notify()).round
    clients = world.context.clients
    for user, shown in (("U0OTHER", [general.id]), (ANA.id, [legal.id, general.id])):
        found = await look.execution("e-1", by=user, context=world.reviews, clients=clients)
        assert [line.round.id for line in found.rounds] == shown
