"""Executions of every kind that there is, by name."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from crewgate.crewai.payloads import decision_body
from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall
from crewgate.domain.audit import BOT, Code, Entry
from crewgate.domain.caveats import Seen, Share, Unseen
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.lessons import LessonsGiven
from crewgate.domain.notification import Ask, Format, Output
from crewgate.domain.outcome import Exchange, Refused
from crewgate.domain.people import Email, User, UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Decide, Escalation, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Answer, Approve, Person, Revise, Verdict
from crewgate.store.tables import audit_entries, outbox
from crewgate.usecases.away import come_back, go_away
from crewgate.usecases.caveats import record_unmasked, unmask
from crewgate.usecases.decide import change_arguments, dismiss, edit, take_back
from crewgate.usecases.delivery.resume import FETCH_WITHIN
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.read_models import MessageRef
from crewgate.usecases.referrals import refer
from crewgate.usecases.removal import remove_texts
from crewgate.usecases.teaching import record_given
from tests.audit.masking import MASKING
from tests.builders import ANA, BEN, CAI, EVE, NOW, a_crew, a_rule
from tests.usecases.faults import LOST, Fault
from tests.usecases.world import CREW, World

HOUR: Final = timedelta(hours=1)
LEGAL, FINANCE = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
DRAFT, EDITED = "It costs 3 euros.", "It costs 4 euros."
WHOLE = Seen(share=Share(len(DRAFT), len(DRAFT)))


async def opened(world: World, name: str, *rules: Rule, text: str = DRAFT, **changes: Any) -> str:
    world.crews["research"] = a_crew(rules=rules)
    world.crew.pause(text, execution=name)
    round_id = (await world.notify(text, execution_id=name, **changes)).round.id
    await world.settle_slack()
    return round_id


async def write(world: World, text: str, round_id: str, *, by: Person = ANA) -> str:
    changed = await edit(
        round_id,
        text,
        by=by,
        context=world.reviews,
        seen=WHOLE,
    )
    await world.settle_slack()
    return changed.id


async def fetched(world: World, name: str) -> None:
    """Twice, which is told once, and once it was late."""
    fetches = Fetches(world.uow, decision_body, clock=world.clock, new_id=world.new_id)
    for number in (1, 2):
        text = DRAFT * number
        await world.decide(await opened(world, name, text=text, is_fetched=True))
        await world.turn(CREW)
        world.clock.advance((number - 1) * FETCH_WITHIN)
        await world.turn(CREW)
        for _ in range(2):
            crew = world.crews["research"]
            assert await fetches.fetch(crew, name, "draft", seconds=0, is_there=lambda: True)


async def alone(world: World, name: str) -> None:
    first = await opened(world, name)
    await world.decide(first, Revise("Shorter.\nAnd é \u202e."))
    await world.turn(CREW)
    world.crew.pause("4 euros.", execution=name)
    second = (await world.notify("4 euros.", execution_id=name)).round.id
    await world.settle_slack()
    await world.decide(second, Approve("Fine."), by=BEN)
    await world.turn(CREW)
    await world.record(CrewUpdate(result=Output("Done.")), name)


async def two_tasks(world: World, name: str) -> None:
    first = await opened(world, name)
    second = (await world.notify("Another.", execution_id=name, task_id="other")).round.id
    await world.decide(second)
    await world.notify("Newer.", execution_id=name)
    await world.settle_slack()
    assert first != second


async def two_people(world: World, name: str) -> None:
    rule = a_rule(
        reviewers=(User(ANA.id), User(BEN.id)),
        approvals=2,
        self_approval=False,
        escalate=Escalation(Duration.parse("1h"), (User(EVE.id),)),
    )
    world.crews["research"] = a_crew(rules=(rule,))
    await world.start(name)
    round_id = await opened(world, name, rule)
    await refer(round_id, BEN, "You know them.", by=ANA, context=world.reviews)
    await world.decide(round_id, Approve("Fine."), by=BEN)
    await take_back(round_id, by=BEN, context=world.reviews)
    world.clock.advance(2 * HOUR)
    await world.settle_slack()
    await world.decide(round_id, by=BEN)
    await world.decide(round_id, by=EVE)
    await world.turn(CREW)


async def groups(world: World, name: str) -> None:
    """Ana counts for one group first, and then for the other."""
    world.directory.people |= {
        LEGAL: frozenset({ANA.id, BEN.id}),
        FINANCE: frozenset({ANA.id, CAI.id}),
    }
    needed = ((LEGAL, 1), (FINANCE, 1))
    rule = a_rule(approvals_from=needed, reviewers=(LEGAL, FINANCE), approvals=2)
    round_id = await opened(world, name, rule)
    await world.decide(round_id, by=ANA)
    await world.decide(round_id, Approve("Legal says yes."), by=BEN)


async def words(world: World, name: str) -> None:
    """Ben's comment brings a rule of groups, by which Eve's approval no longer counts."""
    everybody = tuple(User(one.id) for one in (ANA, BEN, CAI, EVE))
    world.directory.people |= {LEGAL: frozenset({BEN.id}), FINANCE: frozenset({ANA.id, CAI.id})}
    wires = a_rule(
        name="wires",
        when=Conditions(contains=("wire",)),
        approvals_from=((LEGAL, 1), (FINANCE, 2)),
        reviewers=(LEGAL, FINANCE),
        approvals=3,
    )
    rule = a_rule(reviewers=everybody, approvals=2, self_approval=False)
    round_id = await opened(world, name, wires, rule)
    for person, comment in ((EVE, None), (BEN, "Send a wire."), (CAI, None), (ANA, None)):
        await world.decide(round_id, Approve(comment), by=person)


async def words_on_the_way(world: World, name: str) -> None:
    """A comment changes the rule while the card, and what it masks, are on their way."""
    wires = a_rule(name="wires", when=Conditions(contains=("wire",)), approvals=2)
    round_id = await opened(world, name, wires, a_rule())
    before = await world.uow.read.round(round_id)
    await world.decide(round_id, Approve("Send a wire."), by=BEN)
    async with world.uow.begin() as tx:
        await tx.place_card(before, MessageRef("C0REVIEWS", "9.9", "9.9"), at=NOW, shown=100)
        tx.audit.of_round(Entry(Code.UNMASKED, ANA.id, {}), before)
    await world.decide(round_id, by=ANA)


async def lapsed(world: World, name: str) -> None:
    """Ben leaves the group after his approval."""
    world.directory.people[LEGAL] = frozenset({ANA.id, BEN.id, CAI.id})
    round_id = await opened(world, name, a_rule(reviewers=(LEGAL,), approvals=2))
    await world.decide(round_id, by=BEN)
    world.directory.people[LEGAL] = frozenset({ANA.id, CAI.id})
    await world.decide(round_id, by=ANA)
    await world.decide(round_id, by=CAI)


async def delegate(world: World, name: str) -> None:
    """Ben is back before he goes away once more."""
    until = world.clock() + 24 * HOUR
    await go_away(BEN, CAI, until=until, context=world.reviews)
    await come_back(BEN, context=world.reviews)
    world.clock.advance(HOUR)
    await go_away(BEN, EVE, until=until, context=world.reviews)
    await world.notify("Between.", execution_id=f"{name}-other")
    await by_a_delegate(world, name)
    await world.turn(CREW)
    world.clock.advance(HOUR)
    await come_back(BEN, context=world.reviews)


async def delegate_after_another(world: World, name: str) -> None:
    """While the round waits, Ben names one delegate, is back, and names another one."""
    round_id = await opened(world, name)
    until = world.clock() + 24 * HOUR
    await go_away(BEN, CAI, until=until, context=world.reviews)
    world.clock.advance(HOUR)
    await come_back(BEN, context=world.reviews)
    world.clock.advance(HOUR)
    await go_away(BEN, EVE, until=until, context=world.reviews)
    await world.decide(round_id, by=EVE)


async def by_a_delegate(world: World, name: str) -> None:
    """Eve decides for Ben, who is away."""
    await world.decide(await opened(world, name), by=EVE)


async def delegate_of_two(world: World, name: str) -> None:
    await go_away(BEN, EVE, until=world.clock() + 24 * HOUR, context=world.reviews)
    round_id = await opened(world, name, a_rule(approvals=2, self_approval=False))
    await world.decide(round_id, by=ANA)
    await world.decide(round_id, by=EVE)


async def delegate_lapsed(world: World, name: str) -> None:
    """Eve approves for Ben; by Ana's comment nobody may decide for others."""
    await go_away(BEN, EVE, until=world.clock() + 24 * HOUR, context=world.reviews)
    reviewers = tuple(User(one.id) for one in (ANA, BEN, CAI))
    rule = a_rule(reviewers=reviewers, approvals=2)
    wires = replace(rule, name="wires", when=Conditions(contains=("wire",)), delegation=False)
    round_id = await opened(world, name, wires, rule)
    for person, comment in ((EVE, None), (ANA, "Send a wire."), (CAI, None)):
        await world.decide(round_id, Approve(comment), by=person)


