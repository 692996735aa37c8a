"""The person whom a kickoff names decides, once Slack says that this is a colleague."""

from dataclasses import replace
from datetime import timedelta

import pytest
from typing_extensions import override

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import NotAReviewer
from crewgate.domain.notification import HiddenValue, WebhookUrls
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.domain.people import Email, Role, User
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Round, State
from crewgate.domain.rules.choose import named_by
from crewgate.domain.rules.rule import Naming, Rule
from crewgate.usecases.access import crew_for
from crewgate.usecases.delivery.naming import ANSWERED_WITHIN, name_reviewer
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from tests.builders import ANA, BEN, CAI, EVE, SECOND, a_crew, a_human_input_webhook, a_rule
from tests.databases import both
from tests.usecases.crew_standins import FakeCrew
from tests.usecases.faults import Crashed, Fault
from tests.usecases.world import World

KEY = "inputs.manager_email"
ADDRESS = Email("cai@example.com")
ANSWER = KickoffAnswer(
    status=200, body=b'{"kickoff_id": "e-1"}', content_type="application/json", execution_id="e-1"
)


def kickoffs_of(world: World, client: FakeCrew, **rule: object) -> Kickoffs:
    own = WebhookUrls(human_input=a_human_input_webhook())
    world.crews["research"] = a_crew(own=own, rules=(a_rule(reviewers_from=KEY, **rule),))
    return Kickoffs(
        uow=world.uow,
        crews=world.crews,
        clients={"research": client},
        clock=world.clock,
        new_id=world.new_id,
        redactors={"research": Redactor()},
        teaching=world.teaching,
    )


async def started(world: World, value: str | HiddenValue | None, **rule: object) -> str:
    """The id of a waiting round whose kickoff, by Ana, said this; None: it said nothing."""
    world.directory.people[ADDRESS] = frozenset({CAI.id})
    inputs = () if value is None else (("manager_email", value),)
    kickoffs = kickoffs_of(world, FakeCrew(kickoff_outcome=ANSWER), **rule)
    await kickoffs.start("research", KickoffRequest(body=b"{}", inputs=inputs), by=ANA)
    # What a notification says of it counts for nothing.
    carried = (("manager_email", EVE.id),)
    return (await world.notify(inputs=carried, meta=carried)).round.id


async def posted(world: World, round_id: str) -> Round:
    await world.settle_slack()
    assert world.slack.keyed(f"card {round_id}") != []
    return await world.round(round_id)


def named(round_: Round) -> Naming | None:
    return round_.rule.naming


@both
@pytest.mark.parametrize("value", [CAI.id, ADDRESS.address, HiddenValue(ADDRESS.address)])
async def test_who_is_named_decides_and_nobody_else(world: World, value: str) -> None:
    round_id = await started(world, value)
    waiting = await posted(world, round_id)
    assert waiting.rule == a_rule(
        reviewers_from=KEY, naming=Naming.NAMED, reviewers=(User(CAI.id),)
    )
    with pytest.raises(NotAReviewer):
        await world.decide(round_id, by=BEN)
    assert (await world.decide(round_id, by=CAI)).decision is not None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, Naming.MISSING),
        (HiddenValue(), Naming.MISSING),
        ("Cai", Naming.UNREADABLE),
        (EVE.id, Naming.NO_MEMBER),
    ],
)
async def test_where_nobody_is_named_the_usual_reviewers_decide(
    world: World, value: str | HiddenValue | None, why: Naming
) -> None:
    world.directory.guests = {EVE.id}
    round_id = await started(world, value)
    assert named(await posted(world, round_id)) is why
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_those_of_the_rule_where_it_has_some(world: World) -> None:
    round_id = await started(world, "Cai", reviewers=(User(EVE.id),))
    await posted(world, round_id)
    with pytest.raises(NotAReviewer):
        await world.decide(round_id, by=BEN)
    assert (await world.decide(round_id, by=EVE)).decision is not None


