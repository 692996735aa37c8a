"""What a story knows by itself, and its own account of who may decide."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import Claim, Seen
from crewgate.domain.lessons import Lesson, may_teach
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Decision, Person
from crewgate.store.engine import rows
from crewgate.store.rounds import to_round
from tests.simulation.product import (
    EVERYBODY,
    REVIEWERS,
    SCANS,
    TASKS,
    Product,
)
from tests.usecases.simulated_crew import SimulatedCrew
from tests.usecases.test_machine import EVERY_ROUND

MOMENT = timedelta(microseconds=1)


@dataclass
class Call:
    """One call of a tool, by this test's own account."""

    execution: str
    task: str
    tool: str
    arguments: dict[str, object]
    is_hosted: bool
    pauses: int = 1
    may_have_run: bool = False
    ran: list[tuple[str, Decision, datetime]] = field(default_factory=list)
    """The arguments of each time that it ran, the decision that let it, and when that was."""
    is_reported: bool = False


@dataclass
class Question:
    """A question of a program that fetches its decisions, since it asked."""

    text: str
    asked_at: datetime
    round_id: str
    passed_by: Decision | None = None


class Known:
    """A story as it goes on, with what this test knows by itself."""

    def __init__(self, product: Product) -> None:
        self.world = product
        self.crew = SimulatedCrew(product, beside=True)
        self.known: list[Round] = []
        """Every round, as it was after the latest step."""
        self.decisions: dict[str, Decision] = {}
        """The decision of each round, as this test saw it first."""
        self.texts: dict[str, str] = {}
        """What the reviewers of a round read."""
        self.first_seen: dict[str, datetime] = {}
        self.looks = 0
        self.calls: dict[tuple[str, str], Call] = {}
        self.questions: list[Question] = []
        self.away: dict[str, tuple[Person, datetime]] = {}
        self.was_away: list[tuple[str, str, datetime, datetime]] = []
        """Who was away, for whom, from when until when."""
        self.notes: defaultdict[str, set[str]] = defaultdict(set)
        self.claims: dict[str, Claim] = {}
        self.asked: dict[tuple[str, str], tuple[Seen, set[str]]] = {}
        self.dismissed: set[str] = set()
        self.proposed: dict[str, Lesson] = {}
        self.kept: set[str] = set()
        self.scanned = 0
        self.ended_scans: set[str] = set()
        self.tool_number = 0

    async def look(self) -> None:
        async with self.world.engines.for_outbox.read.connect() as connection:
            self.known = [to_round(row) for row in await rows(connection, EVERY_ROUND, {})]
        for round_ in self.known:
            self.first_seen.setdefault(round_.id, self.world.clock())
            if isinstance(round_.subject, ToolCall) and round_.origin in self.texts:
                # The agent's own arguments, where its tool did not take a person's.
                self.texts.setdefault(round_.id, self.texts[round_.origin])
            if round_.decision is not None:
                self.decisions.setdefault(round_.id, round_.decision)
                if round_.review.crew == TASKS:
                    self.crew.decided.setdefault(round_.decision, round_.id)

    # --- what is known ---

    def some(self, *states: State) -> bool:
        return any(one.state in states for one in self.known)

    def in_state(self, *states: State) -> list[Round]:
        return [one for one in self.known if one.state in states]

    def round(self, round_id: str) -> Round:
        return next(one for one in self.known if one.id == round_id)

    def may_decide(self, by: Person, round_: Round, at: datetime | None = None) -> bool:
        """By the settings and the absences, as this test knows them."""
        at = at or self.world.clock()
        if by in REVIEWERS or (by.id == EVERYBODY[-1].id and round_.escalated_at is not None):
            return True
        delegable = round_.rule is None or round_.rule.delegation
        own = {one.id for one in REVIEWERS}
        return delegable and any(
            delegate == by.id and who in own and since <= at < until
            for who, delegate, since, until in self.was_away
        )

    def needed(self, round_: Round) -> int:
        """How many must approve the text of a round, by this test's own reading of the rules."""
        strict = round_.review.crew == TASKS and "contract" in self.text_of(round_)
        return 2 if strict else 1

    def text_of(self, round_: Round) -> str:
        return self.texts.get(round_.id) or self.crew.edited.get(
            round_.id, self.crew.texts.get(round_.id, "")
        )

    def gathering(self) -> list[Round]:
        """The rounds that wait and whose cards count others."""
        counting = {
            message.key.removeprefix("card ")
            for message in self.world.slack.messages
            if message.gathered and not message.deleted
        }
        return [one for one in self.in_state(State.WAITING) if one.id in counting]

    def visible(self) -> list[Round]:
        """The rounds that wait and whose cards are in Slack."""
        cards = {
            message.key.removeprefix("card ")
            for message in self.world.slack.messages
            if message.key.startswith("card ") and not message.deleted
        }
        return [one for one in self.in_state(State.WAITING) if one.id in cards]

    def scans(self) -> list[Round]:
        return [one for one in self.known if one.review.crew == SCANS]

    def finished_scans(self) -> list[str]:
        return sorted(self.world.scans.completed - self.ended_scans)

    @property
    def may_ask(self) -> bool:
        return not self.questions or self.questions[-1].passed_by is not None

    def teachable(self) -> list[Round]:
        return [one for one in self.in_state(State.RESUMED) if may_teach(one)]
