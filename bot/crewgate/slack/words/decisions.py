"""Phrases for decisions and reasons, each made once and written by a `Voice`.

A rule is always named as a rule, never as a person.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import starmap, takewhile
from typing import Final, assert_never

from crewgate.domain import reason as reasons
from crewgate.domain import verdict
from crewgate.domain.acts import CallResult, CallState, Contradiction, ToolCall
from crewgate.domain.edits import lines_changed
from crewgate.domain.lessons import Lesson, LessonState
from crewgate.domain.notification import Question
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.subjects import Work, call_of
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.words import names
from crewgate.slack.words.names import MRKDWN, PLAIN, Voice
from crewgate.slack.words.subjects import wording

#: The most approvers named in one line; a decided card names all of them further down.
NAMED_SHORT: Final = 3
#: The most approvers that a message about their decision mentions.
ADDRESSED: Final = 10
#: The longest list of approvers, in characters: room for fifty mentions such as `@Ben for @Ana`.
_NAMES_LIMIT: Final = 1_800
#: The characters shown, once escaped, of a crew's error, warning or answer, or of a reason.
ANSWER_LIMIT: Final = 400
#: The characters shown of the label that a flow was answered with.
LABEL_SHOWN: Final = 100

# --- the people or the rule behind a decision -----------------------------------------------------


def voter(vote: verdict.Vote | verdict.Decision, voice: Voice = MRKDWN) -> str:
    """Return the person behind a vote or a decision, and the absent one: `@Ben for @Ana`."""
    assert isinstance(vote.by, verdict.Person), "a rule gives no vote"
    by = voice.person(vote.by)
    if vote.on_behalf_of is not None:
        by = f"{by} for {voice.person(vote.on_behalf_of)}"
    group = vote.group if voice.groups and isinstance(vote, verdict.Vote) else None
    return by if group is None else f"{by} of {names.reviewer(group)}"


def voters(votes: Sequence[verdict.Vote], *, most: int | None = None, voice: Voice = MRKDWN) -> str:
    shown: list[str] = []
    for vote in votes[:most]:
        name = voter(vote, voice)
        if sum(map(len, shown)) + len(name) > _NAMES_LIMIT:
            break
        shown.append(name)
    left = len(votes) - len(shown)
    return names.in_words([*shown, f"{left:,} more"] if left else shown)


def decider(
    decision: verdict.Decision, voice: Voice = MRKDWN, *, most: int | None = NAMED_SHORT
) -> str:
    """Return the rule or the person behind a decision; for several approvals, `most` approvers."""
    if not isinstance(decision.by, verdict.Person):
        return rule_name(decision.by.rule, voice)
    return (
        voters(decision.votes, most=most, voice=voice) if decision.votes else voter(decision, voice)
    )


def addressed(decision: verdict.Decision) -> str:
    if decision.votes:
        return names.in_words([names.person(vote.by) for vote in decision.votes[:ADDRESSED]])
    return names.person(decision.by) if isinstance(decision.by, verdict.Person) else ""


def rule_name(name: str, voice: Voice = MRKDWN) -> str:
    return f"the rule {rule_quoted(name, voice)}"


def rule_quoted(name: str, voice: Voice = MRKDWN) -> str:
    return f"“{voice.text(name, names.CREW_LIMIT)}”"


# --- decisions in words ---------------------------------------------------------------------------


def clause(
    decision: verdict.Decision, voice: Voice = MRKDWN, *, most: int | None = NAMED_SHORT
) -> str:
    """Return a decision inside a sentence: `approved by @Ana`, `@Ben answered “rejected”`."""
    if isinstance(decision.by, verdict.TimedOut):
        did = rule_did(decision, voice)
        return f"not decided within {how_long(decision.by.after)}; {did}"
    who = decider(decision, voice, most=most)
    match decision.verdict:
        case verdict.Answer(text, is_label):
            if not is_label:
                return f"{who} answered in words"
            # Several people approved, perhaps with different labels; the last label is the answer.
            several = bool(decision.votes) and verdict.approves(decision.verdict)
            did = "approved, so the answer is" if several else "answered"
            return f"{who} {did} {label(text, voice)}"
        case verdict.Approve():
            did = "allowed" if isinstance(decision.by, verdict.ByRule) else "approved"
            changed = " with other arguments" if decision.via is verdict.Via.CHANGE else ""
            return f"{did}{changed} by {who}"
        case verdict.Refuse():
            return f"refused by {who}"
        case verdict.Revise():
            return f"{who} asked for {_what_changes(decision)}"
        case _:
            assert_never(decision.verdict)


def sentence(decision: verdict.Decision) -> str:
    """Return a decision as the beginning of a sentence, which names everybody."""
    did = names.capital(clause(decision, names.IN_FULL, most=None))
    match decision.verdict:
        case verdict.Approve(comment=str()):
            did += " with a comment"
    return f"{did}; {unseen}" if (unseen := left_unseen(decision)) else did


def left_unseen(decision: verdict.Decision) -> str:
    """Name the approvers who had not seen all, each with what they had not seen."""
    return unseen_by(decision.votes or (decision,))


def unseen_by(votes: Iterable[verdict.Vote | verdict.Decision]) -> str:
    return "; ".join(
        f"{names.person(vote.by)} {names.in_words(unseen)}"
        for vote in votes
        if isinstance(vote.by, verdict.Person) and (unseen := [*_unseen(vote)])
    )


def _unseen(vote: verdict.Vote | verdict.Decision) -> Iterator[str]:
    if vote.shown_little is not None:
        yield f"was shown {vote.shown_little} %"
    if vote.masks_unseen:
        yield "was not shown what is masked"
    if vote.looked_seconds is not None:
        yield f"looked at it for {names.duration(timedelta(seconds=vote.looked_seconds))}"


def headline(name: str, decision: verdict.Decision, voice: Voice = MRKDWN) -> str:
    """Return a headline with a name: `Draft approved by @Ana`."""
    did = clause(decision, voice)
    match decision.verdict:
        case verdict.Answer():
            return f"{name}: {did}"
        case verdict.Revise():
            return f"{did} of {name}"
        case verdict.Approve() | verdict.Refuse():
            return f"{name} {did}"
        case _:
            assert_never(decision.verdict)


def did_this(decision: verdict.Decision, voice: Voice = MRKDWN) -> str:
    """Return a decision about the present text: `@Ana approved this`."""
    if isinstance(decision.by, verdict.TimedOut):
        return names.capital(clause(decision, voice))
    match decision.verdict:
        case verdict.Answer():
            did = "answered this"
        case verdict.Approve():
            did = "approved this"
        case verdict.Refuse():
            did = "refused this"
        case verdict.Revise():
            did = f"asked for {_what_changes(decision)}"
        case _:
            assert_never(decision.verdict)
    return names.capital(f"{decider(decision, voice)} {did}")


def revision(decision: verdict.Decision, feedback: str) -> str:
    """Return a revision's words; exact edits line by line, not as the crew got them."""
    edits = lines_changed(feedback) if decision.via is verdict.Via.EDIT else []
    return "\n".join(starmap(_edit, edits)) or feedback


