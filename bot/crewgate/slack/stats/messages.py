"""Numbers about reviews as a message."""

from __future__ import annotations

from typing import Final

from crewgate.domain.stats import Stats
from crewgate.slack.blockkit.blocks import Message, context, section, sections
from crewgate.slack.stats import strings

#: What a list of crews, and one of people, may take.
_LIST_BUDGET: Final = 2_500


def render_stats(stats: Stats) -> Message:
    """The numbers of a person's crews; their own, and those of the people whom they may see."""
    if not stats.crews:
        return Message(strings.NOTHING_READABLE, [])
    seen = [f"• {strings.observation(one, stats.days)}" for one in stats.observations]
    blocks = [section("\n".join((strings.headline(stats), *seen)))]
    blocks.append(section("\n".join(strings.numbers(stats.team, stats.waiting))))
    if len(stats.crews) > 1:
        blocks += sections(map(strings.of_crew, stats.crews), budget=_LIST_BUDGET)[0]
    own = [strings.mine(stats.mine)] if stats.mine is not None else []
    people = [strings.of_person(*one) for one in stats.people]
    blocks += sections([*own, *people], budget=_LIST_BUDGET)[0]
    return Message(strings.plain_headline(stats), [*blocks, context(strings.LEGEND)])
