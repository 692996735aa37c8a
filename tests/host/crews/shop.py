"""Crews as a user would write them."""

from pathlib import Path
from typing import Any

from crewai import Agent, Crew, Process, Task
from crewai.tools import BaseTool
from pydantic import BaseModel

from tests.host.crews.model import Scripted

CALLED = Path("called.txt")
"""In the host's folder: a line for each task that the crew's own callback was told of."""


class Price(BaseModel):
    """What the last task of `priced` gives."""

    name: str
    euros: int


def _called(output: Any) -> None:
    with CALLED.open("a") as file:
        file.write(f"{output.description}\n")


def _crew(**more: Any) -> Crew:
    model = Scripted(model="scripted")
    writer = Agent(role="Writer", goal="Write about {topic}", backstory="Writes.", llm=model)
    editor = Agent(role="Editor", goal="Edit", backstory="Edits.", llm=model)
    draft = Task(
        name="draft",
        description="Draft on {topic}",
        expected_output="A draft",
        agent=writer,
        human_input=True,
    )
    plan = Task(name="plan", description="Plan for {topic}", expected_output="A plan", agent=editor)
    report = Task(
        name="report",
        description="Report on {topic}",
        expected_output="A report",
        agent=editor,
        context=[draft],
        human_input=True,
    )
    return Crew(
        name="shop",
        agents=[writer, editor],
        tasks=[draft, plan, report],
        task_callback=_called,
        **more,
    )


#: One that stands in a module, which each execution gets a copy of.
crew = _crew()


def make() -> Crew:
    """A function that makes one."""
    return _crew()


def defaulted() -> tuple[Crew, dict[str, str]]:
    """A crew with the inputs that it takes where none are given, as `load_crew` gives them."""
    return _crew(), {"topic": "milk"}


class Project:
    """What `crewai create crew` makes, without its decorators."""

    def crew(self) -> Crew:
        """The crew."""
        return _crew()


class _Look(BaseTool):
    name: str = "look"
    description: str = "Looks something up."

    def _run(self, **_: Any) -> str:
        return "Nothing."


def priced() -> Crew:
    """A crew whose output is a model, with a tool."""
    seller = Agent(
        role="Seller",
        goal="Sell",
        backstory="Sells.",
        llm=Scripted(model="scripted", says='{"name": "tea", "euros": 3}', uses="look"),
        tools=[_Look()],
    )
    price = Task(
        name="price",
        description="Price it",
        expected_output="A price",
        agent=seller,
        output_pydantic=Price,
        human_input=True,
    )
    return Crew(agents=[seller], tasks=[price])


def managed() -> Crew:
    """A hierarchical crew whose manager crewai makes."""
    return _managed(None)


def led() -> Crew:
    """The same with an agent named by its task, as the templates of crewai have it."""
    return _managed("led")


def _managed(name: str | None) -> Crew:
    model = Scripted(model="scripted")
    writer = Agent(role="Writer", goal="Write", backstory="Writes.", llm=model)
    draft = Task(
        name="draft",
        description="Managed {topic}",
        expected_output="A draft",
        agent=writer if name else None,
        human_input=True,
        output_file=f"{name or 'managed'}-{{topic}}.txt",
        guardrail=_guarded,
        callback=_called,
    )
    return Crew(
        agents=[writer],
        tasks=[draft],
        process=Process.hierarchical,
        manager_llm=model,
        task_callback=_called,
    )


def _guarded(output: Any) -> tuple[bool, Any]:
    with CALLED.open("a") as file:
        file.write(f"guardrail: {output.raw}\n")
    return True, output.raw


def pair() -> Crew:
    """Two tasks at the same time; people may take longer than the agents."""
    model = Scripted(model="scripted")
    agents = [
        Agent(role=role, goal="Write", backstory="Writes.", llm=model, max_execution_time=1)
        for role in ("Left", "Right")
    ]
    tasks = [
        Task(
            name=agent.role,
            description=f"{agent.role} of {{topic}}",
            expected_output="Text",
            agent=agent,
            human_input=True,
            async_execution=True,
        )
        for agent in agents
    ]
    end = Task(description="Both", expected_output="Text", agent=agents[0], context=tasks)
    return Crew(agents=agents, tasks=[*tasks, end])


def failing() -> Crew:
    """A crew whose model is away."""
    agent = Agent(
        role="Writer",
        goal="Write",
        backstory="Writes.",
        llm=Scripted(model="scripted", says="raise"),
        max_retry_limit=0,
    )
    return Crew(agents=[agent], tasks=[Task(description="Try", expected_output="It", agent=agent)])


nothing = 7
