"""A small MCP server on its standard streams; `got.txt` has the arguments that it was sent."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from mcp.server.fastmcp import FastMCP

server = FastMCP("shop")
GOT = Path("got.txt")


@server.tool()
async def purchase(
    item: str,
    amount: int = 5,
    express: bool = True,  # noqa: FBT002  # as servers have it
    note: str | None = None,
    tags: list[str] | None = None,
    sources: list[Any] | None = None,
) -> str:
    """Buy it."""
    got = {"item": item, "amount": amount, "express": express, "note": note, "tags": tags}
    with GOT.open("a") as file:  # noqa: ASYNC230  # a line
        file.write(f"{json.dumps({'tool': 'purchase', 'to': item, **got, 'sources': sources})}\n")
    if item.endswith("gone"):
        os._exit(1)
    if item.endswith("late"):
        await asyncio.Event().wait()
    if item.endswith("none left"):
        raise ValueError("None left.")
    return f"Bought {item}."


if __name__ == "__main__":
    server.run()