def _edit(old: str, new: str) -> str:
    """Return `“3 months” → “12 months”`; for a table's row, only the cells that differ."""
    if not old.strip() or not new.strip():
        return f"Removed: “{old.strip()}”" if old.strip() else f"Added: “{new.strip()}”"
    went, came = (_CELL.split(line.strip().strip("|")) for line in (old, new))
    if 1 < len(went) == len(came):
        cells = [(a.strip(), b.strip()) for a, b in zip(went, came, strict=True)]
        row = f"{cells[0][0]}: " if cells[0][0] == cells[0][1] else ""
        return row + ", ".join(f"“{a}” → “{b}”" for a, b in cells if a != b)
    return " → ".join(f"“{one}”" for one in _apart(old.split(), new.split()))


def _apart(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    same = _alike(old, new)
    first = max(0, same - _BESIDE)
    last = max(0, _alike(old[same:][::-1], new[same:][::-1]) - _BESIDE)
    for words in (old, new):
        shown = " ".join(words[first : len(words) - last])
        yield f"{'… ' * (first > 0)}{shown}{' …' * (last > 0)}"


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))])


_BESIDE: Final = 4
_CELL: Final = re.compile(r"(?<!\\)\|")


def _what_changes(decision: verdict.Decision) -> str:
    return "exact edits" if decision.via is verdict.Via.EDIT else "a revision"


def rule_did(decision: verdict.Decision, voice: Voice = MRKDWN) -> str:
    match decision.verdict:
        case verdict.Answer(text, is_label=True):
            did = f"answered “{voice.text(text, names.CREW_LIMIT)}”"
        case verdict.Answer(to_crew=True) | verdict.Refuse():
            did = "refused it"
        case verdict.Answer():
            did = "answered in its words"
        case verdict.Revise():
            did = "sent it back"
        case verdict.Approve():
            did = "approved it"
        case _:
            assert_never(decision.verdict)
    return f"{decider(decision, voice)} {did}"


def noun(decision: verdict.Decision) -> str:
    return _NOUNS[type(decision.verdict)]


