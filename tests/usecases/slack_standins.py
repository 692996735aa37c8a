"""Slack, as its ports see it: in memory, with state, and with faults on demand."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crewgate.domain.caveats import WHOLE, Note
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.execution import Execution
from crewgate.domain.lessons import Lesson
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    Unknown,
)
from crewgate.domain.people import Email, Notify, ReviewerRef, User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import Naming
from crewgate.domain.verdict import Person
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.slack import (
    FILE_NOT_SHARED,
    About,
    Found,
    Members,
    Posted,
    Thread,
)
from crewgate.usecases.read_models import (
    CardView,
    DeadLetter,
    ExecutionPosting,
    LessonView,
    MessageRef,
    Posting,
)
from tests.usecases.faults import Fault


@dataclass
class Message:
    """Something posted in Slack."""

    key: str
    ref: MessageRef
    posted_at: datetime
    shows: Any
    """A round, a dead letter, or a lesson."""
    plain: bool = False
    deleted: bool = False
    earlier: tuple[Round, ...] = ()
    """The rounds before that it quotes or compares with."""
    quiet: bool = False
    """True: it mentions nobody, and a card is short."""
    is_quiet: bool = False
    """True: it was posted to mention nobody, as its metadata says."""
    view: CardView | None = None
    """The view that it was last drawn from, at `drawn_at`."""
    drawn_at: datetime | None = None

    @property
    def found(self) -> Found:
        return Found(self.posted_at, is_quiet=self.is_quiet)


@dataclass(frozen=True)
class Said:
    """A message about an execution, by the effect it carries out."""

    what: EffectKind
    posting: ExecutionPosting
    ref: MessageRef
    key: str

    @property
    def execution(self) -> Execution:
        return self.posting.execution


@dataclass
class FakeSlack:
    """`Messenger`: keeps messages by key, and finds them again where it is asked to look."""

    clock: Clock
    faults: deque[Fault] = field(default_factory=deque)
    messages: list[Message] = field(default_factory=list)
    unshared: int = 0
    """The number of next files that are taken and are never seen."""
    excerpts: bool = False
    """True if outputs are too long for a card."""
    unshowable: bool = False
    """True if the agent's text is refused, unless the card is plain."""
    calls: list[str] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    """The rounds whose cards called people."""
    names: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    """The messages about executions."""
    updates: list[ExecutionPosting] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    execution_faults: deque[NotSent | Refused | Unknown] = field(default_factory=deque)
    long_results: bool = False
    no_approver: bool = False
    """True if cards say that too few people are left who may approve."""

    def keyed(self, key: str) -> list[Message]:
        """Return the posts with this key, on any occasion."""
        return [
            message
            for message in self.messages
            if f"{message.key} ".startswith(f"{key} ") and not message.deleted
        ]

    def card(self, round_id: str) -> Message:
        (message,) = self.keyed(f"card {round_id}")
        return message

    async def say(
        self,
        effect: Effect,
        about: About,
        *,
        to: Thread | User,
        occasion: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        if isinstance(to, User):
            to = Thread(f"D{to.id}")
        if to.channel is None:
            return Refused("thread_not_found", "no card", RefusalKind.THREAD_GONE)
        if isinstance(about, ExecutionPosting):
            key = effect.message_key(occasion)
            return self._say(effect.kind, about, to.channel, key, posted_since)
        direct = effect.kind is EffectKind.DIRECT_MESSAGE
        if self.unshowable and direct and not plain:
            return Refused("invalid_blocks", "cannot be shown", RefusalKind.CONTENT)
        shows: object = about.view.round if isinstance(about, Posting) else about
        shows = about.lesson if isinstance(about, LessonView) else shows
        before = len(self.messages)
        outcome = self._post(
            effect.message_key(occasion),
            shows if isinstance(shows, Round | DeadLetter | Lesson) else None,
            to.channel,
            to.ts,
            posted_since,
            plain=plain,
            view=about.view if isinstance(about, Posting) else None,
        )
        if not isinstance(outcome, Message):
            return outcome
        found = outcome.found if len(self.messages) == before else None
        return Posted(ref=outcome.ref, found=found)

    def _say(
        self,
        what: EffectKind,
        posting: ExecutionPosting,
        channel: str,
        key: str,
        posted_since: datetime | None,
    ) -> Outcome:
        if self.execution_faults:
            return self.execution_faults.popleft()
        too_long = self.long_results and what is EffectKind.POST_RESULT
        if posted_since is not None:
            for found in self.said:
                if found.key == key:
                    at = Found(self.clock(), is_quiet=False)
                    return Posted(ref=found.ref, too_long=too_long, found=at)
        ts = f"{len(self.said) + 1}.500"
        ref = MessageRef(channel, ts, posting.thread_ts or ts)
        self.said.append(Said(what, posting, ref, key))
        return Posted(ref=ref, too_long=too_long)

    async def post_card(
        self,
        posting: Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        round_ = posting.view.round
        if self.unshowable and not plain:
            self.calls.append(f"refuse {round_.id}")
            return Refused("invalid_blocks", "cannot be shown", RefusalKind.CONTENT)
        before = len(self.messages)
        outcome = self._post(
            f"card {round_.id}",
            round_,
            channel,
            posting.thread_ts,
            posted_since,
            plain=plain,
            view=posting.view,
        )
        if len(self.messages) > before and notify is not None:
            self.notified.append(round_.id)
        if not isinstance(outcome, Message):
            return outcome
        return Posted(
            ref=outcome.ref,
            found=outcome.found if len(self.messages) == before else None,
            shown=self._shown(posting.view, plain=plain),
            too_long=self.excerpts or plain,
            no_approver=self.no_approver,
        )

    def _shown(self, view: CardView, *, plain: bool) -> int:
        return 0 if plain else 3 if view.is_quiet else 40 if self.excerpts else 100

    async def update(
        self, kind: EffectKind, about: About, where: MessageRef, *, plain: bool = False
    ) -> Outcome:
        match about:
            case ExecutionPosting():
                if self.execution_faults:
                    return self.execution_faults.popleft()
                self.updates.append(about)
                return Delivered()
            case Posting():
                return self._update(where, about.view.round, plain=plain, view=about.view)
            case DeadLetter():
                return self._update(where, about, plain=plain)
            case LessonView():
                return self._update(where, about.lesson, plain=plain)
            case _:
                raise AssertionError(kind)

    def _update(
        self,
        where: MessageRef,
        shows: Round | DeadLetter | Lesson,
        *,
        plain: bool,
        view: CardView | None = None,
    ) -> Outcome:
        self.calls.append(f"update {shows.id}")
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if self.unshowable and not plain:
            return Refused("msg_too_long", "cannot be shown", RefusalKind.CONTENT)
        found = [m for m in self.messages if m.ref == where and not m.deleted]
        if not found:
            return Refused("message_not_found", "deleted", RefusalKind.MESSAGE_GONE)
        found[0].shows, found[0].plain = shows, plain
        found[0].earlier, found[0].quiet = () if view is None else view.earlier, False
        found[0].view, found[0].drawn_at = view, self.clock()
        shown = WHOLE if view is None else self._shown(view, plain=plain)
        posted = Posted(ref=where, shown=shown, no_approver=self.no_approver)
        return fault.strike() if fault else posted

    async def attach(
        self, about: Posting | ExecutionPosting, *, posted_since: datetime | None
    ) -> Outcome:
        if isinstance(about, Posting):
            round_, card = about.view.round, about.card
            assert card is not None
            if self.unshared:
                self.unshared -= 1
                return Delivered()
            outcome = self._post(
                f"file {round_.id}", round_, card.channel, card.thread_ts, posted_since
            )
            return Delivered() if isinstance(outcome, Message) else outcome
        assert about.execution.result is not None
        if self.execution_faults:
            return self.execution_faults.popleft()
        if self.unshared:
            self.unshared -= 1
        else:
            self.files.append(about.execution.result.text)
        return Delivered()

    async def clear(
        self, thread: MessageRef, about: ExecutionPosting, *, until: datetime
    ) -> Outcome:
        self.calls.append(f"clear {thread.channel} {thread.ts}")
        return self.faults.popleft().strike() if self.faults else Delivered()

    async def find_file(self, about: Posting | ExecutionPosting) -> Outcome:
        self.calls.append("find file")
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        found = (
            self.keyed(f"file {about.view.round.id}") if isinstance(about, Posting) else self.files
        )
        if found:
            return fault.strike() if fault else Delivered()
        return Refused(FILE_NOT_SHARED, "", RefusalKind.PERMANENT)

    async def name_of(self, user: str) -> str | None:
        self.calls.append(f"name {user}")
        return self.names.get(user)

    async def react(self, note: Note) -> Outcome:
        self.calls.append(f"react {note.ts}")
        return self.faults.popleft().strike() if self.faults else Delivered()

    async def offer(self, note: Note, posting: Posting) -> Outcome:
        self.calls.append(f"offer {note.ts}")
        return Delivered()

    async def offer_lesson(self, posting: Posting, writer: Person) -> Outcome:
        self.calls.append(f"offer lesson {posting.view.round.id} {writer.id}")
        return self.faults.popleft().strike() if self.faults else Delivered()

    def _post(
        self,
        key: str,
        shows: Round | DeadLetter | Lesson | None,
        channel: str,
        thread_ts: str | None,
        posted_since: datetime | None,
        *,
        plain: bool = False,
        view: CardView | None = None,
    ) -> Message | NotSent | Refused | Unknown:
        """Post a message, or return one that was posted before, which stays as it was."""
        self.calls.append(f"post {key}")
        fault = self.faults.popleft() if self.faults else None
        if fault and not fault.after:
            return fault.strike()
        if posted_since is not None:
            for found in self.keyed(key):
                if found.key == key and found.posted_at >= posted_since:
                    return found
        if thread_ts is not None and any(
            m.ref.ts == thread_ts and m.deleted for m in self.messages
        ):
            return Refused("thread_not_found", "deleted", RefusalKind.THREAD_GONE)
        ts = f"{len(self.messages) + 1}.000"
        message = Message(
            key,
            MessageRef(channel, ts, thread_ts or ts),
            self.clock(),
            shows=shows,
            plain=plain,
            earlier=() if view is None else view.earlier,
            quiet=view is not None and view.is_quiet,
            is_quiet=view is not None and (view.is_quiet or view.round.state is not State.WAITING),
            view=view,
            drawn_at=self.clock(),
        )
        self.messages.append(message)
        return fault.strike() if fault else message


@dataclass
class SlowSlack(FakeSlack):
    """Something happens once between a post and its answer, or before an update arrives."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def post_card(self, posting: Posting, **options: Any) -> Outcome:
        outcome = await super().post_card(posting, **options)
        await self.stand_still()
        return outcome

    async def say(self, effect: Effect, about: About, **options: Any) -> Outcome:
        outcome = await super().say(effect, about, **options)
        await self.stand_still()
        return outcome

    async def update(self, *what: Any, **options: Any) -> Outcome:
        await self.stand_still()
        return await super().update(*what, **options)

    async def stand_still(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()


@dataclass
class FakeDirectory:
    """`Directory`: what e-mails and groups stand for, and who is in which channel."""

    people: dict[ReviewerRef, frozenset[str]] = field(default_factory=dict)
    channels: dict[str, set[str]] = field(default_factory=lambda: {"C0REVIEWS": set()})
    """The members that memory tells of; it tells nothing of other channels."""
    guests: set[str] = field(default_factory=set)
    became_guests: set[str] = field(default_factory=set)
    """Those of whom memory still says that they are none, until Slack is asked again."""
    gone: set[str] = field(default_factory=set)
    """Those whose accounts are deactivated."""
    unknown: set[str] = field(default_factory=set)
    """Those of whom memory does not tell, until they are looked up, whether they are guests."""
    learns: dict[str, set[str]] = field(default_factory=dict)
    """The members that a look-up learns of channels; Slack does not answer about others."""
    resolves: dict[ReviewerRef, frozenset[str]] = field(default_factory=dict)
    """Slack's answers about e-mails and groups, once it is asked."""
    resolved: list[tuple[ReviewerRef, ...]] = field(default_factory=list)
    """The questions to Slack."""
    looked_up: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[Email, frozenset[str]] = field(default_factory=dict)
    """The people of addresses, once Slack is asked."""
    asked_about: list[Email] = field(default_factory=list)
    told_later: dict[ReviewerRef, frozenset[str]] = field(default_factory=dict)
    """Slack's later answers about e-mails and groups, once memory was asked in vain."""
    strangers: dict[str, bool | None] = field(default_factory=dict)
    """People who are no colleagues; None: Slack does not say."""
    fault: Naming | NotSent | None = None
    """Slack's answer to a question about one member."""
    may_message: bool = True
    zones: dict[str, ZoneInfo] = field(default_factory=dict)
    hidden: set[ReviewerRef] = field(default_factory=set)
    """Those that Slack never names: the app lacks the scope."""

    def may_name(self, ref: ReviewerRef) -> bool:
        return ref not in self.hidden

    async def zone_of(self, user: str) -> ZoneInfo | None:
        return self.zones.get(user)

    def members(self, named: tuple[ReviewerRef, ...]) -> Members:
        users = {ref.id for ref in named if isinstance(ref, User)}
        unresolved = []
        for ref in named:
            if ref in self.people:
                users |= self.people[ref]
            elif isinstance(ref, Email | UserGroup):
                unresolved.append(ref)
                if ref in self.told_later:
                    self.people[ref] = self.told_later[ref]
        return Members(frozenset(users), tuple(unresolved))

    def starters(self, said: tuple[User | Email, ...]) -> Members:
        return self.members(said)

    def is_in(self, user: str, channel: str, *, guests: bool) -> bool | None:
        if channel not in self.channels or (user in self.unknown and not guests):
            return None
        return user in self.channels[channel] and (guests or user not in self.guests)

    async def ask_about(self, address: Email) -> None:
        self.asked_about.append(address)
        if address in self.answers:
            self.people[address] = self.answers[address]

    def is_gone(self, user: str) -> bool:
        return user in self.gone

    def is_colleague(self, user: str) -> bool | None:
        if user in self.unknown:
            return None
        if user in self.strangers:
            return self.strangers[user]
        return user not in self.guests

    async def find_member(self, named: User | Email) -> User | Naming | NotSent:
        await self.resolve((named,) if isinstance(named, Email) else ())
        if self.fault is not None:
            return self.fault
        members = self.members((named,))
        if members.unresolved:
            return NotSent("Slack does not say")
        [user] = members.users or {""}
        return User(user) if self.is_colleague(user) else Naming.NO_MEMBER

    async def look_up_colleague(self, user: str, *, again: bool = False) -> bool | None:
        if again and user in self.became_guests:
            self.guests.add(user)
        if self.strangers.get(user, True) is not None:
            self.unknown.discard(user)
        return self.is_colleague(user)

    async def resolve(self, named: tuple[ReviewerRef, ...]) -> None:
        self.resolved.append(named)
        self.people |= {ref: self.resolves[ref] for ref in named if ref in self.resolves}

    async def look_up(self, user: str, channel: str, *, guests: bool) -> None:
        assert isinstance(guests, bool)
        self.looked_up.append((user, channel))
        if channel in self.learns:
            self.channels[channel] = self.learns[channel]
            self.unknown.discard(user)
