"""Sentences and labels of cards, and lines about a review; `states.py` words a round's state.

All is mrkdwn; foreign text is escaped and shortened here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

from crewgate.domain import acts, caveats, masking, notification, subjects, verdict
from crewgate.domain.people import Anyone, ReviewerRef, User
from crewgate.domain.review import Round
from crewgate.domain.rules.rule import NO_RULE, Naming, Rule, TimeoutAction, valid_for
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.words import decisions, icons, names
from crewgate.slack.words.subjects import REFUSE, REVISE, wording, wording_of
from crewgate.usecases.read_models import CardView, RoundFacts

READ: Final = "Read all"
CHANGES: Final = "Changes"
HISTORY: Final = "History"
WHAT_CAME: Final = "What came"
ANSWER: Final = "Answer"
RECORDED: Final = "Recorded. The card may show it a little later; you need not press again."
NOT_SHOWABLE: Final = "Slack cannot show this output here. *Read all* shows it."
NOBODY_DECIDED: Final = "A newer output came before anybody decided."
HOST_REFUSED: Final = (
    "When this came, no answer could have been sent: the request's address is neither"
    " at crewai.com nor in `flow_callback_hosts`, or it is plain http and not on this machine. If"
    " the address is right, name its host there, serve it by https, and start the bot again before"
    " somebody answers."
)

#: The error at a box that was left empty, by the title of the form.
WORDS_MISSING: Final[Mapping[str, str]] = {
    REVISE: "Write what should change; the crew gets exactly this text.",
    REFUSE: "Write why; the agent gets exactly this text.",
}
ANSWER_MISSING: Final = "Write an answer; exactly this text is given."
COMMENT_MISSING: Final = "Write the comment, or press Approve on the card to approve without one."
DISMISS_MISSING: Final = "Write why; it stays on the card and in its history."
EDIT_EMPTY: Final = "Nothing is left of the text. To have it done again, use Revise."
EDIT_OUTDATED: Final = "This form is of an earlier version. Copy your text and open it again."
NOTE_DOES_NOT_FIT: Final = (
    "That note does not fit: the box holds 3,000 characters. Shorten what is there, then add it."
)
NOTES_CAME: Final = (
    ":exclamation: *The notes in the thread have changed since you were shown them.* "
    "Nothing is sent yet. Those that are not in the box stand below."
)
CONFIRMATION_NOT_OPENED: Final = (
    "There is something to look at before you decide, but Slack did not open it in time. Nothing "
    "is decided yet: press the button again."
)

EARLIER_FEEDBACK_SHOWN: Final = 250
MESSAGE_SHOWN: Final = 900
REVIEWERS_SHOWN: Final = 3
#: The characters shown of a label in the list of a flow's outcomes.
LABEL_LISTED: Final = 200
#: The characters shown of a label in a sentence of a form.
OUTCOME_SHOWN: Final = 60
#: The most assignees, inputs, authors of notes and absences that a card names.
_ASSIGNED: Final = 3
_INPUTS: Final = 3
_AUTHORS: Final = 4
_ABSENCES: Final = 5
#: The most patterns that a card names.
_PATTERNS: Final = 3
_VALUE_LIMIT: Final = 60
_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def words_label(round_: Round) -> str:
    match round_.subject:
        case notification.Question(ask=notification.Ask(), outcomes=()):
            return ANSWER
        case notification.Question() | acts.ToolCall() | subjects.Work():
            return wording(round_).in_own_words
        case _:
            assert_never(round_.subject)


def about(view: CardView) -> str:
    round_ = view.round
    topic = one_line(view.topic, names.TITLE_LIMIT)
    is_act = round_.subject.is_act
    name = decisions.wants_to_use(round_) if is_act else names.task(round_)
    title = [names.bold(topic), name] if topic else [names.bold(name)]
    crew = names.crew(round_.review.crew)
    first = names.joined(*title, names.numbered(round_), crew, names.run(view.run_url))
    again = decisions.waits_again(round_)
    return f"{first}\n{again}" if again else first


# --- the small lines below a card's headline ------------------------------------------------------


def about_waiting(
    view: CardView,
    *,
    now: datetime,
    changed: str = "",
    plain: bool = False,
    reader: str | None = None,
    names_round: bool = True,
) -> str:
    """Return the lines below a waiting card's headline: approvals and deadlines, then the rest.

    `changed` is the amount of changes since the last round; `plain` leaves out foreign text;
    without `names_round`, the round and the crew are left to the line above.
    """
    round_ = view.round
    first = names.joined(
        names.date(round_.opened_at),
        names.numbered(round_) if names_round else "",
        changed,
        names.crew(round_.review.crew) if names_round else "",
        _rule(round_),
        names.with_lessons(view.lessons),
    )
    if plain:
        return _with_rule(view, first, now, reader)
    about = names.joined(
        first,
        names.run(view.run_url) if names_round else "",
        "" if round_.votes or round_.rule.approvals_from else _may_decide(view),
        _assigned(round_),
        _task_or_agent(round_),
        _changed_by(round_),
        _started(view),
    )
    return _with_rule(view, about, now, reader)


def _changed_by(round_: Round) -> str:
    by = round_.edited_by if round_.subject.has_arguments else None
    return f"with other arguments by {names.person(by)}" if by else ""


def _task_or_agent(round_: Round) -> str:
    """The agent's name; for a call, whose headline names the agent, the task's name, if any."""
    review, call = round_.review, subjects.call_of(round_.subject)
    if call is not None:
        is_named = review.title not in {review.agent, call.tool}
        return f"in the task {names.title(review.title)}" if is_named else ""
    return "" if round_.edited_by else one_line(review.agent or "", names.AGENT_LIMIT)


def _with_rule(view: CardView, about: str, now: datetime, reader: str | None) -> str:
    rule = view.round.rule
    standing, more = "", ""
    if rule != NO_RULE:
        wanted = ""
        if rule.target is not None:
            at = rule.target.after(view.round.opened_at, rule.working_hours)
            wanted = f"{'wanted' if at > now else 'was wanted'} by {names.moment(at, now)}"
        unseen = decisions.unseen_by(view.round.votes)
        given = f"{icons.DONE} {so_far(view.round)}" if view.round.votes else ""
        given = f"{given}; {unseen}" if unseen else given
        time = if_nobody_decides(view, now)
        if is_left(view.round):
            time = f"sent back {times(view.round.sent_back)} by the rule; it waits now"
        standing = names.joined(given, _still_needed(view, rule), wanted, time)
        own, escalated = not_their_own(view), _escalated(view, reader)
        more = names.joined(_unnamed(rule), own, _starts_again(view), escalated)
    until = view.round.subject.waits_until
    waits = "" if until is None else f"The flow waits until {names.moment(until, now)}"
    first = names.capital(names.joined(waits, standing))
    return "\n".join(line for line in (first, about, more, _delegates(view, now)) if line)


def about_decided(round_: Round, decision: verdict.Decision, *, is_told: bool) -> str:
    """Return the line below a decided card's headline: time, duration, round, crew.

    `is_told`: the headline is about this decision, and not about a later round.
    """
    return names.joined(
        "" if is_told else f"{names.number_of(round_)}: {decisions.clause(decision)}",
        names.date(decision.at),
        f"waited {waiting_time(round_, decision)}",
        names.numbered(round_) if is_told else "",
        "" if decision.via is verdict.Via.CHANGE else _changed_by(round_),
        names.crew(round_.review.crew),
        _rule(round_) if isinstance(decision.by, verdict.TimedOut) else "",
        unsent_notes(decision),
        had_approved(round_, decision),
        decisions.left_unseen(decision),
    )


def about_undecided(round_: Round) -> str:
    ended = names.date(round_.ended_at or round_.opened_at)
    return names.joined(ended, names.numbered(round_), names.crew(round_.review.crew))


def waiting_time(round_: Round, decision: verdict.Decision) -> str:
    return names.duration(decision.at - round_.opened_at)


def unsent_notes(decision: verdict.Decision) -> str:
    count = decision.unsent_notes
    if not count:
        return ""
    return f"{names.counted(count, 'note')} {'was' if count == 1 else 'were'} not sent"


def _may_decide(view: CardView) -> str:
    """Name the people who may decide, without mentions, which might notify them at each update."""
    reviewers = view.reviewers
    if not reviewers or view.calls_all:
        return ""
    if Anyone() in reviewers:
        return f"for {names.ANYONE}"
    called = dict(view.names)
    named = ", ".join(_name(ref, called) for ref in reviewers[:REVIEWERS_SHOWN])
    left = len(reviewers) - REVIEWERS_SHOWN
    return f"for {named} and {left:,} more" if left > 0 else f"for {named}"


def _name(ref: ReviewerRef, called: Mapping[str, str]) -> str:
    if isinstance(ref, User) and ref.id in called:
        return one_line(called[ref.id], names.CREW_LIMIT)
    return names.reviewer(ref)


def _assigned(round_: Round) -> str:
    assigned = round_.subject.assignees
    if not assigned or assigned == round_.rule.reviewers:
        return ""
    return f"assigned to {names.named(assigned, most=_ASSIGNED)}"


def _started(view: CardView) -> str:
    if view.starter is not None:
        by = f" by {one_line(view.starter.name, names.CREW_LIMIT)}"
    else:
        by = f" by {_name(view.started_by[0], dict(view.names))}" if view.started_by else ""
    # Inputs are left out if the card's topic, in the first line, shows all of their values.
    says_all = view.topic == ", ".join(" ".join(value.split()) for _, value in view.given)
    values = ", ".join(
        f"{names.input_name_inside(name)}: {one_line(value, _VALUE_LIMIT)}"
        for name, value in (() if says_all else view.given[:_INPUTS])
    )
    return f"started{by}{f' on {values}' if values else ''}" if by or values else ""


# --- a round's rule, and its approvals ------------------------------------------------------------


def _rule(round_: Round) -> str:
    name, patterns = round_.rule.name, round_.rule.by_letters
    if not name:
        return ""
    fit = names.some([names.identifier(one) for one in patterns], _PATTERNS)
    alone = f" (by letters and digits alone: {fit})" if patterns else ""
    return f"rule {decisions.rule_quoted(name)}{alone}"


def _still_needed(view: CardView, rule: Rule) -> str:
    groups = needed_of(verdict.missing(rule.approvals_from, view.round.votes))
    if groups:
        return f"{'still needed:' if view.round.votes else 'needs'} {groups}"
    left = view.round.rule.approvals - len(view.round.votes)
    if not view.round.votes:
        return ""
    starters = view.approvers.starters if view.approvers and not rule.self_approval else ()
    voted = verdict.voices_of(view.round.votes)
    may = [ref for ref in view.reviewers if str(ref) not in voted and ref not in starters]
    if not may or Anyone() in may:
        return f"still needed: {left:,} more"
    people = names.named(may, most=names.DECIDERS_SHOWN)
    exactly = len(may) == left and all(isinstance(ref, User) for ref in may)
    return f"still needed: {people}" if exactly else f"still needed: {left:,} of {people}"


def deadline(facts: RoundFacts, now: datetime) -> str:
    """Return the rule's own decision with its time: `goes back to the crew at 7:46 AM`."""
    rule = facts.round.rule
    if facts.due_at is None or rule.timeout is None or is_left(facts.round):
        return ""
    done = _what_time_does(facts.round.subject, rule.timeout.then)
    return f"{done} {names.at_moment(facts.due_at, now)}" if done else ""


