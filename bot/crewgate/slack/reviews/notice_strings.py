"""Sentences of messages beside a card: calls, reminders, failures.

What has a name in `_plain` is said by the notification of that message.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from crewgate.domain.audit import Published
from crewgate.domain.crew import Crew
from crewgate.domain.people import ReviewerRef, User
from crewgate.domain.review import Round
from crewgate.domain.rules.absence import Absence
from crewgate.domain.verdict import Decision, Person, TimedOut
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import duration, one_line
from crewgate.slack.reviews import reader_strings, strings
from crewgate.slack.reviews.state_strings import SUBJECT_LIMIT, by_time
from crewgate.slack.strings import (
    CALLS_NOBODY,
    MRKDWN,
    PLAIN,
    Voice,
    bold,
    counted,
    crew,
    number,
    person,
    total,
    which_round,
)
from crewgate.usecases.read_models import CardView, DeadLetter

#: The most people mentioned by one message, as many as are told in private; a user group is one.
CALLED: Final = 50

# --- calls ----------------------------------------------------------------------------------------


def called(people: Sequence[ReviewerRef], away: Sequence[Absence] = ()) -> str:
    """People as mentions, with the delegates of those who are away: `@Legal and @Ben for @Ana`.

    Those who may decide anyway are named once. Empty if there is nobody.
    """
    mentions = [shared.reviewer(ref) for ref in people]
    mentions += [
        f"{person(one.delegate)} for {person(one.away)}"
        for one in away
        if User(one.delegate.id) not in people
    ]
    left = len(mentions) - CALLED
    return shared.in_words([*mentions[:CALLED], *([f"{left:,} more"] if left > 0 else [])])


def please_decide(
    people: Sequence[ReviewerRef], *, anyone: bool, away: Sequence[Absence] = ()
) -> str | None:
    """Ask people to decide; None if nobody is asked."""
    mentions = called(people, away)
    lines = [
        *([_asked(mentions)] if mentions else []),
        *(["Anybody in the channel may decide."] if anyone else []),
    ]
    return " ".join(lines) or None


def _asked(mentions: str) -> str:
    return f"{mentions}: please decide."


def here_is(author: Person, round_: Round) -> str:
    """Tell whoever asked for a revision that the crew came back."""
    return f"{person(author)}, here is {number(round_)}."


def round_number(number: int) -> str:
    """A later round, as a part of a sentence."""
    return f"round {number:,}"


def open_round(number: int) -> str:
    """The link on a review's first card, which tells the state of a later round."""
    return f"Open round {number:,}"


def came_back_with(where: str, author: Person | None, *, is_flow: bool) -> str:
    """On the card of an earlier round; `where` is the latest one, maybe a person's own text."""
    if author is not None:
        return f"{person(author)} wrote {where}."
    return f"The {'flow' if is_flow else 'crew'} came back with {where}."


THE_CARD: Final = "the card in the channel"


def decide_here_or(where: str, round_: Round) -> str:
    """A direct message's line while the round waits."""
    first = "The first decision counts." if round_.approvals == 1 else "Your approval counts once."
    return f"Decide here or on {where}. {first}"


def see(where: str) -> str:
    """The same once it does not wait."""
    return f"See {where}."


# --- a round that waits for long ------------------------------------------------------------------


def reminder(view: CardView, title: str, now: datetime, mentions: str = "") -> str:
    """Remind those who have not decided, in one sentence; `title` leads to the card.

    `mentions` is empty where nobody is called.
    """
    round_ = view.round
    waits_for = "a decision" if round_.question is None else "an answer"
    given = ""
    if round_.votes:
        given = f" ({phrases.voters(round_.votes, voice=CALLS_NOBODY)} approved)"
        waits_for = f"{counted(round_.approvals - len(round_.votes), 'more approval')}"
    due = strings.deadline(view, now)
    what = f"{_subject(view, title)} still waits for {waits_for}{given}"
    line = f"{what}; it {due}." if due else f"{what}."
    return f"{mentions}: {line}" if mentions else line


def reminder_plain(round_: Round) -> str:
    return f"Still waits for a decision: {which_round(round_)}"


def escalated(view: CardView, title: str, people: Sequence[ReviewerRef], now: datetime) -> str:
    """Tell those who may decide too from now on."""
    waited = duration(now - view.round.opened_at)
    line = f"{_subject(view, title)} has waited for {waited}{_so_far(view.round)}."
    line = f"{line} More people may decide now."
    return f"{line} {_asked(called(people))}" if people else line


def timed_out(view: CardView, title: str, mentions: str) -> str:
    """Tell that time is over, and what the rule did; `mentions` where it goes on waiting."""
    round_ = view.round
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        what = by_time(bold(title), round_, decision, decision.by)
        return shared.joined(what, one_line(view.subject, SUBJECT_LIMIT))
    timeout = round_.rule.timeout if round_.rule is not None else None
    within = f"within {phrases.how_long(timeout.after)}" if timeout is not None else "in time"
    line = f"{_subject(view, title)} was not decided {within}{_so_far(round_)}. It goes on waiting."
    return f"{line} {_asked(mentions)}" if mentions else line


def timed_out_plain(round_: Round) -> str:
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        return f"{phrases.did_this(decision, PLAIN)}: {which_round(round_)}"
    return f"Not decided in time: {which_round(round_)}"


