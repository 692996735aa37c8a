"""Carrying out `crewgate audit`, beside a running bot."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785
import sqlalchemy as sa

from crewgate.audit.check_evidence import FORMAT
from crewgate.audit.keys import open_signer
from crewgate.check.database import of_this_version, write_beside
from crewgate.check.findings import say
from crewgate.domain.audit import OPERATOR, Code, Entry, Head, Signature, digest_of
from crewgate.domain.csv_cells import csv_cell
from crewgate.domain.errors import CrewgateError
from crewgate.domain.masking import NOTHING
from crewgate.settings.load import Settings
from crewgate.store.audit import GENESIS, link_hash, tag_of
from crewgate.store.audit_reading import AuditReading
from crewgate.store.engine import open_readers

#: Of a text, in characters.
_SHOWN = 200


class NotWritten(CrewgateError):
    """What was asked for could not be written, and why."""


async def run_audit(settings: Settings, chosen: argparse.Namespace) -> int:
    """Run what the arguments ask for. Raises StoreUnavailable, KeyUnusable and NotWritten."""
    if chosen.of_audit == "export":
        # The first, so that it is in what is exported.
        async with write_beside(settings.database_url) as tx:
            given = {"format": chosen.format, "crew": chosen.crew}
            span = {name: str(getattr(chosen, name) or "") for name in ("since", "until")}
            tx.audit.add(Entry(Code.EXPORTED, OPERATOR, given | span))
    async with of_this_version(open_readers(settings.database_url)) as engine:
        reading = AuditReading(engine)
        match chosen.of_audit:
            case "verify":
                return await verify(reading, chosen.head)
            case "export":
                try:
                    return await export(reading, chosen)
                except BrokenPipeError:
                    raise
                except OSError as error:
                    raise NotWritten(f"the export is not complete: {error}") from error
        found = await reading.executions(chosen.execution)
        if len(found) != 1:
            several = "several executions begin" if found else "no execution with entries begins"
            say(f"✗ {several} with {chosen.execution}")
            for crew, execution_id in found:
                say(f"    {execution_id} of {crew}")
            return 1
        if chosen.of_audit == "show":
            return await show(reading, settings, *found[0])
        return await write_evidence(reading, settings, chosen, *found[0])


# --- verify ---------------------------------------------------------------------------------------


async def verify(reading: AuditReading, outside: str | None) -> int:
    """Print whether the chain holds, or the first entry that does not fit and why; 1 then."""
    heads = {one.head.number: one.head.hash for one in await reading.published()}
    given = _head_of(outside)
    if given is not None:
        heads[given.number] = given.hash
    head = GENESIS
    async for row in reading.linked():
        if why := _misfit(row, head, heads):
            say(f"✗ entry {row.number}: {why}")
            return 1
        head = Head(row.number, row.hash)
    if missing := [number for number in heads if number > head.number]:
        say(f"✗ entry {head.number + 1}: it is missing, and a head was published of {missing[0]}")
        return 1
    say(f"✓ {head.number:,} entries fit, up to the head {head}")
    if given is None:
        say("! no head from outside was given: a complete rewrite would not be seen")
    if unlinked := await reading.count_unlinked():
        say(f"  entries not linked yet: {unlinked:,}; a running bot links them within seconds")
    return 0


def _misfit(row: sa.Row[Any], before: Head, heads: dict[int, bytes]) -> str | None:
    """Return why an entry does not fit to the one before, or None."""
    number = before.number + 1
    if row.number != number:
        return f"entries {number} to {row.number - 1} are missing"
    if row.previous != before.hash:
        return "it names another entry before it"
    if row.hash != link_hash(before.hash, number, tag_of(row.crew, row.execution_id), row.body):
        return "its content was changed, or that of an entry before"
    if not _is_entry(row):
        return "its content is no entry, or its columns say another thing"
    is_other = heads.get(number, row.hash) != row.hash
    return "it is another than the one whose head was published" if is_other else None


def _is_entry(row: sa.Row[Any]) -> bool:
    """Return True if the content of a row is canonical and says what its columns say."""
    try:
        body = json.loads(row.body)
        at = row.at.isoformat(timespec="microseconds")
        said = (body["crew"], body["execution"], body["at"])
        return said == (row.crew, row.execution_id, at) and rfc8785.dumps(body) == row.body
    except (LookupError, TypeError, ValueError):
        return False


def _head_of(text: str | None) -> Head | None:
    """Read `NUMBER:HASH`. Raises NotWritten."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())):
        raise CrewgateError(f"{text} is no head; put it as it was posted, NUMBER:HASH")
    return Head(int(found[1]), bytes.fromhex(found[2]))


# --- show and export ------------------------------------------------------------------------------


async def show(reading: AuditReading, settings: Settings, crew: str, execution_id: str) -> int:
    """Print the story of one execution, with the texts that are still there, masked."""
    masking = settings.crews[crew].redact if crew in settings.crews else NOTHING
    texts = {
        digest_of(text, round_.salt): masking.text(came)
        for round_, some in await reading.rounds(crew, execution_id)
        for came in some
        # As it came, and as people were shown it.
        for text in (came, masking.text(came))
    }
    say(f"Execution {execution_id} of {crew}")
    for row in await reading.of_execution(crew, execution_id):
        entry = json.loads(row.body)
        code = Code(entry["code"])
        data = entry["data"]
        about = f", round {data['number']}" if "number" in data else ""
        at = row.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        say("")
        say(f"{row.number or 'not linked yet'} · {at} · {code}{about}")
        say(f"  {code.told}, by {entry['actor']}.")
        for name, value in data.items():
            if name not in ("number", "round", "review") and value not in (None, "", [], {}):
                say(f"    {name.replace('_', ' ')}: {_told(value, texts)}")
    return 0


