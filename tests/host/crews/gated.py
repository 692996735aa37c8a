"""Crews whose hooks ask before they act; files have what people said and what was done."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from crewai import Agent, Crew, Task
from crewai.flow import Flow, start
from crewai.hooks import HookAborted, InterceptionPoint, before_tool_call, on
from crewai.tools import BaseTool

from tests.host.crews.model import Scripted, note

SENT = Path("sent.txt")
"""In the host's folder: a line for each call of a tool."""
SAID = Path("said.txt")
"""Beside it: a line for each answer that a hook was given."""


_OBSERVED = re.compile(r"Observation: (Done\.|Tool execution blocked.*)")


@on(InterceptionPoint.PRE_TOOL_CALL, tools=["send_email"])
def may_send(context: Any) -> None:
    """The gate that CrewAI's own page teaches."""
    said = context.request_human_input(prompt=f"Send it to {context.tool_input['to']}?")
    with SAID.open("a") as file:
        file.write(f"{json.dumps(said)}\n")
    if said != "yes":
        raise HookAborted("Nobody said yes.")


@before_tool_call
def may_pay(context: Any) -> bool | None:
    """The same in the older dialect."""
    if context.tool_name != "pay":
        return None
    return None if context.request_human_input("Pay?", "Type 'yes':") == "yes" else False


@on(InterceptionPoint.PRE_TOOL_CALL, tools=["wipe"])
def may_wipe(context: Any) -> None:
    """Asks in a thread of its own, and about what cannot be shown."""
    if context.tool_input["to"] == "aside":
        with ThreadPoolExecutor() as threads:
            threads.submit(context.request_human_input, "Wipe?").result()
    context.tool_input["itself"] = context.tool_input
    context.request_human_input("Wipe?")


@on(InterceptionPoint.PRE_MODEL_CALL, agents=["Thinker"])
def may_think(context: Any) -> None:
    """Asks before the model is called; CrewAI calls it where there is no agent, too."""
    if context.agent and context.request_human_input("May it think?") != "yes":
        raise HookAborted("It may not.")


class _Acts(BaseTool):
    name: str = "send_email"
    description: str = "Acts."

    def _run(self, to: str) -> str:
        note(f"{self.name} {to}", SENT)
        return "Done."


class _Acting(Scripted):
    """Uses its tool once for each name in its task, all of them at once where it is native."""

    native: bool = False

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """The calls, or what came of them."""
        told = [str(one.get("content", "")) for one in messages]
        results = [one["content"] for one in messages if one["role"] == "tool"]
        results += _OBSERVED.findall("\n".join(told))
        task = next(one for one in told if "Current Task: " in one)
        names = task.partition("Current Task: ")[2].partition("\n")[0].split()[1:]
        if not results and self.native:
            return [_call(self.uses, name) for name in names]
        if not results:
            arguments = json.dumps({"to": names[0]})
            return f"Thought: I act.\nAction: {self.uses}\nAction Input: {arguments}"
        return f"Thought: I know.\nFinal Answer: {' '.join(results)}"

    def supports_function_calling(self) -> bool:
        """Where it is native."""
        return self.native


def _call(name: str, to: str) -> dict[str, Any]:
    arguments = json.dumps({"to": to})
    function = {"name": name, "arguments": arguments}
    return {"id": f"call-{to}", "type": "function", "function": function}


def _crew(*tasks: str, tool: str = "send_email", role: str = "Clerk", native: bool = False) -> Crew:
    agents = [
        Agent(
            role=role,
            goal="Act",
            backstory="Acts.",
            llm=_Acting(model="scripted", uses=tool, native=native),
            tools=[_Acts(name=tool)],
        )
        for _ in tasks
    ]
    ends = Agent(role="End", goal="End", backstory="Ends.", llm=Scripted(model="scripted"))
    several = len(tasks) > 1
    made = [
        Task(
            name=f"mail-{number}",
            description=task,
            expected_output="It",
            agent=agents[number],
            async_execution=several,
        )
        for number, task in enumerate(tasks)
    ]
    if several:
        made.append(Task(description="End", expected_output="It", agent=ends, context=made[:]))
    return Crew(name="post", agents=[*agents, ends], tasks=made)


def mailing() -> Crew:
    """One mail."""
    return _crew("Mail {to}")


def paying() -> Crew:
    """One payment."""
    return _crew("Pay {to}", tool="pay")


def wiping() -> Crew:
    """A hook that cannot ask."""
    return _crew("Wipe {to}", tool="wipe")


def thinking() -> Crew:
    """A model that asks."""
    return _crew("Think {to}", tool="think", role="Thinker")


def beside() -> Crew:
    """Two mails at once, in tasks of their own."""
    return _crew("Mail {to}-left", "Mail {to}-right")


def native() -> Crew:
    """Two mails at once, by one answer of a model; equal where there is one name."""
    return _crew("Mail {to} {to} other", native=True)


class MailFlow(Flow):
    """A crew inside of a flow."""

    _skip_auto_memory: bool = True

    @start()
    def mail(self) -> str:
        """Send it."""
        return str(mailing().kickoff(inputs={"to": self.state["to"]}).raw)
