"""The words of types in the audit trail, in metrics and in the database: a stored format.

A word outlives its class: a class that is renamed or split keeps it, so that what is on disk, in an
evidence file or on a dashboard still reads the same.
"""

from collections.abc import Mapping
from typing import Final

from crewgate.domain import outcome, reason, verdict

VERDICTS: Final[Mapping[type[verdict.Verdict], str]] = {
    verdict.Approve: "approve",
    verdict.Revise: "revise",
    verdict.Refuse: "revise",
    verdict.Answer: "answer",
}
DECIDERS: Final[Mapping[type[verdict.Decider], str]] = {
    verdict.Person: "Person",
    verdict.TimedOut: "TimedOut",
    verdict.ByRule: "ByRule",
}
OUTCOMES: Final[Mapping[type[outcome.Outcome], str]] = {
    outcome.Delivered: "Delivered",
    outcome.NotSent: "NotSent",
    outcome.Refused: "Refused",
    outcome.Unknown: "Unknown",
}
REASONS: Final[Mapping[type[reason.Reason], str]] = {
    reason.NotReached: "NotReached",
    reason.AnswerLost: "AnswerLost",
    reason.Answered: "Answered",
    reason.Inferred: "Inferred",
    reason.TakenAs: "TakenAs",
    reason.NotFetched: "NotFetched",
    reason.Fetched: "Fetched",
    reason.AnsweredElsewhere: "AnsweredElsewhere",
    reason.PerhapsTaken: "PerhapsTaken",
    reason.RequestGone: "RequestGone",
    reason.TimeOver: "TimeOver",
    reason.RefusedByCrew: "RefusedByCrew",
    reason.NotCalled: "NotCalled",
    reason.RetriesExhausted: "RetriesExhausted",
    reason.NeverSent: "NeverSent",
    reason.Dismissed: "Dismissed",
    reason.EditedBy: "EditedBy",
    reason.ExecutionEnded: "ExecutionEnded",
    reason.ExecutionFailed: "ExecutionFailed",
    reason.ExecutionGone: "ExecutionGone",
    reason.Withdrawn: "Withdrawn",
    reason.Expired: "Expired",
    reason.RanEarlier: "RanEarlier",
}


def via(way: verdict.Via) -> str:
    """Return the word for the way of a decision."""
    return verdict.Via.EDIT.value if way is verdict.Via.CHANGE else way.value


def verdict_label(kind: type[verdict.Verdict]) -> str:
    """Return a verdict's label in metrics."""
    return VERDICTS[kind].capitalize()
