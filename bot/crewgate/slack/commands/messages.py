"""The answers to the slash command: help, what is pending, one execution, all of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.execution import Execution, id_beginning
from crewgate.domain.review import Round
from crewgate.slack import icons, ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import (
    MESSAGE_LIMIT,
    Message,
    actions,
    button,
    context,
    section,
    sections,
)
from crewgate.slack.blockkit.text import duration, moment, one_line
from crewgate.slack.executions.messages import bar, names, subject, tasks, tasks_done
from crewgate.slack.ids import COMMAND
from crewgate.slack.phrases import ANSWER_LIMIT
from crewgate.slack.reviews import state_strings, summary
from crewgate.slack.reviews.links import Deciders, Link, linked
from crewgate.slack.reviews.presentation import Stuck, Waiting, icon, present
from crewgate.usecases.queries.crews import CrewHealth, Overview
from crewgate.usecases.read_models import (
    CrewStatus,
    CrewUnavailable,
    ExecutionLine,
    ExecutionStatus,
    Failing,
    Progress,
    QueuePart,
    RoundLine,
)

_LIST_BUDGET: Final = MESSAGE_LIMIT - 2_000
"""What a list may take; headlines and the crew's own report take the rest."""
_CREWS_BUDGET: Final = 2_500
_HELP_HEADLINE: Final = "*AI crews wait here for your decision.*"
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
    f"`{COMMAND} rules` shows the rules for what you decide\n"
    f"`{COMMAND} away` opens a form: who decides for you, until when; `{COMMAND} back` ends it\n"
    f"`{COMMAND} help` shows this"
)
_HELP_PLAIN: Final = ", ".join(
    f"{COMMAND} {name}"
    for name in ("pending", "status", "kickoff", "away", "back", "stats", "rules", "help")
)


def render_help() -> Message:
    """How a review goes, and what can be typed: `docs/reviewing.md` in short."""
    return Message(
        _HELP_PLAIN,
        [
            section(_HELP_HEADLINE),
            section(_HELP_REVIEWS),
            section(_HELP),
        ],
    )


def render_pending(
    pending: QueuePart, *, now: datetime, mine: bool, link: Link, deciders: Deciders
) -> Message:
    """What waits for a decision, the oldest first, as many as fit."""
    details = [_details(line, deciders) for line in pending.lines]
    alike = _alike(details)
    usual = "you" if mine else "a decision"
    above, who = alike, usual
    if alike and alike[-1] == details[0][-1] != "" and not mine and pending.total == len(details):
        above, who = alike[:-1], alike[-1].removeprefix("for ")
    headline = shared.bold(_pending(pending.total, who, mine=mine))
    lines = (
        shared.joined(
            summary.headline(line, link),
            *(part for part in detail if part not in alike),
            f"waiting for {duration(now - line.round.opened_at)}",
            *summary.claim_and_notes(line, now=now),
        )
        for line, detail in zip(pending.lines, details, strict=True)
    )
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(shared.joined(headline, *above)))
    if pending.total > shown:
        total = shared.total(pending.total)
        blocks.append(context(f"These are the oldest. The app's Home shows all {total}."))
    return Message(_pending(pending.total, usual, mine=mine), blocks)


def render_execution(view: ExecutionStatus, *, now: datetime, link: Link) -> Message:
    """One execution: its rounds, the oldest first, and what the crew says itself."""
    execution = view.execution
    title = _title(execution)
    report = _report(view.progress)
    # The latest rounds matter most, so it is the earliest that are left off.
    latest = [
        f"{_round_line(line, now, link)}{summary.detail(line)}\n" for line in reversed(view.rounds)
    ]
    shown = sections(latest, budget=_LIST_BUDGET)[1]
    blocks = [section(title), section(report)]
    if shown < len(latest):
        left = shared.counted(len(latest) - shown, "earlier round")
        blocks.append(context(f"{left} {'is' if shown + 1 == len(latest) else 'are'} not shown"))
    if latest:
        blocks += sections(reversed(latest[:shown]), budget=_LIST_BUDGET)[0]
    else:
        blocks.append(context("Nothing has come for review yet."))
    if execution.step and not execution.is_over:
        blocks.append(context(f"Latest step: {one_line(execution.step, ANSWER_LIMIT)}"))
    message = Message(f"{shared.crew(execution.crew)}: {report}", blocks)
    return _refreshable(message, now=now, value=execution.execution_id)


