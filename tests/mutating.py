"""Runs the tests against mutants, each in a copy of the checkout: see `tests.mutants`."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.repo.files import ROOT

#: How long one run may take, in seconds; a mutant that hangs the tests is noticed.
SECONDS: Final = 300
#: How many run at once, each in a copy of its own.
AT_ONCE: Final = os.cpu_count() or 1
NOTICED, NOT_NOTICED, NOT_FOUND, NOT_RUN = "noticed", "NOT NOTICED", "NOT FOUND ONCE", "NOT RUN"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake in one place, and the tests that must notice it."""

    name: str
    before: str
    after: str
    tests: tuple[str, ...]


def mutant(name: str, before: str, after: str, *tests: str) -> Mutant:
    """Return a mutant; its tests are folders or files below `tests/`."""
    return Mutant(name, before, after, tuple(f"tests/{one}" for one in tests))


def main(words: Sequence[str], mutants: Sequence[Mutant]) -> int:
    """Run the named mutants, or all; return 1 if one is not noticed."""
    names = [word for word in words if word != "--find"]
    chosen = [one for one in mutants if not names or any(name in one.name for name in names)]
    if "--find" in words:
        lost = [f"the text of: {one.name}" for one in chosen if place_of(ROOT, one) is None]
        lost += [name for one in chosen for name in one.tests if not (ROOT / name).exists()]
        print(*lost, f"{len(lost)} are lost", sep="\n")
        return 1 if lost else 0
    began = time.monotonic()
    with (
        copies_of_checkout(min(AT_ONCE, len(chosen))) as copies,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        verdicts = list(pool.map(lambda one: _try(one, copies), chosen))
    noticed = verdicts.count(NOTICED)
    took = time.monotonic() - began
    print(f"{noticed} of {len(chosen)} mutants were noticed, in {took:.0f} s")
    for one, verdict in zip(chosen, verdicts, strict=True):
        if verdict != NOTICED:
            print(f"{verdict}: {one.name} ({' '.join(one.tests)})")
    return 0 if noticed == len(chosen) else 1


@contextmanager
def copies_of_checkout(count: int) -> Iterator[SimpleQueue[Path]]:
    """Copy what git tracks, so many times."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    copies: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            copy = Path(folder) / str(number)
            for name in filter(None, listed.stdout.split("\0")):
                if (ROOT / name).exists():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
            copies.put(copy)
        yield copies


def _try(one: Mutant, copies: SimpleQueue[Path]) -> str:
    """Break a copy, run the tests in it, and put it right again."""
    began = time.monotonic()
    copy = copies.get()
    try:
        place = place_of(copy, one)
        if place is None:
            verdict = NOT_FOUND
        else:
            whole = place.read_text(encoding="utf-8")
            place.write_text(whole.replace(one.before, one.after), encoding="utf-8")
            verdict = _run(copy, one)
            place.write_text(whole, encoding="utf-8")
    finally:
        copies.put(copy)
    print(f"{verdict:<14} {time.monotonic() - began:5.0f} s  {one.name}", flush=True)
    return verdict


def place_of(root: Path, one: Mutant) -> Path | None:
    """Return the file that has the text, if it stands there once and nowhere else."""
    texts = {path: path.read_text(encoding="utf-8") for path in (root / "bot").rglob("*.py")}
    places = [path for path, text in texts.items() for _ in range(text.count(one.before))]
    return places[0] if len(places) == 1 else None


def _run(copy: Path, one: Mutant) -> str:
    # PostgreSQL starts a server for each run, and says of these mutants what SQLite says.
    options = ("-x", "-q", "-k", "not postgresql", "-n", "0", "-p", "no:cacheprovider")
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", *options, *one.tests],
            cwd=copy,
            check=False,
            capture_output=True,
            timeout=SECONDS,
            env={"WITH_CREWAI": str(ROOT / ".venv-crewai")}
            | os.environ
            | {"PYTHONDONTWRITEBYTECODE": ""},
        )
    except subprocess.TimeoutExpired:
        return NOTICED
    # 1: tests failed; 2: collecting them did.
    return {0: NOT_NOTICED, 1: NOTICED, 2: NOTICED}.get(done.returncode, NOT_RUN)
