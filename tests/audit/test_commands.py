"""`crewgate audit verify`, `show` and `export` on a story, and on one that was changed."""

import argparse
import csv
import errno
import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crewgate.audit.check_evidence import check_file
from crewgate.audit.run import run_audit
from crewgate.check.findings import NotDone
from crewgate.domain.audit import Code, Head
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ChainBroken, CrewgateError, RowUnreadable
from crewgate.settings.load import Settings
from crewgate.store.audit import link_hash, tag_of
from crewgate.store.engine import Engines
from crewgate.store.tables import audit_entries, audit_heads
from tests.audit.conftest import Audit, link
from tests.audit.files import PUBLIC
from tests.audit.kinds import KINDS
from tests.builders import ANA
from tests.databases import both
from tests.usecases.world import CREW, World

OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
FREELY = {
    "sqlite": [
        f"DROP TRIGGER IF EXISTS audit_{name}"
        for name in ("kept", "linked_once", "heads_kept", "heads_unchanged")
    ],
    "postgresql": ["SET LOCAL session_replication_role = replica"],
}


async def change(engines: Engines, *statements: str | sa.Executable) -> None:
    """Change the trail as somebody who may do all to the database."""
    async with engines.write.begin() as connection:
        for statement in (*FREELY[connection.dialect.name], *statements):
            text = sa.text(statement) if isinstance(statement, str) else statement
            await connection.execute(text)
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.text("RESET session_replication_role"))


async def head_of(audit: Audit) -> str:
    _, said = await audit("verify")
    return str(re.findall(r"\d+:[0-9a-f]{64}", said)[0])


@both
async def test_a_chain_that_holds(told: World, audit: Audit, settings: Settings) -> None:
    head = await head_of(audit)
    assert await audit("verify", "--head", head) == (
        0,
        f"✓ {head.partition(':')[0]} entries fit, up to the head {head}\n",
    )
    assert (await audit("verify"))[1].splitlines()[1:] == [
        "! no head from outside was given: a complete rewrite would not be seen"
    ]
    await told.notify("A third.", execution_id="e-3")
    _, said = await audit("verify", "--head", head)
    assert "entries not linked yet: 1; a running bot links them within seconds" in said
    await link(told, settings)
    assert (await audit("verify", "--head", head))[0] == 0


@both
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE audit_entries SET execution_id = 'e-9' WHERE number = 3",
            "entry 3: its content was changed, or that of an entry before",
        ),
        ("DELETE FROM audit_entries WHERE number = 4", "entry 5: entries 4 to 4 are missing"),
        (
            "UPDATE audit_entries SET at = at + 1 WHERE number = 2",
            "entry 2: its content is no entry, or its columns say another thing",
        ),
        (
            "DELETE FROM audit_entries WHERE number > 3",
            "entry 4: it is missing, and a head was published of",
        ),
    ],
)
async def test_the_first_entry_that_does_not_fit_is_named(
    told: World, audit: Audit, engines: Engines, statement: str, says: str
) -> None:
    await change(engines, statement)
    status, said = await audit("verify")
    assert status == 1
    assert said.startswith(f"✗ {says}")


@both
async def test_two_entries_that_changed_places_are_found(
    told: World, audit: Audit, engines: Engines
) -> None:
    swap = [
        f"UPDATE audit_entries SET number = {new} WHERE number = {old}"  # noqa: S608
        for old, new in ((4, 99), (5, 4), (99, 5))
    ]
    await change(engines, *swap)
    assert (await audit("verify"))[1].startswith("✗ entry 4: it names another entry")


async def rewrite(engines: Engines, **counted: int | None) -> None:
    """Make the whole chain anew, with another actor in one entry, or with another count."""
    async with engines.read.connect() as connection:
        rows = list(await connection.execute(sa.select(audit_entries).order_by("number")))
    await change(engines, sa.delete(audit_entries), sa.text("DELETE FROM audit_heads"))
    previous = bytes(32)
    made: list[dict[str, Any]] = []
    for row in rows:
        body = row.body if counted else row.body.replace(b'"U0BEN"', b'"U0ANA"')
        nth = counted["nth"] if row.number == counted.get("first") else row.nth
        linked = link_hash(previous, row.number, tag_of(row.crew, row.execution_id), nth, body)
        link = {"previous": previous, "hash": linked, "nth": nth}
        made.append({**row._asdict(), "body": body, **link})
        previous = linked
    async with engines.write.begin() as connection:
        await connection.execute(sa.insert(audit_entries), made)


