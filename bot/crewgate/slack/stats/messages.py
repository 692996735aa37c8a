"""Numbers about reviews as a message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.stats import Stats
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import (
    CHART_LABEL_LIMIT,
    Block,
    Message,
    actions,
    bar_chart,
    button,
    context,
    section,
    sections,
)
from crewgate.slack.blockkit.text import escape_mrkdwn, plain
from crewgate.slack.stats import strings

#: What a list of crews, and one of people, may take.
_LIST_BUDGET: Final = 2_500
#: More bars of text would not fit on a phone.
_BARS: Final = 10
_CELLS: Final = 10


def render_stats(stats: Stats, *, asked: str, now: datetime, charts: bool) -> Message:
    """The numbers of a person's crews; their own, and those of the people whom they may see.

    Without `charts` there are bars of text. `asked` is the value of the buttons.
    """
    if not stats.crews:
        return Message(strings.NOTHING_READABLE, [])
    own = [strings.mine(stats.mine)] if stats.mine is not None else []
    people = [strings.of_person(*one) for one in stats.people]
    head = [strings.PEOPLE] if people else []
    post = button(strings.POST, action_id=ids.POST_STATS, value=asked)
    file = button(strings.CSV, action_id=ids.STATS_CSV, value=asked)
    end = [actions(post, file)]
    return _render(stats, [*own, *head, *people], end, now=now, charts=charts)


def render_posted(stats: Stats, by: Person | None, *, now: datetime, charts: bool) -> Message:
    """The same for a channel: the team's numbers alone, and the person who shows them, if any."""
    end = [context(strings.posted_by(by))] if by else []
    return _render(stats, [], end, now=now, charts=charts)


def _render(
    stats: Stats, people: Sequence[str], end: Sequence[Block], *, now: datetime, charts: bool
) -> Message:
    seen = [f"• {strings.observation(one, stats.days)}" for one in stats.observations]
    blocks = [section("\n".join((strings.headline(stats), *seen)))]
    blocks.append(section("\n".join(strings.numbers(stats.team, stats.waiting, now))))
    if len(stats.crews) > 1:
        blocks += _list([strings.of_crew(one, now) for one in stats.crews])
    blocks += _list(people)
    if stats.team.now.decided or stats.team.before.decided:
        span = strings.span(stats)
        blocks += [one.native(span) if charts else one.bars() for one in _charts(stats)]
    return Message(strings.plain_headline(stats), [*blocks, context(strings.legend(stats)), *end])


def _list(lines: Sequence[str]) -> list[Block]:
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    left = len(lines) - shown
    return [*blocks, *([context(shared.more(left))] if left else [])]


_Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class _Chart:
    """Bars of this span and of the one before; each figure stands in the text too."""

    title: str
    labels: Sequence[str]
    now: _Values
    before: _Values

    def native(self, span: str) -> Block:
        """Slack's own chart, without the labels and the span that have no number."""
        shown = [at for at, one in enumerate(self.now) if one is not None]
        before = [self.before[at] for at in shown]
        series = {span: [self.now[at] for at in shown], strings.BEFORE: before}
        if None in before:
            del series[strings.BEFORE]
        numbers = {name: [one or 0 for one in values] for name, values in series.items()}
        return bar_chart(self.title, [self.labels[at] for at in shown], numbers)

    def bars(self) -> Block:
        """The same as text."""
        most = max(one or 0 for one in (*self.now, *self.before, 1))
        figures = zip(self.labels, self.now, self.before, strict=True)
        lines = [
            f"{('▓' * round(_CELLS * now / most)).ljust(_CELLS, '░')}"
            f" {escape_mrkdwn(label, 3 * CHART_LABEL_LIMIT)} {now:g}"
            f"{'' if before is None else f' ({before:g})'}"
            for label, now, before in figures
            if now is not None
        ]
        return section("\n".join((f"*{self.title}*", *lines[:_BARS])))


def _charts(stats: Stats) -> Iterator[_Chart]:
    both = [one.figures for one in stats.crews] if len(stats.crews) > 1 else [stats.team]
    now, before = [one.now for one in both], [one.before for one in both]
    if len(both) > 1:
        labels: Sequence[str] = _labels([one.crew for one in stats.crews])
        decided = [[float(one.decided) for one in span] for span in (now, before)]
        times = [[one.median for one in span] for span in (now, before)]
        title = strings.UNTIL_HALF
        yield _Chart(strings.DECIDED, labels, *decided)
    else:
        labels, title = strings.WITHIN, strings.TO_DECISION
        outcomes = ((one.approved, one.revised, one.by_rule) for one in (*now, *before))
        yield _Chart(strings.DECIDED, strings.OUTCOMES, *outcomes)
        times = [[one.median, one.most] for one in (*now, *before)]
    found = [one for span in times for one in span if one is not None]
    if any(one is not None for one in times[0]):
        in_hours = max(found) >= _HOURS_FROM
        unit, name = (_HOUR, "Hours") if in_hours else (_MINUTE, "Minutes")
        values = [[None if one is None else round(one / unit, 1) for one in span] for span in times]
        yield _Chart(title.format(unit=name), labels, *values)


_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
#: A chart with a longer time than this is in hours.
_HOURS_FROM: Final = 2 * _HOUR


def _labels(names: Sequence[str]) -> list[str]:
    """Short names that differ."""
    cut = [plain(name, CHART_LABEL_LIMIT) for name in names]
    return [
        f"{plain(one, CHART_LABEL_LIMIT - 4)} {number}" if cut.count(one) > 1 else one
        for number, one in enumerate(cut, start=1)
    ]
