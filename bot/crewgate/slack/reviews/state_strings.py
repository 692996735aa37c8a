"""The states of a round in words: on its card, in lists and history, and as a push."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnsweredElsewhere,
    AnswerLost,
    Dismissed,
    ExecutionGone,
    NeverSent,
    NotCalled,
    PerhapsTaken,
    Reason,
    RefusedByCrew,
    RequestGone,
    RetriesExhausted,
    TakenAs,
    TimeOver,
)
from crewgate.domain.review import Round
from crewgate.domain.verdict import (
    FEEDBACK_LIMIT,
    Answer,
    Approve,
    Decision,
    Person,
    Revise,
    TimedOut,
)
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import ago, duration, moment, one_line, plain
from crewgate.slack.phrases import because, receiver
from crewgate.slack.reviews.presentation import (
    Closed,
    OnItsWay,
    Presentation,
    Stuck,
    Superseded,
    Taken,
    Waiting,
    icon,
)
from crewgate.slack.strings import PLAIN, capital, person, quoted, task

SUBJECT_LIMIT: Final = 100
FEEDBACK_SHOWN: Final = 700
_REASON_LIMIT: Final = 120
_NOTHING_LEFT: Final = "there is nothing left to decide"


def arrival(shown: Stuck | Closed) -> str:
    """The fate of a decision that is stuck or was closed, as the end of a sentence."""
    if isinstance(shown.reason, AnsweredElsewhere | TimeOver) and isinstance(shown, Closed):
        return "came too late"
    if shown.may_be_taken:
        return f"may not have reached the {receiver(shown.decision)}"
    if isinstance(shown, Stuck) or isinstance(shown.reason, Dismissed):
        return f"did not reach the {receiver(shown.decision)}"
    return "was not taken" if isinstance(shown.reason, RequestGone) else "was not sent"


def dismissed(reason: Dismissed) -> str:
    """The dismissal with its reason, without the full stop."""
    return f"{person(reason.by)} dismissed it{_colon_why(reason)}"


def _colon_why(reason: Dismissed) -> str:
    why = one_line(reason.why, shared.WHY_LIMIT).rstrip(". ")
    return f": “{why}”" if why else ""


def written(decision: Decision) -> str:
    """The reviewer's words; empty where nothing was written."""
    match decision.verdict:
        case Approve(comment):
            return comment or ""
        case Revise(feedback):
            return phrases.revision(decision, feedback)
        case Answer(text, is_label):
            return "" if is_label else text
        case _:
            assert_never(decision.verdict)


def said(decision: Decision) -> str:
    """The same as a quotation."""
    text = written(decision)
    return quoted(text, FEEDBACK_SHOWN) if text else ""


def is_cut(decision: Decision) -> bool:
    """True if `said` leaves out some of it."""
    text = written(decision)
    return bool(text) and quoted(text, FEEDBACK_SHOWN) != quoted(text, 2 * FEEDBACK_LIMIT)


def is_done_again(shown: Presentation) -> bool:
    """True while the crew does again what it has been asked to."""
    return isinstance(shown, Taken) and isinstance(shown.decision.verdict, Revise)


# --- in one line ----------------------------------------------------------------------------------


def headline(round_: Round, shown: Presentation, subject: str, *, by_number: bool = False) -> str:
    """A card's first line: the state first, then what it is about; `by_number` names the round."""
    about = one_line(subject, SUBJECT_LIMIT)
    name = f"{task(round_)} ({shared.number(round_)})" if by_number else task(round_)
    line = f"{icon(shown)} {shared.bold(_headline(name, round_, shown))}"
    return f"{line} · {about}" if about else line


