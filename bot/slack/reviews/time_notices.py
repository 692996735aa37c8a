"""Messages about a round that waits for long, in its thread or in private."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.people import ReviewerRef, User
from bot.domain.review import State
from bot.slack.blockkit.blocks import Message, notification, section
from bot.slack.reviews import time_strings
from bot.slack.reviews.calls import mentionable
from bot.usecases.read_models import CardView


def render_reminder(view: CardView) -> Message | None:
    """Remind those who may decide and have not; None once the round waits no more."""
    voted = {voice for vote in view.round.votes for voice in vote.voices}
    left = [ref for ref in view.reviewers if not (isinstance(ref, User) and ref.id in voted)]
    return _waiting(view, time_strings.reminder(mentionable(left), view.round))


def render_private_reminder(view: CardView) -> Message | None:
    """The same for one person, in private."""
    return _waiting(view, time_strings.reminder((), view.round))


def render_escalated(view: CardView, people: Sequence[ReviewerRef]) -> Message | None:
    """Call those who may decide too from now on; None once the round waits no more."""
    return _waiting(view, time_strings.escalated(mentionable(people), view.round))


def render_timed_out(view: CardView) -> Message:
    """What a rule did when nobody decided."""
    return _message(view, time_strings.timed_out(view.round))


def _waiting(view: CardView, sentence: str) -> Message | None:
    return _message(view, sentence) if view.round.state is State.WAITING else None


def _message(view: CardView, sentence: str) -> Message:
    return Message(notification(time_strings.plain(view.round)), [section(sentence)])
