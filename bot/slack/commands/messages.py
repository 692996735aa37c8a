"""The answers to the slash command: help, what is pending, one execution, all that is unsettled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.domain.execution import Execution
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import (
    MESSAGE_LIMIT,
    Message,
    actions,
    button,
    context,
    section,
    sections,
)
from bot.slack.blockkit.text import date, duration
from bot.slack.commands import strings
from bot.slack.executions import progress_bar
from bot.slack.executions.messages import bar_of
from bot.slack.reviews import summary
from bot.slack.reviews.links import Link, linked
from bot.usecases.queries.crews import Overview
from bot.usecases.queries.status import LINES
from bot.usecases.read_models import CrewUnavailable, ExecutionStatus, Pending, Progress, RoundLine

_LIST_BUDGET: Final = MESSAGE_LIMIT - 2_000
"""What a list may take; headlines and the crew's own report take the rest."""
_ROUNDS_AN_ENTRY: Final = 3
_CREWS_BUDGET: Final = 2_500
_RUNNING_BUDGET: Final = 2_500
_BLOCKS: Final = 40


def render_help() -> Message:
    """What the command can do, and how a review goes."""
    return Message(
        strings.HELP_PLAIN,
        [
            section(strings.HELP_HEADLINE),
            section(strings.HELP),
            context(strings.HELP_REVIEWS),
        ],
    )


def render_pending(pending: Pending, *, now: datetime, mine: bool, link: Link) -> Message:
    """What waits for a decision, the oldest first, as many as fit."""
    headline = strings.pending(pending.total, mine=mine)
    lines = (_pending_line(line, now, link) for line in pending.lines)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(shared.bold(headline)))
    if pending.total > shown:
        blocks.append(context(strings.more_of(pending.total, shown)))
    return Message(headline, blocks)


def render_execution(view: ExecutionStatus, *, now: datetime, link: Link) -> Message:
    """One execution: its rounds, the oldest first, and what the crew says itself."""
    crew, execution_id = view.execution.crew, view.execution.execution_id
    title = f"{shared.bold(shared.crew(crew))} · {shared.identifier(execution_id)}"
    report = strings.progress(view.progress, _bar(view.progress))
    # The latest rounds matter most, so it is the earliest that are left off.
    latest = [
        f"{_round_line(line, now, link)}{summary.detail(line)}" for line in reversed(view.rounds)
    ]
    shown = sections(latest, budget=_LIST_BUDGET)[1]
    blocks = [section(title), section(report)]
    if shown < len(latest):
        blocks.append(context(strings.earlier(len(latest) - shown)))
    if latest:
        blocks += sections(reversed(latest[:shown]), budget=_LIST_BUDGET)[0]
    else:
        blocks.append(context(strings.NO_ROUNDS))
    return Message(f"{shared.crew(crew)}: {report}", blocks)


def render_overview(unsettled: Sequence[RoundLine], *, now: datetime, link: Link) -> Message:
    """Every execution in which a round waits, is on its way or is stuck, the oldest first."""
    executions: defaultdict[tuple[str, str], list[RoundLine]] = defaultdict(list)
    for line in unsettled:
        executions[line.round.review.crew, line.round.review.execution_id].append(line)
    if not executions:
        return Message(strings.NOTHING_UNSETTLED, [section(strings.NOTHING_UNSETTLED)])
    more_left = len(unsettled) >= LINES
    headline = strings.unsettled(len(executions), more_left=more_left)
    entries = [
        "\n".join(
            [
                f"{shared.bold(shared.crew(crew))} · {shared.identifier(execution_id)}",
                *(f"• {_round_line(line, now, link)}" for line in lines[:_ROUNDS_AN_ENTRY]),
                *(
                    [f"• {strings.more(left)}"]
                    if (left := len(lines) - _ROUNDS_AN_ENTRY) > 0
                    else []
                ),
            ]
        )
        for (crew, execution_id), lines in executions.items()
    ]
    blocks, shown = sections(entries, budget=_LIST_BUDGET)
    blocks.insert(0, section(shared.bold(headline)))
    if shown < len(entries):
        blocks.append(context(strings.more(len(entries) - shown)))
    if more_left:
        blocks.append(context(strings.MORE_UNSETTLED))
    return Message(headline, blocks)


def render_everything(unsettled: Message, seen: Overview, *, now: datetime) -> Message:
    """All crews, what runs, and what is not settled."""
    crews = sections(map(strings.reached, seen.crews), budget=_CREWS_BUDGET)[0]
    lines = (strings.running(execution, now, bar_of(execution)) for execution in seen.running)
    running = sections(lines, budget=_RUNNING_BUDGET)[0]
    blocks = [
        section(strings.CREWS),
        *crews,
        section(strings.RUNNING if running else strings.NOTHING_RUNS),
        *running,
    ]
    # What waits for somebody is what matters; it has the rest of the message.
    room = _BLOCKS - len(blocks)
    return refreshable(replace(unsettled, blocks=[*blocks, *unsettled.blocks[:room]]), now=now)


def with_step(message: Message, execution: Execution) -> Message:
    """One execution, with its agents' latest step while it runs."""
    if not execution.step or execution.is_over:
        return message
    return replace(message, blocks=[*message.blocks, context(strings.step(execution.step))])


def refreshable(message: Message, *, now: datetime, value: str = ids.REFRESH_STATUS) -> Message:
    """An answer with a Refresh button."""
    press = button(strings.REFRESH, action_id=ids.REFRESH_STATUS, value=value)
    return replace(
        message, blocks=[*message.blocks, context(strings.as_of(date(now))), actions(press)]
    )


def render_ambiguous(prefix: str, candidates: Sequence[tuple[str, str]]) -> Message:
    """Several executions begin so; `candidates` are (crew, execution id)."""
    question = strings.ambiguous(prefix)
    lines = (f"• {shared.crew(crew)} · {shared.identifier(name)}" for crew, name in candidates)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(question))
    if shown < len(candidates):
        blocks.append(context(strings.more(len(candidates) - shown)))
    return Message(question, blocks)


def render_unknown_execution(prefix: str) -> Message:
    """No execution begins so."""
    sentence = strings.unknown_execution(prefix)
    return Message(sentence, [section(sentence)])


def _pending_line(line: RoundLine, now: datetime, link: Link) -> str:
    round_ = line.round
    title = f"{shared.crew(round_.review.crew)}: {shared.task(round_)}"
    waited = duration(now - round_.opened_at)
    return f"• {linked(title, line, link)} · round {round_.number} · {summary.waiting_for(waited)}"


def _round_line(line: RoundLine, now: datetime, link: Link) -> str:
    title = f"{shared.number_of(line.round)} of {shared.task(line.round)}"
    return f"{linked(title, line, link)} · {summary.status(line.round, now)}"


def _bar(progress: Progress | CrewUnavailable) -> str:
    if isinstance(progress, CrewUnavailable):
        return ""
    return progress_bar.bar(progress.completed_tasks, progress.total_tasks)
