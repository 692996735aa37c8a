"""Referrals: a person asks another, who may decide, to look at a round; nobody's rights change."""

from crewgate.domain import errors
from crewgate.domain.errors import ReferralProblem, ReferralRefused
from crewgate.domain.people import Role
from crewgate.domain.review import Round
from crewgate.domain.verdict import Answer, Person, Via, Vote, voices_of
from crewgate.usecases.access import Access, ReviewContext, drop_votes_of, starter_of
from crewgate.usecases.decide import approve, by_each_right
from crewgate.usecases.log_fields import press_ts
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.rounds import apply


async def refer(
    round_id: str, to: Person, text: str, *, by: Person, context: ReviewContext
) -> Round:
    """Ask a person to look at a round, for somebody who may decide on it themselves.

    A form that is sent twice asks once. Raises as `decide` does for `by`, PressRepeated for a form
    that is older than their last press, and ReferralRefused for `to` and the text.
    """
    text = text.strip()

    async def record(access: Access) -> Round:
        now = context.clock()
        async with context.uow.begin() as tx:
            round_ = await tx.round(round_id)
            await access.rights_of(by.id, Role.REVIEWER, round_, tx)
            round_.require_waiting()
            try:
                round_ = round_.press(by.id, press_ts())
            except errors.PressRepeated:
                known = [(one.by.id, one.text) for one in round_.referrals_to(to.id)]
                if (by.id, text) in known:
                    return round_
                raise
            await _require_approver(to, by, round_, tx, access)
            transition = round_.refer(by, to, text, now)
            tx.audit.acts(by)
            await apply(tx, transition, at=now)
        return transition.round

    return await context.asking(record)


async def _require_approver(to: Person, by: Person, round_: Round, tx: Tx, access: Access) -> None:
    """Raise ReferralRefused unless an approval by this person would count now.

    All is asked of the functions that a press of theirs meets.
    """
    if to.id == by.id:
        raise ReferralRefused(ReferralProblem.THEMSELVES)
    if access.directory.is_gone(to.id):
        raise ReferralRefused(ReferralProblem.NO_REVIEWER)
    try:
        rights = await access.rights_of(to.id, Role.REVIEWER, round_, tx)
        starter = await starter_of(round_, tx, access)
        current, _ = access.drop_lapsed_votes(drop_votes_of(starter, round_))
        if to.id in voices_of(current.votes):
            raise ReferralRefused(ReferralProblem.HAS_APPROVED)
        # To a question they would answer as those before them did.
        answer = next((one.answer for one in current.votes), None)
        vote = Vote(by=to, at=access.at, via=Via.BUTTON, answer=answer)
        votes = by_each_right(vote, rights, current, access)
        verdict = Answer(answer or "") if current.subject.takes_answers else None
        approve(current, votes, starter, verdict)
    except errors.NotPermitted as refused:
        doubt = ReferralProblem.NOT_TOLD if refused.uncertain else ReferralProblem.NO_REVIEWER
        raise ReferralRefused(doubt) from refused
    except (errors.GroupsUnresolved, errors.StarterUnresolved) as refused:
        raise ReferralRefused(ReferralProblem.NOT_TOLD) from refused
    except errors.VoteRefused as refused:
        raise ReferralRefused(ReferralProblem.IN_VAIN) from refused
