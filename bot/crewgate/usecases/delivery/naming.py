"""Finding out who decides by a rule's `reviewers_from`, before the card is posted."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from crewgate.domain.errors import StarterUnresolved
from crewgate.domain.outcome import NotSent
from crewgate.domain.people import User
from crewgate.domain.review import Round
from crewgate.domain.rules.naming import Naming
from crewgate.domain.rules.starter import starter_named
from crewgate.usecases.access import Access
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.log_fields import fields_of
from crewgate.usecases.starter import starter_of

log = structlog.get_logger(__name__)

#: A crew may pause before its kickoff was answered and stored: for so long that is waited for.
ANSWERED_WITHIN: Final = timedelta(minutes=1)
#: A crew may be asleep when it is started: its answer takes so long at most, and a minute to store.
SENT_WITHIN: Final = timedelta(minutes=11)


async def name_reviewer(round_: Round, context: DeliveryContext) -> NotSent | None:
    """Ask Slack about the person whom a kickoff names, and store the answer in the round's rule.

    Return why that is not known yet, for another try. Nobody may decide until it is.
    """
    assert round_.rule is not None  # noqa: S101  # the caller's to check
    found = await _find(round_, round_.rule.reviewers_from, context)
    if isinstance(found, NotSent):
        return found

    async def record(access: Access) -> None:
        async with context.uow.begin() as tx:
            current = await tx.round(round_.id)
            if current.rule is None or current.rule.naming is not Naming.PENDING:
                return
            starter = await starter_of(current, tx, access)
            naming, reviewers = Naming.NAMED, current.rule.reviewers
            if not isinstance(found, User):
                naming = found
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


async def _find(
    round_: Round, name: str | None, context: DeliveryContext
) -> User | Naming | NotSent:
    """Return the person whom a value of the kickoff names, or why there is none."""
    review = round_.review
    now = context.clock()
    async with context.uow.begin() as tx:
        # First: what is answered meanwhile is stored with the name, which is read then.
        unclear = await tx.executions.unclear_kickoffs(
            review.crew, since=now - SENT_WITHIN, until=now
        )
        execution = await tx.executions.find(review.crew, review.execution_id)
    named = execution.named if execution is not None else ()
    value = next((value for one, value in named if one == name), None)
    if value is not None:
        said = starter_named(value)
        return Naming.UNREADABLE if said is None else await context.directory.find_member(said)
    if unclear and now - round_.opened_at < ANSWERED_WITHIN:
        return NotSent("a kickoff has not been answered yet", alone=True)
    return Naming.MISSING
