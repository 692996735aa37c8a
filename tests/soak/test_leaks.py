"""The search for what must not be seen finds it, wherever it is."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.labels import FEEDBACK_CANARY, OUTPUT_CANARY
from tests.soak.leaks import find_leaks, read_log
from tests.soak.ledger import Ledger

SECRETS = {"the token": "t-1234"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "bot.log"
    path.write_text("")
    return path


def leaks(ledger: Ledger, log: Path, *uploads: str) -> list[str]:
    return list(find_leaks(SECRETS, ledger, uploads, [log]))


def test_a_secret_is_found_wherever_it_was_sent(log: Path) -> None:
    assert "sent to Slack, 2 times" in leaks(Ledger(slack_calls=["t-1234", "a t-1234"]), log)[0]
    assert "uploaded to Slack" in leaks(Ledger(), log, "a t-1234")[0]
    assert "answered over HTTP" in leaks(Ledger(http_answers=["no t-1234"]), log)[0]
    log.write_text("a line with t-1234\n")
    assert "logged in" in leaks(Ledger(), log)[0]


@pytest.mark.parametrize("canary", [FEEDBACK_CANARY, OUTPUT_CANARY])
def test_outputs_and_feedback_may_be_shown_but_not_logged_or_answered(
    log: Path, canary: str
) -> None:
    assert not leaks(Ledger(slack_calls=[canary]), log)
    assert leaks(Ledger(http_answers=[canary]), log)
    log.write_text(canary)
    assert leaks(Ledger(), log)


def test_what_nobody_foresaw_is_told_once_and_warnings_are_counted(log: Path) -> None:
    died = {"event": "loop_died", "level": "error", "exception": "Traceback\nKeyError: 'ts'"}
    lines = [{"event": "not_delivered", "level": "warning"}, died, died]
    log.write_text("\n".join(map(json.dumps, lines)) + "\nTraceback of nobody")
    counts: Counter[str] = Counter()
    found = list(read_log(log, counts))
    assert ["loop_died KeyError: 'ts'" in one for one in found] == [True, False]
    assert counts == {"not_delivered": 1, "loop_died": 2}


def test_a_line_that_a_kill_cut_off_is_foreseen(log: Path) -> None:
    entry = {"event": "not_delivered", "level": "warning"}
    log.write_text(f'{{"event": "not_del{json.dumps(entry)}\n')
    counts: Counter[str] = Counter()
    assert not list(read_log(log, counts))
    assert counts == {"not_delivered": 1}
