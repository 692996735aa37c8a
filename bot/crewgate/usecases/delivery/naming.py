"""The reviewer whom a kickoff names, resolved before the card is posted."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from crewgate.domain.errors import StarterUnresolved
from crewgate.domain.execution import starter_named
from crewgate.domain.outcome import NotSent
from crewgate.domain.people import User
from crewgate.domain.review import Round
from crewgate.domain.rules.rule import Naming
from crewgate.usecases.access import UNCLEAR, Access, starter_of
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.log_fields import fields_of

log = structlog.get_logger(__name__)

#: A crew may pause before its answer to the kickoff is stored: the longest wait for this answer.
ANSWERED_WITHIN: Final = timedelta(minutes=1)
#: A crew may be asleep when it is started: this is its longest time to answer, with a minute more
#: to store the answer.
SENT_WITHIN: Final = timedelta(minutes=11)


async def name_reviewer(round_: Round, context: DeliveryContext) -> NotSent | None:
    """Resolve the person whom a kickoff names, and store the answer in the round's rule.

    Return NotSent until the person is known; meanwhile nobody may decide.
    """
    rule = round_.rule
    assert rule.reviewers_from is not None, "a pending naming has it"
    found = await _find(round_, rule.reviewers_from, context)
    if isinstance(found, NotSent):
        return found

    async def record(access: Access) -> None:
        async with context.uow.begin() as tx:
            current = await tx.round(round_.id)
            if current.rule.naming is not Naming.PENDING:
                return
            starter = await starter_of(current, tx, access)
            naming, reviewers = Naming.NAMED, current.rule.reviewers
            if not isinstance(found, User):
                naming = found
                # If a rule has no reviewers, the crew's operators decide.
                if found is Naming.UNCLEAR and context.crews[round_.review.crew].operators:
                    reviewers = ()
            elif starter is not None and found.id in starter.users:
                naming = Naming.STARTER
            else:
                reviewers = (found,)
            rule = replace(current.rule, naming=naming, reviewers=reviewers)
            await tx.save(replace(current, rule=rule))
        log.info("reviewer_named", **fields_of(current), naming=naming.value)

    try:
        await context.asking(record)
    except StarterUnresolved:
        return NotSent("Slack does not say who started it", alone=True)
    return None


async def _find(round_: Round, name: str, context: DeliveryContext) -> User | Naming | NotSent:
    review = round_.review
    now = context.clock()
    async with context.uow.begin() as tx:
        # `open` locks the execution: a kickoff's answer, with the name, is stored before this
        # transaction or after it.
        execution = await tx.executions.open(review.crew, review.execution_id, at=now)
        began = execution.began_at
        unclear = await tx.executions.unclear_kickoffs(
            review.crew, since=began - UNCLEAR, until=began
        )
    value = dict(execution.named).get(name)
    if value is None and unclear and not execution.starters:
        is_new = now - round_.opened_at < ANSWERED_WITHIN
        if is_new and unclear[-1].sent_at >= now - SENT_WITHIN:
            return NotSent("a kickoff has not been answered yet", alone=True)
        value, *others = {one.named.get(name) for one in unclear}
        if others:
            return Naming.UNCLEAR
    if value is None:
        return Naming.MISSING
    starter = starter_named(value)
    return Naming.UNREADABLE if starter is None else await context.directory.find_member(starter)
