"""The facts that a story knows by itself, and its own account of who may decide."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crewgate.domain.acts import CallResult, ToolCall
from crewgate.domain.caveats import Claim, HastyReading, Seen
from crewgate.domain.lessons import Lesson, may_teach
from crewgate.domain.people import Email
from crewgate.domain.reason import ExecutionGone
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Decision, Person, words_of
from crewgate.metrics import REGISTRY
from crewgate.store.engine import rows
from crewgate.store.round_rows import to_round
from crewgate.usecases.read_models import MessageRef
from tests.simulation.product import (
    A_SECOND,
    ACCOUNTANTS,
    EVERYBODY,
    FINANCE,
    FLOWS,
    LAWYERS,
    LEGAL,
    REVIEWERS,
    SCANS,
    TASKS,
    TOOLS,
    Product,
)
from tests.usecases.simulated_crew import SimulatedCrew
from tests.usecases.test_machine import EVERY_ROUND

MOMENT = timedelta(microseconds=1)
NONSENSE = "Nonsense"
LOST_KICKOFF = "lost kickoff"
"""The place of words that no execution has: the answer to their kickoff was lost."""


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
    earlier: CallResult | None = None
    """The end of the call before a restart of its host, as the host knows it."""
    ran: list[tuple[str, Decision, datetime]] = field(default_factory=list)
    """The arguments of each time that it ran, the decision that let it, and when that was."""
    is_reported: bool = False
    ran_unasked: bool = False
    """True if it ran, though nobody approved it, and its host said so."""
    is_over_unasked: bool = False
    """True if its end came before the question about it."""

    @property
    def is_refused(self) -> bool:
        """By a rule, also where its words are written otherwise."""
        return self.would_be_refused(self.arguments)

    def would_be_refused(self, arguments: dict[str, object]) -> bool:
        text = " ".join(map(str, arguments.values())).lower()
        text = text.replace("\u00ad", "").replace("\u2065", "")
        return self.tool == "send" and "wire transfer" in " ".join(text.split())

    @property
    def is_allowed(self) -> bool:
        """By a rule, that is for just these letters."""
        to = self.arguments["to"]
        return self.tool == "list" or (self.tool == "pay" and to == "bob@strasse.de")


@dataclass
class Question:
    """A question of a program that fetches its decisions, since it asked."""

    text: str
    task: str
    asked_at: datetime
    round_id: str
    number: int
    origin: str
    passed_by: Decision | None = None


@dataclass(kw_only=True)
class Request:
    """A question of a flow, by this test's own account."""

    flow: str
    method: str
    id: str
    text: str
    labels: tuple[str, ...]
    round_id: str = ""
    answer: str | None = None
    """The answer that the flow took from the bot."""
    is_answered_elsewhere: bool = False
    is_replaced: bool = False
    """True once the flow, which began anew, asks by another request."""
    drawn_from: str | None = None
    """The id of the request with the answer from which a lesson was drawn."""
    is_retired: bool = False
    calls: int = 0
    """The escalations that people are called for."""
    called_at: datetime | None = None
    assigned: tuple[Email, ...] = ()
    """Everybody whom the request names, or named when it was escalated."""

    @property
    def url(self) -> str:
        return f"https://app.crewai.com/requests/{self.id}?t=x"

    @property
    def is_open(self) -> bool:
        """True while the flow waits for an answer to this request."""
        return self.answer is None and not (self.is_answered_elsewhere or self.is_replaced)


@dataclass
class Written:
    """A message in a thread that counts as a note on an output, and the number of its changes."""

    card: MessageRef
    origin: str
    by: Person
    text: str
    changes: int = 0


@dataclass
class Case:
    """An execution that a person started, with the reviews of its three tasks."""

    execution: str
    starter: Person
    drafts: int = 0
    known_at: datetime | None = None
    """The time since when the bot knows who started it."""


