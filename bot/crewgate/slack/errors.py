"""Errors as sentences for the person who pressed, typed or sent a form."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import structlog
from slack_bolt.async_app import AsyncAck

from crewgate.domain.errors import (
    CrewgateError,
    GroupsComplete,
    InvalidTransition,
    NoPublicUrl,
    NotAnOperator,
    NotAReviewer,
    NotAStarter,
    NothingEdited,
    NotPermitted,
    NotWaiting,
    RoundNotFound,
    StoreUnavailable,
    TooManyEdits,
    TooManyKickoffs,
    UnknownCrew,
    VerdictMisplaced,
    VoteRefused,
)
from crewgate.domain.people import ReviewerRef
from crewgate.domain.verdict import Person
from crewgate.slack import phrases, strings
from crewgate.slack.blockkit.blocks import Block, section
from crewgate.slack.blockkit.modals import modal
from crewgate.slack.context import SlackContext

log = structlog.get_logger(__name__)

InSlack: TypeAlias = Callable[[Sequence[ReviewerRef]], Sequence[ReviewerRef]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reason for a refusal, as mrkdwn and as plain text for an error inside a form."""

    mrkdwn: str
    plain: str


def explain(error: CrewgateError, *, now: datetime, in_slack: InSlack) -> Explanation:  # noqa: PLR0911  # a table
    """Return the reason why a press, a command or a form was refused.

    `in_slack` replaces e-mail addresses that Slack knows by their accounts.
    """
    match error:
        case NotPermitted():
            return _not_permitted(error, in_slack(error.permitted))
        case UnknownCrew(crew=crew):
            return Explanation(strings.unknown_crew(crew), strings.unknown_crew_plain(crew))
        case NotWaiting():
            return Explanation(
                phrases.too_late(error, now), phrases.too_late(error, now, strings.PLAIN)
            )
        case RoundNotFound():
            return Explanation(strings.UNKNOWN_ROUND, strings.UNKNOWN_ROUND_PLAIN)
        case TooManyEdits(characters=characters):
            return _only(strings.too_many_edits(characters))
        case VoteRefused():
            return _only(phrases.vote_refused(error))
        case StoreUnavailable():
            return Explanation(strings.STORE_UNAVAILABLE, strings.STORE_UNAVAILABLE_PLAIN)
        case _:
            return _only(_SENTENCES.get(type(error), strings.SOMETHING_FAILED))


_SENTENCES: Final[Mapping[type[CrewgateError], str]] = {
    InvalidTransition: strings.NOTHING_TO_DO,
    VerdictMisplaced: strings.NOTHING_TO_DO,
    NothingEdited: strings.NOTHING_EDITED,
    NoPublicUrl: strings.NO_PUBLIC_URL,
    TooManyKickoffs: strings.TOO_MANY_KICKOFFS,
}


def _not_permitted(error: NotPermitted, permitted: Sequence[ReviewerRef]) -> Explanation:
    crew, uncertain = error.crew, error.uncertain
    match error:
        case NotAReviewer():
            return Explanation(
                strings.not_a_reviewer(crew, permitted, uncertain=uncertain),
                strings.not_a_reviewer_plain(crew, uncertain=uncertain),
            )
        case NotAnOperator():
            return _only(strings.not_an_operator(crew, uncertain=uncertain))
        case NotAStarter():
            return _only(strings.not_a_starter(crew, permitted, uncertain=uncertain))
        case _:
            return _only(strings.not_a_reader(crew, uncertain=uncertain))


def _only(sentence: str) -> Explanation:
    """Use one sentence for both: it is plain, or no form ever shows it."""
    return Explanation(sentence, sentence)


@asynccontextmanager
async def explain_errors(
    say: Callable[[str], Awaitable[object]],
    *,
    context: SlackContext,
    by: Person,
    ack: AsyncAck | None = None,
    plain: bool = False,
    **about: str,
) -> AsyncIterator[None]:
    """Tell a person the reason when the block raises a CrewgateError, which ends here.

    `ack` is called before that; it is for blocks that raise before they acknowledge. `about` goes
    into the log.
    """
    try:
        yield
    except CrewgateError as error:
        log.info("refused", why=type(error).__name__, by=by.id, **about)
        if isinstance(error, NotPermitted | GroupsComplete):
            # They may have been added to a user group just now.
            context.directory.wake()
        if ack is not None:
            await ack()
        explanation = explain(error, now=context.clock(), in_slack=context.directory.in_slack)
        await say(explanation.plain if plain else explanation.mrkdwn)


def render_notice(sentence: str, *, title: str = strings.ERROR_TITLE) -> Block:
    """The modal that explains a refusal, or tells of something else, in a modal or in Home."""
    return modal(title, [section(sentence)], close=strings.CLOSE)


async def show_in_form(ack: AsyncAck, box: str, problem: str) -> None:
    """Keep a form open with the problem below its box; no text is lost."""
    await ack(response_action="errors", errors={box: problem})
