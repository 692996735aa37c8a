"""Whom e-mail addresses stand for, in tests that are not about that."""

from crewgate.domain.people import EmailOwner


async def whoever_has_it(address: str, account: str) -> EmailOwner:
    """Whom Slack names."""
    return EmailOwner(address, account)
