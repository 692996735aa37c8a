"""Private answers: who may decide, and why something was not recorded."""

import pytest

from crewgate.domain.edits import edits_of, exact_revision
from crewgate.domain.errors import AlreadyDecided, NotWaiting, RoundClosed, RoundSuperseded
from crewgate.domain.people import Email, User, UserGroup
from crewgate.domain.reason import ExecutionEnded
from crewgate.domain.verdict import Person, Revise, Via
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.strings import PLAIN
from tests.builders import LATER, a_decision


def test_who_may_decide_is_said_to_whom_may_not() -> None:
    said = shared.not_a_reviewer(
        "research", [User("U0ANA"), UserGroup("S1"), Email("<lead>@example.com")]
    )
    assert said == (
        "You are not a reviewer of research, so nothing was recorded. "
        "These may: <@U0ANA>, <!subteam^S1> and &lt;lead&gt;@example.com."
    )
    many = shared.not_a_reviewer("research", [User("U0ANA")] * 25, uncertain=True)
    assert "could not find out" in many
    assert "5 more" in many
    nobody = shared.not_a_reviewer("research", [])
    assert nobody == "You are not a reviewer of research, so nothing was recorded."
    assert "your text was not sent" in shared.not_a_reviewer_plain("research")
    assert "Try again" in shared.not_a_reviewer_plain("research", uncertain=True)


@pytest.mark.parametrize(
    ("error", "said", "plainly"),
    [
        (AlreadyDecided(a_decision()), "<@U0ANA> approved this 1 min ago.", "Ana approved this"),
        (
            AlreadyDecided(a_decision(Revise("x"))),
            "<@U0ANA> asked for a revision 1 min ago.",
            "Ana asked for a revision 1 min ago.",
        ),
        (RoundSuperseded(), "A newer output came in the meantime.", "A newer output came"),
        (
            RoundClosed(ExecutionEnded()),
            "This is closed: the execution has ended.",
            "This is closed: the execution has ended.",
        ),
        (NotWaiting(), "This does not wait for a decision.", "This does not wait for a decision."),
    ],
)
def test_the_slower_person_is_told_why(error: NotWaiting, said: str, plainly: str) -> None:
    assert phrases.too_late(error, LATER).startswith(said)
    in_modal = phrases.too_late(error, LATER, PLAIN)
    assert in_modal.startswith(plainly)
    assert in_modal.endswith("Your text was not sent.")


def test_a_crew_that_was_taken_out_of_the_settings_is_named() -> None:
    assert shared.unknown_crew("<!here>").startswith("There is no crew called &lt;!here&gt;")
    assert shared.unknown_crew("research", shared.PLAIN).endswith("Your text was not sent.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("press_task", "Press task"),
        ("q3-report", "Q3 report"),
        ("draft", "Draft"),
        ("Market research", "Market research"),
        ("Write the to-do list", "Write the to-do list"),
        ("b5b275c2-1e38-4d58-8361-08609a3d2bf8", "Task b5b275c2"),
        ("12", "Task 12"),
        ("<b>", "&lt;b&gt;"),
        ("__", "__"),
    ],
)
def test_a_task_is_called_as_people_would_write_it(name: str, shown: str) -> None:
    assert shared.title(name) == shown


def test_an_input_s_name_reads_as_it_is_in_a_form() -> None:
    assert shared.input_name("a_<_&_c", shared.PLAIN) == "A < & c"
    assert shared.input_name("a_<_&_c") == "A &lt; &amp; c"


def test_a_person_without_a_user_id_is_named() -> None:
    error = AlreadyDecided(a_decision(by=Person("<!here>", "Ana <b>")))
    assert phrases.too_late(error, LATER).startswith("Ana &lt;b&gt; approved")


def test_feedback_that_is_too_long_says_by_how_much() -> None:
    assert shared.feedback_too_long(3_412) == (
        "Slack takes up to 3,000 characters. Shorten this by 412."
    )


LONG = (
    "The contract is standard but for one clause: liability ends after {} months, and so on and on."
)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "| Contoso | 9 | up |\n| Fabrikam | 8 | down |",
            "| Contoso | 9 | – |\n| F | 7 | down |",
            "Contoso: “up” → “–”\n“Fabrikam” → “F”, “8” → “7”",
        ),
        ("It costs 3 euros.", "It costs 4 euros.", "“It costs 3 euros.” → “It costs 4 euros.”"),
        (
            LONG.format(3),
            LONG.format(12),
            (
                "“… clause: liability ends after 3 months, and so on …” → "
                "“… clause: liability ends after 12 months, and so on …”"
            ),
        ),
        ("Here.\nGone.", "Here.", "Removed: “Gone.”"),
        ("Here.", "Here.\nNew.", "Added: “New.”"),
    ],
)
def test_exact_edits_are_shown_as_edits(before: str, after: str, says: str) -> None:
    asked = exact_revision(edits_of(before, after))
    assert phrases.revision(a_decision(Revise(asked), via=Via.EDIT), asked) == says
    assert phrases.revision(a_decision(Revise(asked)), asked) == asked
