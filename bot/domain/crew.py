"""One deployment: a name, a channel, reviewers, and the webhook URLs it is configured with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.notification import WebhookUrls
from bot.domain.people import ReviewerRef, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What the rules need to know of a crew; its URL and token stay with its client."""

    name: str
    channel: str
    """A Slack channel id, or `#name`."""
    reviewers: tuple[ReviewerRef, ...]
    """Who may decide."""
    configured: WebhookUrls = WebhookUrls()
    own: WebhookUrls = WebhookUrls()
    """This bot's own addresses for the crew's webhooks; empty without a public URL."""
    resend_human_input: bool = True
    starters: tuple[ReviewerRef, ...] = ()
    """Who may start it from Slack; nobody named: the reviewers."""
    forward: bool = False
    """The bot takes the webhooks itself and hands each on to the URL the caller gave."""

    def permitted(self, role: Role) -> tuple[ReviewerRef, ...]:
        """Who has this role for the crew."""
        match role:
            case Role.REVIEWER:
                return self.reviewers
            case Role.STARTER:  # pragma: no branch  # there is no third
                return self.starters or self.reviewers

    def webhooks_for_resume(self, registered: WebhookUrls, carried: WebhookUrls) -> WebhookUrls:
        """The URLs a resume carries: per URL, the first that exists.

        Registered for the execution, carried by the notification itself, configured for the
        crew, this bot's own.
        """
        urls = registered.or_else(carried).or_else(self.configured).or_else(self.own)
        if self.forward:
            urls = replace(self.own.or_else(urls), human_input=urls.human_input)
        return urls if self.resend_human_input else replace(urls, human_input=None)

    def webhooks_for_kickoff(self, given: WebhookUrls) -> WebhookUrls:
        """The URLs a kickoff carries: the caller's, the crew's, this bot's; pauses come to us."""
        urls = given.or_else(self.configured).or_else(self.own)
        if self.forward:
            urls = self.own.or_else(urls)
        return replace(urls, human_input=self.own.human_input)

    def forwards_to(self, given: WebhookUrls) -> WebhookUrls:
        """Where webhooks that come to us are forwarded: never to ourselves."""
        if not self.forward:
            return WebhookUrls()
        urls = given.or_else(self.configured)
        return WebhookUrls(
            task=urls.task if urls.task != self.own.task else None,
            step=urls.step if urls.step != self.own.step else None,
            crew=urls.crew if urls.crew != self.own.crew else None,
        )
