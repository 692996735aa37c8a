"""The walk: what waits for one person, the oldest first, one after the other in one modal.

The modal's `private_metadata` has the walk behind what its page or form keeps there. A press is
answered by an update of that modal, and a form by its answer: a trigger would end after 3 s.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from slack_bolt.async_app import AsyncAck
from typing_extensions import override

from crewgate.domain.caveats import Caveats, Unseen, slipped
from crewgate.domain.errors import ApprovedBefore, NotWaiting, StoreUnavailable
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import Respond, open_modal, update_modal
from crewgate.slack.context import SlackContext
from crewgate.slack.errors import in_words, render_notice
from crewgate.slack.metadata import ReaderPosition, ReaderTab, Walk
from crewgate.slack.payloads import EditForm, Submission
from crewgate.slack.press import Press, Where
from crewgate.slack.reviews import buttons, modals
from crewgate.slack.reviews.replies import FormReply, ModalReply, ReadThread, Reply, seen_in_modal
from crewgate.slack.words import cards, decisions, names
from crewgate.usecases.waiting import left_for, next_for

_CLOSED: Final = (
    "Slack had closed that window. What you decided is recorded; *Start* opens what still waits."
)


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
    found = await next_for(by.id, after=after, since=walk.began, context=context)
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
class WalkReply(ModalReply):
    """Answers a press in the walk's modal, with the way on to the next review."""

    walk: Walk

    @override
    async def show(self, view: Block, *, otherwise: str = "") -> bool:
        return await self.update(view)

    @override
    async def update(self, view: Block) -> bool:
        return await _put(self, in_walk(view, self.walk, self.press.round_id))

    @override
    async def ask(self, caveats: Caveats) -> None:
        asked = self.walk.asked or Unseen.HASTE in caveats.unseen
        await ModalReply.ask(replace(self, walk=replace(self.walk, asked=asked)), caveats)

    @override
    async def decided(self, *, is_new: bool) -> None:
        await self.ack()
        show = partial(_put, self)
        await go_on_decided(self.walk, self.press.value, self.press.by, show, self.context)

    @override
    async def too_late(self, error: NotWaiting | ApprovedBefore) -> None:
        await self._go_on(self.press.round_id, in_words(error, self.context))

    @override
    async def skipped(self) -> None:
        await self._go_on(self.press.value)

    async def _go_on(self, after: str, above: str = "") -> None:
        await self.ack()
        await go_on(self.walk, after, self.press.by, partial(_put, self), self.context, above)


async def _put(reply: Reply, view: Block) -> bool:
    """Show a view in place of the press's modal, or of the one that Slack has closed."""
    identity, around = reply.context.identity, reply.press.view
    failure = await update_modal(identity, view, view_id=around.id, hash=around.hash)
    if failure == "not_found":
        await open_modal(identity, reply.press.trigger_id, render_start(_CLOSED))
    return not failure


def in_modal(
    press: Press, ack: AsyncAck, respond: Respond, context: SlackContext, *, read_thread: ReadThread
) -> Reply:
    """Return the reply to a press in a modal; a page of a walk tells if it was turned in haste."""
    seen, position, walk = seen_in_modal(press), press.view.position, press.view.walk
    if walk is None:
        return ModalReply(replace(press, seen=seen), ack, respond, context, read_thread)
    if position is not None:
        slip = slipped(position.share, position.began, context.clock())
        asked = frozenset({Unseen.HASTE} if walk.asked and slip is None else ())
        seen = replace(seen, turned=slip, unseen=seen.unseen | asked)
    return WalkReply(replace(press, seen=seen), ack, respond, context, read_thread, walk)


async def start(press: Press, reply: Reply) -> None:
    await reply.ack()
    left, _ = await left_for(press.by.id, context=reply.context)
    show = partial(_put, reply) if press.where is Where.MODAL else reply.show
    walk = Walk(total=left, began=reply.context.clock())
    await go_on(walk, "", press.by, show, reply.context)


async def skip(_: Press, reply: Reply) -> None:
    await reply.skipped()


@dataclass(frozen=True, slots=True)
class FormInWalk(FormReply):
    """Answers a form of a walk; once it has decided, the next review takes its place."""

    walk: Walk

    @override
    async def show(self, view: Block) -> bool:
        return await FormReply.show(self, in_walk(view, self.walk, self.sent.round_id))

    @override
    async def close(self) -> None:
        show = partial(FormReply.show, self)
        await go_on_decided(self.walk, self.sent.round_id, self.sent.by, show, self.context)


def reply_to_form(ack: AsyncAck, sent: Submission | EditForm, context: SlackContext) -> FormReply:
    if sent.walk is None:
        return FormReply(ack, sent, context)
    return FormInWalk(ack, sent, context, sent.walk)
