"""The crew of office.py with a model that answers from a script: it needs no key and no network."""

import json
import re
from typing import Any

import office
from crewai import Crew
from crewai.llms.base_llm import BaseLLM

CALLS: dict[str, list[tuple[str, dict[str, object]]]] = {
    "Order": [
        ("purchase", {"item": "Cables", "amount": 60}),
        ("purchase", {"item": "A warehouse", "amount": 25000}),
        ("purchase", {"item": "40 modules", "amount": 4300}),
    ],
    "Ask people": [
        ("ask_people", {"question": "Which day of delivery?", "choices": ["Monday", "Friday"]}),
        (
            "send_email",
            {"to": "bob@acme.example", "subject": "Delivery", "text": "Your modules are coming."},
        ),
    ],
}
"""The calls of each task, by the words with which its description begins."""


class Scripted(BaseLLM):
    """Makes the calls of its task one by one, or writes the contract."""

    def call(self, messages: Any, *_: Any, **__: Any) -> str:
        prompt = messages if isinstance(messages, str) else "\n".join(_texts(messages))
        task = prompt.partition("Current Task: ")[2]
        for begins, calls in CALLS.items():
            if task.startswith(begins):
                results = re.findall(r"Observation: (?!the result of the action)(.*)", prompt)
                if len(results) < len(calls):
                    tool, arguments = calls[len(results)]
                    words = json.dumps(arguments)
                    return f"Thought: I act.\nAction: {tool}\nAction Input: {words}"
                return f"Thought: I know.\nFinal Answer: {' '.join(results)}"
        return f"Thought: I know.\nFinal Answer: {_contract(prompt)}"

    def supports_function_calling(self) -> bool:
        return False

    def supports_stop_words(self) -> bool:
        return False

    def get_context_window_size(self) -> int:
        return 1_000_000


def crew() -> Crew:
    return office.crew(Scripted(model="scripted"))


def _contract(prompt: str) -> str:
    lessons = prompt.partition("Keep in mind: ")[2].partition("\n\n")[0].strip()
    wishes = re.findall(r"User feedback: (.*?)\nInstructions:", prompt, re.DOTALL)
    if lessons != "(none)":
        wishes.append(lessons)
    text = "We deliver 40 modules. The price is 4,300 euros."
    return f"{text} It is agreed: {' '.join(wishes)}" if wishes else text


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [str(message["content"]) for message in messages]