async def test_nobody_names_themselves_where_they_may_not_approve(world: World) -> None:
    round_id = await started(world, ANA.id, self_approval=False)
    assert named(await posted(world, round_id)) is Naming.STARTER
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_but_where_they_may(world: World) -> None:
    round_id = await started(world, ANA.id)
    assert named(await posted(world, round_id)) is Naming.NAMED
    assert (await world.decide(round_id, by=ANA)).decision is not None


async def test_while_slack_does_not_say_nobody_decides_and_nothing_is_posted(
    world: World,
) -> None:
    round_id = await started(world, ADDRESS.address)
    world.directory.fault = NotSent("Slack does not answer in time", alone=True)
    await world.settle_slack()
    assert world.slack.keyed(f"card {round_id}") == []
    waiting = await world.round(round_id)
    assert crew_for(waiting, world.crews).permitted(Role.REVIEWER) == ()
    for by in (ANA, BEN, CAI):
        with pytest.raises(NotAReviewer):
            await world.decide(round_id, by=by)
    assert EffectKind.POST in await world.effects()
    world.directory.fault = None
    world.clock.advance(timedelta(minutes=5))
    assert named(await posted(world, round_id)) is Naming.NAMED


async def test_where_slack_refuses_to_say_the_usual_reviewers_decide(world: World) -> None:
    round_id = await started(world, ADDRESS.address)
    world.directory.fault = Naming.NOT_TOLD
    assert named(await posted(world, round_id)) is Naming.NOT_TOLD
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_a_starter_who_is_not_known_yet_is_waited_for(world: World) -> None:
    starter = Email("ana@example.com")
    round_id = await started(world, ANA.id, self_approval=False)
    async with world.uow.begin() as tx:
        execution = await tx.executions.find("research", "e-1")
        assert execution is not None
        meta = (("started_by", starter.address),)
        await tx.executions.save(replace(execution, starter=None, meta=meta))
    await world.settle_slack()
    assert world.slack.keyed(f"card {round_id}") == []
    world.directory.answers[starter] = frozenset({ANA.id})
    world.clock.advance(timedelta(minutes=5))
    assert named(await posted(world, round_id)) is Naming.STARTER


async def test_what_is_named_stays_so_after_a_crash_before_the_post(world: World) -> None:
    round_id = await started(world, CAI.id)
    world.slack.faults.append(Fault(Crashed))
    with pytest.raises(Crashed):
        await world.settle_slack()
    world.clock.advance(timedelta(minutes=5))
    world.directory.fault = Naming.NOT_TOLD
    assert named(await posted(world, round_id)) is Naming.NAMED


async def test_who_is_named_by_two_at_once_is_named_once(world: World) -> None:
    pending = await world.round(await started(world, CAI.id))
    assert await name_reviewer(pending, world.context) is None
    stored = await world.round(pending.id)
    world.directory.fault = Naming.NOT_TOLD
    assert await name_reviewer(pending, world.context) is None
    assert await world.round(pending.id) == stored


async def test_a_kickoff_that_is_not_answered_yet_is_waited_for(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(reviewers_from=KEY),))
    async with world.uow.begin() as tx:
        await tx.executions.record_kickoff("k-1", "research", User(ANA.id), at=world.clock())
    round_id = (await world.notify()).round.id
    await world.settle_slack()
    assert world.slack.keyed(f"card {round_id}") == []
    world.clock.advance(ANSWERED_WITHIN + SECOND)
    assert named(await posted(world, round_id)) is Naming.MISSING


async def cut_off(world: World, *values: str | None, **rule: object) -> str:
    """The id of a waiting round whose kickoff, perhaps one of several, was never answered."""
    kickoffs = kickoffs_of(world, FakeCrew(kickoff_outcome=Unknown("killed")), **rule)
    for value in values:
        inputs = () if value is None else (("manager_email", value),)
        await kickoffs.start("research", KickoffRequest(body=b"{}", inputs=inputs), by=ANA)
    world.clock.advance(timedelta(hours=2))
    return (await world.notify()).round.id


