"""`crewgate dataset`: the outputs that people refused and approved, beside a running bot."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, Final

from crewgate.check.database import of_this_version, write_beside
from crewgate.crews import build_redactors
from crewgate.domain.answering import needs_approvals
from crewgate.domain.audit import OPERATOR, Code, Entry
from crewgate.domain.errors import CrewgateError
from crewgate.domain.execution import STARTED_BY
from crewgate.domain.notification import Question, shown
from crewgate.domain.people import Email, User
from crewgate.domain.reason import EditedBy, TakenAs
from crewgate.domain.subjects import Subject, Work
from crewgate.domain.verdict import Answer, Decider, Person
from crewgate.runtime import utc_now
from crewgate.settings.load import Settings
from crewgate.store.engine import open_readers
from crewgate.store.replay import Replay, StoredRound

_MENTION: Final = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>")
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
#: The outcomes of `crewgate host` for a lesson, which is no output.
_OF_LESSONS: Final = ("Keep", "Drop")


class NoDataset(CrewgateError):
    """Nothing, or not all, was written; the message has the reason."""


async def write_dataset(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print a line of JSON for each approval. Raises NoDataset and StoreUnavailable."""
    crew = settings.crews.get(chosen.crew)
    if crew is None:
        known = ", ".join(settings.crews) or "none"
        raise NoDataset(f"the settings name no crew {chosen.crew}; they name {known}")
    spans = [span for span in (chosen.since, crew.retention) if span is not None]
    since = utc_now() - min(spans) if spans else _FIRST
    told = f"{since:%Y-%m-%d}" if spans else ""
    async with write_beside(settings.database_url) as tx:
        tx.audit.add(Entry(Code.COLLECTED, OPERATOR, {"crew": chosen.crew, "since": told}))
    redactor, is_empty = build_redactors(settings)[chosen.crew], True
    async with of_this_version(open_readers(settings.database_url)) as engine:
        async for found, taught, names in Replay(engine).ended(chosen.crew, since):
            masking = crew.redact.also_those_in(one.facts.output.text for one in found)
            try:
                for line in lines_of(found, taught, names):
                    safe = _changed(_changed(line, redactor.error), masking.text)
                    sys.stdout.write(json.dumps(safe, ensure_ascii=False) + "\n")
                    is_empty = False
            except BrokenPipeError:
                raise
            except OSError as error:
                raise NoDataset(f"the data set is not complete: {error}") from error
    if is_empty:
        span = f" that ended since {told}" if told else ""
        raise NoDataset(f"nobody decided on an output of {chosen.crew} in an execution{span}")
    sys.stdout.flush()
    return 0


def _changed(value: object, change: Callable[[str], str]) -> object:
    match value:
        case str():
            return change(value)
        case list():
            return [_changed(one, change) for one in value]
        case dict():
            return {name: _changed(one, change) for name, one in value.items()}
    return value


def _is_text(subject: Subject) -> bool:
    """Return True for an output that people judge, and for a flow's question about one."""
    match subject:
        case Work():
            return True
        case Question(ask=None, outcomes=outcomes):
            return outcomes != _OF_LESSONS
        case _:
            return False


def lines_of(
    found: Sequence[StoredRound], taught: Sequence[str], names: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield each approval in a review, with the outputs that were refused before it.

    `taught` are the lessons that the kickoff carried, and `names` those of the writers of notes,
    which words may begin with, as those of several who approved.
    """
    refused: list[dict[str, Any]] = []
    for one in found:
        reason, decision = one.round.reason, one.round.decision
        if not _is_text(one.round.subject):
            continue
        told: dict[str, Any] = {"output": one.facts.output.text}
        if isinstance(reason, EditedBy):
            told |= {"edited": True, "by": [_role(reason.by, None, one.starters)]}
        elif decision is not None:
            votes = decision.votes or (decision,)
            by = [_role(vote.by, vote.on_behalf_of, one.starters) for vote in votes]
            people = {*names, *(vote.by.name for vote in votes if isinstance(vote.by, Person))}
            words = _nameless(astuple(decision.verdict)[0] or "", people)
            told |= {"words": words, "by": by}
            decided = decision.verdict
            if isinstance(reason, TakenAs) and reason.label in one.round.subject.labels:
                decided = Answer(reason.label, is_label=True)
            # A flow's outcome that is no refusal needs as many people as an approval does.
            if needs_approvals(decided, None):
                yield _line(one, taught, refused, told)
                refused = []
                continue
        if "by" in told:
            refused.append(told)
    if refused:
        yield _line(found[-1], taught, refused, None)


def _line(
    one: StoredRound, taught: Sequence[str], refused: Sequence[object], approved: object
) -> dict[str, Any]:
    review, rewritten = one.round.review, one.facts.output.rewritten
    given = shown(one.facts.inputs or ()) or shown(one.facts.meta)
    return {
        "crew": review.crew,
        "execution": review.execution_id,
        "task": review.title,
        "expected_output": review.expected_output,
        "inputs": {name: value for name, value in given if name != STARTED_BY},
        "lessons": [*taught, *(rewritten.lessons if rewritten else ())],
        "refused": refused,
        "approved": approved,
    }


def _nameless(words: str, people: Collection[str]) -> str:
    written = "|".join(map(re.escape, filter(None, people))) or "(?!)"
    return _MENTION.sub("@somebody", re.sub(rf"(?m)^(?:{written}): ", "reviewer: ", words))


def _role(by: Decider, absent: Person | None, starters: Sequence[User | Email]) -> str:
    if not isinstance(by, Person):
        return "rule"
    if absent is not None:
        return "deputy"
    return "starter" if User(by.id) in starters else "reviewer"
