"""Nobody approves what they started, where a rule says so: who started an execution."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.errors import SelfApproval, StarterNotTold, UnknownStarter
from bot.domain.people import Email
from bot.domain.review import Round
from bot.domain.rules.starter import said_starter
from bot.domain.verdict import Vote
from bot.usecases.context import ReviewContext
from bot.usecases.ports.store import Tx


@dataclass(frozen=True, slots=True)
class Starter:
    """Who started an execution: accounts, by id."""

    users: frozenset[str]


class NotAsked(Exception):  # nobody is told of it
    """Slack has not been asked yet whom an address stands for."""

    def __init__(self, address: Email) -> None:
        super().__init__()
        self.address = address


async def starter_of(
    round_: Round, tx: Tx, context: ReviewContext, *, asked: bool
) -> Starter | None:
    """Who started a round's execution; None where its rule does not ask, or nobody knows.

    Raises NotAsked unless Slack was `asked` already about the address that its caller gave, then
    StarterNotTold where Slack did not answer.
    """
    if round_.rule is None or round_.rule.self_approval:
        return None
    review = round_.review
    execution = await tx.executions.find(review.crew, review.execution_id)
    said = said_starter(execution.starter, execution.meta) if execution is not None else None
    if said is None:
        return None
    members = context.directory.members((said,))
    if isinstance(said, Email) and members.unresolved:
        if asked:
            raise StarterNotTold
        raise NotAsked(said)
    return Starter(members.users) if members.users else None


def without(round_: Round, starter: Starter | None) -> Round:
    """The round without approvals of who, as is known now, had started it."""
    for user in starter.users if starter is not None else ():
        if any(user in vote.voices for vote in round_.votes):
            round_ = round_.take_back(user).round
    return round_


def require_other(vote: Vote, starter: Starter | None, round_: Round) -> None:
    """Raises SelfApproval or UnknownStarter where the round's rule lets this person not approve."""
    rule = round_.rule
    if rule is None or rule.self_approval:
        return
    if starter is None:
        if not rule.unknown_starter:
            raise UnknownStarter
    elif vote.voices & starter.users:
        raise SelfApproval
