"""The bot's own identity in Slack, looked up ahead of time: links need it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain import errors, outcome, people
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.client import newer_blocks, web_api
from crewgate.usecases.installations import Installations
from crewgate.usecases.ports.base import Sleep
from crewgate.usecases.read_models import MessageRef

log = structlog.get_logger(__name__)

#: Seconds until Slack is asked again who this bot is: ASK_AGAIN if it did not answer or refused the
#: bot, else ASK_LATER, so that a revoked token is noticed within 5 minutes.
ASK_AGAIN = 15
ASK_LATER = 300


class NoWorkspaceFits(web_api.CallFailed):
    """The app is in no workspace, in several, or not in the workspace of the settings."""


class Identity:
    """The workspace's address, and whether Slack accepts this bot."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        sleep: Sleep,
        installations: Installations,
        team: str | None = None,
    ) -> None:
        self.client = client
        self._team = team
        self._sleep = sleep
        self._installations = installations
        self._remembered: people.Installation | None = None
        self._installation: people.Installation | None = None
        self._asking = asyncio.Lock()
        self.warning: str | None = "Slack has not been asked yet"
        """The reason why Slack does not accept this bot; None while it does."""
        self._must_be_chosen = False
        """True if no workspace fits Slack's answer: then only `run` asks again."""
        self.user: str | None = None
        self._off: frozenset[str] = frozenset()
        self.has_answered = asyncio.Event()
        self.takes_alerts: bool | None = None
        """True if forms may have alerts; None until Slack tells."""

    def lacks(self, scope: str) -> bool:
        """Return True if the app was installed without an optional scope."""
        return scope in self._off

    def link(self, card: MessageRef) -> str | None:
        """Return a message's address, built as Slack builds it, without a call.

        https://docs.slack.dev/reference/methods/chat.getPermalink
        """
        if self._installation is None:
            return None
        where = f"{self._installation.url}archives/{card.channel}"
        link = f"{where}/p{card.ts.replace('.', '')}"
        if card.thread_ts != card.ts:
            link += f"?thread_ts={card.thread_ts}&cid={card.channel}"
        return link

    @property
    def is_known(self) -> bool:
        """True if Slack has named this bot, perhaps before this start."""
        return self._installation is not None

    def is_own_team(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Return True for a workspace or organisation that the app is installed in."""
        return self._installation is not None and self._installation.includes(
            team_id, enterprise_id
        )

    def is_own_organisation(self, team_id: str | None, enterprise_id: str | None) -> bool:
        return self._installation is not None and self._installation.is_own_organisation(
            team_id, enterprise_id
        )

    async def team(self) -> str | None:
        """Return the bot's workspace; None if Slack has never named it.

        An app of a whole organisation must name a workspace in calls about it; Slack ignores this
        with any other token (https://docs.slack.dev/reference/methods/usergroups.users.list).
        """
        await self.ask_once()
        return None if self._installation is None else self._installation.team_id

    async def recall(self) -> None:
        """Load an earlier start's identity, used until Slack answers. Raises StoreUnavailable."""
        self._remembered = self._installation = await self._installations.recall()

    async def ask_once(self) -> None:
        async with self._asking:
            if not (self.is_known or self._must_be_chosen):
                await self.ask()

    async def ask(self) -> None:
        try:
            answer, scopes = await web_api.granted_scopes(self.client)
            installation = await find_installation(
                self.client, answer, team=self._team, before=self._installation
            )
        except web_api.CallFailed as error:
            why = str(error)
            if why != self.warning:
                log.warning("slack_does_not_accept_us", why=why)
            self.warning, self._must_be_chosen = why, isinstance(error, NoWorkspaceFits)
            return
        if self.warning is not None:
            log.info("slack_accepts_us", team=answer.get("team"), bot=answer.get("user_id"))
        off = web_api.OPTIONAL_SCOPES.keys() - (scopes or web_api.OPTIONAL_SCOPES)
        if off != self._off:
            log.warning("optional_scopes_changed", without=sorted(off))
        self._off = frozenset(off)
        self.has_answered.set()
        self._installation, self.warning = installation, None
        self.user = str(answer.get("user_id"))
        if installation != self._remembered:
            try:
                await self._installations.remember(installation)
            except errors.StoreUnavailable as error:
                log.warning("installation_not_remembered", why=str(error))
            else:
                self._remembered = installation

    def note_refusal(self, error: web_api.CallFailed, view: Block) -> None:
        """Let forms have no alerts until the next start, if Slack refused a form with one.

        Slack does not document if a refused form uses up its trigger, which counts once. So this
        form is not sent again: the next press gets a plain one.
        """
        has_alerts = any(block["type"] == "alert" for block in view["blocks"])
        if has_alerts and str(error) in newer_blocks.REFUSALS:
            self.takes_alerts = False

    async def run(self) -> None:
        while True:
            await self.ask()
            if self.takes_alerts is None and not self.warning:
                self.takes_alerts = await newer_blocks.takes("alert", self.client)
            await self._sleep(ASK_AGAIN if self.warning else ASK_LATER)


async def find_installation(
    client: AsyncWebClient,
    answer: Mapping[str, Any],
    *,
    team: str | None,
    before: people.Installation | None = None,
) -> people.Installation:
    """Return the installation that an answer of `auth.test` describes.

    Its workspace is `team` of the settings, else the workspace of `before`, else the app's only
    one. Raises CallFailed; NoWorkspaceFits with advice if none of these fits.
    """
    whole_enterprise = bool(answer.get("is_enterprise_install"))
    of_enterprise = whole_enterprise or answer.get("enterprise_id")
    enterprise_id = web_api.text_at(answer, "enterprise_id") if of_enterprise else None
    if whole_enterprise:
        # https://docs.slack.dev/reference/methods/auth.teams.list
        granted = {
            web_api.text_at(team, "id"): str(team.get("name") or "")
            async for page in web_api.pages(client, "auth.teams.list")
            for team in web_api.objects_in(page, "teams")
        }
    else:
        granted = {web_api.text_at(answer, "team_id"): str(answer.get("team") or "")}
    if team is None and before is not None and before.team_id in granted:
        team = before.team_id
    if team is None and len(granted) == 1:
        [team] = granted
    if team not in granted:
        listed = ", ".join(f"{id_} {name}".strip() for id_, name in sorted(granted.items()))
        raise NoWorkspaceFits(outcome.NotSent(_what_to_do(team, listed)))
    return people.Installation(
        url=web_api.text_at(answer, "url"),
        team_id=team,
        enterprise_id=enterprise_id,
        whole_enterprise=whole_enterprise,
    )


def _what_to_do(team: str | None, granted: str) -> str:
    if not granted:
        return "the app is added to no workspace of its organisation; have an administrator add it"
    if team is None:
        return f"the app is in several workspaces; put one of these into SLACK_TEAM: {granted}"
    return f"the app is not in SLACK_TEAM ({team}); it is in {granted}: put that there, or add it"
