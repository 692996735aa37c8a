"""Crews that come to a call a second time, without the memory of the first."""

import json
import os
from pathlib import Path
from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.flow import Flow, start
from crewai.utilities.planning_handler import PlannerTaskPydanticOutput

from tests.host.crews.acting import TASK, Script, act, agent_of
from tests.host.crews.model import Scripted, note

AWAY = Path("away.txt")


class _Moody(Script):
    """Is away once for each script, after a tool has run."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """The end of its script, at its second try."""
        answer = super().call(messages, *args, **kwargs)
        told = "".join(str(one.get("content") or "") for one in messages)
        script = told.partition("Act [[")[2].partition("\n")[0]
        known = AWAY.read_text() if AWAY.exists() else ""
        if "Final Answer" in str(answer) and script not in known:
            note(script, AWAY)
            raise ConnectionError("the model is away")
        return answer


def _crew(llm: Scripted, **more: Any) -> Crew:
    agent = agent_of(llm)
    return Crew(name="bank", agents=[agent], tasks=[act("pay", agent, **more)])


def moody() -> Crew:
    return _crew(_Moody(model="scripted"))


def moody_natively() -> Crew:
    return _crew(_Moody(model="scripted", native=True))


def guarded(*, native: bool = False) -> Crew:
    """A guardrail sends its task back once."""
    tries: list[Any] = []

    def is_second(output: Any) -> tuple[bool, Any]:
        tries.append(output)
        return (True, output.raw) if tries[1:] else (False, "Say more.")

    return _crew(Script(model="scripted", native=native), guardrail=is_second)


def guarded_natively() -> Crew:
    return guarded(native=True)


class _Planner(Scripted):
    """Plans in other words in each process."""

    def call(self, *_: Any, **__: Any) -> Any:
        """A plan for the one task."""
        plan = {"task_number": 1, "task": "pay", "plan": f"\nThink of {os.getpid()}."}
        plans = {"list_of_plans_per_task": [plan]}
        return PlannerTaskPydanticOutput.model_validate(plans).model_dump_json()


def planned(*, native: bool = False) -> Crew:
    crew = _crew(Script(model="scripted", native=native))
    crew.planning, crew.planning_llm = True, _Planner(model="scripted")
    return crew


def planned_natively() -> Crew:
    return planned(native=True)


def dated() -> tuple[Crew, dict[str, str]]:
    """The words of its task have an input that is another one in each process."""
    agent = agent_of(Script(model="scripted"))
    task = act("pay", agent, "{steps}\nIn {process}.")
    return Crew(name="bank", agents=[agent], tasks=[task]), {"process": str(os.getpid())}


class _Stepwise(Script):
    """Plans a step for each of its script's, in other words in each process."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """The plan, or the one call of a step."""
        tools = kwargs.get("tools") or (args[:1] and args[0])
        if tools and tools[0]["function"]["name"] == "create_reasoning_plan":
            told = [str(one.get("content") or "") for one in messages]
            texts = [json.dumps([step]) for step in json.loads(self.script(told))]
            steps = [
                {
                    "step_number": number,
                    "description": f"In {os.getpid()}: Act {text}",
                    "depends_on": [*range(1, number)],
                }
                for number, text in enumerate(texts, 1)
            ]
            return json.dumps({"plan": "Act.", "steps": steps, "ready": True})
        return super().call(messages, *args, **kwargs)

    def script(self, told: list[str]) -> str:
        """Return the script of a step, which stands behind that of the whole task."""
        return str(TASK.findall("\n".join(told))[-1])


def stepwise() -> Crew:
    """An agent that plans its steps."""
    agent = agent_of(_Stepwise(model="scripted", native=True), planning=True)
    return Crew(name="bank", agents=[agent], tasks=[act("pay", agent)])


class PlannedFlow(Flow):
    """A planned crew in a flow."""

    _skip_auto_memory: bool = True

    @start()
    async def act(self) -> str:
        """Act."""
        inputs = {"steps": self.state["steps"]}
        return str((await planned().kickoff_async(inputs=inputs)).raw)


def handing_on(*, native: bool = False) -> Crew:
    """A boss who gives its work to a coworker, in other words in each process."""
    model = _Boss(model="scripted", native=native)
    boss: Agent = agent_of(model, "Boss", allow_delegation=True)
    clerk = agent_of(Script(model="scripted", native=native))
    return Crew(name="bank", agents=[boss, clerk], tasks=[act("lead", boss)])


def handing_on_natively() -> Crew:
    return handing_on(native=True)


def managed() -> Crew:
    """CrewAI's own manager, who does the same."""
    clerk = agent_of(Script(model="scripted"))
    task = Task(name="pay", description="Act {steps}", expected_output="It")
    manager = _Boss(model="scripted")
    process = Process.hierarchical
    return Crew(name="bank", agents=[clerk], tasks=[task], process=process, manager_llm=manager)


class _Boss(Script):
    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand the script on, and tell what came back."""
        told = "\n".join(str(one.get("content") or "") for one in messages)
        result = [one for one in told.splitlines() if one.startswith("Observation: [")]
        result += [str(one["content"]) for one in messages if one["role"] == "tool"]
        if result:
            return f"Thought: I know.\nFinal Answer: {result[0].removeprefix('Observation: ')}"
        script = told.partition("Act [[")[2].partition("\n")[0]
        task = f"Act [[{script}\nSaid by {os.getpid()}."
        work = {"task": task, "context": "None", "coworker": "Clerk"}
        return self._calls([["delegate_work_to_coworker", work]])
