"""What the stats say."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.stats import (
    SPANS,
    Compared,
    CrewStats,
    Figures,
    Kind,
    Observation,
    Share,
    Stats,
    Waiting,
)
from crewgate.domain.verdict import Person
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import duration, moment
from crewgate.slack.ids import COMMAND

_NAMED: Final = 3
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
POST: Final = "Post to channel"
CSV: Final = "CSV"
CSV_SENT: Final = "I have sent you the file in a private message."
CSV_NOT_MADE: Final = "The file could not be made: the bot's log says why (`csv_not_made`)."
CSV_NOT_SENT: Final = "Slack did not take the file. Press the button again in a minute."
DECIDED: Final = "Decided"
UNTIL_HALF: Final = "{unit} until half were decided"
TO_DECISION: Final = "{unit} to decision"
WITHIN: Final = ("Half within", "Nine of ten within")
OUTCOMES: Final = ("Approved", "Sent back", "By a rule")
BEFORE: Final = "Before"
PEOPLE: Final = "*Others, for the crews that you operate*"
USAGE: Final = (
    f"`{COMMAND} stats` knows the spans {', '.join(f'`{days}d`' for days in SPANS[:-1])} and"
    f" `{SPANS[-1]}d`, and one crew: `{COMMAND} stats research 7d`."
)
NOTHING_READABLE: Final = "There is no crew whose reviews you may read."


def legend(stats: Stats) -> str:
    """The meaning of the brackets, and of the times."""
    before = f"the {stats.days} days before"
    brackets = f"In brackets: {before}." if stats.team.before.decided else f"{_NOTHING} {before}."
    return f"{brackets} Times are working hours where a rule has them."


_NOTHING: Final = "Nothing was decided in"


def headline(stats: Stats) -> str:
    """The span, and the crews."""
    names = [shared.crew(one.crew) for one in stats.crews]
    if len(names) > _NAMED:
        names = [shared.counted(len(names), "crew")]
    return shared.joined(f"*The last {stats.days} days*", shared.in_words(names))


def span(stats: Stats) -> str:
    """The span's name in a chart."""
    return f"Last {stats.days} days"


def posted_by(who: Person) -> str:
    """Name the person who shows the numbers to a channel."""
    return f"Posted by {shared.person(who)}"


def plain_headline(stats: Stats) -> str:
    """The same for a notification, with the number that counts most."""
    decided = shared.counted(stats.team.now.decided, "decision")
    return f"The last {stats.days} days: {decided}"


_OBSERVATIONS: Final[Mapping[Kind, str]] = {
    Kind.WAITS_LONG: (
        "{crew} has {part:,} waiting, the oldest for {took}: `{command} pending` shows which."
    ),
    Kind.SLOWER: (
        "{crew}'s reviews wait {median} at the median, {before} in the {days} days before: name"
        " more reviewers, or let its rule remind them."
    ),
    Kind.HASTY: (
        "{part:,} of {crew}'s {whole:,} approvals came too fast to have been read: ask for"
        " two approvals, or for shorter outputs."
    ),
    Kind.OFF_TARGET: (
        "{percent} % of {crew}'s {whole:,} decisions that have a target were within it: let the"
        " rule escalate earlier, or set a target that holds."
    ),
    Kind.BY_RULES: (
        "A rule decided {part:,} of {crew}'s {whole:,} reviews, as nobody did in time: remind"
        " earlier, or name more reviewers."
    ),
    Kind.FEW_PEOPLE: (
        "{percent} % of {crew}'s reviews are decided by {people}: share them out before somebody"
        " is away."
    ),
    Kind.SENT_BACK: (
        "{percent} % of {crew}'s first outputs are sent back: say in its task what reviewers ask"
        " for again and again."
    ),
}


def observation(seen: Observation, days: int) -> str:
    """What stands out, and what to do about it."""
    return _OBSERVATIONS[seen.kind].format(
        crew=shared.crew(seen.crew),
        part=seen.share.part,
        whole=seen.share.whole,
        percent=seen.share.percent,
        took=duration(seen.took),
        median=_time(seen.took),
        before=_time(seen.before),
        people="1 person" if seen.people == 1 else f"{seen.people} people",
        days=days,
        command=COMMAND,
    )


