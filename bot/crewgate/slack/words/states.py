"""The states of a round as icons and words: on cards, in lists, as a push."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from crewgate.domain import reason as reasons
from crewgate.domain import verdict
from crewgate.domain.acts import CallState
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Decision, Person, Refuse, Revise, TimedOut
from crewgate.slack.blockkit.text import beginning, clean, one_line, plain
from crewgate.slack.words import cards, decisions, icons, names, people
from crewgate.slack.words.decisions import because, receiver
from crewgate.slack.words.names import Voice
from crewgate.slack.words.subjects import wording
from crewgate.usecases.read_models import RoundLine

TOPIC_LIMIT: Final = 100
FEEDBACK_SHOWN: Final = 700
_REASON_LIMIT: Final = 120
_NOTHING_LEFT: Final = "there is nothing left to decide"


def icon(round_: Round) -> str:
    reason = round_.reason
    if round_.contradiction:
        return icons.NOT_DELIVERED
    match round_.state, round_.decision:
        case State.RESUMED, Decision(verdict=Answer(text, is_label)):
            outcome = reason.label if isinstance(reason, reasons.TakenAs) else ""
            reading = verdict.reading_of(outcome or (text if is_label else ""))
            return _READINGS.get(reading, icons.ANSWERED)
        case State.RESUMED, Decision(verdict=Revise()):
            return icons.CHANGES_ASKED
        case State.RESUMED, Decision(verdict=Refuse()):
            return icons.REJECTED
        case State.RESUMED, _ if (end := round_.call_result) and end.state is not CallState.RAN:
            return icons.NOT_DELIVERED
        case _:
            return _ICONS[round_.state]


_ICONS: Final = {
    State.WAITING: icons.WAITING,
    State.DECIDED: icons.SENDING,
    State.RESUMED: icons.APPROVED,
    State.STUCK: icons.NOT_DELIVERED,
    State.SUPERSEDED: icons.REPLACED,
    State.CLOSED: icons.CLOSED,
}
_READINGS: Final = {
    verdict.Reading.APPROVAL: icons.APPROVED,
    verdict.Reading.REJECTION: icons.REJECTED,
    verdict.Reading.REVISION: icons.CHANGES_ASKED,
}


def arrival(round_: Round) -> str:
    is_stuck, reason = round_.state is State.STUCK, round_.reason
    is_late = isinstance(
        reason,
        reasons.AnsweredElsewhere | reasons.TimeOver | reasons.Withdrawn | reasons.RanEarlier,
    )
    if is_late and not is_stuck:
        return "came too late"
    if isinstance(reason, reasons.NotFetched):
        return "was not fetched"
    if round_.in_doubt:
        return f"may not have reached the {receiver(round_.decision)}"
    if is_stuck or isinstance(reason, reasons.Dismissed):
        return f"did not reach the {receiver(round_.decision)}"
    is_refused = isinstance(reason, reasons.RequestGone | reasons.RefusedByCrew)
    return "was not taken" if is_refused else "was not sent"


def dismissed(reason: reasons.Dismissed) -> str:
    return f"{names.person(reason.by)} dismissed it{_colon_why(reason)}"


def _colon_why(reason: reasons.Dismissed) -> str:
    why = one_line(reason.why, names.WHY_LIMIT).rstrip(". ")
    return f": “{why}”" if why else ""


def written(decision: Decision) -> str:
    match decision.verdict:
        case Approve(comment):
            return comment or ""
        case Revise(feedback):
            return decisions.revision(decision, feedback)
        case Refuse(words):
            return words
        case Answer(text, is_label):
            return "" if is_label else text
        case _:
            assert_never(decision.verdict)


def is_cut(decision: Decision) -> bool:
    text = written(decision)
    return beginning(text, FEEDBACK_SHOWN) != clean(text.strip())


# --- a round's state in one line ------------------------------------------------------------------


def headline(round_: Round, topic: str, *, by_number: bool = False) -> str:
    """Return a card's first line: the state, then the topic; `by_number` names the round."""
    name = (_numbered if by_number else names.task)(round_, names.MRKDWN)
    line = f"{icon(round_)} {names.bold(_headline(name, round_, names.MRKDWN))}"
    return names.joined(line, one_line(topic, TOPIC_LIMIT))