@both
async def test_a_complete_rewrite_is_seen_by_a_head_from_outside(
    told: World, audit: Audit, engines: Engines
) -> None:
    head = await head_of(audit)
    await rewrite(engines)
    status, said = await audit("verify")
    assert (status, "would not be seen" in said) == (0, True)
    number = head.partition(":")[0]
    assert await audit("verify", "--head", head) == (
        1,
        f"✗ entry {number}: it is another than the one whose head was published\n",
    )


async def rewrite_heads(engines: Engines, **columns: Any) -> None:
    """Have the heads fit to the entries as they are, without the key."""
    same = audit_entries.c.number == audit_heads.c.number
    hashed = sa.select(audit_entries.c.hash).where(same).scalar_subquery()
    await change(engines, sa.update(audit_heads).values(hash=hashed, **columns))


async def kept_heads(engines: Engines) -> list[dict[str, Any]]:
    async with engines.read.connect() as connection:
        return [row._asdict() for row in await connection.execute(sa.select(audit_heads))]


@both
async def test_a_rewrite_with_its_heads_needs_the_key(
    told: World, audit: Audit, engines: Engines
) -> None:
    heads = await kept_heads(engines)
    await rewrite(engines)
    async with engines.write.begin() as connection:
        await connection.execute(sa.insert(audit_heads), heads)
    await rewrite_heads(engines)
    number = heads[0]["number"]
    status, said = await audit("verify")
    assert (status, said) == (
        1,
        f"✗ entry {number}: the key did not sign the head that was published of it\n",
    )
    with pytest.raises(ChainBroken, match=f"the published head {number} does not fit"):
        await audit("evidence", "e-1")
    with pytest.raises(ChainBroken, match=f"the published head {number} does not fit"):
        await audit("publish")


@both
async def test_without_the_key_each_head_is_verified_by_the_key_that_it_names(
    told: World, audit: Audit, settings: Settings, engines: Engines, database_url: str
) -> None:
    keyless = replace(settings, audit_key=None)
    verify = argparse.Namespace(of_audit="verify", head=None)
    assert await run_audit(keyless, verify) == 0
    heads = await kept_heads(engines)
    await rewrite(engines)
    async with engines.write.begin() as connection:
        await connection.execute(sa.insert(audit_heads), heads)
    await rewrite_heads(engines)
    assert await run_audit(keyless, verify) == 1


