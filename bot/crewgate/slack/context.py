"""The dependencies of Slack's listeners, in one frozen object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crewgate.domain.people import ReviewerRef, Role
from crewgate.domain.redaction import Redactor
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.client.identity import Identity
from crewgate.slack.words import names
from crewgate.usecases.access import ReviewContext, crew_for, nobody_of
from crewgate.usecases.kickoff import Kickoffs
from crewgate.usecases.ports.base import Changes, Sleep, Wakeup
from crewgate.usecases.ports.crew import CrewClients, KickoffRequest

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackContext(ReviewContext):
    """The dependencies of all features' listeners; built once, by the app."""

    directory: SlackDirectory
    identity: Identity
    """Its client is for calls outside of payloads, such as Home's."""
    clients: CrewClients
    kickoffs: Kickoffs
    new_kickoff: Callable[[Mapping[str, str]], KickoffRequest]
    saved: Changes
    """Set after each save, so that Home is updated."""
    unheard: Wakeup
    """Set when Slack's events may have been missed for a while."""
    sleep: Sleep
    redactors: Mapping[str, Redactor]

    def deciders(self, round_: Round) -> str:
        empty = nobody_of(self.crews[round_.review.crew], round_.rule, self.directory)
        return names.deciders(self.asked(round_), round_.not_voted(empty))

    def asked(self, round_: Round) -> tuple[ReviewerRef, ...]:
        """Return the people that a round waits for, by account if the account is known."""
        named = self.directory.in_slack(crew_for(round_, self.crews).permitted(Role.REVIEWER))
        return round_.not_voted(named)

    async def stands_in_for(self, user: str) -> tuple[Absence, ...]:
        return await self.uow.read.absences.find(at=self.clock(), delegate=user)

    async def reasons_for(self, user: str) -> names.Why:
        return self.reasons(user, await self.stands_in_for(user))

    def reasons(self, user: str, away: Sequence[Absence]) -> names.Why:
        return lambda one: names.why(one, user, self.asked(one), self.directory.users, away)