async def edited(world: World, name: str) -> None:
    world.directory.people[LEGAL] = frozenset({ANA.id, BEN.id})
    rule = a_rule(
        approvals=2,
        timeout=TimeOut(Duration.parse("1d"), TimeoutAction.APPROVE),
        escalate=Escalation(Duration.parse("1h"), (User(EVE.id),)),
    )
    round_id = await opened(world, name, rule, takes_edits=True)
    world.clock.advance(2 * HOUR)
    await world.settle_slack()
    await world.decide(await write(world, EDITED, round_id), by=EVE)
    await world.turn(CREW)


async def edited_by_a_delegate(world: World, name: str) -> None:
    """Eve writes a text of her own for Ben, and might have written it for Ana."""
    until = world.clock() + 24 * HOUR
    for away in (BEN, ANA):
        world.clock.advance(HOUR)
        await go_away(away, EVE, until=until, context=world.reviews)
    await write(world, EDITED, await opened(world, name, takes_edits=True), by=EVE)
    await world.turn(CREW)


async def edits_asked_for(world: World, name: str) -> None:
    await write(world, EDITED, await opened(world, name))
    await world.turn(CREW)


async def timed_out(world: World, name: str) -> None:
    timeout = TimeOut(Duration.parse("1d"), TimeoutAction.REVISE, "Nobody looked.")
    await opened(world, name, a_rule(timeout=timeout))
    world.clock.advance(25 * HOUR)
    await world.settle_slack()
    await world.turn(CREW)


