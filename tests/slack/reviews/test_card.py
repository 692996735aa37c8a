"""The card: within Slack's limits whatever was written, calling nobody, and true."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from bot.domain.notes import Claim
from bot.domain.notification import Format, Output
from bot.domain.reason import (
    Answered,
    AnswerLost,
    Dismissed,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    Inferred,
    NeverSent,
    NotReached,
    RefusedByCrew,
    RetriesExhausted,
)
from bot.domain.review import State
from bot.domain.verdict import Approve, Person, Revise
from bot.slack import ids
from bot.slack.reviews.card import file_name, file_title, render_card, render_card_plain
from bot.slack.reviews.notices import render_stuck_notice
from bot.usecases.read_models import (
    CardView,
)
from tests.builders import BEN, LATER, NOW, a_decision, a_review, a_round
from tests.slack.rendering import a_named_round, a_view, buttons, check_message, read, shown, views


@settings(max_examples=100)
@given(views())
def test_a_card_is_within_the_limits_and_calls_nobody_whatever_was_written(view: CardView) -> None:
    for message in (render_card(view, now=LATER), render_card_plain(view, now=LATER)):
        check_message(message)
        if view.round.state is State.WAITING:
            assert buttons(message) == [(ids.APPROVE, "r-1"), (ids.REVISE, "r-1")]
        elif view.round.state is State.STUCK:
            assert buttons(message) == [(ids.RETRY, "r-1"), (ids.DISMISS, "r-1")]
        elif view.round.can_reopen:
            assert buttons(message) == [(ids.REOPEN, "r-1"), (ids.DISMISS, "r-1")]
        else:
            assert buttons(message) == []


@pytest.mark.parametrize("piece", ["&", "<", "😀", "\n", "a\n", "*", "<@U6>", "x"])
@pytest.mark.parametrize("state", [State.STUCK, State.DECIDED, State.CLOSED])
@pytest.mark.parametrize("format_", list(Format))
def test_the_fullest_card_is_within_the_limits(piece: str, state: State, format_: Format) -> None:
    full = "x" + piece * 3_000 + "x"
    review = a_review(
        crew=full, task_id=full, agent=full, expected_output=full, execution_id=full[:512]
    )
    round_ = a_round(
        review=review,
        number=999_999,
        unchanged=True,
        state=state,
        decision=a_decision(Revise(full[:3_000]), by=Person("U0ANA", full)),
        reason={
            State.STUCK: RefusedByCrew("401", full),
            State.DECIDED: AnswerLost(full),
            State.CLOSED: ExecutionFailed(full),
        }[state],
    )
    view = CardView(round_, Output(full * 10, format_), replace(round_, number=999_998))
    check_message(render_card(view, now=LATER))
    check_message(render_card_plain(view, now=LATER))
    notice = render_stuck_notice(round_)
    assert (notice is None) == (state is State.DECIDED)
    if notice:
        check_message(notice)


def test_a_waiting_card_shows_the_output_as_written_and_two_buttons() -> None:
    message = render_card(a_view("## Findings\n\n- one\n"), now=LATER)
    assert message.text == "research: Draft, round 1 is waiting for a decision"
    assert not message.excerpted
    assert {"type": "markdown", "text": "## Findings\n\n- one\n"} in message.blocks
    approve, revise = message.blocks[-1]["elements"]
    assert (approve["text"]["text"], approve["style"]) == ("Approve", "primary")
    assert (revise["text"]["text"], "style" in revise) == ("Revise", False)


@pytest.mark.parametrize("text", ["", " \n\n", " " * 20_000])
def test_an_empty_output_is_said_plainly(text: str) -> None:
    message = render_card(a_view(text), now=LATER)
    assert "The output is empty" in read(message)
    assert not message.excerpted


def test_an_unchanged_output_is_said_loudly() -> None:
    assert "*Nothing changed.*" in read(render_card(a_view(number=2, unchanged=True), now=LATER))


@pytest.mark.parametrize("size", [3_001, 9_001, 12_001, 500_000])
@pytest.mark.parametrize("format_", list(Format))
def test_a_long_output_says_how_much_is_shown_and_where_the_rest_is(
    size: int, format_: Format
) -> None:
    text = ("word " * size)[: size - 1] + "!"
    message = render_card(CardView(a_round(), Output(text, format_)), now=LATER)
    check_message(message)
    assert message.excerpted == (size > 9_000)
    note = f"of {size:,} characters; the whole text is in the thread."
    assert (note in read(message)) == message.excerpted


def test_json_is_shown_in_a_fence_that_nothing_inside_can_end() -> None:
    output = Output('{\n  "a": "```\\n<!channel>"\n}', Format.JSON)
    message = render_card(CardView(a_round(), output), now=LATER)
    check_message(message)
    (shown,) = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    assert shown.startswith("```json\n{")
    assert shown.endswith("}\n```")
    assert shown.count("```") == 2


def test_a_new_round_shows_what_was_asked_for() -> None:
    asked = a_round(state=State.RESUMED, decision=a_decision(Revise("shorter & <b>")))
    view = CardView(a_round(number=2), Output("text"), asked)
    shown = read(render_card(view, now=LATER))
    assert "In round 1 <@U0ANA> asked for changes:\n> shorter &amp; &lt;b&gt;" in shown
    approved = replace(asked, decision=a_decision())
    assert "asked for" not in read(render_card(replace(view, previous=approved), now=LATER))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": State.DECIDED}, "Approved by <@U0ANA>, telling the crew…"),
        (
            {"state": State.DECIDED, "decision": a_decision(Approve("mind the gap"))},
            "Approved by <@U0ANA> with a comment, telling the crew…\n> mind the gap",
        ),
        (
            {"state": State.DECIDED, "decision": a_decision(Revise("a\nb"))},
            "<@U0ANA> asked for changes, telling the crew…\n> a\n> b",
        ),
        (
            {"state": State.DECIDED, "reason": NotReached("connection refused")},
            "The crew can't be reached: connection refused. Trying again by itself.",
        ),
        (
            {"state": State.DECIDED, "reason": AnswerLost("no answer in 30 s")},
            "The crew did not answer: no answer in 30 s. Looking for a sign",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("resumed: going on")},
            "Approved by <@U0ANA>. Sent: the crew says “resumed: going on”.",
        ),
        ({"state": State.RESUMED}, "Approved by <@U0ANA>. Sent."),
        (
            {"state": State.RESUMED, "reason": Inferred()},
            "Sent: the crew has gone on, so it has this.",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("401", "Unauthorized")},
            "The crew says “Unauthorized” (401). The crew does not accept the token",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("404", "gone")},
            "does not know this execution any more",
        ),
        ({"state": State.STUCK, "reason": RefusedByCrew("400", "no")}, "is not waiting for this"),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("400", "no"), "in_doubt_since": NOW},
            "It may have been taken: the answer to a try was lost.",
        ),
        (
            {"state": State.STUCK, "reason": RetriesExhausted("no"), "in_doubt_since": NOW},
            "this card says so at its next sign",
        ),
        ({"state": State.STUCK, "reason": RefusedByCrew("422", "no")}, "could not read"),
        ({"state": State.STUCK, "reason": RefusedByCrew("418", "no")}, "Look at the crew's log"),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("403", "")},
            "The crew refused it (403) and did not say",
        ),
        (
            {"state": State.STUCK, "reason": RetriesExhausted("refused")},
            "It was not reachable for a day: refused. Press Retry",
        ),
        (
            {"state": State.SUPERSEDED, "decision": None},
            "A newer output came; round 2 takes its place.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionEnded()},
            "Closed: the execution has ended.",
        ),
        (
            {"state": State.CLOSED, "reason": NeverSent()},
            (
                "Approved by <@U0ANA>, but a newer output came before this could be sent. "
                "It was not sent. Round 2 takes its place."
            ),
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionFailed("no <tokens>")},
            "Closed: the execution failed: no &lt;tokens&gt;.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionFailed()},
            "Closed: the execution failed.",
        ),
        (
            {"state": State.CLOSED, "reason": ExecutionGone()},
            "It was not sent. If the crew knows it after all, press Reopen",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionGone()},
            "Closed: the crew does not know this execution.",
        ),
        (
            {"state": State.CLOSED, "reason": ExecutionEnded(), "in_doubt_since": NOW},
            "but the execution has ended. It may not have been taken.",
        ),
        (
            {"state": State.CLOSED, "reason": Dismissed(BEN, "started <again>")},
            (
                "Approved by <@U0ANA>. <@U0BEN> dismissed it: “started &lt;again&gt;”. "
                "It was not sent."
            ),
        ),
        (
            {"state": State.CLOSED, "reason": Dismissed(BEN, "done"), "in_doubt_since": NOW},
            "<@U0BEN> dismissed it: “done”. It may not have been taken.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": Dismissed(BEN, "not needed")},
            "<@U0BEN> dismissed it: “not needed”.",
        ),
    ],
)
def test_a_card_says_what_is_true_now(changes: dict[str, Any], says: str) -> None:
    message = render_card(a_view(**{"decision": a_decision(), **changes}), now=LATER)
    check_message(message)
    assert says in read(message)
    assert "## Findings" in read(message)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.DECIDED, "was approved by Ana, telling the crew"),
        (State.RESUMED, "was approved by Ana and the crew has been told"),
        (State.STUCK, "was approved by Ana, but the crew did not take it"),
        (State.CLOSED, "was approved by Ana, but is closed"),
    ],
)
def test_a_notification_is_useful_by_itself(state: State, says: str) -> None:
    message = render_card(a_view(state=state, decision=a_decision()), now=LATER)
    assert message.text == f"research: Draft, round 1 {says}"


def test_a_plain_card_leaves_out_what_the_agent_wrote() -> None:
    view = a_view("SECRET", review=a_review(agent="SECRET", expected_output="SECRET"))
    message = render_card_plain(view, now=LATER)
    assert "SECRET" not in read(message)
    assert "Slack could not show this output; it is attached as a file." in read(message)
    assert message.excerpted


@pytest.mark.parametrize(
    ("title", "format_", "name"),
    [
        ("research_task", Format.MARKDOWN, "research_task-round-2-r-1.md"),
        ("../../etc/passwd", Format.JSON, "etc-passwd-round-2-r-1.json"),
        ("задача", Format.MARKDOWN, "output-round-2-r-1.md"),
        ("x" * 512, Format.MARKDOWN, "x" * 80 + "-round-2-r-1.md"),
    ],
)
def test_a_file_has_a_safe_name(title: str, format_: Format, name: str) -> None:
    view = CardView(
        a_round(id="r-1", number=2, review=a_review(task_id=title)), Output("x", format_)
    )
    assert file_name(view) == name


def test_files_of_tasks_with_one_title_have_names_of_their_own() -> None:
    """A file whose upload is in doubt is looked for by its name."""
    one, other = (CardView(a_round(id=id_), Output("x", Format.MARKDOWN)) for id_ in ("ab1", "cd2"))
    assert file_name(one) != file_name(other)


@settings(max_examples=25)
@given(views())
def test_file_names_and_titles_are_safe_whatever_the_task_is_called(view: CardView) -> None:
    assert re.fullmatch(
        r"[A-Za-z0-9_-]{1,80}-round-[0-9]+-[A-Za-z0-9_-]{1,6}\.(md|json)", file_name(view)
    )
    assert "\n" not in file_title(view)
    assert len(file_title(view)) < 300


def test_a_card_says_who_is_on_it_and_who_wrote() -> None:
    people = tuple(Person(f"U{number}", "x") for number in range(6))
    view = CardView(
        a_named_round(),
        Output("A draft."),
        notes=7,
        noted_by=people,
        claim=Claim(BEN, NOW),
    )

    at_once, later = (render_card(view, now=NOW + timedelta(minutes=m)) for m in (0, 30))

    assert f"<@{BEN.id}> is on it" in shown(at_once.blocks)
    assert "is on it" not in shown(later.blocks)
    assert "7 notes from <@U0>, <@U1>, <@U2>, <@U3> and 2 more" in shown(at_once.blocks)


def test_a_card_says_that_nothing_changed_since_an_earlier_round() -> None:
    previous = a_named_round(state=State.RESUMED, decision=a_decision(Approve()))
    view = CardView(replace(a_named_round(), number=3), Output("Same."), previous, Output("Same."))
    assert "Nothing changed since round 1" in shown(render_card(view, now=LATER).blocks)
