"""Saving rounds, with their rules and their timed effects."""

from dataclasses import replace
from datetime import datetime

from crewgate.domain.acts import ToolCall
from crewgate.domain.answering import rule_for
from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.errors import RefusedByRule
from crewgate.domain.execution import Execution
from crewgate.domain.notification import Output, WebhookUrls
from crewgate.domain.people import Role
from crewgate.domain.receipt import Receipt, ask_again
from crewgate.domain.review import Review, Round, State, Transition
from crewgate.domain.rules.choose import choose, for_call, stricter, with_letters
from crewgate.domain.rules.conditions import Facts
from crewgate.domain.rules.duration import LONGEST, LONGEST_WORKING, Duration
from crewgate.domain.rules.rule import Decide, Rule
from crewgate.domain.subjects import call_of, question_of
from crewgate.domain.verdict import Person
from crewgate.usecases.log_fields import press_ts
from crewgate.usecases.ports.base import NewId
from crewgate.usecases.ports.store import Tx

Due = tuple[Effect, datetime]


def timed_effects(round_: Round, start: datetime) -> tuple[Due, ...]:
    rule = round_.rule
    found = [next_reminder(round_, start)]
    if (until := round_.subject.waits_until) is not None:
        found.append((round_.effect(EffectKind.EXPIRE), until))
    if rule.escalate is not None and round_.escalated_at is None:
        found.append(_due(round_, EffectKind.ESCALATE, rule.escalate.after, start))
    if rule.timeout is not None:
        found.append(_due(round_, EffectKind.TIME_OUT, rule.timeout.after, start))
    return tuple(one for one in found if one is not None)


def times_out_at(round_: Round, start: datetime) -> datetime | None:
    due = (at for effect, at in timed_effects(round_, start) if effect.kind is EffectKind.TIME_OUT)
    return next(due, None)


def next_reminder(round_: Round, at: datetime) -> Due | None:
    remind = round_.rule.remind
    if remind is None or round_.reminders >= remind.most:
        return None
    if round_.reminders == 0:
        pause = remind.after
    else:
        pause = remind.every or _doubled(remind.after, round_.reminders)
    effect, due = _due(round_, EffectKind.REMIND, pause, at)
    return effect, opens_at(round_, due)


def opens_at(round_: Round, at: datetime) -> datetime:
    hours = round_.rule.working_hours
    return at if hours is None else hours.next_open(at)


def _doubled(pause: Duration, times: int) -> Duration:
    longest = LONGEST_WORKING if pause.working else LONGEST
    # The doublings are bounded before the power is computed: without a bound it could have millions
    # of digits, and no moment is that far ahead.
    doublings = min(times, (longest // pause.length).bit_length())
    return replace(pause, length=min(pause.length * 2**doublings, longest), written="")


def _due(round_: Round, kind: EffectKind, after: Duration, start: datetime) -> Due:
    return round_.effect(kind), after.after(start, round_.rule.working_hours)


async def pressed(tx: Tx, round_id: str, by: Person) -> Round:
    """Lock a round for a person's press. Raises PressRepeated unless it is newer than their last.

    Whoever calls saves the round, because it has the time of the press.
    """
    return (await tx.round(round_id)).press(by.id, press_ts())


async def apply(tx: Tx, transition: Transition, *, at: datetime) -> None:
    round_ = transition.round
    await tx.save(round_)
    await tx.enqueue(transition.effects, at=at)
    if round_.state is not State.WAITING:
        await cancel(tx, round_)


async def open_round(
    tx: Tx, receipt: Receipt, output: Output, carried: WebhookUrls, crew: Crew | None
) -> None:
    if receipt.ended is not None:
        await tx.save(receipt.ended)
        await cancel(tx, receipt.ended)
    reviewers = crew.permitted(Role.REVIEWER) if crew else ()
    await tx.open_round(receipt.current, output, carried, reviewers)


async def ask_anew(
    tx: Tx, ended: Transition, *, may_have_run: bool, crew: Crew | None, at: datetime, new_id: NewId
) -> Round:
    """Ask people once more about a call whose approval the tool did not get; return the round."""
    again = ask_again(ended.round, may_have_run=may_have_run, at=at, new_id=new_id)
    output = await tx.output(again.current.origin)
    await open_round(tx, again, output, WebhookUrls(), crew)
    await tx.enqueue((*ended.effects, *again.effects), at=at)
    return again.current


async def schedule(tx: Tx, round_: Round, *, at: datetime) -> None:
    """Enqueue the timed effects of a waiting round, counted from `at`, in place of earlier ones."""
    if round_.state is not State.WAITING:
        return
    if round_.is_timed:
        await tx.cancel_timers(round_.id)
    for effect, due in timed_effects(round_, at):
        await tx.enqueue([effect], at=at, due_at=due)


async def cancel(tx: Tx, round_: Round) -> None:
    if round_.is_timed:
        await tx.cancel(round_.id)


def choose_rule(
    crew: Crew,
    execution: Execution,
    review: Review,
    output: Output,
    *,
    call: ToolCall | None = None,
    words: str = "",
) -> Rule:
    facts = Facts(
        task_id=review.task_id,
        task_name=review.task_name,
        agent=review.agent,
        output=output,
        inputs=execution.inputs,
        meta=execution.meta,
        call=call,
        words=words,
    )
    chosen = choose(crew.rules, facts, crew.permitted(Role.REVIEWER))
    return for_call(crew.rule_for_round(with_letters(chosen, facts)), call)


async def rule_with_words(
    round_: Round, words: str, edited: Output | None, *, crew: Crew, tx: Tx
) -> Rule:
    """Return the stricter of a round's rule and the rule for a person's text or words.

    `edited` is the person's text in place of the output; `contains` also reads the words of an
    approval. Raises RefusedByRule if a rule refuses the changed call.
    """
    output = edited
    if output is None:
        if not words or not any(rule.when.contains for rule in crew.rules):
            return round_.rule
        output = await tx.output(round_.id)
        words = "\n".join((*(vote.comment or "" for vote in round_.votes), words))
    execution = await tx.executions.find(crew.name, round_.review.execution_id)
    assert execution is not None, "each round has an execution"
    chosen = choose_rule(
        crew, execution, round_.review, output, call=call_of(round_.subject), words=words
    )
    match chosen.decide:
        case Decide.REFUSE:
            looked_at = [path.partition(".")[0] for path, _ in chosen.when.arguments]
            raise RefusedByRule(chosen.name, chosen.reason, looked_at)
        case Decide.ALLOW:  # people were asked already, so the rule does not decide
            return round_.rule
    usual = crew.permitted(Role.REVIEWER)
    question = question_of(round_.subject)
    if question is not None:
        chosen = rule_for(question, chosen, reviewers=True)
        if round_.rule.reviewers and not crew.reviewers:
            usual = round_.rule.reviewers  # assignees, and after an escalation operators too
    return stricter(round_.rule, chosen, usual)
