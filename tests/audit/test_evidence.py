"""An evidence file holds without the database, and no change of it does."""

import copy
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crewgate.audit.check_evidence import Wrong, check, verify
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.settings.load import Settings
from crewgate.store.engine import Engines
from crewgate.store.tables import outbox
from crewgate.usecases.removal import remove_texts
from tests.audit.conftest import KEY, Audit
from tests.audit.conftest import link as link_entries
from tests.databases import both
from tests.repo.files import ROOT
from tests.usecases.world import CREW, World

PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY)).public_key().public_bytes_raw()
Files = dict[str, dict[str, Any]]


@pytest.fixture
async def files(told: World, audit: Audit, tmp_path: Path) -> Files:
    for name in ("e-1", "e-2"):
        status, said = await audit("evidence", name)
        assert (status, "wrote evidence-e-" in said) == (0, True), said
    return {
        name: json.loads((tmp_path / f"evidence-{name}.json").read_text())
        for name in ("e-1", "e-2")
    }


def head_of(file: dict[str, Any]) -> str:
    return f"{file['head']['number']}:{file['head']['hash']}"


def lines(file: dict[str, Any]) -> list[str]:
    return list(check(file, head_of(file), PUBLIC.hex()))


@both
async def test_a_stranger_can_check_it(files: Files) -> None:
    assert lines(files["e-1"])[-1].endswith("approve by U0EVE, with 2 of 2 approvals: U0BEN, U0EVE")
    assert lines(files["e-2"])[-1].endswith("revise by U0BEN, who might decide")
    assert {"Another draft.", "Shorter."} <= set(files["e-2"]["texts"][0]["texts"])
    assert json.loads(files["e-1"]["rules"][0]["rule"])["approvals"] == 2


@both
async def test_it_holds_once_the_texts_are_removed(
    files: Files, told: World, audit: Audit, settings: Settings, tmp_path: Path
) -> None:
    told.crew.pause("A draft.", execution="e-1")
    await told.turn(CREW)
    for name in ("e-1", "e-2"):
        await told.record(CrewUpdate(result=Output("Done.")), name)
    await told.settle_slack()
    async with told.engines.write.begin() as connection:
        await connection.execute(sa.delete(outbox))
    told.clock.advance(timedelta(days=91))
    before = told.clock() - timedelta(days=90)
    about = {"before": before, "begin": told.uow.begin, "clock": told.clock}
    removed = [one async for one in remove_texts("research", **about)]  # type: ignore[arg-type]
    assert removed[-1] == {"executions": 2}
    await link_entries(told, settings)
    status, said = await audit("verify", "--head", head_of(files["e-1"]))
    assert (status, "entries fit" in said) == (0, True)
    for name in ("e-1", "e-2"):
        status, said = await audit("evidence", name, "--output", f"after-{name}.json")
        assert status == 0, said
        after = json.loads((tmp_path / f"after-{name}.json").read_text())
        assert after["texts"] == []
        verdicts = [line for line in lines(files[name]) if " by U0" in line]
        assert [line for line in lines(after) if " by U0" in line] == verdicts
    # And what was proven before still is.
    assert lines(files["e-2"])[-1].endswith("revise by U0BEN, who might decide")
    story = (await audit("show", "e-2"))[1]
    assert "CG194" in story
    assert "Texts were removed, by crewgate." in story
    assert "Shorter." not in story


