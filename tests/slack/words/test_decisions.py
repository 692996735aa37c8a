"""Decisions in words: refusals for the slower person, and exact edits."""

import pytest

from crewgate.domain.edits import edits_of, exact_revision
from crewgate.domain.errors import AlreadyDecided, NotWaiting, RoundClosed, RoundSuperseded
from crewgate.domain.reason import ExecutionEnded
from crewgate.domain.verdict import Person, Revise, Via
from crewgate.slack.words import decisions
from crewgate.slack.words.names import PLAIN
from tests.builders import LATER, a_decision


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
    assert decisions.too_late(error, LATER).startswith(said)
    in_modal = decisions.too_late(error, LATER, PLAIN)
    assert in_modal.startswith(plainly)
    assert in_modal.endswith("Your text was not sent.")


def test_a_person_without_a_user_id_is_named() -> None:
    error = AlreadyDecided(a_decision(by=Person("<!here>", "Ana <b>")))
    assert decisions.too_late(error, LATER).startswith("Ana &lt;b&gt; approved")


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
    assert decisions.revision(a_decision(Revise(asked), via=Via.EDIT), asked) == says
    assert decisions.revision(a_decision(Revise(asked)), asked) == asked
