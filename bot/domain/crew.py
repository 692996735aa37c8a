"""One deployment: a name, a channel, reviewers, and the webhook URLs it is configured with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.notification import WebhookUrls

ANYONE = "*"
"""The reviewer that stands for anybody in the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What the rules need to know of a crew; its URL and token stay with its client."""

    name: str
    channel: str
    """A Slack channel id, or `#name`."""
    reviewers: tuple[str, ...]
    """User ids, e-mail addresses, user-group ids, or ANYONE."""
    configured: WebhookUrls = WebhookUrls()
    own: WebhookUrls = WebhookUrls()
    """This bot's own addresses for the crew's webhooks; empty without a public URL."""
    resend_human_input: bool = True

    def webhooks_for_resume(self, registered: WebhookUrls, carried: WebhookUrls) -> WebhookUrls:
        """The URLs a resume carries: per URL, the first that exists.

        Registered for the execution, carried by the notification itself, configured for the
        crew, this bot's own.
        """
        urls = registered.or_else(carried).or_else(self.configured).or_else(self.own)
        return urls if self.resend_human_input else replace(urls, human_input=None)
