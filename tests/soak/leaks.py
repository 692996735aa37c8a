"""Texts that nobody may see: secrets anywhere, outputs and feedback in logs and at `/readyz`."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.soak.labels import FEEDBACK_CANARY, OUTPUT_CANARY
from tests.soak.ledger import Ledger
from tests.standins.crew import Crew

#: Written where nobody foresaw what happened.
UNFORESEEN = frozenset({"delivery_failed", "lease_failed", "listener_failed", "loop_died"})
_SHOWN = 300


def event_keys(crews: Iterable[Crew]) -> dict[str, str]:
    """The keys in the addresses that crews were given for their webhooks, by what they are."""
    keys = {}
    for crew in crews:
        for resume in crew.resumes:
            for url in (resume.urls.task, resume.urls.step, resume.urls.crew):
                if url is not None:
                    *_, kind, key = urlsplit(url).path.split("/")
                    keys[f"the {kind} event key of {crew.name}"] = key
    return keys


def find_leaks(
    secrets: Mapping[str, str], ledger: Ledger, uploads: Iterable[str], logs: Iterable[Path]
) -> Iterator[str]:
    """Each secret that was seen, once for each place."""
    places: dict[str, Iterable[str]] = {
        "sent to Slack": ledger.slack_calls,
        "uploaded to Slack": uploads,
        "answered over HTTP": ledger.http_answers,
    }
    for log in logs:
        places[f"logged in {log}"] = log.read_text(errors="replace").splitlines()
    canaries = {"feedback": FEEDBACK_CANARY, "an output": OUTPUT_CANARY}
    for place, texts in places.items():
        unseen = dict(secrets)
        if place.startswith(("logged", "answered")):
            unseen |= canaries
        yield from _find(unseen, place, texts)


def _find(secrets: Mapping[str, str], place: str, texts: Iterable[str]) -> Iterator[str]:
    """One line for each secret and place, with where it was seen first."""
    times: Counter[str] = Counter()
    first: dict[str, str] = {}
    for text in texts:
        for name, secret in secrets.items():
            if secret in text:
                times[name] += 1
                first.setdefault(name, _around(text, secret))
    for name, count in times.items():
        yield f"{name} was {place}, {count} times; first: {first[name]}"


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - _SHOWN) : at + len(secret) + 50]


def _entry_of(line: str) -> dict[str, Any] | None:
    """The entry that a line is, or that stands behind one which a kill cut off."""
    starts = (at for at in range(len(line)) if line.startswith('{"', at))
    for start in starts if line.startswith('{"') else ():
        with suppress(ValueError):
            entry: dict[str, Any] = json.loads(line[start:])
            return entry if "event" in entry else None
    return None


def read_log(log: Path, counts: Counter[str]) -> Iterator[str]:
    """Yield unforeseen log lines, once for each kind; count each warning by its name."""
    unforeseen: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        entry = _entry_of(line)
        if entry is None:
            unforeseen.setdefault("a line that is not JSON", line[:_SHOWN])
            continue
        if entry["level"] in {"debug", "info"}:
            continue
        name = str(entry["event"])[:60]
        counts[name] += 1
        if name in UNFORESEEN or entry["level"] in {"error", "critical"}:
            last = str(entry.get("exception", "")).strip().rpartition("\n")[2]
            unforeseen.setdefault(f"{name} {last}"[:_SHOWN], line[:4_000])
    for name, line in unforeseen.items():
        yield f"unforeseen, in {log}: {name}\n      {line}"
