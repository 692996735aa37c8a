"""The starter of an execution, as far as anybody named them."""

import re
from collections.abc import Iterable
from typing import Final

from crewgate.domain.given import CallerValues, shown
from crewgate.domain.people import Email, User
from crewgate.domain.verdict import Person

STARTED_BY: Final = "started_by"
"""The key of `meta` by which a caller names the starter: a user id or an e-mail address."""
_USER_ID: Final = re.compile(r"[UW][A-Z0-9]{2,}")


def without_starter(meta: CallerValues) -> CallerValues:
    """The same without the starter: only who starts an execution through the bot says who did."""
    return tuple(pair for pair in meta if pair[0] != STARTED_BY)


def said_starter(starter: Person | None, meta: CallerValues) -> User | Email | None:
    """The person who started it in Slack, else the one its caller names; None if unknown."""
    if starter is not None:
        return User(starter.id)
    return starter_named(dict(shown(meta)).get(STARTED_BY, ""))


def all_starters(
    starter: Person | None, meta: CallerValues, also: Iterable[str]
) -> tuple[User | Email, ...]:
    """Return everybody who is known to have started an execution, the first one first."""
    found = (said_starter(starter, meta), *map(starter_named, also))
    return tuple(one for one in found if one is not None)


def starter_named(said: str) -> User | Email | None:
    """Parse a user id or an e-mail address; None if it is neither."""
    said = said.strip()
    if "@" in said:
        return Email(said)
    return User(said) if _USER_ID.fullmatch(said) else None
