"""What the stats say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from crewgate.domain.stats import SPANS, Compared, CrewStats, Figures, Share, Stats, Waiting
from crewgate.domain.verdict import Person
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import date, duration
from crewgate.slack.ids import COMMAND

_NAMED: Final = 3
USAGE: Final = (
    f"`{COMMAND} stats` knows the spans {', '.join(f'`{days}d`' for days in SPANS[:-1])} and"
    f" `{SPANS[-1]}d`, and one crew: `{COMMAND} stats research 7d`."
)
NOTHING_READABLE: Final = "There is no crew whose reviews you may read."
LEGEND: Final = (
    "In brackets: the same span before. Times are working hours where a rule has them. Rates are of"
    " what people decided, not rules."
)


def headline(stats: Stats) -> str:
    """The span, and the crews."""
    names = [shared.crew(one.crew) for one in stats.crews]
    if len(names) > _NAMED:
        names = [shared.counted(len(names), "crew")]
    return shared.joined(f"*The last {stats.days} days*", shared.in_words(names))


def plain_headline(stats: Stats) -> str:
    """The same for a notification, with the number that counts most."""
    decided = shared.counted(stats.team.now.decided, "decision")
    return f"The last {stats.days} days: {decided}"


def numbers(both: Compared, waiting: Waiting | None) -> Iterator[str]:
    """A line for each number that there is."""
    now, before = both.now, both.before
    yield f"*Decided* {now.decided:,} ({before.decided:,})"
    if now.at_once.whole:
        yield f"*Approved at once* {_share(now.at_once)} ({_percent(before.at_once)})"
    if now.rounds is not None:
        yield f"*Rounds until approved* {now.rounds:.1f} ({_rounds(before)})"
    if now.median is not None and now.most is not None:
        yield f"*Time to decision* {_times(now)} ({_times(before)})"
    if now.on_target.whole:
        yield f"*Within target* {_share(now.on_target)} ({_percent(before.on_target)})"
    if now.hasty.part or before.hasty.part:
        approvals = shared.counted(now.hasty.whole, "approval")
        yield (
            f"*Faster than the text can be read* {now.hasty.part:,} of {approvals}"
            f" ({before.hasty.part:,})"
        )
    if now.by_rule or before.by_rule:
        yield f"*Decided by a rule, as nobody did in time* {now.by_rule:,} ({before.by_rule:,})"
    if now.made_in is not None:
        yield f"*Crews answer a revision in* {duration(now.made_in)} ({_time(before.made_in)})"
    if waiting is not None:
        yield f"*Waiting now* {_waiting(waiting)}"


def of_crew(one: CrewStats) -> str:
    """One crew in a line."""
    now, before = one.figures.now, one.figures.before
    return shared.joined(
        f"{shared.bold(shared.crew(one.crew))} {now.decided:,} decided ({before.decided:,})",
        f"half within {_time(now.median)} ({_time(before.median)})" if now.median else "",
        f"{one.waiting.count:,} wait" if one.waiting else "",
    )


def mine(both: Compared) -> str:
    """The person's own numbers in a line."""
    return f"*You* {_person(both.now)} (before: {_person(both.before)})"


def of_person(who: Person, found: Figures) -> str:
    """Somebody's numbers in a line, which calls nobody."""
    return f"{shared.CALLS_NOBODY.person(who)}: {_person(found)}"


def _person(found: Figures) -> str:
    return shared.joined(
        f"{found.decided:,} decided",
        f"{found.at_once.percent} % approved at once" if found.at_once.whole else "",
        f"half within {_time(found.median)}" if found.median is not None else "",
    )


def _waiting(waiting: Waiting) -> str:
    return f"{waiting.count:,}, the oldest since {date(waiting.since)}"


def _times(found: Figures) -> str:
    if found.median is None or found.most is None:
        return "none"
    return f"half within {duration(found.median)}, nine of ten within {duration(found.most)}"


def _time(length: timedelta | None) -> str:
    return "none" if length is None else duration(length)


def _rounds(found: Figures) -> str:
    return "none" if found.rounds is None else f"{found.rounds:.1f}"


def _share(share: Share) -> str:
    return f"{share.percent} % of {share.whole:,}"


def _percent(share: Share) -> str:
    return f"{share.percent} %" if share.whole else "none"