def render_overview(seen: Overview, *, now: datetime, link: Link, deciders: Deciders) -> Message:
    """Every execution in one line, those that need somebody first; then the crews."""
    headline = _overview(seen)
    alike = _alike([[shared.crew(one.posting.execution.crew)] for one in seen.executions])
    lines = (_execution_line(one, alike, now, link, deciders) for one in seen.executions)
    blocks, shown = sections(lines, budget=_LIST_BUDGET - _CREWS_BUDGET)
    blocks.insert(0, section(shared.joined(shared.bold(headline), *alike)))
    if seen.more or shown < len(seen.executions):
        blocks.append(context("The app's Home shows all that waits."))
    crews, _ = sections((_reached(one, now) for one in seen.crews), budget=_CREWS_BUDGET)
    return _refreshable(Message(headline, [*blocks, *crews]), now=now)


def _refreshable(message: Message, *, now: datetime, value: str = ids.REFRESH_STATUS) -> Message:
    press = button("Refresh", action_id=ids.REFRESH_STATUS, value=value)
    return replace(message, blocks=[*message.blocks, context(moment(now, now)), actions(press)])


def render_ambiguous(prefix: str, candidates: Sequence[tuple[str, str]]) -> Message:
    """Several executions begin so; `candidates` are (crew, execution id)."""
    question = f"Several executions begin with {shared.identifier(prefix)}. Which one?"
    lines = (f"• {shared.crew(crew)} · {shared.identifier(name)}" for crew, name in candidates)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(question))
    if shown < len(candidates):
        blocks.append(context(shared.more(len(candidates) - shown)))
    return Message(question, blocks)


def render_unknown_execution(prefix: str) -> Message:
    sentence = (
        f"I know no execution that begins with {shared.identifier(prefix)}. "
        f"`{COMMAND} status` shows those that wait or run."
    )
    return Message(sentence, [section(sentence)])


def _details(line: RoundLine, deciders: Deciders) -> list[str]:
    round_ = line.round
    whom = _for_whom(shared.deciders(deciders(round_)))
    return [shared.crew(round_.review.crew), shared.numbered(round_), whom]


def _alike(details: Sequence[Sequence[str]]) -> list[str]:
    """What all lines of a list share, in order: it stands once, above them."""
    if len(details) < 2:  # noqa: PLR2004
        return []
    return [parts[0] for parts in zip(*details, strict=True) if len(set(parts)) == 1]


def _execution_line(
    line: ExecutionLine, alike: Sequence[str], now: datetime, link: Link, deciders: Deciders
) -> str:
    execution, first = line.posting.execution, next(iter(line.rounds), None)
    others = len(line.rounds) - 1
    about = one_line(execution.subject, shared.TITLE_LIMIT)
    title = shared.bold(linked(about, first.card if first else line.posting.thread, link))
    return shared.joined(
        f"{icon(present(first.round)) if first else icons.RUNNING} {title}",
        *({shared.crew(execution.crew)} - set(alike)),
        _done(execution),
        _needs(first.round, shared.deciders(deciders(first.round)), now)
        if first
        else _works(execution, now),
        f"and {shared.counted(others, 'more review')}" if others > 0 else "",
        _beginning(execution),
    )


def _round_line(line: RoundLine, now: datetime, link: Link) -> str:
    title = f"{shared.number_of(line.round)} of {shared.task(line.round)}"
    return f"{linked(title, line.card, link)} · {state_strings.in_list(present(line.round), now)}"


# --- sentences -----------------------------------------------------------------------------------


