"""All that must be known before a decision, on each surface on which somebody may decide.

`SURFACES` x `LINES`; a line that a surface has no need of is in `NOT_THERE`, with the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import pytest

from crewgate.domain.caveats import Caveats, Claim, Draft, Unseen
from crewgate.domain.masking import Kind, Masking
from crewgate.domain.notification import Output, Question
from crewgate.domain.people import User
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.home import in_order, render_home
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.card import render_card, render_direct_message
from crewgate.slack.reviews.forms import (
    render_approve_form,
    render_confirmation,
    render_edit_form,
    render_revise_form,
)
from crewgate.slack.reviews.reader import render_reader
from crewgate.slack.reviews.standing import Briefing
from crewgate.slack.reviews.tool_calls import fields_of_call, render_change_form
from crewgate.slack.words import cards
from crewgate.usecases.read_models import Approvers, CardView, RoundFacts, RoundLine, Viewer
from tests.builders import ANA, BEN, LATER, NOW, a_note, a_review, a_rule, a_vote
from tests.repo.call_cards import CALL, MAIL
from tests.slack.home.test_messages import a_queue, deciders, link
from tests.slack.rendering import a_view, check_view, shown

TIME_OUT = TimeOut(after=Duration.parse("1h"), then=TimeoutAction.APPROVE)
RULE = a_rule(approvals=2, self_approval=False, timeout=TIME_OUT)
THEN = "then: Mail the customer"
LABELS = Question(request_id="q-1", outcomes=("approved", "rejected"))
SUBJECTS: Final[Mapping[str, dict[str, Any]]] = {
    "work": {"review": a_review(task_name="Draft")},
    "call": {
        "subject": CALL,
        "takes_edits": True,
        "review": a_review(agent="Clerk", task_name="mail"),
    },
    "question": {"subject": LABELS, "review": a_review(task_name="Draft")},
}
FACTS: Final = frozenset(one.name for one in fields(RoundFacts))


def view_of(subject: str, user: str = BEN.id, **changes: Any) -> CardView:
    """A round as the modals of this person load it; `changes` are of the view."""
    view = a_view(rule=RULE, **SUBJECTS[subject])
    changes.setdefault("reviewers", (User(ANA.id), User(BEN.id)))
    changes.setdefault("output", MAIL if subject == "call" else Output("A draft."))
    viewer = Viewer(user=user, now=LATER, why=(THEN,))
    return replace(view, viewer=viewer, **changes)


def card(view: CardView) -> list[Block]:
    return render_card(replace(view, viewer=None), now=LATER).blocks


def short_card(view: CardView) -> list[Block]:
    return card(replace(view, is_quiet=True))


def private_message(view: CardView) -> list[Block]:
    assert view.viewer is not None
    user, why = view.viewer.user, view.viewer.why
    to = replace(view, viewer=None)
    return render_direct_message(
        to, None, reader=user, link=lambda _: None, now=LATER, why=why
    ).blocks


def page(view: CardView) -> list[Block]:
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    return _checked(render_reader(position, view, []).view)


def home_row(view: CardView) -> list[Block]:
    assert view.viewer is not None
    user, why = view.viewer.user, view.viewer.why
    facts = {name: getattr(view, name) for name in FACTS}
    text = view.output.text
    line = RoundLine(card=None, excerpt=text, characters=len(text), **facts)
    found = a_queue(line, reviewed=frozenset({line.key}))
    return _checked(
        render_home(
            found,
            in_order(found),
            now=LATER,
            link=link,
            deciders=deciders,
            user=user,
            why=lambda _: why,
        )
    )


def _briefing(view: CardView) -> Briefing:
    return Briefing(view=view, caveats=_caveats(view), notes=_notes(view))


def confirmation(view: CardView) -> list[Block]:
    return _checked(render_confirmation(_briefing(view)))


def confirmation_of_answer(view: CardView) -> list[Block]:
    return _checked(render_confirmation(_briefing(view), outcome=0))


def approve_form(view: CardView) -> list[Block]:
    return _checked(render_approve_form(_briefing(view)))


def edit_form(view: CardView) -> list[Block]:
    return _checked(render_edit_form(_briefing(view), ["A draft."]))


def change_form(view: CardView) -> list[Block]:
    found = fields_of_call(view.round, view.output, Masking())
    assert found is not None
    return _checked(render_change_form(_briefing(view), found, found.values))


def form_for_words(view: CardView) -> list[Block]:
    return _checked(render_revise_form(view, Draft("", ())))


def _caveats(view: CardView) -> Caveats:
    unseen = frozenset({Unseen.MASKS} if view.masked else ())
    return Caveats(notes=view.notes, unseen=unseen)


def _notes(view: CardView) -> tuple[Any, ...]:
    return tuple(a_note("Not yet.", ts=f"1.{number}") for number in range(view.notes))


def _checked(view: Block) -> list[Block]:
    check_view(view, may_mention=frozenset({f"@{ANA.id}", f"@{BEN.id}"}))
    blocks: list[Block] = view["blocks"]
    return blocks


@dataclass(frozen=True)
class Line:
    """A fact about a round, and the words for it by the round's subject."""

    says: Mapping[str, str]
    changes: Mapping[str, Any]


