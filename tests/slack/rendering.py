"""What tests of rendered messages share: nasty texts, rounds made of them, and Slack's limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.demo.workspace.blocks import message_problems, text_size
from bot.demo.workspace.text import disguised_links, mentions, pieces
from bot.domain.notification import Format, Output
from bot.domain.review import (
    ENDED,
    NEWER_OUTPUT,
    RETRIES_EXHAUSTED,
    TOOK_EFFECT,
    Review,
    Round,
    State,
)
from bot.domain.verdict import Approve, Decision, Person, Revise, Via
from bot.slack.blockkit.blocks import Message
from bot.usecases.read_models import (
    CardView,
    MessageRef,
)

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


ANA = Person("U1", "Ana")


REF = MessageRef("C1", "1.0", "1.0")


BUDGET = 12_000


NASTY = (
    "<!channel> ",
    "<@U666>",
    "<https://evil.example|bank>",
    "[bank](https://evil.example)",
    "&lt;!here&gt;",
    "```",
    "`",
    "| a | b |\n",
    "&",
    "*",
    "_",
    "\n",
    "\x00",
    "\u202e",
    "\ud800",
    "😀",
    "שלום ",
    "word ",
)


fragments = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=30)


texts = fragments.map("".join)


long_texts = st.tuples(texts, st.sampled_from([1, 40, 400, 4_000])).map(
    lambda made: made[0] * made[1]
)


names = st.one_of(texts, st.sampled_from(NASTY).map(lambda piece: piece * 512)).map(
    lambda name: name[:512]
)


verdicts = st.one_of(
    st.just(Approve()),
    texts.map(lambda comment: Approve(comment[:3_000] or None)),
    long_texts.map(lambda feedback: Revise(feedback[:3_000] or "x")),
)


def a_review(**changes: Any) -> Review:
    review = Review(id="review", crew="research", execution_id="7f1c2a34", task_id="research_task")
    return replace(review, **changes)


def a_round(**changes: Any) -> Round:
    round_ = Round(id="round", review=a_review(), number=1, digest="d", opened_at=NOW)
    return replace(round_, **changes)


def a_decision(verdict: Approve | Revise | None = None, **changes: Any) -> Decision:
    at = NOW - timedelta(minutes=2)
    return replace(Decision(verdict or Approve(), ANA, at, Via.BUTTON), **changes)


def a_view(text: str = "## Findings", **changes: Any) -> CardView:
    return CardView(a_round(**changes), Output(text))


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    state = draw(st.sampled_from(State))
    needs_decision = state in {State.DECIDED, State.RESUMED, State.STUCK}
    decided = needs_decision or (state is State.CLOSED and draw(st.booleans()))
    review = a_review(
        crew=draw(names),
        execution_id=draw(names),
        task_id=draw(names),
        agent=draw(names),
        expected_output=draw(texts),
    )
    codes = ["", "not_sent", "unknown", "400", "401", "404", RETRIES_EXHAUSTED, "9" * 900]
    return a_round(
        review=review,
        number=draw(st.integers(1, 10**6)),
        unchanged=draw(st.booleans()),
        state=state,
        decision=a_decision(draw(verdicts), by=Person("U1", draw(names))) if decided else None,
        answer=draw(st.one_of(long_texts, st.sampled_from([ENDED, NEWER_OUTPUT, TOOK_EFFECT]))),
        answer_code=draw(st.sampled_from(codes)),
    )


@st.composite
def views(draw: st.DrawFn) -> CardView:
    output = Output(draw(long_texts), draw(st.sampled_from(Format)))
    return CardView(draw(rounds()), output, draw(st.one_of(st.none(), rounds())))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def check(message: Message, *, may_mention: frozenset[str] = frozenset({"@U1"})) -> None:
    """Hold a message against Slack's limits and against what outsiders may not do in it."""
    assert message_problems(message.blocks) == []
    assert text_size(message.blocks) <= BUDGET
    # Every string there is, ids and types too, in the longest way to count.
    assert sum(utf16(text) for text in strings(message.blocks)) <= BUDGET + 400
    assert len(message.blocks) <= 50
    assert message.text.strip()
    assert utf16(message.text) < 4_000
    assert "<" not in message.text
    found = list(pieces(message.blocks))
    assert set(mentions(found)) <= may_mention
    assert list(disguised_links(found)) == []


def read(message: Message) -> str:
    return "\n".join(piece.text for piece in pieces(message.blocks))


def buttons(message: Message) -> list[tuple[str, str]]:
    return [
        (element["action_id"], element["value"])
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]