def _pending(total: int, who: str, *, mine: bool) -> str:
    if total == 0:
        return "Nothing waits for you." if mine else "Nothing waits."
    if total == 1:
        return f"1 review waits for {who}"
    return f"{shared.total(total)} reviews wait for {who}"


def _overview(seen: Overview) -> str:
    waits = "waits" if seen.waiting == 1 else "wait"
    said = shared.joined(
        f"{shared.total(seen.stuck)} not delivered" if seen.stuck else "",
        f"{shared.total(seen.waiting)} {waits} for a decision" if seen.waiting else "",
        f"{shared.total(seen.sending)} being sent" if seen.sending else "",
    )
    return said or ("Nothing waits" if seen.executions else "Nothing waits or runs")


def _for_whom(who: str) -> str:
    return f"for {who}" if who else ""


def _title(execution: Execution) -> str:
    return shared.joined(*names(execution), shared.identifier(execution.execution_id))


def _beginning(execution: Execution) -> str:
    """The beginning of its id, for the command that shows it in full, unless it is named so."""
    name = id_beginning(execution.execution_id)
    return shared.identifier(name) if subject(execution) else ""


def _done(execution: Execution) -> str:
    if execution.total_tasks:
        completed = min(execution.completed_tasks, execution.total_tasks)
        return tasks_done(completed, execution.total_tasks)
    return tasks(execution.completed_tasks)


def _needs(round_: Round, who: str, now: datetime) -> str:
    title = shared.task(round_)
    match present(round_):
        case Waiting(since):
            waited = f"{title} has waited {duration(now - since)}"
            return f"{waited} {_for_whom(who)}" if who else waited
        case shown:
            told = f"{title}: {state_strings.in_list(shown, now)}"
            return f"{told} · {_for_whom(who)}" if who and isinstance(shown, Stuck) else told


def _works(execution: Execution, now: datetime) -> str:
    now_at = f"at {shared.title(execution.current_task)}, " if execution.current_task else ""
    return f"{now_at}running for {duration(now - execution.began_at)}"


def _report(reported: Progress | CrewUnavailable) -> str:
    """The crew's own status, with a bar where it gives numbers."""
    if isinstance(reported, CrewUnavailable):
        return _unavailable(reported)
    word = one_line(reported.word, shared.ID_LIMIT)
    drawn = bar(reported.completed_tasks, reported.total_tasks)
    parts = [drawn or f"The crew says “{word}”"]
    if drawn and reported.status is not CrewStatus.RUNNING:
        parts.append(word)
    if reported.current_task:
        parts.append(f"now at {shared.title(reported.current_task)}")
    if reported.error:
        parts.append(f"the error: {one_line(reported.error, ANSWER_LIMIT)}")
    return shared.joined(*parts)


def _unavailable(reported: CrewUnavailable) -> str:
    why = one_line(reported.why, ANSWER_LIMIT)
    if reported.gone:
        return f"The crew does not know this execution ({why})."
    if reported.answered:
        return f"The crew does not say how far it is ({why})."
    return f"The crew does not answer ({why})."


def _reached(crew: CrewHealth, now: datetime) -> str:
    name = shared.bold(shared.crew(crew.crew))
    answers = f"answers in {int(crew.took / timedelta(milliseconds=1)):,} ms"
    if crew.warning is not None:
        answers = one_line(crew.warning, ANSWER_LIMIT)
    if crew.failing is not None:
        return f":red_circle: {name} {_failing(crew.failing, now)} ({answers})"
    if crew.warning is not None:
        return f":red_circle: {name}: {answers}"
    return f":large_green_circle: {name} {answers}"


def _failing(failing: Failing, now: datetime) -> str:
    late = f", next at {moment(failing.next_at, now)}" if failing.next_at > now else ""
    tried = f"{failing.tries:,} tries since {moment(failing.since, now)}{late}"
    return f"does not take {shared.counted(failing.decisions, 'decision')}: {tried}"
