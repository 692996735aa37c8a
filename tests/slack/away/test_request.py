"""The words typed behind `/crew away`."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.verdict import Person
from crewgate.slack.away import AwayRequest, RequestUnclear, parse_request
from crewgate.slack.blockkit.text import escape_mrkdwn

DAY = date(2026, 12, 1)
TODAY = date(2026, 11, 30)
BEN = Person("U0BEN", "ben")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("away", AwayRequest()),
        ("away until 2026-12-01", AwayRequest(DAY)),
        ("away for <@U0BEN|ben>", AwayRequest(None, BEN)),
        ("away until 2026-12-01 for <@U0BEN|ben>", AwayRequest(DAY, BEN)),
        (" away  For <@U0BEN|ben>\n UNTIL 2026-12-01 ", AwayRequest(DAY, BEN)),
        ("away for <@W0BEN>", AwayRequest(None, Person("W0BEN", "W0BEN"))),
        ("away for <@U0BEN|Ben of Legal>", AwayRequest(None, Person("U0BEN", "Ben of Legal"))),
        ("away until", AwayRequest()),
        ("away until today", AwayRequest(TODAY)),
        ("away until Tomorrow for <@U0BEN|ben>", AwayRequest(DAY, BEN)),
        ("away until friday", AwayRequest(date(2026, 12, 4))),
        ("away until monday", AwayRequest(date(2026, 12, 7))),
        ("away until 2026-12-01 for", AwayRequest(DAY)),
    ],
)
def test_a_day_and_a_person_in_any_order_or_a_part_of_it(typed: str, asked: AwayRequest) -> None:
    assert parse_request(typed, TODAY) == asked


@pytest.mark.parametrize(
    ("typed", "what", "word"),
    [
        ("away tomorrow", "do not understand", "tomorrow"),
        ("away until 2026-12-01 until 2026-12-02", "do not understand", "until"),
        ("away for <@U0BEN|ben> for <@U0ANA|ana>", "do not understand", "for"),
        ("away <@U0BEN|ben>", "do not understand", "<@U0BEN|ben>"),
        ("away until yesterday", "no day", "yesterday"),
        ("away until 1.12.2026", "no day", "1.12.2026"),
        ("away until 2026-02-30", "no day", "2026-02-30"),
        ("away for @ben", "no account", "@ben"),
        ("away for Ben Miller", "no account", "Ben"),
        ("away for <!channel>", "no account", "<!channel>"),
        ("away for <!subteam^S1|legal>", "no account", "<!subteam^S1|legal>"),
    ],
)
def test_what_cannot_be_understood_is_named(typed: str, what: str, word: str) -> None:
    with pytest.raises(RequestUnclear) as caught:
        parse_request(typed, TODAY)
    assert what in str(caught.value)
    assert f"“{escape_mrkdwn(word, 40)}”" in str(caught.value)


@given(st.text(max_size=60).map(lambda text: f"away {text}"))
def test_whatever_is_typed_gives_a_request_or_a_sentence_without_markup(typed: str) -> None:
    try:
        parse_request(typed, TODAY)
    except RequestUnclear as error:
        said = str(error)
        assert "<" not in said
