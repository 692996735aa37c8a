"""The card of what a flow asks: one button for each outcome, and what came of the answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Draft
from crewgate.domain.notification import Ask, Output, Question, Rewritten
from crewgate.domain.people import Email, Notify, User
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    AnswerLost,
    NotCalled,
    NotReached,
    PerhapsTaken,
    Reason,
    RefusedByCrew,
    RequestGone,
    TakenAs,
    TimeOver,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import Answer, Decision, Person, TimedOut, Verdict, Via
from crewgate.slack import ids
from crewgate.slack.notes import render_offer
from crewgate.slack.reviews.buttons import CLAIM, REVISE
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.changes import render_changes
from crewgate.slack.reviews.forms import render_revise_form
from crewgate.slack.reviews.notices import render_escalation, render_stuck_notice
from crewgate.slack.words.people import call
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, BEN, LATER, NOW, a_decision, a_round, a_rule, a_vote
from tests.slack.rendering import (
    buttons,
    check_message,
    check_view,
    long_texts,
    menu,
    names,
    read,
    rounds,
    shown,
    texts,
)

EMIT = ("approved", "rejected", "needs_revision")
QUESTION = Question(request_id="8412", message="Publish *this*?", outcomes=EMIT)
LABEL = Answer("approved", is_label=True)
DAY = Duration.parse("1d")
MENTIONED = frozenset({f"@{ANA.id}", f"@{BEN.id}", "!subteam^S1"})


def a_view(outcomes: tuple[str, ...] = EMIT, **changes: Any) -> CardView:
    question = replace(QUESTION, outcomes=outcomes, left_off=changes.pop("left_off", 0))
    return CardView(round=a_round(subject=question, **changes), output=Output("A draft."))


def test_a_text_that_was_rewritten_says_by_what_and_what_was_before() -> None:
    rewritten = Rewritten("A draft.", ("Cite *it*.", "Be brief."))
    view = replace(a_view(), output=Output("A draft, cited.", rewritten=rewritten))
    card = render_card(view, now=LATER)
    told = (
        "CrewAI rewrote this text by 2 lessons before you saw it. What is approved is this text,"
        " `self.last_human_feedback.output` in the flow."
    )
    assert f"{told}Cite *it*.\nBe brief.A draft, cited." in shown(card.blocks)
    assert "Changes" in shown(card.blocks)
    changes = shown(list(render_changes(view)))
    assert told in changes
    assert "1 passage added, 1 removed" in changes
    again = replace(view, previous=a_round(State.RESUMED), before=Output("Else."))
    assert "*Since round 1*" in shown(list(render_changes(again)))
    check_message(card)


def labels(*outcomes: str, **changes: Any) -> list[tuple[str, str | None]]:
    """The card's buttons before Answer in words, each with its style."""
    elements = render_card(a_view(outcomes, **changes), now=LATER).blocks[-1]["elements"]
    shown = [(one["text"]["text"], one.get("style")) for one in elements if "text" in one]
    return shown[: [name for name, _ in shown].index("Answer in words")]


def test_each_outcome_is_a_button_in_its_order() -> None:
    message = render_card(a_view(), now=LATER)
    assert [name for name, _ in buttons(message)] == [
        f"{ids.ANSWER}.0",
        f"{ids.ANSWER}.1",
        f"{ids.ANSWER}.2",
        REVISE.id,
        CLAIM.id,
    ]
    assert {value for _, value in buttons(message)} == {"r-1"}
    assert menu(message) == ["History", "Read all", "Ask somebody…"]
    assert "\nPublish *this*?\n" in read(message).replace("\u200b", "")
    assert message.text == "Draft asks for an answer"


@pytest.mark.parametrize(
    ("outcomes", "shown"),
    [
        (("approved", "no"), [("✓ Approved", "primary"), ("✕ No", None)]),
        (("rejected", "LGTM"), [("✕ Rejected", None), ("✓ LGTM", "primary")]),
        (("publish", "hold"), [("Publish", None), ("Hold", None)]),
        (("not approved", "Needs revision"), [("not approved", None), ("↺ Needs revision", None)]),
        (("approved", "ok"), [("✓ Approved", "primary"), ("✓ Ok", None)]),
    ],
)
def test_only_what_reads_as_an_approval_is_green(
    outcomes: tuple[str, ...], shown: list[tuple[str, str | None]]
) -> None:
    assert labels(*outcomes) == shown