def numbers(both: Compared, waiting: Waiting | None, now: datetime) -> Iterator[str]:
    """A line for each number that there is, beside the one before if anything was decided then."""
    new, before = both.now, both.before
    parts = (
        ("approved", new.approved, before.approved),
        ("sent back", new.revised, before.revised),
    )
    how = ", ".join(f"{count:,} {name}{_was(both, f'{was:,}')}" for name, count, was in parts)
    decided = f"*{new.decided:,} decided*{_was(both, f'{before.decided:,}')}"
    yield f"{decided}: {how}" if new.decided or before.decided else decided
    if new.at_once.whole:
        yield f"*Approved at once* {_share(new.at_once)}{_was(both, _share(before.at_once))}"
    if new.rounds is not None:
        yield f"*Rounds until approved* {new.rounds:.1f}{_was(both, _rounds(before))}"
    if new.median is not None:
        yield f"{shared.capital(_times(new))}{_was(both, _times(before))}"
    if new.on_target.whole:
        yield f"*Within target* {_share(new.on_target)}{_was(both, _share(before.on_target))}"
    if new.hasty.part or before.hasty.part:
        approvals = shared.counted(new.hasty.whole, "approval")
        hasty = f"*{new.hasty.part:,} of {approvals}* came too fast to have been read"
        yield f"{hasty}{_was(both, f'{before.hasty.part:,}')}"
    if new.by_rule or before.by_rule:
        was = _was(both, f"{before.by_rule:,}")
        yield f"*Decided by a rule, as nobody did in time* {new.by_rule:,}{was}"
    if new.made_in is not None:
        was = _was(both, _time(before.made_in))
        yield f"*Crews answer a revision in* {_time(new.made_in)}{was}"
    if waiting is not None:
        yield f"{_waiting(waiting, now)}: `{COMMAND} pending`"


def _was(both: Compared, number: str) -> str:
    return f" ({number})" if both.before.decided else ""


def of_crew(one: CrewStats, now: datetime) -> str:
    """One crew in a line."""
    new, before = one.figures.now, one.figures.before
    return shared.joined(
        f"{shared.bold(shared.crew(one.crew))} {new.decided:,} decided"
        f"{_was(one.figures, f'{before.decided:,}')}",
        f"{_half(new)}{_was(one.figures, _time(before.median))}" if new.median is not None else "",
        _waiting(one.waiting, now) if one.waiting else "",
    )


def mine(both: Compared) -> str:
    """The person's own numbers in a line."""
    return f"*You* {_person(both.now)} (before: {_person(both.before)})"


def of_person(user: str, found: Figures) -> str:
    """Somebody's numbers in a line. A message for one person alone calls nobody else."""
    return f"{shared.person(Person(user, ''))}: {_person(found)}"


def _person(found: Figures) -> str:
    return shared.joined(
        f"{found.decided:,} decided",
        f"{found.at_once.percent} % approved at once" if found.at_once.whole else "",
        _half(found) if found.median is not None else "",
    )


def _waiting(waiting: Waiting, now: datetime) -> str:
    wait = "waits" if waiting.count == 1 else "wait"
    return f"{waiting.count:,} {wait}, the oldest since {moment(waiting.since, now)}"


def _times(found: Figures) -> str:
    if found.median is None:
        return "none"
    return f"{_half(found)}, nine of ten up to {_time(found.most)}"


def _half(found: Figures) -> str:
    return f"half took up to {_time(found.median)}"


def _time(length: timedelta | None) -> str:
    """Hours at most: a day of working hours has fewer than 24."""
    if length is None:
        return "none"
    return f"{length // _HOUR:,} h" if length >= _DAY else duration(max(length, _MINUTE))


def _rounds(found: Figures) -> str:
    return "none" if found.rounds is None else f"{found.rounds:.1f}"


def _share(share: Share) -> str:
    return f"{share.percent} % of {share.whole:,}" if share.whole else "none"
