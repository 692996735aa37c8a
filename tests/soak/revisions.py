"""The search for a decision that is applied to another output than its reviewer saw.

`python -m tests.soak.revisions [RUNS [FIRST_SEED [START_GRACE [SECONDS]]]]`.

Short runs in which crews take decisions and their answers are lost, while the bot is killed again
and again and webhooks are on their way for a while. The only evidence is the next output.
Everything is shorter than in earnest, in the same order: a try is repeated sooner than any task is
done (0.3 s to 3 s), and after a start later than any.
"""

import asyncio
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from crewgate.demo.faults import DROP_AFTER, HANG
from tests.quick_bot import quick
from tests.soak.options import Options
from tests.soak.run import soak
from tests.soak.trouble import Trouble
from tests.standins import crew as at_crew
from tests.standins.faults import DROP_BEFORE

_LOST: Final = (
    DROP_AFTER,
    DROP_AFTER,
    DROP_BEFORE,
    at_crew.status(500, applied=True),
    replace(HANG, applied=True),
)
_FAULTS: Final = (0.05, 0.3)
_SECONDS_FOR_EACH_KILL: Final = 2
_ON_THE_WAY: Final = 0.05
_DEFAULTS: Final = (10, 1, 4, 6)
#: Sentences of the checks that say so.
_WRONG: Final = ("whose reviewer saw", "the same decision", "that nobody took")


class Losses(Trouble):
    """Answers of `/resume` are lost; the bot is killed as ever."""

    async def run(self) -> None:
        """Lose them until cancelled."""
        chance = self._world.chance("answers")
        for crew in self._world.crews:
            crew.webhook_seconds = _ON_THE_WAY
        while True:
            await asyncio.sleep(chance.uniform(*_FAULTS))
            crew, fault = chance.choice(self._world.crews), chance.choice(_LOST)
            if crew.faults.due < 2:
                crew.fail("/resume", how=fault)
                self._ledger.faults[f"crew /resume {fault.name}"] += 1


async def run(seed: int, start_grace: int, seconds: int) -> tuple[list[str], list[str]]:
    """One run: what is wrong, and its figures."""
    options = Options(
        seconds=seconds,
        rate=3,
        kills=seconds // _SECONDS_FOR_EACH_KILL,
        settle_seconds=60,
        crews=6,
        database="sqlite",
        seed=seed,
    )
    folder = Path(tempfile.mkdtemp(prefix="crewgate-revisions-"))
    try:
        # Without an address of its own it hears of notifications only.
        result = await soak(
            options,
            folder,
            trouble_in=Losses,
            command=quick(grace=0.1, start_grace=start_grace, update=0.02),
            more_settings={"PUBLIC_URL": ""},
        )
    finally:
        shutil.rmtree(folder)
    return [one for one in result.problems if any(word in one for word in _WRONG)], result.figures


def main(arguments: list[str]) -> int:
    """The exit status: 0 only if no run had such a decision."""
    runs, first, start_grace, seconds = [*map(int, arguments), *_DEFAULTS[len(arguments) :]]
    failed = 0
    for seed in range(first, first + runs):
        wrong, figures = asyncio.run(run(seed, start_grace, seconds))
        failed += bool(wrong)
        shown = ("decisions", "took effect", "kills", "Retry", "proof")
        told = [line.strip() for line in figures if any(word in line for word in shown)]
        print(f"{seed}: {'; '.join(' '.join(line.split()) for line in told)}", flush=True)
        for problem in wrong:
            print(f"  - {problem}", flush=True)
    print(f"{runs} runs, {failed} with a decision on another output")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
