"""`/crew stats`: numbers about reviews, counted, posted, and as CSV."""

import csv
from collections.abc import AsyncIterable, Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.csv_cells import csv_cell
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.stats import (
    AFTER,
    SPANS,
    Compared,
    CrewStats,
    Decided,
    Figures,
    Kind,
    Observation,
    Sampled,
    Share,
    Stats,
    Waiting,
)
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block, Message
from crewgate.slack.blockkit.text import escape_mrkdwn, plain
from crewgate.slack.client.posting import upload_private
from crewgate.slack.client.replies import Respond, send_ephemeral
from crewgate.slack.client.web_api import CallFailed
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors
from crewgate.slack.ids import COMMAND
from crewgate.slack.payloads import Command
from crewgate.slack.press import parse_press
from crewgate.slack.words import names
from crewgate.slack.words.names import duration, moment
from crewgate.usecases.stats import decisions, stats

log = structlog.get_logger(__name__)


async def write_csv(found: AsyncIterable[Decided], file: IO[bytes]) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text)
    table.writerow(field.name for field in fields(Decided))
    async for one in found:
        table.writerow(map(csv_cell, astuple(one)))
    text.detach()


_NAMED: Final = 3
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
USAGE: Final = (
    f"`{COMMAND} stats` knows the spans {', '.join(f'`{days}d`' for days in SPANS[:-1])} and"
    f" `{SPANS[-1]}d`, and one crew: `{COMMAND} stats research 7d`."
)
NOTHING_READABLE: Final = "There is no crew whose reviews you may read."


