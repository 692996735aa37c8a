"""Office hours by this test's own count, and the sentences about rules that keep them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tests.simulation.known import Known
from tests.simulation.oracle import Check, first_shown, require
from tests.simulation.product import A_SECOND, BERLIN

OPENS, CLOSES, SATURDAY = time(9), time(17), 5
ESCALATES: Final = timedelta(hours=2)
TIMES_OUT: Final = timedelta(hours=6)
"""The working hours after which the rule calls others, and says that its time is over."""


def open_on(day: date) -> tuple[datetime, datetime]:
    """Return when the office opens and closes on a day, whatever the clocks there do."""
    both = (datetime.combine(day, one, BERLIN).astimezone(UTC) for one in (OPENS, CLOSES))
    opens, closes = both
    return (opens, closes) if day.weekday() < SATURDAY else (opens, opens)


def worked(begin: datetime, end: datetime) -> timedelta:
    """Return how long the office was open in between."""
    total, day = timedelta(), begin.astimezone(BERLIN).date()
    while day <= end.astimezone(BERLIN).date():
        opens, closes = open_on(day)
        total += max(min(closes, end) - max(opens, begin), timedelta())
        day += timedelta(days=1)
    return total


async def nobody_is_reminded_outside_of_office_hours(of: Known) -> None:
    """A reminder that is looked for, because an answer was lost, may come later."""
    for round_ in of.known:
        keys = [key for key in of.world.slack.tried if key.startswith(f"reminder {round_.id} ")]
        for key in keys if round_.review.task_id == "deed" else ():
            at = of.world.slack.tried[key]
            opens, closes = open_on(at.astimezone(BERLIN).date())
            require(opens <= at < closes, "jobs", f"{key} came at {at.astimezone(BERLIN)}")


async def working_hours_are_counted(of: Known) -> None:
    """Others are called, and a time is over, once the office was open for so long."""
    for round_ in of.known:
        shown = first_shown(of, round_)
        if round_.review.task_id != "deed" or shown is None:
            continue
        over = of.world.slack.tried.get(f"timed out {round_.id}")
        for at, after in ((round_.escalated_at, ESCALATES), (over, TIMES_OUT)):
            length = None if at is None else worked(shown, at)
            read = f"{round_.id} was shown at {shown}; after {length} of {after} time acted"
            require(length is None or length >= after - A_SECOND, "jobs", read)


OFFICE: Final[tuple[Check, ...]] = (
    nobody_is_reminded_outside_of_office_hours,
    working_hours_are_counted,
)