def push(round_: Round, topic: str = "", argument: str = "") -> str:
    """Return the headline as plain text, with the number of a later round; not escaped.

    A waiting call is told with its `argument`.
    """
    name = (_numbered if round_.number > 1 else names.task)(round_, names.PLAIN)
    line = _headline(name, round_, names.PLAIN)
    if argument and round_.subject.is_act and round_.state is State.WAITING:
        line = f"{line}: {argument}"
    return names.joined(line, plain(topic, TOPIC_LIMIT))


def _numbered(round_: Round, voice: Voice) -> str:
    return f"{names.task(round_, voice)} ({names.number(round_)})"


def _headline(name: str, round_: Round, voice: Voice) -> str:  # noqa: PLR0911  # a table
    if alarm := decisions.ran_although(round_):
        return f"{name} {alarm}"
    match round_.state, round_.decision, round_.reason:
        case State.WAITING, _, _:
            return decisions.waits(name, round_, voice)
        case State.SUPERSEDED, _, _:
            return f"{name}: round {round_.number + 1:,} takes its place"
        case ((State.DECIDED | State.RESUMED), Decision(by=TimedOut() as by) as decision, _):
            return by_time(name, round_, decision, by, voice)
        case ((State.DECIDED | State.RESUMED), Decision() as decision, _):
            return decisions.headline(name, decision, voice)
        case State.CLOSED, _, reasons.Dismissed(by=by):
            return f"{name} dismissed by {voice.person(by)}"
        case _, Decision() as decision, _:
            what = f"{decisions.noun(decision)} {_OF[type(decision.verdict)]} {name}"
            return f"{decisions.whose(decision, 'The', voice)} {what} {arrival(round_)}"
        case _:
            return f"{name} {_CLOSED.get(type(round_.reason), 'is closed')}"


_CLOSED: Final[Mapping[type[reasons.Reason | None], str]] = {
    reasons.AnsweredElsewhere: "was answered elsewhere",
    reasons.RanEarlier: "ran by an earlier approval",
    reasons.TimeOver: "was not answered in time",
}


def by_time(
    name: str, round_: Round, decision: Decision, by: TimedOut, voice: Voice = names.MRKDWN
) -> str:
    within = decisions.how_long(by.after)
    came = f"{len(round_.votes):,} of {round_.rule.approvals:,} approvals in {within}"
    why = came if round_.votes else f"nobody decided within {within}"
    match decision.verdict:
        case Refuse():
            return f"{name} refused by its rule: {why}"
        case Revise():
            return f"{name} went back: {why}"
        case Approve():
            return f"{name} approved by its rule: {why}"
        case Answer():
            return f"{name}: {why}; {decisions.rule_did(decision, voice)}"
        case _:
            assert_never(decision.verdict)


_OF: Final = {Approve: "of", Revise: "for", Refuse: "of", Answer: "to"}


def _sending(round_: Round) -> str:
    fetched = isinstance(round_.reason, reasons.NotFetched)
    return "waiting to be fetched" if fetched else f"being sent to the {receiver(round_.decision)}"


def in_list(round_: Round, now: datetime) -> str:  # noqa: PLR0911  # one row a case
    reason = round_.reason
    if alarm := decisions.ran_although(round_):
        return f"*{alarm}*"
    match round_.state, round_.decision:
        case State.WAITING, _:
            return f"waiting for {names.duration(now - round_.opened_at)}{_so_far(round_)}"
        case State.SUPERSEDED, _ if isinstance(reason, reasons.EditedBy):
            return f"edited by {names.person(reason.by)}"
        case State.SUPERSEDED, _:
            return "replaced by a newer output"
        case State.DECIDED, Decision() as decision:
            return f"{_ago(decision, now)}, {_sending(round_)}{_colon(reason)}"
        case State.RESUMED, Decision() as decision:
            return _ago(decision, now)
        case State.STUCK, Decision() as decision:
            became = arrival(round_) if round_.in_doubt else "not delivered"
            return f"{_ago(decision, now)}, *{became}*{_colon(reason)}"
        case _, decision:
            closed = f"closed{_colon(reason)}"
            return closed if decision is None else f"{_ago(decision, now)}, {closed}"


def _ago(decision: Decision, now: datetime) -> str:
    return f"{decisions.clause(decision)} {names.ago(decision.at, now)}"


