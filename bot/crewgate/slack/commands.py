"""`/crew` and its subcommands. Only the asker sees the answers."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain import errors, review, verdict
from crewgate.domain.execution import id_beginning
from crewgate.domain.people import Role
from crewgate.domain.rules.conditions import Conditions
from crewgate.slack import away, ids, kickoff, lessons, morning, payloads, reviews, stats
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    section,
    sections,
)
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.client.replies import Respond, send_ephemeral
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors
from crewgate.slack.executions import bar, tasks, tasks_done, title_parts, topic
from crewgate.slack.ids import COMMAND
from crewgate.slack.press import parse_press
from crewgate.slack.reviews.people import People
from crewgate.slack.words import cards, decisions, icons, names, states
from crewgate.slack.words.decisions import ANSWER_LIMIT
from crewgate.slack.words.names import Deciders, Link, Why, duration, linked, moment
from crewgate.slack.words.refusals import InSlack
from crewgate.slack.words.rules import named, rule_in_words
from crewgate.usecases import queries, read_models
from crewgate.usecases.queries import CrewHealth, CrewRules, Overview, overview, rules_of

_LIST_BUDGET: Final = blocks.MESSAGE_LIMIT - 2_000
"""The characters for a list in a message; headlines and the crew's own report take the rest."""
_CREWS_BUDGET: Final = 2_500
_ROUNDS: Final = 14
"""The most rounds of an execution in a message of 50 blocks; each has three at most."""
_HELP_REVIEWS: Final = (
    "• *Approve*: the crew goes on. You are asked first if you were not shown all of it, notes "
    "wait, or somebody is on it.\n"
    "• *Revise* sends your words: the crew does the task again, and a new round appears in the "
    "same thread.\n"
    "• Write in the card's thread; *Revise* collects what you wrote and sends it.\n"
    "• The first decision counts. The app's Home is your queue."
)
_HELP: Final = (
    f"`{COMMAND} pending` shows what waits, the oldest first; `{COMMAND} pending mine`: for you\n"
    f"`{COMMAND} status` shows every execution; with the beginning of an id, one in full\n"
    f"`{COMMAND} kickoff &lt;crew&gt;` starts a crew\n"
    f"`{COMMAND} stats` shows numbers of the last 30 days; a crew, and `7d` or `90d`, may follow\n"
    f"`{COMMAND} lessons` shows what reviewers taught the crews; a crew may follow\n"
    f"`{COMMAND} rules` shows the rules for what you decide\n"
    f"`{COMMAND} away` opens a form: who decides for you, until when; `{COMMAND} back` ends it\n"
    f"`{COMMAND} morning 8:30` sends you a line each day that something waits for you\n"
    f"`{COMMAND} help` shows this"
)
_HELP_PLAIN: Final = ", ".join(dict.fromkeys(re.findall(rf"`({COMMAND} [a-z]+)", _HELP)))


def render_help() -> Message:
    headline = "*AI crews wait here for your decision.*"
    return Message(_HELP_PLAIN, [section(headline), section(_HELP_REVIEWS), section(_HELP)])


def render_pending(
    pending: read_models.QueuePart,
    *,
    now: datetime,
    mine: bool,
    link: Link,
    deciders: Deciders,
    why: Why = lambda _: (),
) -> Message:
    details = [_details(line, deciders) for line in pending.lines]
    alike = _alike(details)
    usual = "you" if mine else "a decision"
    above, who = alike, usual
    if alike and alike[-1] == details[0][-1] != "" and not mine and pending.total == len(details):
        above, who = alike[:-1], alike[-1].removeprefix("for ")
    headline = names.bold(_pending_headline(pending.total, who, mine=mine))
    lines = (
        names.joined(
            states.headline_in_list(line, link),
            reviews.output.arguments_in_list(line),
            *(part for part in detail if part not in alike),
            f"waiting for {duration(now - line.round.opened_at)}",
            *states.claim_and_notes(line, now=now),
            *(why(line.round) if mine else ()),
        )
        for line, detail in zip(pending.lines, details, strict=True)
    )
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(names.joined(headline, *above)))
    if pending.total > shown:
        total = names.total(pending.total)
        blocks.append(context(f"These are the oldest. The app's Home shows all {total}."))
    if mine and pending.total:
        blocks.append(actions(reviews.buttons.START.on(ids.COMMAND)))
    return Message(_pending_headline(pending.total, usual, mine=mine), blocks)


