"""The words of types in the trail, in metrics and in the database never change."""

from typing import get_args

from crewgate.audit import check_evidence
from crewgate.domain import recorded
from crewgate.domain.verdict import Verdict


def test_each_verdict_has_a_word() -> None:
    assert set(recorded.VERDICTS) == set(get_args(Verdict))


def test_a_type_keeps_its_word_although_its_name_changes() -> None:
    assert " ".join(recorded.DECIDERS.values()) == "Person TimedOut ByRule"
    assert " ".join(recorded.OUTCOMES.values()) == "Delivered NotSent Refused Unknown"
    assert " ".join(recorded.REASONS.values()) == (
        "NotReached AnswerLost Answered Inferred TakenAs NotFetched Fetched AnsweredElsewhere"
        " PerhapsTaken RequestGone TimeOver RefusedByCrew NotCalled RetriesExhausted NeverSent"
        " Dismissed EditedBy ExecutionEnded ExecutionFailed ExecutionGone Withdrawn Expired"
        " RanEarlier"
    )


def test_the_checker_knows_the_trails_words_for_verdicts() -> None:
    assert set(check_evidence.VERDICTS) == set(recorded.VERDICTS.values())