_NOUNS: Final[Mapping[type[verdict.Verdict], str]] = {
    verdict.Approve: "approval",
    verdict.Revise: "revision request",
    verdict.Refuse: "refusal",
    verdict.Answer: "answer",
}


def whose(decision: verdict.Decision, of_rule: str, voice: Voice = MRKDWN) -> str:
    """Return `@Ana's`, or `of_rule` where a rule decided."""
    return f"{decider(decision, voice)}'s" if isinstance(decision.by, verdict.Person) else of_rule


_DONE_ALREADY: Final = ":exclamation: *This may have been done already"
DONE_ALREADY: Final = f"{_DONE_ALREADY}*"
MAY_HAVE_RUN: Final = f"{_DONE_ALREADY}:* nobody knows how an equal call before it ended."
WAS_TRIED: Final = f"{_DONE_ALREADY}:* an earlier approval of it may have arrived."


def waits_again(round_: Round) -> str | None:
    """Return a warning for a waiting call that was approved before, and may have been done then."""
    call = call_of(round_.subject)
    if call is None or round_.state is not State.WAITING or not call.may_have_run:
        return None
    if call.earlier is None:
        return WAS_TRIED if call.was_tried else MAY_HAVE_RUN
    ended = _ended(call.earlier)
    return f":exclamation: *This was done already.* {ended} The agent was not told."


def wants_to_use(round_: Round, voice: Voice = MRKDWN) -> str:
    """Return a waiting call of a tool: `*Clerk* wants to use `send_email``."""
    agent = voice.text(round_.review.agent or "", names.AGENT_LIMIT) or "An agent"
    name = names.task(round_, voice)
    if voice is not PLAIN:
        agent = names.bold(agent)
        call = call_of(round_.subject)
        name = names.identifier(call.name) if call is not None and call.name else name
    several = f"; it needs {more_approvals(round_)}" if round_.rule.approvals > 1 else ""
    return f"{agent} {wording(round_).headline} {name}{several}"


def waits(name: str, round_: Round, voice: Voice = MRKDWN) -> str:
    match round_.subject:
        case ToolCall():
            return wants_to_use(round_, voice)
        case Question():
            # In a crew the task's agent asks; in a flow the method with this `name` asks.
            agent = None if round_.is_of_flow else round_.review.agent
            who = name if agent is None else voice.text(agent, names.AGENT_LIMIT)
            return f"{who} {wording(round_).headline}"
        case Work() if round_.rule.approvals > 1:
            return f"{name} needs {more_approvals(round_)}"
        case Work():
            return f"{name} {wording(round_).headline}"
        case _:
            assert_never(round_.subject)


def more_approvals(round_: Round) -> str:
    """`2 approvals`, or `1 more approval` once somebody has approved."""
    more = "more " if round_.votes else ""
    return names.counted(round_.rule.approvals - len(round_.votes), f"{more}approval")


def call_ended(round_: Round) -> str:
    """Return the end of a decided call: the first line of its result."""
    decision, result = round_.decision, round_.call_result
    if result is not None:
        ended = _ended(result)
        if isinstance(round_.reason, reasons.RanEarlier) and result.contradicts is None:
            return f"{ended} An earlier round had approved it."
        return f"{ended}{MUST_NOT_HAVE_RUN}" if result.contradicts is not None else ended
    if isinstance(round_.reason, reasons.Fetched):
        return WAS_FETCHED
    if decision is not None and decision.is_approve:
        return f"It may run, once{until(round_)}."
    return "The agent was told, and goes on without it."


def until(round_: Round) -> str:
    """Return `, until 7:46 AM` if a call's approval ends then; empty for other decisions."""
    end, decision = round_.valid_until, round_.decision
    if end is None or decision is None or not decision.is_approve:
        return ""
    return f", until {names.moment(end, decision.at)}"


def _ended(result: CallResult) -> str:
    words, ended = one_line(result.words, ANSWER_LIMIT), _CALL_ENDED[result.state]
    if result.unsure and result.state is CallState.RAN:
        ended = "It returned"
    return f"{ended}: “{words}”" if words else f"{ended}."


def ran_although(round_: Round) -> str | None:
    """Return the alarm about a call that must not have run; None for any other call."""
    why = round_.contradiction
    return None if why is None else _RAN[why]


