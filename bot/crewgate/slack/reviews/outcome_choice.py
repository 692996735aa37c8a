"""Which of a flow's outcomes was pressed or chosen, as Slack sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crewgate.slack.payloads import raises_malformed


@dataclass(frozen=True, slots=True)
class OutcomeChoice:
    """One of a flow's outcomes, pressed or chosen from a menu, by its number from 0."""

    round_id: str
    outcome: int


@raises_malformed
def parse_outcome(body: Mapping[str, Any]) -> OutcomeChoice:
    """A `block_actions` payload of an outcome's button or menu, wherever it is."""
    action = body["actions"][0]
    if option := action.get("selected_option"):
        round_id, _, number = str(option["value"]).rpartition(" ")
    else:
        round_id, number = str(action["value"]), str(action["action_id"]).rpartition(".")[2]
    return OutcomeChoice(round_id, int(number))
