"""Flows as a user would write them, but without the memory that each opens: it takes LanceDB."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crewai.flow import Flow, listen, or_, start
from crewai.flow.human_feedback import human_feedback
from crewai.flow.persistence import persist
from crewai.memory.unified_memory import Memory
from pydantic import BaseModel

from tests.host.crews.model import BEGUN, LESSONS, Pupil, Scripted, note
from tests.host.crews.shop import make

#: An object, which CrewAI does not find again when a flow goes on.
model = Scripted(model="scripted", says="needs_revision")

#: The flow that asks beside other work has asked.
ASKS = threading.Event()


class Article(BaseModel):
    """The state."""

    id: str = ""
    topic: str = "tea"
    length: int = 3
    drafts: int = 0


class ArticleFlow(Flow[Article]):
    """Asks until it is not told to revise."""

    _skip_auto_memory: bool = True

    @start()
    def begin(self) -> None:
        """Nothing."""

    @listen(or_("begin", "needs_revision"))
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
        note("publish", BEGUN)
        return f"published draft {self.state.drafts}"

    @listen("rejected")
    def drop(self) -> str:
        """The other."""
        return "dropped"


class RememberingFlow(Flow):
    """Has the memory that CrewAI gives to each flow."""


class StreamedFlow(Flow):
    """Streams, as CrewAI's own examples do."""

    _skip_auto_memory: bool = True
    stream: bool = True

    @start()
    @human_feedback(message="Good?")
    def ask(self) -> str:
        """Something to look at."""
        return "It."

    @listen(ask)
    @human_feedback(message="And now?")
    def again(self, result: Any) -> str:
        """More to look at."""
        return f"After {result.feedback}"

    @listen(again)
    def end(self, result: Any) -> str:
        """What was said."""
        return f"ended with {result.feedback}"


class WordsFlow(Flow):
    """Asks for words, without outcomes."""

    _skip_auto_memory: bool = True

    @start()
    @human_feedback(message="What do you think?")
    def ask(self) -> dict[str, int]:
        """Something to look at."""
        return {"score": 7}

    @listen(ask)
    def end(self, result: Any) -> dict[str, str]:
        """What was said."""
        return {"said": result.feedback}


class AwayFlow(Flow):
    """Its model is away when words are to be read."""

    _skip_auto_memory: bool = True

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


class Notebook(Memory):
    """A memory that is a file, without LanceDB."""

    storage: Any = object()

    def recall(self, query: str, **_: Any) -> list[Any]:
        """Nothing."""
        return []

    def remember_many(self, contents: list[str], **_: Any) -> list[Any]:
        """Write them down."""
        for lesson in contents:
            note(lesson, LESSONS)
        return []


class LearningFlow(Flow):
    """Learns from answers by a model of which only the name is known."""

    def __init__(self, **more: Any) -> None:
        super().__init__(memory=Notebook(), **more)

    @start()
    @human_feedback(
        message="Good?", emit=["yes", "no"], llm="gpt-4o-mini", learn=True, learn_strict=True
    )
    def ask(self) -> str:
        """Something to look at."""
        return "It."

    @listen("yes")
    def end(self) -> str:
        """The end."""
        return "done"


class UnnamedModelFlow(Flow):
    """The same with the model that CrewAI takes where none is named."""

    def __init__(self, **more: Any) -> None:
        super().__init__(memory=Notebook(), **more)

    @start()
    @human_feedback(message="Good?", emit=["yes", "no"], learn=True)
    def ask(self) -> str:
        """Something to look at."""
        return "It."

    @listen("yes")
    def end(self) -> str:
        """The end."""
        return "done"


pupil = Pupil(model="pupil")


class TaughtFlow(Flow[Article]):
    """Learns by a model of its own, and says what was approved."""

    def __init__(self, **more: Any) -> None:
        super().__init__(memory=Notebook(), **more)

    @start()
    @human_feedback(
        message="Good?", emit=["yes", "no"], llm=pupil, learn=True, metadata={"region": "EU"}
    )
    def write(self) -> str:
        """What CrewAI may rewrite."""
        return f"Draft on {self.state.topic}"

    @listen(or_("yes", "no"))
    def end(self) -> str:
        """What was approved, and its own use of its memory."""
        self.remember([f"{self.state.topic} is done."])
        approved = self.last_human_feedback
        assert approved is not None
        return f"{approved.output} {approved.metadata} {self.recall('all', source='mine')}"


class Text(BaseModel):
    """An output."""

    text: str


class TaughtModelFlow(Flow[Article]):
    """The same with an output that is a model."""

    def __init__(self, **more: Any) -> None:
        super().__init__(memory=Notebook(), **more)

    @start()
    @human_feedback(message="Good?", llm=pupil, learn=True, learn_source="models")
    def write(self) -> Text:
        """What CrewAI may rewrite."""
        return Text(text=f"Draft on {self.state.topic}")


class CrewFlow(Flow[Article]):
    """Works with a crew that asks people, then asks itself."""

    _skip_auto_memory: bool = True

    @start()
    async def write(self) -> str:
        """The crew's report."""
        return str((await make().akickoff(inputs={"topic": self.state.topic})).raw)

    @listen(write)
    @human_feedback(message="Publish it?", emit=["yes", "no"], llm=model)
    def ask(self, report: str) -> str:
        """What is asked about."""
        return report

    @listen("yes")
    def end(self, result: Any) -> str:
        """What was published."""
        return f"published {result.output}"


