"""The tools that agents will have, asked of their MCP servers before an execution begins."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from crewai.mcp.tool_resolver import MCPToolResolver
from crewai.tools.mcp_tool_wrapper import MCPToolWrapper
from crewai.utilities.logger import Logger

log = structlog.get_logger(__name__)

#: The longest that a start waits for all MCP servers, in seconds.
SECONDS: Final = 10.0


@dataclass
class Found:
    """The tools of MCP servers, and the servers that did not answer."""

    tools: list[Any] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """The servers that did not answer, by the names that their tools would have for them."""

    @property
    def by_url(self) -> list[Any]:
        """The tools of servers that are given as a URL alone."""
        return [one for one in self.tools if isinstance(one, MCPToolWrapper)]


def ask_servers(agents: Iterable[Any]) -> Found:
    """Ask the MCP servers of all agents for their tools, all at once, for SECONDS at most."""
    found = Found()
    asked = [(one, server) for one in agents for server in getattr(one, "mcps", None) or ()]
    answers: list[list[Any]] = [[] for _ in asked]

    def ask(agent: Any, server: Any, answer: list[Any]) -> None:
        try:
            answer += MCPToolResolver(agent=agent, logger=Logger()).resolve([server])
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            log.warning("server_not_asked", server=name_of(server), why=str(error))

    threads = [
        threading.Thread(target=ask, args=(*each, answer), daemon=True)
        for each, answer in zip(asked, answers, strict=True)
    ]
    until = time.monotonic() + SECONDS
    for thread in threads:
        thread.start()
    for thread, (_, server), answer in zip(threads, asked, answers, strict=True):
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive() or not answer:
            found.silent.add(name_of(server))
        else:
            found.tools += answer
    return found


def name_of(server: Any) -> str:
    """Return the name by which the tools of a server know the server."""
    if not isinstance(server, str):
        _, name = MCPToolResolver._create_transport(server)  # noqa: SLF001  # no public way
        return str(name)
    if server.startswith("https://"):
        url = server.partition("#")[0]
        return str(MCPToolResolver._extract_server_name(url))  # noqa: SLF001  # the same
    return server.removeprefix("crewai-amp:").partition("#")[0]


def is_of(tool: Any, servers: Iterable[str]) -> bool:
    """Return True if a tool is of one of these MCP servers."""
    names = {getattr(tool, one, None) for one in ("server_name", "server_reference")}
    return not names.isdisjoint(servers)
