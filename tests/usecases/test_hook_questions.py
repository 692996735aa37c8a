"""The question of a crew's hook: words of one person, sent by `/resume`."""

from dataclasses import replace

import pytest

from crewgate.domain.errors import SelfApproval, VerdictMisplaced
from crewgate.domain.notification import Ask, Question
from crewgate.domain.people import User
from crewgate.domain.reason import Answered, Inferred
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Answer, Approve, Revise, TimedOut
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.usecases.faults import LOST, Fault
from tests.usecases.timed import SENT_BACK, THREE_DAYS, after
from tests.usecases.world import CREW, World

ASK = Ask(place="mail: send_email")
YES = Answer("yes", to_crew=True)


async def asked(world: World, rule: Rule | None = None, **changes: object) -> Round:
    """A hook asks about a call."""
    rules = () if rule is None else (rule,)
    world.crews["research"] = replace(a_crew(rules=rules), **changes)  # type: ignore[arg-type]
    world.crew.pause("Send it?", task="ask-1")
    return (await world.notify("Send it?", task_id="ask-1", task_name="mail", ask=ASK)).round


async def test_the_words_of_one_person_are_the_answer(world: World) -> None:
    """Two approvals are not asked for: no two people write the same."""
    round_ = await asked(world, a_rule(approvals=2))
    again = await world.notify("Send it?", task_id="ask-1", ask=ASK)
    with pytest.raises(VerdictMisplaced):
        await world.decide(round_.id, Approve())
    await world.decide(round_.id, Revise("yes"))
    await world.turn(CREW)

    assert not again.accepted
    [taken] = world.crew.taken
    assert (taken.task_id, taken.decision.verdict) == ("ask-1", YES)
    done = await world.round(round_.id)
    assert (done.state, isinstance(done.subject, Question) and done.subject.ask) == (
        State.RESUMED,
        ASK,
    )
    assert isinstance(done.reason, Answered)
    assert done.decision is not None
    assert done.decision.verdict == YES


async def test_who_started_it_may_not_answer_where_the_rule_says_so(world: World) -> None:
    await world.start()
    round_ = await asked(world, a_rule(self_approval=False), reviewers=(User(ANA.id), User(BEN.id)))
    with pytest.raises(SelfApproval):
        await world.decide(round_.id, Revise("yes"))
    await world.decide(round_.id, Revise("yes"), by=BEN)


async def test_time_that_is_over_is_the_rules_answer(world: World) -> None:
    """It is sent as none: see `resume_body`."""
    round_ = await asked(world, SENT_BACK)
    await world.settle_slack()
    await after(world, THREE_DAYS.length)

    decision = (await world.round(round_.id)).decision
    assert decision is not None
    assert isinstance(decision.by, TimedOut)
    assert decision.verdict == Answer("Stop and summarise.", to_crew=True)


async def test_an_answer_in_doubt_is_settled_by_evidence_as_a_decision_is(world: World) -> None:
    round_ = await asked(world)
    await world.decide(round_.id, Revise("yes"))
    world.crew.faults.append(Fault(LOST, after=True))
    await world.turn(CREW)
    assert (await world.round(round_.id)).in_doubt
    await world.record_update()
    await world.lapse()
    await world.turn(CREW)

    assert (await world.round(round_.id)).reason == Inferred()
    assert len(world.crew.taken) == 1
