"""The words of types in the audit trail, in metrics and in the database: a stored format.

A word outlives its class: a class that is renamed or split keeps it, so that what is on disk, in an
evidence file or on a dashboard still reads the same.
"""

from collections.abc import Mapping
from typing import Final, get_args

from crewgate.domain import outcome, reason, verdict

VERDICTS: Final[Mapping[type[verdict.Verdict], str]] = {
    verdict.Approve: "approve",
    verdict.Revise: "revise",
    verdict.Refuse: "revise",
    verdict.Answer: "answer",
}


def _names(kinds: object) -> Mapping[type, str]:
    return {kind: kind.__name__ for kind in get_args(kinds)}


# Stored rows have these names: for a class renamed or split, add `| {NewName: "OldName"}` here.
DECIDERS: Final = _names(verdict.Decider)
OUTCOMES: Final = _names(outcome.Outcome)
REASONS: Final = _names(reason.Reason)


def via(way: verdict.Via) -> str:
    """Return the word for the way in which a decision came; a CHANGE is recorded as an EDIT."""
    return verdict.Via.EDIT.value if way is verdict.Via.CHANGE else way.value


def verdict_label(kind: type[verdict.Verdict]) -> str:
    """Return a verdict's label in metrics."""
    return VERDICTS[kind].capitalize()
