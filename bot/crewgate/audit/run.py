"""`crewgate audit` with the database, beside a running bot; `check` is in `check_evidence`."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import rfc8785
import sqlalchemy as sa

from crewgate.audit import check_evidence
from crewgate.audit.keys import is_signed, open_signer
from crewgate.check.database import of_this_version, transactions_beside, write_beside
from crewgate.check.findings import NotDone, say
from crewgate.domain.audit import OPERATOR, Code, Entry, Head, Signature, digest_of, people_of
from crewgate.domain.csv_cells import csv_cell
from crewgate.domain.errors import ChainBroken, RowUnreadable
from crewgate.domain.masking import FINDERS, Masking
from crewgate.domain.review import Round
from crewgate.logs import printable
from crewgate.runtime import Runtime
from crewgate.settings.dotenv import create_private
from crewgate.settings.load import Settings
from crewgate.store.audit import GENESIS, AuditReading, link_hash, tag_of
from crewgate.store.engine import open_readers
from crewgate.usecases.audit import Sign, is_forged, publish

Entries = Sequence[sa.Row[Any]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """The records of an execution in the trail and in the database."""

    crew: str
    execution_id: str
    own: Entries
    related: Entries
    """Other entries: absences behind delegates' decisions, and bot starts that name reviewers."""
    rounds: Sequence[tuple[Round, Sequence[str]]]
    """Each round with its remaining texts."""
    rules: Mapping[str, Mapping[str, Any]]
    """The rules by id, as they are stored, in the order in which entries name them."""
    masking: Masking

    @property
    def absent(self) -> set[str]:
        return {away for row in self.own if (away := data_of(row).get("on_behalf_of"))}

    @cached_property
    def hiding(self) -> Masking:
        """The masking that also hides what it finds in the execution's other texts."""
        return self.masking.also_those_in(text for _, some in self.rounds for text in some)

    def texts(self, round_: Round, some: Sequence[str]) -> dict[str, str]:
        """Return `some`, the texts of a round, by digest: unmasked and in each masked form."""
        maskings = [self.masking, self.hiding]
        maskings += [one.for_call() for one in maskings]
        shown = [masking.text(text) for masking in maskings for text in some]
        return {digest_of(text, round_.salt): text for text in (*some, *shown)}


async def read_story(
    reading: AuditReading, crew: str, execution_id: str, masking: Masking
) -> Story:
    own = await reading.of_execution(crew, execution_id)
    rules = await reading.rules([rule for row in own if (rule := data_of(row).get("rule"))])
    related: dict[int, sa.Row[Any]] = {}
    opened: dict[str, set[str]] = {}
    for row in own:
        data = data_of(row)
        if "reviewers" in data:
            opened[data["round"]] = {*data["reviewers"]}
        if "permitted" not in data:
            continue
        if away := data.get("on_behalf_of"):
            related |= {one.id: one for one in await reading.absences(away, row.id)}
        none = {"rule": "{}", "escalated": False}
        rule = check_evidence.rule_of(**(rules[data["rule"]] if data["rule"] else none))
        more = check_evidence.people(check_evidence.escalated_to(rule))
        permitted = {*data["permitted"]}
        if rule["reviewers"] is None and permitted != opened.get(data["round"], permitted) | more:
            starts = [
                one
                for one in await reading.starts(crew, row.id)
                if {*data_of(one).get("reviewers", [])} | more == permitted
            ]
            related |= {one.id: one for one in starts[:1]}
    return Story(
        crew=crew,
        execution_id=execution_id,
        own=own,
        related=[*related.values()],
        rounds=await reading.rounds(crew, execution_id),
        rules=rules,
        masking=masking,
    )


def show(story: Story) -> int:
    texts = {
        digest: story.hiding.text(text)
        for round_, some in story.rounds
        for digest, text in story.texts(round_, some).items()
    }
    names = {one.id: one.name for round_, _ in story.rounds for one in people_of(round_)}
    rules = {name: check_evidence.rule_of(**one) for name, one in story.rules.items()}
    entries = [check_evidence.entry_of(body_of(row), 0) for row in story.own]
    facts = check_evidence.StoryFacts(texts, rules, names, check_evidence.tools_in(entries))
    say(f"Execution {story.execution_id} of {story.crew}")
    last = story.own[-1].id
    rows = [*story.own, *(row for row in story.related if row.id < last)]
    for row in sorted(rows, key=lambda row: row.id):
        body = body_of(row)
        if "task" in body["data"]:
            body["data"]["task"] = story.hiding.text(body["data"]["task"])
        say(facts.line(check_evidence.entry_of(body, row.number or 0)))
    return 0


