"""What became of `reviewers_from`: the person whom an execution's own data names."""

from enum import StrEnum
from typing import Final


class Naming(StrEnum):
    """What became of it for one round; where nobody is named, the usual reviewers decide."""

    PENDING = "pending"
    """Slack has not been asked yet, or has not answered: nobody decides."""
    NAMED = "named"
    """That person decides."""
    MISSING = "missing"
    """The execution was not started through this bot with that value."""
    UNCLEAR = "unclear"
    """It may come of several kickoffs without an answer, which name others: operators decide."""
    UNREADABLE = "unreadable"
    """The value is neither an e-mail address nor a user id."""
    NO_MEMBER = "no_member"
    """It is nobody's, or that of a guest, an app, a deactivated account, or a stranger."""
    STARTER = "starter"
    """It names who started the execution, where they may not approve it."""
    NOT_TOLD = "not_told"
    """Slack refuses to say whose it is."""


#: A round whose rule is one of these has the reviewers that came of it, not the usual ones.
WITH_REVIEWERS: Final = frozenset({Naming.NAMED, Naming.UNCLEAR})