@persist()
class CountingFlow(Flow[Article]):
    """Counts in its state, which CrewAI keeps after each method."""

    _skip_auto_memory: bool = True

    @start()
    def write(self) -> None:
        """One more draft."""
        self.state.drafts += 1

    @listen(write)
    @human_feedback(message="Good?")
    def ask(self) -> str:
        """How many there are."""
        note("count", BEGUN)
        return f"Draft {self.state.drafts}"


class BesideFlow(Flow[Article]):
    """Asks while something else works, and other methods listen to that."""

    _skip_auto_memory: bool = True

    @start()
    @human_feedback(message="Good?")
    def ask(self) -> str:
        """A question."""
        ASKS.set()
        return "It."

    @start()
    def work(self) -> None:
        """What ends after the question was asked."""
        ASKS.wait(20)

    @listen(work)
    def more(self) -> None:
        """What comes after it."""
        self.state.drafts += 1

    @listen(more)
    def most(self) -> None:
        """And after that."""
        self.state.drafts += 1

    @listen(ask)
    def end(self, result: Any) -> str:
        """What was done."""
        return f"{result.feedback}, {self.state.drafts} done"


class TwinsFlow(Flow):
    """Asks twice at the same time."""

    _skip_auto_memory: bool = True

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


class OuterFlow(Flow):
    """Has another flow ask."""

    _skip_auto_memory: bool = True

    @start()
    def begin(self) -> str:
        """What the other one gives."""
        return str(WordsFlow().kickoff())


class TalkFlow(Flow[Article]):
    """Asks for words twice in one method; the second question has the count of its beginnings."""

    _skip_auto_memory: bool = True

    @start()
    def talk(self) -> str:
        """What was said."""
        note(self.state.topic, BEGUN)
        begun = BEGUN.read_text().splitlines().count(self.state.topic)
        words = self.ask("Which topic?", metadata={"region": {"EU"}})
        more = self.ask(f"How long, at {begun}?" if self.state.topic == "other" else "How long?")
        return f"{words}, {more}"


class TwoTalksFlow(Flow):
    """Asks for words in two methods at once, and people by `@human_feedback` beside them."""

    _skip_auto_memory: bool = True

    @start()
    def left(self) -> None:
        """One question."""
        self.state["left"] = self.ask("Left?")

    @start()
    def right(self) -> None:
        """Another, of a flow inside this one."""
        self.state["right"] = InnerTalkFlow().kickoff()

    @start()
    @human_feedback(message="Good?")
    def beside(self) -> str:
        """What waits for both."""
        return "It."

    @listen(beside)
    def end(self, result: Any) -> str:
        """What was said."""
        return f"{self.state['left']}, {self.state['right']}, {result.feedback}"


class InnerTalkFlow(Flow):
    """Asks for words inside another flow."""

    _skip_auto_memory: bool = True

    @start()
    async def inner(self) -> str:
        """One question."""
        return str(self.ask("Right?"))


class HurriedFlow(Flow[Article]):
    """Asks for words with a time limit."""

    _skip_auto_memory: bool = True

    @start()
    def talk(self) -> str:
        """What was said."""
        return f"got {self.ask('Quick?', timeout=self.state.length)}"


class AsideFlow(Flow):
    """Asks in a thread of its own."""

    _skip_auto_memory: bool = True

    @start()
    def talk(self) -> None:
        """Nobody can be asked."""
        with ThreadPoolExecutor() as threads:
            threads.submit(self.ask, "Who?").result()


class FailingFlow(Flow):
    """Raises after its question."""

    _skip_auto_memory: bool = True

    @start()
    @human_feedback(message="Go on?")
    def ask(self) -> str:
        """A question."""
        return "It."

    @listen(ask)
    def end(self, result: Any) -> str:
        """The end of it."""
        raise LookupError(f"nothing for {result.feedback}")


class UnkeptFlow(Flow):
    """Takes no persistence, so no pause of it can be kept."""

    _skip_auto_memory: bool = True

    def __init__(self) -> None:
        super().__init__()

    @start()
    def begin(self) -> str:
        """Nothing."""
        return ""


class DroppingFlow(Flow):
    """Takes a persistence and drops it."""

    _skip_auto_memory: bool = True

    def __init__(self, **_: Any) -> None:
        super().__init__()

    @start()
    def begin(self) -> str:
        """Nothing."""
        return ""


class Unremembering(Flow):
    """What a declaration is read into, without the memory."""

    _skip_auto_memory: bool = True


def declared() -> Flow:
    """A flow that is written as a declaration."""
    topic = {"type": "object", "properties": {"topic": {"type": "string"}}}
    return Unremembering.from_declaration(
        contents={
            "schema": "crewai.flow/v1",
            "name": "Declared",
            "state": {"type": "json_schema", "json_schema": topic},
            "methods": {
                "write": {
                    "start": True,
                    "do": {"call": "expression", "expr": "'Draft on ' + state.topic"},
                    "human_feedback": {
                        "message": "Publish it?",
                        "emit": ["yes", "no"],
                        "llm": model,
                    },
                },
                "publish": {
                    "listen": "yes",
                    "do": {"call": "expression", "expr": "'published ' + state.topic"},
                },
            },
        }
    )