def body_of(row: sa.Row[Any]) -> dict[str, Any]:
    """Parse an entry's content. Raises RowUnreadable."""
    try:
        return json.loads(row.body)  # type: ignore[no-any-return]
    except ValueError as error:
        raise RowUnreadable("audit_entries", str(row.number or row.id)) from error


def data_of(row: sa.Row[Any]) -> dict[str, Any]:
    return body_of(row)["data"]  # type: ignore[no-any-return]


#: The masking for a crew that the settings do not name: it masks all kinds of personal data.
_ALL_KINDS: Final = Masking(tuple(FINDERS), tuple(FINDERS.values()))


async def run_audit(settings: Settings, chosen: argparse.Namespace) -> int:
    """Run the chosen command. Raises StoreUnavailable, KeyUnusable and NotDone."""
    if chosen.of_audit == "export":
        # The entry about this export is written first, so that the export includes it.
        async with write_beside(settings.database_url) as tx:
            given = {"format": chosen.format, "crew": chosen.crew}
            span = {name: str(getattr(chosen, name) or "") for name in ("since", "until")}
            tx.audit.add(Entry(Code.EXPORTED, OPERATOR, given | span))
    if chosen.of_audit == "publish":
        return await publish_now(settings)
    async with of_this_version(open_readers(settings.database_url)) as engine:
        reading = AuditReading(engine)
        match chosen.of_audit:
            case "verify":
                return await verify(reading, settings, chosen.head)
            case "export":
                try:
                    return await export(reading, chosen)
                except BrokenPipeError:
                    raise
                except OSError as error:
                    raise NotDone(f"the export is not complete: {error}") from error
        found = await reading.executions(chosen.execution, chosen.crew)
        if len(found) != 1:
            several = "several executions begin" if found else "no execution with entries begins"
            say(f"✗ {several} with {chosen.execution}")
            for crew, execution_id in found:
                say(f"    {execution_id} --crew {crew}")
            return 1
        crew, execution_id = found[0]
        masking = settings.crews[crew].redact if crew in settings.crews else _ALL_KINDS
        story = await read_story(reading, crew, execution_id, masking)
        if chosen.of_audit == "show":
            return show(story)
        return await write_evidence(reading, settings, chosen, story)


async def verify(reading: AuditReading, settings: Settings, outside: str | None) -> int:
    """Check the chain, also against a head from `outside`; print a misfit, if any, and return 1."""
    sign = open_signer(settings, make=False)
    published = await reading.published()
    heads = {one.head.number: one.head.hash for one in published}
    given = _head_of(outside)
    if given is not None:
        heads[given.number] = given.hash
    head = GENESIS
    undecided: set[str] = set()
    counts: dict[bytes, int] = {}
    async for row in reading.linked():
        why = _misfit(row, head, heads) or _miscount(row, counts)
        if why := why or _is_told_too_early(row, undecided):
            say(f"✗ entry {row.number}: {why}")
            return 1
        head = Head(row.number, row.hash)
    if forged := [one.head for one in published if is_forged(one, sign) or not is_signed(one)]:
        say(f"✗ entry {forged[0].number}: the key did not sign the head that was published of it")
        return 1
    if missing := [number for number in heads if number > head.number]:
        say(f"✗ entry {head.number + 1}: it is missing, and a head was published of {missing[0]}")
        return 1
    say(f"✓ {head.number:,} entries fit, up to the head {head}")
    ours = sign(GENESIS).key
    others = {one.signed.key: one.head.number for one in published if one.signed.key != ours}
    for key, number in others.items():
        by = f"signed by another key, {key}" if key else "not signed"
        by = by if ours or not key else f"signed by the key {key}, which is not here"
        say(f"! heads up to {number} were {by}: compare them with those that were posted or logged")
    if given is None:
        say("! no head from outside was given: a complete rewrite would not be seen")
    if unlinked := await reading.count_unlinked():
        say(f"  entries not linked yet: {unlinked:,}; a running bot links them within seconds")
    return 0


def _misfit(row: sa.Row[Any], before: Head, heads: dict[int, bytes]) -> str | None:
    """Return the reason why an entry does not fit the one before or a published head, or None."""
    number = before.number + 1
    if row.number != number:
        return f"entries {number} to {row.number - 1} are missing"
    if row.previous != before.hash:
        return "it names another entry before it"
    tag = tag_of(row.crew, row.execution_id)
    if row.hash != link_hash(before.hash, number, tag, row.nth, row.body):
        return "its content was changed, or that of an entry before"
    if not _is_entry(row):
        return "its content is no entry, or its columns say another thing"
    is_other = heads.get(number, row.hash) != row.hash
    return "it is another than the one whose head was published" if is_other else None


