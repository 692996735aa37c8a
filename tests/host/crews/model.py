"""A model that answers from a script, as a user's own would be, and writes down each call."""

from pathlib import Path
from typing import Any

from crewai.llms.base_llm import BaseLLM

ASKED = Path("asked.txt")
"""In the host's folder: a line for each call."""
BEGUN = Path("begun.txt")
"""Beside it: a line for each method of a flow that says so."""
LESSONS = Path("lessons.txt")
"""Beside them: a line for each lesson that a flow has learnt."""
HOLD = Path("hold")
"""A named pipe: where it is, all of them are busy until somebody opens it for writing."""


def note(what: str, file: Path = ASKED) -> None:
    """Write down that this begins, and be busy with it for as long as there is something held."""
    with file.open("a") as notes:
        notes.write(f"{what}\n")
    if HOLD.exists():
        HOLD.read_text()


class Scripted(BaseLLM):
    """Answers with what it works on, the inputs and the feedback that are in its prompt."""

    says: str = ""
    """Instead of the first word of its task."""
    uses: str = ""
    """A tool, which it uses before it answers."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        """The answer to a prompt."""
        prompt = messages if isinstance(messages, str) else [one["content"] for one in messages]
        told = "\n".join(prompt) if isinstance(prompt, list) else prompt
        note(self.says or _after(told, "Current Task: "))
        if self.uses and "Observation: Nothing." not in told:
            return f"Thought: I look.\nAction: {self.uses}\nAction Input: {{}}"
        if self.says == "raise":
            raise ConnectionError("the model is away")
        if self.says:
            return self.says
        feedback = [line for line in told.splitlines() if line.startswith("User feedback: ")]
        asked = "".join(f", {line.removeprefix('User feedback: ')}" for line in feedback)
        text = f"{_after(told, 'Current Task: ')}{asked}"
        return f"Thought: I know.\nFinal Answer: {text}"

    def supports_function_calling(self) -> bool:
        """No."""
        return False

    def supports_stop_words(self) -> bool:
        """No."""
        return False

    def get_context_window_size(self) -> int:
        """Enough."""
        return 100_000


class Pupil(Scripted):
    """Learns each sentence of an answer but a label, and adds what it has learnt to a text."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        """The answer to one of the prompts of `learn=True`."""
        told = messages if isinstance(messages, str) else messages[-1]["content"]
        note(told.replace("\n", " "))
        feedback = _after(told, "Human feedback:\n")
        if "Extract generalizable" in told:
            return "NONE" if feedback in {"yes", "no"} else feedback.replace(". ", ".\n- ")
        if "Lessons from past" not in told:
            return "no"
        lessons = told.partition("feedback:\n")[2].partition("\n\n")[0].replace("\n", " ")
        output = _after(told, "Output to review:\n")
        if output.startswith("{"):
            return output.replace("Draft", f"Draft by {lessons}")
        return f"{output}, by {lessons}"


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2].partition("\n")[0]