async def test_without_a_head_or_key_from_outside_it_says_so(files: Files) -> None:
    said = list(check(files["e-1"], None, None))
    assert said[1].startswith("! no head from outside")
    assert "compare the key with one from outside" in said[2]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all that a file says."""
    if isinstance(value, dict):
        return [one for key in value for one in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [one for place, each in enumerate(value) for one in leaves(each, (*path, place))]
    return [path]


def changed(file: dict[str, Any], path: tuple[Any, ...], at: int) -> dict[str, Any]:
    """The file with another byte at one place."""
    made: Any = copy.deepcopy(file)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    if isinstance(old, str):
        place = at % len(old) if old else 0
        new = "0" if old[place : place + 1] != "0" else "1"
        holder[path[-1]] = old[:place] + new + old[place + 1 :]
    else:
        holder[path[-1]] = not old if isinstance(old, bool) else old + 1
    return made  # type: ignore[no-any-return]


def holds(file: dict[str, Any], head: str) -> bool:
    try:
        list(check(file, head, PUBLIC.hex()))
    except (Wrong, AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


async def test_any_byte_that_is_changed_is_found(files: Files) -> None:
    for file in files.values():
        head = f"{file['head']['number']}:{file['head']['hash']}"
        assert holds(file, head)
        for path in leaves(file):
            for at in (0, 7, 40):
                assert not holds(changed(file, path, at), head), path


def places_of(file: dict[str, Any], *, own: bool = True) -> list[int]:
    return [at for at, link in enumerate(file["chain"]) if isinstance(link, str) is own]


def drop(file: dict[str, Any], _: dict[str, Any]) -> None:
    file["chain"].pop(places_of(file)[1])


def reorder(file: dict[str, Any], _: dict[str, Any]) -> None:
    first, second, *_rest = places_of(file)
    chain = file["chain"]
    chain[first], chain[second] = chain[second], chain[first]


def replace_by_digests(file: dict[str, Any], _: dict[str, Any]) -> None:
    at = places_of(file)[2]
    tag = sha256(f"{file['crew']}\n{file['execution']}".encode()).hexdigest()
    file["chain"][at] = [tag, sha256(file["chain"][at].encode()).hexdigest()]


def swap_executions(file: dict[str, Any], other: dict[str, Any]) -> None:
    file["execution"] = other["execution"]


def take_another_rule(file: dict[str, Any], _: dict[str, Any]) -> None:
    file["rules"] = []


def add_a_text(file: dict[str, Any], _: dict[str, Any]) -> None:
    file["texts"][0]["texts"].append("Never said.")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (drop, "do not lead to the head"),
        (reorder, "do not lead to the head"),
        (replace_by_digests, "of this execution, and was left out"),
        (swap_executions, "is of another execution"),
        (take_another_rule, "its rule is not in the file, or was changed"),
        (add_a_text, "no entry has the text 'Never said.'"),
    ],
)
async def test_each_forgery_is_named(
    files: Files, tamper: Callable[[dict[str, Any], dict[str, Any]], None], says: str
) -> None:
    tamper(files["e-1"], files["e-2"])
    with pytest.raises(Wrong, match=says):
        lines(files["e-1"])


async def test_another_head_or_key_is_named(files: Files) -> None:
    with pytest.raises(Wrong, match=r"it leads to the head .*, and not to 1:00"):
        list(check(files["e-1"], "1:00", None))
    with pytest.raises(Wrong, match=r"is signed by the key .*, and not by 0f0f"):
        list(check(files["e-1"], None, "0f0f"))
    unsigned = files["e-1"] | {"head": files["e-1"]["head"] | {"key": "", "signature": ""}}
    with pytest.raises(Wrong, match="the head is not signed"):
        list(check(unsigned, None, PUBLIC.hex()))
    assert "! the head is not signed" in list(check(unsigned, None, None))


def forged(file: dict[str, Any], *changes: tuple[str, Callable[[dict[str, Any]], None]]) -> Any:
    """The file of somebody who holds the key, and so can make the whole chain anew."""
    made = copy.deepcopy(file)
    for code, edit in changes:
        for at in places_of(made):
            body = json.loads(made["chain"][at])
            if body["code"] == code:
                edit(body["data"])
                made["chain"][at] = json.dumps(body)
    previous, number = bytes.fromhex(made["previous"]), made["first"] - 1
    own = sha256(f"{made['crew']}\n{made['execution']}".encode()).digest()
    for link in made["chain"]:
        number += 1
        tag, digest = (
            (own, sha256(link.encode()).digest())
            if isinstance(link, str)
            else map(bytes.fromhex, link)
        )
        previous = sha256(previous + number.to_bytes(8, "big") + tag + digest).digest()
    message = f"crewgate audit head {number}:{previous.hex()}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY)).sign(message)
    made["head"] |= {"number": number, "hash": previous.hex(), "signature": signature.hex()}
    return made


@pytest.mark.parametrize(
    ("code", "edit", "says"),
    [
        ("CG121", lambda data: data.update(named={}), "was not among those who might decide"),
        (
            "CG121",
            lambda data: data.update(permitted=[*data["permitted"], "U0X"]),
            "others might decide than the rule names",
        ),
        ("CG121", lambda data: data.update(on_behalf_of="U0EVE"), "was not among those"),
        ("CG124", lambda data: data.update(votes={"U0BEN": None}), "2 of 2 approvals stood"),
        ("CG122", lambda data: data.update(by="U0ANA"), "U0ANA had not approved"),
        ("CG121", lambda data: data.update(starter=["U0BEN"]), "the rule forbids that"),
        ("CG101", lambda data: data.update(number=2), "round 1 is missing"),
        ("CG101", lambda data: data.update(round="another"), "nothing says that it was opened"),
    ],
)
async def test_the_rule_is_replayed(
    files: Files, code: str, edit: Callable[[dict[str, Any]], None], says: str
) -> None:
    file = forged(files["e-1"], (code, edit))
    with pytest.raises(Wrong, match=says):
        lines(file)


@both
async def test_an_execution_whose_texts_are_wiped_still_holds(
    told: World, audit: Audit, engines: Engines, tmp_path: Path
) -> None:
    async with engines.write.begin() as connection:
        for wipe in (
            "UPDATE outputs SET text = ''",
            "UPDATE rounds SET salt = NULL, feedback = '', votes = NULL",
        ):
            await connection.execute(sa.text(wipe))
    assert (await audit("evidence", "e-1", "--output", "wiped.json"))[0] == 0
    file = json.loads((tmp_path / "wiped.json").read_text())
    assert file["texts"] == []
    assert lines(file)[-1].endswith("with 2 of 2 approvals: U0BEN, U0EVE")
    assert "words: " in (await audit("show", "e-1"))[1]


async def test_a_head_can_be_chosen(told: World, audit: Audit, tmp_path: Path) -> None:
    last = last_number(await audit("show", "e-1"))
    said = f"✗ no entry has the number 3, or it comes before the last one, {last}\n"
    assert await audit("evidence", "e-1", "--head", "3") == (1, said)
    assert (await audit("evidence", "e-1", "--head", "999"))[0] == 1
    newest = json.loads((await audit("export"))[1].splitlines()[-2])
    status, _ = await audit("evidence", "e-1", "--head", str(newest["number"]))
    file = json.loads((tmp_path / "evidence-e-1.json").read_text())
    assert (status, file["head"]["hash"]) == (0, newest["hash"])
    assert lines(file)


def last_number(shown: tuple[int, str]) -> str:
    return [line for line in shown[1].splitlines() if " · " in line][-1].partition(" ")[0]


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


async def test_the_script_needs_nothing_but_python(files: Files, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        script = str(ROOT / "docs" / "check_evidence.py")
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", "-S", script, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    path = str(tmp_path / "evidence-e-1.json")
    head = files["e-1"]["head"]
    status, said = run(path, "--head", f"{head['number']}:{head['hash']}", "--key", PUBLIC.hex())
    assert (status, said.splitlines()[-1]) == (0, "✓ it holds")
    assert run(path, "--head", "1:00")[0] == 1
    assert run(str(tmp_path / "none"))[1].startswith("✗ ")
    (tmp_path / "odd").write_text("{}")
    assert run(str(tmp_path / "odd")) == (
        1,
        "✗ this is no evidence file of the form crewgate-evidence-1\n",
    )
    (tmp_path / "odd").write_text('{"format": "crewgate-evidence-1"}')
    assert "this is no evidence file, or a part of it was changed" in run(str(tmp_path / "odd"))[1]


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
