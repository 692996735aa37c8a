"""The keys of a rule in `crews.toml`: how each is read, its default and what it means."""

from __future__ import annotations

from typing import Final

from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Then
from crewgate.settings import parsers
from crewgate.settings import rule_parsers as rules
from crewgate.settings.setting import CrewOption, Option

RULES: Final = CrewOption(
    name="rules",
    field="rules",
    parse=rules.parse_tables,
    default=(),
    meaning=(
        "who decides on some of its reviews, how many, where, and what time brings: a table"
        " `[[crews.NAME.rules]]` for each, see [Rules](rules.md)"
    ),
    default_text="none",
    example="",
)
"""A key of a crew."""

RULE: Final = (
    Option(
        name="name",
        field="name",
        parse=rules.parse_rule_name,
        default="",
        missing="what people call this rule, in quotes",
        meaning="what people call the rule; cards, reminders and answers name it",
        example='"contracts over the limit"',
    ),
    Option(
        name="when",
        field="when",
        parse=rules.inline('{ task = "contract_*" }'),
        default=Conditions(),
        meaning="which reviews it is for: all that is given must hold",
        default_text="every review",
        example='{ task = "contract_*", contains = ["indemnif", "liability"] }',
    ),
    Option(
        name="channel",
        field="channel",
        parse=parsers.parse_channel,
        default=None,
        meaning="where the card goes: an id or `#name`",
        default_text="the crew's",
        example='"C0123456789"',
    ),
    Option(
        name="reviewers",
        field="reviewers",
        parse=rules.parse_rule_reviewers,
        default=None,
        meaning="who may decide, a list as the crew's",
        default_text="the crew's",
        example='["S0123456789", "lead@example.com"]',
    ),
    Option(
        name="approvals",
        field="approvals",
        parse=rules.whole_number(rules.MOST_APPROVALS),
        default=1,
        meaning="how many different people must approve; one Revise sends it back at once",
        example="2",
    ),
    Option(
        name="self_approval",
        field="self_approval",
        parse=parsers.parse_flag,
        default=True,
        meaning="whether who started the execution may approve; they may always ask for changes",
        example="false",
    ),
    Option(
        name="unknown_starter",
        field="unknown_starter",
        parse=rules.parse_allow,
        default=True,
        meaning=(
            "with `self_approval = false`, whether anybody may approve where nobody knows who"
            " started it: `allow` or `deny`"
        ),
        default_text="`allow`",
        example='"allow"',
    ),
    Option(
        name="notify",
        field="notify",
        parse=parsers.parse_notify,
        default=None,
        meaning="how reviewers are told, as the crew's: `mention`, `dm` or `none`",
        default_text="the crew's",
        example='"mention"',
    ),
    Option(
        name="target",
        field="target",
        parse=rules.parse_duration,
        default=None,
        meaning="how soon a decision is wanted",
        example='"4wh"',
    ),
    Option(
        name="remind",
        field="remind",
        parse=rules.inline('{ after = "2h" }'),
        default=None,
        meaning="when those who have not voted are reminded",
        default_text="never",
        example='{ after = "2h", every = "4h", most = 3 }',
    ),
    Option(
        name="escalate",
        field="escalate",
        parse=rules.inline('{ after = "1d", to = ["lead@example.com"] }'),
        default=None,
        meaning="when more people may decide, and who",
        default_text="never",
        example='{ after = "1d", to = ["lead@example.com"] }',
    ),
    Option(
        name="timeout",
        field="timeout",
        parse=rules.inline('{ after = "3d" }'),
        default=None,
        meaning="what the rule does when nobody decided in time",
        default_text="nothing",
        example='{ after = "3d", then = "revise", feedback = "Nobody looked in time. Stop here." }',
    ),
    Option(
        name="working_hours",
        field="working_hours",
        parse=rules.parse_working_hours,
        default=None,
        meaning="when reminders may come, and which hours `wh` counts",
        default_text="always",
        example='"Mon-Fri 09:00-17:30 Europe/Berlin"',
    ),
    Option(
        name="delegation",
        field="delegation",
        parse=parsers.parse_flag,
        default=True,
        meaning="whether somebody who is away may be stood in for",
        example="true",
    ),
)
"""Every key of a rule."""

WHEN: Final = (
    Option(
        name="task",
        field="task",
        parse=rules.parse_glob,
        default=None,
        meaning="a pattern for the task's name or id",
        example='"contract_*"',
    ),
    Option(
        name="agent",
        field="agent",
        parse=rules.parse_glob,
        default=None,
        meaning="a pattern for the agent's role",
        example='"Lawyer*"',
    ),
    Option(
        name="contains",
        field="contains",
        parse=rules.parse_contains,
        default=(),
        meaning="a list of texts; one of them is in the output",
        example='["indemnif", "liability"]',
    ),
    Option(
        name="json",
        field="json",
        parse=rules.parse_json,
        default=(),
        meaning=(
            "values of an output that is JSON, by their paths (`items.0.price`): a pattern, or"
            " `>=`, `>`, `<=`, `<`, `=` or `!=` and a number"
        ),
        example='{ "budget.eur" = ">= 50000" }',
    ),
    Option(
        name="inputs",
        field="inputs",
        parse=rules.parse_values,
        default=(),
        meaning="inputs of the execution, each with a pattern",
        example='{ country = "D*" }',
    ),
    Option(
        name="meta",
        field="meta",
        parse=rules.parse_values,
        default=(),
        meaning="the same for what its caller said in `meta`",
        example='{ region = "EU" }',
    ),
)
"""Every key of `when`; what is left out holds for every review."""

_AFTER: Final = Option(
    name="after",
    field="after",
    parse=rules.parse_duration,
    default=None,
    missing='a duration, as "4h"',
    meaning="how long after the card",
    example='"2h"',
)
REMIND: Final = (
    _AFTER,
    Option(
        name="every",
        field="every",
        parse=rules.parse_duration,
        default=None,
        meaning="how long after the one before",
        default_text="each time twice as long as before",
        example='"4h"',
    ),
    Option(
        name="most",
        field="most",
        parse=rules.whole_number(rules.MOST_REMINDERS),
        default=3,
        meaning="how many there are at most",
        example="3",
    ),
)
ESCALATE: Final = (
    _AFTER,
    Option(
        name="to",
        field="to",
        parse=rules.parse_rule_reviewers,
        default=(),
        missing="who may decide then too, a list like reviewers",
        meaning="who may decide then too, a list like `reviewers`",
        example='["lead@example.com"]',
    ),
)
TIMEOUT: Final = (
    _AFTER,
    Option(
        name="then",
        field="then",
        parse=rules.parse_then,
        default=Then.LEAVE,
        meaning=(
            "`revise` sends it back with `feedback`, `approve` lets the crew go on, `leave` says"
            " so in the thread and goes on waiting"
        ),
        example='"revise"',
    ),
    Option(
        name="feedback",
        field="feedback",
        parse=rules.parse_feedback,
        default="",
        meaning="what the crew is told by `revise`, which needs it",
        default_text="none",
        example='"Nobody looked in time. Stop here."',
    ),
)
