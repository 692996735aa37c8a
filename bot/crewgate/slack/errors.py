"""Errors of a press, command or form, told to the person who acted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from slack_bolt.async_app import AsyncAck

from crewgate.domain import errors, verdict
from crewgate.slack.blockkit.blocks import Block, modal, section
from crewgate.slack.context import SlackContext
from crewgate.slack.words import names
from crewgate.slack.words.names import MRKDWN, Voice
from crewgate.slack.words.refusals import explain

log = structlog.get_logger(__name__)


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
    """Catch a CrewgateError in the `with` body, and tell a person its reason.

    `ack` is called first, for a body that raises before it acknowledges. `about` goes into the
    log.
    """
    try:
        yield
    except errors.CrewgateError as error:
        log.info("refused", why=type(error).__name__, by=by.id, **about)
        if isinstance(error, errors.NotPermitted | errors.GroupsComplete):
            # The person may have joined a user group just now, so Slack is asked again.
            context.directory.wake()
        if ack is not None:
            await ack()
        await say(in_words(error, context, voice))


def in_words(error: errors.CrewgateError, context: SlackContext, voice: Voice = MRKDWN) -> str:
    sentence = explain(error, voice, now=context.clock(), in_slack=context.directory.in_slack)
    if isinstance(error, errors.NotWaiting):
        # The error names no crew, and its sentence may be unmasked: all crews' masks are applied.
        for crew in context.crews.values():
            sentence = crew.redact.text(sentence)
    return sentence


def render_notice(sentence: str, *, title: str = names.ERROR_TITLE) -> Block:
    return modal(title, [section(sentence)])