def test_labels_that_could_be_mistaken_are_numbered_and_shown_in_full() -> None:
    long = "x" * 90
    assert labels(f"{long}1", f"{long}2")[0][0].startswith("1. ")
    assert f"2. {long}2" in read(render_card(a_view((f"{long}1", f"{long}2")), now=LATER))
    assert labels("✓ approved", "approved") == [("1. ✓ approved", None), ("2. approved", "primary")]


def test_more_than_four_are_a_menu() -> None:
    outcomes = tuple(f"label {number}" for number in range(5))
    menu_, words, *_ = render_card(a_view(outcomes), now=LATER).blocks[-1]["elements"]
    assert menu_["type"] == "static_select"
    assert [one["text"]["text"] for one in menu_["options"]] == list(outcomes)
    assert [one["value"] for one in menu_["options"]] == [f"r-1 {number}" for number in range(5)]
    assert words["text"]["text"] == "Answer in words"
    text = read(render_card(a_view(EMIT, left_off=2), now=LATER))
    assert "2 more outcomes can only be answered in words." in text


def test_without_outcomes_it_asks_for_words_alone() -> None:
    assert labels() == []
    assert "it gets exactly what you write" in read(render_card(a_view(()), now=LATER))


def test_words_that_a_flow_asks_for_have_one_button_and_its_time() -> None:
    question = Question(request_id="1", ask=Ask(place="talk 1", expires_at=LATER))
    round_ = a_round(subject=question, rule=a_rule(name="two eyes"))
    view = CardView(round=round_, output=Output("Which topic?"))
    message = render_card(view, now=NOW)
    assert [one["text"]["text"] for one in message.blocks[-1]["elements"][:1]] == ["Answer"]
    text = read(message)
    assert "The flow waits until" in text
    assert "Which topic?" in text
    form = shown(render_revise_form(view, Draft("", ()))["blocks"])
    assert form.index("*The question*") < form.index("Your answer")
    assert "*Answer*" in read(render_offer(round_))


def test_words_that_a_hook_asks_for_go_to_the_crew() -> None:
    question = Question(request_id="", ask=Ask(place="mail: send_email"))
    revise = a_rule(timeout=TimeOut(DAY, TimeoutAction.REVISE, "Too late."))
    round_ = a_round(subject=question, rule=revise)
    view = CardView(round=round_, output=Output("Send it?"), due_at=LATER)
    text = read(render_card(view, now=NOW))
    assert "The crew asks for words: it gets exactly what you write." in text
    assert "is refused at" in text.lower()
    form = render_revise_form(view, Draft("", ()))
    assert "The crew gets exactly what you write." in shown(form["blocks"])
    assert "to send it to the crew." in read(render_offer(round_))
    answer = a_decision(Answer("yes", to_crew=True))
    taken = replace(round_, state=State.RESUMED, decision=answer, reason=Answered("resumed", None))
    assert "The crew goes on." in read(render_card(replace(view, round=taken), now=LATER))
    by = TimedOut("two eyes", DAY)
    refused = replace(taken, decision=replace(answer, by=by, via=Via.RULE))
    assert "refused it" in read(render_card(replace(view, round=refused), now=LATER))


def test_where_several_have_to_approve_it_says_so() -> None:
    text = read(render_card(a_view(rule=a_rule(approvals=2), votes=(a_vote(),)), now=LATER))
    assert "once enough people have chosen it" in text


def test_what_several_chose_is_named_where_it_does_not_read_as_an_approval() -> None:
    chose = a_vote(answer="publish")
    waiting = a_view(("publish", "rejected"), rule=a_rule(approvals=2), votes=(chose,))
    assert "1 of 2 for “publish”: <@U0ANA>" in read(render_card(waiting, now=LATER))
    round_ = waiting.round
    published = round_.approve(a_vote(BEN, answer="publish"), Answer("publish", is_label=True))
    text = read(render_card(replace(waiting, round=published.round), now=LATER))
    assert "<@U0ANA> and <@U0BEN> answered “publish”" in text
    rejected = round_.decide(a_decision(Answer("rejected", is_label=True), by=BEN)).round
    text = read(render_card(replace(waiting, round=rejected), now=LATER))
    assert "<@U0BEN> answered “rejected”" in text
    assert "1 of 2 had chosen “publish”: <@U0ANA>" in text


