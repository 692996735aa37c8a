"""What one person is told in private: from an error to a sentence, and on its way to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog

from bot.domain.errors import (
    CrewgateError,
    InvalidTransition,
    NotAReviewer,
    NotWaiting,
    RoundNotFound,
    StoreUnavailable,
    UnknownCrew,
)
from bot.slack import strings
from bot.slack.blockkit.blocks import (
    TITLE_LIMIT,
    Block,
    Message,
    plain_text,
    section,
)
from bot.usecases.ports.base import Crews

log = structlog.get_logger(__name__)

Respond = Callable[..., Awaitable[Any]]
"""Bolt's `respond`: posts to the payload's `response_url`, up to 5 times in 30 minutes."""


def explain(error: CrewgateError, *, crews: Crews, now: datetime) -> str:  # noqa: PLR0911  # a table
    """Why nothing came of a click, in mrkdwn."""
    match error:
        case NotAReviewer(crew=crew, uncertain=uncertain):
            return strings.not_a_reviewer(crew, crews[crew].reviewers, uncertain=uncertain)
        case UnknownCrew(crew=crew):
            return strings.unknown_crew(crew)
        case NotWaiting():
            return strings.too_late(error, now)
        case RoundNotFound():
            return strings.UNKNOWN_ROUND
        case InvalidTransition():
            return strings.RETRY_IMPOSSIBLE
        case StoreUnavailable():
            return strings.STORE_UNAVAILABLE
        case _:
            return strings.SOMETHING_FAILED


def explain_plain(error: CrewgateError, *, now: datetime) -> str:
    """Why nothing came of a form, as plain text for an error inside it."""
    match error:
        case NotAReviewer(crew=crew, uncertain=uncertain):
            return strings.not_a_reviewer_plain(crew, uncertain=uncertain)
        case UnknownCrew(crew=crew):
            return strings.unknown_crew_plain(crew)
        case NotWaiting():
            return strings.too_late_plain(error, now)
        case RoundNotFound():
            return strings.UNKNOWN_ROUND_PLAIN
        case StoreUnavailable():
            return strings.STORE_UNAVAILABLE_PLAIN
        case _:
            return strings.SOMETHING_FAILED


async def tell(respond: Respond, answer: str | Message) -> None:
    """Tell the person who clicked or typed, and nobody else.

    By then everything has been done or refused; a lost answer loses nothing but itself.
    """
    message = answer if isinstance(answer, Message) else Message(answer, [])
    try:
        await respond(
            text=message.text,
            blocks=message.blocks or None,
            response_type="ephemeral",
            replace_original=False,
            unfurl_links=False,
            unfurl_media=False,
        )
    except (OSError, TimeoutError, ValueError) as error:
        log.warning("private_answer_lost", why=type(error).__name__)


def render_error_modal(sentence: str) -> Block:
    """Why nothing came of a click in a modal or in Home."""
    return {
        "type": "modal",
        "title": plain_text(strings.ERROR_TITLE, TITLE_LIMIT),
        "close": plain_text(strings.CLOSE, TITLE_LIMIT),
        "blocks": [section(sentence)],
    }
