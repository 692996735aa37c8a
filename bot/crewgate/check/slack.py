"""The checks in Slack: the token and its scopes, the socket, each channel, each person."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from slack_sdk.web.async_client import AsyncWebClient

from crewgate.check import findings
from crewgate.check.findings import Finding, doubtful, skipped, wrong
from crewgate.check.settings import people_of
from crewgate.domain.people import Anyone, Email, Installation, ReviewerRef, Role, User, UserGroup
from crewgate.settings.crew import CrewSettings
from crewgate.slack.client import newer_blocks, web_api
from crewgate.slack.client.identity import find_installation
from crewgate.slack.client.web_api import OPTIONAL_SCOPES
from crewgate.slack.manifest import BOT_SCOPES
from crewgate.slack.trial import render_trial_card
from crewgate.slack.words import names
from crewgate.usecases.ports.base import Clock
from crewgate.web.slack_events import clock_is_off

ANYBODY = "anybody in the channel, except guests and people of other organisations"

#: The difference from which a clock is reported: at five minutes the bot refuses Slack's requests,
#: but a difference of seconds may come from a slow answer of Slack to `check`.
CLOCK_MAY_BE_OFF = timedelta(minutes=2)
#: The most members of a user group that `check` asks Slack about, one by one.
ASKED_ABOUT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackCheck:
    """The checks in one workspace."""

    client: AsyncWebClient
    app_token: str | None
    channels: Mapping[str, str]
    """The setting to correct, by channel; empty if it is a crew's `channel`."""
    people: Mapping[ReviewerRef, Role]
    team: str | None
    owners: Mapping[str, str]
    send_test_card: bool
    clock: Clock
    known: dict[ReviewerRef, frozenset[str]] = field(default_factory=dict)
    """The user ids behind each name in settings, filled from Slack's answers."""

    async def findings(self) -> AsyncIterator[Finding]:
        installed, silent = None, "the workspace is not known"
        try:
            answer, scopes = await web_api.granted_scopes(self.client)
        except web_api.CallFailed as error:
            silent = findings.why_slack_is_silent(error)
            yield findings.refused_by_slack("slack", error)
            yield skipped("scopes", silent)
        else:
            try:
                installed = await find_installation(self.client, answer, team=self.team)
            except web_api.CallFailed as error:
                yield findings.refused_by_slack("slack", error)
            else:
                yield _where(answer, installed)
            yield _scopes(scopes)
            yield await _blocks(self.client)
            there = await web_api.time_told(self.client)
            ahead = timedelta() if there is None else self.clock() - there
            if abs(ahead) > CLOCK_MAY_BE_OFF:
                problem = f"{clock_is_off(ahead)}; the bot refuses what is 5 min off; set the clock"
                yield wrong("clock", problem)
        if self.app_token:
            yield await _socket(self.client, self.app_token)
        for channel, setting in self.channels.items():
            place = channel_place(channel)
            found = await self._channel(channel, installed) if installed else None
            yield found.of(setting) if found else skipped(place, silent)
            if self.send_test_card:
                place = f"test card in {channel}"
                yield await self._post(place, channel) if installed else skipped(place, silent)
        for ref, role in self.people.items():
            place = f"{role} {ref}"
            asking = self._person(place, ref, installed.team_id) if installed else None
            yield await asking if asking else skipped(place, silent)

    async def _channel(self, channel: str, installed: Installation) -> Finding:
        place = channel_place(channel)
        channel_id: str | None = channel
        try:
            if channel.startswith("#"):
                found = web_api.channel_named(self.client, channel[1:], team_id=installed.team_id)
                channel_id = await found
            if channel_id is None:
                problem = (
                    "the bot is in no channel of this name; /invite it, or put the channel's id"
                )
                return wrong(place, problem)
            await web_api.attempt(self.client.conversations_history(channel=channel_id, limit=1))
            await web_api.attempt(self.client.conversations_members(channel=channel_id, limit=1))
            # Both read an archived channel, too, which takes no messages.
            info = await web_api.attempt(self.client.conversations_info(channel=channel_id))
        except web_api.CallFailed as error:
            return findings.refused_by_slack(place, error)
        if channel_id != channel and installed.whole_enterprise:
            problem = f"an organisation may have several of this name; put its id, {channel_id}"
            return wrong(place, problem)
        if web_api.object_in(info, "channel").get("is_archived"):
            return wrong(place, findings.advised("is_archived"))
        better = "" if channel_id == channel else f"; its id {channel_id} stays when it is renamed"
        return Finding(place, f"readable{better}")

    async def _post(self, place: str, channel: str) -> Finding:
        card = render_trial_card()
        try:
            await web_api.call(
                self.client, "chat.postMessage", channel=channel, text=card.text, blocks=card.blocks
            )
        except web_api.CallFailed as error:
            return findings.refused_by_slack(place, error)
        return Finding(place, "posted; press its buttons while the bot runs (crewgate serve)")

    async def _person(self, place: str, ref: ReviewerRef, team_id: str | None) -> Finding:
        try:
            match ref:
                case User(id):
                    answer = await web_api.attempt(self.client.users_info(user=id))
                    self.known[ref] = _people(web_api.object_in(answer, "user"))
                    return _user(place, answer)
                case UserGroup(id):
                    asking = self.client.usergroups_users_list(usergroup=id, team_id=team_id)
                    answer = await web_api.attempt(asking)
                    people = await self._able(frozenset(map(str, web_api.list_at(answer, "users"))))
                    self.known[ref] = people
                    if not people:
                        problem = "nobody is in this user group; put somebody in, or name others"
                        return wrong(place, problem)
                    return Finding(place, findings.count_people(len(people)))
                case Email(address):
                    answer = await web_api.attempt(self.client.users_lookupByEmail(email=address))
                    self.known[ref] = _people(web_api.object_in(answer, "user"))
                    return self._address(place, address, answer)
                case Anyone():
                    return Finding(place, ANYBODY)
                case _:
                    assert_never(ref)
        except web_api.CallFailed as error:
            if getattr(error.failure, "code", "") in findings.UNKNOWN:
                self.known[ref] = frozenset()
            return findings.refused_by_slack(place, error)

    async def _able(self, members: frozenset[str]) -> frozenset[str]:
        """Return the members of a group who can decide; of a large group, all members."""
        if len(members) > ASKED_ABOUT:
            return members
        for one in map(User, sorted(members)):
            if one not in self.known:
                await self._person("", one, None)
        return frozenset(one for one in members if self.known.get(User(one), one))

    def _address(self, place: str, address: str, answer: Mapping[str, object]) -> Finding:
        account = web_api.text_at(answer, "user", "id")
        known = self.owners.get(address.lower(), account)
        if known == account:
            return _user(place, answer)
        problem = (
            f"the address is {account}'s now and was {known}'s; if that is right:"
            f" crewgate check --confirm-reviewer {address} {account}"
        )
        return wrong(place, problem)


