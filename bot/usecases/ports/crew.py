"""A crew's REST API and the callers' addresses, as the use cases see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.domain.notification import WebhookUrls
from bot.domain.outcome import Outcome
from bot.domain.verdict import Decision
from bot.usecases.read_models import (
    ForwardedWebhook,
    Progress,
    StatusUnavailable,
)


class CrewClient(Protocol):
    """One crew's REST API."""

    async def resume(
        self, execution_id: str, task_id: str, decision: Decision, webhooks: WebhookUrls
    ) -> Outcome:
        """Tell the crew a decision."""
        ...

    async def status(self, execution_id: str) -> Progress | StatusUnavailable:
        """Ask the crew how far an execution is; it has 2 s to answer."""
        ...


CrewClients = Mapping[str, CrewClient]


class WebhookForwarder(Protocol):
    """The callers' addresses."""

    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        """Bring a webhook there, in one try."""
        ...