def render_execution(
    view: read_models.ExecutionStatus, *, now: datetime, link: Link, run_url: str = ""
) -> Message:
    execution = view.execution
    name = names.identifier(execution.execution_id)
    title = names.joined(*title_parts(execution), name, names.run(run_url))
    waits = any(line.round.state is review.State.WAITING for line in view.rounds)
    report = _report(view.progress, waits=waits)
    # The latest rounds come first, so that the earliest are left off where room is short.
    latest: list[list[Block]] = []
    size = 0
    for line in reversed(view.rounds[-_ROUNDS:]):
        found = [*_in_full(line, now, link)]
        size += len(json.dumps(found, ensure_ascii=False))
        if size > _LIST_BUDGET:
            break
        latest.append(found)
    blocks = [section(title), section(report)]
    if left := len(view.rounds) - len(latest):
        earlier = names.counted(left, "earlier round")
        blocks.append(context(f"{earlier} {'is' if left == 1 else 'are'} not shown"))
    blocks += chain.from_iterable(reversed(latest))
    if not view.rounds:
        blocks.append(context("Nothing has come for review yet."))
    if execution.step and not (waits or execution.is_over):
        blocks.append(context(f"Latest step: {one_line(execution.step, ANSWER_LIMIT)}"))
    message = Message(f"{names.crew(execution.crew)}: {report}", blocks)
    return _refreshable(message, now=now, value=execution.execution_id)


def _in_full(line: read_models.RoundLine, now: datetime, link: Link) -> Iterator[Block]:
    round_ = line.round
    title = linked(f"{names.number_of(round_)} of {names.task(round_)}", line.card, link)
    lines = [f"{title} · {states.in_list(round_, now)}"]
    decision = round_.decision
    if decision is not None:
        lines.append(f"decided after {cards.waiting_time(round_, decision)}")
        if round_.state is review.State.RESUMED and decisions.because(round_.reason):
            lines.append(states.outcome(round_))
    yield section("\n".join(lines))
    yield reviews.output.preview(line)[0]
    if decision is not None:
        yield from quotation(states.written(decision), cards.EARLIER_FEEDBACK_SHOWN)


def render_overview(seen: Overview, *, now: datetime, link: Link, deciders: Deciders) -> Message:
    waits = "waits" if seen.waiting == 1 else "wait"
    counts = names.joined(
        f"{names.total(seen.stuck)} not delivered" if seen.stuck else "",
        f"{names.total(seen.waiting)} {waits} for a decision" if seen.waiting else "",
        f"{names.total(seen.sending)} being sent" if seen.sending else "",
    )
    headline = counts or ("Nothing waits" if seen.executions else "Nothing waits or runs")
    alike = _alike([[names.crew(one.posting.execution.crew)] for one in seen.executions])
    lines = (_execution_line(one, alike, now, link, deciders) for one in seen.executions)
    blocks, shown = sections(lines, budget=_LIST_BUDGET - _CREWS_BUDGET)
    blocks.insert(0, section(names.joined(names.bold(headline), *alike)))
    if seen.more or shown < len(seen.executions):
        blocks.append(context("The app's Home shows all that waits."))
    crews, _ = sections((_reached(one, now) for one in seen.crews), budget=_CREWS_BUDGET)
    return _refreshable(Message(headline, [*blocks, *crews]), now=now)


def _refreshable(message: Message, *, now: datetime, value: str = ids.REFRESH_STATUS) -> Message:
    press = button("Refresh", action_id=ids.REFRESH_STATUS, value=value)
    return replace(message, blocks=[*message.blocks, context(moment(now, now)), actions(press)])


def render_ambiguous(prefix: str, candidates: Sequence[tuple[str, str]]) -> Message:
    question = f"Several executions begin with {names.identifier(prefix)}. Which one?"
    lines = (f"• {names.crew(crew)} · {names.identifier(name)}" for crew, name in candidates)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(question))
    if shown < len(candidates):
        blocks.append(context(names.more(len(candidates) - shown)))
    return Message(question, blocks)


def render_unknown_execution(prefix: str) -> Message:
    sentence = (
        f"I know no execution that begins with {names.identifier(prefix)}. "
        f"`{COMMAND} status` shows those that wait or run."
    )
    return Message(sentence, [section(sentence)])


def _details(line: read_models.RoundLine, deciders: Deciders) -> list[str]:
    round_ = line.round
    whom = _for_whom(deciders(round_))
    return [names.crew(round_.review.crew), names.numbered(round_), whom]


