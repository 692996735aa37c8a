"""An evidence file holds without the database, and shows what the bot must not have done."""

import json
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
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

from crewgate.audit.check_evidence import DECIDES, Wrong, check, verify
from crewgate.domain.audit import Code
from crewgate.settings.load import Settings
from crewgate.store.engine import Engines
from tests.audit import kinds
from tests.audit.conftest import Audit, link
from tests.audit.files import PUBLIC, File, forged, head_of, lines, own_places, signed, written
from tests.builders import BEN, a_rule
from tests.databases import both
from tests.repo.files import ROOT
from tests.usecases.world import World

Make = Callable[[str], Awaitable[File]]
"""Have an execution of a kind, and return its evidence."""
Body = dict[str, Any]


@pytest.fixture
def make(world: World, settings: Settings, audit: Audit, tmp_path: Path) -> Make:
    async def run(kind: str) -> File:
        happens = kinds.KINDS.get(kind, kinds.by_a_delegate)
        await happens(world, kind)
        await link(world, settings)
        status, said = await audit("evidence", kind, "--output", "made.json")
        assert status == 0, said
        path = tmp_path / "made.json"
        file: File = json.loads(path.read_bytes())
        path.unlink()
        return file

    return run


@both
async def test_a_stranger_is_told_the_story(make: Make) -> None:
    said = lines(await make("two people"))
    story = [line.partition(" UTC · round 1 · ")[2] for line in said if " UTC · " in line]
    rule, both = "rule “contracts”; 2 approvals", "U0ANA, @Ben (U0BEN)"
    draft, why = "“It costs 3 euros.”", "2 of 2 approvals: @Ben (U0BEN), @Eve (U0EVE)"
    assert story[:9] == [
        f"The crew put an output up for review: {rule}; it names {both}; task draft; {draft}",
        "The card was posted: 100 % of the output shown",
        "@Ben (U0BEN) approved: 100 % of the output shown; a text that is not here",
        "@Ben (U0BEN) took back the approval of @Ben (U0BEN): a text that is not here",
        f"More people may decide: {rule}; it names {both}, @Eve (U0EVE)",
        "@Ben (U0BEN) approved: 100 % of the output shown",
        "@Eve (U0EVE) approved: 100 % of the output shown",
        f"@Eve (U0EVE) decided: approve: {rule}; 100 % of the output shown; “Approved.” ({why})",
        "A try to tell the crew began",
    ]
    assert "! texts and names of the entries that are not in this file: 1" in said


async def test_a_delegate_is_told_with_the_person_they_decided_for(make: Make) -> None:
    told = "\n".join(lines(await make("delegate")))
    assert "@Ben (U0BEN) went away, and @Eve (U0EVE) decides for them: until 2026-03-03" in told
    assert "@Eve (U0EVE) for @Ben (U0BEN) decided: approve" in told


async def test_a_rule_that_somebodys_words_bring_is_told_and_holds(make: Make) -> None:
    told = "\n".join(lines(await make("words")))
    assert "Its rule changed: rule “contracts + wires”; 3 approvals" in told
    assert "The approval of U0EVE no longer counts" in told
    assert "(3 of 3 approvals: @Ana (U0ANA), @Ben (U0BEN), @Cai (U0CAI))" in told


async def test_what_the_crew_was_taught_is_told(make: Make) -> None:
    told = "\n".join(lines(await make("taught")))
    chose = "The bot chose what the crew was taught at its kickoff"
    assert f"{chose}: lessons l-1; older lessons left out: 2" in told
    assert f"{chose}: none, by lot" in told


@both
async def test_once_the_texts_are_removed_it_holds_and_says_how_many(make: Make) -> None:
    said = lines(await make("removed"))
    assert "0 texts are those of the entries" in said
    assert any("U0BEN decided: approve: 100 % of" in line for line in said)
    assert any("The texts were removed" in line for line in said)


async def test_without_a_head_or_key_from_outside_it_says_so(make: Make) -> None:
    file = await make("alone")
    said = list(check(file, None, None))
    assert said[1].startswith("! no head from outside")
    assert "compare the key with one from outside" in said[2]
    with pytest.raises(Wrong, match=r"it leads to the head .*, and not to 1:00"):
        list(check(file, "1:00", None))
    with pytest.raises(Wrong, match=r"is signed by the key .*, and not by 0f0f"):
        list(check(file, None, "0f0f"))
    unsigned = file | {"head": file["head"] | {"key": "", "signature": ""}}
    with pytest.raises(Wrong, match="the head is not signed"):
        list(check(unsigned, None, PUBLIC))
    assert "! the head is not signed" in list(check(unsigned, None, None))


# --- what is hidden or added by somebody without a key --------------------------------------------


def own_tag(file: File) -> str:
    return sha256(f"{file['crew']}\n{file['execution']}".encode()).hexdigest()


def replace_by_digests(file: File) -> None:
    at = own_places(file)[2]
    file["chain"][at] = [own_tag(file), sha256(file["chain"][at].encode()).hexdigest()]


