"""People's decisions: approve, revise, edit, take back, retry, reopen and dismiss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from crewgate.domain import answering, errors
from crewgate.domain.acts import arguments_of, with_changes
from crewgate.domain.audit import Code, Entry
from crewgate.domain.caveats import NO_CAVEATS, NOTHING_SEEN, Caveats, Seen
from crewgate.domain.crew import Crew
from crewgate.domain.edits import REVISION_LIMIT, edits_of, exact_revision
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.notification import Output, WebhookUrls
from crewgate.domain.people import Role
from crewgate.domain.reason import Dismissed
from crewgate.domain.receipt import Receipt, open_edited
from crewgate.domain.review import Round, State, Transition
from crewgate.domain.subjects import call_of
from crewgate.domain.verdict import (
    Answer,
    Approve,
    Decision,
    Person,
    Revise,
    Verdict,
    Via,
    Vote,
    answer_in,
    approves,
    combined_answer,
    words_of,
)
from crewgate.usecases.access import (
    Access,
    ReviewContext,
    Starter,
    crew_for,
    drop_votes_of,
    require_other,
    starter_of,
)
from crewgate.usecases.after_decision import after_the_commit, in_the_commit
from crewgate.usecases.caveats import caveats_in
from crewgate.usecases.log_fields import fields_of, press_ts
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.read_models import DeadLetter
from crewgate.usecases.rounds import apply, open_round, pressed, rule_with_words
from crewgate.usecases.teaching import end_unsent
from crewgate.usecases.track import reopen as reopen_execution

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Edited:
    """A round's output as rewritten by a person who saw all of the output."""

    round: Round
    output: Output


async def decide(
    round_id: str,
    verdict: Verdict,
    *,
    by: Person,
    via: Via,
    context: ReviewContext,
    seen: Seen = NOTHING_SEEN,
    edited: Edited | None = None,
) -> Round:
    """Record a person's decision, or their approval if several are needed; the first decision wins.

    `seen` is everything that the person was shown and asked about. A second approval by one person
    is a no-op. `edited` is approved in a new round of its own, or is the text that a Revise asks
    for. Raises RoundNotFound, NotAReviewer, UnknownCrew, a NotWaiting that says why it is too late,
    a VoteRefused that says why an approval does not count, VerdictMisplaced, ConfirmationNeeded, or
    StoreUnavailable: then nothing was recorded.
    """

    async def record(access: Access) -> Round:
        now = context.clock()
        lapsed: tuple[Vote, ...] = ()
        async with context.uow.begin() as tx:
            # The round, locked until the commit, and this person's rights to decide on it.
            round_ = await _locked(round_id, edited, tx, at=now)
            rights = await access.rights_of(by.id, Role.REVIEWER, round_, tx)
            round_.require_waiting()

            # The rule for the words or the text that this person sends: it may be stricter than
            # the rule of the output, and ask other people.
            meaning, rule = answering.interpret(verdict, round_.subject), round_.rule
            round_, opened = await _under_its_rule(
                round_, by, meaning, edited, tx=tx, context=context
            )
            if round_.rule != rule:
                rights = await access.rights_of(by.id, Role.REVIEWER, round_, tx)

            # One vote of each person: a second click changes nothing.
            is_vote = answering.needs_approvals(meaning, round_.rule)
            if is_vote and round_.vote_of(by.id) is not None:
                return round_
            # A press from before this person's last one, which *Take back* may have been, is old.
            round_ = round_.press(by.id, press_ts())

            # The caveats: all that this person could overlook.
            # Words that send a round back have none: their author knows what is wrong with it.
            facts = access.standing(by, rights, round_)
            caveats = NO_CAVEATS
            if _could_overlook(verdict) or edited is not None:
                caveats = await caveats_in(
                    tx, round_id, by=by, at=now, crews=access.crews, seen=seen, is_vote=is_vote
                )
                facts["shown"] = caveats.shown

            # Either a vote, which decides if it is the last that the rule asks for, or a decision.
            if is_vote:
                vote = Vote(
                    by=by,
                    at=now,
                    via=via,
                    comment=verdict.comment if isinstance(verdict, Approve) else None,
                    answer=answer_in(meaning),
                )
                starter = await starter_of(round_, tx, access)
                facts["starter"] = sorted(starter.users) if starter is not None else None
                # Earlier votes may be void by now: the starter's, who may be known only now, and
                # those of people who may no longer decide.
                current, lapsed = access.drop_lapsed_votes(drop_votes_of(starter, round_))
                answer = combined_answer(current.votes, meaning)
                votes = by_each_right(caveats.on_record(vote), rights, round_, access)
                transition = approve(current, votes, starter, answer, caveats)
            else:
                decision = Decision(verdict=meaning, by=by, at=now, via=via, on_behalf_of=rights[0])
                transition = round_.decide(caveats.on_record(decision))

            # The question about the caveats comes last, so that nobody is asked to confirm what
            # would be refused anyway. Raising rolls everything above back.
            if not caveats.all_in(seen):
                raise errors.ConfirmationNeeded(caveats)

            # The round, its effects, its audit entries and what features add: one commit.
            tx.audit.acts(by, facts)
            crew = access.crews[round_.review.crew]
            if edited is not None:
                transition = await _keep(edited, opened, transition, tx, crew, at=now)
            await apply(tx, transition, at=now)
            await in_the_commit(tx, transition.round, crew, at=now)
        for vote in lapsed:
            log.info("approval_lapsed", **fields_of(round_), by=vote.by.id)
        after_the_commit(transition.round)
        return transition.round

    # The listener acknowledges when this returns, and not before: Slack never repeats a click, so
    # a decision that was acknowledged and then not committed would be lost. Acknowledging first
    # would make presses a few milliseconds faster, and is wrong.
    return await context.asking(record)


