"""`crewgate dataset`: prints the outputs that people refused and approved, beside a running bot."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, Final

from crewgate.check.database import of_this_version, write_beside
from crewgate.check.findings import NotDone
from crewgate.crews import build_redactors
from crewgate.domain.answering import needs_approvals
from crewgate.domain.audit import OPERATOR, Code, Entry
from crewgate.domain.execution import STARTED_BY
from crewgate.domain.notification import HiddenValue, shown
from crewgate.domain.people import Email, User
from crewgate.domain.reason import EditedBy, TakenAs
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.domain.subjects import Subject, question_of
from crewgate.domain.verdict import Answer, Decider, Person, Via
from crewgate.runtime import utc_now
from crewgate.settings.load import Settings
from crewgate.store.engine import open_readers
from crewgate.store.replay import Replay, StoredRound

_MENTION: Final = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>")
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
#: The outcomes of a review in which `crewgate host` asks about a lesson. Such a review is left out,
#: because a lesson is no output.
_OF_LESSONS: Final = ("Keep", "Drop")


#: The value of `--as` for lines that loaders of evaluations read.
CASES: Final = "cases"


class Given(dict[str, str]):
    """The inputs of a kickoff, whose names are the caller's."""


async def write_dataset(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print what `lines_of` yields, masked, as JSON lines. Raises NotDone and StoreUnavailable."""
    crew = settings.crews.get(chosen.crew)
    if crew is None:
        known = ", ".join(settings.crews) or "none"
        raise NotDone(f"the settings name no crew {chosen.crew}; they name {known}")
    spans = [span for span in (chosen.since, crew.retention) if span is not None]
    since = utc_now() - min(spans) if spans else _FIRST
    beginning = f"{since:%Y-%m-%d}" if spans else ""
    async with write_beside(settings.database_url) as tx:
        tx.audit.add(Entry(Code.COLLECTED, OPERATOR, {"crew": chosen.crew, "since": beginning}))
    redactor, is_empty = build_redactors(settings)[chosen.crew], True
    async with of_this_version(open_readers(settings.database_url)) as engine:
        async for found, taught, names in Replay(engine).ended(chosen.crew, since):
            masking = crew.redact.also_those_in(one.facts.output.text for one in found)
            try:
                for line in lines_of(found, taught, names):
                    if chosen.form == CASES and line["approved"] is None:
                        continue
                    safe = _changed(_changed(line, redactor.error), masking.text)
                    safe["execution"] = line["execution"]  # an id leads to the trail
                    written = _case(safe) if chosen.form == CASES else safe
                    sys.stdout.write(json.dumps(written, ensure_ascii=False) + "\n")
                    is_empty = False
            except BrokenPipeError:
                raise
            except OSError as error:
                raise NotDone(f"the data set is not complete: {error}") from error
    if is_empty:
        what = "approved an output" if chosen.form == CASES else "decided on an output"
        span = f" since {beginning}" if beginning else ""
        raise NotDone(f"nobody {what} of {chosen.crew} in an execution that has ended{span}")
    sys.stdout.flush()
    return 0


def _case(line: dict[str, Any]) -> dict[str, Any]:
    """Return an approval in the form that loaders of evaluations read.

    The prompt of the task is not known, so the input has the values that the prompt was made of.
    """
    approved, known = line["approved"], ("task", "inputs", "lessons")
    rest = {name: value for name, value in line.items() if name not in ("approved", "inputs")}
    rest |= {name: value for name, value in approved.items() if name != "output"}
    return {
        "input": json.dumps({name: line[name] for name in known}, ensure_ascii=False),
        "expected_output": approved["output"],
        "metadata": rest | {"inputs": line["inputs"]},
    }


def _changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401  # JSON
    match value:
        case str():
            return change(value)
        case list():
            return [_changed(one, change) for one in value]
        case Given():
            # The names of inputs are changed as well, because callers chose them; all other names
            # are Crewgate's own.
            return Given({change(name): _changed(one, change) for name, one in value.items()})
        case dict():
            return {name: _changed(one, change) for name, one in value.items()}
    return value


def _is_text(subject: Subject) -> bool:
    """Return True for an output that people judge, and for a flow's question about one."""
    question = question_of(subject)
    if question is not None:
        return question.ask is None and question.outcomes != _OF_LESSONS
    return subject.has_text


def lines_of(
    found: Sequence[StoredRound], taught: Sequence[str], names: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield a line for each approval in a review, with the outputs that were refused before it.

    Refused outputs without a later approval are the last line. `taught` are the lessons that the
    kickoff carried. `names` are those of people who wrote notes. Where such a name, or one of
    several approvers, stands before a decision's words (`Ann: …`), `reviewer` takes its place.
    """
    refused: list[dict[str, Any]] = []
    for one in found:
        reason, decision = one.round.reason, one.round.decision
        if not _is_text(one.round.subject):
            continue
        line: dict[str, Any] = {"output": one.facts.output.text}
        if (editor := _editor(one.round)) is not None:
            line |= {"edited": True, "by": [_role(editor, None, one.starters)]}
        elif decision is not None:
            votes = decision.votes or (decision,)
            by = [_role(vote.by, vote.on_behalf_of, one.starters) for vote in votes]
            people = {*names, *(vote.by.name for vote in votes if isinstance(vote.by, Person))}
            words = _nameless(astuple(decision.verdict)[0] or "", people)
            line |= {"words": words, "by": by}
            decided = decision.verdict
            if isinstance(reason, TakenAs) and reason.label in one.round.subject.labels:
                decided = Answer(reason.label, is_label=True)
            # Approvals are `Approve` and the labels of a flow, except labels that reject the output
            # or ask for changes.
            if needs_approvals(decided, NO_RULE):
                if not _was_in_vain(one.round):
                    yield _line(one, taught, refused, line)
                    refused = []
                continue
        if "by" in line:
            refused.append(line)
    if refused:
        yield _line(found[-1], taught, refused, None)


def _editor(round_: Round) -> Decider | None:
    """Return the person who rewrote an output, or who asked the crew for exactly their own text."""
    reason, decision = round_.reason, round_.decision
    if isinstance(reason, EditedBy):
        return reason.by
    asked = decision is not None and decision.via is Via.EDIT and not decision.is_approve
    return decision.by if decision is not None and asked else None


def _was_in_vain(round_: Round) -> bool:
    """Return True for an approval that the crew surely did not take."""
    return round_.state in (State.STUCK, State.CLOSED) and not round_.in_doubt


def _line(
    one: StoredRound, taught: Sequence[str], refused: Sequence[object], approved: object
) -> dict[str, Any]:
    review, rewritten = one.round.review, one.facts.output.rewritten
    came = one.facts.inputs
    names = [name or "*" for name, value in came if isinstance(value, HiddenValue)]
    return {
        "crew": review.crew,
        "execution": review.execution_id,
        "task": review.title,
        "expected_output": review.expected_output,
        "inputs": Given((name, value) for name, value in shown(came) if name != STARTED_BY),
        "inputs_left_out": names,
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
