"""The rules of the crews, and who may decide under them.

Each fifth crew has none. A rule keeps out EXCLUDED, whom the crew itself would let decide.
"""

from dataclasses import dataclass
from typing import Final

from tests.soak.labels import CARE

OF_THE_LOAD: Final = "crew"
"""The beginning of the names of the load's crews, and of no others."""
GROUP: Final = "S0REVIEWERS"
REVIEWER: Final = "U0PERSON"
"""The beginning of the ids of the group's people."""
EXCLUDED: Final = "U0EXCLUDED"
STARTER: Final = "U0STARTER"
"""In the group too; named as the starter of what is kicked off through the bot."""
LEAD: Final = "U0LEAD"
AWAY: Final = "U0AWAY"
DELEGATE: Final = "U0DELEGATE"
BESIDE: Final = "U0BESIDE"
"""The reviewer besides the one who is away."""
COMES: Final = "U0COMES"
"""Goes away and is back, again and again."""
MEANWHILE: Final = "U0MEANWHILE"
"""Decides for COMES meanwhile."""
GROUPS: Final = {"S0FIRST": AWAY, "S0SECOND": BESIDE}
"""Groups of one person each."""
NAMED: Final = (EXCLUDED, STARTER, LEAD, AWAY, DELEGATE, BESIDE, COMES, MEANWHILE)
#: What a crew is told by a time-out that sends its output back.
TIMED_OUT: Final = "Nobody reviewed this in time."

Vote = tuple[str, str | None]
"""The person who decided, and the absent person, if there is one."""
_RIGHTS: Final[frozenset[Vote]] = frozenset(
    {(BESIDE, None), (DELEGATE, AWAY), (COMES, None), (MEANWHILE, COMES)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; the default is that of a crew without any."""

    name: str = ""
    approvals: int = 1
    people: tuple[str, ...] = ()
    """The people who decide; empty: people of the group."""
    has_channel: bool = False
    others_approve: bool = False
    """The starter may not approve."""
    after: int | None = None
    """Seconds until the time-out; LEAD may decide after a third of that."""
    then: str = "leave"
    by_groups: bool = False
    """Each group approves."""
    careful: bool = False
    """A rule before it takes two people, and no time-out, for what has CARE in it."""

    @property
    def most(self) -> int:
        """The most approvals that it may take."""
        return self.needed(care=True)

    def needed(self, *, care: bool) -> int:
        """Return the number of approvals for a text with, or without, CARE in it."""
        return 2 if self.careful and care else self.approvals

    def table(self, crew: str, channel: str) -> str:
        """The rule in the settings."""
        if not self.name:
            return ""
        reviewers = [AWAY, BESIDE, COMES] if self.people else [GROUP]
        lines = [f"reviewers = {reviewers}", f"approvals = {self.approvals}"]
        if self.by_groups:
            needed = ", ".join(f'"{group}" = 1' for group in GROUPS)
            lines = [f"approvals_from = {{ {needed} }}"]
        lines += [f'channel = "{channel}"'] if self.has_channel else []
        lines += ['notify = "mention"'] if not self.people else []
        lines += ["self_approval = false"] if self.others_approve else []
        if self.after is not None:
            words = f', feedback = "{TIMED_OUT}"' if self.then == "revise" else ""
            lines += [
                f'remind = {{ after = "{self.after // 5}s", every = "5s", most = 2 }}',
                f'escalate = {{ after = "{self.after // 3}s", to = ["{LEAD}"] }}',
                f'timeout = {{ after = "{self.after}s", then = "{self.then}"{words} }}',
            ]
        begin = f"[[crews.{crew}.rules]]"
        first = [
            begin,
            'name = "with care"',
            f'when = {{ contains = ["{CARE}"] }}',
            f'reviewers = ["{GROUP}"]',
            "approvals = 2",
            'notify = "mention"',
        ]
        rule = [begin, f'name = "{self.name}"', *lines, ""]
        return "\n".join([*(first if self.careful else []), *rule])

    def allows(self, vote: Vote, *, escalated: bool) -> bool:
        """True if this person may decide; the starter is looked at elsewhere."""
        by, absent = vote
        if self.people:
            return by in self.people and vote in _RIGHTS
        in_group = by.startswith(REVIEWER) or by == STARTER
        return absent is None and (in_group or (by == LEAD and escalated))


RULES: Final = (
    Rule(),
    Rule(name="two eyes", approvals=2, has_channel=True, others_approve=True),
    Rule(name="sent back in time", after=15, then="revise"),
    Rule(name="stood in for", approvals=2, people=(BESIDE, DELEGATE, COMES, MEANWHILE)),
    Rule(name="passed in time", approvals=2, after=18, then="approve"),
    Rule(name="as written", after=21, then="approve", careful=True),
    Rule(name="one of each", approvals=2, people=(BESIDE, DELEGATE), by_groups=True),
)


def rule_of(crew: str) -> Rule:
    """The rule of a crew, by its name."""
    return RULES[int(crew.removeprefix("crew")) % len(RULES)]
