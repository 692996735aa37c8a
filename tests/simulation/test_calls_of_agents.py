"""Runs of agents that make equal calls, told at random: a call is done once, or people know.

A task begins again, plans and delegated words differ, the host is killed, ends stay in doubt. The
account of this test knows each call that was let through, and each end that a run was told.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Thread
from typing import Any

import pytest

from crewgate.crew_api.wire import Address, Kickoff, Resume, Urls
from crewgate.host.database import Database
from crewgate.host.records import Call, Outcome, Pending, Round
from crewgate.host.run import Options, Run, Shared, Slots, Waiters
from crewgate.host.store import Store

EXECUTION, STEPS, STORIES = "e-1", 14, range(60)
RECIPIENTS = ("ann", "bob")
PLACES = (("task", ""), ("task", "Writer"), ("task", "Boss"), ("other task", ""))
"""The task and the role of an agent; neither says that a call is another one."""
ENDS = (
    Outcome("ran", "Sent."),
    Outcome("failed", "No such address."),
    Outcome("failed", "No answer.", in_doubt=True),
    Outcome("closed", "It was not sent."),
    None,
)
"""The ends of approved calls, as the host gets to know them; None where it is killed meanwhile."""


@dataclass
class Made:
    """A call that was let through, by this test's own account."""

    to: str
    task_id: str
    end: Outcome | None

    @property
    def is_known(self) -> bool:
        return self.end is not None and not self.end.in_doubt

    @property
    def may_have_run(self) -> bool:
        return self.end is None or self.end.state != "closed"


@dataclass
class Story:
    """One execution on a real file, with the runs of its agents."""

    database: Database
    random: Random
    made: list[Made] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """The calls whose ends the present run of the agent was told."""
    words: int = 0

    def __post_init__(self) -> None:
        self.store, self.paused = Store(self.database), SimpleQueue[None]()
        to = Kickoff({}, human_input=Address("https://bot.example.com"))
        self.store.add(EXECUTION, "crew", to)
        self.start()

    def start(self) -> None:
        """Start the host, which knows what its file has."""
        slots = Slots(1)
        options: dict[str, Any] = {"host": "", "port": 0, "workers": 1, "token": "t"}
        shared = Shared(
            store=self.store,
            options=Options(database=Path(), **options),
            wake=lambda: self.paused.put(None),
            url="",
            slots=slots,
            waiters=Waiters(slots),
        )
        self.waiters = shared.waiters
        self.run = Run(EXECUTION, "crew", shared, expire=lambda _: None, begin=lambda *_: None)
        self.told.clear()

    def tell(self) -> None:
        for _ in range(STEPS):
            match self.random.randrange(5):
                case 0:
                    self.start()
                case 1:  # CrewAI begins the task again, or another step of a plan
                    self.told.clear()
                case _:
                    self.call(self.random.choice(RECIPIENTS))

    def call(self, to: str) -> None:
        """Let an agent make a call; see what people are asked, and decide."""
        self.words += 1  # a plan's step, or a delegated task, is worded anew each time
        task, role = self.random.choice(PLACES)
        call = Call(tool="send", names=("send",), arguments={"to": to})
        pending = Pending(
            id=f"call-{self.words if role else task}-{to}",
            asker=task,
            role=role,
            body={"task_output": to, "tool_call": {**call.body, "may_have_run": False}},
            told=frozenset(self.told),
        )
        found: list[Round | None] = []
        agent = Thread(target=lambda: found.append(self.run.ask_within(pending)), daemon=True)
        agent.start()
        self.paused.get(timeout=20)
        [asked] = [one for one in self.store.rounds(EXECUTION) if one.waits]
        self.check(asked, to)
        is_approved = self.random.random() < 0.7
        decision = Resume(
            execution_id=EXECUTION,
            task_id=asked.task_id,
            human_feedback="No." * (not is_approved),
            is_approve=is_approved,
            urls=Urls(),
            human_input=None,
        )
        self.store.decide(decision)
        self.waiters.wake(EXECUTION, asked.task_id)
        agent.join(timeout=20)
        [decided] = found
        assert decided is not None
        if is_approved:
            self.end(decided, Made(to, asked.task_id, self.random.choice(ENDS)))

    def end(self, one: Round, made: Made) -> None:
        """Let the approved call end, or the host, before anybody knows."""
        self.made.append(made)
        if made.end is None:
            self.start()
            return
        made.end = replace(made.end, words=f"{made.end.words} {self.words}")
        self.run.tell_outcome(one, made.end)
        self.paused.get(timeout=20)
        if made.is_known:
            self.told.add(made.task_id)

    def check(self, asked: Round, to: str) -> None:
        """People are told of each equal call whose end this run was not told."""
        unseen = [
            one
            for one in self.made
            if one.to == to and one.may_have_run and one.task_id not in self.told
        ]
        said = asked.body["tool_call"]
        assert said["may_have_run"] is bool(unseen), (asked, unseen)
        ends = [one.end.words for one in unseen if one.is_known and one.end is not None]
        expected = ends[-1] if ends and len(ends) == len(unseen) else None
        assert said.get("ran", {}).get("words") == expected, (asked, unseen)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "host.db")) as opened:
        yield opened


@pytest.mark.parametrize("number", STORIES)
def test_a_call_is_done_once_or_people_know(database: Database, number: int) -> None:
    Story(database, Random(f"calls {number}")).tell()
