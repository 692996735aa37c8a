"""The cards as people see them in the channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from crewgate.demo.workspace import Message
from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.labels import Label, find_label


@dataclass(frozen=True)
class Card:
    """A message that shows a round."""

    round_id: str
    message: Message

    @cached_property
    def label(self) -> Label | None:
        """The output on it; None where Slack could not show it."""
        return find_label(self.message.shown)

    @cached_property
    def actions(self) -> frozenset[str]:
        """The action ids of its buttons."""
        return frozenset(
            element["action_id"]
            for block in self.message.blocks
            if block["type"] == "actions"
            for element in block["elements"]
        )

    @property
    def waits(self) -> bool:
        """Whether somebody can decide."""
        return buttons.APPROVE.id in self.actions

    @property
    def is_stuck(self) -> bool:
        """Whether somebody can send the decision again."""
        return buttons.RETRY.id in self.actions


def find_card(message: Message) -> Card | None:
    """The card that a message is, if it is one."""
    for block in message.blocks:
        if block.get("accessory", {}).get("action_id") == ids.MENU:
            return Card(block["block_id"], message)
    return None
