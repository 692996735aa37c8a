"""Starting and ending: what a terminal shows."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from crewgate.demo.playground.server import bind_port, serve
from crewgate.demo.servers import free_port

SOURCE = str(Path(__file__).parents[2] / "bot")


async def test_it_says_where_it_is_and_ends_when_told_to() -> None:
    said: list[str] = []
    ready = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        ready.set()

    running = asyncio.create_task(serve(port=0, open_browser=False, say=say))
    await ready.wait()
    address = said[0].split()[4]
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        assert answer.status == 200
        assert "Crewgate playground" in await answer.text()
    os.kill(os.getpid(), signal.SIGINT)

    assert await running == 0
    assert said == [f"The playground is at {address} (Ctrl-C ends it)", "\nEnded."]


def test_it_gives_up_when_no_port_can_be_had() -> None:
    said: list[str] = []
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(OSError, match="all taken"):
            bind_port(port, said.append, tries=1)

    assert said == [f"Port {port} is taken."]


def test_a_port_is_kept_to_this_machine() -> None:
    with bind_port(0, print) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


async def test_a_taken_port_is_said_and_the_next_one_tried_and_ctrl_c_ends_it_cleanly(
    tmp_path: Path,
) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "crewgate", "demo", "--port", str(port)),
            cwd=tmp_path,
            env={"PATH": os.defpath, "PYTHONPATH": SOURCE, "TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        first = (await process.stdout.readline()).decode()
        said = first
        while "The playground is at" not in said:
            said = (await process.stdout.readline()).decode()
            assert said

    process.send_signal(signal.SIGINT)
    rest = await process.stdout.read()

    assert first == f"Port {port} is taken, trying {port + 1}.\n"
    assert rest.decode() == "\nEnded.\n"
    assert await process.wait() == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208