def if_nobody_decides(facts: RoundFacts, now: datetime) -> str:
    due = deadline(facts, now)
    return f"if nobody decides, it {due}" if due else ""


def is_left(round_: Round) -> bool:
    timeout = round_.rule.timeout
    is_revise = timeout is not None and timeout.then is TimeoutAction.REVISE
    return is_revise and timeout is not None and round_.sent_back >= timeout.most


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def needed_of(groups: verdict.Needed) -> str:
    return names.in_words(
        [f"{f'{count:,} of ' * (count > 1)}{names.reviewer(group)}" for group, count in groups]
    )


def approvals(count: int) -> str:
    number = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    return f"{number} approval{'' if count == 1 else 's'}"


def so_far(round_: Round, voice: names.Voice = names.MRKDWN) -> str:
    """Return `1 of 2: @Ana`, or `approved by @Ana of @legal`; empty without approvals."""
    if not round_.votes:
        return ""
    chosen = verdict.choice_of(round_.votes[0])
    what = f" for {decisions.label(chosen)}" if chosen is not None else ""
    if voice.mentions and round_.rule.approvals_from:
        return f"approved by {decisions.voters(round_.votes, voice=names.IN_FULL)}{what}"
    people = decisions.voters(round_.votes, voice=voice)
    return f"{len(round_.votes):,} of {round_.rule.approvals:,}{what}: {people}"


