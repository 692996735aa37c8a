"""The audit trail after a run: it holds, and proves what happened to executions of every kind."""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from crewgate.audit.run import run_audit
from crewgate.command_line import add_audit_arguments
from crewgate.domain.audit import Code
from crewgate.settings.load import Settings
from crewgate.store.audit import AuditReading
from crewgate.store.engine import open_readers
from tests.repo.files import ROOT
from tests.soak.rules import OF_THE_LOAD, rule_of

Key = tuple[str, str]
"""The crew and the execution."""

OUTPUT: Final = "of an output"
FLOW: Final = "of a flow"
CALL: Final = "of a call"
QUESTION: Final = "of an agent's question"
LESSON: Final = "with a lesson"
#: Executions whose evidence is made and checked, and how many of each kind at least.
_PROVEN: Final = 50
_OF_EACH: Final = 2
_KINDS: Final = {
    Code.REOPENED: "opened again",
    Code.EDITED: "with a person's own text",
    Code.ESCALATED: "escalated",
    Code.RULED: "under another rule since",
    Code.TAKEN_BACK: "with an approval taken back",
    Code.TIMED_OUT: "decided by time",
    Code.REFUSED: "refused",
    Code.IN_DOUBT: "with an answer that was lost",
    Code.INFERRED: "proven by its next output",
    Code.STUCK: "stuck",
}


@dataclass(slots=True)
class Audit:
    """The entries of the trail."""

    problems: list[str] = field(default_factory=list)
    proven: Counter[str] = field(default_factory=Counter)
    """Executions whose evidence holds, by kind."""
    unproven: tuple[str, ...] = ()
    """The wanted kinds of which no evidence was proved."""
    reopened: Counter[str] = field(default_factory=Counter)
    """The number of times that each round was opened again."""


async def look_at_audit(
    url: str,
    folder: Path,
    chance: random.Random,
    wanted: Collection[str] = (),
) -> Audit:
    """Verify the chain, and have the standalone checker read evidence of every kind.

    `wanted` are the kinds that should be there.
    """
    settings = Settings(slack_bot_token="xoxb-", database_url=url, crews={})
    entries = await _entries(url)
    audit = Audit()
    if await run(settings, "verify"):
        audit.problems.append("audit verify says that something is wrong, see above")
    for one in (one for some in entries.values() for one in some):
        audit.reopened[str(one["data"].get("round"))] += one["code"] == Code.REOPENED
    kinds = {key: {*kinds_of(key[0], some)} for key, some in entries.items()}
    for crew, execution in _chosen(kinds, chance):
        file = folder / "evidence.json"
        file.unlink(missing_ok=True)
        about = ("evidence", execution, "--crew", crew, "--output", str(file))
        with redirect_stdout(StringIO()) as told:
            status = await run(settings, *about)
        if status:
            audit.problems.append(f"audit evidence says that something is wrong: {told.getvalue()}")
        elif wrong := await _check(file):
            audit.problems.append(f"the evidence of {execution} of {crew} does not hold: {wrong}")
            file.rename(folder / f"evidence-{execution}.json")
        else:
            audit.proven.update(kinds[crew, execution])
    audit.unproven = tuple(sorted(set(wanted) - audit.proven.keys()))
    return audit


def wanted_kinds(beside: Collection[str]) -> set[str]:
    """Return the kinds of which a run with these crews beside has some."""
    of_them = {"calls": {CALL, QUESTION}, "taught": {LESSON}}
    return {OUTPUT, FLOW, _KINDS[Code.EDITED]}.union(*(of_them[name] for name in beside))


def kinds_of(crew: str, entries: Sequence[Any]) -> Iterator[str]:
    """Return the kinds of evidence that an execution has."""
    is_of_the_load = crew.startswith(OF_THE_LOAD)
    rule = rule_of(crew).name if is_of_the_load else crew
    yield f"under “{rule}”" if rule else "under no rule"
    codes = {one["code"] for one in entries}
    yield from (kind for code, kind in _KINDS.items() if code in codes)
    if len({one["data"]["review"] for one in entries if one["code"] == Code.OPENED}) > 1:
        yield "of several tasks"
    if any(one["data"].get("on_behalf_of") for one in entries):
        yield "by a delegate"
    sent = [one["data"] for one in entries if one["code"] == Code.DECIDED]
    if any(one["verdict"] == "answer" for one in sent):
        yield FLOW if is_of_the_load else QUESTION
    elif is_of_the_load:
        yield OUTPUT
    if any("tool" in one["data"] for one in entries if one["code"] == Code.OPENED):
        yield CALL
    if any(one["data"]["lessons"] for one in entries if one["code"] == Code.LESSONS_GIVEN):
        yield LESSON
    if any((one["via"], one["verdict"]) == ("edit", "revise") for one in sent):
        yield "with edits that were asked for"


def _chosen(kinds: dict[Key, set[str]], chance: random.Random) -> list[Key]:
    """Some of every kind, and others."""
    keys = sorted(kinds)
    chance.shuffle(keys)
    counts: Counter[str] = Counter()
    found = []
    for key in keys:
        if any(counts[kind] < _OF_EACH for kind in kinds[key]):
            counts.update(kinds[key])
            found.append(key)
    others = [key for key in keys if key not in found]
    return found + others[: max(0, _PROVEN - len(found))]


async def _entries(url: str) -> dict[Key, list[Any]]:
    """The entries of each execution, once all are linked."""
    engine = open_readers(url)
    assert engine is not None
    found: dict[Key, list[Any]] = defaultdict(list)
    try:
        reading = AuditReading(engine)
        for _ in range(20):
            if not await reading.count_unlinked():
                break
            await asyncio.sleep(0.5)
        async for row in reading.arrived(None, None, None):
            if row.crew and row.execution_id:
                found[row.crew, row.execution_id].append(json.loads(row.body))
    finally:
        await engine.dispose()
    return found


async def _check(file: Path) -> str:
    """Return the standalone checker's reason against a file, if any."""
    checker = str(ROOT / "docs" / "check_evidence.py")
    to_us = asyncio.subprocess.PIPE
    checking = await asyncio.create_subprocess_exec(
        sys.executable, "-I", checker, str(file), stdout=to_us, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await checking.communicate()
    return out.decode().rstrip().rpartition("\n")[2] if checking.returncode else ""


async def run(settings: Settings, *words: str) -> int:
    """Run `crewgate audit` with these words; return its exit status."""
    parser = argparse.ArgumentParser()
    add_audit_arguments(parser)
    return await run_audit(settings, parser.parse_args(words))
