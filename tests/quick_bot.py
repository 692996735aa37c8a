"""The bot as a process with other waits than it is served with.

`python -m tests.quick_bot NAME=SECONDS …`, with the settings of `crewgate serve`: `grace` and
`start_grace` before a resume in doubt is repeated, `post` and `update` between messages.
"""

import asyncio
import gc
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crewgate.app import serve
from crewgate.runtime import POST_RATE, UPDATE_RATE, EventLoop, Runtime
from crewgate.settings.load import load
from tests.repo.files import ROOT

_OF_TESTS: Final = ("click", "pygments", "rich")


def quick(module: str = "tests.quick_bot", **seconds: float) -> tuple[str, ...]:
    """Return Python's arguments to run it, or another module that takes the same.

    The tests are in no installation, and the packages that only they need are in none that is
    served: the bot's packages import these where they find them.
    """
    add = f"import runpy, sys; sys.path.append({str(ROOT)!r})"
    hide = f"sys.modules.update(dict.fromkeys({_OF_TESTS}))"
    run = f"{add}; {hide}; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return ("-c", run, *(f"{name}={wait}" for name, wait in seconds.items()))


def main(words: Iterable[str], **more: Any) -> None:
    """Run it until SIGTERM; `more` is of `Runtime`.

    By default each card mentions people and is whole: whoever runs it looks for that.
    """
    more.setdefault("mentioned_each", 1_000_000)
    for word in words:
        name, _, seconds = word.partition("=")
        wait = timedelta(seconds=float(seconds))
        match name:
            case "post":
                more["post_rate"] = replace(POST_RATE, interval=wait)
            case "update":
                more["update_rate"] = replace(UPDATE_RATE, interval=wait)
            case _:
                more[name] = wait
    gc.freeze()  # as `crewgate serve` does
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(serve(load(), Runtime(**more)))


if __name__ == "__main__":
    main(sys.argv[1:])
