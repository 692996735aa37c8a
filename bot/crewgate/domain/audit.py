"""The audit trail's entries, made from a round before and after a change; codes are stable.

Entries hold texts as salted digests only: the salt lies beside the text and is wiped with it, so
that the digest still proves the text, and nobody can guess “Approved.” from it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Self, assert_never

from crewgate.domain import recorded, verdict
from crewgate.domain.acts import CallResult, ToolCall
from crewgate.domain.answering import needs_approvals
from crewgate.domain.notification import Question
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.domain.reason import WORDS, Dismissed, EditedBy, Inferred, Reason, TakenAs
from crewgate.domain.review import Round, State
from crewgate.domain.subjects import Subject, Work

#: Actors without a user id; an entry names a person by the user id.
BOT: Final = "crewgate"
CREW: Final = "crew"
RULE: Final = "rule"
OPERATOR: Final = "operator"
"""An unknown person at the machine's command line."""
#: The fields of a reason or an answer that hold a text: an entry gets only the text's digest.
_WORDS: Final = WORDS | {"label"}


class Code(StrEnum):
    """The codes of entries, each with its sentence. A code never changes its meaning."""

    told: str

    def __new__(cls, value: str, told: str = "") -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.told = told
        return code

    OPENED = "CG101", "A review was opened for an output"
    SUPERSEDED = "CG102", "A newer output came before anybody decided"
    CLOSED = "CG103", "Closed: nothing was left to decide or to send"
    REOPENED = "CG104", "Opened again"
    DISMISSED = "CG105", "Dismissed by a person"
    EDITED = "CG106", "A person's own text took the place of the output"
    REPORT_DISMISSED = "CG107", "A person dismissed a webhook that could not be understood"
    SHOWN = "CG111", "The card was posted"
    REMINDED = "CG112", "Those who had not decided were reminded"
    ESCALATED = "CG113", "More people may decide"
    ASSIGNED = "CG114", "The flow called its assignees"
    UNMASKED = "CG115", "A person was shown the output without masks"
    RULED = "CG116", "Its rule changed while it waited"
    CALL_ENDED = "CG117", "The crew said how a call ended, or that it no longer asks"
    REFERRED = "CG118", "A person asked another to look"
    APPROVED = "CG121", "One of several approvals was given"
    TAKEN_BACK = "CG122", "An approval was taken back"
    LAPSED = "CG123", "An approval no longer counts: the person may no longer decide"
    DECIDED = "CG124", "A person decided"
    TIMED_OUT = "CG125", "Nobody decided in time, so the rule did"
    RULE_DECIDED = "CG126", "A rule allowed or refused a call, without a person"
    SENDING = "CG131", "A try to tell the crew began"
    DELIVERED = "CG132", "The crew took the decision"
    REFUSED = "CG133", "The crew refused the decision"
    NOT_SENT = "CG134", "The try surely did not reach the crew"
    IN_DOUBT = "CG135", "The answer was lost: the decision may have been taken"
    INFERRED = "CG136", "The crew has gone on, which shows that it took the decision"
    STUCK = "CG137", "The decision could not be told: a person must act"
    RETRIED = "CG138", "A person had the decision sent again"
    FETCHED = "CG139", "The asker fetched the decision"
    AWAY = "CG141", "A person is away, and a delegate decides for them"
    BACK = "CG142", "A person is back"
    CONFIRMED = "CG143", "An e-mail address stands for an account, as an operator says"
    LESSON_PROPOSED = "CG151", "A person proposed a lesson for a crew"
    LESSON_APPROVED = "CG152", "One of several approvals of a lesson was given"
    LESSON_KEPT = "CG153", "A lesson was kept: kickoffs carry it from now on"
    LESSON_DROPPED = "CG154", "A proposed lesson was dropped"
    LESSON_RETIRED = "CG155", "A kept lesson was retired"
    LESSONS_GIVEN = "CG156", "A kickoff carried these lessons"
    STARTED = "CG191", "The bot started with these settings"
    PUBLISHED = "CG192", "The head of the chain was published"
    EXPORTED = "CG193", "The entries were exported"
    PURGED = "CG194", "Texts were removed"
    PROVED = "CG195", "A proof of an execution was made, with its texts"
    LISTED = "CG196", "A table of the decisions behind the numbers was asked for"
    FORGOTTEN = "CG197", "Credentials that no key opens were taken out"
    COLLECTED = "CG198", "Outputs were exported with what people decided on them"

    @property
    def decides(self) -> bool:
        """True if the crew may be told the verdict from this entry on."""
        return self in {Code.DECIDED, Code.TIMED_OUT, Code.RULE_DECIDED}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the event's code, its actor (a person or, for example, BOT), and its facts."""

    code: Code
    actor: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry in the hash chain, which stands for all entries before it."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @property
    def signed(self) -> bytes:
        return f"crewgate audit head {self}".encode()


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a head, and the public key that verifies it, in hex; empty without a key."""

    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Published:
    """A head that is also kept outside the database: in the log and, if set, in a channel."""

    head: Head
    at: datetime
    signed: Signature


def digest_of(text: str | bytes, salt: str) -> str:
    """Return the salted digest of a text; lone surrogates are digested as received."""
    found = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    # An HMAC would prove no more, as the salt is random and of fixed length, and would cost ten
    # times as much.
    return sha256(salt.encode() + b"\n" + found).hexdigest()


def people_of(round_: Round) -> Iterator[verdict.Person]:
    """Yield the people who acted on a round, and those by whose right somebody acted."""
    yield from (one.by for one in round_.referrals)
    acts = (*round_.votes, round_.decision)
    named = [who for one in acts if one for who in (one.by, one.on_behalf_of)]
    reason = round_.reason.by if isinstance(round_.reason, Dismissed | EditedBy) else None
    yield from (
        one for one in (round_.edited_by, reason, *named) if isinstance(one, verdict.Person)
    )


def texts_of(round_: Round) -> Iterator[str]:
    yield from (one.name for one in people_of(round_))
    if round_.decision is not None:
        yield round_.decision.human_feedback
    for vote in round_.votes:
        yield from filter(None, (vote.comment, vote.answer))
    yield from (one.text for one in round_.referrals if one.text)
    if round_.call_result is not None:
        yield round_.call_result.words
    for name in _WORDS:
        if text := getattr(round_.reason, name, ""):
            yield text


def without_texts(round_: Round, at: datetime) -> Round:
    """Return the round without anybody's words.

    A flow's labels stay: they are the decision. Without salt and digest nobody can tell what the
    texts were, or guess short ones.
    """
    decision, subject, reason = round_.decision, round_.subject, round_.reason
    result = round_.call_result
    labels = subject.labels
    votes = tuple(_without_words(vote, labels) for vote in round_.votes)
    if decision is not None:
        bare_votes = tuple(_without_words(vote, labels) for vote in decision.votes)
        decision = replace(decision, verdict=_without_text(decision.verdict), votes=bare_votes)
    if reason is not None:
        words: dict[str, Any] = {one.name: "" for one in fields(reason) if one.name in WORDS}
        reason = replace(reason, **words)
    if isinstance(reason, TakenAs) and reason.label not in labels:
        reason = replace(reason, label="")
    return replace(
        round_,
        digest="",
        salt="",
        subject=_subject_without_words(subject),
        votes=votes,
        referrals=(),
        decision=decision,
        reason=reason,
        call_result=result and replace(result, words=""),
        removed_at=at,
    )


def _subject_without_words(subject: Subject) -> Subject:
    match subject:
        case Question():
            return replace(subject, message="")
        case ToolCall(earlier=CallResult() as earlier):
            return replace(subject, earlier=replace(earlier, words=""))
        case ToolCall() | Work():
            return subject
        case _:
            assert_never(subject)


def _without_words(vote: verdict.Vote, labels: tuple[str, ...]) -> verdict.Vote:
    answer = "" if vote.answer is not None and vote.answer not in labels else vote.answer
    return replace(vote, comment=None, answer=answer)


def _without_text(given: verdict.Verdict) -> verdict.Verdict:
    match given:
        case verdict.Approve():
            return verdict.Approve()
        case verdict.Revise():
            return verdict.Revise("")
        case verdict.Refuse():
            return verdict.Refuse("")
        case verdict.Answer(text, is_label):
            return replace(given, text=text if is_label else "")
        case _:
            assert_never(given)


def entries_of(before: Round, after: Round, *, actor: str) -> Iterator[Entry]:
    # Votes are compared by person and time only: a vote that only changes its group is not new.
    was, now = ({(vote.by, vote.at) for vote in one.votes} for one in (before, after))
    given = [vote for vote in after.votes if (vote.by, vote.at) not in was]
    yield from _of_rule(before, after, actor)
    for vote in before.votes:
        if (vote.by, vote.at) not in now:
            # Votes lapse only when a new vote is given; without one, a person took this vote back.
            code = Code.LAPSED if given else Code.TAKEN_BACK
            yield Entry(code, BOT if given else actor or vote.by.id, _of_vote(vote, after))
    for vote in given:
        data = _of_vote(vote, after)
        yield Entry(Code.APPROVED, vote.by.id, data | _regrouped(before.votes, after.votes))
    yield from _of_referrals(before, after)
    if after.escalated_at != before.escalated_at:
        yield Entry(Code.ESCALATED, RULE, {})
    if after.reminders > before.reminders:
        yield Entry(Code.REMINDED, RULE, {"reminder": after.reminders})
    if after.decision is not None and before.decision is None:
        yield _of_decision(after.decision, after)
    if after.call_result is not None and after.call_result != before.call_result:
        yield _of_result(after.call_result, after.salt)
    if after.retries > before.retries:
        yield Entry(Code.RETRIED, actor or BOT, {})
    elif (after.state, type(after.reason)) != (before.state, type(before.reason)):
        yield from _of_state(before, after, actor)


def _regrouped(before: Iterable[verdict.Vote], now: Iterable[verdict.Vote]) -> dict[str, Any]:
    """Return as an entry's fact the earlier voters whom a new vote moved to other groups."""
    was = {(vote.by.id, vote.at): set(vote.groups) for vote in before}
    stayed = [vote for vote in now if was.get((vote.by.id, vote.at)) not in (None, {*vote.groups})]
    groups = {vote.by.id: [*map(str, vote.groups)] for vote in stayed}
    return {"regrouped": groups} if groups else {}