async def calls(world: World, name: str) -> None:
    """A rule allows a call, which runs."""
    when = Conditions(tool="send_*")
    rules = (a_rule(name="allow", when=when, decide=Decide.ALLOW),)
    world.crews["research"] = a_crew(rules=rules)
    about: dict[str, Any] = {"execution_id": name, "task_id": "send-1", "call": ToolCall("send_it")}
    world.crew.pause(execution=name, task="send-1")
    await world.notify(**about)
    await world.turn(CREW)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


CALL: Final = ToolCall("send_it", arguments=(Argument("to", Kind.TEXT),))


async def called(world: World, name: str, *rules: Rule, to: str = "bob") -> tuple[str, Any]:
    """A call of a tool waits; the round's id, and what tells of the call."""
    world.crews["research"] = a_crew(rules=rules)
    world.crew.pause(execution=name, task="send-1")
    about: dict[str, Any] = {"execution_id": name, "task_id": "send-1", "call": CALL}
    about |= {"output": Output(json.dumps({"to": to}), Format.JSON), "takes_edits": True}
    round_id = (await world.notify(**about)).round.id
    await world.settle_slack()
    return round_id, about


async def call_that_runs(world: World, name: str) -> None:
    round_id, about = await called(world, name)
    await world.decide(round_id)
    await world.turn(CREW)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


async def call_in_doubt(world: World, name: str) -> None:
    """The answer to an approval is lost, and the call runs."""
    round_id, about = await called(world, name)
    await world.decide(round_id)
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    await world.notify(**about, call_result=CallResult(CallState.FAILED, "No."))


async def asked_anew(world: World, name: str, *, changed: bool = False) -> Any:
    """The answer to an approval is lost, and it ends; return what tells of the call.

    `changed`: the approval is of other arguments than the agent's.
    """
    round_id, about = await called(world, name)
    if changed:
        await change_arguments(round_id, {"to": "ann"}, by=ANA, context=world.reviews, seen=WHOLE)
    else:
        await world.decide(round_id)
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    world.clock.advance(HOUR)
    await world.turn(CREW)
    await world.settle_slack()
    return about


async def call_asked_anew(world: World, name: str) -> None:
    """The call had run by the approval that ended."""
    about = await asked_anew(world, name)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


async def call_changed_and_asked_anew(world: World, name: str) -> None:
    """The call had run with a person's arguments when people are asked about the agent's."""
    about = await asked_anew(world, name, changed=True)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


async def call_asked_anew_and_changed(world: World, name: str) -> None:
    """The call had run by that approval when people approve it with other arguments."""
    about = await asked_anew(world, name)
    anew = await world.uow.read.latest_round("research", name, "send-1")
    assert anew is not None
    again = replace(WHOLE, unseen=frozenset({Unseen.MAY_HAVE_RUN}))
    await change_arguments(anew.id, {"to": "ann"}, by=ANA, context=world.reviews, seen=again)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


