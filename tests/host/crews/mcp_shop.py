"""A small MCP server on its standard streams, or by HTTPS; `got.txt` has what it was sent.

On its streams it speaks the protocol by itself: `mcp.server` takes most of a second of processor to
import, and each execution starts a server of its own, as the host does to ask for its tools. What
it lists and answers is what `mcp.server.fastmcp` lists and answers for `purchase` below.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

GOT: Final = Path("got.txt")
LEFT_OUT: Final = {"amount": 5, "express": True, "note": None, "tags": None, "sources": None}


def _or_nothing(**schema: Any) -> Mapping[str, Any]:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


PURCHASE: Final = {
    "name": "purchase",
    "description": "Buy it.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "amount": {"type": "integer", "default": LEFT_OUT["amount"]},
            "express": {"type": "boolean", "default": LEFT_OUT["express"]},
            "note": _or_nothing(type="string"),
            "tags": _or_nothing(type="array", items={"type": "string"}),
            "sources": _or_nothing(type="array", items={}),
        },
        "required": ["item"],
    },
    "outputSchema": {
        "type": "object",
        "properties": {"result": {"type": "string"}},
        "required": ["result"],
    },
}


def by_streams() -> None:
    """Answer line by line until the other side closes the stream."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue  # a notification
        result = _result(message["method"], message.get("params", {}))
        if result is not None:
            answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()


def _result(method: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return nothing for a request that is never answered."""
    match method:
        case "initialize":
            return {
                "protocolVersion": given["protocolVersion"],
                "capabilities": {"tools": {"listChanged": False}},
                "serverInfo": {"name": "shop", "version": "1"},
            }
        case "tools/list":
            return {"tools": [PURCHASE]}
        case "tools/call":
            return _buy(**given["arguments"])
        case _:
            return {}


def _buy(item: str, **more: Any) -> Mapping[str, Any] | None:
    got = {"tool": "purchase", "to": item, "item": item, **LEFT_OUT, **more}
    with GOT.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(got)}\n")
    if item.endswith("gone"):
        os._exit(1)
    if item.endswith("late"):
        return None
    if item.endswith("none left"):
        text = "Error executing tool purchase: None left."
        return {"content": [{"type": "text", "text": text}], "isError": True}
    text = f"Bought {item}."
    content = [{"type": "text", "text": text}]
    return {"content": content, "structuredContent": {"result": text}, "isError": False}


def by_https(port: int, key: str, certificate: str) -> None:
    """Offer the tool by HTTPS; nobody calls it there."""
    import uvicorn  # noqa: PLC0415  # see above
    from mcp.server.fastmcp import FastMCP  # noqa: PLC0415  # see above

    server = FastMCP("shop")

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
        return f"Bought {item}."

    app = server.streamable_http_app()
    uvicorn.run(app, port=port, ssl_keyfile=key, ssl_certfile=certificate)


if __name__ == "__main__":
    if Path("silent").exists():
        sys.stdin.read()  # until the client is gone
    elif len(sys.argv) > 1 and sys.argv[1] == "--https":
        by_https(int(sys.argv[2]), *sys.argv[3:])
    else:
        by_streams()
