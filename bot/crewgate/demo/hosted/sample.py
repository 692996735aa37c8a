"""A real CrewAI crew with the demo's tasks, and a model that answers from a script.

The crew needs no key and no network. `crewgate demo --crewai` serves it, and so does `crewgate
host crewgate.demo.hosted.sample:crew`.
"""

import os
import re
import threading
from typing import Any, Final

from crewai import Agent, Crew, Task
from crewai.llms.base_llm import BaseLLM

from crewgate.demo.crew.script import SAMPLE

#: The duration of each answer of the model, in seconds.
SECONDS: Final = float(os.environ.get("CREWGATE_SAMPLE_SECONDS", "0"))
_MARK: Final = "The topic: "
_LESSONS: Final = "Keep in mind: "
_FEEDBACK: Final = re.compile(r"User feedback: (.*?)\nInstructions:", re.DOTALL)


class ScriptedModel(BaseLLM):
    """A model whose answer depends on the task, topic and feedback in its prompt."""

    def call(self, messages: Any, *_: Any, **__: Any) -> str:
        threading.Event().wait(SECONDS)
        prompt = messages if isinstance(messages, str) else "\n".join(_texts(messages))
        task = next(one for one in SAMPLE if f"Current Task: {one.description}" in prompt)
        topic = prompt.partition(_MARK)[2].partition("\n")[0].strip()
        lessons = prompt.partition(_LESSONS)[2].partition("\n\n")[0]
        inputs = {"topic": topic, "lessons": lessons}
        output = task.produce(inputs, _FEEDBACK.findall(prompt), {})
        return f"Thought: I now can give a great answer\nFinal Answer: {output}"

    def supports_function_calling(self) -> bool:
        return False

    def supports_stop_words(self) -> bool:
        return False

    def get_context_window_size(self) -> int:
        return 1_000_000


def crew() -> Crew:
    model = ScriptedModel(model="scripted")
    agents = {
        task.agent: Agent(
            role=task.agent, goal=task.expected_output, backstory="Works for the demo.", llm=model
        )
        for task in SAMPLE
    }
    tasks = [
        Task(
            name=task.name,
            description=f"{task.description}\n{_MARK}{{topic}}\n{_LESSONS}{{lessons}}",
            expected_output=task.expected_output,
            agent=agents[task.agent],
            human_input=task.needs_review,
        )
        for task in SAMPLE
    ]
    return Crew(name="research", agents=list(agents.values()), tasks=tasks)


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [str(message["content"]) for message in messages]
