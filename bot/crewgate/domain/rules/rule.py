"""A rule, as the settings have it and as it is stored with its rounds."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from crewgate.domain import parsers
from crewgate.domain.people import Notify, ReviewerRef, UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.verdict import Needed, assign


class Naming(StrEnum):
    """The state of `reviewers_from` for a round. If it names nobody, the usual people decide."""

    PENDING = "pending"
    """Slack has not answered yet: nobody decides."""
    NAMED = "named"
    MISSING = "missing"
    """The execution was not started through this bot with that value."""
    UNCLEAR = "unclear"
    """Unanswered kickoffs, any perhaps the execution's, name several people: operators decide."""
    UNREADABLE = "unreadable"
    NO_MEMBER = "no_member"
    """The value names no account, or a guest, an app, a deactivated account, or a stranger."""
    STARTER = "starter"
    """The named person started the execution and may not approve it."""
    NOT_TOLD = "not_told"
    """Slack refuses to name the account of the address."""


#: States in which resolving `reviewers_from` has replaced the usual reviewers of a round's rule.
WITH_REVIEWERS: Final = frozenset({Naming.NAMED, Naming.UNCLEAR})


class TimeoutAction(StrEnum):
    """The end of a round that nobody decided in time."""

    REVISE = "revise"
    APPROVE = "approve"
    LEAVE = "leave"
    """The round goes on waiting; everybody is told once."""


class Decide(StrEnum):
    """A rule's decision on a call without a person."""

    ALLOW = "allow"
    """The call runs."""
    REFUSE = "refuse"
    """The agent is told the rule's reason."""


#: The time for which an approval of a call holds if the rule names no time.
VALID_FOR: Final = Duration.parse("1h")
#: The options that ask people, or act after a time: a rule with `decide` has none of them.
_ASKS_PEOPLE: Final = (
    *("reviewers", "reviewers_from", "approvals", "approvals_from"),
    *("remind", "escalate", "timeout"),
)

