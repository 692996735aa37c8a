"""The messages about lessons, within Slack's limits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.lessons import (
    LESSON_CHARACTERS,
    MOST,
    Lesson,
    LessonsGiven,
    LessonState,
    parse_lesson,
)
from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise, Via, Vote
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.lessons import (
    first_words,
    render_card,
    render_form,
    render_given,
    render_list,
    render_offer,
    render_retired,
)
from crewgate.slack.reviews.card import render_card as render_review
from crewgate.usecases.read_models import CardView, CrewLessons, LessonLine, LessonView
from tests.builders import ANA, BEN, NOW, a_decision, a_round, a_rule
from tests.slack.rendering import (
    LINK,
    REF,
    a_view,
    buttons,
    check_message,
    check_view,
    menu,
    names,
    read,
    shown,
    texts,
)

TEXT = "Add a source for every figure."
DAY = timedelta(days=1)
VOTE = Vote(by=BEN, at=NOW, via=Via.BUTTON)


def a_lesson(state: LessonState = LessonState.PROPOSED, **changes: Any) -> Lesson:
    """A lesson of Ana's in this state, kept and ended by Ben."""
    lesson = Lesson(
        id="l-1",
        crew="research",
        text=TEXT,
        author=ANA,
        round_id="r-2",
        wish_id="r-1",
        proposed_at=NOW,
        state=state,
    )
    if state not in {LessonState.PROPOSED, LessonState.DROPPED}:
        lesson = replace(lesson, votes=(VOTE,), kept_at=NOW, expires_at=NOW + 90 * DAY)
    if state not in {LessonState.PROPOSED, LessonState.KEPT}:
        lesson = replace(lesson, ended_at=NOW, ended_by=BEN)
    return replace(lesson, **changes)


def a_lesson_view(lesson: Lesson | None = None, **changes: Any) -> LessonView:
    approved = a_round(State.RESUMED, id="r-2", number=2)
    view = LessonView(
        lesson=lesson or a_lesson(), round=approved, wish="Sources!", from_card=REF, card=None
    )
    return replace(view, **changes)


def card(view: LessonView, **how: Any) -> Any:
    people = [User(ANA.id), User(BEN.id)]
    return render_card(view, people, **{"link": lambda _: None} | how)


def test_the_writer_of_a_wish_is_offered_to_keep_it() -> None:
    asked = a_round(State.RESUMED, decision=a_decision(Revise("Add a source.\nPlease.")))
    view = replace(a_view(number=2, state=State.RESUMED), previous=asked)
    message = render_offer(view)
    check_message(message)
    assert "\nAdd a source.\nPlease.\n" in read(message)
    assert "*research* is told it at each start" in read(message)
    assert buttons(message) == [("keep_lesson", "r-1")]


def test_the_form_begins_with_the_own_words_in_one_line() -> None:
    assert first_words("Add a source\n for every figure. ") == "Add a source for every figure."
    long = "Say where each figure is from. " * 12
    cut = first_words(long)
    assert LESSON_CHARACTERS / 2 < len(cut) <= LESSON_CHARACTERS
    assert cut.endswith("from.")
    assert len(first_words("x" * 999)) == LESSON_CHARACTERS
    form = render_form("research", cut, "r-1")
    check_view(form)
    assert form["blocks"][1]["element"]["initial_value"] == cut
    assert "holds until then" not in shown(form)
    edit = render_form("research", TEXT, "l-1", replaces=True)
    check_view(edit)
    assert "The lesson as it is now holds until then." in shown(edit)


def test_a_proposed_lesson_asks_those_who_may_keep_it() -> None:
    beside = (a_lesson(LessonState.KEPT, text="Write in *plain* words."),)
    posted = card(a_lesson_view(beside=beside), calls=True)
    check_message(posted)
    words = read(posted)
    assert "*A lesson for research*, proposed by <@U0ANA>" in words
    assert "<@U0ANA> and <@U0BEN>: please keep or drop it." in words
    assert f"\n{TEXT}\n" in words
    assert "Needs one approval · from round 2 of Draft · " in words
    assert "It would stand beside:\n\n• Write in *plain* words." in words
    assert [action for action, _ in buttons(posted)] == ["lesson_keep", "lesson_drop"]
    edited = read(card(a_lesson_view(a_lesson(replaces=beside[0].id, id="l-2"), beside=beside)))
    assert "*Other words for a lesson of research*" in edited
    assert "• Write in *plain* words.\n (it would replace this)" in edited
    assert "please keep" not in read(card(a_lesson_view()))
    here = read(card(a_lesson_view(beside=beside, beside_elsewhere=2)))
    assert "• Write in *plain* words.\nand 2 that this channel may not read" in here
    alone = read(card(a_lesson_view(beside_elsewhere=2)))
    assert "It would stand beside 2 that this channel may not read." in alone
    assert "It would" not in read(card(a_lesson_view()))
    assert f"<{LINK}|round 2 of Draft>" in str(card(a_lesson_view(), link=lambda _: LINK).blocks)


