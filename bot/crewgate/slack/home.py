"""Home, a reviewer's queue: opened, its pages turned, and kept up to date while it is open."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain import caveats, errors, outcome, review
from crewgate.domain.crew import Crew
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import Respond
from crewgate.slack.client.web_api import CallFailed, call, text_at
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.payloads import parse_home_opened
from crewgate.slack.press import Press, parse_press
from crewgate.slack.reviews import buttons, output
from crewgate.slack.reviews.people import People
from crewgate.slack.reviews.replies import Reply
from crewgate.slack.words import cards, names, states
from crewgate.slack.words.names import Deciders, Link, Run, Why, duration
from crewgate.usecases.ports.base import Wakeup
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import Approvers, Queue, QueuePart, RoundLine

log = structlog.get_logger(__name__)


class Part(StrEnum):
    """The parts of Home, in order."""

    STUCK = "stuck"
    NOBODY = "nobody"
    MINE = "mine"
    OTHERS = "others"
    DECIDED = "decided"


_OVER: Final = "over"
"""Replaces the share in the block id of a round that is over: its row can only be read."""
_NOT_KNOWN: Final = caveats.Share(0, 1)
"""The share for a row from an earlier version, which names none; it counts as a partial view."""


@dataclass(frozen=True, slots=True)
class Row:
    """A round's place in Home; an `over` row can only be read, and stays until a reordering."""

    part: Part
    round_id: str
    over: bool


def part_of(found: Queue, part: Part) -> QueuePart:
    return {
        Part.MINE: found.mine,
        Part.STUCK: found.stuck,
        Part.NOBODY: found.nobody,
        Part.OTHERS: found.others,
        Part.DECIDED: found.decided,
    }[part]


def lines_of(found: Queue) -> Mapping[str, RoundLine]:
    lines = {line.round.id: line for line in found.kept}
    for part in Part:
        lines |= {line.round.id: line for line in part_of(found, part).lines}
    return lines


def in_order(found: Queue) -> tuple[Row, ...]:
    return tuple(
        Row(part, line.round.id, _is_over(part, line, found))
        for part in Part
        for line in part_of(found, part).lines
    )


def in_place(rows: tuple[Row, ...], found: Queue) -> tuple[Row, ...]:
    """Return a page's rows in their shown places. A row that was over stays so."""
    lines = lines_of(found)
    return tuple(
        Row(row.part, row.round_id, row.over or _is_over(row.part, lines.get(row.round_id), found))
        for row in rows
    )


def count_new(rows: tuple[Row, ...], found: Queue) -> int:
    fresh = (row for row in in_order(found) if row.part is not Part.DECIDED)
    # A round that this person approved moves from MINE to OTHERS, which is no news to the person.
    approved = {Row(Part.OTHERS, row.round_id, over=True) for row in rows if row.part is Part.MINE}
    return sum(row not in rows and row not in approved for row in fresh)


def _is_over(part: Part, line: RoundLine | None, found: Queue) -> bool:
    if line is None:
        return True
    may_decide = line.key in found.reviewed
    match part, line.round.state:
        case ((Part.MINE | Part.NOBODY), review.State.WAITING):
            return not may_decide
        case Part.STUCK, review.State.STUCK:
            return not may_decide and line.round.review.crew not in found.operated
        case _:
            return True


def block_id(row: Row, share: caveats.Share) -> str:
    name = f"{row.part}.{row.round_id}"
    return f"{name}.{_OVER}" if row.over else blocks.with_share(name, share)


def share_beside(block: str) -> caveats.Share:
    return blocks.parse_share(block) or _NOT_KNOWN


def rows_of(block_ids: tuple[str, ...]) -> tuple[Row, ...]:
    found = []
    for name in block_ids:
        part, _, rest = name.partition(".")
        round_id, _, shows = rest.rpartition(".")
        if part in set(Part) and round_id:
            found.append(Row(Part(part), round_id, shows == _OVER))
    return tuple(found)


_TITLES: Final = {
    Part.STUCK: "Not delivered",
    Part.NOBODY: "Stuck: nobody may approve",
    Part.MINE: "Waiting for you",
    Part.OTHERS: "Waiting for others",
    Part.DECIDED: "Decided in the last 24 hours",
}


