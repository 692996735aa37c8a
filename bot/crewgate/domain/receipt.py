"""The effect of a notification or a request on the latest round of its review; pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.notification import (
    ASSIGNED_LIMIT,
    CALLED_EVERY,
    FlowRequest,
    Notification,
    Question,
)
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.people import ReviewerRef
from crewgate.domain.reason import Answered, EditedBy, Fetched, NotFetched
from crewgate.domain.review import Review, Round, State, Transition
from crewgate.domain.rules.choose import for_call, left_by_time
from crewgate.domain.rules.rule import NO_RULE, Rule
from crewgate.domain.subjects import WORK, call_of
from crewgate.domain.verdict import Answer, Person, Reading, Refuse, Revise, TimedOut, reading_of


@dataclass(frozen=True, slots=True)
class Receipt:
    """The round of a notification or request, and the round that it ended."""

    current: Round
    opened: bool = False
    ended: Round | None = None
    effects: tuple[Effect, ...] = ()


def receive(
    latest: Round | None,
    notification: Notification,
    *,
    review: Review,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule = NO_RULE,
    question: Question | None = None,
    activity: int = 0,
) -> Receipt:
    """Open a round for a notification, or return the latest round if it is a duplicate.

    A new round is under `rule` and has no approvals: earlier ones were for another output.
    `activity` is the execution's activity count with the notification.

    | latest round is                 | same pause | same output       | another                |
    | ------------------------------- | ---------- | ----------------- | ---------------------- |
    | none                            |            |                   | opens round 1          |
    | WAITING                         | duplicate  | duplicate         | supersedes, opens next |
    | DECIDED, STUCK: surely not sent | duplicate  | duplicate         | supersedes, opens next |
    | DECIDED, STUCK by Revise: sent  | duplicate  | opens "unchanged" | supersedes, opens next |
    | DECIDED, STUCK by Approve: sent | duplicate  | duplicate         | supersedes, opens next |
    | RESUMED, by Revise or an answer | duplicate  | opens "unchanged" | opens next             |
    | RESUMED by Approve, inferred    | duplicate  | duplicate         | opens next             |
    | fetched, or nobody fetched it   | duplicate  | opens "unchanged" | opens next             |
    | CLOSED                          | duplicate  | opens next        | opens next             |
    | CLOSED: the execution was gone  | each ends it as if WAITING or STUCK; opens next         |

    `crewgate host` repeats notifications, with the same pause id; any other pause id is another
    pause, whatever its output. A call with the same pause id whose decision was taken, or that was
    closed, opens the next: its host does not know of it. CrewAI AMP sends no pause id and never
    repeats a notification, so an output that comes again after an answer or a request for changes
    is another pause. An older host sends no id but takes edits; its approved output is a duplicate.

    A notification that ends a call or a question is about the latest round, whatever its output.
    If there is no round, the notification opens a round that is over at once.
    """
    result = notification.call_result
    subject = question or notification.call or WORK
    if latest is not None and result is not None:
        ended = latest.end_call(result, at)
        return Receipt(ended.round, effects=ended.effects)
    if latest is not None and _is_duplicate(latest, notification):
        return Receipt(latest)
    opened = Round(
        id=new_id(),
        review=review,
        number=1,
        digest=notification.output.digest,
        opened_at=at,
        rule=rule,
        subject=subject,
        activity_before=activity,
        pause_id=notification.pause_id,
        tools_used=notification.tools_used,
        next_task=notification.next_task,
        # No edits if a secret was removed: people could not send back the missing part.
        takes_edits=notification.takes_edits
        and not notification.output.erased
        and not (notification.call is not None and notification.call.erased),
        is_fetched=notification.is_fetched,
        takes_key=notification.takes_key,
        salt=new_id(),
    )
    if result is not None:  # the call has ended: nobody is asked, and no card is posted
        ended = opened.end_call(result, at)
        effects = tuple(one for one in ended.effects if one.kind is EffectKind.CALL_ALARM)
        return Receipt(ended.round, opened=True, effects=effects)
    return _open(latest, opened.decide_by_rule(at))


def open_edited(
    round_: Round, by: Person, *, rule: Rule, at: datetime, new_id: Callable[[], str]
) -> Receipt:
    """Open a round for a person's own text, in place of a waiting round.

    The new round keeps the opening time, but no approvals. A time-out must not approve the new
    round, for the rule was meant for the crew's text. Raises as `require_waiting`.
    """
    rule = replace(rule, timeout=left_by_time(rule))
    round_.require_waiting()
    ended = round_.supersede(at, EditedBy(by))
    opened = replace(
        round_,
        id=new_id(),
        number=round_.number + 1,
        version=1,
        unchanged=False,
        rule=rule,
        votes=(),
        reminders=0,
        edited_by=by,
        edited_at=at,
        sent_back=0,
        origin_id=round_.origin,
        salt=new_id(),
    )
    effects = (*ended.effects, opened.effect(EffectKind.POST))
    return Receipt(opened, opened=True, ended=ended.round, effects=effects)


def ask_again(
    before: Round, *, may_have_run: bool, at: datetime, new_id: Callable[[], str]
) -> Receipt:
    """Open a round for the agent's own call, whose approval the tool did not get.

    `before` is CLOSED, or STUCK with arguments or an approval that the crew refused: it is closed,
    and its reason stays. A call that may have run by then is not approved by time or rule alone.
    """
    assert isinstance(before.subject, ToolCall), "a call has an approval that ends"
    ended = replace(before, state=State.CLOSED, ended_at=before.ended_at or at)
    call = before.subject
    call = replace(
        call,
        may_have_run=call.may_have_run or may_have_run,
        was_tried=call.was_tried or may_have_run,
    )
    opened = Round(
        id=new_id(),
        review=before.review,
        number=before.number + 1,
        digest=before.digest,
        opened_at=before.opened_at,
        rule=for_call(before.rule, call),
        subject=call,
        tools_used=before.tools_used,
        pause_id=before.pause_id,
        takes_edits=before.takes_edits,
        is_fetched=before.is_fetched,
        takes_key=before.takes_key,
        activity_before=before.activity_before,
        origin_id=before.origin,
        salt=new_id(),
    )
    return Receipt(opened, opened=True, ended=ended, effects=(opened.effect(EffectKind.POST),))


def receive_request(
    known: Round | None,
    latest: Round | None,
    request: FlowRequest,
    *,
    review: Review,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule = NO_RULE,
    operators: tuple[ReviewerRef, ...] | None = None,
) -> Receipt:
    """Open a round for a request, or escalate `known`, the round of this request.

    Each request has its own round, whatever its output. A repeated request is a duplicate; if it is
    an escalation, its assignees are added and called while the round waits, once in CALLED_EVERY
    unless it names somebody new. A new request shows that the flow has gone on, so the round before
    ends.

    `rule` is for a new round. `operators` is None unless the assignees of a known round decide.
    """
    if known is not None:
        if not request.escalation or known.state is not State.WAITING:
            return Receipt(known)
        return _escalate(known, request, at, operators)
    question = replace(request.question, called_at=at if request.escalation else None)
    opened = Round(
        id=new_id(),
        review=review,
        number=1,
        digest=request.output.digest,
        opened_at=at,
        rule=rule,
        subject=question,
        salt=new_id(),
    )
    return _open(latest, opened)


def _escalate(
    known: Round, request: FlowRequest, at: datetime, operators: tuple[ReviewerRef, ...] | None
) -> Receipt:
    question = known.subject
    assert isinstance(question, Question), "a flow's round has a question"
    assigned = tuple(dict.fromkeys((*request.question.assigned, *question.assigned)))
    assigned = assigned[:ASSIGNED_LIMIT]
    rule = known.rule
    kinds = [EffectKind.CALL_ASSIGNED]
    if set(assigned) == set(question.assigned):
        if question.called_at is not None and abs(at - question.called_at) < CALLED_EVERY:
            return Receipt(known)
        assigned = question.assigned
    else:
        kinds.insert(0, EffectKind.REFRESH)
        if operators is not None:
            before = len(question.assigned)
            others = operators if rule.reviewers is None else rule.reviewers[before:]
            rule = replace(rule, reviewers=(*assigned, *others))
    question = replace(question, assigned=assigned, called_at=at)
    current = replace(known, subject=question, rule=rule)
    return Receipt(current, effects=tuple(map(current.effect, kinds)))


def _open(latest: Round | None, first: Round) -> Receipt:
    post: tuple[Effect, ...] = (first.effect(EffectKind.POST),)
    if first.decision is not None:  # a rule decided the round at once
        post += (first.effect(EffectKind.RESUME),)
    if latest is None:
        return Receipt(first, opened=True, effects=post)
    by_rule = latest.decision is not None and isinstance(latest.decision.by, TimedOut)
    opened = replace(
        first,
        number=latest.number + 1,
        unchanged=_is_shown_again(first.digest, latest),
        sent_back=latest.sent_back + 1 if by_rule else 0,
    )
    if (ended := _end(latest, first.opened_at)) is None:
        return Receipt(opened, opened=True, effects=post)
    return Receipt(opened, opened=True, ended=ended.round, effects=(*ended.effects, *post))


def _end(latest: Round, at: datetime) -> Transition | None:
    unfinished = latest.reopen().round if latest.can_reopen else latest
    match unfinished.state:
        case State.WAITING:
            return unfinished.supersede(at)
        case State.DECIDED | State.STUCK:
            return unfinished.supersede_decided(at)
        case _:
            return None


def _is_shown_again(digest: str, before: Round) -> bool:
    """Return True if a round's output comes again after an approval or a request for changes.

    A person's own text does not count: its digest is that of the crew's output before it.
    """
    approved = before.state is State.RESUMED and not before.subject.takes_answers
    same = before.digest == digest and before.edited_by is None
    return same and (approved or _asked_for_changes(before))


def with_doubt(latest: Round | None, notification: Notification) -> Notification:
    """Return a notification whose call may have run, if it ran or an approval was sent before.

    A host that was restored from a copy does not know of the decision that let the call run. A
    refusal since then leaves the doubt as it was.
    """
    call = notification.call
    if latest is None or call is None or not _is_of_pause(latest, notification):
        return notification
    decision, before = latest.decision, call_of(latest.subject) or call
    was_sent = latest.state is State.RESUMED or latest.in_doubt
    is_approved = was_sent and decision is not None and decision.is_approve
    has_run = latest.call_result is not None and latest.call_result.has_run
    if not (is_approved or has_run or before.may_have_run):
        return notification
    was_tried = latest.call_result is None and (is_approved or before.was_tried)
    return replace(notification, call=replace(call, may_have_run=True, was_tried=was_tried))


def _is_of_pause(latest: Round, notification: Notification) -> bool:
    return notification.pause_id is not None and notification.pause_id == latest.pause_id


def _is_duplicate(latest: Round, notification: Notification) -> bool:
    """Return True where the table of `receive` says so."""
    if notification.pause_id is not None:
        return _is_of_pause(latest, notification) and not _is_asked_anew(latest, notification)
    return notification.output.digest == latest.digest and not _may_come_again(latest, notification)


def _is_asked_anew(latest: Round, notification: Notification) -> bool:
    """Return True if a pause whose id is known waits all the same."""
    is_call = notification.call is not None
    match latest.state:
        case State.RESUMED:
            return is_call
        case State.CLOSED:
            # A call whose end came first was over in its first version: its late question is no
            # new one.
            return latest.can_reopen or (is_call and latest.version > 1)
        case _:
            return False


def _may_come_again(latest: Round, notification: Notification) -> bool:
    """Return True if an equal output, without a pause id, is another pause."""
    if _is_spent(latest) or latest.state is State.CLOSED:
        return True
    if notification.call is not None:  # equal arguments are the same call
        return False
    match latest.state, latest.reason:
        case (State.DECIDED | State.STUCK, _):
            return latest.in_doubt and _asked_for_changes(latest)
        case (State.RESUMED, _) if latest.edited_by is not None or _asked_for_changes(latest):
            return True  # people wanted another text: the crew may come back with this one
        case (State.RESUMED, Answered(status=status)):
            return not notification.takes_edits or status is ResumeStatus.RETRYING
        case _:
            return False


def _is_spent(round_: Round) -> bool:
    """Return True if a decision was fetched, or nobody fetched it while its asker waited."""
    match round_.state, round_.reason:
        case (State.RESUMED, Fetched()) | (State.STUCK, NotFetched()):
            return True
    return False


def _asked_for_changes(round_: Round) -> bool:
    match round_.decision and round_.decision.verdict:
        case Revise() | Refuse():
            return True
        case Answer(text, is_label=True):
            return reading_of(text) is Reading.REVISION
        case _:
            return False