def _headline(name: str, round_: Round, shown: Presentation) -> str:  # noqa: PLR0911  # a table
    match shown:
        case Waiting(approved=approved, needed=needed) if needed > 1 and round_.question is None:
            return f"{name} needs {_more(approved, needed)}"
        case Waiting():
            asks = "is ready for review" if round_.question is None else "asks for an answer"
            return f"{name} {asks}"
        case OnItsWay(decision) | Taken(decision) if isinstance(decision.by, TimedOut):
            return by_time(name, round_, decision, decision.by)
        case OnItsWay(decision) | Taken(decision):
            return phrases.headline(name, decision)
        case Superseded(by):
            return f"{name}: round {by:,} takes its place"
        case Closed(reason=Dismissed(by=by)):
            return f"{name} dismissed by {person(by)}"
        case Stuck(Decision() as decision) | Closed(Decision() as decision):
            what = f"{phrases.noun(decision)} {_OF[type(decision.verdict)]} {name}"
            return f"{phrases.whose(decision, 'The')} {what} {arrival(shown)}"
        case Closed(reason=AnsweredElsewhere()):
            return f"{name} was answered elsewhere"
        case Closed(reason=TimeOver()):
            return f"{name} was not answered in time"
        case _:
            return f"{name} is closed"


def by_time(name: str, round_: Round, decision: Decision, by: TimedOut) -> str:
    """A rule's decision, and how far people came: `Draft went back: 1 of 2 approvals in 3 days`."""
    within = phrases.how_long(by.after)
    came = f"{len(round_.votes):,} of {round_.approvals:,} approvals in {within}"
    why = came if round_.votes else f"nobody decided within {within}"
    match decision.verdict:
        case Revise():
            return f"{name} went back: {why}"
        case Approve():
            return f"{name} approved by its rule: {why}"
        case Answer():
            return f"{name}: {why}; {phrases.rule_did(decision)}"
        case _:
            assert_never(decision.verdict)


_OF: Final = {Approve: "of", Revise: "for", Answer: "to"}


def push(round_: Round, shown: Presentation, subject: str = "") -> str:
    """A card in one plain line: what a notification says."""
    again = f", {shared.number(round_)}" if round_.number > 1 else ""
    about = plain(subject, SUBJECT_LIMIT)
    name = f"{shared.title(round_.review.title, PLAIN)}{again}{f' · {about}' if about else ''}"
    return f"{_push(shown, is_question=round_.question is not None)}: {name}"


def _push(shown: Presentation, *, is_question: bool) -> str:  # noqa: PLR0911  # a table
    match shown:
        case Waiting(approved=approved, needed=needed):
            so_far = f", {approved:,} given" if approved else ""
            if needed > 1 and not is_question:
                return f"Needs {_more(approved, needed)}"
            return f"{'Waiting for an answer' if is_question else 'Ready for review'}{so_far}"
        case OnItsWay(decision):
            sent = f"being sent to the {receiver(decision)}"
            return f"{capital(phrases.clause(decision, PLAIN))}, {sent}"
        case Taken(decision):
            return capital(phrases.clause(decision, PLAIN))
        case Superseded(by):
            return f"Replaced by round {by:,}"
        case Closed(reason=Dismissed(by=by)):
            return f"Dismissed by {PLAIN.person(by)}"
        case Stuck(Decision() as decision) | Closed(Decision() as decision):
            lost = "Perhaps not delivered" if shown.may_be_taken else "Not delivered"
            return f"{lost} ({phrases.clause(decision, PLAIN)})"
        case _:
            return "Closed"


def _more(approved: int, needed: int) -> str:
    """`2 approvals`, or `1 more approval` once somebody has approved."""
    return shared.counted(needed - approved, f"{'more ' if approved else ''}approval")


def in_list(shown: Presentation, now: datetime) -> str:
    """A round's state in a list, with how long it has been so."""
    match shown:
        case Waiting(since, approved, needed):
            return f"waiting for {duration(now - since)}{_so_far(approved, needed)}"
        case OnItsWay(decision):
            sending = f"being sent to the {receiver(decision)}{_colon(shown.reason)}"
            return f"{_ago(decision, now)}, {sending}"
        case Taken(decision):
            return _ago(decision, now)
        case Stuck(decision, reason):
            became = arrival(shown) if shown.may_be_taken else "not delivered"
            return f"{_ago(decision, now)}, *{became}*{_colon(reason)}"
        case Superseded(edited_by=by):
            return f"edited by {person(by)}" if by else "replaced by a newer output"
        case Closed(decision, reason):
            closed = f"closed{_colon(reason)}"
            return closed if decision is None else f"{_ago(decision, now)}, {closed}"
        case _:
            assert_never(shown)


