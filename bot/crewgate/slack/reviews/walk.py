"""The walk: what waits for one person, the oldest first, one after the other in one modal.

The modal's `private_metadata` has the walk behind what its page or form keeps there. A press is
answered by an update of that modal, and a form by its answer: a trigger would end after 3 s.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

from slack_bolt.async_app import AsyncAck
from typing_extensions import override

from crewgate.domain.caveats import Unseen, slipped
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import open_modal, update_modal
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import render_notice
from crewgate.slack.payloads import parse_asked, parse_person, raises_malformed
from crewgate.slack.press import Press, Reply, Where
from crewgate.slack.reviews import buttons, modals
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab, parse_position
from crewgate.slack.words import cards, decisions, names
from crewgate.usecases.waiting import left_for, next_for

OnSent: TypeAlias = Callable[..., Awaitable[None]]
ReadThread: TypeAlias = Callable[[str], Awaitable[None]]
"""Reads a round's thread for notes that Slack sent no event for."""
_CLOSED: Final = (
    "Slack had closed that window. What you decided is recorded; *Start* opens what still waits."
)


@dataclass(frozen=True, slots=True)
class Walk:
    """A person's place in their queue; `asked`: the walk asked about haste, which it does once."""

    number: int = 0
    total: int = 0
    asked: bool = False

    def behind(self, metadata: str) -> str:
        # The metadata is JSON in one line, so a line end separates the walk from it.
        return f"{metadata}\n{self.number} {self.total} {int(self.asked)}"


def parse_walk(metadata: str) -> tuple[str, Walk | None]:
    """Return the metadata of a page or form alone, and the walk behind it, if there is one."""
    own, _, place = metadata.partition("\n")
    found = re.match("([0-9]+) ([0-9]+) ([01])", place)
    if found is None:
        return metadata, None
    return own, Walk(int(found[1]), int(found[2]), found[3] == "1")


def in_walk(view: Block, walk: Walk, round_id: str, above: str = "") -> Block:
    """Return a page, form or notice with Skip or Next; `above` tells of the review before.

    A form leads back to its review. Its other button closes the window and so ends the walk.
    """
    shown = [*blocks.present(blocks.context(above) if above else None), *view["blocks"]]
    last = shown[-1]
    offered = {one.get("action_id"): one for one in last.get("elements", ())}
    ways = [buttons.SKIP.on(round_id)]
    if "submit" in view:
        ways = [buttons.READ.on(round_id, label="Back"), *ways]
        view = view | {"close": blocks.plain_text("Close", blocks.TITLE_LIMIT)}
    if offered.keys() & {buttons.REVISE.id, buttons.READ.id}:
        # Back shows what Read all would.
        stay = [one for name, one in offered.items() if len(ways) == 1 or name != buttons.READ.id]
        shown[-1] = last | {"elements": [*stay, *ways]}
    elif "submit" in view:
        shown.append(blocks.actions(*ways))
    else:
        shown.append(blocks.actions(buttons.SKIP.on(round_id, label="Next")))
    if view.get("callback_id") == ids.PAGES_MODAL:
        place = f"{walk.number:,} of {names.total(walk.total)}"
        view = view | {"title": blocks.plain_text(place, blocks.TITLE_LIMIT)}
    metadata = walk.behind(view.get("private_metadata", ""))
    return view | {"blocks": shown, "private_metadata": metadata}


def render_start(sentence: str, *, offers: bool = True) -> Block:
    offer = blocks.actions(buttons.START.on(ids.COMMAND)) if offers else None
    return blocks.modal("Waiting for you", blocks.present(blocks.section(sentence), offer))


async def go_on(
    walk: Walk, after: str, by: Person, show: modals.Show, context: SlackContext, above: str = ""
) -> None:
    """Show the next review, or the end. Raises as `show_page`."""
    found = await next_for(by.id, after=after, context=context)
    if found is None:
        left, reminder = await left_for(by.id, context=context)
        end = "That was all." if walk.number else "Nothing waits for you."
        if left:
            wait = "1 waits" if left == 1 else f"{names.total(left)} wait"
            end = f"That was the last. {wait} for you still, skipped or new."
        if reminder:
            end += f" The next reminder is {names.at_moment(reminder, context.clock())}."
        await show(render_start(end, offers=left > 0))
        return
    number = walk.number + 1
    walk = replace(walk, number=number, total=max(number, walk.total))

    async def show_in_walk(view: Block) -> object:
        return await show(in_walk(view, walk, found, above))

    position = ReaderPosition(round_id=found, tab=ReaderTab.WHOLE)
    await modals.show_page(position, by, None, show_in_walk, context)