def _told(value: Any, texts: dict[str, str]) -> str:  # noqa: ANN401  # of JSON
    if isinstance(value, str) and value in texts:
        text = texts[value]
        return f"“{text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…'}”"
    if isinstance(value, list):
        return ", ".join(_told(one, texts) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} ({_told(one, texts)})" for name, one in value.items())
    return str(value)


async def export(reading: AuditReading, chosen: argparse.Namespace) -> int:
    """Write entries to the standard output, a line each."""
    out = sys.stdout
    table = csv.writer(out)
    names = ("number", "at", "code", "means", "actor", "crew", "execution", "data")
    if chosen.format == "csv":
        table.writerow(names)
    async for row in reading.arrived(chosen.crew, chosen.since, chosen.until):
        entry = json.loads(row.body)
        if chosen.format == "csv":
            told = {"number": row.number, "means": Code(entry["code"]).told}
            data = {"data": json.dumps(entry["data"], ensure_ascii=False)}
            line = entry | told | data
            table.writerow([csv_cell(line[name]) for name in names])
        else:
            chain = {"number": row.number, "hash": row.hash and row.hash.hex()}
            out.write(json.dumps(chain | entry, ensure_ascii=False) + "\n")
    out.flush()
    return 0


# --- evidence -------------------------------------------------------------------------------------


async def write_evidence(
    reading: AuditReading,
    settings: Settings,
    chosen: argparse.Namespace,
    crew: str,
    execution_id: str,
) -> int:
    """Write the file that proves what happened to an execution; 1 if there is no proof yet."""
    own = await reading.of_execution(crew, execution_id)
    if any(row.number is None for row in own):
        say("✗ not all entries are linked yet; a running bot links them within seconds: try again")
        return 1
    first, last = min(row.number for row in own), max(row.number for row in own)
    found = await _head_after(last, chosen.head, reading, settings)
    if found is None:
        say(f"✗ no entry has the number {chosen.head}, or it comes before the last one, {last}")
        return 1
    head, signed = found
    name = re.sub(r"[^\w.-]", "_", execution_id)[:100]
    path = Path(chosen.output or f"evidence-{name}.json")
    before = [row async for row in reading.linked(first - 2, first - 1)]
    previous = before[0].hash if before else GENESIS.hash
    rounds = await reading.rounds(crew, execution_id)
    data = [json.loads(row.body)["data"] for row in own]
    about = {
        "format": FORMAT,
        "crew": crew,
        "execution": execution_id,
        "head": {
            "number": head.number,
            "hash": head.hash.hex(),
            "key": signed.key,
            "signature": signed.signature,
        },
        "rules": await reading.rules({one["rule"] for one in data if one.get("rule")}),
        "texts": [_texts(data, round_.salt, some) for round_, some in rounds],
        "previous": previous.hex(),
        "first": first,
    }
    try:
        # It has texts as they came, masked nowhere. Nobody else waits for this loop.
        path.touch(0o600, exist_ok=False)  # noqa: ASYNC240
        with path.open("w", encoding="utf-8") as file:  # noqa: ASYNC230
            file.write(json.dumps(about, ensure_ascii=True, indent=1).removesuffix("\n}"))
            file.write(',\n "chain": [')
            comma = "\n"
            async for row in reading.linked(first - 1, head.number):
                file.write(f"{comma}{json.dumps(_link(row, crew, execution_id))}")
                comma = ",\n"
            file.write("\n]}\n")
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error}") from error
    say(f"✓ wrote {path}, which leads to the head {head}")
    say(
        f"  check it with the head and the key as they were posted or logged: crewgate audit check"
        f" {path} --head … --key …"
    )
    return 0


async def _head_after(
    last: int, wanted: int | None, reading: AuditReading, settings: Settings
) -> tuple[Head, Signature] | None:
    """Return the wanted head, else the first that was published after the last entry.

    One that was not published is signed now, the newest where none is wanted. None where there is
    no such entry, or where it comes before the last.
    """
    if wanted is not None and wanted < last:
        return None
    for one in await reading.published(wanted or last):
        if wanted in (None, one.head.number):
            return one.head, one.signed
    head = await reading.head(wanted)
    return None if head is None else (head, open_signer(settings, make=False)(head))


def _texts(data: Iterable[Any], salt: str, texts: Iterable[str]) -> dict[str, Any]:
    """Return a salt, and those of these texts that the entries have digests of, each once."""
    known = json.dumps(list(data))
    found = [text for text in dict.fromkeys(texts) if digest_of(text, salt) in known]
    return {"salt": salt, "texts": found}


def _link(row: sa.Row[Any], crew: str, execution_id: str) -> str | list[str]:
    """Return the entry, or of another execution what the chain needs of it."""
    if (row.crew, row.execution_id) == (crew, execution_id):
        return str(row.body, "utf-8")
    return [tag_of(row.crew, row.execution_id).hex(), sha256(row.body).hexdigest()]
