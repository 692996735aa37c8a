"""Crews that come to a call a second time, without the memory of the first."""

import json
import os
from pathlib import Path
from typing import Any

from crewai import Agent, Crew
from crewai.flow import Flow, start
from crewai.utilities.planning_handler import PlannerTaskPydanticOutput

from tests.host.crews.acting import Script, act, agent_of
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


def guarded() -> Crew:
    """A guardrail sends its task back once."""
    tries: list[Any] = []

    def is_second(output: Any) -> tuple[bool, Any]:
        tries.append(output)
        return (True, output.raw) if tries[1:] else (False, "Say more.")

    return _crew(Script(model="scripted"), guardrail=is_second)


class _Planner(Scripted):
    """Plans in other words in each process."""

    def call(self, *_: Any, **__: Any) -> Any:
        """A plan for the one task."""
        plan = {"task_number": 1, "task": "pay", "plan": f"\nThink of {os.getpid()}."}
        plans = {"list_of_plans_per_task": [plan]}
        return PlannerTaskPydanticOutput.model_validate(plans).model_dump_json()


def planned() -> Crew:
    crew = _crew(Script(model="scripted"))
    crew.planning, crew.planning_llm = True, _Planner(model="scripted")
    return crew


class PlannedFlow(Flow):
    """A planned crew in a flow."""

    _skip_auto_memory: bool = True

    @start()
    async def act(self) -> str:
        """Act."""
        inputs = {"steps": self.state["steps"]}
        return str((await planned().kickoff_async(inputs=inputs)).raw)


def handing_on() -> Crew:
    """A boss who gives its work to a coworker, in other words in each process."""
    boss: Agent = agent_of(_Boss(model="scripted"), "Boss", allow_delegation=True)
    clerk = agent_of(Script(model="scripted"))
    return Crew(name="bank", agents=[boss, clerk], tasks=[act("lead", boss)])


class _Boss(Script):
    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        """Hand the script on, and tell what came back."""
        told = "\n".join(str(one.get("content") or "") for one in messages)
        result = [one for one in told.splitlines() if one.startswith("Observation: [")]
        if result:
            return f"Thought: I know.\nFinal Answer: {result[0].removeprefix('Observation: ')}"
        script = told.partition("Act [[")[2].partition("\n")[0]
        task = f"Act [[{script}\nSaid by {os.getpid()}."
        work = json.dumps({"task": task, "context": "None", "coworker": "Clerk"})
        return f"Thought: I act.\nAction: delegate_work_to_coworker\nAction Input: {work}"
