"""A crew for `make soak`, whose calls can be killed before and after their effects.

A line of `got.txt` is an effect: when it was, the tool, and the arguments that the tool got.
"""

import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crewai import Agent, Crew
from crewai.mcp import MCPServerStdio
from crewai.tools import BaseTool
from crewai.utilities.string_utils import sanitize_tool_name
from pydantic import BaseModel, Field

from crewgate.host import ask_people
from crewgate.host.store import utc_seconds
from tests.host.crews.acting import Script, act
from tests.host.crews.model import note

GOT = Path("got.txt")
#: Set by nobody.
_PAUSE = threading.Event()


def _now() -> datetime:
    return datetime.fromtimestamp(utc_seconds(), UTC)


class _Mail(BaseModel):
    """Fills in all but an address, and of the time another one at each call."""

    to: str
    amount: int = 5
    bcc: list[str] = Field(default_factory=lambda: ["boss@acme.example"])
    stamp: datetime = Field(default_factory=_now)


class _Mails(BaseTool):
    name: str = "mail_out"
    description: str = "Mails."
    args_schema: type[BaseModel] = _Mail

    def _run(self, to: str, amount: int, bcc: list[str], stamp: datetime) -> str:
        _PAUSE.wait(0.2)
        arguments = {"to": to, "amount": amount, "bcc": bcc, "stamp": stamp.isoformat()}
        note(json.dumps({"at": utc_seconds(), "tool": self.name, "arguments": arguments}), GOT)
        _PAUSE.wait(0.2)
        return f"Mailed {to}."


_SHOP = MCPServerStdio(
    command=sys.executable, args=[str(Path(__file__).parents[2] / "soak" / "shop.py")]
)
_PURCHASE = sanitize_tool_name("_".join([_SHOP.command, *_SHOP.args, "purchase"]))


class _Buyer(Script):
    """Calls the server's tool by the name that CrewAI made of it."""

    def _calls(self, calls: list[Any]) -> Any:
        return super()._calls(
            [[_PURCHASE if name == "purchase" else name, given] for name, given in calls]
        )


def soaking() -> Crew:
    """An agent by text, then one by its model's own calls who has an MCP server too."""
    clerk = Agent(
        role="Clerk",
        goal="Mail",
        backstory="Mails.",
        llm=Script(model="scripted"),
        tools=[_Mails(), ask_people],
    )
    buyer = Agent(
        role="Buyer",
        goal="Buy",
        backstory="Buys.",
        llm=_Buyer(model="scripted", native=True),
        tools=[_Mails()],
        mcps=[_SHOP.model_copy()],
    )
    return Crew(
        name="bank", agents=[clerk, buyer], tasks=[act("mail", clerk), act("buy", buyer, "{buys}")]
    )
