"""The words of types in the trail, in metrics and in the database never change."""

from typing import get_args

from crewgate.audit import check_evidence
from crewgate.domain import recorded
from crewgate.domain.outcome import Outcome
from crewgate.domain.reason import Reason
from crewgate.domain.verdict import Decider, Verdict


def test_each_type_has_a_word() -> None:
    assert set(recorded.VERDICTS) == set(get_args(Verdict))
    assert set(recorded.DECIDERS) == set(get_args(Decider))
    assert set(recorded.OUTCOMES) == set(get_args(Outcome))
    assert set(recorded.REASONS) == set(get_args(Reason))
    assert len(set(recorded.REASONS.values())) == len(recorded.REASONS)


def test_the_checker_knows_the_trails_words_for_verdicts() -> None:
    assert set(check_evidence.VERDICTS) == set(recorded.VERDICTS.values())
