"""Home: within Slack's limits, calling nobody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.reason import RefusedByCrew
from bot.domain.review import State
from bot.slack.home.messages import render_home
from bot.usecases.read_models import MessageRef, Queue, QueuePart, RoundLine
from tests.builders import ANA, NOW
from tests.slack.rendering import LINK, a_named_round, check_view, texts


def link(_card: MessageRef) -> str | None:
    return LINK


@settings(max_examples=40)
@given(st.lists(texts, max_size=20))
def test_home_is_within_the_limits(excerpts: list[str]) -> None:
    ref = MessageRef("C1", "1.0", "1.0")
    lines = tuple(
        RoundLine(replace(a_named_round(), id=f"r-{number}"), ref, text[:400], len(text))
        for number, text in enumerate(excerpts)
    )
    stuck = RoundLine(a_named_round(state=State.STUCK, reason=RefusedByCrew("401", "no")), None)
    found = Queue(
        QueuePart(lines, 99), QueuePart((), 0), QueuePart((stuck,), 1), QueuePart((), 0), 1, 3
    )

    check_view(render_home(found, now=NOW, link=link), may_mention=frozenset({f"@{ANA.id}"}))
