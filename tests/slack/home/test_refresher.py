"""Home is read anew for the people whose queue may have changed, and for others once a minute."""

from dataclasses import replace
from datetime import timedelta

from crewgate.slack.home import RENEW_SECONDS, Reader
from tests.builders import NOW, SECOND, a_crew, a_rule

SHOWN = Reader(0, NOW, (), shown="{}", crews=frozenset({"research"}), read_at=NOW)
CREWS = {
    "research": a_crew(),
    "other": a_crew("other"),
    "ruled": a_crew("ruled", rules=(a_rule(),)),
    "flows": a_crew("flows", reviewers=()),
}


def test_a_change_of_a_crew_that_is_not_in_the_queue_is_no_news() -> None:
    assert SHOWN.has_news({"research"}, CREWS, NOW)
    assert not SHOWN.has_news({"other"}, CREWS, NOW)
    assert not SHOWN.has_news({"gone"}, CREWS, NOW)
    assert not SHOWN.has_news((), CREWS, NOW)


def test_a_rule_or_a_flow_may_name_people_who_were_not_asked_before() -> None:
    assert SHOWN.has_news({"ruled"}, CREWS, NOW)
    assert SHOWN.has_news({"flows"}, CREWS, NOW)


def test_ages_are_renewed_and_what_was_not_shown_is_tried_again() -> None:
    renewed_at = NOW + timedelta(seconds=RENEW_SECONDS)
    assert not SHOWN.has_news((), CREWS, renewed_at - SECOND)
    assert SHOWN.has_news((), CREWS, renewed_at)
    assert replace(SHOWN, shown="").has_news((), CREWS, NOW)
