"""One deployment: a name, a channel, reviewers, and the webhook URLs it is configured with."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import EllipsisType
from typing import Any, Self, assert_never
from urllib.parse import quote, unquote, urlsplit

from crewgate.domain import parsers
from crewgate.domain.masking import NOTHING, Masking
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.people import Anyone, Notify, ReviewerRef, Role
from crewgate.domain.rules.rule import NO_RULE, Naming, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A crew as the rules know it; its URL and secrets stay in the settings."""

    name: str
    channel: str = field(
        metadata=parsers.metadata_of(
            parsers.parse_channel,
            "where its reviews go: an id or `#name`",
            shared="SLACK_CHANNEL",
            example='"C0123456789"',
        )
    )
    reviewers: tuple[ReviewerRef, ...] = field(
        metadata=parsers.metadata_of(
            parsers.parse_reviewers,
            'who may decide, a list of user ids, e-mails and user-group ids; `"*"` in it ='
            " anyone in the channel, except guests and people of other organisations. An empty"
            " list is nobody, and stops the start of a crew that takes no flow requests",
            shared="REVIEWERS",
            example='["U0123456789", "lead@example.com", "S0123456789"]',
        )
    )
    starters: tuple[ReviewerRef, ...] | None = parsers.setting(
        None,
        parsers.parse_reviewers,
        "who may start this crew with `/crew kickoff`, a list like `reviewers`; an empty"
        " one is nobody",
        name="kickers",
        default="`reviewers`",
        example='["U0123456789", "S0123456789"]',
    )
    operators: tuple[ReviewerRef, ...] = parsers.setting(
        (),
        parsers.parse_reviewers,
        "who looks after this crew, a list like `reviewers`; they may read what it does."
        " An empty one is nobody",
        shared="OPERATORS",
        example='["S0PLATFORM1"]',
    )
    notify: Notify = parsers.setting(
        Notify.MENTION,
        parsers.one_of(tuple(Notify)),
        "how the reviewers are told that a round waits: `mention` mentions them (50 at most)"
        " once on its card, `dm` sends each (50 at most) a private message with the buttons,"
        " `none` leaves it to them to look. A review's later rounds are in its thread;"
        " with `none`, or where nobody is named but `*`, in the channel too",
        shared="NOTIFY",
        example='"mention"',
    )
    resend_human_input: bool = parsers.setting(
        True,
        parsers.parse_flag,
        "whether a resume carries `humanInputWebhook` too",
        name="resend_human_input_webhook",
        example="true",
    )
    forward: bool = parsers.setting(
        False,
        parsers.parse_flag,
        "take the crew's task, step and crew webhooks here and forward each to the URL the"
        " caller gave; needs `PUBLIC_URL`",
        example="false",
    )
    retention: timedelta | None = parsers.setting(
        None,
        parsers.parse_retention,
        "how long texts of an execution stay after its end, in days, as `90d`, or `for ever`; then"
        " they are [removed](run.md#remove-texts), and who decided what stays",
        shared="RETENTION",
        example='"90d"',
    )
    digest: str | None = parsers.setting(
        None,
        parsers.parse_channel,
        "where this crew's [numbers](cards.md#in-numbers) of a week are posted on Mondays at"
        " 8:00 UTC: an id or `#name`",
        default="nowhere",
        example='"C0123456789"',
    )
    lessons_expire: timedelta | None = parsers.setting(
        timedelta(days=90),
        parsers.parse_retention,
        "how long a kept [lesson](cards.md#lessons) is given to kickoffs, in days, or `for ever`",
        default="`90d`",
        example='"90d"',
    )
    run_url: str = parsers.setting(
        "",
        parsers.parse_run_url,
        "https address of a run, linked from cards, Home, notices and the end;"
        " `{execution_id}`, `{task_id}` and `{crew}` after its host are filled in",
        default="none",
        example='"https://traces.example.com/{execution_id}"',
    )
    rules: tuple[Rule, ...] = parsers.setting(
        (),
        parsers.parse_tables,
        "who decides on some of its reviews, how many, where, and what time brings: a table"
        " `[[crews.NAME.rules]]` for each, see [Rules](rules.md)",
    )
    """The first rule whose conditions hold counts for a new round."""
    unnamed: bool = False
    """Nobody decides until Slack has resolved the rule's `reviewers_from`."""
    redact: Masking = NOTHING
    configured: WebhookUrls = WebhookUrls()
    is_fetched: bool = False
    """The crew has no URL: the asking process fetches its decisions."""
    own: WebhookUrls = WebhookUrls()
    """This bot's own addresses for the crew's webhooks; empty without a public URL."""

    def under(self, rule: Rule, *, escalated: bool = False) -> Self:
        if rule is NO_RULE:
            return self  # unchanged, so the slow copy is saved
        reviewers = self.permitted(Role.REVIEWER) if rule.reviewers is None else rule.reviewers
        if escalated and rule.escalate is not None:
            reviewers = tuple(dict.fromkeys((*reviewers, *rule.escalate.to)))
        return replace(
            self,
            channel=rule.channel or self.channel,
            reviewers=reviewers,
            unnamed=rule.naming is Naming.PENDING,
            # The starters are the crew's own: reviewers whom a rule names may not start the crew.
            starters=self.permitted(Role.STARTER),
            notify=rule.notify or self.notify,
        )

    def people_under(self, rule: Rule) -> Iterator[tuple[ReviewerRef, ...]]:
        """Yield each list of people without whom a round under a rule may wait for ever.

        The groups of `approvals_from` are a list each, since each must approve.
        """
        if rule.approvals_from:
            yield from ((group,) for group, _ in rule.approvals_from)
        elif named := self.under(rule).permitted(Role.REVIEWER):
            yield named
        if rule.escalate is not None:
            yield rule.escalate.to

    def rule_for_round(self, rule: Rule) -> Rule:
        """Return a new round's rule without the crew's own channel; PENDING with `reviewers_from`.

        A stored channel gives the round a thread of its own, whatever the settings say later.
        """
        channel = None if rule.channel == self.channel else rule.channel
        naming = None if rule.reviewers_from is None else Naming.PENDING
        if (channel, naming) == (rule.channel, rule.naming):
            return rule  # unchanged: no slow copy is made
        return replace(rule, channel=channel, naming=naming)

    def run_link(self, execution_id: str, task_id: str = "") -> str:
        """Return the address of a run; empty without `run_url`, or if an id it needs is no path."""
        link = self.run_url
        given = (self.name, execution_id, task_id)
        for part, value in zip(parsers.RUN_PARTS, given, strict=True):
            if part in link and not value.strip("."):
                return ""  # a browser takes `..` for the path above
            link = link.replace(part, quote(value, safe="", errors="replace"))
        return link

    def permitted(self, role: Role) -> tuple[ReviewerRef, ...]:
        match role:
            case Role.REVIEWER:
                # Only a crew that takes flows' requests may name neither: then assignees decide.
                return () if self.unnamed else self.reviewers or self.operators
            case Role.STARTER:
                named = self.starters
                return self.permitted(Role.REVIEWER) if named is None else named
            case Role.OPERATOR:
                return self.operators
            case Role.READER:
                named = (*self.reviewers, *self.permitted(Role.STARTER), *self.operators)
                return tuple(dict.fromkeys((*named, Anyone())))
            case _:
                assert_never(role)

    def webhooks_for_resume(self, registered: WebhookUrls, carried: WebhookUrls) -> WebhookUrls:
        """Return the URLs that a resume carries.

        Each URL is the first that exists: registered for the execution, carried by the
        notification, configured for the crew, this bot's own. An address of ours is always sent as
        configured, with our credentials: the received address may have lost these on its way.
        """
        found = registered.or_else(carried).or_else(self.configured).or_else(self.own)
        here = {kind: getattr(self.own, kind) or url for kind, url in self._events_here(found)}
        urls = replace(found, **here, human_input=self._own_human_input(found.human_input))
        if self.forward:
            urls = replace(self.own.or_else(urls), human_input=urls.human_input)
        return urls if self.resend_human_input else replace(urls, human_input=None)

    def webhooks_for_kickoff(self, given: WebhookUrls) -> WebhookUrls:
        """Return a kickoff's URLs: the caller's, the crew's or ours; human input comes to us."""
        urls = given.or_else(self.configured).or_else(self.own)
        if self.forward:
            urls = self.own.or_else(urls)
        return replace(urls, human_input=self.own.human_input)

    def forwards_to(self, given: WebhookUrls) -> WebhookUrls:
        if not self.forward:
            return WebhookUrls()
        urls = given.or_else(self.configured)
        here = {kind: None for kind, _ in self._events_here(urls)}
        return replace(urls, **here, human_input=None)

    def _own_human_input(self, webhook: HumanInputWebhook | None) -> HumanInputWebhook | None:
        if webhook is None:
            return None
        if not self._leads_here(webhook.url, "human-input"):
            return webhook.without_unreadable
        # `own` is empty without a public URL. Then nobody knows whether the host of this URL is
        # the bot's, so no secret of the bot is added; and the bot would refuse calls of a webhook
        # that came without credentials.
        return self.own.human_input or (webhook if webhook.has_credentials else None)

    def _events_here(self, urls: WebhookUrls) -> Iterator[tuple[str, Any]]:
        """Yield the kind and URL of task, step and crew webhooks that lead to this bot."""
        for kind in ("task", "step", "crew"):
            url = getattr(urls, kind)
            if url is not None and self._leads_here(url, "events", kind, ...):
                yield kind, url

    def _leads_here(self, url: str, *path: str | EllipsisType) -> bool:
        """Return True if a URL's path is one of this bot's for the crew, under any host.

        In `path`, `...` stands for any one segment.
        """
        try:
            given = urlsplit(url).path
        except ValueError:
            return False
        segments = [unquote(segment) for segment in given.split("/") if segment]
        wanted = ("crews", self.name, *path)
        return len(segments) >= len(wanted) and all(
            part is ... or part == segment
            for part, segment in zip(wanted, segments[-len(wanted) :], strict=True)
        )