def recorded(round_: Round) -> str:
    if round_.decision is None:
        return so_far(round_)
    does = f"The card shows what the {decisions.receiver(round_.decision)} does."
    return f"{decisions.sentence(round_.decision)}. {does}"


def ruled_by_words(round_: Round) -> str:
    needs = approvals(round_.rule.approvals - len(round_.votes)).replace(" ", " more ")
    if round_.rule.approvals_from:
        needs = (
            f"approvals by {needed_of(verdict.missing(round_.rule.approvals_from, round_.votes))}"
        )
    return (
        "Your approval is recorded. Your words put this under the rule"
        f" {decisions.rule_quoted(round_.rule.name)}, so it still needs {needs}."
    )


def had_approved(round_: Round, decision: verdict.Decision) -> str:
    """Return `1 of 2 had approved: @Ana` if the approvals did not decide; else empty."""
    if decision.votes or not round_.votes:
        return ""
    people = decisions.voters(round_.votes, most=decisions.NAMED_SHORT, voice=names.IN_FULL)
    chosen = verdict.choice_of(round_.votes[0])
    what = f"chosen {decisions.label(chosen)}" if chosen is not None else "approved"
    return f"{len(round_.votes):,} of {round_.rule.approvals:,} had {what}: {people}"


def edit_of_several(round_: Round) -> str:
    if not round_.votes:
        return ""
    own = wording(round_).own_content
    return f"Approvals given so far were for the crew's; yours is the first of {own}."


