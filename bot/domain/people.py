"""How the settings name people, and what people may be for a crew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Role(StrEnum):
    """What a person may do for a crew."""

    REVIEWER = "reviewer"
    """Decides on its reviews."""
    STARTER = "starter"
    """Starts it from Slack."""
    OPERATOR = "operator"
    """Looks after it when something fails."""
    READER = "reader"
    """Reads what it wrote and how its executions go."""


@dataclass(frozen=True, slots=True)
class User:
    """One Slack user, by id."""

    id: str

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class UserGroup:
    """Everybody in a Slack user group, by its id."""

    id: str

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Email:
    """The Slack user with this e-mail address."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class EmailOwner:
    """The account that an address stands for, until an operator confirms another one."""

    address: str
    user: str
    moved_to: str | None = None
    """The account that Slack names now, where that is another one."""

    def seen_with(self, account: str) -> EmailOwner:
        """The same, now that Slack names this account."""
        return replace(self, moved_to=None if account == self.user else account)


@dataclass(frozen=True, slots=True)
class Anyone:
    """Anybody in the channel."""

    def __str__(self) -> str:
        return "*"


ReviewerRef = User | UserGroup | Email | Anyone
"""One entry of a list of people in the settings; `str` gives it back as it is written there."""
