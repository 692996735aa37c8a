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