def _alike(details: Sequence[Sequence[str]]) -> list[str]:
    if len(details) < 2:  # noqa: PLR2004
        return []
    return [parts[0] for parts in zip(*details, strict=True) if len(set(parts)) == 1]


def _execution_line(
    line: read_models.ExecutionLine,
    alike: Sequence[str],
    now: datetime,
    link: Link,
    deciders: Deciders,
) -> str:
    execution, first = line.posting.execution, next(iter(line.rounds), None)
    others = len(line.rounds) - 1
    about = one_line(execution.topic, names.TITLE_LIMIT)
    title = names.bold(linked(about, first.card if first else line.posting.thread, link))
    done, total = execution.completed_tasks, execution.total_tasks
    if first:
        stands = _needs(first.round, deciders(first.round), now)
    else:
        at = f"at {names.title(execution.current_task)}, " if execution.current_task else ""
        stands = f"{at}running for {duration(now - execution.began_at)}"
    # `/crew status` takes this id. Without a topic the title is this id, so it is not repeated.
    name = names.identifier(id_beginning(execution.execution_id))
    return names.joined(
        f"{states.icon(first.round) if first else icons.RUNNING} {title}",
        *({names.crew(execution.crew)} - set(alike)),
        tasks_done(min(done, total), total) if total else tasks(done),
        stands,
        f"and {names.counted(others, 'more review')}" if others > 0 else "",
        name if topic(execution) else "",
    )


def _pending_headline(total: int, who: str, *, mine: bool) -> str:
    if total == 0:
        return "Nothing waits for you." if mine else "Nothing waits."
    if total == 1:
        return f"1 review waits for {who}"
    return f"{names.total(total)} reviews wait for {who}"


def _for_whom(who: str) -> str:
    return f"for {who}" if who else ""


def _needs(round_: review.Round, who: str, now: datetime) -> str:
    title = names.task(round_)
    if round_.state is review.State.WAITING:
        waited = f"{title} has waited {duration(now - round_.opened_at)}"
        return f"{waited} {_for_whom(who)}" if who else waited
    line = f"{title}: {states.in_list(round_, now)}"
    return f"{line} · {_for_whom(who)}" if who and round_.state is review.State.STUCK else line


def _report(reported: read_models.Progress | read_models.CrewUnavailable, *, waits: bool) -> str:
    """Render the crew's report; `waits` is True if a review below names the current task."""
    if isinstance(reported, read_models.CrewUnavailable):
        why = one_line(reported.why, ANSWER_LIMIT)
        if reported.gone:
            return f"The crew does not know this execution ({why})."
        if reported.answered:
            return f"The crew does not say how far it is ({why})."
        return f"The crew does not answer ({why})."
    word = one_line(reported.word, names.ID_LIMIT)
    drawn = bar(reported.completed_tasks, reported.total_tasks)
    parts = [drawn or f"The crew says “{word}”"]
    if drawn and reported.status is not read_models.CrewStatus.RUNNING:
        parts.append(word)
    if reported.current_task and not waits:
        parts.append(f"now at {names.title(reported.current_task)}")
    if reported.error:
        parts.append(f"the error: {one_line(reported.error, ANSWER_LIMIT)}")
    return names.joined(*parts)


def _reached(crew: CrewHealth, now: datetime) -> str:
    name = names.bold(names.crew(crew.crew))
    if crew.took is None:
        return f":white_circle: {name} fetches its decisions"
    answers = f"answers in {int(crew.took / timedelta(milliseconds=1)):,} ms"
    if crew.warning is not None:
        answers = one_line(crew.warning, ANSWER_LIMIT)
    if crew.failing is not None:
        failing = crew.failing
        late = f", next at {moment(failing.next_at, now)}" if failing.next_at > now else ""
        tried = f"{failing.tries:,} tries since {moment(failing.since, now)}{late}"
        decisions = names.counted(failing.decisions, "decision")
        return f":red_circle: {name} does not take {decisions}: {tried} ({answers})"
    if crew.warning is not None:
        return f":red_circle: {name}: {answers}"
    return f":large_green_circle: {name} {answers}"


_BUDGET: Final = blocks.MESSAGE_LIMIT - 1_000

_NONE: Final = "You decide for no crew, so no rule concerns you."