def _ago(decision: Decision, now: datetime) -> str:
    return f"{phrases.clause(decision)} {ago(decision.at, now)}"


def _colon(reason: Reason | None) -> str:
    why = one_line(phrases.reason_text(reason), _REASON_LIMIT)
    return f": {why}" if why else ""


def _so_far(approved: int, needed: int) -> str:
    return f", {approved:,} of {needed:,} approved" if approved else ""


_DID: Final = {
    ResumeStatus.RESUMED: "The crew went on",
    ResumeStatus.RETRYING: "The crew did it again",
    ResumeStatus.COMPLETED: "That ended the crew's work",
}


def outcome(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    """The fate of a decision, with the crew's words: a line of the history."""
    match shown:
        case OnItsWay():
            what = f"Being sent to the {receiver(shown.decision)}"
        case Taken(reason=Answered(status=ResumeStatus() as status)):
            return _DID[status]
        case Taken():
            what = f"The {receiver(shown.decision)} has it"
        case Stuck():
            what = f"It {arrival(shown)}"
        case Closed(reason=Dismissed() as reason):
            return dismissed(reason)
        case Closed():
            what = "Closed"
        case _:
            assert_never(shown)
    why = because(shown.reason)
    return f"{what}: “{why}”" if why else what


# --- in full --------------------------------------------------------------------------------------


def in_full(shown: Presentation) -> str:
    """Everything that is true about a round now, above a page of it."""
    match shown:
        case Waiting(approved=approved, needed=needed):
            return f"{icon(shown)} Waiting for a decision{_so_far(approved, needed)}"
        case Superseded(by, Person() as editor):
            return f"{icon(shown)} {person(editor)} edited this text: round {by:,}."
        case Superseded(by):
            return f"{icon(shown)} A newer output came; round {by:,} takes its place."
        case OnItsWay() | Taken() | Stuck() | Closed():
            return f"{icon(shown)} {_in_full(shown)}"
        case _:
            assert_never(shown)


def _in_full(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    decision = shown.decision
    if decision is None:
        return answer(shown)
    line = f"{phrases.sentence(decision)}."
    if isinstance(shown, Closed) and receiver(decision) == "crew":
        # Where somebody dismissed it, `answer` says this.
        line += "" if isinstance(shown.reason, Dismissed) else f" {_sent(shown, decision)}"
    return "\n".join(filter(None, (f"{line} {answer(shown)}", said(decision))))


def answer(shown: OnItsWay | Taken | Stuck | Closed) -> str:
    """What the crew or the flow did then; or why it could not be told, and what to do."""
    told = _FLOW if receiver(shown.decision) == "flow" else _CREW
    match shown:
        case OnItsWay(reason=reason, since=since):
            return _on_its_way(told, reason, since)
        case Taken(Decision(verdict=Answer(to_crew=False) as verdict), reason):
            return _taken_by_flow(verdict, reason)
        case Taken(decision, reason):
            goes_on = decision.is_approve or isinstance(decision.verdict, Answer)
            return _taken_by_crew(reason, is_approve=goes_on)
        case Stuck(reason=reason, may_be_taken=may_be_taken):
            return _why_stuck(told, reason, may_be_taken=may_be_taken)
        case Closed():
            return _closed(shown)
        case _:
            assert_never(shown)


@dataclass(frozen=True, slots=True)
class _Told:
    """The sentences about one kind of receiver of decisions."""

    name: str
    silent: str
    """Nobody knows whether it took the last try, and what happens then."""
    lost: str
    """It did not answer a try before this one."""
    perhaps: str
    """Advice while nobody knows whether it has the decision."""
    what_to_do: Mapping[str, str]
    """Advice about a refusal, by its code."""

    @property
    def what_else_to_do(self) -> str:
        return f"Look at the {self.name}'s log, then press Retry."


_NOT_ACCEPTED: Final = (
    "The crew does not accept the token in the bot's settings (the one crews.toml names, or "
    "`CREW_TOKEN`). Correct it, start the bot again, then press Retry."
)
#: The code of what the bot itself cannot read.
_UNREADABLE: Final = "unreadable"
_PUT_BACK: Final = "Put that key back into `SECRET_KEYS`, start the bot again, then press Retry."
_CREW: Final = _Told(
    "crew",
    "The crew {did} ({why}). It is asked whether it has this; if not, this is sent again by "
    "itself. You need do nothing.",
    "An answer of the crew was lost.",
    "It may have this already: then this card says so by itself. If you know that the crew still "
    "waits, press Retry.",
    {
        "400": "The crew is not waiting for this decision (somebody may have answered elsewhere, "
        "or the execution has moved on), or something else in the request is wrong. Look at the "
        "crew; press Retry if it still waits.",
        "401": _NOT_ACCEPTED,
        "403": _NOT_ACCEPTED,
        "404": "The crew no longer knows this execution, perhaps because it was deployed again. If "
        "it is gone for good, start it again; Retry helps only if it is back.",
        _UNREADABLE: f"{_PUT_BACK} Once it is lost for good, `crewgate rotate --forget` and Retry "
        "send this with the addresses in the settings alone.",
        "422": "The crew could not read the decision. Whoever runs the crew has to look at its "
        "log and fix it; then press Retry.",
    },
)
_NAME_ITS_HOST: Final = (
    "If the address is right, name its host in `flow_callback_hosts`, start the bot again, then "
    "press Retry."
)
_FLOW: Final = _Told(
    "flow",
    "The flow did not say whether it took this ({why}). This is sent again by itself; the flow "
    "takes one answer only.",
    "What came of sending this was lost before.",
    "It may have this already: look at the flow before you press Retry.",
    {
        "401": "The request's own token is not accepted: it may have been used elsewhere. Look at "
        "the flow; press Retry if it still waits.",
        "host_not_allowed": _NAME_ITS_HOST,
        "private_address": _NAME_ITS_HOST,
        "plain_http": "Nothing is sent in the clear: answer it in CrewAI and dismiss this, and let "
        "the flow be called by https from now on.",
        _UNREADABLE: f"{_PUT_BACK} Once it is lost for good, answer it in CrewAI and dismiss this.",
        "bad_url": "The request named no address that can be called: answer it in CrewAI, and "
        "dismiss this.",
    },
)


def _on_its_way(told: _Told, reason: Reason | None, since: datetime | None) -> str:
    match reason:
        case None:
            return f"Being sent to the {told.name}…"
        case AnswerLost(code=code):
            did = "has been failing" if code else "has not answered"
            did += f" since {moment(since, since)}" if since else ""
            return told.silent.format(did=did, why=because(reason))
        case _:
            why = because(reason)
            return f"The {told.name} cannot be reached ({why}). This is sent again by itself."


def _taken_by_crew(reason: Reason | None, *, is_approve: bool) -> str:
    match reason, is_approve:
        case Answered(status=ResumeStatus.COMPLETED), True:
            return "The crew is done."
        case Answered(status=ResumeStatus.COMPLETED), False:
            return "The crew is done, although a revision was asked for."
        case Answered(status=ResumeStatus.RETRYING), True:
            return "The crew is doing it again, although it was approved."
        case Answered(status=ResumeStatus.RESUMED), False:
            return "The crew goes on with these words."
        case _, True:
            return "The crew goes on."
        case _:
            return "The crew is doing it again."


def _taken_by_flow(verdict: Answer, reason: Reason | None) -> str:
    taken_as = reason.label if isinstance(reason, TakenAs) else ""
    if not taken_as:
        return "The flow goes on."
    goes_on = f"The flow goes on with the outcome {phrases.label(taken_as)}"
    if not verdict.is_label:
        return f"{goes_on}, made of these words."
    if taken_as != verdict.text:
        return f":exclamation: {goes_on}, although {phrases.label(verdict.text)} was answered."
    return f"{goes_on}."


def _why_stuck(told: _Told, reason: Reason | None, *, may_be_taken: bool) -> str:
    """The cause, in the receiver's own words where it refused, and what a person can do."""
    match reason:
        case RetriesExhausted() if may_be_taken:
            return f"The {told.name} did not answer for a day ({because(reason)}). {told.perhaps}"
        case RetriesExhausted():
            why = because(reason)
            return (
                f"The {told.name} could not be reached for a day ({why}). Press Retry when it is "
                "back."
            )
        case RefusedByCrew() | NotCalled() if may_be_taken:
            return f"{told.lost} {_refused(told, reason)} {told.perhaps}"
        case RefusedByCrew(code) | NotCalled(code):
            then = told.what_to_do.get(code, told.what_else_to_do)
            return f"{_refused(told, reason)} {then}"
        case _:
            return told.perhaps if may_be_taken else told.what_else_to_do


def _refused(told: _Told, reason: RefusedByCrew | NotCalled) -> str:
    says, code = because(reason), one_line(reason.code, shared.CREW_LIMIT)
    if isinstance(reason, NotCalled):
        return f"It was not sent: {says} ({code})."
    if says:
        return f"The {told.name} says “{says}” ({code})."
    return f"The {told.name} refused it ({code}) and did not say why."


def _closed(shown: Closed) -> str:  # noqa: PLR0911  # a table
    decision, reason = shown.decision, shown.reason
    why = capital(because(reason) or _NOTHING_LEFT)
    match reason:
        case Dismissed():
            said = f"{dismissed(reason)}."
            return said if decision is None else f"{said} {_sent(shown, decision)}"
        case _ if receiver(decision) == "crew":
            then = _successor(shown)
            if shown.can_reopen:
                still = "does" if isinstance(reason, ExecutionGone) else "still waits"
                then = f" If it {still} after all, press Reopen."
            return f"{why}.{then}"
        case AnsweredElsewhere():
            return f"{why}. Somebody was faster, so this one does not count."
        case PerhapsTaken():
            return f"{why}. What came of sending this one was lost."
        case RequestGone() if shown.may_be_taken:
            return f"{why}. What came of sending this one was lost."
        case RequestGone():
            return f"{why}. It did not take this one."
        case TimeOver():
            return f"{why}."
        case _:
            why = because(reason) or "there is nothing left to answer"
            return f"The answer {arrival(shown)}: {why}."


def _sent(shown: Closed, decision: Decision) -> str:
    if isinstance(decision.verdict, Answer):
        return f"The answer {arrival(shown)}."
    return f"{phrases.whose(decision, 'Its')} {phrases.noun(decision)} {arrival(shown)}."


def _successor(shown: Closed) -> str:
    if isinstance(shown.reason, NeverSent):
        return f" Round {shown.next_number:,} takes its place."
    return ""


# --- the notice that a decision did not arrive ----------------------------------------------------


def stuck_notice(shown: Stuck | Closed, decision: Decision, round_: Round) -> str:
    """Tell the reviewer in the thread, once; why it is stuck is what `answer` says."""
    on = f"decision on round {round_.number} of {task(round_)}"
    if isinstance(decision.by, TimedOut):
        who = f"It was not decided in time, so {phrases.decider(decision)} did:"
        what = f"its {on}"
    else:
        who, what = f"{phrases.addressed(decision)},", f"your {on}"
    match shown:
        case Stuck():
            return f"{who} {what} {arrival(shown)}."
        case Closed(reason=Dismissed() as reason):
            by = person(reason.by)
            return f"{who} {by} dismissed {what}{_colon_why(reason)}. It {arrival(shown)}."
        case Closed(reason=reason):
            why = because(reason) or _NOTHING_LEFT
            return f"{who} {what} {arrival(shown)}: {why}.{_successor(shown)}"
        case _:
            assert_never(shown)
