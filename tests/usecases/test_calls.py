"""Calls of tools that wait for people: from the notification to their end."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.acts import (
    Argument,
    CallResult,
    CallState,
    Contradiction,
    Kind,
    ToolCall,
    UsedTool,
)
from crewgate.domain.audit import Code, digest_of
from crewgate.domain.caveats import NOTHING_SEEN, Unseen
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    ArgumentsMisfit,
    ConfirmationNeeded,
    NothingEdited,
    NotWaiting,
    RefusedByRule,
    VerdictMisplaced,
)
from crewgate.domain.masking import Kind as MaskKind
from crewgate.domain.notification import Ask, Format, Output
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import User
from crewgate.domain.reason import RefusedByCrew, Withdrawn
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Decide, Rule
from crewgate.domain.verdict import Answer, Approve, ByRule, Person, Refuse, Revise, Verdict, Via
from crewgate.store.round_rows import rule_id_of
from crewgate.usecases.decide import answer_of, change_arguments, edit
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.databases import both
from tests.usecases.test_edit import WHOLE
from tests.usecases.timed import SENT_BACK, THREE_DAYS, after
from tests.usecases.world import CREW, World

CALL = ToolCall("send_email", arguments=(Argument("to", Kind.TEXT, required=True),))
ARGUMENTS = {"to": "bob", "text": "Hi."}
RAN = CallResult(CallState.RAN, "Sent as message 17.")
CLOSED = CallResult(CallState.CLOSED, "The task is done, and needs no answer.")


def about(arguments: object = ARGUMENTS, **changes: Any) -> dict[str, Any]:
    return {
        "output": Output(json.dumps(arguments, indent=2), Format.JSON),
        "task_id": "send_email-1",
        "task_name": "mail",
        "pause_id": "send_email-1 1",
        "call": CALL,
        "takes_edits": True,
        "takes_key": True,
        **changes,
    }


async def called(world: World, rule: Rule | None = None, **changes: Any) -> Round:
    """Let an agent make a call."""
    reviewers = (User(ANA.id), User(BEN.id))
    rules = () if rule is None else (rule,)
    world.crews["research"] = a_crew(reviewers=reviewers, rules=rules)
    world.crew.pause(task="send_email-1")
    return (await world.notify(**about(**changes))).round


async def changed(world: World, round_: Round, **written: str) -> Round:
    return await change_arguments(
        round_.id,
        written,
        by=ANA,
        context=world.reviews,
        seen=WHOLE,
    )


@both
async def test_all_names_of_a_tool_are_stored_and_in_its_entry(world: World) -> None:
    named = replace(CALL, tool="post_y_795ae92b", other_names=("send_email", ""))
    round_ = await called(world, call=named)
    await called(world, task_id="send_email-2", pause_id="2")
    assert (await world.round(round_.id)).subject == named
    of_server, plain = [one["data"] for one in await world.entries(Code.OPENED)]
    assert of_server["tool"] == "post_y_795ae92b"
    assert of_server["other_names"] == ["send_email", ""]
    assert "other_names" not in plain


@both
async def test_a_call_is_approved_and_what_came_of_it_is_kept(world: World) -> None:
    round_ = await called(world)
    await world.decide(round_.id)
    await world.turn(CREW)
    told = await world.notify(**about(call_result=RAN))
    repeated = await world.notify(**about(call_result=RAN))

    done = await world.round(round_.id)
    assert (done.state, done.subject, done.call_result) == (State.RESUMED, CALL, RAN)
    assert [told.accepted, repeated.accepted, told.round.id] == [False, False, round_.id]


@both
async def test_a_call_that_ran_unapproved_is_told_to_operators_and_recorded(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    round_ = await called(world)
    await world.settle_slack()
    await world.notify(**about(call_result=RAN))
    await world.notify(**about(call_result=RAN))

    done = await world.round(round_.id)
    assert (done.state, done.contradiction) == (State.CLOSED, Contradiction.UNDECIDED)
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.CALL_ALARM]
    [entry] = await world.entries(Code.CALL_ENDED)
    words = digest_of(RAN.words, done.salt)
    assert entry["data"].items() >= {
        ("call", "ran"),
        ("words", words),
        ("contradicts", "undecided"),
    }
    await world.settle_slack()
    assert await world.effects() == []


@both
@pytest.mark.parametrize("was_asked", [True, False])
async def test_operators_are_told_of_a_call_that_ran_before_it_had_a_card(
    world: World, *, was_asked: bool
) -> None:
    if was_asked:
        await called(world)
    ran = (await world.notify(**about(call_result=RAN))).round

    await world.settle_slack()

    keys = [one.key.rpartition(" ")[0] for one in world.slack.messages]
    assert keys == ["card", f"call alarm {ran.id}"]
    assert world.slack.messages[1].ref.thread_ts == world.slack.card(ran.id).ref.ts


@both
async def test_a_call_that_may_have_run_is_approved_only_by_who_was_told(world: World) -> None:
    round_ = await called(world, call=replace(CALL, may_have_run=True))
    for surface in (NOTHING_SEEN, WHOLE):
        with pytest.raises(ConfirmationNeeded) as asked:
            await world.decide(round_.id, seen=surface)
        assert asked.value.caveats.unseen == {Unseen.MAY_HAVE_RUN}
        assert asked.value.caveats.seen.calls_for_words
    with pytest.raises(ConfirmationNeeded):
        await changed(world, round_, to="ann")
    await world.decide(round_.id, seen=asked.value.caveats.seen)
    assert (await world.round(round_.id)).state is State.DECIDED


async def test_a_refusal_gives_the_agent_the_words(world: World) -> None:
    round_ = await called(world)
    await world.decide(round_.id, Revise("Ask Ann first."))
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert (taken.decision.is_approve, taken.decision.human_feedback) == (False, "Ask Ann first.")


@both
async def test_a_call_runs_with_the_arguments_that_a_person_wrote(world: World) -> None:
    round_ = await called(world)
    approved = await changed(world, round_, to="ann")
    again = await changed(world, round_, to="ann")
    await world.turn(CREW)

    [taken] = world.crew.taken
    assert taken.output == str({"to": "ann", "text": "Hi."})
    assert taken.decision.verdict == Approve()
    assert (approved.number, approved.edited_by, approved.subject) == (2, ANA, CALL)
    assert (again.id, again.state) == (approved.id, State.DECIDED)
    assert taken.decision.via is Via.CHANGE
    [entry] = await world.entries(Code.DECIDED)
    assert entry["data"]["via"] == "edit"


async def test_a_refusal_of_arguments_that_a_person_wrote_sends_no_arguments(world: World) -> None:
    """A host takes arguments with an approval alone, and would refuse the whole request."""
    round_ = await called(world, a_rule(approvals=2))
    theirs = await changed(world, round_, to="ann")
    await world.decide(theirs.id, Revise("Not to Ann."), by=BEN)
    await world.turn(CREW)

    [taken] = world.crew.taken
    assert (taken.decision.is_approve, taken.decision.human_feedback) == (False, "Not to Ann.")
    assert "ann" not in taken.output


async def test_only_arguments_take_the_place_of_arguments(world: World) -> None:
    round_ = await called(world)
    with pytest.raises(ArgumentsMisfit):
        await changed(world, await called(world, task_id="purchase-1", call=number()), to="many")
    with pytest.raises(NothingEdited):
        await changed(world, round_, to="bob")
    with pytest.raises(VerdictMisplaced):
        await edit(
            round_.id,
            "Hi.",
            by=ANA,
            context=world.reviews,
            seen=WHOLE,
        )
    draft = (await world.notify()).round
    with pytest.raises(VerdictMisplaced):
        await changed(world, draft, to="ann")


def number() -> ToolCall:
    return ToolCall("purchase", arguments=(Argument("to", Kind.NUMBER),))


@pytest.mark.parametrize("answer_first", [False, True])
async def test_a_call_that_is_closed_takes_no_answer(world: World, answer_first: bool) -> None:
    round_ = await called(world, SENT_BACK)
    await world.settle_slack()
    if answer_first:
        await world.decide(round_.id)
    await world.notify(**about(call_result=CLOSED))
    await world.turn(CREW)

    closed = await world.round(round_.id)
    assert (closed.state, closed.reason) == (State.CLOSED, Withdrawn(CLOSED.words))
    assert world.crew.taken == []
    assert EffectKind.TIME_OUT not in await world.effects()


async def test_an_end_that_comes_first_asks_nobody(world: World) -> None:
    ended = await called(world, call_result=CLOSED)
    late = await world.notify(**about())
    assert (ended.state, late.accepted) == (State.CLOSED, False)
    assert await world.effects() == []


async def test_an_end_says_nothing_about_the_execution(world: World) -> None:
    """It must be no evidence for a decision about another review."""
    await called(world)
    before = (await world.execution()).activity_count
    await world.notify(**about(call_result=RAN))
    assert (await world.execution()).activity_count == before


async def test_a_question_that_is_closed_takes_no_answer(world: World) -> None:
    question: dict[str, Any] = {
        "task_id": "ask-1",
        "ask": Ask(place="mail: ask_people"),
        "pause_id": "ask-1 1",
    }
    round_ = (await world.notify("Which?", **question)).round
    await world.notify("Which?", call_result=CLOSED, **question)
    assert (await world.round(round_.id)).reason == Withdrawn(CLOSED.words)


async def test_a_choice_is_an_answer_as_it_came(world: World) -> None:
    ask = Ask(place="mail: ask_people", choices=("Red", "blue"))
    world.crew.pause("Which?", task="ask-1")
    round_ = (await world.notify("Which?", task_id="ask-1", ask=ask)).round
    assert await answer_of(round_.id, 0, context=world.reviews) == Answer("Red", is_label=True)
    await world.decide(round_.id, Revise("BLUE"))
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert taken.decision.human_feedback == "blue"


async def test_the_tools_that_were_used_are_kept(world: World) -> None:
    used = (UsedTool("search", 4), UsedTool("send_email", 1, 1))
    round_ = (await world.notify(tools_used=used)).round
    assert (await world.round(round_.id)).tools_used == used


@both
async def test_an_output_names_who_approved_the_calls_since_the_round_before(world: World) -> None:
    used: dict[str, Any] = {"agent": "Clerk", "tools_used": (UsedTool("send_email", 1, 1),)}
    minute = timedelta(minutes=1)

    async def call(number: int, by: Person, **changes: Any) -> None:
        ids = {"task_id": f"send_email-{number}", "pause_id": f"send_email-{number} 1"}
        round_ = await called(world, **{"agent": "Clerk", **ids, **changes})
        await world.decide(round_.id, by=by)
        await world.turn(CREW)
        world.clock.advance(minute)

    async def named(text: str) -> list[tuple[str, str]]:
        round_ = (await world.notify(text, **used)).round
        view = (await world.uow.read.posting(round_.id)).view
        await world.decide(round_.id, Revise("Again."))
        await world.turn(CREW)
        world.clock.advance(minute)
        return [(tool, how.decider) for tool, how in view.approved_calls]

    await call(1, ANA)
    await call(2, BEN, agent="Painter")
    await call(3, BEN, execution_id="e-2")
    await call(4, BEN)
    unused = about(agent="Clerk", task_id="send_email-4", pause_id="send_email-4 1")
    await world.notify(**unused | {"call_result": CLOSED})
    first = await named("One.")
    await call(5, BEN)
    assert (first, await named("Two.")) == ([("send_email", ANA.id)], [("send_email", BEN.id)])
    used["tools_used"] = (UsedTool("search", 4),)
    assert await named("Three.") == []


async def test_time_that_is_over_refuses(world: World) -> None:
    await called(world, SENT_BACK)
    await world.settle_slack()
    await after(world, THREE_DAYS.length)
    await world.turn(CREW)
    [taken] = world.crew.taken
    assert not taken.decision.is_approve


async def test_two_approvals_let_it_run(world: World) -> None:
    round_ = await called(world, a_rule(approvals=2))
    await world.decide(round_.id)
    await world.turn(CREW)
    assert world.crew.taken == []
    await world.decide(round_.id, by=BEN)
    await world.turn(CREW)
    assert len(world.crew.taken) == 1


def decides(decide: Decide, name: str = "small", **changes: Any) -> Rule:
    return a_rule(name=name, when=Conditions(tool="send_*"), decide=decide, **changes)


@both
@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (decides(Decide.ALLOW), Approve()),
        (decides(Decide.REFUSE, reason="Never."), Refuse("Never.")),
    ],
)
async def test_a_rule_decides_without_a_person(world: World, rule: Rule, verdict: Verdict) -> None:
    opened = await called(world, rule)
    assert await world.effects() == [EffectKind.POST, EffectKind.RESUME]
    again = await world.notify(**about())
    await world.turn(CREW)

    done = await world.round(opened.id)
    assert done.decision is not None
    assert (done.state, done.decision.by) == (State.RESUMED, ByRule("small"))
    [taken] = world.crew.taken
    assert (taken.decision.verdict, again.accepted) == (verdict, False)
    [entry] = await world.entries(Code.RULE_DECIDED)
    assert (entry["actor"], entry["data"]["rule"]) == ("rule", rule_id_of(opened))


async def test_arguments_of_a_persons_are_asked_of_the_rules_again(world: World) -> None:
    refuse = decides(Decide.REFUSE, reason="Not to Ann.")
    refuse = replace(refuse, when=Conditions(tool="send_*", arguments=(("to", "ann"),)))
    allow = decides(Decide.ALLOW, "all")
    people = a_rule(name="Bob", when=Conditions(arguments=(("to", "bob"),)), approvals=2)
    round_ = await called(world)
    world.crews["research"] = replace(world.crews["research"], rules=(refuse, people, allow))
    with pytest.raises(RefusedByRule) as error:
        await changed(world, round_, to="ann")
    assert (error.value.rule, error.value.reason) == ("small", "Not to Ann.")
    assert error.value.arguments == ["to"]
    assert (await changed(world, round_, to="cai")).state is State.DECIDED


async def test_the_end_of_a_call_is_an_entry(world: World) -> None:
    round_ = await called(world)
    await world.notify(**about(call_result=RAN))
    [entry] = await world.entries(Code.CALL_ENDED)
    words = digest_of(RAN.words, round_.salt)
    assert (entry["data"]["call"], entry["data"]["words"]) == ("ran", words)


async def test_a_call_whose_tool_takes_no_such_arguments_is_asked_about_again(world: World) -> None:
    approved = await changed(world, await called(world), to="ann")
    says = "The tool does not take this: no such person"
    world.crew.answers[approved.id] = Refused("400", says, RefusalKind.ARGUMENTS)
    await world.settle_slack()
    await world.turn(CREW)

    refused = await world.round(approved.id)
    assert (refused.state, refused.reason) == (State.CLOSED, RefusedByCrew("400", says))
    [waiting] = await world.waiting()
    assert (waiting.number, waiting.edited_by, waiting.takes_edits) == (3, None, True)
    view = (await world.uow.read.posting(waiting.id)).view
    assert json.loads(view.output.text) == ARGUMENTS
    assert await world.effects() == [EffectKind.REFRESH, EffectKind.NOTIFY_STUCK, EffectKind.POST]
    await world.decide(waiting.id)
    await world.turn(CREW)
    assert (await world.round(waiting.id)).state is State.RESUMED


@both
async def test_a_click_and_the_end_of_a_call_at_once_leave_one_of_them(world: World) -> None:
    """The click is refused, or comes first; never is an approval left that nothing ends."""
    round_ = await called(world)
    pressed, told = await asyncio.gather(
        world.decide(round_.id), world.notify(**about(call_result=CLOSED)), return_exceptions=True
    )
    assert isinstance(pressed, NotWaiting) or not isinstance(pressed, BaseException)
    assert not isinstance(told, BaseException)
    done = await world.round(round_.id)
    assert (done.state, done.reason) == (State.CLOSED, Withdrawn(CLOSED.words))


@both
async def test_fifty_calls_at_once_are_a_round_each(world: World) -> None:
    await called(world)
    received = await asyncio.gather(
        *(
            world.notify(**about(task_id=f"send_email-{n}", pause_id=f"send_email-{n} 1"))
            for n in range(50)
        )
    )
    assert sum(one.accepted for one in received) == 49
    assert {(one.round.number, one.round.state) for one in received} == {(1, State.WAITING)}


SECRET = {"to": "bob", "pin": 1234, "client_secret": "Pay Eve."}


@both
@pytest.mark.parametrize("has_card", [False, True])
async def test_what_is_secret_by_name_is_masked_and_asked_about_and_can_be_shown(
    world: World, has_card: bool
) -> None:
    round_ = await called(world, **about(SECRET, call=replace(CALL, hides=True)))
    if has_card:
        await world.settle_slack()
    view = (await world.uow.read.posting(round_.id)).view
    assert json.loads(view.output.text) == SECRET | {"pin": "[secret]", "client_secret": "[secret]"}
    assert view.masked == ((MaskKind.SECRET, 2),)
    [line] = await world.uow.read.rounds.history(round_.review.id, limit=9)
    assert "Pay Eve." not in line.excerpt

    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(round_.id)
    assert Unseen.MASKS in asked.value.caveats.unseen
    assert (await world.round(round_.id)).state is State.WAITING
    whole = (await world.uow.read.posting(round_.id, as_it_came=True)).view.output.text
    assert json.loads(whole) == SECRET
    await world.decide(round_.id, seen=asked.value.caveats.seen)
    await world.turn(CREW)
    assert len(world.crew.taken) == 1


async def test_a_call_with_erased_passages_is_asked_about_whatever_was_shown(world: World) -> None:
    round_ = await called(world, call=replace(CALL, erased=1))
    await world.settle_slack()
    assert not round_.takes_edits
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(round_.id, seen=WHOLE)
    assert asked.value.caveats.unseen == {Unseen.ERASED}
    await world.decide(round_.id, seen=asked.value.caveats.seen)