_AFTER: Final = parsers.metadata_of(
    parsers.parse_duration, "how long after the card", missing='a duration, as "4h"', example='"2h"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Reminders of the people who have not voted."""

    after: Duration = field(metadata=_AFTER)
    every: Duration | None = parsers.setting(
        None,
        parsers.parse_duration,
        "how long after the one before",
        default="each time twice as long as before",
        example='"4h"',
    )
    most: int = parsers.setting(
        3, parsers.whole_number(20), "how many there are at most", example="3"
    )


@dataclass(frozen=True, slots=True)
class Escalation:
    """People who may decide too, and are told so, after some time without a decision."""

    after: Duration = field(metadata=_AFTER)
    to: tuple[ReviewerRef, ...] = field(
        metadata=parsers.metadata_of(
            parsers.parse_rule_reviewers,
            "who may decide then too, a list like `reviewers`",
            missing="who may decide then too, a list like reviewers",
            example='["lead@example.com"]',
        )
    )


@dataclass(frozen=True, slots=True)
class TimeOut:
    """The rule's own act if nobody decides in time."""

    after: Duration = field(metadata=_AFTER)
    then: TimeoutAction = parsers.setting(
        TimeoutAction.LEAVE,
        parsers.one_of(tuple(TimeoutAction)),
        "`revise` sends it back with `feedback`, `approve` lets the crew go on, `leave`"
        " says so in the thread and goes on waiting",
        example='"revise"',
    )
    feedback: str = parsers.setting(
        "",
        parsers.parse_text,
        "what the crew is told by `revise`, which needs it",
        default="none",
        example='"Nobody looked in time. Stop here."',
    )
    most: int = parsers.setting(
        2,
        parsers.whole_number(20),
        "how many times in a row `revise` sends it back with nobody there; then it waits, and"
        " the operators are called",
        example="2",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a crew; if an option is None, the crew's own setting counts."""

    name: str = field(
        metadata=parsers.metadata_of(
            parsers.parse_rule_name,
            "what people call the rule; cards, reminders and answers name it",
            missing="what people call this rule, in quotes",
            example='"contracts over the limit"',
        )
    )
    when: Conditions = parsers.setting(
        Conditions(),
        parsers.inline('{ task = "contract_*" }'),
        "which reviews it is for: all that is given must hold",
        default="every review",
        example='{ task = "contract_*", contains = ["indemnif", "liability"] }',
    )
    decide: Decide | None = parsers.setting(
        None,
        parsers.one_of(tuple(Decide)),
        "for calls of tools: `allow` or `refuse` them without a person; `allow` needs"
        " `when.tool`, and never lets a call run that may have run already",
        default="people decide",
        example='"refuse"',
        instead_of=_ASKS_PEOPLE,
    )
    reason: str = parsers.setting(
        "",
        parsers.parse_text,
        "what the agent is told by `refuse`, which needs it",
        default="none",
        example='"Purchases over 1,000 are made by hand."',
        instead_of=_ASKS_PEOPLE,
    )
    by_letters: tuple[str, ...] = ()
    """For a round: the patterns of `when` that fit by their letters and digits alone."""
    channel: str | None = parsers.setting(
        None,
        parsers.parse_channel,
        "where the card goes: an id or `#name`",
        default="the crew's",
        example='"C0123456789"',
    )
    reviewers: tuple[ReviewerRef, ...] | None = parsers.setting(
        None,
        parsers.parse_rule_reviewers,
        "who may decide, a list as the crew's",
        default="the crew's",
        example='["S0123456789", "lead@example.com"]',
    )
    reviewers_from: str | None = parsers.setting(
        None,
        parsers.parse_reviewers_from,
        "where a kickoff through this bot says who decides: the name of one of its inputs, or"
        " of a value in `meta`, that is an e-mail address or a user id",
        example='"inputs.manager_email"',
        instead_of=("approvals", "approvals_from"),
    )
    naming: Naming | None = None
    """The state of `reviewers_from` for a round; with NAMED, `reviewers` are the people named."""
    approvals: int = parsers.setting(
        1,
        parsers.whole_number(parsers.MOST_APPROVALS),
        "how many different people must approve; one Revise sends it back at once",
        example="2",
    )
    approvals_from: Needed = parsers.setting(
        (),
        parsers.parse_approvals_from,
        "user groups, each with how many of its people must approve; each person counts for"
        " one of them",
        example='{ "S0LEGAL" = 1, "S0FINANCE" = 1 }',
        instead_of=("reviewers", "approvals"),
    )
    """If set, `reviewers` are these groups, and `approvals` is the sum of their numbers."""
    self_approval: bool = parsers.setting(
        True,
        parsers.parse_flag,
        "whether who started the execution may approve; they may always ask for a revision",
        example="false",
    )
    unknown_starter: bool = parsers.setting(
        True,
        parsers.parse_allow,
        "with `self_approval = false`, whether anybody may approve where nobody knows who"
        " started it: `allow` or `deny`",
        default="`allow`",
        example='"allow"',
    )
    notify: Notify | None = parsers.setting(
        None,
        parsers.one_of(tuple(Notify)),
        "how reviewers are told, as the crew's: `mention`, `dm` or `none`",
        default="the crew's",
        example='"mention"',
    )
    target: Duration | None = parsers.setting(
        None, parsers.parse_duration, "how soon a decision is wanted", example='"4wh"'
    )
    remind: Reminders | None = parsers.setting(
        None,
        parsers.inline('{ after = "2h" }'),
        "when those who have not voted are reminded",
        default="never",
        example='{ after = "2h", every = "4h", most = 3 }',
    )
    escalate: Escalation | None = parsers.setting(
        None,
        parsers.inline('{ after = "1d", to = ["lead@example.com"] }'),
        "when more people may decide, and who",
        default="never",
        example='{ after = "1d", to = ["lead@example.com"] }',
    )
    timeout: TimeOut | None = parsers.setting(
        None,
        parsers.inline('{ after = "3d" }'),
        "what the rule does when nobody decided in time",
        default="nothing",
        example='{ after = "3d", then = "revise", feedback = "Nobody looked in time. Stop here." }',
    )
    working_hours: WorkingHours | None = parsers.setting(
        None,
        parsers.parse_working_hours,
        "when reminders may come, and which hours `wh` counts",
        default="always",
        example='"Mon-Fri 09:00-17:30 Europe/Berlin"',
    )
    valid_for: Duration | None = parsers.setting(
        None,
        parsers.parse_duration,
        "with `when.tool`: how long an approval of a call holds; if it was not carried out by then,"
        " people are asked anew",
        default="`1h`",
        example='"1h"',
        only_with="when.tool",
    )
    delegation: bool = parsers.setting(
        True, parsers.parse_flag, "whether somebody who is away may be stood in for", example="true"
    )
    ask_about_masks: bool = parsers.setting(
        True,
        parsers.parse_flag,
        "whether Approve asks first where something is masked that this person was not shown",
        example="false",
    )

    @property
    def allows(self) -> bool:
        return self.decide is Decide.ALLOW


NO_RULE: Final = Rule(name="")
"""The rule of a round for which only the crew's own settings count."""


def valid_for(rule: Rule) -> Duration:
    """Return how long an approval of a call holds."""
    return rule.valid_for or VALID_FOR


def most_approvals(
    rule: Rule, people: Collection[str], members: Callable[[UserGroup], Collection[str]]
) -> int:
    """Return how many of these people's approvals can count together under a rule.

    People in none of the rule's groups decide once the rule has escalated, and count for any group.
    """
    if not rule.approvals_from:
        return len(people)
    by_group = {group: members(group) for group, _ in rule.approvals_from}
    able = ([one for one in by_group if user in by_group[one]] or by_group for user in people)
    counted = assign(rule.approvals_from, able)
    return len(counted) - counted.count(None)
