"""Replies to presses, by the surface of the button, and to the forms that people send.

A reply knows the answer to each outcome of a press: decided, too late, or to be confirmed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from slack_bolt.async_app import AsyncAck
from typing_extensions import override

from crewgate.domain import errors
from crewgate.domain.caveats import Caveats, Seen, seen_on_card
from crewgate.domain.verdict import Via
from crewgate.slack.blockkit.blocks import Block, parse_share
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral, update_modal
from crewgate.slack.context import SlackContext
from crewgate.slack.errors import explain_errors, render_notice
from crewgate.slack.metadata import parse_asked
from crewgate.slack.payloads import EditForm, Submission
from crewgate.slack.press import Press, Where
from crewgate.slack.reviews import modals
from crewgate.slack.words import cards, names


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers a press where it was pressed; this one on a message or in Home."""

    press: Press
    ack: AsyncAck
    respond: Respond
    context: SlackContext

    @asynccontextmanager
    async def explained(self) -> AsyncIterator[None]:
        """Catch a CrewgateError in the `with` body, and tell the presser its reason."""
        by, round_id = self.press.by, self.press.round_id
        say = partial(self.say, title=names.ERROR_TITLE)
        async with explain_errors(
            say, context=self.context, ack=self.ack, by=by, round_id=round_id
        ):
            try:
                yield
            except (errors.NotWaiting, errors.ApprovedBefore) as error:
                await self.too_late(error)

    @property
    def via(self) -> Via:
        """The way of a decision by this press."""
        return Via.BUTTON

    async def before_decision(self) -> None:
        """Read what the presser may not have seen yet; a message shows its thread itself."""

    async def ask(self, caveats: Caveats) -> None:
        """Ask about the caveats of an approval; nothing is decided."""
        form = await modals.confirmation(self.press, caveats, self.context)
        await self.ack()
        await self.show(form, otherwise=cards.CONFIRMATION_NOT_OPENED)

    async def decided(self, *, is_new: bool) -> None:
        """Acknowledge a recorded decision; without `is_new` the person made it before."""
        await self.done()
        if not is_new:
            await self.say(cards.RECORDED)

    async def done(self) -> None:
        """Acknowledge a press that changed something else."""
        await self.ack()

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[None]:
        """Tell that a press is recorded, if the `with` body cannot read what to show for it."""
        try:
            yield
        except errors.StoreUnavailable:
            await self.ack()
            await self.say(cards.RECORDED)

    async def too_late(self, error: errors.NotWaiting | errors.ApprovedBefore) -> None:
        """Answer a press on a round that takes no decision, or not this one."""
        raise error

    async def skipped(self) -> None:
        await self.ack()

    async def say(self, sentence: str, *, title: str = names.RECORDED_TITLE) -> None:
        """Tell the presser a sentence: after a press on a card by a message, else by a modal."""
        if self.press.where is Where.CARD:
            await send_ephemeral(self.respond, sentence)
        else:
            await self._open(render_notice(sentence, title=title))

    async def open(self, view: Block) -> None:
        await self.ack()
        await self.show(view)

    async def show(self, view: Block, *, otherwise: str = names.MODAL_NOT_OPENED) -> bool:
        """Open a modal, and return True if Slack did.

        Slack stacks three modals: this modal lies on the first, in place of the second; the third
        place is for errors. If Slack does not open this modal, a press on a card is answered with
        `otherwise`.
        """
        if self.press.where is Where.MODAL and not self.press.view.is_first:
            return await self.update(view)
        is_open = await self._open(view)
        if not is_open and self.press.where is Where.CARD:
            await send_ephemeral(self.respond, otherwise)
        return is_open

    async def update(self, view: Block) -> bool:
        identity, around = self.context.identity, self.press.view
        return not await update_modal(identity, view, view_id=around.id, hash=around.hash)

    async def _open(self, view: Block) -> bool:
        identity, on_top = self.context.identity, self.press.where is Where.MODAL
        return bool(await open_modal(identity, self.press.trigger_id, view, on_top=on_top))


Surface: TypeAlias = Callable[[Press, AsyncAck, Respond, SlackContext], Reply]
"""Returns the reply to a press on one surface; its press has what the surface showed."""
ReadThread: TypeAlias = Callable[[str], Awaitable[None]]
"""Reads a round's thread for notes that Slack sent no event for."""


def on_card(press: Press, ack: AsyncAck, respond: Respond, context: SlackContext) -> Reply:
    seen = seen_on_card(parse_share(press.block_id))
    return Reply(replace(press, seen=seen), ack, respond, context)


def seen_in_modal(press: Press) -> Seen:
    position = press.view.position
    if position is None:
        return parse_asked(press.view.metadata)[1]
    # The share is that of the opened round's output; a history has buttons of other rounds, too.
    return Seen(share=position.share if position.round_id == press.value else None, in_reader=True)


@dataclass(frozen=True, slots=True)
class ModalReply(Reply):
    """Answers a press on a page of the reader, or in a question about an approval."""

    read_thread: ReadThread

    @property
    @override
    def via(self) -> Via:
        return Via.MODAL if self.press.view.position is None else Via.BUTTON

    @override
    async def before_decision(self) -> None:
        if self.press.view.position is None:
            await self.read_thread(self.press.value)

    @override
    async def ask(self, caveats: Caveats) -> None:
        """Replace the modal, also one that asked before, if a caveat has changed since."""
        again = self.press.view.position is None
        form = await modals.confirmation(self.press, caveats, self.context, again=again)
        await self.ack()
        await self.update(form)

    @override
    async def decided(self, *, is_new: bool) -> None:
        if self.press.view.position is not None:
            await self.done()
            return
        await self.ack()
        async with self.recorded():
            await self.update(await modals.receipt(self.press.value, self.context))

    @override
    async def done(self) -> None:
        position = self.press.view.position
        if position is None:
            await self.ack()
            return
        async with self.recorded():
            await modals.show_page(position, self.press.by, self.ack, self.update, self.context)


@dataclass(frozen=True, slots=True)
class FormReply:
    """Answers a form that a person sent."""

    ack: AsyncAck
    sent: Submission | EditForm
    context: SlackContext

    def explained(self, box: str) -> AbstractAsyncContextManager[None]:
        """Catch a CrewgateError in the `with` body; show its reason below a box of the form."""

        async def say(sentence: str) -> None:
            await self.refuse({box: sentence})

        by, round_id = self.sent.by, self.sent.round_id
        return explain_errors(
            say, context=self.context, by=by, voice=names.PLAIN, round_id=round_id
        )

    async def refuse(self, problems: dict[str, str]) -> None:
        """Keep the form, with a sentence below each of these boxes."""
        await self.ack(response_action="errors", errors=problems)

    async def show(self, view: Block) -> bool:
        await self.ack(response_action="update", view=view)
        return True

    async def close(self) -> None:
        """Close all modals, also the reader below the form."""
        await self.ack(response_action="clear")
