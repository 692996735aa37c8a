"""Decisions in words: exact edits."""

import pytest

from crewgate.domain.edits import edits_of, exact_revision
from crewgate.domain.verdict import Revise, Via
from crewgate.slack.words import decisions
from tests.builders import a_decision

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
