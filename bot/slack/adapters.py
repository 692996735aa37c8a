"""Slack, as the rest of the bot reaches it: everything that is built once for a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.crew import Crew
from bot.domain.people import Anyone, Role
from bot.domain.redaction import Redactor
from bot.slack.client.directory import OwnerOf, SlackDirectory
from bot.slack.client.identity import Identity
from bot.slack.client.posting import Poster
from bot.slack.messenger import SlackMessenger
from bot.usecases.ports.base import Clock, OffLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAdapters:
    """One client and what works with it."""

    client: AsyncWebClient
    directory: SlackDirectory
    messenger: SlackMessenger


def build(
    client: AsyncWebClient,
    crews: Iterable[Crew],
    *,
    identity: Identity,
    clock: Clock,
    owner_of: OwnerOf,
    off_loop: OffLoop,
    redactors: Mapping[str, Redactor],
) -> SlackAdapters:
    """The adapters; `crews` name the people and channels that the directory looks up."""
    poster = Poster(client, clock=clock)
    crews = tuple(crews)
    by_name = {crew.name: crew for crew in crews}
    directory = SlackDirectory(
        client,
        (ref for crew in crews for role in Role for ref in crew.permitted(role)),
        identity=identity,
        owner_of=owner_of,
        clock=clock,
        channels=(crew.channel for crew in crews),
        open_channels=frozenset(
            crew.channel
            for crew in crews
            for role in (Role.REVIEWER, Role.STARTER)
            if Anyone() in crew.permitted(role)
        ),
    )
    return SlackAdapters(
        client=client,
        directory=directory,
        messenger=SlackMessenger(
            client,
            poster,
            clock=clock,
            off_loop=off_loop,
            redactors=redactors,
            link=identity.link,
            people=lambda name, role: (
                directory.in_slack(by_name[name].permitted(role)) if name in by_name else ()
            ),
        ),
    )