def test_a_rule_with_several_approvals_is_counted() -> None:
    approved = a_round(State.RESUMED, id="r-2", number=2, rule=a_rule(approvals=2))
    view = a_lesson_view(a_lesson(votes=(VOTE,)), round=approved)
    words = read(card(view, calls=True))
    assert "1 of 2: <@U0BEN>" in words
    assert "<@U0ANA>: please keep or drop it." in words


@pytest.mark.parametrize(
    ("state", "headline", "acts"),
    [
        (LessonState.KEPT, "*A lesson of research*, kept by <@U0BEN>", ["retire", "edit"]),
        (LessonState.DROPPED, "*This lesson for research was dropped* by <@U0BEN>", []),
        (LessonState.RETIRED, "*This lesson for research was retired* by <@U0BEN>", []),
        (LessonState.REPLACED, "*This lesson for research was replaced* by <@U0BEN>", []),
    ],
)
def test_a_lesson_shows_what_became_of_it(
    state: LessonState, headline: str, acts: list[str]
) -> None:
    message = card(a_lesson_view(a_lesson(state)), calls=True)
    check_message(message)
    assert headline in read(message)
    assert [action.removeprefix("lesson_") for action, _ in buttons(message)] == acts
    until = "until" in read(message)
    assert until is (state is LessonState.KEPT)


def test_a_lesson_without_its_text_says_so() -> None:
    gone = a_lesson(LessonState.RETIRED, text="")
    for message in (card(a_lesson_view(gone)), render_retired(gone)):
        check_message(message)
        assert ":wastebasket: Its text was removed" in read(message)
    assert "1. :wastebasket: " in shown(render_given(LessonsGiven(("l-1",)), [gone]))


def test_its_author_is_told_who_retired_it() -> None:
    message = render_retired(a_lesson(LessonState.RETIRED))
    check_message(message)
    assert "<@U0BEN> retired your lesson for *research*:" in read(message)
    by_time = a_lesson(LessonState.RETIRED, ended_by=None)
    assert "The time of your lesson for *research* is over:" in read(render_retired(by_time))
    assert "This lesson for research ended by its time*" in read(card(a_lesson_view(by_time)))


def test_the_lessons_of_an_execution_are_shown_as_they_were_given() -> None:
    retired = a_lesson(LessonState.RETIRED, text="Be brief.")
    view = render_given(LessonsGiven(("l-1", "l-2"), 3), [retired, a_lesson(LessonState.KEPT)])
    check_view(view)
    words = shown(view)
    assert "1. Be brief.It was retired later, " in words
    assert f"2. {TEXT}" in words
    assert "There was no room for 3 older lessons." in words
    assert "may not read" not in words
    unread = render_given(LessonsGiven(("l-1", "l-2", "l-3")), [retired])
    assert "and 2 that you may not read" in shown(unread)


def a_line(lesson: Lesson | None = None, **changes: Any) -> LessonLine:
    return replace(
        LessonLine(lesson=lesson or a_lesson(LessonState.KEPT), card=REF, uses=0, wish=""),
        **changes,
    )


def listed(*lines: LessonLine, only: str = "", link: str = "", page: int = 0) -> Message:
    found = [CrewLessons("research", lines)]
    return render_list(found, only=only, link=lambda _: link or None, page=page)


def test_the_list_says_who_taught_what_until_when_and_how_often_it_was_used() -> None:
    unused = a_line(a_lesson(LessonState.KEPT, id="l-2", text="Be brief.", expires_at=None))
    message = listed(a_line(uses=12, again=3), unused, a_line(a_lesson(id="l-3")))
    check_message(message)
    words = read(message)
    assert "*Lessons of research*: 2 kept, 1 proposed" in words
    assert f"1. {TEXT}\nTaught by <@U0ANA> · since " in words
    assert " · used 12 times · *not followed*: asked for again 3 times" in words
    assert words.count("until") == 1
    assert "not used yet" in words
    assert f"3. {TEXT}\nProposed by <@U0ANA> · keep or drop it on its card" in words
    assert buttons(message) == [
        (f"lesson_{act}", name) for name in ("l-1", "l-2") for act in ("retire", "edit")
    ]
    assert "holds what `redact` masks" in read(listed(a_line(is_masked=True)))
    linked = listed(a_line(a_lesson()), link=LINK)
    assert f"on <{LINK}|its card>" in str(linked.blocks)