def render_home(
    found: Queue,
    rows: tuple[Row, ...],
    *,
    now: datetime,
    link: Link,
    deciders: Deciders,
    user: str = "",
    why: Why = lambda _: (),
    run: Run = lambda _: "",
) -> Block:
    """Render these rows of the queue as this user's Home.

    No height changes above the rows, and a row's height depends on its text alone. Buttons for
    pages stand above, so that no row moves under the pointer.
    """
    lines = lines_of(found)
    shown = [blocks.actions(*_page_buttons(found, count_new(rows, found)))]
    if any(row.round_id not in lines for row in rows):
        # The person may no longer read one of the rows. Without that row those below would move
        # under the pointer, so a sentence replaces all rows.
        shown.append(blocks.section("What you may read has changed. Press *Refresh*."))
        rows = ()
    else:
        shown.append(blocks.section(_summary(found, {row.part for row in rows})))
    for part in Part:
        of_part = [row for row in rows if row.part is part]
        if of_part:
            shown.append(blocks.header(_heading(part, found)))
        for row in of_part:
            line = lines[row.round_id]
            preview, share = output.preview(line)
            told = _told(line, row, now=now, deciders=deciders, user=user, why=why, run=run)
            shown += [
                blocks.divider(),
                blocks.section(f"{states.headline_in_list(line, link)}\n{told}"),
            ]
            if row.part not in {Part.STUCK, Part.DECIDED}:
                shown.append(preview)
            about = names.spoken(line.round, line.topic, line.excerpt)
            asks = line.circumstances.asks(user, now, caveats.Seen(share=share))
            pressed = blocks.said_of(blocks.actions(*_buttons(line, row, user, asks=asks)), about)
            shown.append(pressed | {"block_id": block_id(row, share)})
    return {"type": "home", "private_metadata": str(found.page), "blocks": shown}


def _page_buttons(found: Queue, new: int) -> Iterator[Block]:
    page = str(found.page)
    if found.mine.total:
        yield buttons.START.on(page)
    refresh = f"Refresh · {new:,} more" if new else "Refresh"
    yield blocks.button(refresh, action_id=ids.HOME_REFRESH, value=page)
    if found.page > 0:
        yield blocks.button(names.PREVIOUS, action_id=ids.HOME_PREVIOUS, value=page)
    if found.page + 1 < found.pages:
        yield blocks.button(names.NEXT, action_id=ids.HOME_NEXT, value=page)


def _summary(found: Queue, on_page: Collection[Part]) -> str:
    needed = [part for part in Part if part is not Part.DECIDED and part_of(found, part).total]
    if not needed:
        return ":tada: *Nothing waits.* When a crew pauses, its output shows up here."
    if found.pages == 1:
        return "The oldest come first. What changes stays in its place until *Refresh*."
    elsewhere = (_heading(part, found) for part in needed if part not in on_page)
    return names.joined(names.page_of(found.page, found.pages), *elsewhere)


def _heading(part: Part, found: Queue) -> str:
    return f"{_TITLES[part]}: {names.total(part_of(found, part).total)}"


def _told(
    line: RoundLine, row: Row, *, now: datetime, deciders: Deciders, user: str, why: Why, run: Run
) -> str:
    round_ = line.round
    state = states.in_list(round_, now)
    if round_.state is review.State.WAITING:
        named = "" if row.part is Part.MINE else deciders(round_)
        whom = f"for {named} " if named else ""
        state = f"waiting {whom}for {duration(now - round_.opened_at)}"
    # The state stands in one line with the crew and the round, so that a row whose state changes
    # stays about as high as before.
    about = names.crew(round_.review.crew), names.numbered(round_), state
    known = [
        *about,
        names.run(run(round_.review)),
        *states.claim_and_notes(line, now=now, user=user),
    ]
    if round_.state is review.State.WAITING and row.part in {Part.MINE, Part.NOBODY}:
        known += [cards.not_their_own(line), cards.nobody_there(line)]
        # Approve lets a call run, so the row of a call says what its buttons do.
        if round_.subject.is_act and not _approvers(line, row).bar(user):
            known.append(cards.what_buttons_do(round_))
    if row.part is Part.MINE:
        known += why(round_)
    return names.joined(*known)


