"""Numbers about reviews as a message."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
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


def render_stats(stats: Stats, *, asked: str, charts: bool) -> Message:
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
    return _render(stats, [*own, *head, *people], [actions(post, file)], charts=charts)


def render_posted(stats: Stats, by: Person | None, *, charts: bool) -> Message:
    """The same for a channel: the team's numbers alone, and the person who shows them, if any."""
    return _render(stats, [], [context(strings.posted_by(by))] if by else [], charts=charts)


def _render(stats: Stats, people: Sequence[str], end: Sequence[Block], *, charts: bool) -> Message:
    seen = [f"• {strings.observation(one, stats.days)}" for one in stats.observations]
    blocks = [section("\n".join((strings.headline(stats), *seen)))]
    blocks.append(section("\n".join(strings.numbers(stats.team, stats.waiting))))
    if len(stats.crews) > 1:
        blocks += _list([*map(strings.of_crew, stats.crews)])
    blocks += _list(people)
    if stats.team.now.decided or stats.team.before.decided:
        span = strings.span(stats)
        blocks += [one.native(span) if charts else one.bars() for one in _charts(stats)]
    return Message(strings.plain_headline(stats), [*blocks, context(strings.LEGEND), *end])


def _list(lines: Sequence[str]) -> list[Block]:
    blocks, shown = sections(lines, budget=_LIST_BUDGET)
    left = len(lines) - shown
    return [*blocks, *([context(shared.more(left))] if left else [])]


@dataclass(frozen=True, slots=True)
class _Chart:
    """Bars of this span and of the one before; each figure stands in the text too."""

    title: str
    labels: Sequence[str]
    now: Sequence[float]
    before: Sequence[float]

    def native(self, span: str) -> Block:
        """Slack's own chart."""
        return bar_chart(self.title, self.labels, {span: self.now, strings.BEFORE: self.before})

    def bars(self) -> Block:
        """The same as text."""
        most = max(*self.now, *self.before, 1)
        figures = zip(self.labels, self.now, self.before, strict=True)
        lines = [
            f"{('▓' * round(_CELLS * now / most)).ljust(_CELLS, '░')}"
            f" {escape_mrkdwn(label, 3 * CHART_LABEL_LIMIT)} {now:g} ({before:g})"
            for label, now, before in figures
        ]
        return section("\n".join((f"*{self.title}*", *lines[:_BARS])))


def _charts(stats: Stats) -> Iterator[_Chart]:
    if len(stats.crews) > 1:
        names = _labels([one.crew for one in stats.crews])
        both = [one.figures for one in stats.crews]
        of_crews = ([one.now for one in both], [one.before for one in both])
        decided = ([one.decided for one in span] for span in of_crews)
        yield _Chart(strings.DECIDED, names, *decided)
        hours = ([_hours(one.median) for one in span] for span in of_crews)
        yield _Chart(strings.HOURS, names, *hours)
        return
    spans = (stats.team.now, stats.team.before)
    outcomes = ((one.approved, one.revised, one.by_rule) for one in spans)
    yield _Chart(strings.DECIDED, strings.OUTCOMES, *outcomes)
    times = ((_hours(one.median), _hours(one.most)) for one in spans)
    yield _Chart(strings.HOURS_TO_DECISION, strings.WITHIN, *times)


def _labels(names: Sequence[str]) -> list[str]:
    """Short names that differ."""
    cut = [plain(name, CHART_LABEL_LIMIT) for name in names]
    return [
        f"{plain(one, CHART_LABEL_LIMIT - 4)} {number}" if cut.count(one) > 1 else one
        for number, one in enumerate(cut, start=1)
    ]


def _hours(length: timedelta | None) -> float:
    return round((length or timedelta()) / timedelta(hours=1), 1)
