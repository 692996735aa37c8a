"""The owners of e-mail addresses, in tests that are not about them."""

from crewgate.domain.people import EmailOwner


async def whoever_has_it(address: str, account: str) -> EmailOwner:
    """Return the user whom Slack names."""
    return EmailOwner(address, account)
