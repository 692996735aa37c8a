"""The answers to the slash command: help, what is pending, one execution, all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from crewgate.domain.execution import Execution
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
from crewgate.slack.blockkit.text import date, duration
from crewgate.slack.commands import strings
from crewgate.slack.executions import progress_bar
from crewgate.slack.reviews import summary
from crewgate.slack.reviews.links import Deciders, Link, linked
from crewgate.slack.reviews.presentation import icon, present
from crewgate.usecases.queries.crews import Overview
from crewgate.usecases.read_models import (
    CrewUnavailable,
    ExecutionLine,
    ExecutionStatus,
    Pending,
    Progress,
    RoundLine,
)

_LIST_BUDGET: Final = MESSAGE_LIMIT - 2_000
"""What a list may take; headlines and the crew's own report take the rest."""
_CREWS_BUDGET: Final = 2_500


def render_help() -> Message:
    """How a review goes, and what can be typed: `docs/reviewing.md` in short."""
    return Message(
        strings.HELP_PLAIN,
        [
            section(strings.HELP_HEADLINE),
            section(strings.HELP_REVIEWS),
            section(strings.HELP),
        ],
    )


def render_pending(
    pending: Pending, *, now: datetime, mine: bool, link: Link, deciders: Deciders
) -> Message:
    """What waits for a decision, the oldest first, as many as fit."""
    headline = strings.pending(pending.total, mine=mine)
    details = [_details(line, deciders) for line in pending.lines]
    alike = _alike(details)
    lines = (
        shared.joined(
            summary.headline(line, link),
            *(part for part in detail if part not in alike),
            summary.waiting_for(duration(now - line.round.opened_at)),
            *summary.claim_and_notes(line, now=now),
        )
        for line, detail in zip(pending.lines, details, strict=True)
    )
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(shared.joined(shared.bold(headline), *alike)))
    if pending.total > shown:
        blocks.append(context(strings.all_of(pending.total)))
    return Message(headline, blocks)


def render_execution(view: ExecutionStatus, *, now: datetime, link: Link) -> Message:
    """One execution: its rounds, the oldest first, and what the crew says itself."""
    crew = view.execution.crew
    title = strings.title(view.execution)
    report = strings.progress(view.progress, _bar(view.progress))
    # The latest rounds matter most, so it is the earliest that are left off.
    latest = [
        f"{_round_line(line, now, link)}{summary.detail(line)}\n" for line in reversed(view.rounds)
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


def render_overview(seen: Overview, *, now: datetime, link: Link, deciders: Deciders) -> Message:
    """Every execution in one line, those that need somebody first; then the crews."""
    headline = strings.overview(seen)
    alike = _alike([[shared.crew(one.posting.execution.crew)] for one in seen.executions])
    lines = (_execution_line(one, alike, now, link, deciders) for one in seen.executions)
    blocks, shown = sections(lines, budget=_LIST_BUDGET - _CREWS_BUDGET)
    blocks.insert(0, section(shared.joined(shared.bold(headline), *alike)))
    if seen.more or shown < len(seen.executions):
        blocks.append(context(strings.MORE_EXECUTIONS))
    crews, _ = sections(map(strings.reached, seen.crews), budget=_CREWS_BUDGET)
    return refreshable(Message(headline, [*blocks, *crews]), now=now)


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


def _details(line: RoundLine, deciders: Deciders) -> list[str]:
    """The crew, the round, and the people it waits for."""
    round_ = line.round
    whom = strings.for_whom(shared.deciders(deciders(round_)))
    return [shared.crew(round_.review.crew), shared.number(round_), whom]


def _alike(details: Sequence[Sequence[str]]) -> list[str]:
    """What all lines of a list share, in order: it stands once, above them."""
    if len(details) < 2:  # noqa: PLR2004
        return []
    return [parts[0] for parts in zip(*details, strict=True) if len(set(parts)) == 1]


def _execution_line(
    line: ExecutionLine, alike: Sequence[str], now: datetime, link: Link, deciders: Deciders
) -> str:
    """The state, what it is about, the crew, how far it is, whom it waits for, and since when."""
    execution, first = line.posting.execution, next(iter(line.rounds), None)
    about = strings.about(execution)
    title = shared.bold(linked(about, first.card if first else line.posting.thread, link))
    return shared.joined(
        f"{icon(present(first.round)) if first else icons.RUNNING} {title}",
        *({shared.crew(execution.crew)} - set(alike)),
        strings.done(execution),
        strings.needs(first.round, shared.deciders(deciders(first.round)), now)
        if first
        else strings.works(execution, now),
        strings.others(len(line.rounds) - 1),
        strings.beginning(execution),
    )


def _round_line(line: RoundLine, now: datetime, link: Link) -> str:
    title = f"{shared.number_of(line.round)} of {shared.task(line.round)}"
    return f"{linked(title, line.card, link)} · {summary.status(line.round, now)}"


def _bar(progress: Progress | CrewUnavailable) -> str:
    if isinstance(progress, CrewUnavailable):
        return ""
    return progress_bar.bar(progress.completed_tasks, progress.total_tasks)
