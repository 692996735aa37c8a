"""What a crew's notification means, given the latest round of its review; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crewgate.domain.effects import Effect, EffectKind
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import Answered, Reason
from crewgate.domain.review import Review, Round, State, Transition
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Revise


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a notification did: the round that stands for it now, and the one it ended."""

    current: Round
    opened: bool
    """A new round was opened; otherwise the notification was a duplicate of `current`."""
    ended: Round | None
    effects: tuple[Effect, ...]


def receive(
    latest: Round | None,
    *,
    review: Review,
    digest: str,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule | None = None,
) -> Receipt:
    """Decide what a notification means, given the latest round of its review.

    A new round is under `rule`, with no approvals: those of an earlier one were for its output.

    | latest round is                   | same output       | another output            |
    | --------------------------------- | ----------------- | ------------------------- |
    | none                              | opens round 1     | opens round 1             |
    | WAITING                           | duplicate         | supersedes, opens next    |
    | DECIDED, STUCK: surely not sent   | duplicate         | supersedes, opens next    |
    | DECIDED, STUCK by Revise: sent    | opens "unchanged" | supersedes, opens next    |
    | DECIDED, STUCK by Approve: sent   | duplicate         | supersedes, opens next    |
    | RESUMED, the task is done again   | opens "unchanged" | opens next                |
    | RESUMED, the crew goes on         | duplicate         | opens next                |
    | CLOSED                            | opens next        | opens next                |
    | CLOSED: the execution was gone    | ends it, as WAITING or STUCK, and opens next  |

    A crew never repeats a notification by itself, so an output that comes again after changes
    were asked for, even before our own resume is recorded, is the crew pausing again.
    """
    if latest is None:
        return _open(None, None, review=review, digest=digest, at=at, new_id=new_id, rule=rule)
    same = digest == latest.digest
    if same and not _may_come_again(latest):
        return Receipt(latest, opened=False, ended=None, effects=())
    unfinished = latest.reopen().round if latest.can_reopen else latest
    match unfinished.state:
        case State.WAITING:
            ended: Transition | None = unfinished.supersede(at)
        case State.DECIDED | State.STUCK:
            ended = unfinished.supersede_decided(at)
        case _:
            ended = None
    return _open(latest, ended, review=review, digest=digest, at=at, new_id=new_id, rule=rule)


def _open(
    latest: Round | None,
    ended: Transition | None,
    *,
    review: Review,
    digest: str,
    at: datetime,
    new_id: Callable[[], str],
    rule: Rule | None,
) -> Receipt:
    opened = Round(
        id=new_id(),
        review=review,
        number=latest.number + 1 if latest else 1,
        digest=digest,
        opened_at=at,
        rule=rule,
        unchanged=latest is not None and latest.digest == digest and _asked_for_changes(latest),
    )
    post = (opened.effect(EffectKind.POST),)
    return Receipt(
        opened,
        opened=True,
        ended=ended.round if ended else None,
        effects=(*ended.effects, *post) if ended else post,
    )


def _may_come_again(round_: Round) -> bool:
    """Whether the same output can be a new pause of the crew."""
    match round_.state:
        case State.DECIDED | State.STUCK:
            return round_.in_doubt and _asked_for_changes(round_)
        case State.RESUMED:
            return _asked_for_changes(round_) or _does_task_again(round_.reason)
        case State.CLOSED:
            return True
        case _:
            return False


def _does_task_again(reason: Reason | None) -> bool:
    """Whether the crew said so itself."""
    return isinstance(reason, Answered) and reason.status is ResumeStatus.RETRYING


def _asked_for_changes(round_: Round) -> bool:
    return round_.decision is not None and isinstance(round_.decision.verdict, Revise)
