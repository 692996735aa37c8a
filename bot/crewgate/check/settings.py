"""The checks of settings, and of their rules against the people whom Slack knows."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from crewgate.check.findings import Finding, count_people, doubtful, skipped, wrong
from crewgate.crews import short_secrets
from crewgate.domain.people import Anyone, ReviewerRef, UserGroup
from crewgate.domain.redaction import SHORTEST
from crewgate.domain.rules.rule import Decide, Rule, most_approvals
from crewgate.encryption import MAKE_KEY
from crewgate.network.untrusted_addresses import is_private_url
from crewgate.settings.crew import CrewSettings
from crewgate.settings.crew import doubtful as doubtful_rules
from crewgate.settings.load import Settings
from crewgate.slack.words.names import counted

#: Matches Slack's signing secrets.
_SIGNING_SECRET: Final = re.compile(r"[0-9a-z]{32}")
_ROUTE: Final = re.compile(r"/(?:kickoff|inputs|status|resume)\Z")
_PLAIN: Final = "is plain http at a public host: its secret can be read on its way; use https"


_SHORT: Final = f"has fewer than {SHORTEST} characters, so no text loses it; use a longer one"


def check_settings(settings: Settings) -> Iterator[Finding]:
    crews = settings.crews.values()
    yield Finding("settings", counted(len(crews), "crew"))
    for doubt in settings.doubts:
        yield doubtful("settings", doubt)
    secret = settings.slack_signing_secret
    if secret is not None and not _SIGNING_SECRET.fullmatch(secret):
        why = (
            "this is no signing secret of Slack's, which has 32 letters and digits; put the one"
            " there of Slack's page Basic Information, App Credentials"
        )
        yield wrong("SLACK_SIGNING_SECRET", why)
    if not settings.secret_keys:
        why = (
            "not set, which is fine to try this out; credentials of webhooks stand in the database"
            f" as they came until you set it to what `{MAKE_KEY}` prints"
        )
        yield doubtful("SECRET_KEYS", why)
    for name in short_secrets(settings):
        yield doubtful(name.upper(), f"its secret {_SHORT}")
    if settings.public_url and _is_open(settings.public_url):
        yield doubtful("PUBLIC_URL", _PLAIN)
    for crew in crews:
        for name in short_secrets(crew):
            yield doubtful(f"crew “{crew.name}”", f"its {name.replace('_', ' ')} {_SHORT}")
        url = crew.url or ""
        if _is_open(url):
            yield doubtful(f"crew “{crew.name}”", f"its url {_PLAIN}")
        if route := _ROUTE.search(url):
            why = f"its url ends in {route[0]}; put the deployment's own address there, without it"
            yield wrong(f"crew “{crew.name}”", why)


def _is_open(url: str) -> bool:
    return url.lower().startswith("http:") and not is_private_url(url)


Known = Mapping[ReviewerRef, frozenset[str]]
"""The user ids behind a name in settings: none if Slack knows nobody; unasked names are missing."""


def check_rules(crews: Iterable[CrewSettings], known: Known) -> Iterator[Finding]:
    for crew in crews:
        for rule, place in zip(crew.rules, crew.places, strict=True):
            yield from _unknown_people(rule, place, known)
            yield from _check(rule, place, crew, known)
        for place, why in doubtful_rules(crew):
            yield doubtful(place, why)


def people_of(crew: CrewSettings) -> tuple[ReviewerRef, ...]:
    """Return everybody who may decide for a crew, also by its rules."""
    later = map(_escalated_to, crew.rules)
    named = (rule.reviewers or () for rule in crew.rules)
    return tuple(dict.fromkeys(chain(crew.reviewers, *named, *later)))


def channels_of(crew: CrewSettings) -> Iterator[tuple[str | None, str]]:
    """Yield each channel of cards and digests, with its setting, or "" for the crew's `channel`."""
    for rule, place in zip(crew.rules, crew.places, strict=True):
        yield rule.channel, f"{place}.channel"
    yield crew.digest, f"crews.{crew.name}.digest"
    yield crew.channel, ""


