"""An evidence file is made, and checked by the script that needs nothing but Python."""

import json
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crewgate.audit.check_evidence import verify
from crewgate.settings.load import Settings
from crewgate.store.engine import Engines
from tests.audit.conftest import Audit, Make, link
from tests.audit.files import PUBLIC, head_of, lines, lines_of_part, own_places, signed, written
from tests.databases import both
from tests.repo.files import ROOT
from tests.usecases.world import World

# --- making it ------------------------------------------------------------------------------------


@both
async def test_an_execution_whose_texts_are_wiped_is_not_known(
    make: Make, audit: Audit, engines: Engines, tmp_path: Path
) -> None:
    await make("two people")
    async with engines.write.begin() as connection:
        for wipe in (
            "UPDATE outputs SET text = ''",
            "UPDATE rounds SET salt = NULL, feedback = '', votes = NULL",
        ):
            await connection.execute(sa.text(wipe))
    assert (await audit("evidence", "two people", "--output", "wiped.json"))[0] == 0
    file = json.loads((tmp_path / "wiped.json").read_text())
    assert file["texts"] == []
    said, _ = lines_of_part(file)
    assert "(2 of 2 approvals: U0BEN, U0EVE)" in "\n".join(said)
    assert "a text that is not here" in (await audit("show", "two people"))[1]


async def test_a_head_can_be_chosen(told: World, audit: Audit, tmp_path: Path) -> None:
    last = last_number(await audit("show", "e-1"))
    said = f"✗ no entry has the number 3, or it comes before the last one, {last}\n"
    assert await audit("evidence", "e-1", "--head", "3") == (1, said)
    assert (await audit("evidence", "e-1", "--head", "999"))[0] == 1
    exported = map(json.loads, (await audit("export"))[1].splitlines())
    newest = [one for one in exported if one["number"]][-1]
    status, said = await audit("evidence", "e-1", "--head", str(newest["number"]))
    file = json.loads((tmp_path / "evidence-e-1.json").read_text())
    assert (status, file["head"]["hash"]) == (0, newest["hash"])
    assert lines(file)
    assert "! that head was not published yet: it proves nothing against somebody who" in said


async def test_it_says_when_its_head_was_published(told: World, audit: Audit) -> None:
    _, said = await audit("evidence", "e-1")
    assert ", published on 2026-03-02 11:00 UTC" in said
    assert "not published" not in said


async def test_that_it_was_made_is_an_entry(told: World, audit: Audit) -> None:
    _, said = await audit("evidence", "e-1")
    made = json.loads((await audit("export"))[1].splitlines()[-2])
    assert (made["code"], made["actor"], made["execution"]) == ("CG195", "operator", "")
    assert made["data"] == {"crew": "research", "execution": "e-1", "head": head_in(said)}


def head_in(said: str) -> str:
    return said.partition("the head ")[2].partition(",")[0]


def last_number(shown: tuple[int, str]) -> str:
    return [line for line in shown[1].splitlines() if " UTC · " in line][-1].partition(" ")[0]


async def test_its_texts_are_for_whoever_asked_and_a_file_that_is_there_is_left_alone(
    told: World, audit: Audit, tmp_path: Path
) -> None:
    await audit("evidence", "e-1")
    assert stat.S_IMODE((tmp_path / "evidence-e-1.json").stat().st_mode) == 0o600
    with pytest.raises(Exception, match=r"evidence-e-1.json cannot be written: .*exists"):
        await audit("evidence", "e-1")


async def test_what_is_not_linked_yet_is_no_proof(told: World, audit: Audit) -> None:
    await told.notify("More.", execution_id="e-1")
    assert (await audit("evidence", "e-1"))[1].startswith("✗ not all entries are linked yet")


# --- the script -----------------------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    script = str(ROOT / "docs" / "check_evidence.py")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", script, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


async def test_the_script_needs_nothing_but_python(make: Make, tmp_path: Path) -> None:
    file = await make("delegate")
    path = tmp_path / "evidence.json"
    path.write_bytes(written(file))
    status, said = run(str(path), "--head", head_of(file), "--key", PUBLIC)
    assert (status, said.splitlines()[-1]) == (0, "✓ it holds")
    assert run(str(path), "--head", "1:00")[0] == 1
    assert run(str(tmp_path / "none"))[1].startswith("✗ ")


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"format": "crewgate-evidence-2"}',
        b"[" * 100_000,
        b'{"format": "crewgate-evidence-3", "chain": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b"\xff",
        b"",
    ],
)
def test_what_is_no_file_of_ours_is_said_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    status, said = run(str(path))
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("✗ this is no evidence file of the form crewgate-evidence-3")


async def test_odd_numbers_are_said_in_a_sentence(make: Make, tmp_path: Path) -> None:
    file = await make("alone")
    path = tmp_path / "odd"
    for odd in (10**30, 0, -1, 1.5, True, None, "1"):
        path.write_bytes(written(file | {"first": odd}))
        assert run(str(path)) == (1, "✗ a number is not of its form\n")


async def test_nothing_that_a_terminal_obeys_is_printed(
    world: World, settings: Settings, audit: Audit, tmp_path: Path
) -> None:
    name = "e\n✓ it holds\x1b[8m\u202e"
    await world.decide((await world.notify("\x1b[2J", execution_id=name)).round.id)
    world.clock.advance(timedelta(minutes=1))
    await link(world, settings)
    await audit("evidence", name, "--output", "odd.json")
    status, said = run(str(tmp_path / "odd.json"))
    assert status == 0
    shown = (await audit("show", name))[1]
    assert all(line.isprintable() for line in (*said.splitlines(), *shown.splitlines()))
    assert said.splitlines().count("✓ it holds") == 1


@hypothesis_settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511))
def test_signatures_are_verified_as_the_library_does(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify(key, message, signature)
    other = bytearray(signature)
    other[bit // 8] ^= 1 << bit % 8
    assert not verify(key, message, bytes(other))
    assert not verify(key, message + b"x", signature)
    assert not verify(key[:-1], message, signature)


async def test_a_file_that_is_cut_ends_with_a_status_of_its_own(make: Make, tmp_path: Path) -> None:
    file = await make("lapsed")
    at = next(at for at in own_places(file) if "CG124" in file["chain"][at][1])
    before = signed(file | {"chain": file["chain"][:at]})
    late = {"chain": file["chain"][at:], "first": file["first"] + at, "texts": []}
    made = file | late | {"previous": before["head"]["hash"]}
    path = tmp_path / "cut.json"
    path.write_bytes(written(made))
    status, said = run(str(path), "--head", head_of(made), "--key", PUBLIC)
    assert (status, "✓" in said) == (3, False)
    assert "! what is here fits, but its beginning is not proved: entries" in said.splitlines()[-1]
