"""Who this bot is in Slack, asked ahead of time: needed for links, and the first thing to fail."""

from __future__ import annotations

import asyncio

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client.answers import text_at
from bot.slack.client.web_api import CallFailed, attempt
from bot.usecases.ports.base import Sleep
from bot.usecases.read_models import MessageRef

log = structlog.get_logger(__name__)

#: How long until Slack is asked again, in seconds: while it did not answer, and once it has.
#: A revoked token shows up within the second.
ASK_AGAIN = 15
ASK_LATER = 300


class Identity:
    """The workspace's address, and whether Slack accepts this bot."""

    def __init__(self, client: AsyncWebClient, *, sleep: Sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._url: str | None = None
        self._team_id: str | None = None
        self._enterprise_id: str | None = None
        self._whole_enterprise = False
        self._asking = asyncio.Lock()
        self.warning: str | None = "Slack has not been asked yet"
        """Why Slack does not accept this bot; None while it does."""

    def link(self, card: MessageRef) -> str | None:
        """The address of a message, put together as Slack does, without asking it each time.

        https://docs.slack.dev/reference/methods/chat.getPermalink
        """
        if self._url is None:
            return None
        link = f"{self._url}archives/{card.channel}/p{card.ts.replace('.', '')}"
        if card.thread_ts != card.ts:
            link += f"?thread_ts={card.thread_ts}&cid={card.channel}"
        return link

    @property
    def is_known(self) -> bool:
        """Whether Slack has ever told who this bot is."""
        return self._team_id is not None or self._enterprise_id is not None

    def is_own_team(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Whether the app is installed there, so that a request from there is for this bot."""
        if self._whole_enterprise:
            return enterprise_id is not None and enterprise_id == self._enterprise_id
        return team_id is not None and team_id == self._team_id

    def is_own_organisation(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Whether people of this workspace are colleagues: it is the bot's, or of its enterprise.

        An enterprise is Slack's word for several workspaces of one organisation.
        """
        if enterprise_id is not None and enterprise_id == self._enterprise_id:
            return True
        return team_id is not None and team_id == self._team_id

    async def ask_once(self) -> None:
        """Ask Slack who this bot is, unless it has told before."""
        async with self._asking:
            if not self.is_known:
                await self.ask()

    async def ask(self) -> None:
        """Ask Slack who this bot is."""
        try:
            answer = await attempt(self._client.auth_test())
            url = text_at(answer, "url")
        except CallFailed as error:
            why = str(error)
            if why != self.warning:
                log.warning("slack_does_not_accept_us", why=why)
            self.warning = why
            return
        if self.warning is not None:
            log.info("slack_accepts_us", team=answer.get("team"), bot=answer.get("user_id"))
        self._url, self.warning = url, None
        self._team_id = answer.get("team_id") or None
        self._enterprise_id = answer.get("enterprise_id") or None
        self._whole_enterprise = bool(answer.get("is_enterprise_install"))

    async def run(self) -> None:
        """Keep asking until cancelled."""
        while True:
            await self.ask()
            await self._sleep(ASK_AGAIN if self.warning else ASK_LATER)