@both
async def test_a_kickoff_that_was_cut_off_names_who_decides(world: World) -> None:
    round_id = await cut_off(world, CAI.id, CAI.id)
    assert named(await posted(world, round_id)) is Naming.NAMED
    with pytest.raises(NotAReviewer):
        await world.decide(round_id, by=BEN)
    world.clock.advance(timedelta(days=8))
    newer = (await world.notify("Another draft.")).round.id
    assert named(await posted(world, newer)) is Naming.NAMED


@both
@pytest.mark.parametrize("other", [EVE.id, None])
async def test_where_it_may_be_one_of_several_operators_decide(
    world: World, other: str | None
) -> None:
    round_id = await cut_off(world, CAI.id, other, reviewers=(User(BEN.id),))
    crew = world.crews["research"]
    world.crews["research"] = replace(crew, operators=(User(EVE.id),))
    waiting = await posted(world, round_id)
    assert named(waiting) is Naming.UNCLEAR
    for by in (BEN, CAI):
        with pytest.raises(NotAReviewer):
            await world.decide(round_id, by=by)
    assert (await world.decide(round_id, by=EVE)).decision is not None


async def test_where_there_are_no_operators_the_usual_reviewers_decide(world: World) -> None:
    round_id = await cut_off(world, CAI.id, None, reviewers=(User(BEN.id),))
    assert named(await posted(world, round_id)) is Naming.UNCLEAR
    with pytest.raises(NotAReviewer):
        await world.decide(round_id, by=CAI)
    assert (await world.decide(round_id, by=BEN)).decision is not None


async def test_nor_does_it_name_who_decides_on_what_somebody_else_started(world: World) -> None:
    await cut_off(world, CAI.id)
    await world.kick_off(("started_by", BEN.id), execution="others")
    others = (await world.notify(execution_id="others")).round.id
    assert named(await posted(world, others)) is Naming.MISSING


class Pauses(FakeCrew):
    """A crew that pauses before it answers its kickoff."""

    def __init__(self, world: World) -> None:
        super().__init__(kickoff_outcome=ANSWER)
        self.world = world
        self.round_id = ""

    @override
    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
        self.world.clock.advance(timedelta(minutes=9))  # it was asleep
        self.round_id = (await self.world.notify()).round.id
        await self.world.settle_slack()
        assert self.world.slack.keyed(f"card {self.round_id}") == []
        return await super().kickoff(request, webhooks)


async def test_nor_is_it_where_nobody_knows_who_started_it(world: World) -> None:
    crew = Pauses(world)
    kickoffs = kickoffs_of(world, crew)
    inputs = (("manager_email", CAI.id),)
    await kickoffs.start("research", KickoffRequest(body=b"{}", inputs=inputs))
    world.clock.advance(ANSWERED_WITHIN)
    assert named(await posted(world, crew.round_id)) is Naming.NAMED
    with pytest.raises(NotAReviewer):
        await world.decide(crew.round_id, by=BEN)


async def test_what_was_ended_before_it_was_posted_names_nobody(world: World) -> None:
    round_id = await started(world, CAI.id)
    newer = (await world.notify("Another draft.")).round.id
    await posted(world, newer)
    superseded = await world.round(round_id)
    assert (superseded.state, named(superseded)) == (State.SUPERSEDED, Naming.PENDING)


def test_only_values_that_rules_name_are_kept() -> None:
    inputs = (
        ("manager_email", HiddenValue("a@example.com")),
        ("other", "b"),
        ("key", HiddenValue()),
    )
    rules = [
        Rule(name="a", reviewers_from=KEY),
        Rule(name="b", reviewers_from="meta.boss.id"),
        Rule(name="c", reviewers_from="inputs.key"),
        Rule(name="d"),
    ]
    assert named_by(rules, inputs, (("boss.id", "U1"),)) == (
        (KEY, "a@example.com"),
        ("meta.boss.id", "U1"),
    )
