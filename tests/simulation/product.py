"""A whole product in one process: six kinds of crews, Slack, people, and two bots."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from crewgate.audit.keys import open_signer
from crewgate.crewai.payloads import decision_body
from crewgate.domain.crew import Crew
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.lessons import INPUT
from crewgate.domain.notification import Callback
from crewgate.domain.outcome import Outcome, RefusalKind, Refused, Unknown
from crewgate.domain.people import Notify, Role, User, UserGroup
from crewgate.domain.review import Round
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Decide, Escalation, Reminders, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Decision
from crewgate.settings.load import Settings
from crewgate.settings.parsers import parse_redact
from crewgate.slack.reviews.notices import NOTICES, Scene
from crewgate.store.tables import outbox
from crewgate.usecases.access import crew_for
from crewgate.usecases.audit import Linking
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.empty import EmptyLists
from crewgate.usecases.fetch import Fetches
from crewgate.usecases.ports.base import Job, Wakeup
from crewgate.usecases.ports.crew import ResumeRequest
from crewgate.usecases.ports.slack import Posted
from crewgate.usecases.read_models import MessageRef, Posting, QueuePart
from crewgate.usecases.teaching import Teaching
from tests.audit.files import KEY
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.usecases.crew_standins import DROP, FakeCrew, FakeFlows
from tests.usecases.slack_standins import FakeSlack, Message
from tests.usecases.world import HELD, World

EVERY_JOB = sa.select(outbox).order_by(outbox.c.id)
REVIEWERS = (ANA, BEN, CAI)
EVERYBODY = (*REVIEWERS, EVE)
OPERATOR = CAI
HOUR = timedelta(hours=1)
A_SECOND = timedelta(seconds=1)
"""Acts so near to each other may take effect in another order than they began."""
RETENTION = timedelta(days=30)
TASKS, TOOLS, ASKED, SCANS, LEGAL = "research", "tools", "asked", "scans", "legal"
FLOWS = "flows"
LABELS = ("approved", "rejected", "needs_revision")
REJECTING = ("rejected", "needs_revision", DROP)
"""The labels that one person may choose where a rule wants two approvals."""
CREWS = (TASKS, TOOLS, ASKED, SCANS, LEGAL, FLOWS)
LAWYERS, FINANCE = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
ACCOUNTANTS = frozenset({BEN.id, CAI.id})
"""The members of FINANCE; those of LAWYERS change."""
LESSONS_LAST = timedelta(days=60)
STRICT = a_rule(name="strict", when=Conditions(contains=("contract",)), approvals=2)
TIMED = a_rule(
    name="timed",
    when=Conditions(task="draft"),
    remind=Reminders(after=Duration.parse("10m"), most=2),
    escalate=Escalation(Duration.parse("30m"), (User(EVE.id),)),
    timeout=TimeOut(Duration.parse("1h"), TimeoutAction.REVISE, "Nobody had time."),
)
APPROVED = a_rule(
    name="approved",
    when=Conditions(task="translate"),
    approvals=2,
    notify=Notify.DM,
    delegation=False,
    timeout=TimeOut(Duration.parse("1h"), TimeoutAction.APPROVE),
)
FOUR_EYES = a_rule(
    name="four eyes",
    when=Conditions(task="case"),
    channel="C0LEGAL",
    approvals=2,
    self_approval=False,
    remind=Reminders(after=Duration.parse("10m"), most=2),
    escalate=Escalation(Duration.parse("30m"), (User(EVE.id),)),
)
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = a_rule(
    name="office",
    when=Conditions(task="deed"),
    approvals=2,
    remind=Reminders(after=Duration.parse("10m"), most=2),
    escalate=Escalation(Duration.parse("2wh"), (User(EVE.id),)),
    timeout=TimeOut(Duration.parse("6wh"), TimeoutAction.LEAVE),
    working_hours=WorkingHours.parse(f"Mon-Fri 09:00-17:00 {BERLIN.key}"),
)
GROUPED = a_rule(
    name="grouped",
    when=Conditions(task="memo"),
    reviewers=(LAWYERS, FINANCE),
    approvals_from=((LAWYERS, 1), (FINANCE, 1)),
    approvals=2,
)
REFUSED = a_rule(
    name="refused",
    when=Conditions(tool="send", contains=("wire transfer",)),
    decide=Decide.REFUSE,
    reason="Never.",
)
PAID = a_rule(
    name="paid",
    when=Conditions(tool="pay", arguments=(("to", "*@strasse.de"),)),
    decide=Decide.ALLOW,
)
DOUBLE = a_rule(
    name="double",
    when=Conditions(tool="pay", arguments=(("to", "ann"),)),
    approvals=2,
)
ALLOWED = a_rule(name="allowed", when=Conditions(tool="list"), decide=Decide.ALLOW)
SENT = a_rule(
    name="sent",
    when=Conditions(tool="send"),
    timeout=TimeOut(Duration.parse("1h"), TimeoutAction.APPROVE),
)
SCANNED = a_rule(
    name="scanned",
    when=Conditions(task="scan"),
    remind=Reminders(after=Duration.parse("20m"), most=1),
    timeout=TimeOut(Duration.parse("1h"), TimeoutAction.APPROVE),
)
PUBLISHED = a_rule(name="published", when=Conditions(task="publish"), approvals=2)
REVIEWED = a_rule(
    name="reviewed",
    when=Conditions(task="review"),
    remind=Reminders(after=Duration.parse("10m"), most=2),
    timeout=TimeOut(Duration.parse("1h"), TimeoutAction.APPROVE),
)
MASKED = parse_redact(["card"])
NUMBER = "4111 1111 1111 1111"
HIDDEN = "hush-"
"""The beginning of each argument that is masked by its name."""
AUDITED = Settings(slack_bot_token="xoxb-1", audit_key=KEY, crews={})


def settings() -> dict[str, Crew]:
    people = tuple(User(one.id) for one in REVIEWERS)

    def crew(name: str, *rules: Rule, **more: Any) -> Crew:
        more = {"reviewers": people, "retention": RETENTION} | more
        return a_crew(name, rules=rules, **more)

    return {
        TASKS: crew(TASKS, STRICT, TIMED, APPROVED, operators=(User(OPERATOR.id),)),
        TOOLS: crew(TOOLS, ALLOWED, PAID, DOUBLE, REFUSED, SENT),
        ASKED: crew(ASKED, is_fetched=True),
        SCANS: crew(SCANS, SCANNED, notify=Notify.DM, redact=MASKED),
        LEGAL: replace(
            crew(LEGAL, FOUR_EYES, OFFICE, GROUPED, lessons_expire=LESSONS_LAST),
            reviewers=(LAWYERS,),
            operators=(User(OPERATOR.id),),
        ),
        FLOWS: crew(FLOWS, PUBLISHED, REVIEWED, lessons_expire=LESSONS_LAST),
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """A card or its update that Slack took, and its round then."""

    at: datetime
    round: Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """A message that Slack took, and the people whom it mentions, unless it is quiet."""

    key: str
    at: datetime
    round: Round
    is_quiet: bool
    mentions: frozenset[str] = frozenset()


@dataclass
class Halt:
    """Lets the next worker stand still once the other side did what it wanted."""

    goes_on: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def stand(self) -> None:
        goes_on, self.goes_on = self.goes_on, None
        if goes_on is not None:
            self.reached.set()
            await goes_on.wait()


@dataclass
class WatchedSlack(FakeSlack):
    """Remembers what was shown when, and finds too few approvers where it is told to."""

    crews: Mapping[str, Crew] = field(default_factory=dict)
    halt: Halt = field(default_factory=Halt)
    callings: list[Calling] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    shares: dict[str, int] = field(default_factory=dict)
    """The part of its output that the latest card of a round shows, in percent.

    A press of these stories does not carry it, so it counts from when the bot knows of the card.
    """
    on_line: Callable[[str, QueuePart], Awaitable[None]] | None = None
    """Called with the person and with what waits, once Slack took a morning line."""
    failed: dict[MessageRef | str, list[datetime]] = field(default_factory=dict)
    """The times at which an update, or a post by its key, was refused or had no answer."""
    tried: dict[str, datetime] = field(default_factory=dict)
    """The time when each message was first tried, by its key, unless it was looked for."""
    unmasked: list[str] = field(default_factory=list)
    """Contents that Slack was given and that show a masked value."""

    def search(self, about: Any) -> None:
        # A posting's other fields name places and jobs; no message shows them.
        written = repr(about.view if isinstance(about, Posting) else about)
        if NUMBER in written or HIDDEN in written:
            self.unmasked.append(written)

    async def say(self, effect: Effect, about: Any, **options: Any) -> Outcome:
        self.search(about)
        if options["posted_since"] is None:
            self.tried.setdefault(effect.message_key(options["occasion"]), self.clock())
        before = len(self.messages)
        outcome = await super().say(effect, about, **options)
        if isinstance(outcome, Refused | Unknown):
            key = effect.message_key(options["occasion"])
            self.failed.setdefault(key, []).append(self.clock())
        if effect.kind.row.mentions and isinstance(about, Posting):
            self.note_call(about, before, effect.kind)
        if isinstance(about, QueuePart) and isinstance(outcome, Posted) and self.on_line:
            await self.on_line(effect.target, about)
        await self.halt.stand()
        return outcome

    async def attach(self, about: Any, **options: Any) -> Outcome:
        self.search(about)
        outcome = await super().attach(about, **options)
        await self.halt.stand()
        return outcome

    async def post_card(self, posting: Posting, **options: Any) -> Outcome:
        self.search(posting)
        before = len(self.messages)
        try:
            outcome = await super().post_card(posting, **options)
        finally:
            # Slack may have taken a message whose answer was lost; one that is found stays.
            if len(self.messages) > before:
                self.shown.append(Shown(self.clock(), posting.view.round))
                if options["notify"] is not None or posting.view.is_quiet:
                    self.note_call(posting, before)
        await self.halt.stand()
        # A card that is deleted meanwhile shows nothing: another bot has posted its own.
        if isinstance(outcome, Posted) and not self.is_deleted(outcome.ref):
            self.shares[posting.view.round.id] = outcome.shown
        return outcome

    async def update(
        self, kind: EffectKind, about: Any, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        self.search(about)
        outcome = await super().update(kind, about, where, plain=plain)
        if isinstance(outcome, Refused | Unknown):
            self.failed.setdefault(where, []).append(self.clock())
        is_card = kind is EffectKind.REFRESH and isinstance(about, Posting)
        if is_card and isinstance(outcome, Posted):
            self.shown.append(Shown(self.clock(), about.view.round))
        await self.halt.stand()
        if is_card and isinstance(outcome, Posted):
            self.shares[about.view.round.id] = outcome.shown
        return outcome

    def note_call(
        self,
        posting: Posting,
        before: int,
        kind: EffectKind | None = None,
    ) -> None:
        if len(self.messages) > before:
            message, view = self.messages[-1], posting.view
            mentions = frozenset[str]()
            if kind is not None and not view.is_quiet:
                mentions = mentioned(kind, posting, self.crews, self.clock())
            call = Calling(
                key=message.key,
                at=message.posted_at,
                round=view.round,
                is_quiet=view.is_quiet,
                mentions=mentions,
            )
            self.callings.append(call)

    def cards(self) -> dict[str, Message]:
        """The latest card of each round."""
        posted = [one for one in self.messages if one.key.startswith("card ")]
        return {one.key.removeprefix("card "): one for one in posted}

    def is_given_up(self, message: Message) -> bool:
        """Return True if an update, or a post whose answer was lost, failed for a day.

        Nobody repeats it then.
        """
        tries = (self.failed.get(one, [self.clock()]) for one in (message.ref, message.key))
        return any(times[-1] - times[0] >= timedelta(days=1) for times in tries)

    def is_deleted(self, ref: MessageRef) -> bool:
        return any(one.deleted for one in self.messages if one.ref == ref)

    def deletable(self) -> list[Message]:
        """The cards that people can delete, the newest first: a thread with replies stays."""
        refs = [*(one.ref for one in self.messages), *(one.ref for one in self.said)]
        threads = Counter(ref.thread_ts for ref in refs)
        return [
            one
            for one in self.messages[::-1]
            if one.key.startswith("card ")
            and not one.deleted
            and (one.ref.ts != one.ref.thread_ts or threads[one.ref.ts] == 1)
        ]


def mentioned(
    kind: EffectKind, posting: Posting, crews: Mapping[str, Crew], now: datetime
) -> frozenset[str]:
    """Return the ids of the people whom a message about a round mentions as it is drawn."""
    round_ = posting.view.round
    reviewers = crew_for(round_, crews).permitted(Role.REVIEWER)
    before = crew_for(replace(round_, escalated_at=None), crews).permitted(Role.REVIEWER)
    scene = Scene(
        view=replace(posting.view, reviewers=reviewers, absences=()),
        card=None,
        operators=(),
        assigned=(),
        added=[one for one in reviewers if one not in before],
        link=lambda _: "",
        now=now,
    )
    return frozenset(re.findall(r"<@(\w+)>", repr(NOTICES[kind](scene))))


@dataclass
class SlowCrew(FakeCrew):
    """A crew that may take an answer before the worker that sent it knows."""

    halt: Halt = field(default_factory=Halt)

    async def resume(self, request: ResumeRequest) -> Outcome:
        outcome = await super().resume(request)
        await self.halt.stand()
        return outcome


@dataclass
class Misfitting(SlowCrew):
    """A crew whose tool takes no argument `to` that says nobody, and that is busy at times."""

    misfits: list[Decision] = field(default_factory=list)
    """The decisions that it refused for their arguments."""
    refused_with: list[object] = field(default_factory=list)
    """The arguments that came with a refusal, which no host takes."""
    busy: set[tuple[str, str]] = field(default_factory=set)
    """Each execution and task whose first answer it refuses, with the same status."""

    async def resume(self, request: ResumeRequest) -> Outcome:
        place = request.execution_id, request.task_id
        if place in self.busy:
            self.busy.remove(place)
            self.asked.append((request.execution_id, request.decision))
            return Refused("400", "not now")
        if isinstance(request.edited, dict) and not request.decision.is_approve:
            self.refused_with.append(request.edited)
            return Refused("400", "edited goes with arguments to approve")
        misfits = isinstance(request.edited, dict) and request.edited.get("to") == "nobody"
        if misfits and place in self.pending:
            self.asked.append((request.execution_id, request.decision))
            self.misfits.append(request.decision)
            return Refused("400", "nobody is no address", RefusalKind.ARGUMENTS)
        return await super().resume(request)


@dataclass
class WatchedFlows(FakeFlows):
    """Flows that go on with an answer before it is known to have arrived."""

    halt: Halt = field(default_factory=Halt)
    on_taken: Callable[[str, str], Awaitable[None]] | None = None
    """Called with the address and the answer that a flow goes on with."""

    async def answer(
        self, crew: str, callback: Callback, feedback: str, *, valid_until: datetime | None = None
    ) -> Outcome:
        is_open = callback.url not in self.taken
        try:
            outcome = await super().answer(crew, callback, feedback, valid_until=valid_until)
        finally:
            if is_open and callback.url in self.taken and self.on_taken:
                await self.on_taken(callback.url, feedback)
        await self.halt.stand()
        return outcome


class Product(World):
    """The use cases, a real store, its outbox, and two bots that work on it."""

    slack: WatchedSlack
    flows: WatchedFlows
    database_url = ""
    """The address of its database, for commands beside the bots."""

    def __post_init__(self) -> None:
        self.crews |= settings()
        self.halt = Halt()
        self.crew, self.flows = SlowCrew(halt=self.halt), WatchedFlows(halt=self.halt)
        super().__post_init__()
        self.slack = WatchedSlack(self.clock, halt=self.halt, crews=self.crews)
        self.tools = Misfitting(halt=self.halt)
        self.scans, self.legal = (SlowCrew(halt=self.halt) for _ in range(2))
        self.clients = {
            TASKS: self.crew,
            TOOLS: self.tools,
            SCANS: self.scans,
            LEGAL: self.legal,
        }
        for client in self.clients.values():
            client.takes = (INPUT,)
        self.directory.people[LAWYERS] = frozenset(one.id for one in REVIEWERS)
        self.directory.people[FINANCE] = ACCOUNTANTS
        self.context = replace(
            self.context,
            messenger=self.slack,
            clients=self.clients | {FLOWS: SlowCrew()},
        )
        self.begin_bots()

    def begin_bots(self) -> None:
        """Begin the processes of both bots, with nothing in their memory."""
        self.teaching = Teaching(self.uow, self.context.clients, clock=self.clock)
        self.context = replace(self.context, refusing=set(), teaching=self.teaching)
        self.beside = replace(self.context, refusing=set())
        self.empty = EmptyLists(
            uow=self.uow,
            crews=self.crews,
            directory=self.directory,
            clock=self.clock,
            asked=Wakeup(),
        )
        self.linking = Linking(
            self.uow,
            sign=open_signer(AUDITED, make=False),
            channel=None,
            clock=self.clock,
            sleep=asyncio.sleep,
        )
        self.fetches = Fetches(self.uow, decision_body, clock=self.clock, new_id=self.new_id)

    def answering(self, crew: str) -> FakeCrew | FakeFlows:
        """Return the side that takes the decisions of a crew."""
        return self.flows if crew == FLOWS else self.clients.get(crew, self.crew)

    async def fetch(
        self, round_: Round, *, number: int | None = None, is_there: bool = True
    ) -> Any:
        """Ask for a decision as its asker does."""
        review = round_.review
        body = await self.fetches.fetch(
            self.crews[review.crew],
            review.execution_id,
            review.task_id,
            seconds=0,
            is_there=lambda: is_there,
            number=number,
        )
        return None if body is None else json.loads(body)

    async def pass_time(self, length: timedelta) -> None:
        self.clock.advance(length)
        if length >= LEASE and not self.engines.is_sqlite:  # there leases end by another clock
            async with self.engines.write.begin() as connection:
                await connection.execute(HELD.values(lease_until=self.clock()))

    async def lease_of(self, destination: str) -> tuple[Job, ...]:
        """Lease what is due at one destination."""
        leased = await self.outbox.lease(destination, now=self.clock(), lease=LEASE, limit=8)
        return leased.jobs

    async def everything(self) -> list[Any]:
        """Return every row of the outbox, those about executions and those set aside too."""
        async with self.engines.for_outbox.read.connect() as connection:
            return list(await connection.execute(EVERY_JOB))