def move_the_border_of_a_link(file: File) -> None:
    replace_by_digests(file)
    at = next(at for at, one in enumerate(file["chain"]) if isinstance(one, list))
    tag, digest = file["chain"][at]
    file["chain"][at] = [tag[:-2], tag[-2:] + digest]


def swallow_a_link(file: File) -> None:
    tag, digest = own_tag(file), sha256(file["chain"].pop(0).encode()).hexdigest()
    file["previous"] += f"{file['first']:016x}{tag}{digest}"
    file["first"] += 1


def move_a_line_into_the_salt(file: File) -> None:
    one = file["texts"][0]
    begin, _, rest = one["texts"][0].partition(" ")
    one["salt"], one["texts"][0] = f"{one['salt']}\n{begin}", rest


def hold_nothing(file: File) -> None:
    file |= {"chain": [], "first": file["head"]["number"] + 1, "previous": file["head"]["hash"]}
    file |= {"rules": [], "texts": []}


def add_a_rule(file: File) -> None:
    file["rules"].append({"escalated": False, "rule": "{}"})


def add_a_text(file: File) -> None:
    file["texts"][0]["texts"].append("Never said.")


def add_a_key(file: File) -> None:
    file["head"]["published"] = True


def be_another(file: File) -> None:
    file["execution"] = "another"


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (replace_by_digests, "of this execution, and was left out"),
        (move_the_border_of_a_link, "is not of its form"),
        (swallow_a_link, "is not of its form"),
        (move_a_line_into_the_salt, "is not of its form"),
        (hold_nothing, "it has no entry of the execution"),
        (add_a_rule, "the rules are not those that the entries name"),
        (add_a_text, "no entry has the text 'Never said.'"),
        (add_a_key, "is not of its form"),
        (be_another, "is of another execution"),
    ],
)
async def test_each_forgery_is_named(make: Make, tamper: Callable[[File], None], says: str) -> None:
    file = await make("two people")
    tamper(file)
    with pytest.raises(Wrong, match=says):
        lines(file)


async def test_a_file_that_begins_late_says_so(make: Make) -> None:
    """Whoever leaves out the beginning cannot say that it is one."""
    file = await make("stuck")
    entries = own_places(file)
    late = {"chain": file["chain"][entries[1] :], "first": file["first"] + entries[1], "texts": []}
    before = signed(file | {"chain": file["chain"][: entries[1]]})
    late["previous"] = before["head"]["hash"]
    said = lines(file | late)
    assert f"! entries before {late['first']} are not in this file, and not known" in said
    assert sum("it is not known by which right" in line for line in said) == len(entries) - 1


async def test_an_absence_cannot_be_left_out(make: Make) -> None:
    file = await make("delegate")
    at = next(at for at in own_places(file) if "CG142" in file["chain"][at])
    tag = sha256(b"\nU0BEN").hexdigest()
    file["chain"][at] = [tag, sha256(file["chain"][at].encode()).hexdigest()]
    with pytest.raises(Wrong, match="is about somebody who was away, and was left out"):
        lines(file)


# --- what the bot itself must not have done ------------------------------------------------------


def data(**changes: Any) -> Callable[[Body], object]:
    return lambda body: body["data"].update(changes)


def at(moment: str) -> Callable[[Body], object]:
    return lambda body: body.update(at=f"{moment}.000000+00:00")


def by(actor: str) -> Callable[[Body], object]:
    return lambda body: body.update(actor=actor)


@pytest.mark.parametrize(
    ("kind", "code", "edit", "says"),
    [
        ("two people", "CG121", data(named={}), "was not among those who might decide"),
        ("two people", "CG121", data(permitted=["U0BEN", "U0EVE", "U0X"]), "others might decide"),
        ("two people", "CG121", data(on_behalf_of="U0ANA"), "U0ANA was not among those"),
        ("two people", "CG124", data(votes={"U0BEN": None}), "2 of 2 approvals stood"),
        ("two people", "CG122", data(by="U0ANA"), "U0ANA had not approved"),
        ("two people", "CG121", data(starter=["U0BEN"]), "the rule forbids that"),
        ("two people", "CG124", data(starter=["U0BEN"]), "the rule forbids that"),
        ("two people", "CG101", data(number=2), "round 1 is missing"),
        ("two people", "CG101", data(round="another"), "nothing says that it was opened"),
        ("two people", "CG124", data(rule="", votes={}), "its rule is another than the round's"),
        ("two people", "CG113", at("2026-03-02T09:30:00"), "it came before 1h had passed"),
        ("delegate", "CG124", by("U0CAI"), "nothing says that U0CAI decided for U0BEN"),
        ("delegate", "CG124", data(on_behalf_of="U0ANA"), "for whom nobody decided"),
        ("delegate", "CG141", data(delegate="U0CAI"), "nothing says that U0EVE decided for U0BEN"),
        ("delegate", "CG141", data(until="2026-03-02T09:30:00+00:00"), "U0BEN was back before"),
        ("alone", "CG124", data(permitted=["U0EVE"], named={"U0ANA": ["U0EVE"]}), "not among"),
        ("alone", "CG124", data(permitted=["*"], named={"U0ANA": ["*"], "U0BEN": ["*"]}), "others"),
        ("alone", "CG124", data(approval=False), "it is not said if it approves"),
        ("other settings", "CG191", data(reviewers=["U0EVE"]), "others might decide than the rule"),
        ("timed out", "CG125", at("2026-03-02T10:00:00"), "it came before 1d had passed"),
        ("timed out", "CG125", data(verdict="approve"), "the rule does not decide so"),
        ("calls", "CG126", data(verdict="revise"), "the rule does not decide so"),
        ("groups", "CG124", data(votes={"U0ANA": "S0LEGAL", "U0BEN": "S0LEGAL"}), "S0FINANCE had"),
        ("edited", "CG106", by("U0EVE"), "nothing says that the output was edited"),
        ("stuck", "CG105", lambda body: body.update(code="CG124"), "it was decided before"),
        ("in doubt", "CG131", lambda body: body.update(code="CG111"), "no try to tell the crew"),
        ("two tasks", "CG102", lambda body: body.update(code="CG111"), "round before still waited"),
    ],
)
async def test_the_rule_the_order_and_the_time_are_replayed(
    make: Make, kind: str, code: str, edit: Callable[[Body], object], says: str
) -> None:
    file = await make(kind)
    assert lines(forged(file))
    # Its texts are those of other entries then.
    with pytest.raises(Wrong, match=says):
        lines(forged(file | {"texts": [], "rules": rules_of(file, code, edit)}, (code, edit)))


