"""Slack, as the rest of the bot reaches it: everything that is built once for a workspace."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain.crew import Crew
from crewgate.domain.people import Anyone, Email, ReviewerRef, Role
from crewgate.slack.client.directory import OwnerOf, SlackDirectory
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.posting import Poster
from crewgate.slack.messenger import SlackMessenger
from crewgate.slack.reviews.people import People
from crewgate.usecases.ports.base import Clock, OffLoop
from crewgate.usecases.read_models import StoredRule


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAdapters:
    """One client and what works with it."""

    client: AsyncWebClient
    directory: SlackDirectory
    messenger: SlackMessenger


def build(
    crews: Iterable[Crew],
    *,
    identity: Identity,
    clock: Clock,
    steady: Clock,
    owner_of: OwnerOf,
    off_loop: OffLoop,
    rules: Iterable[StoredRule] = (),
) -> SlackAdapters:
    """The adapters; the directory looks up the people and channels that `crews` name.

    Those of their rules too, and of `rules`, under which rounds were opened before.
    """
    client = identity.client
    poster = Poster(client, clock=clock)
    crews = tuple(crews)
    by_name = {crew.name: crew for crew in crews}
    looked_up = (*crews, *_under_rules(by_name, tuple(rules)))
    in_settings = frozenset(_people((*crews, *_under_rules(by_name, ()))))
    earlier = frozenset(_people(looked_up)) - in_settings
    once = frozenset(ref for ref in earlier if isinstance(ref, Email))
    directory = SlackDirectory(
        client,
        in_settings | (earlier - once),
        once=once,
        identity=identity,
        owner_of=owner_of,
        clock=steady,
        channels=(crew.channel for crew in looked_up),
        open_channels=frozenset(
            crew.channel
            for crew in looked_up
            for role in (Role.REVIEWER, Role.STARTER)
            if Anyone() in crew.permitted(role)
        ),
    )

    async def named_in_slack(named: Sequence[ReviewerRef]) -> tuple[ReviewerRef, ...]:
        await directory.resolve(named)
        return directory.in_slack(named)

    return SlackAdapters(
        client=client,
        directory=directory,
        messenger=SlackMessenger(
            client,
            poster,
            clock=clock,
            off_loop=off_loop,
            link=identity.link,
            people=People(by_name, directory, clock),
            named_in_slack=named_in_slack,
        ),
    )


def _people(crews: Iterable[Crew]) -> Iterator[ReviewerRef]:
    return (ref for crew in crews for role in Role for ref in crew.permitted(role))


def _under_rules(crews: Mapping[str, Crew], rules: Iterable[StoredRule]) -> Iterator[Crew]:
    for crew in crews.values():
        for rule in crew.rules:
            yield crew.under(rule, escalated=True)
    for stored in rules:
        if stored.crew in crews:
            yield crews[stored.crew].under(stored.rule, escalated=True)