def _of_rule(before: Round, after: Round, actor: str) -> Iterator[Entry]:
    if after.subject != before.subject:
        yield Entry(Code.ASSIGNED, CREW, {"assigned": [*map(str, after.subject.assignees)]})
    elif after.rule != before.rule:
        yield Entry(Code.RULED, actor or RULE, {})


def _of_referrals(before: Round, after: Round) -> Iterator[Entry]:
    for one in after.referrals:
        if one not in before.referrals:
            why = one.text and digest_of(one.text, after.salt)
            yield Entry(Code.REFERRED, one.by.id, {"to": one.to.id, "why": why})


def _of_result(result: CallResult, salt: str) -> Entry:
    data = {"call": result.state.value, "words": result.words and digest_of(result.words, salt)}
    if result.contradicts is not None:
        data["contradicts"] = result.contradicts.value
    return Entry(Code.CALL_ENDED, CREW, data)


def _of_state(before: Round, after: Round, actor: str) -> Iterator[Entry]:
    data = _of_reason(after.reason, after.salt)
    match after.state:
        case State.SUPERSEDED if isinstance(after.reason, EditedBy):
            yield Entry(Code.EDITED, after.reason.by.id, data)
        case State.SUPERSEDED:
            yield Entry(Code.SUPERSEDED, CREW, data)
        case State.CLOSED if isinstance(after.reason, Dismissed):
            yield Entry(Code.DISMISSED, after.reason.by.id, data)
        case State.CLOSED:
            yield Entry(Code.CLOSED, BOT, data)
        case State.RESUMED if isinstance(after.reason, Inferred):
            yield Entry(Code.INFERRED, BOT, {"activity_before": after.activity_before})
        case State.STUCK if before.state is not State.CLOSED:
            yield Entry(Code.STUCK, BOT, data)
        case State.STUCK | State.WAITING:
            yield Entry(Code.REOPENED, actor or BOT, {})
        case _:  # the entry of the decision, or of the try's outcome, tells of this change
            pass


