"""What Slack sends, raw to typed. Nothing is trusted for more than an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.verdict import Person
from bot.slack import ids


@dataclass(frozen=True, slots=True)
class Click:
    """A button on a card, pressed."""

    round_id: str
    by: Person
    trigger_id: str
    """Opens one modal within 3 s."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The form behind Revise, sent."""

    round_id: str
    by: Person
    feedback: str
    box: str = ids.FEEDBACK
    """The block that holds it, where an error is shown."""
    with_notes: bool = False
    """It began with what people wrote in the thread."""


@dataclass(frozen=True, slots=True)
class Command:
    """`/crew` and its words."""

    words: tuple[str, ...]
    by: Person


def parse_click(body: Mapping[str, Any]) -> Click:
    """A `block_actions` payload (docs.slack.dev/reference/interaction-payloads)."""
    return Click(
        round_id=str(body["actions"][0].get("value", "")),
        by=person_of(body["user"]),
        trigger_id=str(body.get("trigger_id", "")),
    )


def parse_submission(body: Mapping[str, Any]) -> Submission:
    """A `view_submission` payload of the form behind Revise."""
    view = body["view"]
    box, feedback = find_feedback(view)
    return Submission(
        round_id=str(view.get("private_metadata", "")),
        by=person_of(body["user"]),
        feedback=feedback,
        box=box,
        with_notes=view.get("callback_id") == ids.NOTES_MODAL,
    )


def find_feedback(view: Mapping[str, Any]) -> tuple[str, str]:
    """The block that holds the feedback, and what is in it."""
    values = (view.get("state") or {}).get("values") or {}
    for block_id, entered in values.items():
        if ids.FEEDBACK in entered:
            return str(block_id), str(entered[ids.FEEDBACK].get("value") or "")
    return ids.FEEDBACK, ""


def parse_command(body: Mapping[str, Any]) -> Command:
    """A slash command's form."""
    return Command(
        words=tuple(str(body.get("text") or "").split()),
        by=Person(str(body["user_id"]), str(body.get("user_name") or body["user_id"])),
    )


def person_of(user: Mapping[str, Any]) -> Person:
    """The user of a payload."""
    return Person(str(user["id"]), str(user.get("name") or user.get("username") or user["id"]))


@dataclass(frozen=True, slots=True)
class Choice:
    """Something chosen from a card's menu."""

    round_id: str
    chosen: str
    by: Person
    trigger_id: str


@dataclass(frozen=True, slots=True)
class InView:
    """A button pressed in a modal or in Home."""

    value: str
    action_id: str
    by: Person
    trigger_id: str
    view_id: str
    view_hash: str
    metadata: str
    in_home: bool
    typed: str
    """What the box for feedback holds."""
    box: str
    """The box's block id."""


def parse_choice(body: Mapping[str, Any]) -> Choice:
    """A `block_actions` payload of a card's menu."""
    action = body["actions"][0]
    option = action.get("selected_option") or {}
    return Choice(
        round_id=str(action.get("block_id", "")),
        chosen=str(option.get("value", "")),
        by=person_of(body["user"]),
        trigger_id=str(body.get("trigger_id", "")),
    )


def parse_in_view(body: Mapping[str, Any]) -> InView:
    """A `block_actions` payload of a modal or of Home."""
    action, view = body["actions"][0], body["view"]
    box, typed = find_feedback(view)
    return InView(
        value=str(action.get("value", "")),
        action_id=str(action.get("action_id", "")),
        by=person_of(body["user"]),
        trigger_id=str(body.get("trigger_id", "")),
        view_id=str(view.get("id", "")),
        view_hash=str(view.get("hash", "")),
        metadata=str(view.get("private_metadata", "")),
        in_home=view.get("type") == "home",
        typed=typed,
        box=box,
    )
