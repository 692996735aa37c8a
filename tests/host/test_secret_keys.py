"""Credentials in the host's file are encrypted where there are keys."""

import argparse
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crewgate.crew_api.wire import Address, Kickoff, Resume, Urls
from crewgate.host.command import read_options
from crewgate.host.database import Database
from crewgate.host.records import Asked, HostNotStarted, Webhook
from crewgate.host.store import Store, utc_seconds
from tests.builders import a_secret_key

OLD, NEW = a_secret_key(1), a_secret_key(2)
SECRETS = ("Zk4tq0task", "Zk4tq0step", "Zk4tq0crew", "Zk4tq0human", "Zk4tq0flow", "Zk4tq0later")
URLS = Urls(*(f"https://caller.example.com/{secret}" for secret in SECRETS[:3]))
KICKOFF = Kickoff({"topic": "tea"}, urls=URLS, human_input=Address.bearer("https://b/", SECRETS[3]))
SENT = Webhook(
    "flow",
    "https://b/Zk4tq0flow",
    {"token": "Zk4tq0flow"},
    headers={"X": "Zk4tq0flow"},
    about="q-1",
)
LATER = Resume(
    execution_id="e-1",
    task_id="draft",
    human_feedback="",
    is_approve=True,
    urls=URLS,
    human_input=Address.bearer("https://b/", SECRETS[5]),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "host.db"


def fill(path: Path, *keys: str) -> None:
    with closing(Database(path, keys)) as database:
        store = Store(database)
        store.add("e-1", "crew", KICKOFF)
        store.pause("e-1", "draft", "encrypted:00000000:an output", webhooks=[SENT])
        assert store.decide(LATER)
        store.pause("e-1", "draft", "A draft.", webhooks=[SENT])
        store.add("e-2", "crew", KICKOFF)
        shown = {one for one in SECRETS if one.encode() in content(path)}
        assert shown == (set() if keys else set(SECRETS))


def content(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.glob("host.db*"))


def is_as_it_was(path: Path, *keys: str) -> None:
    with closing(Database(path, keys)) as database:
        store = Store(database)
        assert store.get("e-2", "crew").kickoff == KICKOFF
        assert store.get("e-1", "crew").kickoff.human_input == LATER.human_input
        assert store.rounds("e-1")[0].output == "encrypted:00000000:an output"
        for most in (1, 2):
            due = Store(database).due(
                utc_seconds(), announcing=True, limit=9, to_one_url=most, except_for=()
            )
            assert [one.webhook for one in due] == [SENT] * most


@pytest.mark.parametrize("keys", [(), (NEW,), (NEW, OLD)])
def test_all_is_read_as_it_was_written(path: Path, keys: tuple[str, ...]) -> None:
    fill(path, *keys)
    is_as_it_was(path, *keys)


@pytest.mark.parametrize("before", [(), (OLD,)])
def test_a_start_encrypts_all_with_the_newest_key(path: Path, before: tuple[str, ...]) -> None:
    fill(path, *before)
    with closing(Database(path, (NEW, *before))):
        assert not [one for one in SECRETS if one.encode() in content(path)]
    is_as_it_was(path, NEW)


@pytest.mark.parametrize("keys", [(), (NEW,)])
def test_a_key_that_is_needed_is_asked_for(path: Path, keys: tuple[str, ...]) -> None:
    fill(path, OLD)
    with pytest.raises(
        HostNotStarted, match=r"may be encrypted with the key [0-9a-f]{8}, and none here"
    ):
        Database(path, keys)
    is_as_it_was(path, OLD)


def test_what_is_damaged_leaves_the_rest_alone(path: Path) -> None:
    fill(path, NEW)
    with closing(sqlite3.connect(path)) as sql:
        sql.execute("UPDATE executions SET kickoff = substr(kickoff, 1, 60) WHERE id = 'e-2'")
        sql.execute("UPDATE webhooks SET url = substr(url, 1, 60) WHERE id = 1")
        sql.execute(
            "INSERT INTO webhooks SELECT 9, execution_id, kind, about, url, headers, body,"
            " tries, due_at FROM webhooks WHERE id = 2"
        )
        sql.commit()
    with closing(Database(path, [NEW])) as database, capture_logs() as logs:
        assert [one.id for one in Store(database).unfinished()] == ["e-1"]
        due = Store(database).due(
            utc_seconds(), announcing=True, limit=9, to_one_url=9, except_for=()
        )
        assert [one.webhook for one in due] == [SENT, SENT]
    assert [(one["event"], one["table"], one["id"]) for one in logs] == [
        ("credential_unreadable", "executions", "e-2"),
        ("credential_unreadable", "webhooks", 1),
    ]


def test_a_callers_text_is_never_decrypted(path: Path) -> None:
    """A person with a copy of the file may send a credential as words, which a model is told."""
    fill(path, NEW)
    with closing(sqlite3.connect(path)) as sql:
        [stolen] = sql.execute("SELECT kickoff FROM executions WHERE id = 'e-2'").fetchone()
    with closing(Database(path, [NEW])) as database:
        store = Store(database)
        sent = replace(LATER, human_feedback=stolen, edited=stolen)
        assert store.decide(sent)
        store.pause("e-2", "draft", stolen)
        asked = Asked(method=stolen, message="Good?", flow_class="F", pending={"of": stolen})
        store.ask("q-1", "e-2", asked, token_hash=stolen)
        store.answer("q-1", stolen, stolen)
        store.end("e-1", result=stolen)
        [_, decided], [shown] = store.rounds("e-1"), store.rounds("e-2")
        asked_back = store.question("q-1")
        assert asked_back is not None
        result = store.get("e-1", "crew").result
    assert decided.decision is not None
    assert {decided.decision.feedback, decided.decided, shown.output, result} == {stolen}
    assert {asked_back.feedback, asked_back.source, asked_back.method} == {stolen}
    assert asked_back.pending == {"of": stolen}
    assert stolen.startswith("encrypted:")


def test_what_is_no_key_is_told(path: Path) -> None:
    chosen = argparse.Namespace(token_env="CREW_TOKEN", public_url=None, flow_webhook=None)
    with pytest.raises(HostNotStarted, match="SECRET_KEYS: key 1 is not 32 bytes"):
        read_options(chosen, {"CREW_TOKEN": "a-token-of-a-host", "SECRET_KEYS": "short"})
