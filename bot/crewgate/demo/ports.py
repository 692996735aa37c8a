"""Ports for what listens on 127.0.0.1, chosen before it does.

A port that the kernel picks for `bind(0)` and that is then given up comes from the range out of
which it serves outgoing connections too, so that one of those may have it before the listener is
up, or while a listener that comes back is down. Ports here come from below that range.
"""

import os
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HOST: Final = "127.0.0.1"
_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: Linux's default, and below what other systems use (49152 and above).
_OUTGOING: Final = (32_768, 60_999)
#: Below are ports that people choose by hand, and those that browsers refuse (10080).
_LOWEST: Final = 11_000
#: Fewer ports than this below the outgoing range are too few to walk through.
_ENOUGH: Final = 1_000
#: Apart enough that processes which start together do not try the same ports.
_STRIDE: Final = 257
#: The number of ports handed out that are kept from other processes; each costs a file descriptor.
_KEPT: Final = 64


class NoFreePort(OSError):
    """Every port of the range is taken."""


class Ports:
    """Hands out each free port once, and keeps the last of them from other processes.

    It keeps a port by holding the UDP port of the same number, which nobody here needs: whoever
    else asks a `Ports` finds it taken, until this process ends.
    """

    def __init__(self, candidates: range, *, first: int) -> None:
        self._walk = _walk(candidates, first)
        self._count = len(candidates)
        self._kept: deque[int] = deque()

    def take(self) -> int:
        """A port that nobody listens on. Raises NoFreePort."""
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
    """The ports from which the kernel serves outgoing connections, the first and the last."""
    try:
        first, last = map(int, file.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return _OUTGOING
    return first, last


def candidates(outgoing: tuple[int, int]) -> range:
    """The ports to hand out: below the outgoing range, else above, else wherever."""
    first, last = outgoing
    for ports in (range(_LOWEST, first), range(max(_LOWEST, last + 1), 2**16)):
        if len(ports) >= _ENOUGH:
            return ports
    return range(_LOWEST, _OUTGOING[0])


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, never the same twice. Raises NoFreePort."""
    return _PORTS.take()


def _walk(ports: range, first: int) -> Iterator[int]:
    """Yield the ports without end, from some place on."""
    place = first
    while True:
        yield ports[place % len(ports)]
        place += 1


def _hold(port: int) -> int | None:
    """The descriptor that keeps a free port for this process; None where it is taken."""
    with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as keeper:
        try:
            keeper.bind((_HOST, port))
            probe.bind((_HOST, port))
        except OSError:
            return None
        return keeper.detach()


_PORTS: Final = Ports(candidates(outgoing_range()), first=os.getpid() * _STRIDE)