async def test_without_the_key_it_says_whose_signatures_it_verified(
    told: World, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    keyless = replace(settings, audit_key=None)
    await run_audit(keyless, argparse.Namespace(of_audit="verify", head=None))
    said = f"! heads up to 17 were signed by the key {PUBLIC}, which is not here: compare"
    assert said in capsys.readouterr().out


@both
async def test_an_entry_that_is_miscounted_is_found(
    told: World, audit: Audit, engines: Engines
) -> None:
    """Somebody who writes to the database gives an execution another beginning."""
    await rewrite(engines, first=5, nth=1)
    status, said = await audit("verify")
    assert (status, "5: it is said to be 1 of its execution, and is" in said) == (1, True)
    await rewrite(engines, first=5, nth=None)
    assert "5: it is said to be None of its execution, and is" in (await audit("verify"))[1]


@both
@pytest.mark.parametrize("key", ["", OTHER.public_key().public_bytes_raw().hex()])
async def test_nothing_is_signed_beyond_a_head_of_another_key(
    told: World, audit: Audit, engines: Engines, settings: Settings, key: str
) -> None:
    [one] = await kept_heads(engines)
    signature = OTHER.sign(Head(one["number"], one["hash"]).signed).hex() if key else ""
    await rewrite_heads(engines, key=key, signature=signature)
    by = f"signed by another key, {key}" if key else "not signed"
    status, said = await audit("verify")
    assert status == 0
    assert f"! heads up to 17 were {by}: compare them with those that were posted" in said
    await told.notify("Late.", execution_id="e-3")
    async with told.uow.begin() as tx:
        await tx.audit.link()
    with pytest.raises(NotDone, match="the last head, 17, has another key: set AUDIT_KEY here"):
        await audit("evidence", "e-3")
    assert await audit("publish") == (
        1,
        "✗ the last head has another key: set AUDIT_KEY here as the bot has it\n",
    )


@both
async def test_a_head_is_published_on_demand(
    told: World, audit: Audit, engines: Engines, settings: Settings
) -> None:
    [first] = await kept_heads(engines)
    nothing = f"✓ nothing happened since the last head, {Head(first['number'], first['hash'])}\n"
    assert await audit("publish") == (0, nothing)
    await told.notify("Late.", execution_id="e-3")
    status, said = await audit("publish")
    heads = await kept_heads(engines)
    head = Head(heads[-1]["number"], heads[-1]["hash"])
    assert status == 0
    assert said.splitlines() == [
        f"✓ the head is {head}",
        f"  its key is {PUBLIC}",
        f"  its signature is {heads[-1]['signature']}",
    ]
    assert (await audit("verify", "--head", str(head)))[0] == 0
    _, said = await audit("evidence", "e-3", "--output", "late.json")
    assert f"which leads to the head {head}, published on" in said


async def test_what_is_no_head_is_refused(told: World, audit: Audit) -> None:
    with pytest.raises(CrewgateError, match="12 is no head"):
        await audit("verify", "--head", "12")


@both
async def test_a_story_can_be_read(told: World, audit: Audit) -> None:
    status, said = await audit("show", "e-2")
    assert status == 0
    head, *lines = said.splitlines()
    assert head == "Execution e-2 of research"
    assert lines[2].startswith("5 · 2026-03-02 09:00:00 UTC · round 1 · ")
    named = "the crew's settings name U0ANA, @Ben (U0BEN)"
    assert [line.partition(" · round 1 · ")[2] for line in lines] == [
        f"The crew put an output up for review: task draft; {named}; “Another draft.”",
        "The card was posted: 100 % of the output shown",
        "@Ben (U0BEN) decided: revise: “Shorter.”",
        "A try to tell the crew began",
        "The crew refused the decision: code 404; a text that is not here",
        "The decision could not be told, and a person must act: code 404; a text that is not here",
        "U0ANA had the decision sent again",
        "A try to tell the crew began",
        "The crew took the decision: “Thank you.”",
    ]
    assert await audit("show", "x") == (1, "✗ no execution with entries begins with x\n")


async def test_who_was_away_is_told(world: World, audit: Audit) -> None:
    await KINDS["delegate"](world, "e-1")
    story = (await audit("show", "e-1"))[1]
    assert "@Ben (U0BEN) went away, and @Eve (U0EVE) decides for them: until 2026-03-03T" in story
    assert "@Eve (U0EVE) for @Ben (U0BEN) decided: approve" in story
    assert "back" not in story  # that was after it


async def test_a_story_is_masked(world: World, audit: Audit) -> None:
    """Of a crew that the settings do not name, all that can be."""
    await KINDS["masked"](world, "e-1")
    text = "Write to bob@example.com."
    await world.notify(text, execution_id="e-2", task_id="ask bob@example.com")
    for name in ("e-1", "e-2"):
        story = (await audit("show", name))[1]
        assert "“Write to [e-mail address].”" in story
        assert "@example.com" not in story


async def test_several_executions_are_named(told: World, audit: Audit) -> None:
    said = "✗ several executions begin with e-\n    e-1 --crew research\n    e-2 --crew research\n"
    assert await audit("show", "e-") == (1, said)


async def test_another_crew_takes_nothing_away(
    told: World, audit: Audit, settings: Settings
) -> None:
    await told.notify("Mine.", crew="another", execution_id="e-2")
    await link(told, settings)
    said = "✗ several executions begin with e-2\n    e-2 --crew another\n    e-2 --crew research\n"
    assert await audit("evidence", "e-2") == (1, said)
    assert (await audit("show", "e-2", "--crew", "research"))[1].count("Another draft.") == 1
    assert (await audit("evidence", "e-2", "--crew", "research"))[0] == 0


@both
async def test_what_nobody_decided_must_not_be_told(
    world: World, settings: Settings, audit: Audit
) -> None:
    """Somebody who may write to the database, and does not hold the key, has it sent."""
    world.crew.pause()
    round_ = (await world.notify()).round
    by = "decided_by = 'U0ANA', decided_by_name = '', decided_via = 'button', is_approve = true"
    forged = sa.text(f"UPDATE rounds SET state = 'DECIDED', decided_at = opened_at, {by}")  # noqa: S608
    async with world.engines.write.begin() as connection:
        await connection.execute(forged)
    await world.enqueue(EffectKind.RESUME, round_.id)
    await world.turn(CREW)
    await link(world, settings)
    status, said = await audit("verify")
    assert status == 1
    assert "✗ entry 2: the crew was told what nobody had decided, in execution e-1" in said
    await audit("evidence", "e-1", "--output", "one.json")
    assert check_file("one.json", None, None) == 1


@both
async def test_each_way_to_decide_lets_the_crew_be_told(
    world: World, settings: Settings, audit: Audit
) -> None:
    """A person, the time, and a rule that allows a call."""
    for name in ("alone", "timed out", "calls"):
        await KINDS[name](world, name)
    await link(world, settings)
    status, said = await audit("verify")
    assert (status, " entries fit" in said) == (0, True), said
    codes = {json.loads(line)["code"] for line in (await audit("export"))[1].splitlines()}
    assert {code for code in Code if code.decides} <= codes


@both
async def test_all_of_it_is_exported(told: World, audit: Audit, engines: Engines) -> None:
    _, said = await audit("export")
    lines = [json.loads(line) for line in said.splitlines()]
    async with engines.read.connect() as connection:
        count = await connection.scalar(sa.select(sa.func.count()).select_from(audit_entries))
    assert len(lines) == count
    assert [line["code"] for line in lines[-2:]] == ["CG192", "CG193"]
    assert (lines[-1]["number"], lines[-1]["actor"]) == (None, "operator")
    assert lines[0]["number"] == 1
    assert len(lines[0]["hash"]) == 64


async def test_a_damaged_entry_is_named_with_a_sentence(
    told: World, audit: Audit, engines: Engines
) -> None:
    await change(engines, "UPDATE audit_entries SET body = 'a text' WHERE number = 1")
    status, told_of = await audit("verify")
    assert (status, told_of.startswith("✗ entry 1: its content was changed")) == (1, True)
    for words in (("show", "e-1"), ("export",)):
        with pytest.raises(RowUnreadable, match="the row 1 of audit_entries cannot be read"):
            await audit(*words)


async def test_some_of_it_is_exported(told: World, audit: Audit) -> None:
    assert (await audit("export", "--crew", "another"))[1] == ""
    assert (await audit("export", "--until", "2026-03-02"))[1] == ""
    since = (await audit("export", "--since", "2026-03-02T09:00", "--crew", "research"))[1]
    assert {json.loads(line)["crew"] for line in since.splitlines()} == {"research"}


async def test_a_table_is_exported_that_no_spreadsheet_runs(told: World, audit: Audit) -> None:
    await told.notify("x", execution_id="=1+1")
    await told.notify("x", execution_id="e\x1b[8m\u202e")
    _, said = await audit("export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert rows[0]["means"] == "A review was opened for an output"
    assert [row["execution"] for row in rows if "1+1" in row["execution"]] == ["'=1+1"]
    assert "\\x1b[8m\\u202e" in said
    assert said.replace("\r\n", "").isprintable()
    decided = [row for row in rows if row["code"] == "CG124"]
    assert json.loads(decided[0]["data"])["permitted"] == [ANA.id, "U0BEN"]


async def test_a_full_disk_ends_an_export_with_a_sentence(
    told: World, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(NotDone, match=r"the export is not complete: .*No space left"):
        await audit("export")