def _miscount(row: sa.Row[Any], counts: dict[bytes, int]) -> str | None:
    """Return the reason why an entry's number within its execution is wrong, or None.

    `counts` has the number of entries read so far by execution, and is updated.
    """
    tag = tag_of(row.crew, row.execution_id)
    counts[tag] = nth = counts.get(tag, 0) + 1
    is_older = json.loads(row.body)["v"] < check_evidence.COUNTED
    if row.nth is None and (is_older or not row.execution_id):
        return None
    return None if row.nth == nth else f"it is said to be {row.nth} of its execution, and is {nth}"


#: A set of strings, for a row may have a code that this version does not know.
_DECIDES: Final = {code.value for code in Code if code.decides}


def _is_told_too_early(row: sa.Row[Any], undecided: set[str]) -> str | None:
    """Return the reason why a crew got a decision too early, or None.

    `undecided` has the ids of rounds that no entry so far decided, and is updated.
    """
    body = json.loads(row.body)
    round_ = body["data"].get("round", "")
    match body["code"]:
        case Code.OPENED:
            undecided.add(round_)
        case code if code in _DECIDES:
            undecided.discard(round_)
        case Code.SENDING | Code.DELIVERED | Code.FETCHED if round_ in undecided:
            return f"the crew was told what nobody had decided, in execution {row.execution_id}"
    return None


def _is_entry(row: sa.Row[Any]) -> bool:
    """Return True if a row's content is canonical and agrees with its columns."""
    try:
        body = json.loads(row.body)
        at = row.at.isoformat(timespec="microseconds")
        content = (body["crew"], body["execution"], body["at"])
        return content == (row.crew, row.execution_id, at) and rfc8785.dumps(body) == row.body
    except (LookupError, TypeError, ValueError):
        return False


