"""The soak finds lessons that a kickoff should not have, or lacks."""

from dataclasses import replace

import pytest

from tests.soak.lessons import Given, Lesson, wrong

KEPT = Lesson(keep_sent=10, kept_seen=12)
GIVEN = Given(topic="t", lessons="1. Name the source 7.", sent=20, started=21)
NOTHING = replace(GIVEN, lessons="(none)")


@pytest.mark.parametrize(
    ("lesson", "given"),
    [
        (KEPT, GIVEN),
        (replace(KEPT, kept_seen=30), GIVEN),
        (replace(KEPT, kept_seen=30), NOTHING),
        (replace(KEPT, end_sent=20.5), NOTHING),
        (replace(KEPT, end_sent=19, ended_seen=22), GIVEN),
        (Lesson(), NOTHING),
    ],
)
def test_what_is_right(lesson: Lesson, given: Given) -> None:
    assert list(wrong({7: lesson}, [given])) == []


@pytest.mark.parametrize(
    ("lesson", "given", "says"),
    [
        (KEPT, NOTHING, "was not given the lesson 7"),
        (Lesson(), GIVEN, "which nobody had kept"),
        (Lesson(keep_sent=22), GIVEN, "which nobody had kept"),
        (replace(KEPT, end_sent=13, ended_seen=15), GIVEN, "said that it was over"),
        (KEPT, replace(GIVEN, lessons="1. Name the source 8."), "lesson 8, which nobody had kept"),
        (KEPT, replace(GIVEN, lessons="1. Be quick."), "what nobody wrote"),
        (KEPT, replace(GIVEN, lessons="1. source 7.\n2. source 7."), "something twice"),
    ],
)
def test_what_is_wrong(lesson: Lesson, given: Given, says: str) -> None:
    assert any(says in one for one in wrong({7: lesson}, [given]))