def by_each_right(
    vote: Vote, rights: Sequence[Person | None], round_: Round, access: Access
) -> list[Vote]:
    """Return the vote by each right of its author: their own (None), and absent people's."""
    return [
        replace(vote, on_behalf_of=absent, groups=access.groups_of((absent or vote.by).id, round_))
        for absent in rights
    ]


def _could_overlook(verdict: Verdict) -> bool:
    return isinstance(verdict, Approve) or (isinstance(verdict, Answer) and verdict.is_label)


async def _locked(round_id: str, edited: Edited | None, tx: Tx, *, at: datetime) -> Round:
    if edited is not None:
        review = edited.round.review
        await tx.executions.open(review.crew, review.execution_id, at=at)
    return await tx.round(round_id)


async def _under_its_rule(
    round_: Round,
    by: Person,
    verdict: Verdict,
    edited: Edited | None,
    *,
    tx: Tx,
    context: ReviewContext,
) -> tuple[Round, Receipt | None]:
    """Return the round to decide on, under the rule for its text; an edit may open a new round."""
    is_own_text = edited is not None and approves(verdict)
    output = edited.output if edited is not None and is_own_text else None
    crew = context.crews[round_.review.crew]
    rule = await rule_with_words(round_, words_of(verdict), output, crew=crew, tx=tx)
    if edited is None or not is_own_text:
        return replace(round_, rule=rule), None
    opened = open_edited(round_, by, rule=rule, at=context.clock(), new_id=context.new_id)
    return opened.current, opened


async def _keep(
    edited: Edited,
    opened: Receipt | None,
    transition: Transition,
    tx: Tx,
    crew: Crew,
    *,
    at: datetime,
) -> Transition:
    if opened is None:
        await tx.keep_edited(transition.round, edited.output.text)
        return transition
    await open_round(tx, opened, edited.output, WebhookUrls(), crew)
    await tx.enqueue(opened.effects, at=at)
    return transition


def approve(
    round_: Round,
    votes: Sequence[Vote],
    starter: Starter | None,
    answer: Answer | None,
    caveats: Caveats = NO_CAVEATS,
) -> Transition:
    """Count the first valid vote; each is by another right of one person. Raises VoteRefused."""
    refused: list[errors.VoteRefused] = []
    for vote in votes:
        try:
            require_other(vote, starter, round_)
            return round_.approve(vote, answer, unsent_notes=caveats.notes)
        except errors.VoteRefused as error:
            refused.append(error)
    raise refused[0]