def _head_of(text: str | None) -> Head | None:
    """Read `NUMBER:HASH`. Raises NotDone."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())):
        raise NotDone(f"{text} is no head; put it as it was posted, NUMBER:HASH")
    return Head(int(found[1]), bytes.fromhex(found[2]))


async def publish_now(settings: Settings) -> int:
    """Sign the head and publish it at once. Raises ChainBroken and KeyUnusable."""
    sign = open_signer(settings, make=False)
    async with transactions_beside(settings.database_url) as begin:
        is_full = True
        while is_full:
            async with begin() as tx:
                await tx.audit.takes_turn(wait=True)
                is_full = bool(await tx.audit.link())
        async with begin() as tx:
            await tx.audit.takes_turn(wait=True)
            last = await tx.audit.last_published()
            if last is not None and last.signed.key != sign(last.head).key:
                say("✗ the last head has another key: set AUDIT_KEY here as the bot has it")
                return 1
            published = await publish(
                tx, sign=sign, by=OPERATOR, channel=settings.audit_channel, at=Runtime().clock()
            )
    if published is None:
        say("✓ nothing happened since the last head" + (f", {last.head}" if last else ""))
        return 0
    say(f"✓ the head is {published.head}")
    say(f"  its key is {published.signed.key or 'none: it is not signed'}")
    if published.signed.key:
        say(f"  its signature is {published.signed.signature}")
    if settings.audit_channel:
        say("  the bot posts it into AUDIT_CHANNEL")
    return 0


async def export(reading: AuditReading, chosen: argparse.Namespace) -> int:
    out = sys.stdout
    table = csv.writer(out)
    names = ("number", "at", "code", "means", "actor", "crew", "execution", "data")
    if chosen.format == "csv":
        table.writerow(names)
    async for row in reading.arrived(chosen.crew, chosen.since, chosen.until):
        entry = body_of(row)
        if chosen.format == "csv":
            means = {"number": row.number, "means": Code(entry["code"]).told}
            data = {"data": json.dumps(entry["data"], ensure_ascii=False)}
            line = entry | means | data
            # A cell may be read on a terminal, where an invisible character changes how its
            # neighbours look.
            cells = (printable(str(line[name] or "")) for name in names)
            table.writerow(map(csv_cell, cells))
        else:
            chain = {"number": row.number, "hash": row.hash and row.hash.hex()}
            out.write(json.dumps(chain | entry, ensure_ascii=False) + "\n")
    out.flush()
    return 0


async def write_evidence(
    reading: AuditReading, settings: Settings, chosen: argparse.Namespace, story: Story
) -> int:
    """Write the file that proves the history of an execution; return 1 if there is no proof yet."""
    if any(row.number is None for row in story.own):
        say("✗ not all entries are linked yet; a running bot links them within seconds: try again")
        return 1
    last = max(row.number for row in story.own)
    sign = open_signer(settings, make=False)
    found = await _head_after(last, chosen.head, reading, sign)
    if found is None:
        say(f"✗ no entry has the number {chosen.head}, or it comes before the last one, {last}")
        return 1
    head, signed, published = found
    async with write_beside(settings.database_url) as tx:
        data = {"crew": story.crew, "execution": story.execution_id, "head": str(head)}
        tx.audit.add(Entry(Code.PROVED, OPERATOR, data))
    given = {row.id: row.number for row in (*story.own, *story.related) if row.number}
    first = min(given.values())
    for person in story.absent:
        # All later entries about the absent person go into the file: without one, the check fails.
        theirs = await reading.of_execution("", person)
        given |= {row.id: row.number for row in theirs if row.number and row.number > first}
    name = re.sub(r"[^\w.-]", "_", story.execution_id)[:100]
    path = Path(chosen.output or f"evidence-{name}.json")
    before = [row async for row in reading.linked(first - 2, first - 1)]
    about = {
        "format": check_evidence.FORMAT,
        "crew": story.crew,
        "execution": story.execution_id,
        "head": {
            "number": head.number,
            "hash": head.hash.hex(),
            "key": signed.key,
            "signature": signed.signature,
        },
        "rules": [*story.rules.values()],
        "texts": [*_texts(story)],
        "previous": (before[0].hash if before else GENESIS.hash).hex(),
        "first": first,
    }
    try:
        # Only this user may read the file, which has unmasked texts. Writing blocks the event loop,
        # which only this command uses.
        with create_private(path) as file:
            file.write(check_evidence.opening(about))
            comma = "\n"
            async for row in reading.linked(first - 1, head.number):
                link = [str(row.body, "utf-8")] if row.id in given else _link(row)
                file.write(f"{comma}{json.dumps([row.nth or 0, *link])}")
                comma = ",\n"
            file.write("\n]}\n")
    except OSError as error:
        raise NotDone(f"{path} cannot be written: {error}") from error
    when = f", published on {published:%Y-%m-%d %H:%M} UTC" if published else ""
    say(f"✓ wrote {path}, which leads to the head {head}{when}")
    if published is None:
        say(
            "! that head was not published yet: it proves nothing against somebody who may write to"
            " the database; `crewgate audit publish` first, and make the file again"
        )
    say(
        f"  check it with the head and the key as they were posted or logged: crewgate audit check"
        f" {path} --head … --key …"
    )
    return 0


async def _head_after(
    last: int, wanted: int | None, reading: AuditReading, sign: Sign
) -> tuple[Head, Signature, datetime | None] | None:
    """Return the `wanted` head, by default the first published from entry `last` on, with its time.

    If no such head is published, the wanted or newest head is signed now, without a time. None if
    the wanted head is missing or before `last`. Raises ChainBroken if a published head does not
    fit, and NotDone if the last published head has another key.
    """
    published = await reading.published()
    strange = {*await reading.strange_heads()}
    for one in published:
        if one.head.number in strange or is_forged(one, sign):
            raise ChainBroken(one.head.number)
    if wanted is not None and wanted < last:
        return None
    for one in published:
        if one.head.number == wanted or (wanted is None and one.head.number >= last):
            return one.head, one.signed, one.at
    head = await reading.head(wanted)
    if head is None:
        return None
    signed = sign(head)
    if published and published[-1].signed.key != signed.key:
        raise NotDone(
            f"the last head, {published[-1].head.number}, has another key: set AUDIT_KEY here as"
            " the bot has it, or wait until it has published one with its new key"
        )
    return head, signed, None


def _texts(story: Story) -> Iterator[dict[str, Any]]:
    """Yield for each round its salt and its texts, in the order of their digests in entries."""
    digests: dict[str, dict[str, None]] = {}
    for row in story.own:
        entry = check_evidence.entry_of(body_of(row), row.number)
        if "round" in entry.data:
            digests.setdefault(entry.data["round"], {}).update(
                dict.fromkeys(check_evidence.digests_in(entry))
            )
    found = {round_.id: (round_.salt, story.texts(round_, some)) for round_, some in story.rounds}
    for name, known in digests.items():
        salt, texts = found.get(name, ("", {}))
        if some := [texts[digest] for digest in known if digest in texts]:
            yield {"round": name, "salt": salt, "texts": some}


def _link(row: sa.Row[Any]) -> list[str]:
    """Return the link that stands for an entry in the chain, if the file leaves its body out."""
    return [tag_of(row.crew, row.execution_id).hex(), sha256(row.body).hexdigest()]