@pytest.mark.parametrize(
    ("then", "outcomes", "said"),
    [
        (
            TimeoutAction.APPROVE,
            EMIT,
            "If nobody decides, it is answered “approved” by the rule on <!date^",
        ),
        (TimeoutAction.APPROVE, ("publish",), ""),
        (
            TimeoutAction.REVISE,
            EMIT,
            "If nobody decides, it is answered in the rule's words on <!date^",
        ),
        (TimeoutAction.LEAVE, EMIT, ""),
    ],
)
def test_it_says_what_the_rule_answers(
    then: TimeoutAction, outcomes: tuple[str, ...], said: str
) -> None:
    rule = a_rule(timeout=TimeOut(DAY, then, "Too late."))
    view = replace(a_view(outcomes, rule=rule), due_at=NOW + DAY.length)
    text = read(render_card(view, now=LATER))
    assert (said in text) if said else ("the rule " not in text)


# --- what came of it -----------------------------------------------------------------------------

ELSEWHERE = "There is an answer from elsewhere: via dashboard. Somebody was faster"
OURS_OR_NOT = "this one or one from elsewhere: already responded. What came of sending this one was"


@pytest.mark.parametrize(
    ("state", "answer", "reason", "in_doubt", "said"),
    [
        (State.DECIDED, LABEL, None, False, "Being sent to the flow…"),
        (State.DECIDED, LABEL, AnswerLost("no answer"), True, "takes one answer only"),
        (State.DECIDED, LABEL, NotReached("429"), False, "The flow cannot be reached (429)."),
        (State.RESUMED, LABEL, TakenAs("approved"), True, "goes on with the outcome “approved”."),
        (State.RESUMED, LABEL, TakenAs("rejected"), True, "although “approved” was answered."),
        (State.RESUMED, LABEL, TakenAs("", "accepted"), True, "The flow goes on."),
        (State.RESUMED, Answer("Hm."), TakenAs("rejected"), True, "made of these words."),
        (State.CLOSED, LABEL, AnsweredElsewhere("via dashboard"), False, ELSEWHERE),
        (State.CLOSED, LABEL, PerhapsTaken("already responded"), True, OURS_OR_NOT),
        (State.CLOSED, LABEL, RequestGone("404", "no"), False, "It did not take this one."),
        (State.CLOSED, LABEL, RequestGone("410", "no"), True, "sending this one was lost."),
        (State.STUCK, LABEL, RefusedByCrew("401", "no"), False, "may have been used elsewhere"),
        (State.STUCK, LABEL, RefusedByCrew("422", "no"), True, "It may have this already"),
        (
            State.STUCK,
            LABEL,
            NotCalled("bad_url", "no"),
            False,
            "sent: no (bad_url). The request",
        ),
        (State.STUCK, LABEL, NotCalled("host_not_allowed", "no"), False, "flow_callback_hosts"),
        (State.STUCK, LABEL, NotCalled("unreadable", "no"), False, "answer it in CrewAI and"),
        (State.STUCK, LABEL, NotCalled("plain_http", "no"), False, "sent in the clear"),
    ],
)
def test_a_decided_card_says_what_is_known_and_no_more(
    state: State, answer: Answer, reason: Reason, in_doubt: bool, said: str
) -> None:
    view = a_view(
        state=state,
        decision=a_decision(answer),
        reason=reason,
        in_doubt_since=NOW if in_doubt else None,
    )
    text = read(render_card(view, now=LATER))
    assert said in text
    assert "the crew" not in text.lower()
    claims = state is State.RESUMED
    assert ("The flow goes on" in text) is claims


