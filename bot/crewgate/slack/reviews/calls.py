"""Whom a message calls, and what a card says only once or only in the channel.

A mention surely notifies only in a section of a new message. A card that is brought up to date
keeps it until somebody approves, so that nothing moves under a finger.
"""

from collections.abc import Sequence
from dataclasses import replace

from crewgate.domain.notify import Notify
from crewgate.domain.people import Anyone, Email, ReviewerRef, User
from crewgate.domain.reason import needs_an_operator
from crewgate.domain.verdict import Person
from crewgate.slack.blockkit.blocks import Message, section
from crewgate.slack.reviews import notice_strings, reader_strings
from crewgate.slack.reviews.links import Link, linked
from crewgate.slack.reviews.presentation import Stuck, Waiting, present
from crewgate.usecases.read_models import CardView


def below_headline(message: Message, line: str | None) -> Message:
    """A card with one more section, right below its first line."""
    if line is None:
        return message
    headline, *others = message.blocks
    return replace(message, blocks=[headline, section(line), *others])


def call(view: CardView, notify: Notify) -> str | None:
    """Who is asked to decide, and who is told that the crew came back; None if nobody is."""
    if not isinstance(present(view.round), Waiting):
        return None
    asked = view.round.not_voted(view.reviewers) if notify is Notify.MENTION else ()
    away = view.absences if asked else ()
    author = _asked_for_changes(view)
    if author is None:
        return notice_strings.please_decide(mentionable(asked), anyone=Anyone() in asked, away=away)
    others = tuple(ref for ref in asked if ref != User(author.id))
    line = notice_strings.here_is(author, view.round)
    please = notice_strings.please_decide(mentionable(others), anyone=Anyone() in asked, away=away)
    return f"{line} {please}" if please else line


def calls_all(view: CardView, notify: Notify | None) -> bool:
    """Whether that names everybody who may decide."""
    return notify is Notify.MENTION and not any(isinstance(ref, Email) for ref in view.reviewers)


def reaches_somebody(view: CardView, notify: Notify) -> bool:
    """Whether people learn of a card although it is not shown in the channel."""
    return notify is not Notify.NONE and bool(mentionable(view.reviewers))


def mentionable(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
    """Those whom Slack can notify."""
    return tuple(ref for ref in named if not isinstance(ref, Email | Anyone))


def kept(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """On the card of a decision that is stuck until somebody fixes something."""
    shown = present(view.round)
    if not isinstance(shown, Stuck) or not needs_an_operator(shown.reason):
        return None
    return notice_strings.decision_of_is_kept(shown.decision, mentionable(operators))


def nobody_left(view: CardView, operators: Sequence[ReviewerRef]) -> str | None:
    """On the card of a round that waits for approvals which nobody is left to give."""
    if view.approvers is None or not view.approvers.too_few:
        return None
    return notice_strings.nobody_left(view.round, mentionable(operators))


def with_operators(message: Message, operators: Sequence[ReviewerRef], what: str) -> Message:
    """A message about a failure that calls those who can fix it."""
    people = mentionable(operators)
    if not people:
        return message
    return replace(
        message, blocks=[*message.blocks, section(notice_strings.to_operators(people, what))]
    )


def newer(view: CardView, link: Link, *, is_told: bool = False) -> str | None:
    """Lead from the card of an earlier round to the latest one.

    `is_told`: the card tells the latest round's state, so it need not say that there is one.
    """
    if view.newer is None:
        return None
    number = view.newer.round.number
    if is_told:
        return linked(notice_strings.open_round(number), view.newer.card, link)
    where = linked(notice_strings.round_number(number), view.newer.card, link)
    author = view.newer.round.edited_by
    return notice_strings.came_back_with(where, author, is_flow=view.round.question is not None)


def _asked_for_changes(view: CardView) -> Person | None:
    """Who wrote what this output answers."""
    answers = None if view.round.edited_by else view.answers
    decision = answers.decision if answers is not None else None
    if decision is None or reader_strings.asked_for(decision) is None:
        return None
    return decision.by if isinstance(decision.by, Person) else None