def line(says: str, **changes: Any) -> Line:
    return Line(dict.fromkeys(SUBJECTS, says), changes)


SURFACES: Final[Mapping[str, tuple[Callable[[CardView], list[Block]], tuple[str, ...]]]] = {
    "card": (card, ("work", "call", "question")),
    "short card": (short_card, ("work", "call", "question")),
    "private message": (private_message, ("work", "call", "question")),
    "page": (page, ("work", "call", "question")),
    "row in Home": (home_row, ("work", "call", "question")),
    "confirmation": (confirmation, ("work", "call")),
    "confirmation of an answer": (confirmation_of_answer, ("question",)),
    "approve with a comment": (approve_form, ("work",)),
    "edit the text": (edit_form, ("work",)),
    "change the arguments": (change_form, ("call",)),
    "revise, refuse or answer in words": (form_for_words, ("work", "call", "question")),
}
LINES: Final[Mapping[str, Line]] = {
    "who wants what": Line(
        {"work": "Draft", "call": "Clerk", "question": "Draft"},
        {},
    ),
    "what happens on Approve": Line(
        {
            "work": "Revise sends it back with your words.",
            "call": "once, with these arguments, within 1 hour",
            "question": "From your own words the flow's model chooses an outcome",
        },
        {},
    ),
    "what comes next": line(THEN),
    "by when the rule decides": line("by the rule", due_at=LATER),
    "how many approvals": line("2 approvals"),
    "who may not": line(
        "started this and may not approve it", approvers=Approvers((User(ANA.id),))
    ),
    "notes": line("2 notes", notes=2, noted_by=(ANA,)),
    "a claim": line("is on it", claim=Claim(ANA, LATER)),
    "masks": line("2 e-mail addresses are masked", masked=((Kind.EMAIL, 2),)),
    "may have been done": line("This may have been done already", may_have_run=True),
}
SEVERAL: Final = (
    "It takes two approvals, by different people.",
    "2 approvals",
    "once enough people have",
)
WORDS: Final = "revise, refuse or answer in words"
#: Of many cards in a row each is short; *Read all* has these lines, or a press tells of them.
NOT_RISKY: Final = (
    "what happens on Approve",
    "what comes next",
    "who may not",
    "notes",
    "a claim",
)
NOT_THERE: Final[Mapping[tuple[str, str], str]] = {
    **{("short card", line): "it makes no approval risky" for line in NOT_RISKY},
    ("card", "what comes next"): "told in private: the channel knows the crew",
    ("row in Home", "masks"): "the row has the masks themselves, and its Approve asks",
    ("revise, refuse or answer in words", "notes"): "the notes stand in its box, and below it",
    ("revise, refuse or answer in words", "masks"): "nothing is approved; its text has the masks",
}
NO_NEED: Final[Mapping[tuple[str, str, str], str]] = {
    ("short card", "how many approvals", "question"): "other headlines say it; a press tells",
    (
        "row in Home",
        "what happens on Approve",
        "work",
    ): "the crew goes on, with what comes next",
    ("row in Home", "what happens on Approve", "question"): "each label is a button",
    ("change the arguments", "what happens on Approve", "call"): "it says so of the new arguments",
    (WORDS, "what happens on Approve", "work"): "nothing is approved there",
    (WORDS, "what happens on Approve", "call"): "nothing is approved there",
    (WORDS, "how many approvals", "work"): "the words of one person decide",
}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("surface", SURFACES)
def test_each_surface_says_each_line(surface: str, name: str, subject: str) -> None:
    render, subjects = SURFACES[surface]
    found, changes = LINES[name], dict(LINES[name].changes)
    may_have_run = changes.pop("may_have_run", False)
    if subject not in subjects or (may_have_run and subject != "call"):
        return
    view = view_of(subject, **changes)
    if may_have_run:
        again = replace(CALL, may_have_run=True)
        view = replace(view, round=replace(view.round, subject=again))
    text = shown(render(view))
    says: tuple[str, ...] = (found.says[subject],)
    if name == "how many approvals":
        says = SEVERAL
    missing = (surface, name) in NOT_THERE or (surface, name, subject) in NO_NEED
    assert any(one in text for one in says) is not missing, text


