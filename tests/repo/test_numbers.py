"""The numbers that the pages for users and developers name are those of the code."""

import pytest

from crewgate.crewai.given import ASKED_VALUE_LIMIT
from crewgate.domain.caveats import PER_CHARACTER
from crewgate.domain.notification import TEXT_LIMIT
from crewgate.domain.rules.absence import LONGEST
from crewgate.network import requests
from crewgate.network.client import TIMEOUTS
from crewgate.runtime import LASTING, POST_RATE, UPDATE_RATE
from crewgate.slack.reviews.output import (
    EXCERPT,
    EXCERPT_ROWS,
    OUTPUT_LIMIT,
    WHOLE_LIMIT,
    WHOLE_ROWS,
)
from crewgate.usecases.delivery.context import START_GRACE
from crewgate.usecases.delivery.heartbeat import BEAT
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.track import STATUS_POLL
from tests.repo.files import read

MIB = 2**20
PHRASES = {
    "architecture.md": (
        f"**Leases** last {LEASE.seconds} s,",
        f"wait for evidence for {START_GRACE.seconds} s.",
        f"writes every {BEAT.seconds} s",
        f"counts after {LASTING.seconds} s.",
        f"({TIMEOUTS.resume.read} s of silence, {TIMEOUTS.resume.total} s in all)",
    ),
    "outbox.svg": (
        f"{POST_RATE.burst} at once, then 1 a second",
        f"{UPDATE_RATE.burst} at once, then 1 in {UPDATE_RATE.interval.total_seconds()} s",
    ),
    "cards.md": (
        f"of more than {WHOLE_LIMIT:,} characters or {WHOLE_ROWS} rows the first {EXCERPT:,}",
        f"or {EXCERPT_ROWS} at most (over {OUTPUT_LIMIT:,} characters",
        f"{PER_CHARACTER.microseconds // 1000} ms a character",
    ),
    "http.md": (
        f"A body may have {requests.LIMIT // MIB} MiB, also unpacked,",
        f"and {requests.SECONDS} s to arrive",
        f"over {requests.LIMIT // MIB} MiB, or {requests.FORWARD_LIMIT // MIB} MiB where",
        f"takes over {TIMEOUTS.forward.total} s,",
        f"every {STATUS_POLL.longest.seconds // 60} minutes at least",
    ),
    "rules.md": (
        f"over {ASKED_VALUE_LIMIT:,} characters",
        f"cut at {TEXT_LIMIT} characters",
        f"{LONGEST.days} days ahead at most",
    ),
}


@pytest.mark.parametrize("page", PHRASES)
def test_each_number_is_that_of_the_code(page: str) -> None:
    text = " ".join(read(f"docs/{page}").split())
    assert [phrase for phrase in PHRASES[page] if phrase not in text] == []
