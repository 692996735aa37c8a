"""Every figure in the documents that comes from a constant is that constant's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crewgate.app import STOP_KICKOFFS_SECONDS, STOP_LISTENERS_SECONDS
from crewgate.crewai.fields import ID_BYTES, ID_LIMIT
from crewgate.domain.execution import GONE_AFTER, GONE_ANSWERS
from crewgate.domain.notes import CLAIM_LASTS
from crewgate.domain.retry import LONGEST_ASKED, Retry
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.lifecycle import STATUSES_AT_ONCE, STOP_LISTENING_SECONDS, STOP_WORKING_SECONDS
from crewgate.network.client import TIMEOUTS
from crewgate.network.connections import Limits
from crewgate.network.lookups import DEADLINE, FOR_EACH
from crewgate.network.request_body import FORWARD_LIMIT, LIMIT, SECONDS
from crewgate.runtime import POST_RATE, RESTART, UPDATE_RATE
from crewgate.slack.client import people
from crewgate.slack.client.channel_members import PAGES, TRUST
from crewgate.slack.client.directory import RENEW
from crewgate.slack.home.refresher import OPEN
from crewgate.slack.reviews.comparison import LINES_COMPARED
from crewgate.usecases.delivery.context import GRACE, START_GRACE
from crewgate.usecases.delivery.worker import LEASE, Pace
from crewgate.usecases.evidence import FIRST_POLL_WITHIN, PAUSED_POLL, STATUS_POLL
from crewgate.usecases.kickoff import AT_ONCE
from tests.repo.files import read

NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 10: "ten"}


def s(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"


def minutes(time: timedelta) -> int:
    return time // timedelta(minutes=1)


def word(number: float) -> str:
    return NUMBERS[int(number)]


ARCHITECTURE = (
    f"leases what is due for {s(LEASE)},",
    f"from {s(Pace().pause.first)} to {s(Pace().pause.longest)} between tries",
    f"tried again after {s(Retry().first)}, {s(2 * Retry().first)}, {s(4 * Retry().first)}",
    f"up to {minutes(Retry().longest)} min",
    f"Posts go {word(POST_RATE.burst)} at once and then {word(POST_RATE.interval.seconds)} a ",
    f"changes of messages {UPDATE_RATE.burst} at once and then one in {s(UPDATE_RATE.interval)}",
    f"{TIMEOUTS.resume.read:g} s of silence, {TIMEOUTS.resume.total:g} s in all",
    f"`Retry-After` says, {minutes(LONGEST_ASKED)} min at most",
    f"worker of their own, {STATUSES_AT_ONCE} at once for each crew",
    f"then again, {s(GRACE)} later at the earliest",
    f"for {s(START_GRACE)} after a start",
)
HTTP = (
    f"the body is over {LIMIT // 2**20} MiB, or {FORWARD_LIMIT // 2**20} MiB where it is forwarded",
    f"It may have {FORWARD_LIMIT // 2**20} MiB.",
    f"Ids have {ID_LIMIT} characters at most, and {ID_BYTES:,} bytes",
    f"has {SECONDS} s to arrive",
    f"takes longer than {TIMEOUTS.forward.total:g} s, or answers 408",
    f"once for each try, within {DEADLINE:g} s",
    f"a kickoff: {AT_ONCE} of this crew are under way",
    f"A crew may take {word(TIMEOUTS.kickoff.total / 60)} minutes to answer",
    f"after {STATUS_POLL.first.seconds} seconds, then ever less often",
    f"every {minutes(STATUS_POLL.longest)} minutes at most",
    f"once within {s(STATUS_POLL.first + FIRST_POLL_WITHIN)[:-1]}seconds, then hourly",
    f"up to {FEEDBACK_LIMIT:,} characters",
)
OPERATIONS = (
    f"after {s(RESTART.first)}, then ever less often, every {s(RESTART.longest)} at least",
    f"finishes what is under way for up to {STOP_LISTENING_SECONDS + STOP_WORKING_SECONDS} s",
    f"a kickoff has {STOP_KICKOFFS_SECONDS} s more",
    f"asked for by then {STOP_LISTENERS_SECONDS} s",
    f"when the bot stops has {STOP_KICKOFFS_SECONDS} s to end",
    f"may decide for up to {minutes(RENEW)} minutes more",
    f"from the channel up to {minutes(TRUST)} while Slack cannot be asked",
    f"for up to {minutes(people.TRUST) // 60} hours more",
    f"asked every {minutes(RENEW)} minutes and kept in memory",
    f"Without an answer of the last {minutes(TRUST)} minutes",
    f"are asked about ({PAGES} pages of Slack's)",
    f"up to {minutes(STATUS_POLL.longest)} minutes late",
    f"{word(GONE_ANSWERS)} times or more over {minutes(GONE_AFTER)} minutes",
    f"over {LINES_COMPARED:,} changed lines",
    f"have {SECONDS} s to arrive",
    f"no request within {Limits().first_request} s are closed",
    f"idle ones after {Limits().next_request} s",
    f"Of more than {Limits().connections}, or",
    f"{DEADLINE:g} s long at most, and at most {FOR_EACH} at a time for the callers",
)
REVIEWING = (
    f"for {minutes(CLAIM_LASTS)} minutes that you are looking at it",
    f"the box holds {FEEDBACK_LIMIT:,} characters",
)


@pytest.mark.parametrize(
    ("document", "figure"),
    [
        (f"docs/{page}.md", figure)
        for page, figures in {
            "architecture": ARCHITECTURE,
            "http": HTTP,
            "operations": OPERATIONS,
            "reviewing": REVIEWING,
        }.items()
        for figure in figures
    ],
)
def test_the_figure_is_the_one_in_the_code(document: str, figure: str) -> None:
    assert figure in " ".join(read(document).split())


def test_the_times_that_are_told_in_words_are_these() -> None:
    """`for a day`, `two weeks`, `half an hour`, `for an hour`."""
    assert Retry().give_up_after == timedelta(days=1)
    assert STATUS_POLL.give_up_after == timedelta(weeks=2)
    assert timedelta(hours=1) == PAUSED_POLL
    assert minutes(CLAIM_LASTS) == 30
    assert minutes(OPEN) == 60
    assert Pace().poll == timedelta(seconds=1)
