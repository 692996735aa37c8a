"""`make soak`: a minute of load and faults on bot and host, and what must hold after it."""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.options import InvalidOption
from tests.soak.acts import soak_acts
from tests.soak.options import Acts, Options, read_acts, read_options
from tests.soak.report import problems
from tests.soak.run import Result, soak

#: Beyond the load and the settling, for starting and for looking at everything; in seconds.
_ALLOWANCE = 120
#: A kill and the start after it, at most on a busy machine.
_KILL = 15


async def run(options: Options | Acts, folder: Path) -> Result:
    """A run that ends by itself, in time, and when it is asked to."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    allowance = _ALLOWANCE + options.kills * _KILL
    if isinstance(options, Acts):
        async with asyncio.timeout(options.settle_seconds + allowance):
            return Result(*await soak_acts(options, folder))
    async with asyncio.timeout(options.seconds + options.settle_seconds + allowance):
        return await soak(options, folder)


def main() -> int:
    """The exit status: 0 only if everything held."""
    try:
        options = read_acts() or read_options()
    except InvalidOption as error:
        print(error, file=sys.stderr)
        return 2
    print(options, flush=True)
    folder = Path(tempfile.mkdtemp(prefix="crewgate-soak-"))
    try:
        result = asyncio.run(run(options, folder))
    except (asyncio.CancelledError, KeyboardInterrupt):
        shutil.rmtree(folder)
        print("Stopped.")
        return 1
    except TimeoutError:
        print(f"It did not end in time. The logs and the database are in {folder}")
        return 1
    print("\n".join([*result.figures, *problems(result.problems)]))
    if not result.problems:
        shutil.rmtree(folder)
        return 0
    report = folder / "report.txt"
    report.write_text("\n".join([str(options), *result.figures, *result.problems]) + "\n")
    print(f"The logs, the database and the whole report are in {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
