"""Free ports for tests, that no other process of the tests takes."""

import os
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HOST: Final = "127.0.0.1"
_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: Linux's default range, which begins below the range of other systems (49152 and above).
_OUTGOING: Final = (32_768, 60_999)
#: This port is above ports that people choose by hand, and ports that browsers refuse (10080).
_LOWEST: Final = 11_000
#: Fewer ports than this below the outgoing range are too few to walk through.
_ENOUGH: Final = 1_000
#: A distance at which processes that start together do not try the same ports.
_STRIDE: Final = 257
#: The number of ports that are held against other processes; each costs a file descriptor.
_KEPT: Final = 64


class NoFreePort(OSError):
    """Every port of the range is taken."""


class Ports(Iterator[int]):
    """Hands out each free port once, and reserves the latest against other processes.

    `Ports` binds the unused UDP port of that number: a `Ports` in another process finds that port
    taken, until this process ends.
    """

    def __init__(self, candidates: range, *, first: int) -> None:
        self._walk = _walk(candidates, first)
        self._count = len(candidates)
        self._kept: deque[int] = deque()

    def __next__(self) -> int:
        """Return a port that nobody listens on. Raises NoFreePort."""
        for port in (next(self._walk) for _ in range(self._count)):
            held = _hold(port)
            if held is not None:
                self._keep(held)
                return port
        raise NoFreePort("every port is taken")

    def _keep(self, descriptor: int) -> None:
        self._kept.append(descriptor)
        if len(self._kept) > _KEPT:
            os.close(self._kept.popleft())


def outgoing_range(file: Path = _RANGE_FILE) -> tuple[int, int]:
    """Return the first and the last port of the kernel's outgoing connections."""
    try:
        first, last = map(int, file.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return _OUTGOING
    return first, last


def candidates(outgoing: tuple[int, int]) -> range:
    """Return a range of ports that the kernel uses for no outgoing connection, if there is one."""
    first, last = outgoing
    for ports in (range(_LOWEST, first), range(max(_LOWEST, last + 1), 2**16)):
        if len(ports) >= _ENOUGH:
            return ports
    return range(_LOWEST, _OUTGOING[0])


def _walk(ports: range, first: int) -> Iterator[int]:
    """Yield the ports in a circle, from `first` on."""
    place = first
    while True:
        yield ports[place % len(ports)]
        place += 1


def _hold(port: int) -> int | None:
    """Return the descriptor that reserves a free port for this process; None if it is taken."""
    with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as keeper:
        try:
            keeper.bind((_HOST, port))
            probe.bind((_HOST, port))
        except OSError:
            return None
        return keeper.detach()


PORTS: Final = Ports(candidates(outgoing_range()), first=os.getpid() * _STRIDE)
