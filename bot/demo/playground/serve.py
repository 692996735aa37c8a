"""`python -m bot demo`: the stage, the page over it, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bot.demo.bot_process import BotDidNotStart
from bot.demo.playground.server import Playground
from bot.demo.stage import Stage, set_up

PORT: Final = 8765
PACE: Final = 1.5
"""How long each of the crew's tasks takes, in seconds: long enough to be seen at work."""

Say = Callable[[str], None]


async def run(*, port: int | None, open_browser: bool, say: Say) -> int:
    """Serve the page until Ctrl-C or SIGTERM; the exit status."""
    try:
        _end_on_signals()
        async with opened(port=port, pace=PACE, say=say) as (address, _):
            say(f"The playground is at {address} (Ctrl-C ends it)")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, address)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("\nEnded.")
    except BotDidNotStart as error:
        say(f"The bot did not start. It said:\n{error}")
        return 1
    except OSError as error:
        say(f"The page cannot be served: {error}")
        return 1
    return 0


def _end_on_signals() -> None:
    """Cancel the present task on Ctrl-C or SIGTERM: from the first moment on, to leave nothing."""
    loop, present = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        if present is not None:
            loop.add_signal_handler(number, present.cancel)


@asynccontextmanager
async def opened(*, port: int | None, pace: float, say: Say) -> AsyncIterator[tuple[str, Stage]]:
    """A stage and a page over it, for as long as the block lasts: the page's address, the stage.

    Raises BotDidNotStart, or OSError when the page cannot be served.
    """
    with (
        bound(PORT if port is None else port, say) as listener,
        tempfile.TemporaryDirectory(prefix="crewgate-demo-") as folder,
    ):
        async with (
            set_up(Path(folder), now=time.time, pace=pace) as stage,
            Playground(stage).listening(listener),
        ):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", stage


def bound(port: int, say: Say, *, tries: int = 20) -> socket.socket:
    """A socket on this port of 127.0.0.1, or on the next one that is not taken.

    Raises OSError when none can be had.
    """
    for tried in range(port, port + tries):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", tried))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise
            more = tried + 1 < port + tries
            say(f"Port {tried} is taken{f', trying {tried + 1}' if more else ''}.")
        else:
            return listener
    raise OSError(errno.EADDRINUSE, f"ports {port} to {port + tries - 1} are all taken")