def _colon(reason: reasons.Reason | None) -> str:
    why = one_line(decisions.reason_text(reason), _REASON_LIMIT)
    return f": {why}" if why else ""


def _so_far(round_: Round) -> str:
    given = len(round_.votes)
    return f", {given:,} of {round_.rule.approvals:,} approved" if given else ""


_DID: Final = {
    ResumeStatus.RESUMED: "The crew went on",
    ResumeStatus.RETRYING: "The crew did it again",
    ResumeStatus.COMPLETED: "That ended the crew's work",
}


def _has_call_ended(round_: Round) -> bool:
    has_run = round_.call_result is not None and round_.call_result.has_run
    return round_.contradiction is not None or (
        round_.subject.is_act and (has_run or round_.state is State.RESUMED)
    )


def outcome(round_: Round) -> str:
    if _has_call_ended(round_):
        return decisions.call_ended(round_)
    match round_.state, round_.reason:
        case State.DECIDED, _:
            what = names.capital(_sending(round_))
        case State.RESUMED, reasons.Answered(status=ResumeStatus() as status):
            return _DID[status]
        case State.RESUMED, _:
            what = f"The {receiver(round_.decision)} has it"
        case State.STUCK, _:
            what = f"It {arrival(round_)}"
        case _, reasons.Dismissed() as reason:
            return dismissed(reason)
        case _:
            what = "Closed"
    why = because(round_.reason)
    return f"{what}: “{why}”" if why else what


# --- a round's state in full ----------------------------------------------------------------------


def in_full(round_: Round) -> str:
    decision, reason = round_.decision, round_.reason
    if round_.state is State.WAITING:
        return f"{icon(round_)} Waiting for a decision{_so_far(round_)}"
    if round_.state is State.SUPERSEDED:
        following = f"round {round_.number + 1:,}"
        what = f"A newer output came; {following} takes its place"
        if isinstance(reason, reasons.EditedBy):
            did = wording(round_).edited.format(following=following)
            what = f"{names.person(reason.by)} {did}"
        return f"{icon(round_)} {what}."
    if decision is None:
        return f"{icon(round_)} {answer(round_)}"
    line = f"{icon(round_)} {decisions.sentence(decision)}."
    is_closed = round_.state is State.CLOSED
    # For a dismissed round, `answer` says if the crew got the decision, so `_sent` is left out.
    if is_closed and receiver(decision) == "crew" and not isinstance(reason, reasons.Dismissed):
        line += f" {_sent(round_, decision)}"
    return f"{line} {answer(round_)}"


def answer(round_: Round) -> str:
    """Return the next step of the crew or flow; or the failure, with advice."""
    if _has_call_ended(round_):
        return decisions.call_ended(round_)
    sentences = _FLOW if receiver(round_.decision) == "flow" else _CREW
    match round_.state, round_.decision:
        case State.DECIDED, _:
            way = _on_its_way(sentences, round_.reason, round_.in_doubt_since)
            holds = decisions.until(round_).removeprefix(", ")
            return f"{way} The approval holds {holds}." if holds else way
        case State.RESUMED, Decision(verdict=Answer(to_crew=False) as verdict):
            return _taken_by_flow(verdict, round_.reason)
        case State.RESUMED, decision:
            asks_again = decision is not None and isinstance(decision.verdict, Revise)
            return _taken_by_crew(round_.reason, is_approve=not asks_again)
        case State.STUCK, _:
            return _why_stuck(sentences, round_.reason, may_be_taken=round_.in_doubt)
        case _:
            return _closed(round_)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReceiverWords:
    """The sentences about the crew, or about the flow, as the receiver of decisions."""

    name: str
    silent: str
    """The sentence if nobody knows whether the last try was taken, with the next step."""
    lost: str
    """The sentence if CrewAI or the flow did not answer an earlier try."""
    perhaps: str
    """Advice while nobody knows whether the decision was taken."""
    what_to_do: Mapping[str, str]

    @property
    def what_else_to_do(self) -> str:
        return f"Look at the {self.name}'s log, then press Retry."


