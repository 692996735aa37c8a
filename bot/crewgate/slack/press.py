"""Presses: the button, its place and person, and the answer.

A button has one id on cards, in modals and in Home; Slack's payload names the place.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck

from crewgate.domain.caveats import NOTHING_SEEN, Seen
from crewgate.domain.verdict import Person
from crewgate.slack import errors, ids, payloads, words
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral, update_modal
from crewgate.slack.context import SlackContext


class Where(StrEnum):
    """The surface that a button is on."""

    CARD = "card"
    MODAL = "modal"
    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A pressed button, or a chosen entry of a menu."""

    action: str
    """The id of the button or entry; `answer` for each outcome of a flow."""
    value: str
    """The button's value: the round's id, unless its verb says otherwise."""
    by: Person
    trigger_id: str
    where: Where = Where.CARD
    outcome: int | None = None
    block_id: str = ""
    view: payloads.View = payloads.NO_VIEW
    seen: Seen = NOTHING_SEEN


@payloads.raises_malformed
def parse_press(body: Mapping[str, Any]) -> Press:
    """Parse a `block_actions` payload (docs.slack.dev/reference/interaction-payloads)."""
    element = body["actions"][0]
    action, value, outcome = _pressed(element)
    view = body.get("view")
    where = Where.CARD
    if view is not None:
        where = Where.HOME if view.get("type") == "home" else Where.MODAL
    return Press(
        action=action,
        value=value,
        by=payloads.parse_person(body["user"]),
        trigger_id=str(body.get("trigger_id", "")),
        where=where,
        outcome=outcome,
        block_id=str(element.get("block_id", "")),
        view=payloads.NO_VIEW if view is None else payloads.parse_view(view),
    )


def _pressed(element: Mapping[str, Any]) -> tuple[str, str, int | None]:
    action, _, number = str(element["action_id"]).partition(".")
    value = str(element.get("value", ""))
    chosen = str((element.get("selected_option") or {}).get("value", ""))
    if action == ids.MENU:
        round_id = str(element.get("block_id", "")).partition(".")[0]
        return chosen, round_id, None
    if action == ids.ANSWER_MENU:
        value, _, number = chosen.rpartition(" ")
        return ids.ANSWER, value, int(number)
    return action, value, int(number) if action == ids.ANSWER else None


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers a press where it was pressed."""

    press: Press
    ack: AsyncAck
    respond: Respond
    context: SlackContext

    def explained(self, *, round_id: str) -> AbstractAsyncContextManager[None]:
        say = partial(self.say, title=words.names.ERROR_TITLE)
        return errors.explain_errors(
            say, context=self.context, ack=self.ack, by=self.press.by, round_id=round_id
        )

    async def say(self, sentence: str, *, title: str = words.names.RECORDED_TITLE) -> None:
        """Tell the presser a sentence: after a press on a card by a message, else by a modal."""
        if self.press.where is Where.CARD:
            await send_ephemeral(self.respond, sentence)
        else:
            await self._open(errors.render_notice(sentence, title=title))

    async def open(self, view: Block) -> None:
        await self.ack()
        await self.show(view)

    async def show(self, view: Block, *, otherwise: str = words.names.MODAL_NOT_OPENED) -> bool:
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
        client, around = self.context.identity.client, self.press.view
        return not await update_modal(client, view, view_id=around.id, hash=around.hash)

    async def _open(self, view: Block) -> bool:
        client, on_top = self.context.identity.client, self.press.where is Where.MODAL
        return bool(await open_modal(client, self.press.trigger_id, view, on_top=on_top))