def test_everybody_who_answered_is_named_and_for_whom() -> None:
    votes = (a_vote(), a_vote(BEN, on_behalf_of=Person("U0CAI", "Cai")))
    several = replace(a_decision(LABEL, by=BEN), votes=votes)
    text = read(render_card(a_view(state=State.DECIDED, decision=several), now=LATER))
    assert "<@U0ANA> and <@U0BEN> for <@U0CAI> approved, so the answer is “approved”" in text
    alone = a_decision(LABEL, by=BEN, on_behalf_of=Person("U0CAI", "Cai"))
    message = render_card(a_view(state=State.DECIDED, decision=alone), now=LATER)
    assert "<@U0BEN> for <@U0CAI> answered “approved”" in read(message)
    assert message.text == "Draft: Ben for Cai answered “approved”"


@pytest.mark.parametrize(
    ("verdict", "by", "said", "called"),
    [
        (Answer("Shorter."), ANA, "In round 1 <@U0ANA> answered in words:\nShorter.", True),
        (
            Answer("needs_revision", is_label=True),
            ANA,
            "In round 1 <@U0ANA> answered “needs_revision”.",
            True,
        ),
        (
            Answer("Late."),
            TimedOut("late", DAY),
            "In round 1: not decided within 1 day; the rule “late” answered in its words:",
            False,
        ),
        (LABEL, ANA, "", False),
    ],
)
def test_the_next_request_shows_what_was_answered_before(
    verdict: Verdict, by: Person | TimedOut, said: str, called: bool
) -> None:
    before = a_round(
        State.RESUMED,
        subject=QUESTION,
        decision=Decision(verdict=verdict, by=by, at=NOW, via=Via.MODAL),
    )
    view = replace(
        a_view(number=2), previous=before, before=Output("A daft."), reviewers=(User(BEN.id),)
    )
    text = read(render_card(view, now=LATER))
    assert (said in text) if said else ("In round 1" not in text)
    calls = call(view, Notify.MENTION) or ""
    assert calls.startswith("<@U0ANA>, here is round 2.") is called
    changes = [*render_changes(view)]
    check_view(
        {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": changes},
        may_mention=frozenset({"@U0ANA"}),
    )


def test_notes_are_offered_as_an_answer() -> None:
    offer = read(render_offer(a_view().round))
    assert "Press *Answer in words* to send it to the flow." in offer
    assert "Revise" not in offer
    assert "Press *Revise* to send it to the crew." in read(render_offer(a_round()))


# --- hostile ones --------------------------------------------------------------------------------

questions = st.builds(
    Question,
    request_id=names,
    message=long_texts.map(lambda text: text[:3_000]),
    outcomes=st.lists(names.map(lambda name: name[:500] or "x"), max_size=8, unique=True).map(
        tuple
    ),
    left_off=st.integers(0, 10**6),
    assigned=st.lists(texts.map(lambda text: Email(text or "x")), max_size=5).map(tuple),
)
reasons = st.one_of(
    st.none(),
    st.builds(TakenAs, names, long_texts),
    st.builds(AnsweredElsewhere, long_texts),
    st.builds(PerhapsTaken, long_texts),
    st.builds(RequestGone, names, long_texts),
    st.just(TimeOver()),
    st.builds(RefusedByCrew, names, long_texts),
)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(replace, rounds, subject=questions, reason=reasons),
    long_texts,
    st.integers(0, 8),
    long_texts,
)
def test_whatever_a_flow_asks_stays_within_the_limits(
    round_: Round, words: str, label: int, output: str
) -> None:
    question = round_.subject
    assert isinstance(question, Question)
    if round_.decision is not None:
        chosen = [Answer(one, is_label=True) for one in question.outcomes[label - 1 : label]]
        verdict = chosen[0] if chosen else Answer(words[:3_000] or "x")
        round_ = replace(round_, decision=replace(round_.decision, verdict=verdict))
    view = CardView(round=round_, output=Output(output))
    check_message(render_card(view, now=LATER), may_mention=MENTIONED)
    check_message(render_escalation(round_, question.assigned))
    check_view(render_revise_form(view, Draft("", ())))
    check_message(render_offer(round_))
    if (notice := render_stuck_notice(round_)) is not None:
        check_message(notice)
