"""The due times of reminders, escalation and time-out of a round that waits."""

from dataclasses import replace
from datetime import datetime

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.review import Round
from crewgate.domain.rules.duration import LONGEST, LONGEST_WORKING, Duration

Due = tuple[Effect, datetime]
"""An effect and its due time."""


def timed_effects(round_: Round, start: datetime) -> tuple[Due, ...]:
    """Return the effects that are due unless somebody decides, counted from `start`."""
    rule = round_.rule
    found = [next_reminder(round_, start)]
    if round_.question is not None and round_.question.expires_at is not None:
        found.append((round_.effect(EffectKind.EXPIRE), round_.question.expires_at))
    if rule is not None and rule.escalate is not None and round_.escalated_at is None:
        found.append(_due(round_, EffectKind.ESCALATE, rule.escalate.after, start))
    if rule is not None and rule.timeout is not None:
        found.append(_due(round_, EffectKind.TIME_OUT, rule.timeout.after, start))
    return tuple(one for one in found if one is not None)


def times_out_at(round_: Round, start: datetime) -> datetime | None:
    """Return the moment at which the rule decides, counted from `start`; None if it never does."""
    due = (at for effect, at in timed_effects(round_, start) if effect.kind is EffectKind.TIME_OUT)
    return next(due, None)


def next_reminder(round_: Round, at: datetime) -> Due | None:
    """Return the next reminder after `at`, in the rule's working hours; None after the last one."""
    rule = round_.rule
    if rule is None or rule.remind is None or round_.reminders >= rule.remind.most:
        return None
    remind = rule.remind
    if round_.reminders == 0:
        pause = remind.after
    else:
        pause = remind.every or _doubled(remind.after, round_.reminders)
    effect, due = _due(round_, EffectKind.REMIND, pause, at)
    return effect, opens_at(round_, due)


def opens_at(round_: Round, at: datetime) -> datetime:
    """Return `at` if it is in the rule's working hours, else the moment when they begin next."""
    hours = round_.rule.working_hours if round_.rule is not None else None
    return at if hours is None else hours.next_open(at)


def _doubled(pause: Duration, times: int) -> Duration:
    longest = LONGEST_WORKING if pause.working else LONGEST
    # Compared first: a power with so many digits takes for ever, and no moment is that far ahead.
    doublings = min(times, (longest // pause.length).bit_length())
    return replace(pause, length=min(pause.length * 2**doublings, longest), written="")


def _due(round_: Round, kind: EffectKind, after: Duration, start: datetime) -> Due:
    assert round_.rule is not None  # noqa: S101  # asked before
    effect = round_.effect(kind)
    return effect, after.after(start, round_.rule.working_hours)
