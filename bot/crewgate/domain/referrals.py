"""Referrals: one person asks another, who may decide, to look at a round that waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crewgate.domain.errors import ReferralProblem, ReferralRefused
from crewgate.domain.verdict import Person

#: The most characters of a referral's text: one sentence. Each list of rounds reads it.
REFERRAL_LIMIT: Final = 300
#: The most referrals of one round.
REFERRALS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One person's wish that another looks at a round; it gives nobody a right.

    `number` counts a round's referrals from 1.
    """

    number: int
    by: Person
    to: Person
    at: datetime
    text: str = ""


def referred(
    before: tuple[Referral, ...], by: Person, to: Person, text: str, at: datetime
) -> tuple[Referral, ...]:
    """Return a round's referrals with a new one, the last, in place of one by and to the same.

    Raises ReferralRefused.
    """
    if len(text) > REFERRAL_LIMIT:
        raise ReferralRefused(ReferralProblem.TOO_LONG)
    others = tuple(one for one in before if (one.by.id, one.to.id) != (by.id, to.id))
    if len(others) >= REFERRALS:
        raise ReferralRefused(ReferralProblem.TOO_MANY)
    number = max((one.number for one in before), default=0) + 1
    return (*others, Referral(number=number, by=by, to=to, at=at, text=text))