async def take_back(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    async with context.uow.begin() as tx:
        tx.audit.acts(by)
        transition = (await pressed(tx, round_id, by)).take_back(by.id)
        await apply(tx, transition, at=context.clock())
    return transition.round


async def answer_of(round_id: str, number: int, *, context: ReviewContext) -> Answer:
    labels = (await context.uow.read.round(round_id)).subject.labels
    if not 0 <= number < len(labels):
        raise errors.VerdictMisplaced
    return Answer(labels[number], is_label=True)


async def may_revise(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    round_ = await context.uow.read.round(round_id)
    await context.ensure(by.id, Role.REVIEWER, round_)
    round_.require_waiting()
    return round_


async def may_edit(round_id: str, *, by: Person, context: ReviewContext) -> None:
    async def check(access: Access) -> None:
        async with context.uow.begin() as tx:
            round_ = await tx.round(round_id)
            rights = await access.rights_of(by.id, Role.REVIEWER, round_, tx)
            round_.require_waiting()
            if round_.takes_edits:
                starter = await starter_of(round_, tx, access)
                vote = Vote(by=by, at=access.at, via=Via.EDIT)
                votes = by_each_right(vote, rights, round_, access)
                approve(replace(round_, votes=()), votes, starter, None)

    await context.asking(check)


async def retry(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Send a stuck decision once more, unchanged, for a reviewer or operator."""
    stuck = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, stuck)
    async with context.uow.begin() as tx:
        transition = (await pressed(tx, round_id, by)).retry()
        tx.audit.acts(by)
        await apply(tx, transition, at=context.clock())
    return transition.round


async def reopen(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    """Reopen an execution's rounds that only a status closed, for a reviewer or operator.

    If the crew reports the end again, the rounds close again.
    """
    closed = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, closed)
    review = closed.review
    now = context.clock()
    async with context.uow.begin() as tx:
        tx.audit.acts(by)
        execution = await tx.executions.open(review.crew, review.execution_id, at=now)
        round_ = await pressed(tx, round_id, by)
        if execution.is_over and not round_.can_reopen:
            raise errors.InvalidTransition(execution.state, "be reopened")
        await tx.save(round_)
        await reopen_execution(tx, execution, at=now)
        reopened = await tx.round(round_id)
        if reopened.state not in (State.WAITING, State.STUCK):
            raise errors.InvalidTransition(reopened.state, "be reopened")
        return reopened


async def dismiss(round_id: str, why: str, *, by: Person, context: ReviewContext) -> Round:
    """Close a round for good, for a reviewer or operator; the crew is sent nothing more."""
    await may_dismiss(round_id, by=by, context=context)
    now = context.clock()
    async with context.uow.begin() as tx:
        tx.audit.acts(by)
        transition = (await pressed(tx, round_id, by)).dismiss(by, why.strip(), now)
        await end_unsent(tx, transition.round, by, at=now)
        await apply(tx, transition, at=now)
    return transition.round


async def may_dismiss(round_id: str, *, by: Person, context: ReviewContext) -> Round:
    round_ = await context.uow.read.round(round_id)
    await context.ensure_reviewer_or_operator(by.id, round_)
    if not round_.can_dismiss:
        raise errors.InvalidTransition(round_.state, "be dismissed")
    return round_


async def dismiss_report(
    dead_letter_id: str, why: str, *, by: Person, context: ReviewContext
) -> None:
    """Record that somebody has dealt with a dead letter, which stays stored.

    Operators may; if the settings name no operators, reviewers may.
    """
    dead_letter = await _report(dead_letter_id, by=by, context=context)
    now = context.clock()
    async with context.uow.begin() as tx:
        if not await tx.dead_letters.dismiss(dead_letter_id, Dismissed(by, why.strip()), at=now):
            raise _dismissed_already()
        tx.audit.acts(by)
        entry = Entry(Code.REPORT_DISMISSED, by.id, {"webhook": dead_letter_id})
        tx.audit.add(entry, crew=dead_letter.crew)
        kind = EffectKind.REFRESH_REPORT
        refresh = Effect(kind=kind, target=dead_letter_id, crew=dead_letter.crew)
        await tx.enqueue([refresh], at=now)


async def may_dismiss_report(
    dead_letter_id: str, *, by: Person, context: ReviewContext
) -> DeadLetter:
    dead_letter = await _report(dead_letter_id, by=by, context=context)
    if dead_letter.dismissed is not None:
        raise _dismissed_already()
    return dead_letter


async def _report(dead_letter_id: str, *, by: Person, context: ReviewContext) -> DeadLetter:
    dead_letter = await context.uow.read.dead_letters.find(dead_letter_id)
    if dead_letter is None:
        raise _dismissed_already()
    crew = crew_for(dead_letter.crew, context.crews)
    await context.ensure(by.id, Role.OPERATOR if crew.operators else Role.REVIEWER, crew.name)
    return dead_letter


def _dismissed_already() -> errors.InvalidTransition:
    return errors.InvalidTransition("dismissed or unknown", "be dismissed")


async def edit(
    round_id: str, text: str, *, by: Person, context: ReviewContext, seen: Seen
) -> Round:
    """Replace a round's output by this text: approve it if the crew takes edits, else request it.

    A request is a revision that lists exactly these edits.
    """
    posting = await context.uow.read.posting(round_id, as_it_came=True)
    round_, before = posting.view.round, posting.view.output
    try:
        round_.require_waiting()
        may_change = round_.takes_edits and arguments_of(text) is not None
        if not (may_change if round_.subject.has_arguments else round_.subject.has_text):
            raise errors.VerdictMisplaced
        edits = await context.off_loop(edits_of, before.text, text)
        if not edits:
            raise errors.NothingEdited
        revision = exact_revision(edits)
        if not round_.takes_edits and len(revision) > REVISION_LIMIT:
            raise errors.TooManyEdits(len(revision))
        return await decide(
            round_id,
            Approve() if round_.takes_edits else Revise(revision),
            by=by,
            via=Via.EDIT,
            context=context,
            seen=seen,
            edited=Edited(round_, replace(before, text=text)),
        )
    except (errors.AlreadyDecided, errors.RoundSuperseded):
        sent = await _sent_before(round_id, text, by, context)
        if sent is None:
            raise
        return sent


async def change_arguments(
    round_id: str, written: Mapping[str, str], *, by: Person, context: ReviewContext, seen: Seen
) -> Round:
    """Approve a call with the arguments of a form. Raises as `edit` does, or ArgumentsMisfit."""
    posting = await context.uow.read.posting(round_id, as_it_came=True)
    call, text = call_of(posting.view.round.subject), posting.view.output.text
    if call is None:
        raise errors.VerdictMisplaced
    text = with_changes(call, text, written)
    return await edit(round_id, text, by=by, context=context, seen=seen)


async def _sent_before(
    round_id: str, text: str, by: Person, context: ReviewContext
) -> Round | None:
    """Return the round that took this text before, or None: Slack repeats a form that was late."""
    read = context.uow.read
    posting = await read.posting(round_id, as_it_came=True)
    round_ = posting.view.round
    [line] = await read.rounds.history(round_.review.id, limit=1)
    newest = line.round
    if newest.id != round_.id and newest.edited_by is not None and newest.edited_by.id == by.id:
        edited = await read.posting(newest.id, as_it_came=True)
        decided = newest.decision is not None and newest.decision.is_by(by.id)
        stands = decided or newest.vote_of(by.id) is not None  # false once the vote is taken back
        return newest if stands and edited.view.output.text == text else None
    if round_.decision is None or not round_.decision.is_by(by.id):
        return None
    edits = await context.off_loop(edits_of, posting.view.output.text, text)
    same = round_.decision.verdict == Revise(exact_revision(edits))
    return round_ if same else None
