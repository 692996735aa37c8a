"""The words of screen readers for buttons in rows: many of them are called Approve."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from crewgate.domain.lessons import LessonState
from crewgate.domain.notification import Output
from crewgate.slack.blockkit.blocks import LABEL_LIMIT, Block
from crewgate.slack.lessons import render_card as render_lesson
from crewgate.slack.reviews.card import render_card
from crewgate.usecases.read_models import RoundLine
from tests.builders import LATER
from tests.repo.call_cards import MAIL, WAITS, arguments
from tests.slack.home.test_messages import a_queue, home
from tests.slack.lessons.test_messages import a_lesson, a_lesson_view
from tests.slack.rendering import a_view


def spoken(blocks: Sequence[Block]) -> list[str]:
    return [
        one["accessibility_label"]
        for block in blocks
        if block["type"] == "actions"
        for one in block["elements"]
        if "accessibility_label" in one
    ]


@pytest.mark.parametrize(
    ("output", "about"),
    [
        (MAIL, "send_email to bob@x.example"),
        (arguments(item="Cables", amount=60), "send_email item Cables"),
        (arguments(), "send_email"),
        (Output("no JSON"), "send_email"),
    ],
)
def test_buttons_of_a_call_name_its_tool_and_recipient_or_first_argument(
    output: Output, about: str
) -> None:
    card = render_card(replace(WAITS, output=output), now=LATER)
    assert f"Approve {about}" in spoken(card.blocks)
    assert f"Refuse {about}" in spoken(card.blocks)


def test_buttons_of_a_review_name_its_task_and_topic() -> None:
    view = replace(a_view(), topic="Acme")
    assert spoken(render_card(view, now=LATER).blocks)[0].endswith(", Acme")
    assert not any("Acme" in one for one in spoken(render_card(view, now=LATER, plain=True).blocks))


def test_each_row_of_home_names_its_own() -> None:
    mails = [arguments(to=f"{to}@x.example").text for to in ("ann", "bob")]
    lines = [
        RoundLine(
            round=replace(WAITS.round, id=f"r-{number}"),
            card=None,
            excerpt=text,
            characters=len(text),
        )
        for number, text in enumerate(mails)
    ]
    view = home(a_queue(*lines, reviewed=frozenset({("post", "")})))
    for to in ("ann", "bob"):
        assert f"Approve send_email to {to}@x.example" in spoken(view["blocks"])


def test_what_is_said_is_as_long_as_slack_takes_and_names_what_is_invisible() -> None:
    long = arguments(to="a\u202eb" * 60)
    for label in spoken(render_card(replace(WAITS, output=long), now=LATER).blocks):
        assert len(label) <= LABEL_LIMIT
        assert "\u202e" not in label


def test_buttons_of_a_lesson_name_the_lesson() -> None:
    lesson = a_lesson(LessonState.PROPOSED)
    card = render_lesson(a_lesson_view(lesson), (), link=lambda _: None)
    assert spoken(card.blocks)[0] == f"Keep {lesson.text}"[:LABEL_LIMIT]
