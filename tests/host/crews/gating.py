"""A tool of a program without a host, which `docs/gate.py` gates as its page says."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from crewai import Agent, Crew, Task
from crewai.hooks import clear_all_hooks
from crewai.tools import BaseTool
from pydantic import AfterValidator, BaseModel

from docs.gate import gate_crewai
from tests.host.crews.model import Scripted, note

SENT = Path("sent.txt")


class _Letter(BaseModel):
    """Adds what the model left out."""

    to: Annotated[str, AfterValidator(lambda to: f"{to.removesuffix('.example')}.example")]
    text: str = "Hi."


class _Mail(BaseTool):
    name: str = "send_email"
    description: str = "Sends."
    args_schema: type[BaseModel] = _Letter

    def _run(self, to: str, text: str) -> str:
        note(f"{to}: {text}", SENT)
        return "Sent."


class _Clerk(Scripted):
    """Uses the tool once, and says what came of it."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """The call, or its result."""
        told = "\n".join(str(one.get("content", "")) for one in messages)
        task = told.partition("Current Task: Mail ")[2].split()[0]
        _, is_done, result = told.rpartition("Observation: ")
        if is_done and "Action Input" in told.partition("Current Task: ")[2]:
            return f"Thought: I know.\nFinal Answer: {result.splitlines()[0]}"
        return f'Thought: I act.\nAction: send_email\nAction Input: {{"to": "{task}"}}'


def mail_all(names_by_pattern: Mapping[str, Sequence[str]]) -> None:
    """Mail to the names, by hooks of their pattern alone; print what came back."""
    for pattern, names in names_by_pattern.items():
        clear_all_hooks()
        gate_crewai(pattern, seconds=60)
        for name in names:
            _mail(name)


def _mail(name: str) -> None:
    """Mail in a crew of its own; if the name begins so, by one of two tools."""
    clerk = Agent(
        role="Clerk",
        goal="Mail",
        backstory="Mails.",
        llm=_Clerk(model="scripted"),
        tools=[_Mail(), _Mail(name="Send Email")][: 1 + name.startswith("two")],
    )
    task = Task(description=f"Mail {name}", expected_output="It", agent=clerk)
    sys.stdout.write(f"{name}: {Crew(agents=[clerk], tasks=[task]).kickoff().raw}\n")