@pytest.mark.parametrize("changes", [{}, {"masked": ((Kind.EMAIL, 2),), "notes": 2}])
def test_nothing_is_said_twice(changes: dict[str, Any]) -> None:
    view = view_of("work", claim=Claim(ANA, LATER), **changes)
    unseen = frozenset({Unseen.MASKS} if changes else ())
    caveats = Caveats(notes=view.notes, claim=view.claim, unseen=unseen)
    text = shown(
        render_confirmation(Briefing(view=view, caveats=caveats, notes=_notes(view)))["blocks"]
    )
    for words in ("is on it", "2 notes", "are masked"):
        assert text.count(words) <= 1


FORMS: Final = ("confirmation", "approve with a comment", "edit the text", "change the arguments")


@pytest.mark.parametrize("alerts", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_warns_in_alerts_where_the_workspace_takes_these(form: str, alerts: bool) -> None:
    render, (subject, *_) = SURFACES[form]
    view = view_of(subject, notes=2, masked=((Kind.EMAIL, 2),))
    votes = (a_vote(),)
    view = replace(view, round=replace(view.round, votes=votes, takes_edits=True))
    assert view.viewer is not None
    view = replace(view, viewer=replace(view.viewer, alerts=alerts))
    warns = ["will not be sent", "are masked"]
    if form in ("edit the text", "change the arguments"):
        warns.append("Approvals given so far")

    made = render(view)

    kind = "alert" if alerts else "section"
    for words in warns:
        [found] = [one for one in made if words in str(one.get("text"))]
        assert found["type"] == kind
    assert [one["type"] for one in made].count("alert") == len(warns) * alerts
    # Slack documents no limit of an alert's text, so the notes stand below it.
    [below] = [one for one in made if "Not yet." in str(one.get("text"))]
    assert below["type"] == "section"


@pytest.mark.parametrize("alerts", [True, False])
def test_notes_that_do_not_fit_are_warned_of(alerts: bool) -> None:
    view = view_of("work")
    assert view.viewer is not None
    view = replace(view, viewer=replace(view.viewer, alerts=alerts))
    long = Draft("", (a_note("x" * 3_000, ts="1.1"),))
    made = _checked(render_revise_form(view, long, problem=cards.NOTE_DOES_NOT_FIT))
    [found] = [one for one in made if cards.NOTE_DOES_NOT_FIT in str(one)]
    assert found["type"] == ("alert" if alerts else "section")


def labels(blocks: list[Block]) -> list[str]:
    rows = [one["elements"] for one in blocks if one["type"] == "actions"]
    return [one["text"]["text"] for row in rows for one in row if "text" in one]


@pytest.mark.parametrize("subject", ["work", "call"])
@pytest.mark.parametrize(
    "approvers",
    [
        Approvers((User(BEN.id),)),
        Approvers(too_few=True),
        Approvers(in_vain=frozenset({BEN.id})),
    ],
)
def test_nobody_is_shown_an_approve_that_cannot_count(approvers: Approvers, subject: str) -> None:
    view = view_of(subject, approvers=approvers)
    assert "Approve" in labels(card(view))
    rows = [private_message, page] if approvers.too_few else [private_message, page, home_row]
    for render in rows:
        assert not {"Approve", "Change"} & set(labels(render(view)))
        assert {"Revise", "Refuse"} & set(labels(render(view)))
        ana = view_of(subject, user=ANA.id, approvers=approvers)
        assert ("Approve" in labels(render(ana))) is not approvers.too_few
    for render in (private_message, page):
        who = "Nobody may approve this now." if approvers.too_few else "Your approval would not"
        assert who in shown(render(view))
    assert "lets it run" not in shown(private_message(view))


def test_a_page_of_a_decided_round_has_none_of_it() -> None:
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE, began=NOW)
    made = render_reader(position, a_view(rule=RULE), []).view
    assert "It takes" not in str(made)