async def go_on_decided(
    walk: Walk, round_id: str, by: Person, show: modals.Show, context: SlackContext
) -> None:
    """Show the next review, below a line about the decision on this one."""
    try:
        round_ = (await context.uow.read.posting(round_id)).view.round
        decision, what = round_.decision, cards.so_far(round_)
        if decision is not None:
            what = decisions.sentence(decision)
        above = names.joined(names.bold(names.task(round_)), what) if what else ""
        await go_on(walk, round_id, by, show, context, above)
    except StoreUnavailable:  # the decision is recorded, although the next review is not shown
        notice = render_notice(cards.RECORDED, title=names.RECORDED_TITLE)
        await show(in_walk(notice, walk, round_id))


@dataclass(frozen=True, slots=True)
class WalkReply(Reply):
    """Answers a press in the walk's modal; for a press elsewhere, opens the modal."""

    walk: Walk
    round_id: str

    @override
    async def show(self, view: Block, *, otherwise: str = "") -> bool:
        return await self.update(view)

    @override
    async def update(self, view: Block) -> bool:
        return await self._put(in_walk(view, self.walk, self.round_id))

    async def go_on(self, after: str, above: str = "") -> None:
        await self.ack()
        await go_on(self.walk, after, self.press.by, self._put, self.context, above)

    async def go_on_decided(self) -> None:
        await self.ack()
        await go_on_decided(self.walk, self.round_id, self.press.by, self._put, self.context)

    async def _put(self, view: Block) -> bool:
        if self.press.where is not Where.MODAL:
            return await Reply.show(self, view)
        client, around = self.context.identity.client, self.press.view
        failure = await update_modal(client, view, view_id=around.id, hash=around.hash)
        if failure == "not_found":
            await open_modal(client, self.press.trigger_id, render_start(_CLOSED))
        return not failure


def reply_in_walk(reply: Reply, walk: Walk, round_id: str) -> WalkReply:
    """Return the reply to a press of a walk; on a page it tells if the page was turned in haste."""
    press = reply.press
    position = parse_position(press.view.metadata)
    if position is not None:
        slip = slipped(position.share, position.began, reply.context.clock())
        asked = frozenset({Unseen.HASTE} if walk.asked and slip is None else ())
        seen = replace(press.seen, turned=slip, unseen=press.seen.unseen | asked)
        press = replace(press, seen=seen)
    return WalkReply(
        press=press,
        ack=reply.ack,
        respond=reply.respond,
        context=reply.context,
        walk=walk,
        round_id=round_id,
    )


async def start(press: Press, reply: Reply) -> None:
    await reply.ack()
    left, _ = await left_for(press.by.id, context=reply.context)
    await reply_in_walk(reply, Walk(total=left), "").go_on("")


async def skip(press: Press, reply: Reply) -> None:
    await reply.ack()
    if isinstance(reply, WalkReply):
        await reply.go_on(press.value)


def of_walks(on_sent: OnSent) -> OnSent:
    """Let a form sent in a walk lead on to the next review; other forms close."""

    async def on_sent_in_walk(
        ack: AsyncAck, body: Body, *, context: SlackContext, read_thread: ReadThread
    ) -> None:
        body, walk = _take_walk(body)
        if walk is None:
            await on_sent(ack, body, context=context, read_thread=read_thread)
            return
        round_id, _ = parse_asked(body["view"]["private_metadata"])
        by = parse_person(body["user"])

        async def show(view: Block) -> bool:
            await ack(response_action="update", view=view)
            return True

        async def answer(
            response_action: str, view: Block | None = None, errors: dict[str, str] | None = None
        ) -> None:
            if response_action == "clear":
                await go_on_decided(walk, round_id, by, show, context)
            elif view is not None:
                await show(in_walk(view, walk, round_id))
            else:
                await ack(response_action=response_action, errors=errors)

        answer_in_walk = cast("AsyncAck", answer)
        await on_sent(answer_in_walk, body, context=context, read_thread=read_thread)

    return on_sent_in_walk


@raises_malformed
def _take_walk(body: Body) -> tuple[Body, Walk | None]:
    view = body["view"]
    metadata, walk = parse_walk(str(view.get("private_metadata", "")))
    return body | {"view": view | {"private_metadata": metadata}}, walk
