"""Texts that are removed once their execution has been over for long; decisions stay."""

import re
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from crewgate.domain.parsers import InvalidSetting, shown
from crewgate.domain.reason import WORDS
from crewgate.domain.review import Round
from crewgate.domain.verdict import Answer, Approve, Revise, Verdict, Vote


def parse_retention(raw: object) -> timedelta | None:
    """Days, as `90d`; None for `for ever`."""
    return None if str(raw).strip().lower() == "for ever" else parse_days(raw)


def parse_days(raw: object) -> timedelta:
    """Days, as `90d`."""
    found = re.fullmatch(r"([1-9][0-9]{0,4}) ?d", str(raw).strip().lower())
    if found is None:
        raise InvalidSetting(f'{shown(raw)} is no time in days; put one like "90d" here')
    return timedelta(days=int(found[1]))


def without_texts(round_: Round, at: datetime) -> Round:
    """Return the round without anybody's words.

    A flow's labels stay: they are the decision. Without salt and digest nobody can tell what the
    texts were, or guess short ones.
    """
    decision, question, reason = round_.decision, round_.question, round_.reason
    labels = question.outcomes if question is not None else ()
    votes = tuple(_without_words(vote, labels) for vote in round_.votes)
    if decision is not None:
        kept = tuple(_without_words(vote, labels) for vote in decision.votes)
        decision = replace(decision, verdict=_without_text(decision.verdict), votes=kept)
    if reason is not None:
        words: dict[str, Any] = {one.name: "" for one in fields(reason) if one.name in WORDS}
        reason = replace(reason, **words)
    return replace(
        round_,
        digest="",
        salt="",
        question=None if question is None else replace(question, message=""),
        votes=votes,
        decision=decision,
        reason=reason,
        removed_at=at,
    )


def _without_words(vote: Vote, labels: tuple[str, ...]) -> Vote:
    answer = "" if vote.answer is not None and vote.answer not in labels else vote.answer
    return replace(vote, comment=None, answer=answer)


def _without_text(verdict: Verdict) -> Verdict:
    match verdict:
        case Approve():
            return Approve()
        case Revise():
            return Revise("")
        case Answer(text, is_label):
            return replace(verdict, text=text if is_label else "")
        case _:
            assert_never(verdict)