def _unknown_people(rule: Rule, place: str, known: Known) -> Iterator[Finding]:
    """Yield a finding for each person that a rule names and Slack does not know."""
    first = "approvals_from" if rule.approvals_from else "reviewers"
    for key, refs in ((first, rule.reviewers), ("escalate.to", _escalated_to(rule))):
        for ref in refs or ():
            if known.get(ref) == frozenset():
                is_group = isinstance(ref, UserGroup)
                why = f"nobody is in {ref}" if is_group else f"Slack knows nobody by {ref}"
                yield wrong(f"{place}.{key}", f"{why}; put people of this workspace there")


def decides_alone(rule: Rule) -> str:
    """Return what a rule with `decide` does, as a clause without a subject."""
    calls = f"calls of {rule.when.tool}" if rule.when.tool else "calls of tools"
    if rule.decide is Decide.ALLOW:
        return f"allows {calls} without a person"
    return f"refuses {calls} without a person: {rule.reason}"


def _check(rule: Rule, place: str, crew: CrewSettings, known: Known) -> Iterator[Finding]:
    if rule.decide is not None:
        yield Finding(place, decides_alone(rule))
        return
    first = rule.reviewers or crew.reviewers
    named = (*first, *_escalated_to(rule))
    needed = counted(rule.approvals, "approval")
    if rule.approvals > 1 and crew.flow_webhook_secret:
        needed = f"{needed} (one person answers what a flow's ask() asks)"
    if rule.reviewers_from is not None:
        needed += f", of the person in {rule.reviewers_from}; where it names nobody"
    if not first:
        yield Finding(place, f"{needed}, of whom the request assigns")
    elif Anyone() in named:
        yield Finding(place, f"{needed}, of anybody in the channel")
    elif any(ref not in known for ref in named):
        yield skipped(place, "Slack could not be asked for all of its people")
    else:
        people = frozenset(chain.from_iterable(known[ref] for ref in named))
        able = most_approvals(rule, people, known.__getitem__)
        if able < rule.approvals:
            key = "approvals_from" if rule.approvals_from else "approvals"
            yield wrong(f"{place}.{key}", _too_few(rule, able, known))
            return
        yield Finding(place, f"{needed}, of {count_people(len(people))}")
        at_first = frozenset(chain.from_iterable(known[ref] for ref in first))
        if most_approvals(rule, at_first, known.__getitem__) < rule.approvals:
            why = (
                f"before the escalation {_may_decide(len(at_first))}, which is not enough;"
                " name more reviewers if that is not meant"
            )
            yield doubtful(place, why)
        if not rule.self_approval and any(
            most_approvals(rule, people - {one}, known.__getitem__) < rule.approvals
            for one in people
        ):
            yield doubtful(place, _alone(rule))


def _escalated_to(rule: Rule) -> tuple[ReviewerRef, ...]:
    return () if rule.escalate is None else rule.escalate.to


def _too_few(rule: Rule, people: int, known: Known) -> str:
    if rule.approvals_from:
        short = [
            f"; {count_people(there)} {'is' if there == 1 else 'are'} in {group}"
            for group, count in rule.approvals_from
            if (there := len(known[group])) < count
        ]
        return (
            f"{rule.approvals} people, each for one group, but only {people} can"
            f" approve{''.join(short)}; put smaller numbers there, or more people into the groups"
        )
    if not people:
        return "nobody may decide; put people of this workspace into reviewers"
    return f"{rule.approvals}, but {_may_decide(people)}; put {people} there, or name more people"


def _alone(rule: Rule) -> str:
    if rule.approvals_from:
        why = "who started it may not approve it, and without some of its people too few are left"
    elif rule.approvals == 1:
        why = "its only reviewer may not approve what they started themselves"
    else:
        why = "all of its reviewers must approve, and one who started it may not"
    return f"{why}; name another reviewer, or put self_approval = true there"


def _may_decide(people: int) -> str:
    return f"only {count_people(people)} may decide" if people else "nobody may decide"
