"""What Slack's listeners work with, in one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.people import ReviewerRef, Role, User
from bot.domain.review import Round
from bot.domain.verdict import voices_of
from bot.slack.client.directory import SlackDirectory
from bot.slack.client.identity import Identity
from bot.usecases.context import ReviewContext
from bot.usecases.kickoff import Kickoffs
from bot.usecases.permissions import crew_for
from bot.usecases.ports.base import OffLoop, Sleep
from bot.usecases.ports.crew import CrewClients, KickoffRequest
from bot.usecases.wakeup import Wakeup

Body = dict[str, Any]
"""A payload of Slack's, for `payloads` to parse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackContext(ReviewContext):
    """What the listeners of all features work with; built once, by the app."""

    directory: SlackDirectory
    client: AsyncWebClient
    """For what no payload asked for: Home."""
    identity: Identity
    clients: CrewClients
    kickoffs: Kickoffs
    new_kickoff: Callable[[Mapping[str, str]], KickoffRequest]
    """What to start, made of the inputs that somebody filled in."""
    saved: Wakeup
    """Set whenever something was saved: Home shows it then."""
    sleep: Sleep
    off_loop: OffLoop

    def deciders(self, round_: Round) -> tuple[ReviewerRef, ...]:
        """Who may decide on a round and has not approved it yet.

        No e-mail address of somebody whom Slack knows.
        """
        voted = set(map(User, voices_of(round_.votes)))
        named = self.directory.in_slack(crew_for(round_, self.crews).permitted(Role.REVIEWER))
        return tuple(ref for ref in named if ref not in voted)
