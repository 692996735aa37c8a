"""The real bot as a process of its own, as `crewgate serve` starts it.

It is configured with the same settings as a real installation, pointing at the stand-ins.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from crewgate.demo.ports import free_port
from crewgate.demo.server_process import ServerProcess

#: The arguments of Python. Tests have a bot that waits for less.
COMMAND = ("-m", "crewgate", "serve")


class BotProcess(ServerProcess):
    """A bot with its database in this folder."""

    what = "The bot"
    ready_path = "/readyz"

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        folder: Path,
        port: int | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        port = port or free_port()
        super().__init__(
            [sys.executable, *command],
            environment={**settings, "HOST": "127.0.0.1", "PORT": str(port)},
            folder=folder,
            log="bot.log",
            port=port,
        )
