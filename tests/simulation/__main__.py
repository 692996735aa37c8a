"""`python -m tests.simulation`: tell stories at random, and keep the shortest of those that fail.

With `--mutants [NAME …]` mended defects are put back, one after the other: a table says how soon
stories find each. A NAME may be of any mutant of `tests.mutants`.

Options are environment variables: MINUTES of processor time (30; 10 for each mutant), SEED (drawn
and printed), STEPS a story (60), DATABASE (`sqlite` or `postgresql`), KEEP=0 to print a failing
story only, SHORTEN, the minutes that shortening it may take (3). Exits with 1 if a story fails, or
no story finds a mutant.
"""

import os
import sys
import time
from random import Random, SystemRandom

import structlog

from tests.options import database, number
from tests.simulation.player import Player, opened
from tests.simulation.put_back import put_back
from tests.simulation.story import KEPT, Failure, Story, shortened, written


def main() -> int:
    seed = int(number("SEED", 1 + SystemRandom().randrange(10**6)))
    backend = database("DATABASE")
    if "--mutants" in sys.argv:
        names = [word for word in sys.argv[1:] if word != "--mutants"]
        return put_back(names, backend, seed=seed, minutes=number("MINUTES", 10))
    minutes, steps = number("MINUTES", 30), int(number("STEPS", 60))
    print(f"SEED={seed} STEPS={steps} DATABASE={backend}, {minutes:g} min of processor", flush=True)
    began = time.process_time()
    with opened(backend) as player:
        told = 0
        while time.process_time() - began < 60 * minutes:
            told += 1
            story, failure = player.explore(Random(f"{seed} {told}"), steps)
            if failure is not None:
                took = (time.process_time() - began) / 60
                print(f"story {told} fails after {took:.1f} min: {failure}", flush=True)
                again = f"SEED={seed} STEPS={steps} DATABASE={backend} MINUTES={minutes:g}"
                print(f"tell it again with `{again} make simulate`", flush=True)
                report(player, story, failure, f"{seed}-{told}")
                return 1
    print(*player.meetings.lines(), sep="\n")
    print(f"{told} stories hold")
    return 0


def report(player: Player, story: Story, failure: Failure, name: str) -> None:
    until = time.process_time() + 60 * number("SHORTEN", 3)
    short = shortened(story, failure.sentence, player.play, lambda: time.process_time() < until)
    failure = player.play(short) or failure
    text = written(short, str(failure))
    print(text, end="")
    if os.environ.get("KEEP") != "0":
        path = KEPT / f"{name}.json"
        KEPT.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"kept as {path}; `pytest tests/simulation` plays it from now on")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    sys.exit(main())
