"""Names and times in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.slack.words import names
from crewgate.slack.words.names import ago, date, duration
from tests.builders import ANA, a_round


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
        ("__", "`__`"),
    ],
)
def test_a_task_is_called_as_people_would_write_it(name: str, shown: str) -> None:
    assert names.title(name) == shown


def test_a_call_has_no_number_since_it_is_asked_once() -> None:
    call = a_round(subject=ToolCall("send_email"))
    assert names.number_of(call) == "The call"
    assert names.number_of(replace(call, number=2, edited_by=ANA)) == "The changed call"
    assert names.number_of(a_round(number=2, edited_by=ANA)) == "Round 2, edited by <@U0ANA>"


def test_an_input_s_name_reads_as_it_is_in_a_form() -> None:
    assert names.input_name("a_<_&_c", names.PLAIN) == "A < & c"
    assert names.input_name("a_<_&_c") == "A &lt; &amp; c"


def test_feedback_that_is_too_long_says_by_how_much() -> None:
    assert names.feedback_too_long(3_412) == (
        "Slack takes up to 3,000 characters. Shorten this by 412."
    )


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=3, seconds=50), "3 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3, hours=4), "3 days 4 h"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_durations_are_short(span: timedelta, said: str) -> None:
    assert duration(span) == said


def test_what_has_just_happened_is_just_now_even_if_clocks_disagree() -> None:
    now = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
    assert ago(now, now) == "just now"
    assert ago(now + timedelta(minutes=1), now) == "just now"
    assert ago(now - timedelta(minutes=3), now) == "3 min ago"


def test_a_date_is_shown_in_the_readers_time_zone_and_has_a_fallback() -> None:
    at = datetime(2025, 3, 1, 12, 0, 30, tzinfo=UTC)
    assert date(at) == "<!date^1740830430^{date_short_pretty} {time}|2025-03-01 12:00 UTC>"
