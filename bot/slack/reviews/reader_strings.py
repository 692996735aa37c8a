"""What the reader says: its tabs, what changed, the history."""

from __future__ import annotations

from typing import Final

from bot.domain.changes import Changes
from bot.domain.review import Round, State
from bot.slack import strings as shared
from bot.slack.blockkit.text import date

READ: Final = "Read all"
CHANGES: Final = "Changes"
HISTORY: Final = "History"
NOTHING_BEFORE: Final = "This is the first round, so there is nothing to compare it with."
CHANGED_NOTHING: Final = (
    ":warning: *Nothing changed.* Word for word the same as before, although changes were asked "
    "for."
)
NOBODY_ASKED: Final = "a newer output came before anybody decided"


def is_unasked(previous: Round) -> bool:
    """Whether the round right before was replaced before anybody decided it."""
    return previous.state is State.SUPERSEDED


def replaced(previous: Round) -> str:
    """Nobody asked for what changed since the round before."""
    return f"Nobody decided round {previous.number}: {NOBODY_ASKED}."


def amount(changes: Changes) -> str:
    """How much changed: `+12 −4 lines`."""
    unit = "keys" if changes.by_key else "lines"
    return f"+{changes.added:,} −{changes.removed:,} {unit}"


def unchanged(count: int, *, by_key: bool) -> str:
    """A stretch that did not change."""
    unit = "key" if by_key else "line"
    return f"… {count:,} unchanged {unit if count == 1 else f'{unit}s'} …"


def history_entry(round_: Round) -> str:
    """A round's heading in its history."""
    return f"*{shared.number_of(round_)}* · {date(round_.opened_at)}"


def excerpt(shown: int, total: int) -> str:
    """How much of an output a list leaves out."""
    return f"The first {shown:,} of {total:,} characters"
