"""Evidence files, the figures of the purge and the lists of `/crew status`, each recounted."""

import argparse
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from crewgate.audit.check_evidence import check_file
from crewgate.audit.run import read_story, write_evidence
from crewgate.domain.review import Round
from crewgate.store.audit import AuditReading
from crewgate.store.lessons import lessons
from crewgate.store.tables import dead_letters, executions
from crewgate.usecases.queries import LINES
from crewgate.usecases.queries import execution as execution_status
from crewgate.usecases.removal import Removed, remove_texts
from tests.audit.files import PUBLIC, head_of, written
from tests.simulation.known import Known, key_of
from tests.simulation.oracle import Check, require
from tests.simulation.product import AUDITED, LEGAL, RETENTION, REVIEWERS

HOLDS, IS_WRONG, IS_NOT_KNOWN = 0, 1, 3
"""The exit codes of `check_evidence.py`."""
STATUSES: Final = 4
"""As many executions of a story are looked at with `/crew status`: each takes some milliseconds."""
_REMOVED: Final[dict[str, sa.Select[Any]]] = {
    "executions": sa.select(executions.c.crew, executions.c.execution_id.label("key")).where(
        executions.c.removed_at.is_not(None)
    ),
    "dead_letters": sa.select(dead_letters.c.crew, dead_letters.c.id.label("key")).where(
        dead_letters.c.removed_at.is_not(None)
    ),
    "lessons": sa.select(lessons.c.crew, lessons.c.id.label("key")).where(lessons.c.text == ""),
}


async def an_evidence_file_proves_its_execution(of: Known) -> None:
    """Its checker says that it holds, but for an alarm; with texts left out, not all is known.

    Once texts were removed, which the trail says, they may be missing.
    """
    await of.world.linking.finish()
    alarms = {key_of(of.round(one))[:2] for one in of.alarms}
    every = list(dict.fromkeys(key_of(one)[:2] for one in of.known))
    longest = sorted(every, key=lambda one: sum(key_of(each)[:2] == one for each in of.known))
    chosen = [one for one in longest if one in alarms][-1:]
    chosen += [one for one in longest if one not in alarms][-1:]
    for crew, execution in chosen:
        rounds = [one for one in of.known if key_of(one)[:2] == (crew, execution)]
        with TemporaryDirectory() as folder:
            path = Path(folder) / "evidence.json"
            printed = await write_file(of, crew, execution, path)
            read = f"there is no evidence of {crew} {execution}: {printed}"
            require(path.exists(), "trail", read)
            status, said = checked(path)
            is_known = all(one.removed_at is None for one in rounds)
            expected = IS_WRONG if (crew, execution) in alarms else HOLDS
            read = f"the evidence of {crew} {execution} ends with {status}: {said}"
            may_lack = not is_known and expected == HOLDS
            require(status == expected or (may_lack and status == IS_NOT_KNOWN), "trail", read)
            if status == HOLDS and is_known:
                for round_id, less in without_its_texts(path, rounds):
                    path.write_bytes(less)
                    status, said = checked(path)
                    read = f"evidence of {crew} {execution} without {round_id} ends with {status}"
                    require(status == IS_NOT_KNOWN, "trail", f"{read}: {said}")


async def write_file(of: Known, crew: str, execution: str, path: Path) -> str:
    """Write the evidence of an execution as `crewgate audit evidence` does."""
    reading = AuditReading(of.world.engines.for_outbox.read)
    settings = replace(AUDITED, database_url=of.world.database_url)
    story = await read_story(reading, crew, execution, of.world.crews[crew].redact)
    chosen = argparse.Namespace(head=None, output=str(path))
    with redirect_stdout(StringIO()) as printed:
        await write_evidence(reading, settings, chosen, story)
    return printed.getvalue()


def checked(path: Path) -> tuple[int, str]:
    """Return the exit code of the checker, and what it prints."""
    file: dict[str, Any] = json.loads(path.read_bytes())
    with redirect_stdout(StringIO()) as printed:
        status = check_file(str(path), head_of(file), PUBLIC)
    return status, printed.getvalue()


def without_its_texts(path: Path, rounds: list[Round]) -> Iterator[tuple[str, bytes]]:
    """Yield the file without the texts of each round that somebody decided on."""
    file: dict[str, Any] = json.loads(path.read_bytes())
    for one in rounds:
        if one.decision is not None:
            left = [texts for texts in file["texts"] if texts["round"] != one.id]
            yield one.id, written(file | {"texts": left})


async def a_status_lists_each_round(of: Known) -> None:
    """`/crew status` has the rounds of an execution as they are, the oldest first."""
    by = REVIEWERS[0].id
    mine = [one for one in of.known if one.review.crew != LEGAL]
    for crew, execution in [*dict.fromkeys(key_of(one)[:2] for one in mine)][-STATUSES:]:
        found = await execution_status(execution, by=by, context=of.world.reviews, clients={})
        listed = [(one.round.id, one.round.state, one.round.number) for one in found.rounds]
        expected = [
            (one.id, one.state, one.number) for one in mine if key_of(one)[:2] == (crew, execution)
        ]
        read = f"the status of {crew} {execution} lists {listed}, not {expected}"
        is_whole = sorted(listed) == sorted(expected)
        is_part = len(expected) > LINES == len(listed) and {*listed} <= {*expected}
        require(is_whole or is_part, "figures", read)


async def purge(of: Known) -> None:
    """Remove the texts that are old enough; what is said before and after is what was removed."""
    for name in of.world.crews:
        before = of.world.clock() - RETENTION
        there = await removed_rows(of, name)
        async with of.world.uow.begin() as tx:
            foretold = Removed(await tx.removal.count(name, before=before))
        total = Removed()
        async for removed in remove_texts(
            name, before=before, begin=of.world.uow.begin, clock=of.world.clock
        ):
            total += removed
        after = await removed_rows(of, name)
        gone = {part: len(rows - there[part]) for part, rows in after.items()}
        read = f"{name}: {dict(foretold)} were foretold, {dict(total)} told, {gone} are gone"
        # What an execution's reviews proposed goes with its texts, and is no part of the figure.
        is_right = total["lessons"] <= gone.pop("lessons", 0)
        is_right &= all(total[part] == many for part, many in gone.items())
        require(is_right and foretold == total, "figures", read)


async def removed_rows(of: Known, crew: str) -> dict[str, set[str]]:
    """Return the ids of a crew's rows whose texts were removed, by the name of their figure."""
    async with of.world.engines.for_outbox.read.connect() as connection:
        return {
            part: {row.key for row in await connection.execute(rows) if row.crew == crew}
            for part, rows in _REMOVED.items()
        }


FILES: Final[tuple[Check, ...]] = (
    an_evidence_file_proves_its_execution,
    a_status_lists_each_round,
)