_NOT_ACCEPTED: Final = (
    "The crew does not accept the token in the bot's settings (the one crews.toml names, or "
    "`CREW_TOKEN`). Correct it, start the bot again, then press Retry."
)
#: The code for a decision that the bot itself cannot decrypt: a key is missing in `SECRET_KEYS`.
_UNREADABLE: Final = "unreadable"
_PUT_BACK: Final = "Put that key back into `SECRET_KEYS`, start the bot again, then press Retry."
_CREW: Final = _ReceiverWords(
    name="crew",
    silent="The crew {did} ({why}). It is asked whether it has this; if not, this is sent again by "
    "itself. You need do nothing.",
    lost="An answer of the crew was lost.",
    perhaps="It may have this already: then this card says so by itself. If you know that the "
    "crew still waits, press Retry.",
    what_to_do={
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
_FLOW: Final = _ReceiverWords(
    name="flow",
    silent="The flow did not say whether it took this ({why}). This is sent again by itself; the "
    "flow takes one answer only.",
    lost="What came of sending this was lost before.",
    perhaps="It may have this already: look at the flow before you press Retry.",
    what_to_do={
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


def _on_its_way(told: _ReceiverWords, reason: reasons.Reason | None, since: datetime | None) -> str:
    match reason:
        case None:
            return f"Being sent to the {told.name}…"
        case reasons.NotFetched():
            return "Whoever asked has yet to fetch this."
        case reasons.AnswerLost(code=code):
            did = "has been failing" if code else "has not answered"
            did += f" since {names.moment(since, since)}" if since else ""
            return told.silent.format(did=did, why=because(reason))
        case _:
            why = because(reason)
            return f"The {told.name} cannot be reached ({why}). This is sent again by itself."


def _taken_by_crew(reason: reasons.Reason | None, *, is_approve: bool) -> str:  # noqa: PLR0911  # one row a case
    match reason, is_approve:
        case reasons.Fetched(), _:
            return decisions.WAS_FETCHED
        case reasons.Answered(status=ResumeStatus.COMPLETED), True:
            return "The crew is done."
        case reasons.Answered(status=ResumeStatus.COMPLETED), False:
            return "The crew is done, although a revision was asked for."
        case reasons.Answered(status=ResumeStatus.RETRYING), True:
            return "The crew is doing it again, although it was approved."
        case reasons.Answered(status=ResumeStatus.RESUMED), False:
            return "The crew goes on with these words."
        case _, True:
            return "The crew goes on."
        case _:
            return "The crew is doing it again."


def _taken_by_flow(verdict: Answer, reason: reasons.Reason | None) -> str:
    taken_as = reason.label if isinstance(reason, reasons.TakenAs) else ""
    if not taken_as:
        return "The flow goes on."
    goes_on = f"The flow goes on with the outcome {decisions.label(taken_as)}"
    if not verdict.is_label:
        return f"{goes_on}, made of these words."
    if taken_as != verdict.text:
        return f":exclamation: {goes_on}, although {decisions.label(verdict.text)} was answered."
    return f"{goes_on}."


def _why_stuck(told: _ReceiverWords, reason: reasons.Reason | None, *, may_be_taken: bool) -> str:
    match reason:
        case reasons.NotFetched():
            return "Nobody fetched it for an hour; it still can be. Dismiss it if its asker left."
        case reasons.RetriesExhausted() if may_be_taken:
            return f"The {told.name} did not answer for a day ({because(reason)}). {told.perhaps}"
        case reasons.RetriesExhausted():
            why = because(reason)
            return (
                f"The {told.name} could not be reached for a day ({why}). Press Retry when it is "
                "back."
            )
        case reasons.RefusedByCrew() | reasons.NotCalled() if may_be_taken:
            return f"{told.lost} {_refused(told, reason)} {told.perhaps}"
        case reasons.RefusedByCrew(code) | reasons.NotCalled(code):
            return f"{_refused(told, reason)} {told.what_to_do.get(code, told.what_else_to_do)}"
        case _:
            return told.perhaps if may_be_taken else told.what_else_to_do


def _refused(told: _ReceiverWords, reason: reasons.RefusedByCrew | reasons.NotCalled) -> str:
    says, code = because(reason), one_line(reason.code, names.CREW_LIMIT)
    if isinstance(reason, reasons.NotCalled):
        return f"It was not sent: {says} ({code})."
    if says:
        return f"The {told.name} says “{says}” ({code})."
    return f"The {told.name} refused it ({code}) and did not say why."


def _closed(round_: Round) -> str:  # noqa: PLR0911  # one row a case
    decision, reason = round_.decision, round_.reason
    why = names.capital(because(reason) or _NOTHING_LEFT)
    match reason:
        case reasons.Dismissed():
            said = f"{dismissed(reason)}."
            return said if decision is None else f"{said} {_sent(round_, decision)}"
        case reasons.Withdrawn() if round_.subject.is_act:
            return f"It did not run. {why}."
        case _ if receiver(decision) == "crew":
            then = _successor(round_)
            if round_.can_reopen:
                still = "does" if isinstance(reason, reasons.ExecutionGone) else "still waits"
                then = f" If it {still} after all, press Reopen."
            return f"{why}.{then}"
        case reasons.AnsweredElsewhere():
            return f"{why}. Somebody was faster, so this one does not count."
        case reasons.PerhapsTaken():
            return f"{why}. What came of sending this one was lost."
        case reasons.RequestGone() if round_.in_doubt:
            return f"{why}. What came of sending this one was lost."
        case reasons.RequestGone():
            return f"{why}. It did not take this one."
        case reasons.TimeOver():
            return f"{why}."
        case _:
            why = because(reason) or "there is nothing left to answer"
            return f"The answer {arrival(round_)}: {why}."


def _sent(round_: Round, decision: Decision) -> str:
    if isinstance(decision.verdict, Answer):
        return f"The answer {arrival(round_)}."
    return f"{decisions.whose(decision, 'Its')} {decisions.noun(decision)} {arrival(round_)}."


def _successor(round_: Round) -> str:
    if isinstance(round_.reason, reasons.NeverSent | reasons.Expired):
        return f" Round {round_.number + 1:,} takes its place."
    return ""


# --- the notice that a decision did not arrive ----------------------------------------------------


def stuck_notice(round_: Round, decision: Decision) -> str:
    on = f"decision on round {round_.number} of {names.task(round_)}"
    if not isinstance(decision.by, Person):
        late = "It was not decided in time, so " if isinstance(decision.by, TimedOut) else ""
        who = names.capital(f"{late}{decisions.decider(decision)} decided:")
        what = f"its {on}"
    else:
        who, what = f"{decisions.addressed(decision)},", f"your {on}"
    match round_.state, round_.reason:
        case State.STUCK, _:
            return f"{who} {what} {arrival(round_)}."
        case _, reasons.Dismissed() as reason:
            by = names.person(reason.by)
            return f"{who} {by} dismissed {what}{_colon_why(reason)}. It {arrival(round_)}."
        case _, reason:
            why = because(reason) or _NOTHING_LEFT
            return f"{who} {what} {arrival(round_)}: {why}.{_successor(round_)}"


def decision_and_answer(round_: Round) -> tuple[str, str]:
    decision = round_.decision
    if decision is None or round_.state in {State.WAITING, State.SUPERSEDED}:
        return in_full(round_), ""
    waited = cards.waiting_time(round_, decision)
    decided = f"{decisions.sentence(decision)} {names.date(decision.at)}, after {waited}"
    unsent, approved = cards.unsent_notes(decision), cards.had_approved(round_, decision)
    return names.joined(decided, unsent, approved), outcome(round_)


def headline_in_list(line: RoundLine, link: names.Link) -> str:
    """A round's first line in a list: its state, its task with a link to the card, its topic."""
    by = line.round.review.agent if line.round.subject.is_act else None
    agent = f"{one_line(by, names.AGENT_LIMIT)}: " if by else ""
    title = names.bold(names.linked(f"{agent}{names.task(line.round)}", line.card, link))
    return f"{icon(line.round)} {names.joined(title, one_line(line.topic, names.TITLE_LIMIT))}"


def claim_and_notes(line: RoundLine, *, now: datetime, user: str = "") -> Iterator[str]:
    yield from people.referrals(line.round, user)
    needed = line.round.rule.approvals
    if decisions.waits_again(line.round):
        yield decisions.DONE_ALREADY
    if line.round.state is State.WAITING:
        if needed > 1:
            yield cards.so_far(line.round) or f"needs {needed:,} approvals"
        if due := cards.if_nobody_decides(line, now):
            yield due
    if line.claim is not None and line.claim.holds(now):
        yield cards.on_it(line.claim)
    if line.notes:
        yield cards.notes(line.notes, line.noted_by)