def _approvers(line: RoundLine, row: Row) -> Approvers:
    return replace(line.approvers or Approvers(), too_few=row.part is Part.NOBODY)


def _buttons(line: RoundLine, row: Row, user: str, *, asks: bool) -> Iterator[Block]:
    """Yield a row's buttons; optional buttons come last, so that the others keep their places."""
    round_ = line.round
    if row.part in {Part.MINE, Part.NOBODY} and not row.over:
        approvers = _approvers(line, row)
        yield from buttons.decide_buttons(round_, reader=user, approvers=approvers, asks=asks)
    if row.part is Part.STUCK and not row.over:
        yield from buttons.stuck_buttons(round_)
    yield buttons.READ.on(round_.id)
    if round_.state is review.State.WAITING:
        yield from buttons.last_buttons(round_, reader=user)


#: The time that Home counts as open: Slack does not tell when somebody closes it.
OPEN: Final = timedelta(hours=1)
#: The seconds after which Home is refreshed without news, because the ages that it shows grow.
RENEW_SECONDS: Final = 60
#: The least seconds between two refreshes, unless somebody opens Home: several changes within them
#: cost one refresh only, so Slack's rate is kept.
PAUSE_SECONDS: Final = 0.2
#: The most people whose open Home is refreshed, the latest to open it; others have to open it anew.
READERS: Final = 100
_CHANGED_BY_ANOTHER: Final = "hash_conflict"
"""Slack's code for a view that has changed since the caller saw it."""


@dataclass
class Reader:
    """A person with an open Home, and what Slack shows there."""

    page: int
    opened_at: datetime
    rows: tuple[Row, ...]
    """The rows that Slack shows, in their places; empty if the page is to be ordered anew."""
    _: KW_ONLY
    shown: str = ""
    hash: str = ""
    crews: frozenset[str] = frozenset()
    """The crews whose rounds can be in the queue."""
    read_at: datetime | None = None

    def has_news(self, changed: Collection[str], crews: Mapping[str, Crew], now: datetime) -> bool:
        """Return True if the queue may have changed with these crews, or the shown ages are old."""
        if not self.shown or self.read_at is None:
            return True
        # A crew that `self.crews` lacks may name this reader only now, in a rule or a request.
        named = [crews[name] for name in changed if name in crews]
        may_name_others = any(crew.rules or not crew.reviewers for crew in named)
        is_old = now - self.read_at >= timedelta(seconds=RENEW_SECONDS)
        return is_old or may_name_others or not self.crews.isdisjoint(changed)


