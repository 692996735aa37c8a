"""Errors as sentences for the person who pressed, typed or sent a form."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, TypeAlias

import structlog
from slack_bolt.async_app import AsyncAck

from crewgate.domain import errors, lessons, people, verdict
from crewgate.slack.blockkit.blocks import Block, modal, section
from crewgate.slack.context import SlackContext
from crewgate.slack.words import decisions, names
from crewgate.slack.words.names import MRKDWN, PLAIN, Voice

log = structlog.get_logger(__name__)

InSlack: TypeAlias = Callable[[Sequence[people.ReviewerRef]], Sequence[people.ReviewerRef]]
"""Replaces known e-mail addresses by their accounts."""


def explain(  # noqa: PLR0911  # one row a case
    error: errors.CrewgateError, voice: Voice = MRKDWN, *, now: datetime, in_slack: InSlack
) -> str:
    match error:
        case errors.NotPermitted():
            return _not_permitted(error, in_slack(error.permitted), voice)
        case errors.UnknownCrew(crew=crew):
            return names.unknown_crew(crew, voice)
        case errors.NotWaiting():
            return decisions.too_late(error, now, voice)
        case errors.TooManyEdits(characters=characters):
            return names.too_many_edits(characters)
        case errors.LessonRefused(why=why):
            return names.LESSON_REFUSED[why]
        case lessons.LessonEnded(lesson=lesson):
            return decisions.lesson_ended(lesson, now, voice)
        case errors.VoteRefused(others=others):
            return decisions.vote_refused(error, in_slack(others) if voice.mentions else ())
        case _:
            in_form = _IN_FORMS.get(type(error)) if voice is PLAIN else None
            return in_form or _SENTENCES.get(type(error), names.SOMETHING_FAILED)


_SENTENCES: Final[Mapping[type[errors.CrewgateError], str]] = {
    errors.RoundNotFound: names.UNKNOWN_ROUND,
    errors.LessonNotFound: names.UNKNOWN_LESSON,
    errors.StoreUnavailable: names.STORE_UNAVAILABLE,
    errors.InvalidTransition: names.NOTHING_TO_DO,
    errors.VerdictMisplaced: names.NOTHING_TO_DO,
    errors.NothingEdited: names.NOTHING_EDITED,
    errors.NoCrewUrl: names.NO_CREW_URL,
    errors.NoPublicUrl: names.NO_PUBLIC_URL,
    errors.TooManyKickoffs: names.TOO_MANY_KICKOFFS,
}
_IN_FORMS: Final[Mapping[type[errors.CrewgateError], str]] = {
    errors.RoundNotFound: names.UNKNOWN_ROUND_PLAIN,
    errors.StoreUnavailable: names.STORE_UNAVAILABLE_PLAIN,
}


def _not_permitted(
    error: errors.NotPermitted, permitted: Sequence[people.ReviewerRef], voice: Voice
) -> str:
    crew, uncertain = error.crew, error.uncertain
    match error:
        case errors.NotAReviewer(rule=rule) if voice is PLAIN:
            return names.not_a_reviewer_plain(crew, rule, uncertain=uncertain)
        case errors.NotAReviewer(rule=rule):
            return names.not_a_reviewer(crew, permitted, rule, uncertain=uncertain)
        case errors.NotAnOperator():
            return names.not_an_operator(crew, uncertain=uncertain)
        case errors.NotAStarter():
            return names.not_a_starter(crew, permitted, uncertain=uncertain)
        case _:
            return names.not_a_reader(crew, uncertain=uncertain)


@asynccontextmanager
async def explain_errors(
    say: Callable[[str], Awaitable[object]],
    *,
    context: SlackContext,
    by: verdict.Person,
    ack: AsyncAck | None = None,
    voice: Voice = MRKDWN,
    **about: str,
) -> AsyncIterator[None]:
    """End a CrewgateError of the block, and tell a person its reason.

    `ack` is called first, for a block that raises before it acknowledges. `about` goes into the
    log.
    """
    try:
        yield
    except errors.CrewgateError as error:
        log.info("refused", why=type(error).__name__, by=by.id, **about)
        if isinstance(error, errors.NotPermitted | errors.GroupsComplete):
            # The person may have joined a user group just now.
            context.directory.wake()
        if ack is not None:
            await ack()
        await say(in_words(error, context, voice))


def in_words(error: errors.CrewgateError, context: SlackContext, voice: Voice = MRKDWN) -> str:
    in_slack = context.directory.in_slack
    sentence = explain(error, voice, now=context.clock(), in_slack=in_slack)
    if isinstance(error, errors.NotWaiting):
        # The error has the stored round, which may quote any crew.
        for crew in context.crews.values():
            sentence = crew.redact.text(sentence)
    return sentence


def render_notice(sentence: str, *, title: str = names.ERROR_TITLE) -> Block:
    return modal(title, [section(sentence)])


async def show_in_form(ack: AsyncAck, box: str, problem: str) -> None:
    await ack(response_action="errors", errors={box: problem})