_RAN: Final = {
    Contradiction.UNDECIDED: "ran although nobody had approved it",
    Contradiction.REFUSED: "ran although it was refused",
    Contradiction.UNSENT: "ran before its approval was sent",
    Contradiction.AGAIN: "ran twice on one approval",
}
MUST_NOT_HAVE_RUN: Final = (
    " That must not happen: look at the host or the program that made this call."
)
WAS_FETCHED: Final = "Whoever asked has fetched this."
_CALL_ENDED: Final = {
    CallState.RAN: "It ran and returned",
    CallState.FAILED: "It ran and failed",
    CallState.CLOSED: "It did not run",
}


def receiver(decision: verdict.Decision | None) -> str:
    match decision and decision.verdict:
        case verdict.Answer(to_crew=False):
            return "flow"
        case _:
            return "crew"


def asker(round_: Round) -> str:
    return "flow" if round_.is_of_flow else "crew"


def label(text: str, voice: Voice = MRKDWN) -> str:
    return f"“{voice.text(text, LABEL_SHOWN)}”"


def how_long(waits: Duration) -> str:
    """Return a rule's duration in words: `3 days`, `4 working hours`."""
    if waits.working:
        return names.counted(int(waits.length.total_seconds()) // 3_600, "working hour")
    seconds = int(waits.length.total_seconds())
    for size, unit in _UNITS.items():
        if not seconds % size:
            return names.counted(seconds // size, unit)
    return names.duration(waits.length)  # pragma: no cover  # Slack's dates have whole seconds


_UNITS: Final[Mapping[int, str]] = {86_400: "day", 3_600: "hour", 60: "minute", 1: "second"}


# --- the reason for a round's state ---------------------------------------------------------------

EXECUTION_GONE: Final = "the crew does not know this execution"


def reason_text(reason: reasons.Reason | None) -> str:  # noqa: C901, PLR0911  # one row a case
    """Return a reason as a part of a sentence, not escaped."""
    match reason:
        case None | reasons.Fetched() | reasons.NotFetched():
            return ""
        case (
            reasons.Answered(words=text)
            | reasons.RefusedByCrew(words=text)
            | reasons.NotCalled(words=text)
        ):
            return text
        case reasons.Withdrawn(text):
            return text or "the crew no longer asks"
        case (
            reasons.NotReached(text) | reasons.AnswerLost(why=text) | reasons.RetriesExhausted(text)
        ):
            return text
        case reasons.ExecutionFailed(error):
            return f"the execution failed: {error}" if error else "the execution failed"
        case reasons.EditedBy(by):
            return f"{by.name or by.id} edited it"
        case reasons.Dismissed(by, why):
            return f"{by.name or by.id} dismissed it" + (f": {why}" if why else "")
        case reasons.TakenAs(outcome, words):
            return f"outcome: {outcome}" if outcome else words
        case (
            reasons.AnsweredElsewhere(words)
            | reasons.PerhapsTaken(words)
            | reasons.RequestGone(words=words)
        ):
            return f"{_REASONS[type(reason)]}: {words}" if words else _REASONS[type(reason)]
        case (
            reasons.Inferred()
            | reasons.NeverSent()
            | reasons.Expired()
            | reasons.ExecutionEnded()
            | reasons.ExecutionGone()
            | reasons.TimeOver()
            | reasons.RanEarlier()
        ):
            return _REASONS[type(reason)]


_REASONS: Final = {
    reasons.Inferred: "the crew has gone on, so it has this",
    reasons.NeverSent: "a newer output came before this could be sent",
    reasons.Expired: "this decision ended before it was known to have arrived",
    reasons.RanEarlier: "it ran by the approval of an earlier round",
    reasons.ExecutionEnded: "the execution has ended",
    reasons.ExecutionGone: EXECUTION_GONE,
    reasons.AnsweredElsewhere: "there is an answer from elsewhere",
    reasons.PerhapsTaken: "the flow has an answer, this one or one from elsewhere",
    reasons.RequestGone: "the flow does not know this request any more",
    reasons.TimeOver: "time is over, and the flow goes on without an answer",
}


def because(reason: reasons.Reason | None, voice: Voice = MRKDWN) -> str:
    """Return a reason, escaped and without a full stop at its end."""
    return voice.text(reason_text(reason), ANSWER_LIMIT).rstrip(". ")


def lesson_is(lesson: Lesson) -> str:
    is_over = lesson.state is LessonState.RETIRED and lesson.ended_by is None
    return "ended by its time" if is_over else _LESSON_IS[lesson.state]


_LESSON_IS: Final[Mapping[LessonState, str]] = {
    LessonState.PROPOSED: "is proposed, and not kept yet",
    LessonState.KEPT: "is kept",
    LessonState.DROPPED: "was dropped",
    LessonState.RETIRED: "was retired",
    LessonState.REPLACED: "was replaced",
}
