"""Ports that are chosen before anything listens on them."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from crewgate.demo.servers import free_port, inherited
from tests.ports import NoFreePort, Ports, candidates, outgoing_range
from tests.standins.crew import Crew
from tests.standins.workspace import Workspace

ROOT = str(Path(__file__).parents[2])


def test_no_port_is_handed_out_twice_nor_may_an_outgoing_connection_have_it() -> None:
    handed = [free_port() for _ in range(200)]

    assert len(set(handed)) == len(handed)
    first, last = outgoing_range()
    assert not [port for port in handed if first <= port <= last]


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        with pytest.raises(NoFreePort):
            next(Ports(range(taken, taken + 1), first=0))


async def test_another_process_does_not_get_it_while_this_one_lives() -> None:
    port = free_port()
    ports = f"range({port}, {port + 50})"
    code = f"from tests.ports import Ports; print(next(Ports({ports}, first=0)))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        env={**inherited(), "PYTHONPATH": ROOT},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()

    assert int(said) > port


@pytest.mark.parametrize(
    ("outgoing", "handed"),
    [
        ((32_768, 60_999), range(11_000, 32_768)),
        ((49_152, 65_535), range(11_000, 49_152)),
        ((1_024, 60_999), range(61_000, 65_536)),
        ((1_024, 9_999), range(11_000, 65_536)),
        ((1_024, 65_535), range(11_000, 32_768)),
    ],
)
def test_ports_come_from_outside_the_outgoing_range_where_there_is_room(
    outgoing: tuple[int, int], handed: range
) -> None:
    assert candidates(outgoing) == handed


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, (32_768, 60_999)),
        ("", (32_768, 60_999)),
        ("many\n", (32_768, 60_999)),
        ("20000\t60999\n", (20_000, 60_999)),
    ],
)
def test_a_system_that_does_not_say_its_range_has_the_usual_one(
    tmp_path: Path, content: str | None, found: tuple[int, int]
) -> None:
    file = tmp_path / "range"
    if content is not None:
        file.write_text(content)

    assert outgoing_range(file) == found


async def test_stand_ins_listen_where_they_can_come_back() -> None:
    first, last = outgoing_range()
    async with Workspace() as slack, Crew() as crew:
        for url in (slack.api_url, crew.url):
            port = int(url.split(":")[2].split("/")[0])
            assert not first <= port <= last
