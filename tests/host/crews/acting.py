"""Crews whose tools people are asked about; a kickoff says what their agents do, step by step."""

import asyncio
import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from crewai import Agent, Crew, Task
from crewai.agents.agent_builder.base_agent import BaseAgent
from crewai.flow import Flow, start
from crewai.hooks import HookAborted, InterceptionPoint, on
from crewai.hooks.dispatch import scoped_hooks
from crewai.llms.base_llm import BaseLLM
from crewai.tools import BaseTool
from crewai.tools.tool_failure import ToolFailure

from crewgate.host import ask_people
from tests.host.crews.model import Scripted, note

ACTS = Path("acts.txt")
"""In the host's folder: a line for each call of a tool that began."""
#: Set by nobody.
_PAUSE = threading.Event()
TASK = re.compile(r"Act (\[\[.*)")
_RESULT = re.compile(r"Observation: (?!the result of the action)(.*)")
"""Without the format, of which CrewAI reminds a model now and then."""


@on(InterceptionPoint.PRE_TOOL_CALL, tools=["transfer"])
def first(context: Any) -> None:
    """A hook of the user's own."""
    if context.tool_input["to"] == "never":
        raise HookAborted("Never.")
    if context.tool_input["to"] == "hidden":
        # CrewAI gives the tool what was there before.
        context.tool_input = {"to": "shown"}
    context.tool_input["to"] = context.tool_input["to"].replace("typo", "right")


class _Transfer(BaseTool):
    name: str = "transfer"
    description: str = "Transfers money."

    def _run(
        self, to: str, amount: int = 1, text: str = "", currency: Literal["EUR", "USD"] = "EUR"
    ) -> Any:
        note(f"{self.name} {to} {amount} {currency}", ACTS)
        if to == "raise":
            raise ConnectionError("the bank is away")
        if to == "fail":
            return ToolFailure(message="No money.")
        return f"Transferred to {to}.\nAnd no more."


class _TransferLater(_Transfer):
    name: str = "transfer_later"

    async def _run(self, to: str, amount: int = 1) -> Any:  # type: ignore[override]
        await asyncio.to_thread(str)
        return super()._run(to, amount)


class _TransferSlowly(_Transfer):
    """Can be killed before and after its effect."""

    name: str = "transfer_slowly"

    def _run(self, to: str, amount: int = 1) -> Any:  # type: ignore[override]
        _PAUSE.wait(0.2)
        transferred = super()._run(to, amount)
        _PAUSE.wait(0.2)
        return transferred


class _Search(BaseTool):
    name: str = "search"
    description: str = "Searches."

    def _run(self, words: str) -> str:
        return f"Nothing about {words}."


class _Ping(BaseTool):
    name: str = "transfer_all"
    description: str = "Takes no arguments."

    def _run(self) -> str:
        note(self.name, ACTS)
        return "All."


class Script(Scripted):
    """Makes the calls of each step of its task at once, then tells all that came back.

    `$pid` is another value after a restart.
    """

    native: bool = False

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """The calls of the next step, or the end."""
        told = [str(one.get("content") or "") for one in messages]
        steps = json.loads(self.script(told).replace("$pid", str(os.getpid())))
        results = [one["content"] for one in messages if one["role"] == "tool"]
        said = [str(one["content"]) for one in messages if one["role"] == "assistant"]
        results += _RESULT.findall("\n".join(said))
        done = 0
        for calls in steps:
            if done == len(results):
                return self._calls(calls)
            done += len(calls)
        return f"Thought: I know.\nFinal Answer: {json.dumps(results)}"

    def script(self, told: list[str]) -> str:
        """Return the script in its messages."""
        return str(TASK.findall("\n".join(told))[0])

    def supports_function_calling(self) -> bool:
        """Where it is native."""
        return self.native

    def _calls(self, calls: list[Any]) -> Any:
        if not self.native:
            [[tool, arguments]] = calls
            return f"Thought: I act.\nAction: {tool}\nAction Input: {json.dumps(arguments)}"
        return [
            {
                "id": f"call-{number}",
                "type": "function",
                "function": {"name": tool, "arguments": json.dumps(arguments)},
            }
            for number, (tool, arguments) in enumerate(calls)
        ]


def _never(*_: Any) -> bool:
    return False


def _always(*_: Any) -> bool:
    return True


def _agent(role: str = "Clerk", *, native: bool = False, **more: Any) -> Agent:
    return agent_of(Script(model="scripted", native=native), role, **more)


