"""A rule, as the settings have it and as it is kept with the rounds it was applied to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from crewgate.domain.notify import Notify
from crewgate.domain.people import ReviewerRef
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.working_hours import WorkingHours


class Then(StrEnum):
    """What happens when nobody decides in time."""

    REVISE = "revise"
    """It is sent back with the rule's words."""
    APPROVE = "approve"
    """The crew goes on."""
    LEAVE = "leave"
    """It goes on waiting; everybody is told once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Those who have not voted are reminded, `most` times at most."""

    after: Duration
    every: Duration | None = None
    """None: each pause is twice as long as the one before."""
    most: int = 3


@dataclass(frozen=True, slots=True)
class Escalation:
    """More people may decide, and are told, when nobody did for a while."""

    after: Duration
    to: tuple[ReviewerRef, ...]


@dataclass(frozen=True, slots=True)
class TimeOut:
    """What the rule itself does when nobody decided."""

    after: Duration
    then: Then = Then.LEAVE
    feedback: str = ""
    """What a revision says; never empty for REVISE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The first whose conditions hold counts; what it leaves out (None) comes from the crew."""

    name: str
    when: Conditions = field(default_factory=Conditions)
    channel: str | None = None
    reviewers: tuple[ReviewerRef, ...] | None = None
    approvals: int = 1
    """How many different people must approve."""
    self_approval: bool = True
    """Whether who started the execution may approve it."""
    unknown_starter: bool = True
    """Whether approving is allowed where nobody knows who started it and `self_approval` is off."""
    notify: Notify | None = None
    target: Duration | None = None
    """How soon a decision is wanted."""
    remind: Reminders | None = None
    escalate: Escalation | None = None
    timeout: TimeOut | None = None
    working_hours: WorkingHours | None = None
    delegation: bool = True
    """Whether somebody who is away may be stood in for."""
