"""The times at which a rule acts."""

from datetime import UTC, datetime, timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.notification import Ask, Question
from crewgate.domain.review import Round
from crewgate.domain.rules.duration import LONGEST, LONGEST_WORKING, Duration, WorkingHours
from crewgate.domain.rules.rule import NO_RULE, Escalation, Reminders, Rule, TimeOut
from crewgate.usecases.rounds import next_reminder, opens_at, timed_effects
from tests.builders import NOW, a_round, a_rule

HOUR = timedelta(hours=1)
HOURS = WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin")
FRIDAY_NIGHT = datetime(2026, 3, 6, 20, 0, tzinfo=UTC)
MONDAY_MORNING = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def lasting(text: str) -> Duration:
    return Duration.parse(text)


def reminded(count: int, **changes: object) -> Round:
    rule = a_rule(remind=Reminders(**{"after": lasting("2h"), **changes}))  # type: ignore[arg-type]
    return a_round(rule=rule, reminders=count)


def pause(round_: Round, at: datetime = NOW) -> timedelta | None:
    due = next_reminder(round_, at)
    return due[1] - at if due else None


@pytest.mark.parametrize("rule", [NO_RULE, a_rule()])
def test_nothing_is_due_where_no_rule_says_so(rule: Rule) -> None:
    round_ = a_round(rule=rule)
    assert timed_effects(round_, NOW) == ()
    assert next_reminder(round_, NOW) is None
    assert opens_at(round_, FRIDAY_NIGHT) == FRIDAY_NIGHT


def test_what_a_flow_asks_expires_at_its_own_time() -> None:
    ask = Ask(place="talk 1", expires_at=NOW + HOUR)
    round_ = a_round(subject=Question(request_id="1", ask=ask))
    assert round_.is_timed
    [(effect, due)] = timed_effects(round_, NOW)
    assert (effect.kind, due) == (EffectKind.EXPIRE, NOW + HOUR)
    patient = a_round(subject=Question(request_id="1", ask=Ask(place="talk 1")))
    assert (patient.is_timed, timed_effects(patient, NOW)) == (False, ())


def test_each_is_due_at_its_time() -> None:
    rule = a_rule(
        remind=Reminders(after=lasting("2h")),
        escalate=Escalation(lasting("1d"), ()),
        timeout=TimeOut(lasting("3d")),
    )
    found = {effect.kind: due for effect, due in timed_effects(a_round(rule=rule), NOW)}
    assert found == {
        EffectKind.REMIND: NOW + 2 * HOUR,
        EffectKind.ESCALATE: NOW + 24 * HOUR,
        EffectKind.TIME_OUT: NOW + 72 * HOUR,
    }
    escalated = a_round(rule=rule, escalated_at=NOW, reminders=3)
    assert [effect.kind for effect, _ in timed_effects(escalated, NOW)] == [EffectKind.TIME_OUT]


def test_each_pause_is_twice_as_long_unless_the_rule_says_how_long() -> None:
    doubled = [pause(reminded(count, most=4)) for count in range(5)]
    assert doubled == [2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, None]
    even = [pause(reminded(count, every=lasting("4h"))) for count in range(4)]
    assert even == [2 * HOUR, 4 * HOUR, 4 * HOUR, None]


@pytest.mark.parametrize("count", [9, 999_999])
def test_no_pause_is_longer_than_any_that_can_be_written(count: int) -> None:
    assert pause(reminded(count, after=lasting("360d"), most=10**6)) == LONGEST
    working = reminded(count, after=lasting("900wh"), most=10**6)
    assert pause(working) == LONGEST_WORKING


def test_nobody_is_reminded_when_they_do_not_work() -> None:
    rule = a_rule(remind=Reminders(after=lasting("1h")), working_hours=HOURS)
    due = next_reminder(a_round(rule=rule), FRIDAY_NIGHT)
    assert due is not None
    assert due[1] == MONDAY_MORNING
    assert opens_at(a_round(rule=rule), MONDAY_MORNING + HOUR) == MONDAY_MORNING + HOUR


def test_working_hours_are_those_of_the_rule() -> None:
    rule = a_rule(timeout=TimeOut(lasting("4wh")), working_hours=HOURS)
    [(effect, due)] = timed_effects(a_round(rule=rule), FRIDAY_NIGHT)
    assert (effect.kind, due) == (EffectKind.TIME_OUT, MONDAY_MORNING + 4 * HOUR)
    assert (effect.target, effect.crew, effect.execution_id) == ("r-1", "research", "e-1")