def outcome_entry(outcome: Outcome, salt: str) -> Entry:
    match outcome:
        case Delivered():
            code, data = Code.DELIVERED, _of_reason(outcome, salt)
        case Refused() if outcome.by_crew:
            code, data = Code.REFUSED, _of_reason(outcome, salt)
        case Refused():
            code, data = Code.NOT_SENT, _of_reason(outcome, salt)
        case NotSent(why=why):
            code, data = Code.NOT_SENT, {"why": why, "code": outcome.code}
        case Unknown(why=why):
            code, data = Code.IN_DOUBT, {"why": why, "code": outcome.code}
        case _:
            assert_never(outcome)
    if outcome.exchange is not None:
        data |= {"sent": digest_of(outcome.exchange.sent, salt)}
        if outcome.exchange.answer is not None:
            data |= {"answer": digest_of(outcome.exchange.answer, salt)}
    return Entry(code, CREW if code in {Code.DELIVERED, Code.REFUSED} else BOT, data)


def _of_vote(vote: verdict.Vote, round_: Round) -> dict[str, Any]:
    comment, answer = vote.comment, vote.answer
    return {
        "by": vote.by.id,
        "via": vote.via.value,
        **_on_behalf_of(vote, round_),
        "comment": comment and digest_of(comment, round_.salt),
        "answer": answer and digest_of(answer, round_.salt),
        "groups": [*map(str, vote.groups)],
        **_masked(round_),
    }