class Known:
    """A story as it goes on, with what this test knows by itself."""

    requests: dict[str, Request]
    """The questions of flows, by the addresses for their answers."""
    waits_anew: dict[str, datetime]
    """The rounds that were closed and wait again, each with the time since when."""
    came_in_races: set[str]
    """The rounds that came in a race: a message of that moment may not have counted them."""

    stood = False
    """True if a worker ever stood still."""
    is_empty = False
    """True if nobody was left of LAWYERS at the last look."""
    told_empty = 0
    """The number of looks at which that was new."""

    def __init__(self, product: Product) -> None:
        self.world = product
        self.crew = SimulatedCrew(product, beside=True)
        self.known, self.waits_anew, self.came_in_races = list[Round](), {}, set()
        """Every round, as it was after the latest step."""
        self.decisions: dict[str, Decision] = {}
        """The decision of each round, as this test saw it first."""
        self.texts: dict[str, str] = {}
        """The texts that the reviewers of a round read."""
        self.first_seen: dict[str, datetime] = {}
        self.counted_before = counted_decisions()
        self.looks = 0
        self.calls: dict[tuple[str, str], Call] = {}
        self.questions: list[Question] = []
        self.away: dict[str, tuple[Person, datetime]] = {}
        self.was_away: list[tuple[str, str, datetime, datetime]] = []
        """People who were away: who, for whom, from when, until when."""
        self.notes: defaultdict[str, set[str]] = defaultdict(set)
        """The notes on an output, each by its ts and its number of changes."""
        self.written: dict[str, Written] = {}
        """The notes that people wrote, by their ts."""
        self.turned: dict[tuple[str, str], HastyReading | None] = {}
        """The people who turned to the end of a round's output; the reading, if it was in haste."""
        self.claims: dict[str, Claim] = {}
        self.asked: dict[tuple[str, str], tuple[Seen, set[str]]] = {}
        self.wishes: dict[tuple[str, str, str], str] = {}
        """The latest words with which somebody asked another to look, by round and both people."""
        self.dismissed: set[str] = set()
        self.mornings: dict[str, ZoneInfo] = {}
        """The ids of people who want a morning line, each with the zone of its clock."""
        self.proposed: dict[str, Lesson] = {}
        self.kept: dict[str, datetime] = {}
        """The lessons that are in force, and since when."""
        self.ever_kept: set[str] = set()
        self.scanned = self.tool_number = 0
        self.ended_scans: set[str] = set()
        self.cases: dict[str, Case] = {}
        self.lawyers: list[tuple[datetime, frozenset[str]]] = [
            (self.world.clock(), frozenset(one.id for one in REVIEWERS))
        ]
        """The members of the group, each with the time since when."""
        self.guests: list[tuple[datetime, bool]] = []
        """True while the last of everybody was a guest, each with the time since when."""
        self.words: dict[str, str] = {}
        """People's words, with the round that they are about."""
        self.came_back: set[str] = set()
        """The rounds that were closed while their crew knew no execution: their time began anew."""
        self.alarms: set[str] = set()
        """The rounds of calls that ran though they must not."""
        self.is_ending = False
        """True if nothing is deleted any longer."""
        self.races = False
        """True if several acts are under way."""

    def said(self, words: str, round_id: str) -> str:
        """Return words that are like no others, about a round."""
        words = f"{words} {len(self.words) + 1}."
        self.words[words] = round_id
        return words

    async def look(self) -> None:
        ended = {one.id for one in self.in_state(State.CLOSED)}
        async with self.world.engines.for_outbox.read.connect() as connection:
            self.known = [to_round(row) for row in await rows(connection, EVERY_ROUND, {})]
        for round_ in self.known:
            if self.races and round_.id not in self.first_seen:
                self.came_in_races.add(round_.id)
            self.first_seen.setdefault(round_.id, self.world.clock())
            if isinstance(round_.subject, ToolCall) and round_.origin in self.texts:
                # The agent's own arguments, where its tool did not take a person's.
                self.texts.setdefault(round_.id, self.texts[round_.origin])
            if round_.id in ended and round_.state is State.WAITING:
                self.waits_anew[round_.id] = self.world.clock()
            if isinstance(round_.reason, ExecutionGone):
                self.came_back.add(round_.id)
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
        """By the settings, groups and absences, as this test knows them."""
        at = at or self.world.clock()
        if by.id in self.in_person(round_, at):
            return True
        return bool(self.absent(by, round_, at)) and not self.is_guest(by, at)

    def in_person(self, round_: Round, at: datetime) -> set[str]:
        """Return the people who may decide by a right of their own."""
        if round_.review.crew == LEGAL:
            groups = self.groups(at)
            own = set(groups[0] | groups[1] if round_.review.task_id == "memo" else groups[0])
        else:
            own = {one.id for one in REVIEWERS}
        if round_.escalated_at is not None and round_.escalated_at <= at + A_SECOND:
            own.add(EVERYBODY[-1].id)
        return own

    def groups(self, at: datetime) -> tuple[frozenset[str], frozenset[str]]:
        """Return the members of LAWYERS and of FINANCE; one of each approves a memo."""
        lawyers = next(members for since, members in self.lawyers[::-1] if since <= at)
        return lawyers, ACCOUNTANTS

    def has_room(self, by: Person, round_: Round) -> bool:
        """Return True if an approval by somebody may count; of a memo's groups one may be done."""
        if (round_.review.crew, round_.review.task_id) != (LEGAL, "memo") or not round_.votes:
            return True
        [vote], at = round_.votes, self.world.clock()
        members = dict(zip((LAWYERS, FINANCE), self.groups(at), strict=True))
        rights = {by.id, *self.absent(by, round_, at)} & self.in_person(round_, at)
        # A vote counts for a group that its author was in, and is in now.
        able = {one for one in members if vote.right.id in members[one]} or {*vote.groups}
        lists = [
            [members[one] for one in members if {*some} - {one}] for some in (vote.groups, able)
        ]
        return all(any(rights & group for group in left) for left in lists)

    def absent(self, by: Person, round_: Round, at: datetime) -> set[str]:
        """For whom somebody may decide who are away."""
        is_delegated = (round_.review.crew, round_.review.task_id) != (TASKS, "translate")
        own = self.in_person(round_, at) if is_delegated else set()
        return {
            who
            for who, delegate, since, until in self.was_away
            if delegate == by.id and who in own and since <= at < until
        }

    def is_guest(self, by: Person, at: datetime) -> bool:
        last = next((is_guest for since, is_guest in self.guests[::-1] if since <= at), False)
        return last and by == EVERYBODY[-1]

    def starter_of(self, round_: Round) -> str | None:
        """Return the people who may not approve a round, because they started its execution."""
        if (round_.review.crew, round_.review.task_id) != (LEGAL, "case"):
            return None
        case = self.cases[round_.review.execution_id]
        at = round_.decision.at if round_.decision else self.world.clock()
        is_known = case.known_at is not None and case.known_at <= at
        return case.starter.id if is_known else None

    def needed(self, round_: Round) -> int:
        """Return the approvals that a round's text needs, by this test's reading of rules."""
        crew, task = round_.review.crew, round_.review.task_id
        decided = words_of(round_.decision.verdict) if round_.decision else ""
        words = [*(vote.comment or "" for vote in round_.votes), decided]
        text = "\n".join((self.text_of(round_), *words)).replace("\u00ad", "").lower()
        if isinstance(round_.subject, ToolCall):
            is_pay = crew == TOOLS and round_.subject.tool == "pay"
            return 2 if is_pay and json.loads(self.text_of(round_)).get("to") == "ann" else 1
        strict = crew == TASKS and ("contract" in text or task == "translate")
        return 2 if strict or crew == LEGAL or (crew, task) == (FLOWS, "publish") else 1

    def text_of(self, round_: Round) -> str:
        return self.texts.get(round_.id) or self.crew.edited.get(
            round_.id, self.crew.texts.get(round_.id, "")
        )

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

    def latest(self, crew: str, execution: str, task: str) -> Round | None:
        """The latest round of a review."""
        key = (crew, execution, task)
        of = [one for one in self.known if key_of(one) == key]
        return max(of, key=lambda one: one.number, default=None)

    def teachable(self) -> list[Round]:
        return [one for one in self.in_state(State.RESUMED) if may_teach(one)]


def key_of(round_: Round) -> tuple[str, str, str]:
    review = round_.review
    return review.crew, review.execution_id, review.task_id


def counted_decisions() -> Counter[tuple[str, str, str]]:
    """Return what the metrics of this process count: crew, verdict and decider."""
    found: Counter[tuple[str, str, str]] = Counter()
    for metric in REGISTRY.collect():
        if metric.name in {"crewgate_decisions", "crewgate_acts"}:
            for one in metric.samples:
                labels = one.labels
                found[labels["crew"], labels["verdict"], labels["by"]] += int(one.value)
    return found
