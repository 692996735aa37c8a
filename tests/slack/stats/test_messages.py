"""Numbers that a lead reads on a phone: each beside the one before, within Slack's limits."""

from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.stats import (
    Compared,
    CrewStats,
    Figures,
    Kind,
    Observation,
    Sampled,
    Share,
    Stats,
    Waiting,
)
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.stats import render_posted
from crewgate.slack.stats import render_stats as render
from crewgate.slack.words.names import moment
from tests.builders import ANA, BEN, NOW
from tests.slack.rendering import check_message, read

MINUTE = timedelta(minutes=1)
WAITS = f"3 wait, the oldest since {moment(NOW, NOW)}"
SHARE_OUT = "share them out before somebody is away."
TIMES = "alf took up to 1 h 5 min, nine of ten up to 9 h"


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


def render_stats(stats: Stats, *, charts: bool = True) -> Message:
    return render(stats, asked="30", now=NOW, charts=charts)


NOTHING = some_figures(
    decided=0, approved=0, revised=0, at_once=Share(0, 0), rounds=None, median=None, most=None
)
EVERYTHING = some_figures(
    by_rule=2,
    on_target=Share(3, 4),
    hasty=Share(1, 10),
    made_in=12 * MINUTE,
    acts_allowed=4,
    acts_refused=1,
)
BOTH = Compared(EVERYTHING, some_figures(decided=9, median=30 * MINUTE))


def a_crew(name: str = "research", **changes: Any) -> CrewStats:
    usual: dict[str, Any] = {"figures": BOTH, "waiting": Waiting(name, 3, NOW)}
    return CrewStats(crew=name, **usual | changes)


def some_stats(*crews: CrewStats, **changes: Any) -> Stats:
    usual: dict[str, Any] = {
        "days": 30,
        "crews": crews or (a_crew(),),
        "team": BOTH,
        "mine": None,
        "people": (),
    }
    return Stats(**usual | changes)


