"""A press: what was pressed, where and by whom, and how it is answered.

A button has one id wherever it stands: on a card, in a modal or in Home. Slack's payload says where
it was pressed.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.caveats import NOTHING_SEEN, Seen
from crewgate.domain.verdict import Person
from crewgate.slack import ids, strings
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral, update_modal
from crewgate.slack.context import SlackContext
from crewgate.slack.errors import explain_errors, render_notice
from crewgate.slack.payloads import NO_VIEW, View, parse_person, parse_view, raises_malformed


class Where(StrEnum):
    """The surface that a button is on."""

    CARD = "card"
    MODAL = "modal"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed, or an entry that was chosen from a menu."""

    action: str
    """The id of the button or of the entry; `answer` for each outcome of a flow."""
    value: str
    """The value that the button carries: the round's id, unless its verb says otherwise."""
    by: Person
    trigger_id: str
    where: Where = Where.CARD
    outcome: int | None = None
    block_id: str = ""
    view: View = NO_VIEW
    seen: Seen = NOTHING_SEEN


@raises_malformed
def parse_press(body: Mapping[str, Any]) -> Press:
    """A `block_actions` payload (docs.slack.dev/reference/interaction-payloads)."""
    element = body["actions"][0]
    action, value, outcome = _pressed(element)
    view = body.get("view")
    where = Where.CARD
    if view is not None:
        where = Where.HOME if view.get("type") == "home" else Where.MODAL
    return Press(
        action=action,
        value=value,
        by=parse_person(body["user"]),
        trigger_id=str(body.get("trigger_id", "")),
        where=where,
        outcome=outcome,
        block_id=str(element.get("block_id", "")),
        view=NO_VIEW if view is None else parse_view(view),
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
    """The answer to a press, given where it was pressed."""

    press: Press
    ack: AsyncAck
    client: AsyncWebClient
    respond: Respond
    context: SlackContext

    def explained(self, *, round_id: str) -> AbstractAsyncContextManager[None]:
        return explain_errors(
            self.refuse, context=self.context, ack=self.ack, by=self.press.by, round_id=round_id
        )

    async def refuse(self, sentence: str) -> None:
        """Say a sentence to the presser; in a modal where there is no channel to answer in."""
        await self.say(sentence, title=strings.ERROR_TITLE)

    async def say(self, sentence: str, *, title: str = strings.RECORDED_TITLE) -> None:
        if self.press.where is Where.CARD:
            await send_ephemeral(self.respond, sentence)
        else:
            await self._open(render_notice(sentence, title=title))

    async def open(self, view: Block) -> None:
        await self.ack()
        await self.show(view)

    async def show(self, view: Block, *, otherwise: str = strings.MODAL_NOT_OPENED) -> bool:
        """Open a modal, and return True if Slack did.

        Of modals on each other Slack takes three: it is put onto the first one, in the place of the
        second one, and the third place is for errors. Say `otherwise` where Slack did not open it
        and there is a channel to say it in.
        """
        if self.press.where is Where.MODAL and not self.press.view.is_first:
            return await self.update(view)
        is_open = await self._open(view)
        if not is_open and self.press.where is Where.CARD:
            await send_ephemeral(self.respond, otherwise)
        return is_open

    async def update(self, view: Block) -> bool:
        """Replace the modal that was pressed in, unless it was updated since; return success."""
        around = self.press.view
        return await update_modal(self.client, view, view_id=around.id, hash=around.hash)

    async def _open(self, view: Block) -> bool:
        on_top = self.press.where is Where.MODAL
        return bool(await open_modal(self.client, self.press.trigger_id, view, on_top=on_top))
