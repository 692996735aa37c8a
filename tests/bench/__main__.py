"""`make bench`: speed, side by side in one run. `python -m tests.bench [SECTION…]`."""

import asyncio
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.burst import burst
from tests.bench.compare import other
from tests.bench.figures import Row, table
from tests.bench.footprint import footprint
from tests.bench.growth import counting, growth
from tests.bench.latency import idle, loaded
from tests.bench.options import Options, read_options
from tests.bench.shared import shared
from tests.bench.throughput import clicks, notifications
from tests.options import InvalidOption

Section = Callable[[Options], AsyncIterator[Row]]

SECTIONS: Final[Mapping[str, Section]] = {
    "notifications": notifications,
    "clicks": clicks,
    "idle": idle,
    "loaded": loaded,
    "footprint": footprint,
    "growth": growth,
    "stats": counting,
    "burst": burst,
    "shared": shared,
    "other": other,
}

#: How long one section may take, in seconds.
LIMIT = 600


async def run(options: Options, names: Sequence[str]) -> tuple[list[Row], bool]:
    """The rows of these sections, and whether all of them could be measured."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    rows: list[Row] = []
    complete = True
    for name in names:
        began = time.monotonic()
        print(f"{name} … ", end="", flush=True)
        try:
            async with asyncio.timeout(LIMIT):
                rows += [row async for row in SECTIONS[name](options)]
        except Exception as error:  # noqa: BLE001  # the other sections can still be measured
            complete = False
            rows.append(
                Row(
                    name,
                    f"not measured: {type(error).__name__} {' '.join(str(error).split())}"[:200],
                )
            )
        print(f"{time.monotonic() - began:.0f} s", flush=True)
    return rows, complete


def main() -> int:
    """The exit status: 0 only if everything could be measured."""
    names = sys.argv[1:] or list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        print(f"no such section: {', '.join(unknown)}. There are: {', '.join(SECTIONS)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="crewgate-bench-", ignore_cleanup_errors=True) as name:
        try:
            options = read_options(Path(name))
        except InvalidOption as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{machine()}, {options.database}", flush=True)
        try:
            rows, complete = asyncio.run(run(options, names))
        except (asyncio.CancelledError, KeyboardInterrupt):
            print("Stopped.")
            return 1
    print(f"\n{table(rows)}")
    return 0 if complete else 1


def machine() -> str:
    """Return the size of this machine as a text."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {python}"


if __name__ == "__main__":
    sys.exit(main())