def test_each_number_stands_beside_the_one_before() -> None:
    message = render_stats(some_stats())
    assert message.text == "The last 30 days: 12 decisions"
    assert read(message).splitlines()[:11] == [
        "*The last 30 days* · research",
        "*12 decided* (9): 10 approved (10), 2 sent back (2)",
        "*Approved at once* 80 % of 10 (80 % of 10)",
        "*Rounds until approved* 1.2 (1.2)",
        f"H{TIMES} (half took up to 30 min, nine of ten up to 9 h)",
        "*Within target* 75 % of 4 (none)",
        "*1 of 10 approvals* came too fast to have been read (0)",
        "*Decided by a rule, as nobody did in time* 2 (0)",
        "*Calls of tools* 4 allowed, 1 refused",
        "*Crews answer a revision in* 12 min (none)",
        f"{WAITS}: `/crew pending`",
    ]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (
            Observation(
                kind=Kind.WAITS_LONG, crew="research", share=Share(1, 1), took=1500 * MINUTE
            ),
            "research has 1 waiting, the oldest for 1 day 1 h: `/crew pending` shows which.",
        ),
        (
            Observation(
                kind=Kind.WAITS_LONG, crew="research", share=Share(7, 7), took=1500 * MINUTE
            ),
            "research has 7 waiting, the oldest for 1 day 1 h: `/crew pending` shows which.",
        ),
        (
            Observation(kind=Kind.SLOWER, crew="legal", took=540 * MINUTE, before=240 * MINUTE),
            (
                "legal's reviews wait 9 h at the median, 4 h in the 30 days before: name more"
                " reviewers, or let its rule remind them."
            ),
        ),
        (
            Observation(kind=Kind.HASTY, crew="legal", share=Share(9, 40)),
            (
                "9 of legal's 40 approvals came too fast to have been read: ask for two"
                " approvals, or for shorter outputs."
            ),
        ),
        (
            Observation(kind=Kind.OFF_TARGET, crew="legal", share=Share(3, 5)),
            (
                "60 % of legal's 5 decisions that have a target were within it: let the rule"
                " escalate earlier, or set a target that holds."
            ),
        ),
        (
            Observation(kind=Kind.BY_RULES, crew="legal", share=Share(1, 6)),
            (
                "A rule decided 1 of legal's 6 reviews, as nobody did in time: remind earlier, or"
                " name more reviewers."
            ),
        ),
        (
            Observation(kind=Kind.FEW_PEOPLE, crew="legal", share=Share(9, 10), people=1),
            f"90 % of legal's reviews are decided by 1 person: {SHARE_OUT}",
        ),
        (
            Observation(kind=Kind.FEW_PEOPLE, crew="legal", share=Share(8, 10), people=3),
            f"80 % of legal's reviews are decided by 3 people: {SHARE_OUT}",
        ),
        (
            Observation(kind=Kind.SENT_BACK, crew="legal", share=Share(3, 5)),
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
    assert shown.splitlines()[1] == "*0 decided*"
    assert "none" not in shown
    assert "oldest" not in shown


def test_a_wait_of_no_time_is_a_number_too() -> None:
    fast = a_crew("legal", figures=Compared(some_figures(median=timedelta()), NOTHING))
    shown = read(render_stats(some_stats(a_crew(), fast)))
    assert "*legal* 12 decided · half took up to 1 min · " in shown


def test_a_first_span_has_nothing_before_it() -> None:
    shown = read(render_stats(some_stats(team=Compared(EVERYTHING, NOTHING))))
    assert "*Rounds until approved* 1.2\n" in shown
    assert "nine of ten up to 9 h\n" in shown
    assert "Nothing was decided in the 30 days before." in shown


def test_times_are_hours_for_a_day_of_working_hours_is_no_day() -> None:
    long = some_figures(median=1_830 * MINUTE, most=75_000 * MINUTE)
    quick = some_figures(median=0 * MINUTE, most=0 * MINUTE)
    shown = read(render_stats(some_stats(team=Compared(long, quick))))
    assert "Half took up to 30 h, nine of ten up to 1,250 h (half took up to 1 min, nine" in shown
    slower = Observation(kind=Kind.SLOWER, crew="legal", took=1_830 * MINUTE)
    shown = read(render_stats(some_stats(observations=(slower,))))
    assert "wait 30 h at the median, 1 min in the 30 days before" in shown


def test_several_crews_have_a_line_each() -> None:
    quiet = a_crew("legal", figures=Compared(NOTHING, NOTHING), waiting=None)
    shown = read(render_stats(some_stats(a_crew(), quiet)))
    assert shown.startswith("*The last 30 days* · research and legal\n")
    says = f"12 decided (9) · half took up to 1 h 5 min (30 min) · {WAITS}"
    assert f"*research* {says}" in shown
    assert "\n*legal* 0 decided\n" in shown
    many = [a_crew(f"crew {number}") for number in range(5)]
    assert read(render_stats(some_stats(*many))).startswith("*The last 30 days* · 5 crews\n")


def test_people_are_named() -> None:
    people = ((ANA.id, EVERYTHING), (BEN.id, some_figures(at_once=Share(0, 0), median=None)))
    shown = read(render_stats(some_stats(mine=BOTH, people=people)))
    assert "*You* 12 decided · 80 % approved at once · half took up to 1 h 5 min" in shown
    assert (
        "\n*Others, for the crews that you operate*\n<@U0ANA>: 12 decided · 80 % approved" in shown
    )
    assert "\n<@U0BEN>: 12 decided\n" in shown


def test_somebody_who_may_read_nothing_is_told_so() -> None:
    message = render_stats(some_stats(crews=()))
    assert message.text == "There is no crew whose reviews you may read."


def charts_of(message: Message) -> list[dict[str, Any]]:
    return [block for block in message.blocks if block["type"] == "data_visualization"]


def test_two_charts_compare_crews_and_every_figure_stands_in_the_text_too() -> None:
    slow = Compared(some_figures(decided=3, median=120 * MINUTE), NOTHING)
    message = render_stats(some_stats(a_crew(), a_crew("legal", figures=slow)))
    decided, hours = charts_of(message)
    assert decided["title"] == "Decided"
    assert decided["chart"]["axis_config"] == {"categories": ["research", "legal"]}
    assert [one["name"] for one in decided["chart"]["series"]] == ["Last 30 days", "Before"]
    values = [[p["value"] for p in one["data"]] for one in decided["chart"]["series"]]
    assert values == [[12, 3], [9, 0]]
    assert hours["title"] == "Hours until half were decided"
    assert [p["value"] for p in hours["chart"]["series"][0]["data"]] == [1.1, 2.0]
    check_message(message)
    assert f"*legal* 3 decided · half took up to 2 h · {WAITS}" in read(message)


def test_one_crew_has_charts_of_its_outcomes_and_times() -> None:
    decided, times = charts_of(render_stats(some_stats()))
    assert [p["label"] for p in decided["chart"]["series"][0]["data"]] == [
        "Approved",
        "Sent back",
        "By a rule",
    ]
    assert times["title"] == "Hours to decision"
    assert [p["value"] for p in times["chart"]["series"][0]["data"]] == [1.1, 9.0]


def test_short_times_are_minutes_and_no_time_has_no_bar() -> None:
    quick = some_figures(median=3 * MINUTE, most=119 * MINUTE)
    stats = some_stats(team=Compared(quick, NOTHING))
    times = charts_of(render_stats(stats))[1]
    assert times["title"] == "Minutes to decision"
    [series] = times["chart"]["series"]
    assert [p["value"] for p in series["data"]] == [3.0, 119.0]
    assert "Half within 3\n" in read(render_stats(stats, charts=False))
    none = a_crew("legal", figures=Compared(NOTHING, NOTHING))
    of_crews = charts_of(render_stats(some_stats(a_crew(), none)))[1]
    assert of_crews["chart"]["axis_config"] == {"categories": ["research"]}


def test_where_charts_are_not_taken_there_are_bars_of_text() -> None:
    message = render_stats(some_stats(), charts=False)
    assert charts_of(message) == []
    assert "*Decided*\n▓▓▓▓▓▓▓▓▓▓ Approved 10 (10)\n▓▓░░░░░░░░ Sent back 2 (2)\n" in read(message)
    assert "▓▓▓▓▓▓▓▓▓▓ Nine of ten within 9 (9)" in read(message)


def test_nothing_decided_has_no_charts() -> None:
    assert charts_of(render_stats(some_stats(team=Compared(NOTHING, NOTHING)))) == []


def test_a_channel_is_shown_the_team_alone_and_who_posted_it() -> None:
    stats = some_stats(mine=None, people=())
    message = render_posted(stats, ANA, now=NOW, charts=True)
    assert "Posted by <@U0ANA>" in read(message)
    assert "Post to channel" not in str(message.blocks)
    more = some_stats(mine=BOTH, people=((BEN.id, EVERYTHING),))
    shown = render_posted(more, ANA, now=NOW, charts=True)
    assert shown == message


def test_crews_of_long_names_are_told_apart() -> None:
    long = "a very long name of a crew"
    message = render_stats(some_stats(a_crew(f"{long} one"), a_crew(f"{long} two")))
    check_message(message)
    labels = charts_of(message)[0]["chart"]["axis_config"]["categories"]
    assert len(set(labels)) == 2


@pytest.mark.parametrize("charts", [True, False])
def test_however_much_there_is_it_is_within_the_limits(*, charts: bool) -> None:
    crews = [a_crew("<!channel>*`" * 9 + str(number)) for number in range(300)]
    people = tuple((f"U0{n}", EVERYTHING) for n in range(300))
    message = render_stats(some_stats(*crews, mine=BOTH, people=people), charts=charts)
    check_message(message, may_mention=frozenset(f"@{user}" for user, _ in people))
    left = [one for one in read(message).splitlines() if one.startswith("and ")]
    assert left == ["and 287 more", "and 268 more"]


def test_a_sample_is_one_line() -> None:
    shown = some_stats(sampled=Sampled(120, 44, Share(2, 76)))
    assert (
        "*Reading every fifth* after 30 of a task: of 120 you would have read 44; 2 of the 76"
        " others were sent back: at most 9 in 100 (95 %)"
    ) in read(render_stats(shown))
    shown = some_stats(sampled=Sampled(120, 119, Share(1, 1)))
    assert "1 of the 1 others was sent back: at most 100 in 100" in read(render_stats(shown))
    assert "others" not in read(render_stats(some_stats(sampled=Sampled(50, 50, Share(0, 0)))))
