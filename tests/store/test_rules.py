"""Rules are kept as they were, once, with the rounds that opened under them."""

from contextlib import suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.people import Anyone, Email, Notify, User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import NO_RULE, Escalation, Reminders, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Approve, Decision, Revise, TimedOut, Via
from crewgate.store.engine import Engines
from crewgate.store.round_rows import from_rule, to_rule
from crewgate.store.tables import rules
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.read_models import Selection
from tests.builders import (
    BEN,
    CAI,
    LATER,
    NOW,
    SECOND,
    a_decision,
    a_review,
    a_round,
    a_rule,
    a_uow,
    a_vote,
    an_output,
)
from tests.usecases.world import World

FOUR_HOURS, THREE_DAYS = Duration.parse("4wh"), Duration.parse("3d")
FULL = Rule(
    name="contracts “over” the limit",
    when=Conditions(
        task="contract_*",
        agent="Lawyer*",
        contains=("indemnif", "liability"),
        json=(("budget.eur", ">= 50000"),),
        inputs=(("country", "D*"),),
        meta=(("region", "EU"),),
    ),
    channel="C0LEGAL",
    reviewers=(User("U0ANA"), UserGroup("S0LEGAL"), Email("lead@example.com"), Anyone()),
    approvals=2,
    self_approval=False,
    unknown_starter=False,
    notify=Notify.DM,
    target=Duration.parse("30s"),
    remind=Reminders(after=FOUR_HOURS, every=Duration.parse("15m"), most=7),
    escalate=Escalation(THREE_DAYS, (Email("lead@example.com"),)),
    timeout=TimeOut(THREE_DAYS, TimeoutAction.REVISE, "Stop. «Шорт» 🎉"),
    working_hours=WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin"),
    delegation=False,
)
SPARSE = a_rule(reviewers=(), remind=Reminders(after=THREE_DAYS), timeout=TimeOut(THREE_DAYS))
VOTES = (a_vote(comment="Good."), a_vote(BEN, at=LATER, via=Via.MODAL, on_behalf_of=CAI))
FULL_FOR_ALL = replace(FULL, when=Conditions())
BY_RULE = TimedOut(FULL.name, THREE_DAYS)


async def keep(uow: UnitOfWork, round_: Round, *, fails: bool = False) -> None:
    async with uow.begin() as tx:
        review = round_.review
        await tx.executions.open(review.crew, review.execution_id, at=NOW)
        await tx.open_review(review)
        await tx.open_round(round_, an_output(), WebhookUrls())
        if fails:
            raise StoreUnavailable


async def count(engines: Engines) -> int:
    async with engines.read.connect() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(rules)) or 0


ROUNDS = [
    a_round(rule=a_rule()),
    a_round(rule=SPARSE, reminders=3),
    a_round(rule=FULL, votes=VOTES[:1], escalated_at=LATER),
    a_round(
        State.DECIDED,
        rule=FULL,
        votes=VOTES,
        decision=a_decision(
            Approve("Ana: Good."), by=BEN, votes=VOTES, unsent_notes=2, on_behalf_of=CAI
        ),
    ),
    a_round(
        State.DECIDED,
        rule=FULL,
        votes=VOTES[:1],
        decision=a_decision(Revise("Shorter."), by=BEN, on_behalf_of=CAI),
    ),
    a_round(
        State.DECIDED,
        rule=FULL,
        votes=VOTES[:1],
        decision=Decision(verdict=Revise("Stop."), by=BY_RULE, at=LATER, via=Via.RULE),
    ),
    a_round(State.DECIDED, decision=a_decision(on_behalf_of=CAI)),
]


@pytest.mark.parametrize("round_", ROUNDS)
async def test_a_round_comes_back_with_its_rule_and_votes(uow: UnitOfWork, round_: Round) -> None:
    await keep(uow, round_)
    assert await uow.read.round("r-1") == round_
    async with uow.begin() as tx:
        assert await tx.round("r-1") == round_
        await tx.save(replace(round_, reminders=9))
    assert await uow.read.round("r-1") == replace(round_, reminders=9, version=2)
    [line] = await uow.read.rounds.history("v-1", limit=2)
    assert line.round == replace(round_, reminders=9, version=2)


async def test_a_rule_is_kept_once(uow: UnitOfWork, engines: Engines) -> None:
    for n, rule in enumerate((FULL, replace(FULL), a_rule(), NO_RULE)):
        review = a_review(id=f"v-{n}", task_id=f"task-{n}")
        await keep(uow, a_round(id=f"r-{n}", review=review, rule=rule))
    other = a_uow(engines)
    review = a_review(id="v-9", task_id="task-9")
    await keep(other, a_round(id="r-9", review=review, rule=FULL))
    assert await count(engines) == 2
    found = await uow.read.rules(["research", "other"])
    assert {one.rule for one in found} == {FULL, a_rule()}
    assert {(one.crew, one.escalated) for one in found} == {("research", False)}
    assert await uow.read.rules([]) == await uow.read.rules(["other"]) == ()


async def test_a_rule_that_was_rolled_back_is_kept_the_next_time(
    uow: UnitOfWork, engines: Engines
) -> None:
    with suppress(StoreUnavailable):
        await keep(uow, a_round(rule=FULL), fails=True)
    assert await count(engines) == 0
    await keep(uow, a_round(rule=FULL))
    assert (await uow.read.round("r-1")).rule == FULL


async def test_the_same_rule_of_another_crew_is_another(uow: UnitOfWork, engines: Engines) -> None:
    await keep(uow, a_round(rule=FULL))
    review = a_review(id="v-2", crew="other")
    await keep(uow, a_round(id="r-2", review=review, rule=FULL))
    assert await count(engines) == 2


async def test_what_is_escalated_is_found_apart(world: World) -> None:
    world.crews["research"] = replace(world.crews["research"], rules=(FULL_FOR_ALL,))
    first = (await world.notify(execution_id="e-1")).round
    world.clock.advance(SECOND)
    second = (await world.notify(execution_id="e-2")).round
    async with world.uow.begin() as tx:
        await tx.save((await tx.round(second.id)).escalate(NOW).round)
    read = world.uow.read
    found = {one.escalated: one for one in await read.rules(["research"])}
    assert found[False].rule == found[True].rule == FULL_FOR_ALL
    for escalated, round_ in ((False, first), (True, second)):
        selection = Selection(queues=(found[escalated].key,), states=(State.WAITING,))
        assert await read.rounds.first(selection, limit=9) == (round_.id,)
        assert await read.rounds.count(selection) == 1
    [line] = await read.rounds.lines([second.id])
    assert line.key == found[True].key
    assert line.round.escalated_at == NOW


def test_of_thousands_of_rules_none_is_read_from_its_json_twice() -> None:
    """A flow's request that assigns people makes one, and every list goes through all of them."""
    named = (a_rule(reviewers=(Email(f"reviewer-{one}@example.com"),)) for one in range(4_000))
    stored = [from_rule(rule) for rule in named]
    first = [to_rule(one) for one in stored]
    assert all(to_rule(text) is rule for text, rule in zip(stored, first, strict=True))