async def call_refused(world: World, name: str) -> None:
    round_id, _ = await called(world, name)
    await world.decide(round_id, Revise("Not now."))
    await world.turn(CREW)


async def call_refused_by_its_rule(world: World, name: str) -> None:
    when = Conditions(tool="send_*")
    refuse = a_rule(name="never", when=when, decide=Decide.REFUSE, reason="Never.")
    await called(world, name, refuse)
    await world.turn(CREW)


async def call_changed(world: World, name: str) -> None:
    round_id, about = await called(world, name)
    await change_arguments(
        round_id,
        {"to": "ann"},
        by=ANA,
        context=world.reviews,
        seen=WHOLE,
    )
    await world.settle_slack()
    await world.turn(CREW)
    await world.notify(**about, call_result=CallResult(CallState.RAN, "Sent."))


async def call_withdrawn(world: World, name: str) -> None:
    _, about = await called(world, name)
    await world.notify(**about, call_result=CallResult(CallState.CLOSED, "Too late."))


async def question(world: World, name: str) -> None:
    """A question with choices, of which one is taken; and one that is answered in words."""
    ask = Ask(place="mail: ask_people", choices=("No", "deep red"))
    verdicts: tuple[Verdict, ...] = (Answer("deep red", is_label=True), Revise("Perhaps."))
    for number, verdict in enumerate(verdicts):
        task = f"ask-{number}"
        world.crew.pause("Which?", execution=name, task=task)
        asked = await world.notify("Which?", execution_id=name, task_id=task, ask=ask)
        await world.settle_slack()
        await world.decide(asked.round.id, verdict)
        await world.turn(CREW)


async def regrouped(world: World, name: str) -> None:
    """Ana joins a second group after her approval, and counts for that one at last."""
    world.directory.people |= {
        LEGAL: frozenset({ANA.id, BEN.id}),
        FINANCE: frozenset({CAI.id}),
    }
    needed = ((LEGAL, 1), (FINANCE, 1))
    rule = a_rule(approvals_from=needed, reviewers=(LEGAL, FINANCE), approvals=2)
    round_id = await opened(world, name, rule)
    await world.decide(round_id, by=ANA)
    world.directory.people[FINANCE] = frozenset({ANA.id, CAI.id})
    await world.decide(round_id, by=BEN)


async def set_back(world: World, name: str) -> None:
    """The clock is set back while an escalation and a time-out are waited for."""
    timeout = TimeOut(Duration.parse("1d"), TimeoutAction.APPROVE)
    escalate = Escalation(Duration.parse("20h"), (User(EVE.id),))
    await opened(world, name, a_rule(timeout=timeout, escalate=escalate))
    await world.outbox.note_alive(now=world.clock(), compare=False)
    world.clock.advance(-3 * HOUR)
    await world.outbox.note_alive(now=world.clock(), compare=True)
    for _ in range(2):
        world.clock.advance(12 * HOUR)
        await world.settle_slack()
    await world.turn(CREW)


async def flow(world: World, name: str) -> None:
    world.crews["research"] = a_crew(reviewers=())
    world.directory.people[Email("reviewer@example.com")] = frozenset({BEN.id})
    await world.ask(flow_id=name, request_id=f"{name}-1")
    more = (User(EVE.id),)
    again = await world.ask(flow_id=name, request_id=f"{name}-1", escalation=True, assigned=more)
    round_ = again.round
    await world.settle_slack()
    await world.decide(round_.id, Answer("approved", is_label=True), by=EVE)
    await world.turn(CREW)


async def flow_of_two(world: World, name: str) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    round_ = (await world.ask(flow_id=name, request_id=name)).round
    await world.decide(round_.id, Answer("approved", is_label=True))
    await world.decide(round_.id, Revise("approved."), by=BEN)


async def named(world: World, name: str) -> None:
    """The kickoff names who decides."""
    world.crews["research"] = a_crew(rules=(a_rule(reviewers_from="inputs.manager"),))
    at = world.clock()
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", name, at=at)
        kept = replace(execution, named=(("inputs.manager", CAI.id),))
        await tx.executions.save(kept)
    round_id = (await world.notify(execution_id=name)).round.id
    await world.settle_slack()
    await world.decide(round_id, by=CAI)