def render_rules(found: Sequence[CrewRules], *, in_slack: InSlack) -> Message:
    if not found:
        return Message(_NONE, [section(_NONE)])
    lines = [line for one in found for line in _lines(one, in_slack)]
    blocks, shown = sections(lines, budget=_BUDGET)
    if shown < len(lines):
        blocks.append(context(names.more(len(lines) - shown)))
    first = "The first rule that fits counts. One *Revise* sends the work back at once."
    return Message("The rules for what you decide", [*blocks, context(first)])


def _lines(found: CrewRules, in_slack: InSlack) -> Iterator[str]:
    crew = found.crew
    yield _rules_headline(crew.name, len(found.rules), of=len(crew.rules))
    for number, rule in found.rules:
        people = in_slack(crew.under(rule).permitted(Role.REVIEWER))
        later = in_slack(rule.escalate.to) if rule.escalate is not None else ()
        yield rule_in_words(number, rule, people, later)
    of_people = (rule for rule in crew.rules if rule.decide is None)
    if found.otherwise and not any(rule.when == Conditions() for rule in of_people):
        people = in_slack(crew.permitted(Role.REVIEWER))
        yield f"Everything else takes {cards.approvals(1)}; {named(people)} may decide.\n"


def _rules_headline(crew: str, count: int, *, of: int) -> str:
    name = names.bold(names.crew(crew))
    if not of:
        return f"{name} has no rules."
    if count == of == 1:
        return f"{name} has 1 rule."
    if count == of:
        return f"{name} has {names.counted(of, 'rule')}, tried in this order."
    concern = "concerns" if count == 1 else "concern"
    return f"{name} has {names.counted(of, 'rule')}; {count:,} {concern} you."


def register(app: AsyncApp, context: SlackContext) -> None:
    app.command(ids.COMMAND)(partial(on_command, context=context))
    app.action(ids.REFRESH_STATUS)(partial(on_refresh, context=context))


async def on_command(
    ack: AsyncAck, command: Body, respond: Respond, *, context: SlackContext
) -> None:
    """Acknowledge first, since a crew may take 2 s to answer; then answer."""
    await ack()
    asked = payloads.parse_command(command)
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=asked.by):
        match asked.arguments:
            case ["kickoff", *_]:
                await kickoff.on_kickoff_command(asked, respond, context=context)
            case ["away", *_]:
                await away.on_away_command(asked, respond, context=context)
            case ["stats", *_]:
                await stats.on_stats_command(asked, respond, context=context)
            case _:
                await send_ephemeral(respond, await _answer(asked, context))


async def on_refresh(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    await ack()
    press = parse_press(body)
    of = () if press.value == ids.REFRESH_STATUS else (press.value,)
    asked = payloads.Command(("status", *of), by=press.by)
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=asked.by):
        await send_ephemeral(respond, await _answer(asked, context), replace=True)


async def _answer(  # noqa: PLR0911  # one row a case
    command: payloads.Command, context: SlackContext
) -> str | Message:
    by, now, link = command.by.id, context.clock(), context.identity.link
    match command.arguments:
        case [] | ["help"]:
            return render_help()
        case ["pending"] | ["pending", "mine"]:
            mine = len(command.arguments) > 1
            waiting = await queries.pending(by, mine=mine, context=context)
            return render_pending(
                waiting,
                now=now,
                mine=mine,
                link=link,
                deciders=context.deciders,
                why=await context.reasons_for(by),
            )
        case ["rules"]:
            found = await rules_of(by, context=context)
            return render_rules(found, in_slack=context.directory.in_slack)
        case ["status"]:
            seen = await overview(by, clients=context.clients, context=context)
            return render_overview(seen, now=now, link=link, deciders=context.deciders)
        case ["status", prefix]:
            return await _execution(prefix.strip("`"), command.by, context)
        case ["lessons", *crew]:
            return await lessons.list_lessons(command.by, " ".join(crew), context)
        case ["morning", *_]:
            return await morning.answer_morning(command, context)
        case ["back"]:
            return await away.answer_back(command.by, context)
        case _:
            return names.NOT_UNDERSTOOD


async def _execution(prefix: str, by: verdict.Person, context: SlackContext) -> Message:
    try:
        view = await queries.execution(prefix, by=by.id, context=context, clients=context.clients)
    except errors.ExecutionNotFound:
        return render_unknown_execution(prefix)
    except errors.AmbiguousExecution as error:
        return render_ambiguous(prefix, error.candidates)
    run_url = People(context.crews, context.directory, context.clock).run_url(view.execution)
    return render_execution(view, now=context.clock(), link=context.identity.link, run_url=run_url)
