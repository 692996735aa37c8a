"""The starter of an execution, who may not approve it where a rule says so."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from crewgate.domain.errors import (
    PerhapsSelfApproval,
    SelfApproval,
    StarterUnresolved,
    UnknownStarter,
)
from crewgate.domain.people import Email, ReviewerRef, Role, User
from crewgate.domain.review import Round
from crewgate.domain.verdict import Vote, voices_of
from crewgate.usecases.access import Access, NeedsLookup, crew_for
from crewgate.usecases.ports.store import Tx

#: The longest time after a kickoff without an answer in which its execution may turn up.
UNCLEAR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Starter:
    """The accounts, by id, that may have started an execution."""

    users: frozenset[str]
    others: tuple[ReviewerRef, ...] = ()
    """Who else may decide."""
    certain: bool = True
    """False: nobody knows; these had the crew started at about that time without an answer."""


async def starter_of(round_: Round, tx: Tx, access: Access) -> Starter | None:
    """Return the starter of a round's execution; None if its rule does not ask, or none is known.

    Raises NeedsLookup of an address, then StarterUnresolved where Slack did not answer.
    """
    if round_.rule is None or round_.rule.self_approval:
        return None
    review = round_.review
    execution = await tx.executions.find(review.crew, review.execution_id)
    assert execution is not None  # noqa: S101  # each round has one
    if users := frozenset[str]().union(*(_users(one, access) for one in execution.starters)):
        permitted = crew_for(round_, access.crews).permitted(Role.REVIEWER)
        return Starter(users, tuple(ref for ref in permitted if str(ref) not in users))
    began = execution.began_at
    unclear = await tx.executions.unclear_kickoffs(review.crew, since=began - UNCLEAR, until=began)
    said = dict.fromkeys(one.starter for one in unclear if one.starter is not None)
    users = frozenset().union(*(_users(one, access) for one in said))
    return Starter(users, certain=False) if users else None


def _users(said: User | Email, access: Access) -> frozenset[str]:
    """Return the accounts of a starter. Raises as `starter_of` does."""
    members = access.directory.starters((said,))
    if isinstance(said, Email) and members.unresolved:
        if said in access.asked:
            raise StarterUnresolved
        raise NeedsLookup(said, partial(access.directory.ask_about, said))
    return members.users


def drop_votes_of(starter: Starter | None, round_: Round) -> Round:
    """Return the round without approvals of its starter, who may be known only now."""
    for user in starter.users if starter is not None else ():
        if user in voices_of(round_.votes):
            round_ = round_.take_back(user).round
    return round_


def require_other(vote: Vote, starter: Starter | None, round_: Round) -> None:
    """Raise SelfApproval, PerhapsSelfApproval or UnknownStarter where the round's rule says so."""
    rule = round_.rule
    if rule is None or rule.self_approval:
        return
    if not rule.unknown_starter and (starter is None or not starter.certain):
        raise UnknownStarter
    if starter is not None and vote.voices & starter.users:
        own = vote.by.id in starter.users
        is_flow = round_.question is not None
        refused = SelfApproval(starter.others, own=own, is_flow=is_flow)
        raise refused if starter.certain else PerhapsSelfApproval
