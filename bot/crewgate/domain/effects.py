"""Effects: things that must now happen outside.

An effect holds ids only and is rendered from the present state when it is carried out, so that
neither order nor repetition hurts.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final, Self


class Lane(StrEnum):
    """The queue that an effect waits in; most lanes are one per crew.

    Each lane has a worker: an outage of one lane never holds up another lane.
    """

    POSTS = "posts"
    """Messages into a crew's channel, which takes about one a second."""
    UPDATES = "updates"
    """Changes of messages: Slack limits these by workspace, posts by channel."""
    SLACK = "slack"
    TIMER = "timer"
    """Timers: they only change the database, so no outage holds them up."""
    CREW = "crew"
    STATUS = "status"
    """One crew's statuses; their failures say nothing about its resumes."""
    FORWARD = "forward"
    """The addresses of one crew's callers; a slow one never holds up the crew's resumes."""

    def of(self, crew: str) -> str:
        shared = self in (Lane.UPDATES, Lane.SLACK, Lane.TIMER)
        return self.value if shared else f"{self.value}:{crew}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The properties of one kind of effect; `names` are the fields that tell effects apart."""

    lane: Lane = Lane.SLACK
    priority: int = 0
    """The priority of the effect: the lowest number goes first."""
    names: tuple[str, ...] = ("target",)
    by_execution: bool = False
    """Effects keep their order within an execution, not only within a target."""
    needs_card: bool = False
    of_waiting: bool = False
    key: str = ""
    """The key that finds the effect's message after a lost answer; empty without a message.

    `occasion` tells repeated messages of one kind about one target apart.
    """
    posts_card: bool = False
    """The effect posts a card, so it is tried without a deadline."""
    revives_card: bool = False
    """If somebody deleted the thread of an open round, its card and this message come back."""
    mentions: bool = False
    """The message mentions the people who are to decide, unless they were mentioned lately."""
    tells_reviewers: bool = False
    """After the effect, reviewers without a private message about the round get one."""
    is_absolute: bool = False
    """The time is fixed, by a calendar or another system: lost time does not move the effect."""
    is_merged: bool = False
    """Several waiting effects with one ordering key are carried out by one of these effects."""


REFERRAL_KEYS: Final = "referral "
"""The beginning of the keys of referrals' messages, which have a person's words."""
_message = partial(Row, lane=Lane.POSTS, priority=1)
_first_message = partial(Row, lane=Lane.POSTS)
"""Messages that people wait for: cards, and messages that may begin a card's thread."""
_update = partial(Row, lane=Lane.UPDATES, priority=1, is_merged=True)


