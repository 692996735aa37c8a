"""A small MCP server on its standard streams; `got.txt` has the arguments that it was sent."""

import json
from pathlib import Path
from typing import Any

from mcp.server.fastmcp import FastMCP

server = FastMCP("shop")
GOT = Path("got.txt")
NEVER = Path("never")
"""A named pipe into which nobody writes."""


@server.tool()
def purchase(
    item: str,
    amount: int = 5,
    express: bool = True,  # noqa: FBT002  # as servers have it
    note: str | None = None,
    tags: list[str] | None = None,
    sources: list[Any] | None = None,
) -> str:
    """Buy it."""
    got = {"item": item, "amount": amount, "express": express, "note": note, "tags": tags}
    with GOT.open("a") as file:
        file.write(f"{json.dumps({'tool': 'purchase', 'to': item, **got, 'sources': sources})}\n")
    if item.endswith("late"):
        NEVER.read_text()
    if item.endswith("none left"):
        raise ValueError("None left.")
    return f"Bought {item}."


if __name__ == "__main__":
    server.run()