def _on_behalf_of(act: verdict.Vote | verdict.Decision, round_: Round) -> dict[str, Any]:
    if (person := act.on_behalf_of) is None:
        return {"on_behalf_of": None}
    name = digest_of(person.name, round_.salt)
    return {"on_behalf_of": person.id, "on_behalf_of_name": name}


def _masked(round_: Round) -> dict[str, int]:
    return {"masked": round_.masked} if round_.masked else {}


def _of_decision(decision: verdict.Decision, round_: Round) -> Entry:
    data = {
        "verdict": recorded.VERDICTS[type(decision.verdict)],
        "words": digest_of(decision.human_feedback, round_.salt),
        "via": recorded.via(decision.via),
        "unsent_notes": decision.unsent_notes,
        "votes": {vote.by.id: vote.group and str(vote.group) for vote in decision.votes},
        "approval": needs_approvals(decision.verdict, round_.rule),
        **_on_behalf_of(decision, round_),
        **_masked(round_),
    }
    match decision.by:
        case verdict.Person(id=user):
            return Entry(Code.DECIDED, user, data)
        case verdict.TimedOut():
            return Entry(Code.TIMED_OUT, RULE, data)
        case verdict.ByRule():
            return Entry(Code.RULE_DECIDED, RULE, data)
        case _:
            assert_never(decision.by)


def _of_reason(reason: Reason | Delivered | Refused | None, salt: str) -> dict[str, Any]:
    """Return the fields of a reason or an answer, with people's words as digests."""
    if reason is None:
        return {}
    names: Mapping[type, str] = {**recorded.REASONS, **recorded.OUTCOMES}
    data: dict[str, Any] = {"reason": names[type(reason)]}
    for field in filter(lambda field: field.compare, fields(reason)):
        value = getattr(reason, field.name)
        if isinstance(value, verdict.Person):
            data[field.name] = value.id
        elif field.name in _WORDS:
            data[field.name] = value and digest_of(value, salt)
        elif value is None or isinstance(value, bool):
            data[field.name] = value
        else:
            data[field.name] = str(value)
    return data
