"""Numbers about reviews: exact, whatever was decided, and of people alone where they are rates."""

import math
import statistics
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.review import State
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.stats import (
    CrewStats,
    DecidedRound,
    Figures,
    Kind,
    Observation,
    Share,
    Tally,
    Waiting,
    compared,
    figures,
    is_on_target,
    made_in_seconds,
    quantile,
    sample,
    stats_of,
    upper_bound,
    waited_seconds,
)
from crewgate.domain.verdict import Revise
from tests.builders import ANA, BEN, NOW, a_decision, a_review, a_round, a_rule

HOUR = timedelta(hours=1)


def a_tally(*waited: int, **changes: Any) -> Tally:
    """Return approvals of first rounds after these minutes."""
    many = len(waited)
    usual: dict[str, Any] = {
        "crew": "research",
        "earlier": False,
        "by": ANA.id,
        **dict.fromkeys(("count", "approved", "first", "at_once", "rounds"), many),
        **dict.fromkeys(("revised", "hasty", "targeted", "on_target"), 0),
        "waited": waited,
        "made_in": (),
    }
    return Tally(**usual | changes)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@given(st.lists(st.integers(0, 10**6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_numbers_and_no_fewer_are_within_it(
    numbers: list[int], share: float
) -> None:
    found = quantile(numbers, share)
    assert found is not None
    least = int(found / minutes(1))
    assert least in numbers
    assert sum(one <= least for one in numbers) >= share * len(numbers)
    assert sum(one < least for one in numbers) <= share * len(numbers)
    assert quantile(numbers, 0.5) == minutes(statistics.median_low(numbers))


def test_without_numbers_there_is_no_quantile() -> None:
    assert quantile((), 0.5) is None


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    waited = draw(st.lists(st.integers(0, 10_000), max_size=9))
    people = st.sampled_from((ANA.id, BEN.id, ""))
    return a_tally(
        *waited, by=draw(people), earlier=draw(st.booleans()), crew=draw(st.sampled_from("ab"))
    )


@given(st.lists(tallies(), max_size=9), st.randoms())
def test_however_decisions_are_grouped_the_numbers_are_the_same(
    some: list[Tally], chance: Any
) -> None:
    def split(one: Tally) -> Iterable[Tally]:
        return (a_tally(each, by=one.by) for each in one.waited)

    apart = [each for one in some for each in split(one)]
    chance.shuffle(apart)
    assert figures(apart) == figures(some)


@given(st.lists(tallies(), max_size=9))
def test_both_spans_are_all_there_is(some: list[Tally]) -> None:
    both = compared(some)
    of_people = sum(one.count for one in some if one.by)
    assert both.now.decided + both.before.decided == of_people
    assert both.now.by_rule + both.before.by_rule == sum(one.count for one in some) - of_people


def test_rates_and_times_are_of_people_and_not_of_rules() -> None:
    rule = a_tally(9, 9, 9, by="", made_in=(7,), targeted=3, hasty=3)
    person = a_tally(1, 2, 30, approved=2, revised=1, at_once=2, rounds=4, hasty=1, targeted=2)
    assert figures((rule, person)) == Figures(
        decided=3,
        by_rule=3,
        approved=2,
        revised=1,
        at_once=Share(2, 3),
        rounds=2.0,
        median=minutes(2),
        most=minutes(30),
        on_target=Share(0, 2),
        hasty=Share(1, 2),
        made_in=minutes(7),
    )


def test_nothing_decided_has_no_averages() -> None:
    nothing = figures(())
    assert (nothing.rounds, nothing.median, nothing.most, nothing.made_in) == (None,) * 4
    assert nothing.at_once.percent == 0


@given(
    st.integers(1, 10**6).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))
)
def test_a_share_is_never_rounded_up(parts: tuple[int, int]) -> None:
    share, (part, whole) = Share(*parts), parts
    assert 0 <= 100 * part - share.percent * whole < whole
    assert (share.percent == 100) is (part == whole)


def test_a_person_sees_their_own_numbers_and_others_only_of_crews_that_they_operate() -> None:
    stats = stats_of(
        [
            a_tally(1, by=BEN.id),
            a_tally(1, 1, crew="legal"),
            a_tally(1, 1, crew="legal", by=BEN.id),
            a_tally(5, crew="legal", by="U0OLD", earlier=True),
            a_tally(1, crew="legal", by=""),
        ],
        [Waiting("research", 2, NOW), Waiting("legal", 1, NOW - HOUR)],
        crews=("research", "legal", "new"),
        user=ANA.id,
        operated={"legal"},
        days=30,
        at=NOW,
    )
    assert [one.crew for one in stats.crews] == ["legal", "research", "new"]
    assert stats.mine is not None
    assert stats.mine.now.decided == 2
    assert [(who, found.decided) for who, found in stats.people] == [(BEN.id, 2)]
    assert stats.team.now.decided == 5
    assert stats.waiting == Waiting("", 3, NOW - HOUR)


def test_somebody_who_decided_nothing_has_no_numbers() -> None:
    stats = stats_of([], [], crews=(), user=ANA.id, operated=(), days=7, at=NOW)
    assert (stats.mine, stats.people, stats.waiting) == (None, (), None)


OFFICE = WorkingHours.parse("Mon-Fri 09:00-17:00 UTC")


@pytest.mark.parametrize(("hours", "waited"), [(None, 72 * 3600), (OFFICE, 8 * 3600)])
def test_a_wait_counts_working_hours_where_the_rule_has_them(
    hours: WorkingHours | None, waited: int
) -> None:
    friday = NOW - timedelta(days=3)
    round_ = a_round(State.DECIDED, opened_at=friday, rule=a_rule(working_hours=hours))
    assert waited_seconds(round_) == waited
    assert waited_seconds(a_round(rule=a_rule(working_hours=hours))) is None


def test_a_clock_that_jumps_back_makes_no_wait_shorter_than_none() -> None:
    assert waited_seconds(a_round(State.DECIDED, opened_at=NOW + HOUR)) == 0


@pytest.mark.parametrize(("target", "met"), [("1h", False), ("2h", True), (None, None)])
def test_a_decision_is_on_target_by_its_rule(target: str | None, met: bool | None) -> None:
    rule = a_rule(target=target and Duration.parse(target))
    round_ = a_round(State.DECIDED, opened_at=NOW - 2 * HOUR, rule=rule)
    assert is_on_target(round_) is met


def test_without_a_rule_or_a_decision_there_is_no_target() -> None:
    assert is_on_target(a_round(State.DECIDED)) is None
    assert is_on_target(a_round(rule=a_rule(target=Duration.parse("1h")))) is None


def test_a_crew_takes_from_a_revision_to_its_next_output() -> None:
    first = a_round(State.RESUMED, decision=a_decision(Revise("Shorter.")))
    second = a_round(number=2, opened_at=NOW + HOUR)
    assert made_in_seconds(second, [first]) == 3600
    assert made_in_seconds(second, [a_round(State.RESUMED), a_round()]) is None
    other = a_round(State.RESUMED, decision=first.decision, review=a_review(id="v-2"))
    assert made_in_seconds(second, [other]) is None
    assert made_in_seconds(a_round(number=2, opened_at=NOW - HOUR), [first]) == 0


def observed(*tallies: Tally, waiting: Waiting | None = None) -> tuple[Observation, ...]:
    crews = sorted({one.crew for one in tallies} | {"research"})
    waits = [waiting] if waiting else []
    return stats_of(tallies, waits, crews=crews, user="", operated=(), days=30, at=NOW).observations


FIVE = (60,) * 5
EARLIER = a_tally(*FIVE, earlier=True)


@pytest.mark.parametrize(
    ("tallies", "seen"),
    [
        (
            (a_tally(*(90,) * 5), EARLIER),
            Observation(kind=Kind.SLOWER, crew="research", took=minutes(90), before=minutes(60)),
        ),
        ((a_tally(*(89,) * 5), EARLIER), None),
        ((a_tally(*(9,) * 5), a_tally(*(1,) * 5, earlier=True)), None),
        ((a_tally(*(900,) * 4), EARLIER), None),
        ((a_tally(*(900,) * 5),), None),
        (
            (a_tally(*FIVE, hasty=5),),
            Observation(kind=Kind.HASTY, crew="research", share=Share(5, 5)),
        ),
        ((a_tally(*FIVE, hasty=4),), None),
        (
            (a_tally(*FIVE, targeted=5, on_target=3),),
            Observation(kind=Kind.OFF_TARGET, crew="research", share=Share(3, 5)),
        ),
        ((a_tally(*FIVE, targeted=5, on_target=4),), None),
        (
            (a_tally(*FIVE), a_tally(1, by="")),
            Observation(kind=Kind.BY_RULES, crew="research", share=Share(1, 6)),
        ),
        ((a_tally(*FIVE * 2), a_tally(1, by="")), None),
        (
            (a_tally(*FIVE * 4),),
            Observation(kind=Kind.FEW_PEOPLE, crew="research", share=Share(20, 20), people=1),
        ),
        ((a_tally(*FIVE * 3),), None),
        (
            [a_tally(*FIVE * 2, by=by) for by in ("U1", "U2")] + [a_tally(*FIVE, by="U3")],
            Observation(kind=Kind.FEW_PEOPLE, crew="research", share=Share(20, 25), people=2),
        ),
        ([a_tally(*FIVE * 2, by=by) for by in ("U1", "U2")], None),
        (
            (a_tally(*FIVE, at_once=2),),
            Observation(kind=Kind.SENT_BACK, crew="research", share=Share(3, 5)),
        ),
        ((a_tally(*FIVE, at_once=3),), None),
    ],
)
def test_what_stands_out_is_observed_and_nothing_else(
    tallies: Iterable[Tally], seen: Observation | None
) -> None:
    assert observed(*tallies) == ((seen,) if seen else ())


@pytest.mark.parametrize(
    ("tallies", "waited", "is_long"),
    [
        ((), 25 * HOUR, True),
        ((), 24 * HOUR, False),
        ((a_tally(24 * 60),), 48 * HOUR, False),
        ((a_tally(24 * 60),), 49 * HOUR, True),
    ],
)
def test_a_wait_is_long_after_a_day_or_twice_what_is_usual(
    tallies: tuple[Tally, ...], waited: timedelta, *, is_long: bool
) -> None:
    waiting = Waiting("research", 2, NOW - waited)
    seen = Observation(kind=Kind.WAITS_LONG, crew="research", share=Share(2, 2), took=waited)
    assert observed(*tallies, waiting=waiting) == ((seen,) if is_long else ())


@given(st.lists(tallies(), max_size=9))
def test_there_are_three_observations_at_most_each_of_a_kind_of_its_own(some: list[Tally]) -> None:
    worst = a_tally(*FIVE, hasty=5, targeted=5, on_target=0, at_once=0)
    seen = observed(*some, worst, a_tally(1, 1, by=""))
    assert 0 < len(seen) <= 3
    assert len({one.kind for one in seen}) == len(seen)


def test_an_observation_is_about_the_crew_with_the_most_decisions() -> None:
    few, many = a_tally(*FIVE, hasty=5), a_tally(*FIVE, 1, hasty=6, crew="legal")
    assert observed(few, many) == (Observation(kind=Kind.HASTY, crew="legal", share=Share(6, 6)),)


def test_a_crew_without_decisions_stands_out_in_nothing() -> None:
    crew = CrewStats(crew="research", figures=compared(()), waiting=None)
    assert crew.deciders == ()
    assert observed() == ()


@pytest.mark.parametrize(
    ("part", "whole", "bound"),
    [
        # Tables of exact one-sided 95 % limits of a proportion have these.
        (0, 10, 0.2589),
        (1, 10, 0.3942),
        (2, 10, 0.5069),
        (5, 10, 0.7776),
        (0, 100, 0.0295),
        (10, 10, 1),
        (0, 0, 1),
    ],
)
def test_the_bound_of_a_sample_is_that_of_clopper_and_pearson(
    part: int, whole: int, bound: float
) -> None:
    assert upper_bound(Share(part, whole)) == pytest.approx(bound, abs=5e-5)


@pytest.mark.parametrize(("part", "whole"), [(2, 76), (17, 400), (900, 20_000)])
def test_with_the_bound_so_few_are_seen_once_in_twenty(part: int, whole: int) -> None:
    bound = Fraction(upper_bound(Share(part, whole)))
    if whole < 1_000:
        ways = (
            math.comb(whole, n) * bound**n * (1 - bound) ** (whole - n) for n in range(part + 1)
        )
        assert float(sum(ways)) == pytest.approx(0.05)
    else:  # near the normal one
        spread = math.sqrt(part / whole * (1 - part / whole) / whole)
        assert float(bound) == pytest.approx(part / whole + 1.645 * spread, rel=0.01)


def of_tasks(**counts: int) -> list[DecidedRound]:
    return [
        DecidedRound(NOW + minutes(number), f"{task}{number}", task, number % 40 == 39)
        for task, count in counts.items()
        for number in range(count)
    ]


def test_a_sample_reads_the_first_of_each_task_and_then_a_share() -> None:
    rounds = of_tasks(draft=530, memo=31, rare=30)
    found = sample(rounds, Fraction(1, 5), after=30)
    assert found.rounds == 591
    assert 0.15 < (found.read - 90) / 501 < 0.25
    assert found.sent_back.whole == 591 - found.read
    assert 5 < found.sent_back.part <= 13
    assert found == sample(reversed(rounds), Fraction(1, 5), after=30)
    assert sample(of_tasks(rare=30), Fraction(1, 5), after=30).sent_back == Share(0, 0)


def test_nothing_of_a_hundred_is_at_most_three() -> None:
    found = sample(of_tasks(draft=39), Fraction(1, 10**9), after=0)
    assert (found.read, found.sent_back, found.at_most) == (0, Share(0, 39), 8)