class EffectKind(StrEnum):
    """The kinds of effects, each with its row.

    A plain message about a round needs only its row here and a render function in
    `slack/reviews/notices.py`: `usecases/delivery/messages.py` posts it.
    """

    row: Row

    def __new__(cls, value: str, row: Row | None = None) -> Self:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.row = row or Row()
        return kind

    POST = "post", _first_message(posts_card=True, key="card {target}")
    """Post the round's card in the execution's thread, or start the thread with the card."""
    REPOST = "repost", _first_message(posts_card=True, key="card {target}")
    """Post the card again: somebody deleted it while it must be acted on."""
    ATTACH = "attach", Row(needs_card=True)
    """Put the whole output as a file into the thread: the card shows an excerpt."""
    LOOK_FOR_FILE = "look_for_file", Row(names=("target", "number"))
    """Look for the file in the thread after `number` uploads: Slack may not have shared it."""
    ATTACH_FAILED = "attach_failed", _message(key="attach failed {target}")
    REFRESH = "refresh", Row(lane=Lane.UPDATES, needs_card=True, is_merged=True)
    """Bring the round's card, and then its direct messages, up to date."""
    REFRESH_FAILED = "refresh_failed", _message(key="refresh failed {target} {occasion}")
    """Post the round's state, because its card cannot be brought up to date."""
    RESUME = "resume", Row(lane=Lane.CREW)
    NOTIFY_STUCK = "notify_stuck", _message(key="stuck {target} {occasion}", revives_card=True)
    """Tell the reviewer, in the thread, that the decision did not reach the crew."""
    CALL_ALARM = "call_alarm", _message(key="call alarm {target} {occasion}", revives_card=True)
    """Tell operators, in the thread, that a call ran which must not have run."""
    CALL_ASSIGNED = (
        "call_assigned",
        _message(
            key="escalated request {target} {occasion}",
            of_waiting=True,
            revives_card=True,
            mentions=True,
            tells_reviewers=True,
        ),
    )
    """Mention, in the thread, the assignees of a flow's request: nobody has answered for long."""
    TELL_REVIEWERS = "tell_reviewers"
    """Create the direct messages to the reviewers of a waiting round."""
    DIRECT_MESSAGE = ("direct_message", Row(names=("target", "user"), key="direct {target} {user}"))
    REFRESH_DIRECT_MESSAGE = "refresh_direct_message", _update(names=("target", "user"))
    TELL_OPERATOR = (
        "tell_operator",
        Row(
            names=("target", "channel", "user"),
            key="refuses {crew} {target} {channel} {user} {occasion}",
        ),
    )
    """Tell one operator in private that a channel refuses posts; the target is Slack's code."""
    NOBODY_LEFT = (
        "nobody_left",
        Row(names=("target", "user"), key="nobody left {target} {user} {occasion}"),
    )
    """Tell one operator in private of which lists of the crew, the target, nobody is left."""
    REPORT = "report", _message(key="dead letter {target}", is_merged=True)
    """Report, in the crew's channel, webhooks that could not be understood: dead letters."""
    REFRESH_REPORT = "refresh_report", _update()
    PROGRESS = "progress", _first_message(key="progress {crew} {execution_id}", is_merged=True)
    REFRESH_PROGRESS = "refresh_progress", _update(by_execution=True)
    POST_RESULT = "post_result", _message(key="end {crew} {execution_id} {occasion}")
    RESULT_FILE = "result_file", Row(by_execution=True)
    """Put the whole result as a file into the thread: the message shows an excerpt."""
    LOOK_FOR_RESULT_FILE = (
        "look_for_result_file",
        Row(names=("target", "number"), by_execution=True),
    )
    RESULT_FILE_FAILED = (
        "result_file_failed",
        _message(key="result file failed {crew} {execution_id} {occasion}"),
    )
    POLL_STATUS = "poll_status", Row(lane=Lane.STATUS, by_execution=True)
    CLEAR_THREAD = "clear_thread", Row(lane=Lane.UPDATES, names=("target", "channel"))
    """Take files and result out of a thread, named by its ts: its texts were removed."""
    FORWARD = "forward", Row(lane=Lane.FORWARD)
    """Forward a webhook, the target, to its caller's URL."""
    FORWARD_FAILED = (
        "forward_failed",
        _message(key="forward failed {crew} {execution_id} {target} {occasion}"),
    )
    """Say that a caller's URL did not take a webhook; the target is the webhook's kind."""
    ACKNOWLEDGE_NOTE = "acknowledge_note", Row(names=("channel", "target"))
    """Acknowledge a note, named by its ts, and offer its author to send the notes."""
    AUDIT_HEAD = (
        "audit_head",
        Row(names=("target", "channel"), key="audit head {target} {channel}"),
    )
    WEEKLY_DIGEST = (
        "weekly_digest",
        Row(key="digest {target} {occasion}", is_absolute=True, is_merged=True),
    )
    OFFER_LESSON = "offer_lesson"
    """Offer the writer of a revision, once its result is approved, to keep it as a lesson."""
    POST_LESSON = "post_lesson", _message(key="lesson {target}")
    """Post the card of a proposed lesson, the target, in its round's thread."""
    REFRESH_LESSON = "refresh_lesson", _update()
    TELL_AUTHOR = "tell_author", Row(names=("target", "user"), key="retired {target} {user}")
    """Tell the author of a lesson, the target, in private that it has ended."""
    END_LESSON = "end_lesson", Row(is_absolute=True, of_waiting=True)
    """End a lesson, the target, whose time is over."""
    RETIRE_AT_HOST = "retire_at_host", Row(lane=Lane.CREW)
    """Tell `crewgate host` that a flow's lesson, the target, was retired."""
    MORNING_LINE = "morning_line", Row(key="morning {target} {occasion}", is_absolute=True)
    """Tell a person, the target, what waits for them."""
    POST_REFERRAL = (
        "post_referral",
        _message(
            names=("target", "number"),
            key=f"{REFERRAL_KEYS}{{target}} {{number}}",
            of_waiting=True,
            revives_card=True,
        ),
    )
    """Mention, in the thread, a person who is asked to look; `number` is the referral's."""
    EXPIRE_CLAIM = "expire_claim"
    """Update the card: the claim on the round is over."""
    REMIND = "remind", Row(lane=Lane.TIMER, of_waiting=True)
    POST_REMINDER = (
        "post_reminder",
        _message(
            key="reminder {target} {occasion}", of_waiting=True, revives_card=True, mentions=True
        ),
    )
    REMIND_PRIVATELY = (
        "remind_privately",
        Row(
            names=("target", "user", "number"),
            key="reminder {target} {number} {user}",
            of_waiting=True,
        ),
    )
    """Remind one person in private, for the `number`-th time."""
    ESCALATE = "escalate", Row(lane=Lane.TIMER, of_waiting=True)
    POST_ESCALATED = (
        "post_escalated",
        _message(
            key="escalated {target}",
            of_waiting=True,
            revives_card=True,
            mentions=True,
            tells_reviewers=True,
        ),
    )
    TIME_OUT = "time_out", Row(lane=Lane.TIMER, of_waiting=True)
    EXPIRE = "expire", Row(lane=Lane.TIMER, is_absolute=True, of_waiting=True)
    """Close the round: its flow goes on without an answer."""
    POST_TIMED_OUT = (
        "post_timed_out",
        _message(key="timed out {target}", revives_card=True, mentions=True),
    )


