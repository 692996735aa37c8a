"""Messages about a round that waits for long, in its thread or in private."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crewgate.domain.people import ReviewerRef
from crewgate.domain.review import State
from crewgate.domain.verdict import voices_of
from crewgate.slack.blockkit.blocks import Message, notification, section
from crewgate.slack.reviews import notice_strings
from crewgate.slack.reviews.calls import mentionable, nobody_left, not_voted
from crewgate.slack.reviews.links import Link, linked
from crewgate.usecases.read_models import CardView, MessageRef


def render_reminder(view: CardView, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Remind those who may decide and have not, with those who stand in for them.

    The operators too where nobody is left who may approve; None once the round waits no more.
    """
    message = _waiting(view, notice_strings.reminder(view, _not_voted(view)))
    return message if message is None else _with_nobody_left(message, view, operators)


def render_private_reminder(
    view: CardView, card: MessageRef | None, *, link: Link
) -> Message | None:
    """The same for one person, in private; `card` is the one in the channel."""
    return _waiting(
        view, notice_strings.private_reminder(view, linked(notice_strings.THE_CARD, card, link))
    )


def render_escalated(
    view: CardView, people: Sequence[ReviewerRef], *, now: datetime
) -> Message | None:
    """Call those who may decide too from now on; None once the round waits no more."""
    return _waiting(
        view, notice_strings.escalated(view, mentionable(not_voted(view.round, people)), now)
    )


def render_timed_out(view: CardView, operators: Sequence[ReviewerRef] = ()) -> Message:
    """What a rule did when nobody decided; where it goes on waiting, all are called once more."""
    waits = view.round.state is State.WAITING
    sentence = notice_strings.timed_out(view, _not_voted(view) if waits else "")
    text = notification(notice_strings.timed_out_plain(view.round))
    return _with_nobody_left(Message(text, [section(sentence)]), view, operators)


def _not_voted(view: CardView) -> str:
    """Those who may decide and have not, as mentions."""
    voted = voices_of(view.round.votes)
    away = [one for one in view.absences if not {one.away.id, one.delegate.id} & voted]
    return notice_strings.called(mentionable(not_voted(view.round, view.reviewers)), away)


def _waiting(view: CardView, sentence: str) -> Message | None:
    if view.round.state is not State.WAITING:
        return None
    return Message(notification(notice_strings.reminder_plain(view.round)), [section(sentence)])


def _with_nobody_left(
    message: Message, view: CardView, operators: Sequence[ReviewerRef]
) -> Message:
    line = nobody_left(view, operators)
    return message if line is None else Message(message.text, [*message.blocks, section(line)])