def or_else(rule: Rule) -> str:
    timeout = rule.timeout
    done = _what_time_does(subjects.WORK, timeout.then) if timeout is not None else ""
    if timeout is None or not done:
        return ""
    return f"If it is not decided within {decisions.how_long(timeout.after)}, it {done}."


def _what_time_does(subject: subjects.Subject, then: TimeoutAction) -> str:
    question = subjects.question_of(subject)
    match then:
        case TimeoutAction.LEAVE:
            return ""
        case TimeoutAction.REVISE if question is not None and question.is_of_crew:
            return "is refused"
        case TimeoutAction.REVISE:
            return wording_of(subject).refused_by_time
        case TimeoutAction.APPROVE if question is None:
            return wording_of(subject).approved_by_time
        case TimeoutAction.APPROVE:
            label = question.approval
            return "" if label is None else f"is answered {decisions.label(label)} by the rule"
        case _:
            assert_never(then)


def _unnamed(rule: Rule) -> str:
    if rule.naming is None or rule.naming not in _UNNAMED:
        return ""
    name = names.identifier(rule.reviewers_from or "")
    who = "operators" if rule.reviewers == () else "the usual reviewers"
    return f"{_UNNAMED[rule.naming].format(name)}, so {who} decide"


_UNNAMED: Final[Mapping[Naming, str]] = {
    Naming.MISSING: "This was not started through this bot with {}",
    Naming.UNCLEAR: "Several kickoffs may have started this, with different {}",
    Naming.UNREADABLE: "{} is neither an e-mail address nor a user id",
    Naming.NO_MEMBER: "{} names no full member of this workspace",
    Naming.STARTER: "{} names who started this",
    Naming.NOT_TOLD: "Slack does not say who {} is",
}


