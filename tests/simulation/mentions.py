"""Mentions: whom messages call, and that many waiting rounds call people once an hour."""

from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.review import State
from crewgate.domain.verdict import voices_of
from tests.simulation.known import Known
from tests.simulation.oracle import Check, require
from tests.simulation.product import SCANS

MOST: Final = 10
"""As many rounds of one task wait and each calls people."""
_HOUR: Final = timedelta(hours=1)
_IN_TIME: Final = _HOUR + timedelta(minutes=5)
"""A message notes after a moment that it called people."""
_LATE: Final = 3 * _HOUR
"""A worker that stands still notes it late."""


async def nobody_is_called_who_has_approved(of: Known) -> None:
    """A reminder, or what calls others, mentions nobody whose approval it has."""
    for one in of.world.slack.callings:
        called = one.mentions & voices_of(one.round.votes)
        read = f"{one.key} at {one.at} mentions {called}, whose approvals it has"
        require(not called, "silent", read)


async def many_rounds_call_once_an_hour(of: Known) -> None:
    """Of more than ten scans that wait one calls in an hour, and then another one does."""
    slack = of.world.slack
    of_scans = [one for one in slack.callings if one.round.review.crew == SCANS]
    cards = [one for one in of_scans if one.round.state is State.WAITING]
    calls = [one.at for one in cards if not one.is_quiet]
    if not of.came_back.isdisjoint(one.round.id for one in cards):
        return  # what waited when is not known any more
    for one in cards:
        lately = sum(one.at - _HOUR < at <= one.at for at in calls)
        if not one.is_quiet and waiting_at(of, one.at) > MOST:
            read = f"{one.key} is one of {lately} calls in an hour"
            require(lately <= 2, "silent", read)
        elif one.is_quiet:
            late = _LATE if of.stood else _IN_TIME
            is_called = any(one.at - late < at <= one.at for at in calls)
            require(is_called, "told", f"{one.key} at {one.at} calls nobody, nor did another")


def waiting_at(of: Known, at: datetime) -> int:
    """Return how many scans waited at a moment, without those that came in a race."""
    scans = [one for one in of.scans() if one.opened_at <= at and one.id not in of.came_in_races]
    ends = [one.decision.at if one.decision else one.ended_at for one in scans]
    return sum(end is None or end > at for end in ends)


MENTIONS: Final[tuple[Check, ...]] = (
    nobody_is_called_who_has_approved,
    many_rounds_call_once_an_hour,
)
