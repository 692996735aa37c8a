"""Texts of agents and people keep their `*`, `_`, `~` and backticks beside mrkdwn."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crewgate.demo.workspace.blocks import pieces
from crewgate.domain.acts import CallResult, CallState
from crewgate.domain.caveats import Draft
from crewgate.domain.lessons import LessonsGiven, LessonState
from crewgate.domain.notification import Output, Question, Rewritten
from crewgate.domain.reason import Dismissed, RefusedByCrew
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Revise
from crewgate.slack import lessons
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.commands import render_execution
from crewgate.slack.home import in_order, render_home
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.changes import render_changes
from crewgate.slack.reviews.forms import render_revise_form
from crewgate.slack.reviews.reader import render_round
from crewgate.usecases.read_models import (
    CardView,
    CrewLessons,
    CrewUnavailable,
    ExecutionStatus,
    LessonLine,
    RoundLine,
)
from tests.builders import ANA, LATER, NOW, a_decision, a_review, a_round, an_execution
from tests.slack.home.test_messages import a_queue
from tests.slack.lessons.test_messages import a_lesson, a_lesson_view
from tests.slack.rendering import REF, shown
from tests.slack.reviews.test_tool_calls import a_call

MARKED = "*Zebra* _Zebra_ ~Zebra~ `Zebra`"
ESCAPED = re.sub("([*_~`])", r"\\\1", MARKED)
ROUND = a_round(review=a_review(task_name=MARKED, agent=MARKED))
ASKED = a_decision(Revise(MARKED))
ANSWERED = replace(ROUND, state=State.RESUMED, decision=ASKED)
LINE = RoundLine(round=ROUND, card=REF, excerpt=ESCAPED, characters=len(ESCAPED), topic=MARKED)


def unlinked(_: object) -> None:
    return None


def card_of(round_: Round, **changes: Any) -> object:
    view = CardView(round=round_, output=Output(ESCAPED), topic=MARKED, **changes)
    return render_card(view, now=LATER).blocks


def home() -> object:
    found = a_queue(LINE)
    return render_home(found, in_order(found), now=NOW, link=unlinked, deciders=lambda _: "")


def status() -> object:
    line = replace(LINE, round=ANSWERED)
    seen = ExecutionStatus(
        execution=an_execution(),
        progress=CrewUnavailable("2 s"),
        rounds=(line,),
    )
    return render_execution(seen, now=NOW, link=unlinked).blocks


def lesson(state: LessonState) -> Any:
    return a_lesson(state, text=MARKED)


def asked(**changes: Any) -> Round:
    question = Question(request_id="q", message=MARKED)
    return replace(ROUND, subject=question, **changes)


LISTED = LessonLine(lesson=lesson(LessonState.KEPT), card=None, uses=1, wish=MARKED)
VIEWS: dict[str, Callable[[], object]] = {
    "Home": home,
    "the status of an execution": status,
    "a card": lambda: card_of(ROUND),
    "the card after a revision": lambda: card_of(replace(ROUND, number=2), previous=ANSWERED),
    "a revision": lambda: card_of(ANSWERED),
    "a comment": lambda: card_of(replace(ANSWERED, decision=a_decision(Approve(MARKED)))),
    "a failure": lambda: card_of(
        replace(ANSWERED, state=State.STUCK, reason=RefusedByCrew("400", MARKED))
    ),
    "a dismissal": lambda: card_of(
        replace(ROUND, state=State.CLOSED, reason=Dismissed(ANA, MARKED))
    ),
    "a question": lambda: card_of(asked()),
    "an answer": lambda: card_of(
        asked(state=State.RESUMED, decision=a_decision(Answer(MARKED, is_label=False)))
    ),
    "the form behind a question": lambda: render_revise_form(
        CardView(round=asked(), output=Output(MARKED)), Draft("", ())
    ),
    "a text that lessons changed": lambda: (
        card_of(ROUND)
        and render_card(
            CardView(round=ROUND, output=Output("a", rewritten=Rewritten("b", (MARKED,)))),
            now=LATER,
        ).blocks
    ),
    "what a call returned": lambda: (
        render_card(
            a_call(
                state=State.RESUMED,
                decision=a_decision(),
                call_result=CallResult(CallState.RAN, MARKED),
            ),
            now=LATER,
        ).blocks
    ),
    "the history": lambda: list(render_round(replace(LINE, round=ANSWERED))),
    "the changes": lambda: list(
        render_changes(
            CardView(
                round=replace(ROUND, number=2),
                output=Output(f"a\n\n{ESCAPED}"),
                previous=ANSWERED,
                before=Output("b"),
            )
        )
    ),
    "a proposed lesson": lambda: (
        lessons.render_card(
            a_lesson_view(lesson(LessonState.PROPOSED), beside=(lesson(LessonState.KEPT),)),
            (),
            link=unlinked,
        ).blocks
    ),
    "the offer of a lesson": lambda: (
        lessons.render_offer(
            CardView(round=replace(ROUND, number=2), output=Output("a"), previous=ANSWERED)
        ).blocks
    ),
    "the end of a lesson": lambda: lessons.render_retired(lesson(LessonState.RETIRED)).blocks,
    "the lessons of a crew": lambda: (
        lessons.render_list([CrewLessons("research", (LISTED,))], only="", link=unlinked).blocks
    ),
    "the lessons of an execution": lambda: lessons.render_given(
        LessonsGiven(("l-1",)), [lesson(LessonState.RETIRED)]
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_no_mark_of_slacks_is_read_in_what_was_written(name: str) -> None:
    blocks = VIEWS[name]()
    assert "Zebra" in shown(blocks)
    read = [one.text for one in pieces(blocks) if one.live and not one.markdown]
    outside_code = re.sub("`[^`]*`", "", "\n".join(read))
    assert "Zebra" not in outside_code


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("send_email", "send_email"),
        ("R&D *now*", "`R&amp;D *now*`"),
        ("__init__", "`__init__`"),
        ("a ~ b", "`a ~ b`"),
        ("run `ls`", "`run ˋlsˋ`"),
        ("*" * 99, f"`{'*' * 17}…`"),
    ],
)
def test_a_name_with_a_mark_of_slacks_is_code(name: str, line: str) -> None:
    assert one_line(name, 20) == line
