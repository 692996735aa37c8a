"""`/crew status`, with a button that brings the answer up to date in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from bot.domain.execution import Execution
from bot.slack import ids
from bot.slack.blockkit.blocks import Message, actions, button, context, section, sections
from bot.slack.blockkit.text import date
from bot.slack.commands import strings
from bot.slack.errors import Respond
from bot.slack.executions.messages import bar_of
from bot.usecases.queries.crews import Overview

log = structlog.get_logger(__name__)

_CREWS_BUDGET = 2_500
_RUNNING_BUDGET = 2_500
_BLOCKS = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """The Refresh button, pressed: what was asked then; no words are the overview."""

    words: tuple[str, ...]


def parse_refresh(body: Mapping[str, Any]) -> Asked:
    """A `block_actions` payload of the Refresh button."""
    value = str(body["actions"][0].get("value", ""))
    return Asked(("status", value) if value != ids.REFRESH_STATUS else ("status",))


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


async def replace_answer(respond: Respond, message: Message) -> None:
    """Show a newer answer where the old one was; Slack allows it 5 times in 30 minutes."""
    try:
        await respond(
            text=message.text,
            blocks=message.blocks,
            response_type="ephemeral",
            replace_original=True,
            unfurl_links=False,
            unfurl_media=False,
        )
    except (OSError, TimeoutError, ValueError) as error:
        log.warning("private_answer_lost", why=type(error).__name__)
