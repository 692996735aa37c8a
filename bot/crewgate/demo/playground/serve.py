"""`crewgate demo`: starts the environment and the page, and shuts both down."""

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

from crewgate.demo.environment import Environment, start_environment
from crewgate.demo.hosted.crew import HostedCrew, sample_host
from crewgate.demo.playground.server import Playground
from crewgate.demo.server_process import DidNotStart

PORT: Final = 8765
TASK_SECONDS: Final = 1.5
"""The time of each of the crew's tasks, in seconds: long enough to be seen running."""

Say = Callable[[str], None]


async def serve(*, port: int | None, open_browser: bool, say: Say, crewai: bool = False) -> int:
    """Serve the page until Ctrl-C or SIGTERM; return the exit status."""
    try:
        _end_on_signals()
        async with open_playground(
            port=port, task_seconds=TASK_SECONDS, say=say, crewai=crewai
        ) as (address, environment):
            if crewai:
                say(environment.about)
            say(f"The playground is at {address} (Ctrl-C ends it)")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, address)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("\nEnded.")
    except DidNotStart as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"The page cannot be served: {error}")
        return 1
    return 0


def _end_on_signals() -> None:
    """Cancel the current task on Ctrl-C or SIGTERM, also during start, so that nothing is left."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        if current is not None:
            loop.add_signal_handler(number, current.cancel)


@asynccontextmanager
async def open_playground(
    *, port: int | None, task_seconds: float, say: Say, crewai: bool = False
) -> AsyncIterator[tuple[str, Environment]]:
    """Run an environment and its page while the block lasts; gives the page's URL and the former.

    With `crewai` the crew is a real one. Raises DidNotStart, or OSError when the page
    cannot be served.
    """
    with (
        bind_port(PORT if port is None else port, say) as listener,
        tempfile.TemporaryDirectory(prefix="crewgate-demo-") as folder,
    ):
        if crewai:
            say("Starting CrewAI, which takes a few seconds.")
            hosted = HostedCrew(
                sample_host(Path(folder), task_seconds=task_seconds), task_seconds=task_seconds
            )
        async with (
            start_environment(
                Path(folder),
                now=time.time,
                task_seconds=task_seconds,
                hosted=hosted if crewai else None,
            ) as environment,
            Playground(environment).listening(listener),
        ):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", environment


def bind_port(port: int, say: Say, *, tries: int = 20) -> socket.socket:
    """Bind this port of 127.0.0.1, or the next free one.

    Raises OSError when all of them are taken or binding fails.
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
