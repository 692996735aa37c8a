"""Two copies of `docs/gate.py` in one program, as where a crew with its own runs in the host."""

import asyncio
import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace
from typing import Any

from crewai.mcp.client import MCPClient
from crewai.tools.mcp_native_tool import MCPNativeTool


def copy_of(path: str, name: str) -> ModuleType:
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def main(path: str) -> None:
    """Send other arguments, then the approved ones twice; print by copy what a server got.

    Then print the number of doors before a tool that each copy let through three times.
    """
    got: list[Any] = []

    async def take(_: Any, name: str, arguments: Any = None) -> str:
        got.append([name, arguments])
        return "Done."

    setattr(MCPClient, MCPClient.call_tool_result.__name__, take)
    tool = SimpleNamespace(_original_tool=object.__new__(MCPNativeTool))
    vars(tool._original_tool)["_original_tool_name"] = "pay"  # noqa: SLF001  # a tool without a server
    copies = [copy_of(path, name) for name in ("gate_of_host", "gate_of_crew")]
    for copy in (*copies, *copies):
        copy.hang_client_door()
    for copy in copies:
        passage = copy.Passage(tool, {"euros": 5}, doors=[], seconds=9)
        token = copy._PASSING.set(passage)  # noqa: SLF001  # as its door does
        for euros in (9, 5, 5):
            try:
                asyncio.run(MCPClient.call_tool_result(SimpleNamespace(), "pay", {"euros": euros}))
            except (copy.NotPassed, RuntimeError) as error:
                got.append(type(error).__name__)
        got.append(passage.ran)
        copy._PASSING.reset(token)  # noqa: SLF001
    gated = SimpleNamespace(func=print)
    for copy in 3 * copies:
        copy._hang_doors(gated)  # noqa: SLF001
    doors, function = 0, gated.func
    while hasattr(function, "__wrapped__"):
        doors, function = doors + 1, function.__wrapped__
    sys.stdout.write(json.dumps([*got, doors]))


if __name__ == "__main__":
    main(*sys.argv[1:])