async def other_settings(world: World, name: str) -> None:
    """The bot is started with other reviewers while the round waits."""
    round_id = await opened(world, name)
    world.crews["research"] = a_crew(reviewers=(User(CAI.id),))
    async with world.uow.begin() as tx:
        data = {"version": "1", "settings": "", "reviewers": [CAI.id]}
        tx.audit.add(Entry(Code.STARTED, BOT, data), crew="research")
    await world.decide(round_id, by=CAI)


async def before_the_trail(world: World, name: str) -> None:
    """The review waits while the trail comes."""
    round_id = await opened(world, name)
    await forget(world, name)
    await world.decide(round_id)
    await world.turn(CREW)
    await world.notify("4 euros.", execution_id=name, task_id="later")


async def forget(world: World, name: str) -> None:
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("DROP TRIGGER audit_kept"))
        gone = sa.delete(audit_entries).where(audit_entries.c.execution_id == name)
        await connection.execute(gone)


async def removed(world: World, name: str) -> None:
    await alone(world, name)
    await world.settle_slack()
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    world.clock.advance(timedelta(days=91))
    before = world.clock() - timedelta(days=90)
    about = {"before": before, "begin": world.uow.begin, "clock": world.clock}
    async for _ in remove_texts("research", **about):  # type: ignore[arg-type]
        pass


async def masked(world: World, name: str) -> None:
    world.crews["masked"] = a_crew("masked", redact=MASKING)
    text = "Write to alice@example.com."
    round_id = (await world.notify(text, crew="masked", execution_id=name)).round.id
    await world.settle_slack()
    await unmask(round_id, by=ANA, context=world.reviews)
    await record_unmasked(round_id, by=ANA, context=world.reviews)
    await world.decide(round_id)


async def in_doubt(world: World, name: str) -> None:
    """The answer is lost, and the next output shows that the decision was taken."""
    round_id = await opened(world, name)
    await world.decide(round_id, Revise("Shorter."))
    world.crew.faults.append(Fault(LOST))
    await world.turn(CREW)
    await world.notify("Short.", execution_id=name)
    await world.settle_slack()


async def stuck(world: World, name: str) -> None:
    round_id = await opened(world, name)
    await world.decide(round_id, Revise("Shorter."), by=BEN)
    exchange = Exchange(b"{}", b"no")
    world.crew.faults += [Fault(Refused("404", "gone", exchange=exchange))] * 2
    await world.turn(CREW)
    await world.retry(round_id)
    await world.turn(CREW)
    await dismiss(round_id, "Told by hand.", by=ANA, context=world.reviews)
    await world.settle_slack()


async def taught(world: World, name: str) -> None:
    """Its kickoff carried a lesson."""
    async with world.uow.begin() as tx:
        execution = await tx.executions.open("research", name, at=world.clock())
        given = LessonsGiven(("l-1",), left_out=2)
        await record_given(tx, replace(execution, lessons=given))
    await world.decide(await opened(world, name))
    await world.turn(CREW)


KINDS: Final[Mapping[str, Callable[[World, str], Awaitable[None]]]] = {
    "alone": alone,
    "two tasks": two_tasks,
    "two people": two_people,
    "groups": groups,
    "words": words,
    "words on the way": words_on_the_way,
    "lapsed": lapsed,
    "delegate": delegate,
    "delegate after another": delegate_after_another,
    "delegate of two": delegate_of_two,
    "delegate lapsed": delegate_lapsed,
    "edited": edited,
    "edited by a delegate": edited_by_a_delegate,
    "edits asked for": edits_asked_for,
    "timed out": timed_out,
    "calls": calls,
    "call that runs": call_that_runs,
    "call in doubt": call_in_doubt,
    "call asked anew": call_asked_anew,
    "call changed and asked anew": call_changed_and_asked_anew,
    "call asked anew and changed": call_asked_anew_and_changed,
    "call refused": call_refused,
    "call refused by its rule": call_refused_by_its_rule,
    "call changed": call_changed,
    "call withdrawn": call_withdrawn,
    "question": question,
    "regrouped": regrouped,
    "set back": set_back,
    "flow": flow,
    "flow of two": flow_of_two,
    "named": named,
    "other settings": other_settings,
    "before the trail": before_the_trail,
    "masked": masked,
    "in doubt": in_doubt,
    "stuck": stuck,
    "taught": taught,
    "fetched": fetched,
    # What ended before is removed with it, so it comes last.
    "removed": removed,
}