def rules_of(file: File, code: str, edit: Callable[[Body], object]) -> list[Any]:
    """The rules that are still named."""
    made = forged(file, (code, edit))
    named = [json.loads(made["chain"][at])["data"].get("rule") for at in own_places(made)]
    return [one for one in file["rules"] if rule_id(file, one) in named]


def rule_id(file: File, one: dict[str, Any]) -> str:
    return sha256(f"{file['crew']}\n{one['escalated']}\n{one['rule']}".encode()).hexdigest()


def test_the_checker_knows_each_code_that_decides() -> None:
    """The script imports nothing of the bot, so it has a copy."""
    assert set(DECIDES) == {code for code in Code if code.decides}


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("alone", "CG124", "nobody had decided what the crew was told"),
        ("two people", "CG113", "its rule is another than the round's"),
        ("delegate", "CG141", "nothing says that U0EVE decided for U0BEN"),
        ("named", "CG116", "its rule is another than the round's"),
        ("edited", "CG106", "the round before still waited"),
        ("groups", "CG121", "0 of 2 approvals stood"),
        ("other settings", "CG191", "others might decide than the rule, or the crew's settings"),
    ],
)
async def test_an_entry_that_never_was_is_missed(
    make: Make, kind: str, code: str, says: str
) -> None:
    file = await make(kind)
    made = forged(file | {"texts": []}, without=lambda body: body["code"] == code)
    with pytest.raises(Wrong, match=says):
        lines(made)


async def test_an_approval_for_somebody_away_must_be_right_when_it_decides(make: Make) -> None:
    file = await make("delegate lapsed")
    stood = dict.fromkeys(("U0EVE", "U0ANA", "U0CAI"))
    made = forged(file, ("CG124", data(votes=stood)), without=lambda body: body["code"] == "CG123")
    with pytest.raises(Wrong, match="the rule lets nobody decide for others"):
        lines(made)


async def test_a_decision_after_the_crew_took_one_is_found(make: Make) -> None:
    file = await make("alone")
    decided, taken = (
        next(at for at in own_places(file) if code in file["chain"][at])
        for code in ("CG124", "CG132")
    )
    file["chain"].insert(taken + 1, file["chain"][decided])
    with pytest.raises(Wrong, match="it was decided before"):
        lines(signed(file))


async def test_who_started_it_cannot_approve_it_alone(
    world: World, settings: Settings, audit: Audit, tmp_path: Path
) -> None:
    """Where one approval is enough, too."""
    rule = a_rule(self_approval=False)
    await world.start("own")
    await world.decide(await kinds.opened(world, "own", rule), by=BEN)
    await link(world, settings)
    await audit("evidence", "own")
    file = json.loads((tmp_path / "evidence-own.json").read_bytes())
    assert lines(file)
    named = {"U0ANA": ["U0ANA"]}
    made = forged(file, ("CG124", data(named=named)), ("CG124", by("U0ANA")))
    with pytest.raises(Wrong, match="U0ANA started it, and the rule forbids that"):
        lines(made)


# --- making it ------------------------------------------------------------------------------------


@both
async def test_an_execution_whose_texts_are_wiped_still_holds(
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
    assert "(2 of 2 approvals: U0BEN, U0EVE)" in "\n".join(lines(file))
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
        b'{"format": "crewgate-evidence-1"}',
        b"[" * 100_000,
        b'{"format": "crewgate-evidence-2", "chain": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b"\xff",
        b"",
    ],
)
def test_what_is_no_file_of_ours_is_said_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    status, said = run(str(path))
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("✗ this is no evidence file of the form crewgate-evidence-2")


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
