"""A stand-in for the system's resolver."""

import socket
import threading

from crewgate.network.untrusted_addresses import AddressInfo


class Names:
    """A resolver whose answers hang for names that begin with `slow`, until it is released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()

    def __call__(
        self,
        host: str | bytes,
        port: str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002  # as in `socket`
        proto: int = 0,
        flags: int = 0,
    ) -> list[AddressInfo]:
        name = host if isinstance(host, str) else host.decode()
        self.asked.append(name)
        if name.startswith("slow"):
            self.released.wait()
        if name.startswith("nobody"):
            raise socket.gaierror(socket.EAI_NONAME, "nobody")
        return socket.getaddrinfo("127.0.0.1", port, family, type, proto, flags)