def _kinds_where(row: Callable[[Row], bool]) -> frozenset[EffectKind]:
    return frozenset(kind for kind in EffectKind if row(kind.row))


POSTS_A_CARD: Final = _kinds_where(lambda row: row.posts_card)
NEEDS_THE_CARD: Final = _kinds_where(lambda row: row.needs_card)
MERGED: Final = _kinds_where(lambda row: row.is_merged)
DRAWS_ANEW: Final = _kinds_where(lambda row: row.is_merged and row.lane is Lane.UPDATES)
IN_ORDER: Final = _kinds_where(lambda row: row.lane is Lane.POSTS)
"""Messages, which enter an execution's thread in order."""
ABSOLUTE: Final = _kinds_where(lambda row: row.is_absolute)
TIMED: Final = _kinds_where(lambda row: row.lane is Lane.TIMER)
OF_WAITING: Final = _kinds_where(lambda row: row.of_waiting)

LAST: Final = 2
SLACK: Final = Lane.SLACK.value
TIMER: Final = Lane.TIMER.value
UPDATES: Final = Lane.UPDATES.value
POSTS_PREFIX: Final = Lane.POSTS.of("")
posts_destination: Final = Lane.POSTS.of
crew_destination: Final = Lane.CREW.of
status_destination: Final = Lane.STATUS.of
forward_destination: Final = Lane.FORWARD.of


def goes_to_slack(destination: str) -> bool:
    return destination in {SLACK, UPDATES} or destination.startswith(POSTS_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A thing to do outside, about one target of one crew's execution."""

    kind: EffectKind
    target: str
    """The id of a round, unless the kind says otherwise."""
    crew: str
    execution_id: str = ""
    channel: str | None = None
    """The channel of a round's card, if it is not the channel of the execution's thread."""
    user: str | None = None
    number: int | None = None

    @property
    def destination(self) -> str:
        return self.kind.row.lane.of(self.crew)

    @property
    def priority(self) -> int:
        return self.kind.row.priority

    @property
    def names(self) -> str:
        """The fields that the effect's kind names, in one string, as stored; `named` reads it.

        Several fields are quoted, because a crew may choose an execution id with a space.
        """
        if len(self.kind.row.names) == 1:
            return self.target
        fields = (str(getattr(self, name)) for name in self.kind.row.names)
        return " ".join(one.replace("%", "%25").replace(" ", "%20") for one in fields)

    def named(self, names: str) -> Self:
        """Return this effect with the fields of a stored `names` string.

        Raises ValueError for a string that `names` does not return for such an effect.
        """
        fields = self.kind.row.names
        if len(fields) == 1:
            return replace(self, target=names)
        texts = (one.replace("%20", " ").replace("%25", "%") for one in names.split(" "))
        found = dict(zip(fields, texts, strict=True))
        return replace(
            self,
            target=found["target"],
            channel=found.get("channel", self.channel),
            user=found.get("user"),
            number=int(found["number"]) if "number" in found else None,
        )

    def message_key(self, occasion: str = "") -> str:
        return self.kind.row.key.format(**asdict(self), occasion=occasion)

    @property
    def ordering_key(self) -> str:
        """The key of effects that are carried out in order.

        An execution's posts have one key per channel: each channel has a thread of its own and may
        refuse what another takes. Its forwarded webhooks have a key too. All else has a key per
        target: a refused or waiting file, card update or resume must not hold up others.
        """
        row = self.kind.row
        if row.lane is Lane.POSTS:
            channel = "" if self.channel is None else f" {self.channel}"
            return f"{SLACK} {self.crew} {self.execution_id}{channel}"
        if row.lane is Lane.FORWARD:
            return f"{self.destination} {self.crew} {self.execution_id}"
        if row.by_execution:
            return f"{self.kind.value} {self.crew} {self.execution_id}"
        return f"{self.kind.value} {self.names}"
