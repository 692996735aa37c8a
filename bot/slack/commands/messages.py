"""The answers to the slash command: help, what is pending, one execution, all that is unsettled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from bot.slack.blockkit.blocks import MESSAGE_LIMIT, Message, context, section, sections
from bot.slack.blockkit.text import cost, duration
from bot.slack.commands import strings as lists
from bot.slack.reviews import reader_strings as reviewing
from bot.slack.reviews import strings as words
from bot.usecases.queries.status import LINES
from bot.usecases.read_models import ExecutionView, MessageRef, Pending, Progress, RoundLine

Link: TypeAlias = Callable[[MessageRef], str | None]

_LIST_BUDGET: Final = MESSAGE_LIMIT - 2_000
"""What a list may take; headlines and the crew's own report take the rest."""
_BAR_CELLS: Final = 12
"""Exact for two, three, four, six and twelve tasks."""
_ROUNDS_AN_ENTRY: Final = 3
_LINK_LIMIT: Final = 500
"""Three such links still fit into one section. Slack's own are under 120."""


def render_help() -> Message:
    """What the command can do, and how a review goes."""
    return Message(
        lists.HELP_PLAIN,
        [
            section(lists.HELP_HEADLINE),
            section(lists.HELP),
            context(lists.HELP_REVIEWS),
        ],
    )


def render_pending(pending: Pending, *, now: datetime, mine: bool, link: Link) -> Message:
    """What waits for a decision, the oldest first, as many as fit."""
    headline = lists.pending(pending.total, mine=mine)
    lines = (_pending_line(line, now, link) for line in pending.lines)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(words.bold(headline)))
    if pending.total > shown:
        blocks.append(context(lists.more(pending.total - shown)))
    return Message(headline, blocks)


def render_execution(view: ExecutionView, *, now: datetime, link: Link) -> Message:
    """One execution: its rounds, the oldest first, and what the crew says itself."""
    title = f"{words.bold(words.crew(view.crew))} · {words.identifier(view.execution_id)}"
    report = lists.progress(view.progress, _bar(view.progress))
    # The latest rounds matter most, so it is the earliest that are left off.
    latest = [
        f"{_round_line(line, now, link)}{reviewing.detail(line.round, line.excerpt)}"
        for line in reversed(view.rounds)
    ]
    shown = sections(latest, budget=_LIST_BUDGET)[1]
    blocks = [section(title), section(report)]
    if shown < len(latest):
        blocks.append(context(lists.earlier(len(latest) - shown)))
    if latest:
        blocks += sections(reversed(latest[:shown]), budget=_LIST_BUDGET)[0]
    else:
        blocks.append(context(lists.NO_ROUNDS))
    return Message(f"{words.crew(view.crew)}: {report}", blocks)


def render_overview(unsettled: Sequence[RoundLine], *, now: datetime, link: Link) -> Message:
    """Every execution in which a round waits, is on its way or is stuck, the oldest first."""
    executions: defaultdict[tuple[str, str], list[RoundLine]] = defaultdict(list)
    for line in unsettled:
        executions[line.round.review.crew, line.round.review.execution_id].append(line)
    if not executions:
        return Message(lists.NOTHING_UNSETTLED, [section(lists.NOTHING_UNSETTLED)])
    more_left = len(unsettled) >= LINES
    headline = lists.unsettled(len(executions), more_left=more_left)
    entries = [
        "\n".join(
            [
                f"{words.bold(words.crew(crew))} · {words.identifier(execution_id)}",
                *(f"• {_round_line(line, now, link)}" for line in lines[:_ROUNDS_AN_ENTRY]),
                *([f"• {lists.more(left)}"] if (left := len(lines) - _ROUNDS_AN_ENTRY) > 0 else []),
            ]
        )
        for (crew, execution_id), lines in executions.items()
    ]
    blocks, shown = sections(entries, budget=_LIST_BUDGET)
    blocks.insert(0, section(words.bold(headline)))
    if shown < len(entries):
        blocks.append(context(lists.more(len(entries) - shown)))
    if more_left:
        blocks.append(context(lists.MORE_UNSETTLED))
    return Message(headline, blocks)


def render_ambiguous(prefix: str, candidates: Sequence[tuple[str, str]]) -> Message:
    """Several executions begin so; `candidates` are (crew, execution id)."""
    question = lists.ambiguous(prefix)
    lines = (f"• {words.crew(crew)} · {words.identifier(name)}" for crew, name in candidates)
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    blocks.insert(0, section(question))
    if shown < len(candidates):
        blocks.append(context(lists.more(len(candidates) - shown)))
    return Message(question, blocks)


def render_unknown_execution(prefix: str) -> Message:
    """No execution begins so."""
    sentence = lists.unknown_execution(prefix)
    return Message(sentence, [section(sentence)])


def _pending_line(line: RoundLine, now: datetime, link: Link) -> str:
    round_ = line.round
    title = f"{words.crew(round_.review.crew)}: {words.task(round_)}"
    waited = duration(now - round_.opened_at)
    return f"• {linked(title, line, link)} · round {round_.number} · {lists.waited(waited)}"


def _round_line(line: RoundLine, now: datetime, link: Link) -> str:
    title = f"{words.number_of(line.round)} of {words.task(line.round)}"
    return f"{linked(title, line, link)} · {lists.status(line.round, now)}"


def linked(title: str, line: RoundLine, link: Link) -> str:
    """A title that leads to its card; without the link while there is none."""
    url = link(line.card) if line.card is not None else None
    if not url or cost(url) > _LINK_LIMIT or any(char in url for char in "<>| \n"):
        return title
    return f"<{url.replace('&', '&amp;')}|{title.replace('|', '¦')}>"


def _bar(progress: object) -> str:
    """`▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks`, or nothing when the crew gives no numbers that make sense."""
    match progress:
        case Progress(completed_tasks=int(completed), total_tasks=int(total)) if total > 0:
            done = max(0, min(completed, total))
            full = _BAR_CELLS * done // total
            return f"{'▓' * full}{'░' * (_BAR_CELLS - full)} {lists.tasks_done(done, total)}"
        case _:
            return ""
