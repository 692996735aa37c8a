"""The operators' pages name limits and times as the code has them."""

from datetime import timedelta
from typing import Final

import pytest

from crewgate.domain.execution import GONE_AFTER
from crewgate.network import bodies, requests
from crewgate.network.connections import Limits
from crewgate.network.untrusted_addresses import DEADLINE, FOR_EACH
from crewgate.runtime import LASTING, TOLD
from crewgate.slack import notes
from crewgate.slack.client import directory, people, web_api
from crewgate.slack.reviews.changes import LINES_COMPARED
from crewgate.store import engine, removal, unit_of_work
from crewgate.usecases.delivery.context import SHARE_GRACE, START_GRACE
from crewgate.usecases.removal import BATCH_EVERY, LOOK_EVERY
from crewgate.usecases.track import PAUSED_POLL, STATUS_POLL
from crewgate.web.credentials import TOLERANCE
from tests.repo.files import read

MIB: Final = 2**20
HOUR: Final = timedelta(hours=1)
CONNECTIONS: Final = Limits()
CLAIMS: Final = [
    ("install", f"({2 * engine.CONNECTIONS} connections each)"),
    ("run", f"Once an hour, {removal.BATCH} executions in half a minute"),
    ("trouble", f"Fewer than {unit_of_work.ROOM // MIB} MiB are left"),
    ("trouble", f"`no answer in {unit_of_work.PROBE_SECONDS} s`"),
    ("trouble", f"until it has lasted for {LASTING.seconds} s"),
    ("trouble", f"The crew said for {GONE_AFTER.seconds // 60} minutes that it does not know"),
    ("trouble", f"beyond {web_api.MOST_PAGES} of Slack's pages"),
    ("reference", f"{requests.LIMIT // MIB} MiB, also unpacked"),
    ("reference", f"{requests.FORWARD_LIMIT // MIB} MiB where it is forwarded"),
    ("reference", f"{requests.SECONDS} s to arrive"),
    ("reference", f"{bodies.ROOM // MIB} MiB of memory together"),
    ("reference", f"one of over {bodies.SMALL // 1024} KiB is refused"),
    ("reference", f"{CONNECTIONS.connections}, or half of `ulimit -n`"),
    ("reference", f"after {CONNECTIONS.first_request} s; after {CONNECTIONS.next_request} s"),
    ("reference", f"{DEADLINE:.0f} s, in threads of its own, {FOR_EACH} at a time"),
    ("reference", f"the bot waits {START_GRACE.seconds} s for evidence"),
    ("reference", f"up to {STATUS_POLL.longest.seconds // 60} minutes late, or an"),
    ("reference", f"for {STATUS_POLL.give_up_after.days} days after the last resume"),
    ("reference", f"{60 / notes.PAUSE:.0f} threads a minute"),
    ("reference", f"up to {directory.RENEW.seconds // 60} minutes more"),
    ("reference", f"up to {directory.TRUST.seconds // 60} while Slack cannot be asked"),
    ("reference", f"for up to {people.STANDING_TRUST // HOUR} hours more"),
    ("reference", f"over {LINES_COMPARED:,} lines"),
    ("../SECURITY", f"asked every {directory.RENEW.seconds // 60} minutes"),
    ("../SECURITY", f"in the last {people.MEMBERS_TRUST.seconds // 60} minutes nobody decides"),
    ("../SECURITY", f"({TOLERANCE.seconds // 60} minutes old at most)"),
]


@pytest.mark.parametrize(("document", "claim"), CLAIMS)
def test_a_limit_is_what_the_document_says(document: str, claim: str) -> None:
    assert claim in " ".join(read(f"docs/{document}.md").split())


def test_times_that_the_documents_write_in_words_are_so() -> None:
    assert {PAUSED_POLL, TOLD, timedelta(seconds=LOOK_EVERY)} == {HOUR}
    assert timedelta(minutes=2) == SHARE_GRACE
    assert BATCH_EVERY == 30
