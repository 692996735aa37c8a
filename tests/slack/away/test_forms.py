"""The form of somebody who goes away, within Slack's limits."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.errors import AbsenceProblem
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Person
from crewgate.slack import away
from crewgate.slack.away import render_form
from crewgate.slack.errors import render_notice
from tests.builders import ANA, BEN, LATER, NOW
from tests.slack.rendering import check_view, names

DAY = date(2026, 12, 1)
AWAY = Absence(away=ANA, delegate=BEN, since=NOW, until=LATER)
BOTH = frozenset({"@U0ANA", "@U0BEN"})


def test_it_asks_for_a_day_and_a_person() -> None:
    view = render_form(until=None, delegate=None)
    check_view(view)
    pickers = [block["element"] for block in view["blocks"] if block["type"] == "input"]
    assert [picker["type"] for picker in pickers] == ["datepicker", "users_select"]


def test_what_is_set_is_said_with_the_way_back() -> None:
    said = away.is_set(AWAY, DAY, ZoneInfo("America/New_York"))
    check_view(render_notice(said), may_mention=BOTH)
    assert "<@U0BEN> decides for you until the end of 1 December 2026, America/New York" in said
    assert "Cards say “<@U0BEN> for <@U0ANA>”." in said
    assert "`/crew back` ends it sooner" in said


@pytest.mark.parametrize(
    ("waiting", "says"),
    [
        (0, "London time."),
        (1, "time. 1 review waits: see the app's Home."),
        (50, "time. 50+ reviews wait: see the app's Home."),
    ],
)
def test_the_delegate_is_told_what_waits(waiting: int, says: str) -> None:
    told = away.is_told(AWAY, DAY, ZoneInfo("Europe/London"), waiting)
    assert told.startswith("You decide for <@U0ANA> until the end of 1 December 2026, Europe/")
    assert told.endswith(says)


@given(names, st.sampled_from([None, ZoneInfo("UTC")]))
def test_people_with_any_name_fit(name: str, zone: ZoneInfo | None) -> None:
    somebody = Person(name, name)
    absence = Absence(away=somebody, delegate=somebody, since=NOW, until=LATER)
    check_view(render_notice(away.is_set(absence, DAY, zone), title=away.TITLE))
    check_view(render_form(until=DAY, delegate=BEN, above=away.is_set(absence, DAY, zone)))


@pytest.mark.parametrize("why", AbsenceProblem)
def test_every_refusal_fits_below_a_field(why: AbsenceProblem) -> None:
    said = away.refused(why, DAY)
    assert 0 < len(said) < 150
    assert not set("<>&*_`") & set(said)
