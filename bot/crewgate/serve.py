"""`crewgate serve`: the bot as a process, with its log, until it is told to end."""

import asyncio
import gc
import signal
from contextlib import nullcontext

from crewgate.app import running
from crewgate.crews import build_log_redactor
from crewgate.logs import set_up_logging
from crewgate.metrics import count_warning
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.store.statement_log import log_statements


async def serve(settings: Settings, runtime: Runtime | None = None) -> int:
    """Run the bot until SIGTERM or SIGINT; the exit status.

    Raises what `running` does.
    """
    redactor = build_log_redactor(settings)
    set_up_logging(
        settings.log_format, settings.log_level, redact=redactor.text, count=count_warning
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    statements = log_statements() if settings.log_level == "debug" else nullcontext()
    with statements:
        async with running(settings, runtime):
            # What was built stays too; to look for garbage among it holds up everything for 10 ms.
            gc.freeze()
            await stop.wait()
    return 0
