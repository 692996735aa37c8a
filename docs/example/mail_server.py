"""An MCP server that sends a mail once people have approved it; `gate.py` lies beside this file."""

import asyncio
from pathlib import Path

import gate
from mcp.server.fastmcp import FastMCP

server = FastMCP("mail")


def deliver(to: str, text: str) -> str:
    Path(f"to {to}.txt").write_text(text, encoding="utf-8")  # in place of a real mail
    return f"Sent to {to}."


@server.tool()
async def send_email(to: str, text: str) -> str:
    """Send a mail."""
    decision = await asyncio.to_thread(gate.ask, "send_email", {"to": to, "text": text})
    return deliver(**decision.arguments) if decision else decision.words


if __name__ == "__main__":
    server.run()  # by standard input and output, as a client starts it
