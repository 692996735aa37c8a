"""Sentences of several features: names, times, errors, pages. Short, active, no jargon.

A `Voice` writes names and foreign text for one kind of place.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from crewgate.domain.acts import arguments_of, shown_value
from crewgate.domain.execution import id_beginning
from crewgate.domain.lessons import LessonsGiven
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Naming
from crewgate.domain.subjects import call_of
from crewgate.domain.verdict import FEEDBACK_LIMIT, Person
from crewgate.slack.blockkit.text import one_line, plain, utf16_length
from crewgate.slack.ids import COMMAND
from crewgate.usecases.read_models import COUNTED, MessageRef

REVIEWERS_SHOWN: Final = 20
DECIDERS_SHOWN: Final = 3
ANYONE: Final = "anyone in the channel"
#: The characters shown of names, once escaped: so one message has room for them and an excerpt.
CREW_LIMIT: Final = 60
TITLE_LIMIT: Final = 150
AGENT_LIMIT: Final = 80
ID_LIMIT: Final = 80
#: The longest reason of a dismissal, once escaped: 300 characters, each at most five (`&amp;`).
WHY_LIMIT: Final = 1_500

_USER_ID = re.compile(r"[UW][A-Z0-9]+")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]+")
_FORMATTING = re.compile(r"[*~`]")
_ID = re.compile(r"[\w.-]+")
_RANDOM_ID = re.compile(r"[0-9a-fA-F-]{16,}|[0-9]+")


@dataclass(frozen=True, slots=True)
class Voice:
    """A way to write names of people, and one line of foreign text."""

    text: Callable[[str, int], str]
    mentions: bool = False
    groups: bool = False
    """True: an approval names its group, too. In a new message that would notify the group."""

    def person(self, who: Person) -> str:
        """Return a name, or a mention if this voice mentions people and Slack knows the person."""
        if self.mentions and _USER_ID.fullmatch(who.id):
            return f"<@{who.id}>"
        return self.text(who.name or who.id, CREW_LIMIT)


MRKDWN: Final = Voice(one_line, mentions=True)
IN_FULL: Final = Voice(one_line, mentions=True, groups=True)
CALLS_NOBODY: Final = Voice(one_line)
PLAIN: Final = Voice(plain)
"""The voice for notifications, forms and modals' errors, which do not render mrkdwn."""


MODAL_NOT_OPENED: Final = "Slack did not open the form in time. Press the button again."
NOT_UNDERSTOOD: Final = f"I did not understand that. `{COMMAND} help` shows what I can do."
OTHER_TEAM: Final = "This bot works in another workspace, so nothing was done here."
TEAM_NOT_KNOWN: Final = (
    "I could not find out from Slack which workspace I belong to. Nothing was done; try again in a "
    "minute."
)


def feedback_too_long(characters: int) -> str:
    over = characters - FEEDBACK_LIMIT
    return f"Slack takes up to {FEEDBACK_LIMIT:,} characters. Shorten this by {over:,}."


def mask_unknown(mask: str) -> str:
    return f"{mask} stands for nothing in this text. Write what is meant, or drop its brackets."


def crew(name: str, voice: Voice = MRKDWN) -> str:
    return voice.text(name, CREW_LIMIT)


def task(round_: Round, voice: Voice = MRKDWN) -> str:
    """The task's title, or a call's tool."""
    call = call_of(round_.subject)
    return title(round_.review.title, voice) if call is None else tool(call.name, voice)


def spoken(round_: Round, topic: str, text: str) -> str:
    """Return what buttons are about: `send_email to bob@acme.example`, or a task and its topic.

    The text is not escaped. Of a call's arguments it has the recipient, or the first argument.
    """
    call = call_of(round_.subject)
    if call is None:
        return ", ".join(part for part in (_readable(round_.review.title), topic) if part)
    arguments = arguments_of(text) or {}
    name = "to" if "to" in arguments else next(iter(arguments), "")
    parts = (call.name, name, shown_value(arguments.get(name)))
    return " ".join(part for part in parts if part)