@pytest.mark.parametrize(
    ("before", "again", "says"),
    [
        (0, 0, " · not used yet"),
        (3, 0, " · asked for 3 times before · not used yet"),
        (1, 2, " · asked for once before · not used yet · asked for again 2 times"),
        (1, 3, " · asked for once before · not used yet · *not followed*: asked for again 3 times"),
    ],
)
def test_the_list_says_how_often_a_wish_came_again(before: int, again: int, says: str) -> None:
    message = listed(a_line(before=before, again=again))
    check_message(message)
    assert f"{says}\n" in f"{read(message)}\n"


def test_the_lessons_of_several_crews_fit_in_one_list() -> None:
    both = (a_line(), a_line(a_lesson(LessonState.KEPT, id="l-2", crew="sales")))
    found = [CrewLessons(one.lesson.crew, (one,)) for one in both]
    check_message(render_list(found, only="", link=lambda _: None))


def test_a_lesson_is_shown_whole_with_all_that_nobody_sees() -> None:
    for unseen in ("\u3164", "\u200d", "\u200c\u200d\u200c\u200d"):
        text = (f"&{unseen}" * LESSON_CHARACTERS)[: LESSON_CHARACTERS - 5] + "rogue"
        view = a_lesson_view(a_lesson(text=parse_lesson(text)))
        for message in (card(view), listed(a_line(view.lesson))):
            check_message(message)
            assert "rogue" in read(message)


def test_a_long_list_has_pages() -> None:
    lines = [a_line(a_lesson(LessonState.KEPT, id=f"l-{n}", text="<" * 300)) for n in range(200)]
    shown_before = 0
    for page in range(99):
        message = listed(*lines, only="research", page=page)
        check_message(message)
        assert f"Page {page + 1} of " in read(message)
        turns = [one for one in buttons(message) if one[0].startswith("lessons_")]
        shown_before += read(message).count("not used yet")
        if ("lessons_next", f"{page} research") not in turns:
            break
    assert shown_before == 200
    assert turns == [("lessons_previous", f"{page} research")]
    assert buttons(listed(*lines, page=99, only="research")) == buttons(message)


def test_without_lessons_the_list_says_how_they_come() -> None:
    message = listed()
    check_message(message)
    assert "There are no lessons yet." in message.text


@given(names, texts, texts, st.sampled_from(LessonState), st.booleans())
def test_any_lesson_fits(crew: str, text: str, wish: str, state: LessonState, calls: bool) -> None:
    lesson = a_lesson(state, crew=crew or "x", text=(text or "x")[:LESSON_CHARACTERS])
    long = replace(lesson, id="l-2", text="<" * LESSON_CHARACTERS)
    view = a_lesson_view(lesson, beside=(long,) * 200, beside_elsewhere=1_000)
    check_message(card(view, calls=calls))
    check_message(render_retired(replace(long, ended_by=BEN)))
    check_view(render_form(crew, first_words(wish), "r-1"))
    check_message(listed(a_line(lesson), a_line(long)))
    check_view(render_given(LessonsGiven(("l-1",), 1), [lesson, *[long] * MOST]))


def test_a_card_says_how_many_lessons_its_execution_was_given() -> None:
    def with_(given: LessonsGiven | None, **changes: Any) -> Any:
        return render_review(replace(a_view(**changes), lessons=given), now=NOW)

    two = with_(LessonsGiven(("l-1", "l-2")))
    check_message(two)
    assert " · with 2 lessons" in read(two)
    assert "Lessons given" in menu(two)
    assert "with 2 lessons" in read(with_(LessonsGiven(("l-1", "l-2")), state=State.RESUMED))
    for none in (None, LessonsGiven()):
        assert "lessons" not in read(with_(none))
        assert "Lessons given" not in menu(with_(none))


def test_an_approved_card_leads_to_the_form_where_the_crew_takes_lessons() -> None:
    asked = a_round(State.RESUMED, decision=a_decision(Revise("Sources!")))
    approved = replace(a_view(number=2, state=State.RESUMED), previous=asked)

    def entries(view: CardView) -> list[str]:
        return menu(render_review(view, now=NOW))

    assert "Keep as a lesson…" in entries(replace(approved, lessons=LessonsGiven()))
    assert "Keep as a lesson…" not in entries(approved)
    unasked = replace(approved, previous=None, lessons=LessonsGiven())
    assert "Keep as a lesson…" not in entries(unasked)
