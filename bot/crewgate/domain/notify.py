"""Ways of telling people that something waits."""

from enum import StrEnum


class Notify(StrEnum):
    """Ways of telling the reviewers that a round waits."""

    MENTION = "mention"
    """Mentioned in the thread, once per round."""
    DM = "dm"
    """Each by a private message with the buttons."""
    NONE = "none"
    """Not told: they look into the channel or Home themselves."""
