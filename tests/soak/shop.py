"""An MCP server on its standard streams; `got.txt` has each purchase, as of the other tools."""

import asyncio
import json
import time
from pathlib import Path

from mcp.server.fastmcp import FastMCP

server = FastMCP("shop")
GOT = Path("got.txt")


@server.tool()
async def purchase(
    item: str,
    amount: int = 5,
    express: bool = True,  # noqa: FBT002  # as servers have it
) -> str:
    """Buy it."""
    await asyncio.sleep(0.2)
    arguments = {"item": item, "amount": amount, "express": express}
    effect = {"at": time.time(), "tool": "purchase", "arguments": arguments}
    with GOT.open("a") as file:  # noqa: ASYNC230  # a line
        file.write(f"{json.dumps(effect)}\n")
    await asyncio.sleep(0.2)
    return f"Bought {item}."


if __name__ == "__main__":
    server.run()