def headline(stats: Stats) -> str:
    crews = [names.crew(one.crew) for one in stats.crews]
    if len(crews) > _NAMED:
        crews = [names.counted(len(crews), "crew")]
    return names.joined(f"*The last {stats.days} days*", names.in_words(crews))


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
    return _OBSERVATIONS[seen.kind].format(
        crew=names.crew(seen.crew),
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
    new, before = both.now, both.before
    parts = (
        ("approved", new.approved, before.approved),
        ("sent back", new.revised, before.revised),
    )
    how = ", ".join(f"{count:,} {name}{_before(both, f'{was:,}')}" for name, count, was in parts)
    decided = f"*{new.decided:,} decided*{_before(both, f'{before.decided:,}')}"
    yield f"{decided}: {how}" if new.decided or before.decided else decided
    if new.at_once.whole:
        yield f"*Approved at once* {_share(new.at_once)}{_before(both, _share(before.at_once))}"
    if new.rounds is not None:
        was = "none" if before.rounds is None else f"{before.rounds:.1f}"
        yield f"*Rounds until approved* {new.rounds:.1f}{_before(both, was)}"
    if new.median is not None:
        yield f"{names.capital(_times(new))}{_before(both, _times(before))}"
    if new.on_target.whole:
        yield f"*Within target* {_share(new.on_target)}{_before(both, _share(before.on_target))}"
    if new.hasty.part or before.hasty.part:
        approvals = names.counted(new.hasty.whole, "approval")
        hasty = f"*{new.hasty.part:,} of {approvals}* came too fast to have been read"
        yield f"{hasty}{_before(both, f'{before.hasty.part:,}')}"
    if new.by_rule or before.by_rule:
        was = _before(both, f"{before.by_rule:,}")
        yield f"*Decided by a rule, as nobody did in time* {new.by_rule:,}{was}"
    if new.acts_allowed or new.acts_refused:
        yield f"*Calls of tools* {new.acts_allowed:,} allowed, {new.acts_refused:,} refused"
    if new.made_in is not None:
        was = _before(both, _time(before.made_in))
        yield f"*Crews answer a revision in* {_time(new.made_in)}{was}"
    if waiting is not None:
        yield f"{_waiting(waiting, now)}: `{COMMAND} pending`"


def sampled(found: Sampled) -> str:
    back, others = found.sent_back.part, found.sent_back.whole
    read = f"of {found.rounds:,} you would have read {found.read:,}"
    were = f"{back:,} of the {others:,} others {'was' if back == 1 else 'were'} sent back"
    return f"{read}; {were}: at most {found.at_most} in 100 (95 %)" if others else read


def _before(both: Compared, number: str) -> str:
    return f" ({number})" if both.before.decided else ""


def of_crew(one: CrewStats, now: datetime) -> str:
    new, before = one.figures.now, one.figures.before
    return names.joined(
        f"{names.bold(names.crew(one.crew))} {new.decided:,} decided"
        f"{_before(one.figures, f'{before.decided:,}')}",
        f"{_median_line(new)}{_before(one.figures, _time(before.median))}"
        if new.median is not None
        else "",
        _waiting(one.waiting, now) if one.waiting else "",
    )


def _person(found: Figures) -> str:
    return names.joined(
        f"{found.decided:,} decided",
        f"{found.at_once.percent} % approved at once" if found.at_once.whole else "",
        _median_line(found) if found.median is not None else "",
    )


def _waiting(waiting: Waiting, now: datetime) -> str:
    wait = "waits" if waiting.count == 1 else "wait"
    return f"{waiting.count:,} {wait}, the oldest since {moment(waiting.since, now)}"


def _times(found: Figures) -> str:
    if found.median is None:
        return "none"
    return f"{_median_line(found)}, nine of ten up to {_time(found.most)}"


def _median_line(found: Figures) -> str:
    return f"half took up to {_time(found.median)}"


def _time(length: timedelta | None) -> str:
    """Return a time in minutes or hours, never days: a day of working hours has fewer than 24."""
    if length is None:
        return "none"
    return f"{length // _HOUR:,} h" if length >= _DAY else duration(max(length, _MINUTE))


def _share(share: Share) -> str:
    return f"{share.percent} % of {share.whole:,}" if share.whole else "none"


#: The characters for the list of crews, and as many again for the list of people.
_LIST_BUDGET: Final = 2_500
#: The most bars of a chart that is drawn with characters: more would not fit on a phone's screen.
_BARS: Final = 10
_CELLS: Final = 10


def render_stats(stats: Stats, *, asked: str, now: datetime, charts: bool) -> Message:
    """Render the numbers that a person may see; `asked` is the buttons' value."""
    if not stats.crews:
        return Message(NOTHING_READABLE, [])
    # Mentions are safe here: only one person sees this message, so Slack notifies nobody else.
    people = [f"{names.person(Person(user, ''))}: {_person(one)}" for user, one in stats.people]
    if people:
        people = ["*Others, for the crews that you operate*", *people]
    if (mine := stats.mine) is not None:
        people = [f"*You* {_person(mine.now)} (before: {_person(mine.before)})", *people]
    post = blocks.button("Post to channel", action_id=ids.POST_STATS, value=asked)
    file = blocks.button("CSV", action_id=ids.STATS_CSV, value=asked)
    return _render(stats, people, [blocks.actions(post, file)], now=now, charts=charts)


def render_posted(stats: Stats, by: Person | None, *, now: datetime, charts: bool) -> Message:
    end = [blocks.context(f"Posted by {names.person(by)}")] if by else []
    return _render(stats, [], end, now=now, charts=charts)


def _render(
    stats: Stats, people: Sequence[str], end: Sequence[Block], *, now: datetime, charts: bool
) -> Message:
    seen = [f"• {observation(one, stats.days)}" for one in stats.observations]
    shown = [blocks.section("\n".join((headline(stats), *seen)))]
    lines = [*numbers(stats.team, stats.waiting, now)]
    if stats.sampled is not None:
        lines.append(f"*Reading every fifth* after {AFTER} of a task: {sampled(stats.sampled)}")
    shown.append(blocks.section("\n".join(lines)))
    if len(stats.crews) > 1:
        shown += _list([of_crew(one, now) for one in stats.crews])
    shown += _list(people)
    if stats.team.now.decided or stats.team.before.decided:
        span = f"Last {stats.days} days"
        shown += [one.native(span) if charts else one.bars() for one in _charts(stats)]
    says = "In brackets:" if stats.team.before.decided else "Nothing was decided in"
    known = f"{says} the {stats.days} days before"
    legend = blocks.context(f"{known}. Times are working hours where a rule has them.")
    decided = names.counted(stats.team.now.decided, "decision")
    return Message(f"The last {stats.days} days: {decided}", [*shown, legend, *end])


def _list(lines: Sequence[str]) -> list[Block]:
    listed, shown = blocks.sections(lines, budget=_LIST_BUDGET)
    left = len(lines) - shown
    return blocks.present(*listed, blocks.context(names.more(left)) if left else None)


_Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class _Chart:
    """Bars of this span and the span before; the message says each number in words, too."""

    title: str
    labels: Sequence[str]
    now: _Values
    before: _Values

    def native(self, span: str) -> Block:
        """Return Slack's own chart, without labels and spans that have no number."""
        shown = [at for at, one in enumerate(self.now) if one is not None]
        before = [self.before[at] for at in shown]
        series = {span: [self.now[at] for at in shown], "Before": before}
        if None in before:
            del series["Before"]
        numbers = {name: [one or 0 for one in values] for name, values in series.items()}
        return blocks.bar_chart(self.title, [self.labels[at] for at in shown], numbers)

    def bars(self) -> Block:
        most = max(one or 0 for one in (*self.now, *self.before, 1))
        lines = [
            f"{('▓' * round(_CELLS * now / most)).ljust(_CELLS, '░')}"
            f" {escape_mrkdwn(label, 3 * blocks.CHART_LABEL_LIMIT)} {now:g}"
            f"{'' if before is None else f' ({before:g})'}"
            for label, now, before in zip(self.labels, self.now, self.before, strict=True)
            if now is not None
        ]
        return blocks.section("\n".join((f"*{self.title}*", *lines[:_BARS])))


def _charts(stats: Stats) -> Iterator[_Chart]:
    both = [one.figures for one in stats.crews] if len(stats.crews) > 1 else [stats.team]
    now, before = [one.now for one in both], [one.before for one in both]
    if len(both) > 1:
        labels: Sequence[str] = _labels([one.crew for one in stats.crews])
        decided = [[float(one.decided) for one in span] for span in (now, before)]
        times = [[one.median for one in span] for span in (now, before)]
        title = "{unit} until half were decided"
        yield _Chart("Decided", labels, *decided)
    else:
        labels, title = ("Half within", "Nine of ten within"), "{unit} to decision"
        outcomes = ((one.approved, one.revised, one.by_rule) for one in (*now, *before))
        yield _Chart("Decided", ("Approved", "Sent back", "By a rule"), *outcomes)
        times = [[one.median, one.most] for one in (*now, *before)]
    found = [one for span in times for one in span if one is not None]
    if any(one is not None for one in times[0]):
        in_hours = max(found) >= _HOURS_FROM
        unit, name = (_HOUR, "Hours") if in_hours else (_MINUTE, "Minutes")
        values = [[None if one is None else round(one / unit, 1) for one in span] for span in times]
        yield _Chart(title.format(unit=name), labels, *values)


#: A chart with a time of this length or more is in hours, any other chart in minutes.
_HOURS_FROM: Final = 2 * _HOUR


def _labels(names: Sequence[str]) -> list[str]:
    cut = [plain(name, blocks.CHART_LABEL_LIMIT) for name in names]
    return [
        f"{plain(one, blocks.CHART_LABEL_LIMIT - 4)} {number}" if cut.count(one) > 1 else one
        for number, one in enumerate(cut, start=1)
    ]


_SPANS: Final = {f"{days}d": days for days in SPANS}
_USUAL: Final = 30


def register(app: AsyncApp, context: SlackContext) -> None:
    app.action(ids.POST_STATS)(partial(on_post, context=context))
    app.action(ids.STATS_CSV)(partial(on_csv, context=context))


async def on_stats_command(asked: Command, respond: Respond, *, context: SlackContext) -> None:
    """Answer `[crew] [7d|30d|90d]`, in either order."""
    words = asked.arguments[1:]
    spans = [word for word in words if word in _SPANS]
    crews = [word for word in words if word not in _SPANS]
    unknown_spans = [one for one in crews if one[:-1].isdigit() and one not in context.crews]
    if len(spans) > 1 or len(crews) > 1 or unknown_spans:
        await send_ephemeral(respond, USAGE)
        return
    days, crew = _SPANS[spans[0]] if spans else _USUAL, crews[0] if crews else None
    value = " ".join((str(days), *crews))
    found = await stats(asked.by.id, crew=crew, days=days, context=context)
    await _send(respond, partial(render_stats, found, asked=value, now=context.clock()))


async def on_post(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    await ack()
    press = parse_press(body)
    days, crew = _asked(press.value)
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=press.by):
        found = await stats(press.by.id, crew=crew, days=days, context=context)
        if not found.crews:  # the person may have lost the right to read since the button was shown
            await send_ephemeral(respond, NOTHING_READABLE)
            return
        await _send(
            respond, partial(render_posted, found, press.by, now=context.clock()), to_all=True
        )


async def on_csv(ack: AsyncAck, body: Body, respond: Respond, *, context: SlackContext) -> None:
    await ack()
    press = parse_press(body)
    days, crew = _asked(press.value)
    name = "-".join(("crewgate", *filter(None, (crew,)), f"{days}d.csv"))
    async with explain_errors(partial(send_ephemeral, respond), context=context, by=press.by):
        found = decisions(press.by.id, crew=crew, days=days, context=context)
        try:
            with TemporaryFile() as file:
                await write_csv(found, file)
                await upload_private(context.identity.client, press.by.id, file, name=name)
        except CallFailed as error:
            reply = "Slack did not take the file. Press the button again in a minute."
            if isinstance(error.failure, Refused) and error.failure.kind is RefusalKind.OFF:
                lacks = error.failure.words
                reply = f"I cannot send you a file: this app was installed without `{lacks}`."
        except OSError as error:
            log.warning("csv_not_made", why=error.strerror)
            reply = "The file could not be made: the bot's log says why (`csv_not_made`)."
        else:
            reply = "I have sent you the file in a private message."
        await send_ephemeral(respond, reply)


def _asked(value: str) -> tuple[int, str | None]:
    days, _, crew = value.partition(" ")
    return int(days), crew or None


async def _send(respond: Respond, render: Callable[..., Message], *, to_all: bool = False) -> None:
    if not await send_ephemeral(respond, render(charts=True), to_all=to_all):
        await send_ephemeral(respond, render(charts=False), to_all=to_all)