def agent_of(llm: BaseLLM, role: str = "Clerk", **more: Any) -> Agent:
    """An agent of this model with all tools."""
    slowly = _TransferSlowly(cache_function=_never)
    tools = [_Transfer(), _TransferLater(), slowly, _Ping(), _Search(), ask_people]
    tools.append(_Transfer(name="transfer_once", max_usage_count=1))
    tools.append(_Transfer(name="transfer_cached", cache_function=_always))
    tools += [_Transfer(name="twin"), _Transfer(name="Twin!")]
    return Agent(role=role, goal="Act", backstory="Acts.", llm=llm, tools=tools, **more)


def act(name: str, agent: BaseAgent, steps: str = "{steps}", **more: Any) -> Task:
    return Task(name=name, description=f"Act {steps}", expected_output="It", agent=agent, **more)


def acting(most: int | None = 1) -> Crew:
    """One agent, by text, who has less time than people take."""
    agent = _agent(max_execution_time=most)
    return Crew(name="bank", agents=[agent], tasks=[act("pay", agent)])


def acting_natively() -> Crew:
    """One agent, by its model's own calls."""
    agent = _agent(native=True)
    return Crew(name="bank", agents=[agent], tasks=[act("pay", agent)], cache=True)


def acting_beside() -> Crew:
    """Two tasks at once, and one that people review."""
    left, right, end = _agent("Left"), _agent("Right"), _agent("End")
    tasks = [
        act("left", left, "{left}", async_execution=True),
        act("right", right, "{right}", async_execution=True),
    ]
    tasks.append(act("end", end, "{end}", context=tasks[:], human_input=True))
    return Crew(name="bank", agents=[left, right, end], tasks=tasks)


def acting_for_others() -> Crew:
    """An agent whose coworker acts."""
    boss, clerk = _agent("Boss", allow_delegation=True), _agent()
    return Crew(name="bank", agents=[boss, clerk], tasks=[act("lead", boss)])


class _Foreign(BaseAgent):
    """An agent of another library."""

    def execute_task(self, *_: Any) -> str:
        return "Done."

    async def aexecute_task(self, *_: Any) -> str:
        return "Done."

    def create_agent_executor(self, tools: Any = None) -> None:
        """None."""

    def get_delegation_tools(self, *_: Any) -> list[BaseTool]:
        return []

    get_platform_tools = get_mcp_tools = get_delegation_tools


def foreign() -> Crew:
    """An agent whose calls no hook sees."""
    agent = _Foreign(role="Stranger", goal="Act", backstory="Acts.")
    return Crew(name="bank", agents=[agent], tasks=[act("pay", agent)])


class ActFlow(Flow):
    """A crew inside of a flow, by a coroutine; or an agent alone."""

    _skip_auto_memory: bool = True

    @start()
    async def act(self) -> str:
        """Act."""
        inputs = {"steps": self.state["steps"]}
        if self.state.get("how") == "natively":
            return str((await acting_natively().akickoff(inputs=inputs)).raw)
        if self.state.get("how") == "alone":
            return str((await _agent().kickoff_async(f"Act {inputs['steps']}")).raw)
        return str((await acting(None).kickoff_async(inputs=inputs)).raw)


class _Odd(_Transfer):
    """Has a name at an MCP server that is none."""

    original_tool_name: Any = ("transfer",)


class OddFlow(Flow):
    """An agent whose tool's names cannot be told; the start sees no tool of a flow."""

    _skip_auto_memory: bool = True

    @start()
    async def act(self) -> str:
        """Act."""
        agent = Agent(role="Clerk", goal="Act", backstory="Acts.", llm=Script(model="scripted"))
        agent.tools = [_Odd()]
        asked = f"Act {self.state['steps']}"
        if self.state.get("how") == "aside":
            with ThreadPoolExecutor() as threads:
                return str(threads.submit(agent.kickoff, asked).result().raw)
        return str((await agent.kickoff_async(asked)).raw)


class ElsewhereFlow(Flow):
    """A crew where no hook of the host's can ask: in a thread of its own, or among other hooks."""

    _skip_auto_memory: bool = True

    @start()
    def act(self) -> str:
        """Act."""
        inputs = {"steps": self.state["steps"]}
        with ThreadPoolExecutor() as threads:
            aside = threads.submit(acting(None).kickoff, inputs=inputs).result()
        with scoped_hooks():
            return f"{aside.raw} {acting(None).kickoff(inputs=inputs).raw}"
