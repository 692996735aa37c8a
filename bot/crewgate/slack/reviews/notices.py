"""Messages that stay in a channel or thread and are not cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from crewgate.domain.crew import Crew
from crewgate.domain.people import ReviewerRef
from crewgate.domain.reason import Dismissed, needs_an_operator
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Round
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Message, actions, context, notification, section
from crewgate.slack.blockkit.text import date, is_blank, mrkdwn_code, utf16_length
from crewgate.slack.reviews import notice_strings, state_strings
from crewgate.slack.reviews.buttons import DISMISS, DISMISS_REPORT, RETRY
from crewgate.slack.reviews.calls import mentionable, not_voted
from crewgate.slack.reviews.presentation import Closed, Stuck, Waiting, present
from crewgate.usecases.read_models import DeadLetter

_BODY_READ: Final = 2**16
_BODY_SHOWN: Final = 1_500
_BODY_LIMIT: Final = 2_900
"""The same once escaped."""


def render_stuck_notice(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Tell the reviewer that the decision did not reach the crew, and whoever can mend it.

    None when there is nothing to tell any more: somebody pressed Retry, it was taken, or they
    dismissed it themselves.
    """
    shown = present(round_)
    if not isinstance(shown, Stuck | Closed) or shown.decision is None:
        return None
    if isinstance(shown.reason, Dismissed) and shown.decision.is_by(shown.reason.by.id):
        return None
    lines = [state_strings.stuck_notice(shown, shown.decision, round_)]
    if isinstance(shown, Stuck):
        why, people = state_strings.answer(shown), mentionable(operators)
        if needs_an_operator(shown.reason):
            lines[0] += f" {notice_strings.decision_is_kept(shown.decision, people)}"
            lines.append(notice_strings.to_operators(people, why) if people else why)
        else:
            lines[0] += f" {why}"
    text = notification(state_strings.stuck_notice_plain(shown, round_))
    return Message(text, [section(line) for line in lines])


def render_escalation(round_: Round, people: Sequence[ReviewerRef]) -> Message:
    """A flow asks again for its answer; `people` are called, as far as Slack knows them."""
    text = notification(notice_strings.flow_escalated_plain(round_))
    called = mentionable(not_voted(round_, people))
    return Message(text, [section(notice_strings.flow_escalated(round_, called))])


def render_channel_refuses(crew: Crew, code: str) -> Message:
    """Tell an operator that nothing can be posted into a crew's channel."""
    return Message(
        notification(notice_strings.channel_refuses_plain(crew)),
        [section(notice_strings.channel_refuses(crew, code))],
    )


def render_attach_failed(round_: Round) -> Message:
    """The whole output could not be attached."""
    return Message(
        notification(notice_strings.attach_failed_plain(round_)),
        [section(notice_strings.attach_failed(round_))],
    )


def render_refresh_failed(round_: Round) -> Message | None:
    """Where a round stands whose card cannot be brought up to date; None while it waits.

    A stuck decision is retried from here: the card has no such button.
    """
    shown = present(round_)
    if isinstance(shown, Waiting):
        return None
    blocks = [section(state_strings.refresh_failed(shown, round_))]
    if isinstance(shown, Stuck):
        blocks.append(actions(RETRY.on(round_.id), DISMISS.on(round_.id)))
    return Message(notification(state_strings.push(round_, shown)), blocks)


def render_dead_letter(dead_letter: DeadLetter, redactor: Redactor) -> Message:
    """Report a webhook that could not be understood, with the beginning of what came.

    It is kept as it came, but shown without what is secret or called so. Once dismissed, its body
    is shown no more.
    """
    dead_letter = replace(dead_letter, reason=redactor.text(dead_letter.reason))
    text = notification(notice_strings.dead_letter_plain(dead_letter))
    blocks = [
        section(notice_strings.dead_letter(dead_letter)),
        context(f"{date(dead_letter.received_at)} · {shared.identifier(dead_letter.id)}"),
    ]
    if dead_letter.dismissed is not None:
        return Message(
            text, [*blocks, section(state_strings.dismissed_with_why(dead_letter.dismissed))]
        )
    # Far more than is shown, so that the cut is not seen: it may go through a secret.
    whole = redactor.report(dead_letter.body[:_BODY_READ].decode(errors="replace"))
    head = whole[:_BODY_SHOWN]
    while utf16_length(body := mrkdwn_code(head)) > _BODY_LIMIT:
        head = head[: len(head) * 3 // 4]
    if not is_blank(body):
        blocks.append(section(f"```\n{body}\n```"))
    if head != whole:
        blocks.append(context(notice_strings.dead_letter_cut(len(dead_letter.body))))
    dismiss = DISMISS_REPORT.on(dead_letter.id)
    return Message(text, [*blocks, actions(dismiss)])