@dataclass
class HomeRefresher:
    """The people with an open Home, and the loop that updates it.

    If a person opens Home anew through another process, Slack refuses updates from here, and that
    process updates Home.
    """

    context: SlackContext
    readers: dict[str, Reader] = field(default_factory=dict)
    opened: Wakeup = field(default_factory=Wakeup)
    unserved: list[str] = field(default_factory=list)
    """The people who have just opened Home, or turned its page."""

    def open(self, user: str, page: int = 0) -> None:
        self._keep(user, Reader(page, self.context.clock(), ()))

    def open_again(self, user: str, page: int, rows: tuple[Row, ...]) -> None:
        """Continue with the rows that Slack shows, unless another page is being published."""
        reader = self.readers.get(user)
        if reader is None or reader.shown:
            reader = Reader(page, self.context.clock(), rows)
        self._keep(user, reader)

    async def run(self) -> None:
        while True:
            await self.context.saved.wait(RENEW_SECONDS)
            changed = self.context.saved.take()
            served = await self._serve()
            for user, reader in list(self.readers.items()):
                now = self.context.clock()
                if now - reader.opened_at > OPEN:
                    self.readers.pop(user, None)
                elif user not in served and reader.has_news(changed, self.context.crews, now):
                    await self._refresh(user, reader)
                    served |= await self._serve()
            await self.opened.wait(PAUSE_SECONDS)

    async def _serve(self) -> set[str]:
        """Show Home to the people who have just opened it; nobody else's Home is read before."""
        served = set()
        while self.unserved:
            user = self.unserved.pop(0)
            if user in self.readers and user not in served:
                served.add(user)
                await self._refresh(user, self.readers[user])
        return served

    def _keep(self, user: str, reader: Reader) -> None:
        self.unserved.append(user)
        self.readers.pop(user, None)
        self.readers[user] = reader
        while len(self.readers) > READERS:
            self.readers.pop(next(iter(self.readers)))
        self.opened.set()
        self.context.saved.set()

    async def _refresh(self, user: str, reader: Reader) -> None:
        context = self.context
        try:
            keep = [row.round_id for row in reader.rows]
            found = await queue(
                user, page=reader.page, keep=keep, context=context, recheck=not reader.shown
            )
            away = await context.stands_in_for(user)
            people = People(context.crews, context.directory, context.clock)
            found = await people.in_queue(found, user, away)
            reader.rows = in_place(reader.rows, found) or in_order(found)
            reader.crews, reader.read_at = found.crews, context.clock()
            view = await context.off_loop(
                render_home,
                found,
                reader.rows,
                now=context.clock(),
                link=context.identity.link,
                deciders=context.deciders,
                user=user,
                why=context.reasons(user, away),
                run=people.run_url,
            )
            if json.dumps(view) != reader.shown and self.readers.get(user) is reader:
                await self._publish(user, reader, view)
        except (CallFailed, errors.StoreUnavailable) as error:
            log.warning("home_not_shown", why=str(error))

    async def _publish(self, user: str, reader: Reader, view: Block) -> None:
        known = {"hash": reader.hash} if reader.hash else {}
        try:
            answer = await call(
                self.context.identity.client, "views.publish", user_id=user, view=view, **known
            )
        except CallFailed as error:
            if isinstance(error.failure, outcome.Unknown):
                reader.hash = ""  # Slack may have taken the view, so its present hash is not known
            if str(error) != _CHANGED_BY_ANOTHER:
                raise
            if self.readers.get(user) is reader:
                del self.readers[user]
            return
        reader.shown, reader.hash = json.dumps(view), ""
        reader.hash = text_at(answer, "view", "hash")


_PAGE: Final = re.compile("[0-9]{1,6}")
_STEPS: Final = {ids.HOME_REFRESH: 0, ids.HOME_NEXT: 1, ids.HOME_PREVIOUS: -1}


def register(app: AsyncApp, refresher: HomeRefresher) -> None:
    app.event("app_home_opened")(partial(on_home_opened, refresher=refresher))
    for turn in _STEPS:
        app.action(turn)(partial(on_page_turned, refresher=refresher))


async def on_home_opened(event: Body, *, refresher: HomeRefresher) -> None:
    """Show Home; rows with buttons keep their places, for Slack still shows the earlier page."""
    opened = parse_home_opened(event)
    if opened is None:
        return
    rows = rows_of(opened.view.rows)
    if all(row.over for row in rows):
        refresher.open(opened.user)
    else:
        refresher.open_again(opened.user, _page(opened.view.metadata), rows)


async def on_page_turned(ack: AsyncAck, body: Body, *, refresher: HomeRefresher) -> None:
    await ack()
    press = parse_press(body)
    refresher.open(press.by.id, max(0, _page(press.view.metadata) + _STEPS[press.action]))


def in_home(
    press: Press,
    ack: AsyncAck,
    respond: Respond,
    context: SlackContext,
    *,
    refresher: HomeRefresher,
) -> Reply:
    """Return the reply to a press in Home, which is kept up to date from now on."""
    if press.by.id not in refresher.readers:
        refresher.open_again(press.by.id, _page(press.view.metadata), rows_of(press.view.rows))
    seen = caveats.Seen(share=share_beside(press.block_id))
    return Reply(replace(press, seen=seen), ack, respond, context)


def _page(metadata: str) -> int:
    return int(metadata) if _PAGE.fullmatch(metadata) else 0
