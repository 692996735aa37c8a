"""A rule, as the settings have it and as it is kept with the rounds it was applied to."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from crewgate.domain.notify import Notify
from crewgate.domain.parsers import one_of, parse_channel, parse_flag, parse_text
from crewgate.domain.people import ReviewerRef, UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.naming import Naming
from crewgate.domain.rules.parsers import (
    MOST_APPROVALS,
    inline,
    parse_allow,
    parse_approvals_from,
    parse_duration,
    parse_reviewers_from,
    parse_rule_name,
    parse_rule_reviewers,
    parse_working_hours,
    whole_number,
)
from crewgate.domain.rules.working_hours import WorkingHours
from crewgate.domain.setting import Setting


class Then(StrEnum):
    """The end of a round that nobody decided in time."""

    REVISE = "revise"
    """It is sent back with the rule's words."""
    APPROVE = "approve"
    """The crew goes on."""
    LEAVE = "leave"
    """It goes on waiting; everybody is told once."""


Needed = tuple[tuple[UserGroup, int], ...]
"""User groups, each with the number of its people that must approve."""

After = Annotated[
    Duration,
    Setting(
        parse_duration, "how long after the card", missing='a duration, as "4h"', example='"2h"'
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Reminders of the people who have not voted."""

    after: After
    every: Annotated[
        Duration | None,
        Setting(
            parse_duration,
            "how long after the one before",
            default="each time twice as long as before",
            example='"4h"',
        ),
    ] = None
    most: Annotated[int, Setting(whole_number(20), "how many there are at most", example="3")] = 3


@dataclass(frozen=True, slots=True)
class Escalation:
    """More people who may decide, and are called, when nobody did for a while."""

    after: After
    to: Annotated[
        tuple[ReviewerRef, ...],
        Setting(
            parse_rule_reviewers,
            "who may decide then too, a list like `reviewers`",
            missing="who may decide then too, a list like reviewers",
            example='["lead@example.com"]',
        ),
    ]


@dataclass(frozen=True, slots=True)
class TimeOut:
    """The rule's own act when nobody decided."""

    after: After
    then: Annotated[
        Then,
        Setting(
            one_of(tuple(Then)),
            "`revise` sends it back with `feedback`, `approve` lets the crew go on, `leave`"
            " says so in the thread and goes on waiting",
            example='"revise"',
        ),
    ] = Then.LEAVE
    feedback: Annotated[
        str,
        Setting(
            parse_text,
            "what the crew is told by `revise`, which needs it",
            default="none",
            example='"Nobody looked in time. Stop here."',
        ),
    ] = ""
    """Never empty for REVISE."""
    most: Annotated[
        int,
        Setting(
            whole_number(20),
            "how many times in a row `revise` sends it back with nobody there; then it waits, and"
            " the operators are called",
            example="2",
        ),
    ] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The first whose conditions hold counts; what it leaves out (None) comes from the crew."""

    name: Annotated[
        str,
        Setting(
            parse_rule_name,
            "what people call the rule; cards, reminders and answers name it",
            missing="what people call this rule, in quotes",
            example='"contracts over the limit"',
        ),
    ]
    when: Annotated[
        Conditions,
        Setting(
            inline('{ task = "contract_*" }'),
            "which reviews it is for: all that is given must hold",
            default="every review",
            example='{ task = "contract_*", contains = ["indemnif", "liability"] }',
        ),
    ] = field(default_factory=Conditions)
    channel: Annotated[
        str | None,
        Setting(
            parse_channel,
            "where the card goes: an id or `#name`",
            default="the crew's",
            example='"C0123456789"',
        ),
    ] = None
    reviewers: Annotated[
        tuple[ReviewerRef, ...] | None,
        Setting(
            parse_rule_reviewers,
            "who may decide, a list as the crew's",
            default="the crew's",
            example='["S0123456789", "lead@example.com"]',
        ),
    ] = None
    reviewers_from: Annotated[
        str | None,
        Setting(
            parse_reviewers_from,
            "where a kickoff through this bot says who decides: the name of one of its inputs, or"
            " of a value in `meta`, that is an e-mail address or a user id",
            example='"inputs.manager_email"',
            instead_of=("approvals", "approvals_from"),
        ),
    ] = None
    naming: Naming | None = None
    """What became of `reviewers_from`, in the rule of a round: with NAMED they are `reviewers`."""
    approvals: Annotated[
        int,
        Setting(
            whole_number(MOST_APPROVALS),
            "how many different people must approve; one Revise sends it back at once",
            example="2",
        ),
    ] = 1
    approvals_from: Annotated[
        Needed,
        Setting(
            parse_approvals_from,
            "user groups, each with how many of its people must approve; each person counts for"
            " one of them",
            example='{ "S0LEGAL" = 1, "S0FINANCE" = 1 }',
            instead_of=("reviewers", "approvals"),
        ),
    ] = ()
    """Then `reviewers` are these groups, and `approvals` is the sum."""
    self_approval: Annotated[
        bool,
        Setting(
            parse_flag,
            "whether who started the execution may approve; they may always ask for a revision",
            example="false",
        ),
    ] = True
    unknown_starter: Annotated[
        bool,
        Setting(
            parse_allow,
            "with `self_approval = false`, whether anybody may approve where nobody knows who"
            " started it: `allow` or `deny`",
            default="`allow`",
            example='"allow"',
        ),
    ] = True
    notify: Annotated[
        Notify | None,
        Setting(
            one_of(tuple(Notify)),
            "how reviewers are told, as the crew's: `mention`, `dm` or `none`",
            default="the crew's",
            example='"mention"',
        ),
    ] = None
    target: Annotated[
        Duration | None, Setting(parse_duration, "how soon a decision is wanted", example='"4wh"')
    ] = None
    remind: Annotated[
        Reminders | None,
        Setting(
            inline('{ after = "2h" }'),
            "when those who have not voted are reminded",
            default="never",
            example='{ after = "2h", every = "4h", most = 3 }',
        ),
    ] = None
    escalate: Annotated[
        Escalation | None,
        Setting(
            inline('{ after = "1d", to = ["lead@example.com"] }'),
            "when more people may decide, and who",
            default="never",
            example='{ after = "1d", to = ["lead@example.com"] }',
        ),
    ] = None
    timeout: Annotated[
        TimeOut | None,
        Setting(
            inline('{ after = "3d" }'),
            "what the rule does when nobody decided in time",
            default="nothing",
            example=(
                '{ after = "3d", then = "revise", feedback = "Nobody looked in time. Stop here." }'
            ),
        ),
    ] = None
    working_hours: Annotated[
        WorkingHours | None,
        Setting(
            parse_working_hours,
            "when reminders may come, and which hours `wh` counts",
            default="always",
            example='"Mon-Fri 09:00-17:30 Europe/Berlin"',
        ),
    ] = None
    delegation: Annotated[
        bool,
        Setting(parse_flag, "whether somebody who is away may be stood in for", example="true"),
    ] = True
    ask_about_masks: Annotated[
        bool,
        Setting(
            parse_flag,
            "whether Approve asks first where something is masked that this person was not shown",
            example="false",
        ),
    ] = True
