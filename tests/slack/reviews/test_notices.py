"""Messages besides the card: a stuck decision, and what could not be shown."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from crewgate.domain.people import Email, ReviewerRef, User, UserGroup
from crewgate.domain.reason import Dismissed, NeverSent, Reason, RefusedByCrew, RetriesExhausted
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.slack.reviews.notices import (
    render_attach_failed,
    render_refresh_failed,
    render_report,
    render_stuck_notice,
)
from crewgate.slack.words.people import called, kept, mentionable
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, BEN, NOW, a_dead_letter, a_decision, a_review, a_round, an_output
from tests.slack.rendering import check_message, names, read


def test_the_reviewer_is_told_once_that_a_decision_is_stuck() -> None:
    stuck = a_round(
        state=State.STUCK, decision=a_decision(), reason=RefusedByCrew("401", "Unauthorized")
    )
    message = render_stuck_notice(stuck)
    assert message is not None
    check_message(message)
    assert read(message).count("<@U0ANA>") == 1
    assert "did not reach the crew. Your approval is kept." in read(message)
    assert message.text == "The decision on research: Draft, round 1 did not reach the crew"
    assert "The crew says “Unauthorized” (401)." in read(message)
    doubted = render_stuck_notice(replace(stuck, in_doubt_since=NOW))
    assert doubted is not None
    assert "may not have reached the crew. Your approval is kept." in read(doubted)
    assert "An answer of the crew was lost." in read(doubted)
    closed = render_stuck_notice(replace(stuck, state=State.CLOSED, reason=NeverSent()))
    assert closed is not None
    assert (
        "was not sent: a newer output came before this could be sent. Round 2 takes its place."
        in read(closed)
    )


@pytest.mark.parametrize(
    ("reason", "operators", "says"),
    [
        (
            RefusedByCrew("401", "bad token"),
            (UserGroup("S1"),),
            "Your approval is kept. <!subteam^S1> has been told.",
        ),
        (
            RetriesExhausted("no answer"),
            (User("U1"), User("U2")),
            "Your approval is kept. <@U1> and <@U2> have been told.",
        ),
        (
            RefusedByCrew("422", ""),
            (Email("ops@example.com"),),
            "Your approval is kept. The person who runs this bot has to fix what is wrong.",
        ),
        (RefusedByCrew("404", "gone"), (User("U1"),), None),
        (RefusedByCrew("400", "not pending"), (User("U1"),), None),
        (None, (User("U1"),), None),
    ],
)
def test_the_reviewer_reads_who_has_been_told(
    reason: Reason | None, operators: tuple[ReviewerRef, ...], says: str | None
) -> None:
    stuck = a_round(State.STUCK, decision=a_decision(), reason=reason)
    message = render_stuck_notice(stuck, operators)
    assert message is not None
    assert ("is kept" in read(message)) == (says is not None)
    assert (says or "") in read(message)
    is_called = says is not None and bool(mentionable(operators))
    assert (f"{called(operators)}: The crew" in read(message)) == is_called
    on_card = kept(CardView(round=stuck, output=an_output()), operators)
    assert on_card == (says and says.replace("Your", "<@U0ANA>'s"))
    asked = replace(stuck, decision=a_decision(Revise("Shorter.")))
    assert (kept(CardView(round=asked, output=an_output()), operators) or "revision request").count(
        "revision request"
    )


def test_a_reviewer_is_told_that_somebody_else_dismissed_their_decision() -> None:
    dismissed = a_round(
        State.CLOSED, decision=a_decision(), reason=Dismissed(BEN, "started <again>")
    )
    message = render_stuck_notice(dismissed)
    assert message is not None
    check_message(message)
    assert (
        "<@U0ANA>, <@U0BEN> dismissed your decision on round 1 of Draft: “started &lt;again&gt;”. "
        "It did not reach the crew." in read(message)
    )
    assert render_stuck_notice(replace(dismissed, reason=Dismissed(ANA, "no"))) is None


@pytest.mark.parametrize("state", [State.WAITING, State.DECIDED, State.RESUMED])
def test_nobody_is_told_of_what_is_no_longer_stuck(state: State) -> None:
    decision = None if state is State.WAITING else a_decision()
    assert render_stuck_notice(a_round(state=state, decision=decision)) is None


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.RESUMED, "Draft approved by Ana."),
        (State.STUCK, "Ana's approval of Draft did not reach the crew."),
    ],
)
def test_where_a_round_stands_is_said_in_place_of_its_card(state: State, says: str) -> None:
    message = render_refresh_failed(a_round(state))
    assert message is not None
    check_message(message, may_mention=frozenset())
    assert says in read(message)
    assert (message.blocks[-1]["type"] == "actions") == (state is State.STUCK)


def test_there_is_nothing_to_say_while_a_round_waits() -> None:
    assert render_refresh_failed(a_round()) is None


@settings(max_examples=50)
@given(names)
def test_a_file_that_did_not_come_is_told_of_whatever_the_task_is_called(task: str) -> None:
    round_ = a_round(review=a_review(task_name=task, crew=task))
    check_message(render_attach_failed(round_), may_mention=frozenset())
    decided = replace(round_, state=State.DECIDED, decision=a_decision())
    for message in (render_attach_failed(round_), render_refresh_failed(decided)):
        assert message is not None
        check_message(message, may_mention=frozenset())


def test_the_report_of_what_cannot_be_shown_says_who_can_see_more() -> None:
    first = a_dead_letter(reason="task_id is missing")
    report = render_report(first, [UserGroup("S0OPS")])
    check_message(report, may_mention=frozenset({"!subteam^S0OPS"}))
    assert read(report) == (
        ":exclamation: A message of research could not be shown; it may be a task for review. "
        "<!subteam^S0OPS>: *What came* shows what is wrong.\nWhat came"
    )
    many = replace(first, count=1_001)
    assert render_report(many).text == (
        "1,000+ messages of research could not be shown; they may be tasks for review."
    )
    assert "Reviewers: *What came*" in read(render_report(many))
    assert "Operators: *What came*" in read(render_report(many, [Email("ops@example.com")]))
    dismissed = read(
        render_report(replace(many, dismissed=Dismissed(BEN, "A test.")), [User("U1")])
    )
    assert dismissed.endswith(f"for review.\n<@{BEN.id}> dismissed it: “A test”.")
