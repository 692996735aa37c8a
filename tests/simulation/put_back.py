"""Puts mended defects back, each in a copy of the checkout, and sees how soon stories find it."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutants import MUTANTS
from tests.mutants_simulated import RACED, SIMULATED
from tests.mutating import AT_ONCE, NOT_FOUND, Mutant, copies_of_checkout, place_of

_FAILS: Final = re.compile(
    r"^story (?P<stories>\d+) fails after (?P<minutes>\S+) min: (?P<read>.*)"
)
_HOLD: Final = re.compile(r"^(?P<stories>\d+) stories hold")
_NONE: Final = "NOT FOUND"
_BROKEN: Final = "NO STORY BEGINS"


@dataclass(frozen=True, slots=True)
class Finding:
    """The sentence that a mutant breaks, after so many stories and minutes of processor."""

    stories: str
    minutes: str
    sentence: str


def put_back(names: Sequence[str], backend: str, *, seed: int, minutes: float) -> int:
    """Print the table of the named mutants, or of all for stories; return 1 if one is not found.

    A name may be of any mutant that a test notices. On PostgreSQL those of locks are all.
    """
    every = RACED if backend == "postgresql" and not names else (*SIMULATED, *RACED)
    if names:
        known = {one.name for one in every}
        every = (*every, *(one for one in MUTANTS if one.name not in known))
    chosen = [one for one in every if not names or any(name in one.name for name in names)]
    print("| mutant | database | seed | stories | minutes | sentence |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    with (
        copies_of_checkout(min(AT_ONCE, len(chosen))) as copies,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        found = sum(pool.map(lambda one: _row(one, copies, backend, seed, minutes), chosen))
    print(f"{found} of {len(chosen)} mutants were found")
    return 0 if found == len(chosen) else 1


def _row(one: Mutant, copies: SimpleQueue[Path], backend: str, seed: int, minutes: float) -> bool:
    """Print the row of one mutant; return True if it was found."""
    copy = copies.get()
    finding = _find(one, copy, backend, seed, minutes)
    copies.put(copy)
    cells = (one.name, backend, seed, finding.stories, finding.minutes, finding.sentence)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return not finding.sentence.startswith((_NONE, NOT_FOUND, _BROKEN))


def _find(one: Mutant, copy: Path, backend: str, seed: int, minutes: float) -> Finding:
    place = place_of(copy, one)
    if place is None:
        return Finding("0", "0", NOT_FOUND)
    whole = place.read_text(encoding="utf-8")
    place.write_text(whole.replace(one.before, one.after), encoding="utf-8")
    options = {"DATABASE": backend, "SEED": seed, "MINUTES": minutes, "KEEP": 0, "SHORTEN": 0.001}
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation"],
        cwd=copy,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ
        | {name: str(value) for name, value in options.items()}
        | {"PYTHONPATH": f"{copy / 'bot'}:{copy}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    place.write_text(whole, encoding="utf-8")
    for line in done.stdout.splitlines():
        if fails := _FAILS.match(line):
            # What was read follows the sentence, or the place of an error.
            return Finding(fails["stories"], fails["minutes"], fails["read"].partition(": ")[0])
        if hold := _HOLD.match(line):
            return Finding(hold["stories"], f"{minutes:g}", _NONE)
    last = done.stderr.strip().splitlines() or [""]
    return Finding("1", "0.0", f"{_BROKEN}: {last[-1]}")
