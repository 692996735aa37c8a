"""Presses: the button, its place and its person.

A button has one id on cards, in modals and in Home; Slack's payload names the place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crewgate.domain.caveats import NOTHING_SEEN, Seen
from crewgate.domain.verdict import Person
from crewgate.slack import ids, payloads
from crewgate.slack.metadata import parse_asked


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
    """Set by the surface of the button."""

    @property
    def round_id(self) -> str:
        """The round; a button for notes has a note or a page as its value, so its form names it."""
        is_of_notes = self.action in (ids.ADD_NOTE, ids.NEXT_NOTES, ids.PREVIOUS_NOTES)
        return parse_asked(self.view.metadata)[0] if is_of_notes else self.value


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
