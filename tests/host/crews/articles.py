"""Flows as a user would write them."""

from __future__ import annotations

from typing import Any

from crewai.flow import Flow, listen, start
from crewai.flow.human_feedback import human_feedback
from pydantic import BaseModel

from tests.host.crews.model import Scripted

#: An object, which CrewAI does not find again when a flow goes on.
model = Scripted(model="scripted", says="needs_revision")


class Article(BaseModel):
    """The state."""

    id: str = ""
    topic: str = "tea"
    length: int = 3
    drafts: int = 0


class ArticleFlow(Flow[Article]):
    """Asks until it is not told to revise."""

    @start("needs_revision")
    @human_feedback(
        message="Publish it?",
        emit=["approved", "rejected", "needs_revision"],
        llm=model,
        default_outcome="approved",
        metadata={"region": "EU"},
    )
    def review(self) -> str:
        """The draft."""
        self.state.drafts += 1
        return f"Draft {self.state.drafts} on {self.state.topic}"

    @listen("approved")
    def publish(self) -> str:
        """One end."""
        return f"published draft {self.state.drafts}"

    @listen("rejected")
    def drop(self) -> str:
        """The other."""
        return "dropped"


class WordsFlow(Flow[dict[str, Any]]):
    """Asks for words, without outcomes."""

    @start()
    @human_feedback(message="What do you think?")
    def ask(self) -> dict[str, int]:
        """Something to look at."""
        return {"score": 7}

    @listen(ask)
    def end(self, result: Any) -> dict[str, str]:
        """What was said."""
        return {"said": result.feedback}


class AwayFlow(Flow[dict[str, Any]]):
    """Its model is away when words are to be read."""

    @start()
    @human_feedback(
        message="Good?",
        emit=["yes", "no"],
        llm=Scripted(model="scripted", says="raise"),
    )
    def ask(self) -> str:
        """Something to look at."""
        return "It."

    @listen("yes")
    def end(self) -> str:
        """The end."""
        return "done"


class TwinsFlow(Flow[dict[str, Any]]):
    """Asks twice at the same time."""

    @start()
    @human_feedback(message="One?")
    def one(self) -> str:
        """One question."""
        return "1"

    @start()
    @human_feedback(message="Two?")
    def two(self) -> str:
        """Another."""
        return "2"


class FailingFlow(Flow[dict[str, Any]]):
    """Raises after its question."""

    @start()
    @human_feedback(message="Go on?")
    def ask(self) -> str:
        """A question."""
        return "It."

    @listen(ask)
    def end(self, result: Any) -> str:
        """The end of it."""
        raise LookupError(f"nothing for {result.feedback}")


class UnkeptFlow(Flow[dict[str, Any]]):
    """Takes no persistence, so no pause of it can be kept."""

    def __init__(self) -> None:
        super().__init__()

    @start()
    def begin(self) -> str:
        """Nothing."""
        return ""
