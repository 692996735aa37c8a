"""No change of an evidence file holds, whatever the execution went through."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crewgate.audit import check_evidence
from crewgate.settings.load import Settings
from tests.audit.conftest import Audit, link
from tests.audit.files import (
    File,
    body_at,
    changes_of,
    found_in,
    head_of,
    lines,
    lines_of_part,
    own_places,
    told_of,
    written,
)
from tests.audit.kinds import KINDS
from tests.repo.files import ROOT
from tests.usecases.world import World

Files = dict[str, File]


@pytest.fixture(autouse=True)
def _proven_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify each signature once: most changes leave the head as it is."""
    monkeypatch.setattr(check_evidence, "verify", cache(check_evidence.verify))


@pytest.fixture(scope="module")
def made() -> Files:
    """The files, once a test of this module asked for them."""
    return {}


@pytest.fixture
async def files(
    made: Files, world: World, settings: Settings, audit: Audit, tmp_path: Path
) -> Files:
    for name, happens in () if made else KINDS.items():
        await happens(world, name)
        await link(world, settings)
        path = tmp_path / "one.json"
        status, said = await audit("evidence", name, "--output", str(path))
        assert status == 0, said
        made[name] = json.loads(path.read_bytes())
        assert written(made[name]) == path.read_bytes()
        path.unlink()
    return made


async def test_only_what_was_written_holds(files: Files) -> None:
    for name, file in files.items():
        if name == "before the trail":
            assert lines_of_part(file)
        else:
            assert lines(file), name
        raw, head = written(file), head_of(file)
        for at in range(0, len(raw), max(1, len(raw) // 60)):
            changed = bytearray(raw)
            changed[at] ^= 1
            assert found_in(bytes(changed), head), (name, at)
        for how, one in changes_of({**file, "chain": [], "texts": []}):
            if not how.startswith(("chain", "texts")):
                rest = {key: file[key] for key in ("chain", "texts")}
                assert found_in(written(one | rest), head), (name, how)
        for at, how, chain in chains_of(file):
            assert found_in(written(file | {"chain": chain}), head), (name, at, how)


def chains_of(file: File) -> Iterator[tuple[int, str, list[Any]]]:
    """The chain with one link changed, dropped or doubled.

    Of the links to others' entries, which are alike, the first and the last.
    """
    own = own_places(file)
    others = [at for at in range(len(file["chain"])) if at not in own]
    for at in (*own, *others[:1], *others[-1:]):
        here, before, after = file["chain"][at], file["chain"][:at], file["chain"][at + 1 :]
        yield at, "dropped", [*before, *after]
        yield at, "doubled", [*before, here, here, *after]
        yield at, "moved", [here, *before, *after] if at else [*after, here]
        for how, one in changes_of(here):
            yield at, how, [*before, one, *after]


async def test_the_page_for_strangers_names_each_field(files: Files) -> None:
    page = (ROOT / "docs" / "evidence-format.md").read_text(encoding="utf-8")
    bodies = [body_at(file, at) for file in files.values() for at in own_places(file)]
    fields = {name for body in bodies for name in body["data"]}
    rules = [json.loads(one["rule"]) for file in files.values() for one in file["rules"]]
    options = {name for rule in rules for name in rule} - {"name", "when", "reviewers_from"}
    assert [name for name in sorted(fields | options) if f"`{name}`" not in page] == []


async def test_bodies_have_ascii_keys_and_whole_numbers(files: Files) -> None:
    """RFC 8785 sorts other keys, and writes 100.0, in another way than the checker's JSON."""

    def require(value: object) -> None:
        assert value is None or isinstance(value, str | bool | int | dict | list), value
        for name, one in value.items() if isinstance(value, dict) else ():
            assert name.isascii(), value
            require(one)
        for one in value if isinstance(value, list) else ():
            require(one)

    for file in files.values():
        for at in own_places(file):
            require(body_at(file, at))


async def test_texts_are_those_of_the_entries_or_said_to_be_missing(files: Files) -> None:
    for name, signed in files.items():
        # A signature takes the most time of all, and has nothing to do with texts.
        file = signed | {"head": signed["head"] | {"key": "", "signature": ""}}
        for how, texts in changes_of(file["texts"]):
            changed = file | {"texts": texts}
            if not found_in(written(changed), head_of(file), None):
                assert how.endswith("dropped"), (name, how)
                assert missing(changed) > missing(file), (name, how)


def missing(file: File) -> int:
    """Return the number of texts that the check reports as missing."""
    said, _ = told_of(file, None, None)
    found = [line for line in said if line.startswith("! texts and names")]
    return int(found[0].rpartition(" ")[2]) if found else 0
