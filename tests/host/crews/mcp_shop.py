"""A small MCP server on its standard streams, or by HTTPS; `got.txt` has what it was sent."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import uvicorn
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
    if Path("silent").exists():
        sys.stdin.read()  # until the client is gone
    elif len(sys.argv) > 1 and sys.argv[1] == "--https":
        _, _, port, key, certificate = sys.argv
        app = server.streamable_http_app()
        uvicorn.run(app, port=int(port), ssl_keyfile=key, ssl_certfile=certificate)
    else:
        server.run()