def channel_place(channel: str) -> str:
    return f"channel {channel}"


def named_people(crews: Iterable[CrewSettings]) -> dict[ReviewerRef, Role]:
    """Return reviewers, then starters, then operators, each person in the first role only."""
    named: dict[ReviewerRef, Role] = {}
    every = tuple(crews)
    in_role: dict[Role, Callable[[CrewSettings], tuple[ReviewerRef, ...]]] = {
        Role.REVIEWER: people_of,
        Role.STARTER: lambda crew: crew.starters or (),
        Role.OPERATOR: lambda crew: crew.operators,
    }
    for role, people in in_role.items():
        refs = {ref for crew in every for ref in people(crew)}
        for ref in sorted(refs, key=str):
            named.setdefault(ref, role)
    return named


def _where(answer: Mapping[str, object], installed: Installation) -> Finding:
    who = f"{answer.get('user')} in {answer.get('team')}"
    if installed.whole_enterprise:
        return Finding("slack", f"{who}, an organisation; for its workspace {installed.team_id}")
    of_one = ", a workspace of an organisation" if installed.enterprise_id else ""
    return Finding("slack", f"{who}{of_one}")


def _scopes(granted: frozenset[str] | None) -> Finding:
    if granted is None:
        return skipped("scopes", "Slack's answer does not name them")
    lacks = [scope for scope in BOT_SCOPES if scope not in granted]
    missing = [f"{one} ({BOT_SCOPES[one]})" for one in lacks if one not in OPTIONAL_SCOPES]
    if not lacks:
        return Finding("scopes", f"all {len(BOT_SCOPES)}")
    if not missing:
        off = "; ".join(f"{OPTIONAL_SCOPES[one]} ({one})" for one in lacks)
        return doubtful("scopes", f"all that are needed; off: {off}")
    problem = (
        f"missing {', '.join(missing)}; put the manifest's scopes into the app's settings and"
        " install it again"
    )
    return wrong("scopes", problem)


async def _blocks(client: AsyncWebClient) -> Finding:
    answers = {name: await newer_blocks.takes(name, client) for name in newer_blocks.BLOCKS}
    if None in answers.values():
        why = "Slack does not tell which this workspace takes"
        return skipped("blocks", f"{why}; refused ones have plain ones in their place")
    instead = newer_blocks.BLOCKS
    refused = [f"{name} ({instead[name]} instead)" for name in answers if not answers[name]]
    if refused:
        named = names.in_words(refused)
        return doubtful("blocks", f"this workspace refuses {named}; nothing needs to be done")
    return Finding("blocks", names.in_words([*answers]))


async def _socket(slack: AsyncWebClient, app_token: str) -> Finding:
    place = "slack socket"
    try:
        await web_api.attempt(slack.apps_connections_open(app_token=app_token))
    except web_api.CallFailed as error:
        if not findings.is_refusal(error):
            return findings.refused_by_slack(place, error)
        problem = f"{error}; put an app-level token with connections:write into SLACK_APP_TOKEN"
        return wrong(place, problem)
    return Finding(place, "can be opened")


def _people(user: Mapping[str, object]) -> frozenset[str]:
    """Return the user's id; nothing for a deleted user or an app."""
    if user.get("deleted") is True or user.get("is_bot") is True:
        return frozenset()
    return frozenset({str(user.get("id"))})


def _user(place: str, answer: Mapping[str, object]) -> Finding:
    user = web_api.object_in(answer, "user")
    if user.get("deleted") is True:
        return wrong(place, "this account is deactivated; name somebody else")
    if user.get("is_bot") is True:
        return wrong(place, "this is an app, which decides nothing; name a person")
    return Finding(place, str(user.get("real_name") or user.get("name") or ""))
