"""`/crew stats`: parse, count, answer."""

from __future__ import annotations

from collections.abc import Sequence

from crewgate.domain.stats import SPANS
from crewgate.domain.verdict import Person
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.context import SlackContext
from crewgate.slack.stats import strings
from crewgate.slack.stats.messages import render_stats
from crewgate.usecases.queries.stats import stats

_SPANS = {f"{days}d": days for days in SPANS}
_USUAL = 30


async def answer_stats(words: Sequence[str], by: Person, *, context: SlackContext) -> Message:
    """Answer `[crew] [7d|30d|90d]`, in either order."""
    spans = [word for word in words if word in _SPANS]
    crews = [word for word in words if word not in _SPANS]
    if len(spans) > 1 or len(crews) > 1 or (crews and _is_span(crews[0], context)):
        return Message(strings.USAGE, [])
    days = _SPANS[spans[0]] if spans else _USUAL
    crew = crews[0] if crews else None
    return render_stats(await stats(by.id, crew=crew, days=days, context=context))


def _is_span(word: str, context: SlackContext) -> bool:
    """Return True for a span that is not known, such as `14d`, unless a crew is called so."""
    return word not in context.crews and word[:-1].isdigit()