def _starts_again(view: CardView) -> str:
    previous, voted = view.previous, verdict.voices_of(view.round.votes)
    if previous is None or not previous.votes:
        return ""
    if view.round.edited_by is not None:
        lapsed = [User(vote.by.id) for vote in previous.votes if not vote.voices & voted]
        gone = "approved the text before, which does not count any more"
        return f"{names.named(lapsed)} {gone}" if lapsed else ""
    if voted:
        return ""
    given = names.counted(len(previous.votes), "approval")
    were = "was" if len(previous.votes) == 1 else "were"
    return f"{given} {were} for {names.number(previous)} and the count starts again"


def not_their_own(facts: RoundFacts) -> str:
    rule, approvers = facts.round.rule, facts.approvers
    if rule.self_approval:
        return ""
    if approvers is None or approvers.not_told:
        return "The starter may not approve this"
    if approvers.starters:
        did = "started this" if facts.round.subject.author is None else "wrote the words for this"
        return f"{names.named(approvers.starters)} {did} and may not approve it"
    if rule.unknown_starter:
        return "Nobody knows who started this, so anybody who may decide may approve it"
    return "Nobody knows who started this, so nobody may approve it; a revision may be asked for"


def nobody_there(facts: RoundFacts) -> str:
    """Name the people who must decide, or may later, and of whom nobody is left."""
    approvers = facts.approvers
    if approvers is None or not approvers.empty:
        return ""
    few = "nobody" if facts.round.rule.approvals == 1 else "too few people"
    so = f", so {few} may approve this" if approvers.too_few else ""
    return f":exclamation: *{names.capital(names.nobody_in(approvers.empty))}{so}.*"


def _escalated(view: CardView, reader: str | None) -> str:
    at = view.round.escalated_at
    if at is None or not view.escalates_to:
        return ""
    people = names.named(view.escalates_to, most=names.DECIDERS_SHOWN)
    who = "You" if reader is not None and User(reader) in view.escalates_to else people
    waited = names.duration(at - view.round.opened_at)
    return f"{who} may decide now, too: this was not decided within {waited}"


def _delegates(view: CardView, now: datetime) -> str:
    shown = view.absences[:_ABSENCES]
    lines = []
    for one in shown:
        until = names.moment(one.until, now)
        lines.append(f"{names.person(one.delegate)} for {names.person(one.away)} until {until}")
    left = len(view.absences) - len(shown)
    return names.joined(*lines, f"and {left:,} more" if left > 0 else "")


# --- what the buttons do --------------------------------------------------------------------------


def what_buttons_do(round_: Round, *, nobody: bool = False, in_vain: bool = False) -> str:
    """Return the effect of Approve and Revise; for a question, of its labels and of words.

    `nobody`: too few people are left who may approve; `in_vain`: the reader is not one of them.
    """
    several = round_.rule.approvals > 1
    match round_.subject:
        case notification.Question(outcomes=()):
            asks = f"The {decisions.asker(round_)} asks for words: it gets exactly what you write"
            return f"{asks}, once enough people have written the same." if several else f"{asks}."
        case notification.Question(is_of_crew=True):
            once = ", once enough people have given the same" if several else ""
            return f"The crew gets exactly what you choose or write{once}."
        case notification.Question() if several:
            return (
                "An outcome that rejects or asks for changes is sent at once, any other once enough"
                f" people have chosen it. {_IN_WORDS}, once enough people have written the same."
            )
        case notification.Question():
            return f"A button sends its outcome. {_IN_WORDS}."
        case acts.ToolCall() | subjects.Work():
            return _approve_or_not(round_, nobody=nobody, in_vain=in_vain)
        case _:
            assert_never(round_.subject)


