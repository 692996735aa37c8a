"""Notes as parts of the feedback."""

import pytest

from crewgate.domain.verdict import FEEDBACK_LIMIT
from tests.builders import a_note

AUTHOR = "Ana: "
ROOM = FEEDBACK_LIMIT - len(AUTHOR)


def test_the_feedback_says_whose_words_a_note_is_in() -> None:
    assert a_note("Shorter.").attributed == "Ana: Shorter."


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x" * ROOM, True),
        ("x" * (ROOM + 1), False),
        # Slack counts it as two characters.
        ("x" * (ROOM - 2) + "🎉", True),
        ("x" * (ROOM - 1) + "🎉", False),
    ],
)
def test_a_note_fits_with_its_author_up_to_the_limit(text: str, fits: bool) -> None:
    assert a_note(text).fits is fits