def tool(name: str, voice: Voice = MRKDWN) -> str:
    return voice.text(name, TITLE_LIMIT) or "a tool without a name"


def title(name: str, voice: Voice = MRKDWN) -> str:
    return voice.text(_readable(name), TITLE_LIMIT)


def input_name(name: str, voice: Voice = MRKDWN) -> str:
    """Return an input's name in words: `target_audience` is “Target audience”."""
    return voice.text(capital(_in_words(name)), CREW_LIMIT) or "?"


def input_name_inside(name: str) -> str:
    return one_line(_in_words(name), CREW_LIMIT) or "?"


def _readable(name: str) -> str:
    if _RANDOM_ID.fullmatch(name):
        return f"Task {id_beginning(name)}"
    return capital(_in_words(name)) or name if _ID.fullmatch(name) else name


def _in_words(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").split())


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def counted(number: int, noun: str) -> str:
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def with_lessons(given: LessonsGiven | None) -> str:
    """Return `with 4 lessons`; empty where there were no lessons to give."""
    return f"with {counted(len(given.ids), 'lesson')}" if given and given.ids else ""


def more(count: int) -> str:
    return f"and {count:,} more"


def total(count: int) -> str:
    return f"{count:,}" if count <= COUNTED else f"{COUNTED:,}+"


def bold(escaped: str) -> str:
    return escaped if _FORMATTING.search(escaped) else f"*{escaped}*"


def identifier(text: str, limit: int = ID_LIMIT) -> str:
    shown = one_line(text, limit)
    return shown if "`" in shown else f"`{shown}`"


def person(who: Person) -> str:
    return MRKDWN.person(who)


def reviewer(named: ReviewerRef) -> str:
    match named:
        case User(id):
            return f"<@{id}>"
        case UserGroup(id):
            return f"<!subteam^{id}>"
        case Email(address):
            return one_line(address, ID_LIMIT)
        case Anyone():
            return f"{ANYONE}, except guests and people of other organisations"


def deciders(reviewers: Sequence[ReviewerRef], empty: Sequence[ReviewerRef] = ()) -> str:
    """Name the deciders; `empty` are the people of whom nobody is left."""
    if Anyone() in reviewers:
        return ANYONE
    whom = named(reviewers, most=DECIDERS_SHOWN)
    return f"{whom or named(empty)} ({nobody_in(empty)})" if empty else whom


def nobody_in(empty: Sequence[ReviewerRef]) -> str:
    """Return `nobody is in @legal`, for a user group or a list of which nobody is left."""
    are_groups = all(isinstance(one, UserGroup) for one in empty)
    return f"nobody is {'in' if are_groups else 'left of'} {named(empty, most=DECIDERS_SHOWN)}"


def named(people: Sequence[ReviewerRef], *, most: int = REVIEWERS_SHOWN) -> str:
    return some([reviewer(one) for one in people], most)


def joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def some(names: Sequence[str], most: int) -> str:
    """Return `Ana, Ben and 3 more`, with at most this number of names."""
    left = len(names) - most
    more = [f"{left:,} more"] if left > 0 else []
    return in_words([*names[:most], *more])


def in_words(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def channel(named: str) -> str:
    return f"<#{named}>" if _CHANNEL_ID.fullmatch(named) else one_line(named, CREW_LIMIT)


def which_round(round_: Round) -> str:
    return f"{crew(round_.review.crew, PLAIN)}: {task(round_, PLAIN)}, {number(round_)}"


def number(round_: Round) -> str:
    return f"round {round_.number:,}"


def numbered(round_: Round) -> str:
    """Return `round 2, edited by @Ana`: the author is named if the text is not the crew's.

    The text is empty for a call, which is asked about once: its number says nothing.
    """
    if round_.subject.is_act:
        return ""
    by = round_.edited_by
    return number(round_) if by is None else f"{number(round_)}, edited by {person(by)}"


def number_of(round_: Round) -> str:
    """Return `Round 2, edited by @Ana`, or `The changed call`."""
    return capital(numbered(round_) or call_named(round_))


def call_named(round_: Round) -> str:
    return "the call" if round_.edited_by is None else "the changed call"


def removed(at: datetime) -> str:
    return f":wastebasket: The text was removed on {day(at)}."


_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def duration(span: timedelta) -> str:
    """Return a length of time, never rounded up: `3 min`, `2 h 5 min`, `3 days`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, minutes = seconds // _HOUR, seconds % _HOUR // _MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = seconds // _DAY, seconds % _DAY // _HOUR
    named = "1 day" if days == 1 else f"{days} days"
    return f"{named} {hours} h" if hours else named


def ago(then: datetime, now: datetime) -> str:
    """Return the time since then, for texts read at once; a later time is `just now`."""
    span = now - then
    return f"{duration(span)} ago" if span.total_seconds() >= 1 else "just now"


def date(at: datetime) -> str:
    return _date(at, "{date_short_pretty} {time}")


def day(at: datetime) -> str:
    return _date(at, "{date_short}")


def moment(at: datetime, now: datetime) -> str:
    """Return a moment inside a sentence: `7:46 AM`, or `Mar 5, 2026, 7:46 AM` on a distant day."""
    return _date(at, "{time}" if _is_near(at, now) else "{date_short}, {time}")


def at_moment(at: datetime, now: datetime) -> str:
    return f"{'at' if _is_near(at, now) else 'on'} {moment(at, now)}"


def _is_near(at: datetime, now: datetime) -> bool:
    return abs((at - now).total_seconds()) < _DAY / 2


def _date(at: datetime, pattern: str) -> str:
    fallback = f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".rstrip()
    return f"<!date^{int(at.timestamp())}^{pattern}|{fallback}>"


EMPTY_OUTPUT: Final = "_The output is empty: the agent finished the task and wrote nothing._"

NEXT: Final = "Next page"
PREVIOUS: Final = "Previous page"
ERROR_TITLE: Final = "That did not work"
RECORDED_TITLE: Final = "Recorded"


def page_of(page: int, pages: int) -> str:
    return f"Page {page + 1:,} of {pages:,}"


Link: TypeAlias = Callable[[MessageRef], str | None]


def why(
    round_: Round,
    user: str,
    among: Sequence[ReviewerRef],
    users_of: Callable[[tuple[ReviewerRef, ...]], Collection[str]],
    away: Iterable[Absence],
) -> tuple[str, ...]:
    """Return the reason why a person is asked, and the crew's next task; each may be empty.

    A person whom the settings name needs no reason.
    """
    right, rule = "", round_.rule
    groups = (ref for ref in among if isinstance(ref, UserGroup) and user in users_of((ref,)))
    if User(user) in among:
        right = "named in the kickoff" if rule.naming is Naming.NAMED else ""
    elif group := next(groups, None):
        right = f"you are in {reviewer(group)}"
    else:
        all_of = users_of(tuple(among))
        found = (one.away for one in away if one.delegate.id == user and one.away.id in all_of)
        right = next((f"standing in for {person(one)}" for one in found), "")
    return right, f"then: {title(round_.next_task)}" if round_.next_task else ""


Why: TypeAlias = Callable[[Round], tuple[str, ...]]
Run: TypeAlias = Callable[[Review], str]
Deciders: TypeAlias = Callable[[Round], str]
"""Names the people who decide on a round; empty if there are none to name."""

_LINK_LIMIT: Final = 500
"""The longest link: three fit into one section. Slack's own are under 120."""


def linked(title: str, where: MessageRef | None, link: Link) -> str:
    """Return the title: a link if there is a message and the link is short enough, else plain."""
    return _anchor(title, link(where) if where is not None else None) or title


def run(url: str) -> str:
    """Return a link to an execution's own page; empty without one that is short enough."""
    return _anchor("open run", url)


def _anchor(title: str, url: str | None) -> str:
    if not url or utf16_length(url) > _LINK_LIMIT or any(char in url for char in "<>| \n"):
        return ""
    return f"<{url.replace('&', '&amp;')}|{title.replace('|', '¦')}>"