def _so_far(round_: Round) -> str:
    """By name: whoever has approved is not called again."""
    so_far = strings.so_far(round_, CALLS_NOBODY)
    return f" · {so_far}" if so_far else ""


def _subject(view: CardView, title: str) -> str:
    about = one_line(view.subject, SUBJECT_LIMIT)
    return f"{bold(title)} ({about})" if about else bold(title)


def flow_escalated(round_: Round, people: Sequence[ReviewerRef]) -> str:
    asks = f"{bold(shared.task(round_))} still waits for an answer"
    if not people:
        return f":exclamation: CrewAI has escalated this: {asks}."
    return f":exclamation: {shared.named(people)}: {asks}. CrewAI has escalated it."


def flow_escalated_plain(round_: Round) -> str:
    return f"Still waiting for an answer: {which_round(round_)}"


def nobody_left(round_: Round, operators: Sequence[ReviewerRef]) -> str:
    """Tell operators that nobody is left who may approve, or too few are."""
    rule = round_.rule
    assert rule is not None  # noqa: S101  # without a rule there are enough
    few = "Nobody is" if rule.approvals == 1 else "Too few people are"
    let = f"{called(operators)}: let" if operators else "Let"
    return (
        f":exclamation: *{few} left who may approve this.* {let} more people decide. A change of "
        f"{phrases.rule_name(rule.name)} counts from the next round on: make it, then have "
        "somebody press Revise here."
    )


# --- failures, and what operators can do ----------------------------------------------------------

FILES_REFUSED: Final = (
    "allow files in this workspace, or install the app again with the scopes of the manifest."
)
CHANGES_REFUSED: Final = "let apps change their messages, in the workspace's settings."
FORWARD_REFUSED: Final = "look at that address, and in the bot's log for `not_delivered`."


def to_operators(operators: Sequence[ReviewerRef], what: str) -> str:
    return f"{called(operators)}: {what}"


def decision_is_kept(decision: Decision, operators: Sequence[ReviewerRef]) -> str:
    """Tell the reviewer that their decision did not reach the crew, and is not lost."""
    if isinstance(decision.by, TimedOut):
        return decision_of_is_kept(decision, operators)
    return f"Your {phrases.noun(decision)} is kept. {_told(operators)}"


def decision_of_is_kept(decision: Decision, operators: Sequence[ReviewerRef]) -> str:
    """The same on the card, for everybody."""
    what = f"{phrases.whose(decision, '')} {phrases.noun(decision)}"
    if isinstance(decision.by, TimedOut):
        what = f"What {phrases.decider(decision)} decided"
    return f"{what} is kept. {_told(operators)}"


def _told(operators: Sequence[ReviewerRef]) -> str:
    if not operators:
        return "The person who runs this bot has to fix what is wrong."
    return f"{called(operators)} {'has' if len(operators) == 1 else 'have'} been told."


def attach_failed(round_: Round) -> str:
    return (
        f"Slack does not take the whole output of round {round_.number} of {shared.task(round_)} "
        f"as a file. *{reader_strings.READ}* on its card shows all of it."
    )


def attach_failed_plain(round_: Round) -> str:
    return f"Slack does not take the whole output of {which_round(round_)} as a file"


def channel_refuses(refused: Crew, code: str) -> str:
    """Tell an operator in private that nothing can be posted into a crew's channel."""
    return (
        f"Nothing of {bold(crew(refused.name))} can be posted in {shared.channel(refused.channel)}:"
        f" Slack says {shared.identifier(code)}. {_MEND_CHANNEL.get(code, _LOOK_AT_CHANNEL)} Cards "
        "wait and are posted by themselves then."
    )


def channel_refuses_plain(refused: Crew) -> str:
    return f"The channel of {crew(refused.name, PLAIN)} takes no messages"


AUDIT_HEAD: Final = "The head of the audit trail"


def audit_head(published: Published) -> str:
    """The head of the audit trail, by which it is verified from outside of the database."""
    signed = published.signed
    said = f"{AUDIT_HEAD} on {published.at.date()}: `{published.head}`"
    if not signed.key:
        return f"{said}. It is not signed: set AUDIT_KEY."
    return f"{said}\nKey `{signed.key}`\nSignature `{signed.signature}`"


_INVITE: Final = (
    "Invite the bot into the channel, or correct it in the settings and start the bot again."
)
_MEND_CHANNEL: Final = {
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "Take the channel out of the archive, or name another one in the settings and "
    "start the bot again.",
    "missing_scope": "Install the app again with the scopes of the manifest.",
    "restricted_action": "Let the bot post in the channel, in the channel's settings.",
}
_LOOK_AT_CHANNEL: Final = "Look at the channel and at the bot's log (`not_delivered`)."


def not_shown(first: DeadLetter, voice: Voice = MRKDWN) -> str:
    """Tell the channel that something of a crew could not be understood."""
    of_crew, count = f"of {crew(first.crew, voice)}", first.count
    if count == 1:
        return f"A message {of_crew} could not be shown; it may be a task for review."
    return f"{total(count)} messages {of_crew} could not be shown; they may be tasks for review."


def see_what_came(operators: Sequence[ReviewerRef], people: Sequence[ReviewerRef]) -> str:
    """Tell who can see more: the operators, of whom Slack can mention `people`, or reviewers."""
    who = called(people) or ("Operators" if operators else "Reviewers")
    return f"{who}: *{strings.WHAT_CAME}* shows what is wrong."
