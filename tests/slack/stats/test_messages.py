"""Numbers that a lead reads on a phone: each beside the one before, within Slack's limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.stats import (
    ByRules,
    Compared,
    CrewStats,
    FewPeople,
    Figures,
    Hasty,
    Observation,
    OffTarget,
    SentBack,
    Share,
    Slower,
    Stats,
    Waiting,
    WaitsLong,
)
from crewgate.domain.verdict import Person
from crewgate.slack.blockkit.text import date
from crewgate.slack.stats.messages import render_stats
from tests.builders import ANA, BEN, LATER, NOW
from tests.slack.rendering import check_message, read

MINUTE = timedelta(minutes=1)
TIMES = "half within 1 h 5 min, nine of ten within 9 h"


def some_figures(**changes: Any) -> Figures:
    usual: dict[str, Any] = {
        "decided": 12,
        "by_rule": 0,
        "approved": 10,
        "revised": 2,
        "at_once": Share(8, 10),
        "rounds": 1.25,
        "median": 65 * MINUTE,
        "most": 540 * MINUTE,
        "on_target": Share(0, 0),
        "hasty": Share(0, 10),
        "made_in": None,
    }
    return Figures(**usual | changes)


NOTHING = some_figures(
    decided=0, approved=0, at_once=Share(0, 0), rounds=None, median=None, most=None
)
EVERYTHING = some_figures(by_rule=2, on_target=Share(3, 4), hasty=Share(1, 10), made_in=12 * MINUTE)
BOTH = Compared(EVERYTHING, some_figures(decided=9, median=30 * MINUTE))


def a_crew(name: str = "research", **changes: Any) -> CrewStats:
    usual: dict[str, Any] = {"figures": BOTH, "waiting": Waiting(name, 3, NOW)}
    return CrewStats(name, **usual | changes)


def some_stats(*crews: CrewStats, **changes: Any) -> Stats:
    usual: dict[str, Any] = {
        "days": 30,
        "at": LATER,
        "crews": crews or (a_crew(),),
        "team": BOTH,
        "mine": None,
        "people": (),
    }
    return Stats(**usual | changes)


def test_each_number_stands_beside_the_one_before() -> None:
    message = render_stats(some_stats())
    assert message.text == "The last 30 days: 12 decisions"
    assert read(message).splitlines()[:10] == [
        "*The last 30 days* · research",
        "*Decided* 12 (9)",
        "*Approved at once* 80 % of 10 (80 %)",
        "*Rounds until approved* 1.2 (1.2)",
        f"*Time to decision* {TIMES} (half within 30 min, nine of ten within 9 h)",
        "*Within target* 75 % of 4 (none)",
        "*Faster than the text can be read* 1 of 10 approvals (0)",
        "*Decided by a rule, as nobody did in time* 2 (0)",
        "*Crews answer a revision in* 12 min (none)",
        f"*Waiting now* 3, the oldest since {date(NOW)}",
    ]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (
            WaitsLong(Waiting("research", 1, NOW), 1500 * MINUTE),
            "research's 1 review waits, the oldest for 1 day 1 h: `/crew pending` shows which.",
        ),
        (
            WaitsLong(Waiting("research", 7, NOW), 1500 * MINUTE),
            "research's 7 reviews wait, the oldest for 1 day 1 h: `/crew pending` shows which.",
        ),
        (
            Slower("legal", 540 * MINUTE, 240 * MINUTE),
            (
                "legal's reviews wait 9 h at the median, 4 h in the 30 days before: name more"
                " reviewers, or let its rule remind them."
            ),
        ),
        (
            Hasty("legal", Share(9, 40)),
            (
                "9 of legal's 40 approvals came faster than the text can be read: ask for two"
                " approvals, or for shorter outputs."
            ),
        ),
        (
            OffTarget("legal", Share(3, 5)),
            (
                "60 % of legal's decisions were within the target: let the rule escalate earlier,"
                " or set a target that holds."
            ),
        ),
        (
            ByRules("legal", Share(1, 6)),
            (
                "A rule decided 1 of legal's 6 reviews, as nobody did in time: remind earlier, or"
                " name more reviewers."
            ),
        ),
        (
            FewPeople("legal", 1, Share(9, 10)),
            "1 person decides 90 % of legal's reviews: share them out before somebody is away.",
        ),
        (
            FewPeople("legal", 3, Share(8, 10)),
            "3 people decide 80 % of legal's reviews: share them out before somebody is away.",
        ),
        (
            SentBack("legal", Share(3, 5)),
            (
                "60 % of legal's first outputs are sent back: say in its task what reviewers ask"
                " for again and again."
            ),
        ),
    ],
)
def test_what_stands_out_comes_first_and_says_what_to_do(seen: Observation, says: str) -> None:
    shown = read(render_stats(some_stats(observations=(seen,)))).splitlines()
    assert shown[:2] == ["*The last 30 days* · research", f"• {says}"]


def test_what_there_is_not_takes_no_line() -> None:
    nothing = Compared(NOTHING, NOTHING)
    shown = read(render_stats(some_stats(a_crew(figures=nothing, waiting=None), team=nothing)))
    assert shown.splitlines()[1] == "*Decided* 0 (0)"
    assert "none" not in shown
    assert "Waiting" not in shown


def test_a_first_span_has_nothing_before_it() -> None:
    shown = read(render_stats(some_stats(team=Compared(EVERYTHING, NOTHING))))
    assert "*Rounds until approved* 1.2 (none)" in shown
    assert "nine of ten within 9 h (none)" in shown


def test_several_crews_have_a_line_each() -> None:
    quiet = a_crew("legal", figures=Compared(NOTHING, NOTHING), waiting=None)
    shown = read(render_stats(some_stats(a_crew(), quiet)))
    assert shown.startswith("*The last 30 days* · research and legal\n")
    assert "*research* 12 decided (9) · half within 1 h 5 min (30 min) · 3 wait" in shown
    assert "\n*legal* 0 decided (0)\n" in shown
    many = [a_crew(f"crew {number}") for number in range(5)]
    assert read(render_stats(some_stats(*many))).startswith("*The last 30 days* · 5 crews\n")


def test_people_are_named_and_not_called() -> None:
    people = ((ANA, EVERYTHING), (BEN, some_figures(at_once=Share(0, 0), median=None)))
    shown = read(render_stats(some_stats(mine=BOTH, people=people)))
    assert "*You* 12 decided · 80 % approved at once · half within 1 h 5 min" in shown
    assert "\nAna: 12 decided · 80 % approved at once · half within 1 h 5 min" in shown
    assert "\nBen: 12 decided\n" in shown


def test_somebody_who_may_read_nothing_is_told_so() -> None:
    message = render_stats(some_stats(crews=()))
    assert message.text == "There is no crew whose reviews you may read."


def test_however_much_there_is_it_is_within_the_limits() -> None:
    crews = [a_crew("<!channel>*`" * 9 + str(number)) for number in range(300)]
    people = [(Person(f"U{n}", "<@U666>" * 30), EVERYTHING) for n in range(300)]
    check_message(render_stats(some_stats(*crews, mine=BOTH, people=tuple(people))))