def _approve_or_not(round_: Round, *, nobody: bool, in_vain: bool) -> str:
    does, within = wording(round_), decisions.how_long(valid_for(round_.rule))
    if nobody or in_vain:
        who = "Nobody may approve this now" if nobody else "Your approval would not count"
        return f"{who}. {does.words_do}"
    if round_.rule.approvals == 1:
        return f"{does.goes_on.format(within=within)} {does.words_do}"
    takes = approvals(round_.rule.approvals)
    if round_.rule.approvals_from:
        each = {count for _, count in round_.rule.approvals_from} == {1}
        takes = f"{'one approval' if each else 'approvals'} from each group"
    then = does.then.format(within=within)
    return f"It takes {takes}, by different people.{then} One {does.words_do}"


_IN_WORDS: Final = "From your own words the flow's model chooses an outcome"


# --- what came before, and how much of the output is shown ----------------------------------------


def rewritten(by: notification.Rewritten) -> str:
    lessons = names.counted(len(by.lessons), "lesson")
    return (
        f"CrewAI rewrote this text by {lessons} before you saw it. What is approved is this text,"
        " `self.last_human_feedback.output` in the flow."
    )


def asked(previous: Round) -> str | None:
    """Return the line above a revision request: `In round 1 …:`; None without a request."""
    decision = previous.decision
    if decision is None or asked_for(decision) is None:
        return None
    by_rule = not isinstance(decision.by, verdict.Person)
    if not isinstance(decision.verdict, verdict.Answer):
        did = decisions.rule_did(decision) if by_rule else decisions.clause(decision, most=None)
        return f"In round {previous.number} {did}:"
    did = decisions.clause(decision, most=None)
    ends = "." if decision.verdict.is_label else ":"
    return f"In round {previous.number}{':' if by_rule else ''} {did}{ends}"


def asked_for(decision: verdict.Decision) -> str | None:
    """Return the words of a revision request, empty for a label; None if it is no request.

    Callers know that a new round followed, so an answer that does not approve is a request.
    """
    match decision.verdict:
        case verdict.Revise(feedback):
            return decisions.revision(decision, feedback)
        case verdict.Answer(text, is_label):
            return None if verdict.approves(decision.verdict) else "" if is_label else text
        case _:
            return None


def masked(found: masking.Masked) -> str:
    kinds = [
        names.counted(many, "passage" if kind is masking.Kind.OTHER else kind)
        for kind, many in found
    ]
    return f"{names.in_words(kinds)} {'is' if _is_one(found) else 'are'} masked"


def not_shown(found: masking.Masked) -> str:
    if not found:  # masks are counted only when the card is posted
        return "*The card is not posted yet*, and nobody was told what is masked."
    some = "it" if _is_one(found) else "all of them"
    return f"*{masked(found)}*, and you have not had {some} shown."


def wide_table(columns: int) -> str:
    return f"{columns:,} columns: *{READ}* shows them row by row"


def _is_one(found: masking.Masked) -> bool:
    return sum(many for _, many in found) == 1


def shown_share(percent: int) -> str:
    return f"Only the first {percent} % is shown" if percent else "Less than 1 % is shown"


# --- notes and claims -----------------------------------------------------------------------------


def notes(count: int, authors: Sequence[verdict.Person]) -> str:
    named = names.some([names.person(one) for one in authors], _AUTHORS)
    return f":memo: {names.counted(count, 'note')} from {named}"


def on_it(claim: caveats.Claim) -> str:
    return f":eyes: {names.person(claim.by)} is on it"


def part(number: int, total: int) -> str:
    return f"Part {number} of {total}"
