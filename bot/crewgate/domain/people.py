"""People in the settings, their roles, and the ways to notify them."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class Role(StrEnum):
    """A person's role for a crew."""

    REVIEWER = "reviewer"
    STARTER = "starter"
    OPERATOR = "operator"
    READER = "reader"


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
    """The account of an e-mail address, until an operator confirms another account."""

    address: str
    user: str
    moved_to: str | None = None

    def seen_with(self, account: str) -> Self:
        return replace(self, moved_to=None if account == self.user else account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The bot's installation in Slack: in a workspace, or in an enterprise as a whole.

    An enterprise is Slack's word for several workspaces of one organisation.
    """

    url: str
    team_id: str | None
    """The workspace; for an enterprise as a whole, the bot's main workspace in it."""
    enterprise_id: str | None = None
    whole_enterprise: bool = False

    def includes(self, team_id: str | None, enterprise_id: str | None) -> bool:
        if self.whole_enterprise:
            return enterprise_id is not None and enterprise_id == self.enterprise_id
        return team_id is not None and team_id == self.team_id

    def is_own_organisation(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Return True if this workspace is ours or our enterprise's: its people are colleagues."""
        if enterprise_id is not None and enterprise_id == self.enterprise_id:
            return True
        return team_id is not None and team_id == self.team_id


@dataclass(frozen=True, slots=True)
class Anyone:
    """Anybody in the channel."""

    def __str__(self) -> str:
        return "*"


ReviewerRef = User | UserGroup | Email | Anyone
"""One entry of a list of people in the settings; `str` returns it as written there."""


class Notify(StrEnum):
    """The way to notify the reviewers of a waiting round."""

    MENTION = "mention"
    DM = "dm"
    NONE = "none"
    """No notification: people look into the channel or Home."""
