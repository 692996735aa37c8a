"""The sentences that hold after each step, whatever happens; each check names what it read."""

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise
from typing import Final

import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.reason import Answered, Expired, NeverSent, RanEarlier
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, ByRule, Person, TimedOut, Verdict
from crewgate.store.tables import rounds
from crewgate.usecases.queries import queue
from tests.simulation.known import Known, key_of
from tests.simulation.product import (
    A_SECOND,
    EVERYBODY,
    HIDDEN,
    HOUR,
    LEGAL,
    NUMBER,
    REJECTING,
    TOOLS,
)

SENTENCES: Final = {
    "unseen": "nothing is decided unseen",
    "may": "nobody decides who may not",
    "runs": "nothing runs twice or otherwise than approved",
    "told": "whoever may decide was told",
    "home": "what waits for me is in my Home",
    "once": "a decision reaches its crew once",
    "removed": "a text that was removed is nowhere",
    "trail": "what the trail replays is what happened",
    "figures": "each figure is recounted",
    "jobs": "no job waits without a reason",
    "truth": "what is shown as done was done",
    "silent": "nobody is called for nothing",
    "late": "no time is longer than its rule says",
    "masked": "what is masked is shown to nobody",
    "address": "an address for an answer is kept until the answer is given, and no longer",
}
ANNOUNCED: Final = sa.select(rounds.c.id).where(rounds.c.announced_at.is_not(None))
OVER: Final = (State.RESUMED, State.SUPERSEDED, State.CLOSED)
Check = Callable[[Known], Awaitable[None]]


class Broken(Exception):
    """A sentence does not hold."""

    def __init__(self, sentence: str, read: str) -> None:
        super().__init__(SENTENCES[sentence], read)
        self.sentence = SENTENCES[sentence]
        self.read = read


def require(holds: object, sentence: str, read: str) -> None:
    if not holds:
        raise Broken(sentence, read)


async def nothing_is_decided_unseen(of: Known) -> None:
    """A rule's time counts from the moment at which Slack took what shows the round."""
    for round_ in of.known:
        decision = round_.decision
        if decision is None or not isinstance(decision.by, TimedOut):
            continue
        shown = first_shown(of, round_)
        after = decision.by.after.length
        waited = decision.at - shown if shown is not None else None
        read = f"{round_.id} was shown at {shown}, decided by time at {decision.at}"
        require(waited is not None and waited >= after - A_SECOND, "unseen", read)


async def no_time_began_unseen(of: Known) -> None:
    """A rule's time is over no sooner than its length after Slack took what shows the round.

    A time-out of a round that the bot knows no card of is put off.
    """
    waiting = {one.id: one for one in of.in_state(State.WAITING) if one.rule.timeout is not None}
    if not waiting:
        return
    async with of.world.engines.for_outbox.read.connect() as connection:
        announced = {row.id for row in await connection.execute(ANNOUNCED)}
    for row in await of.world.everything():
        round_ = waiting.get(row.subject) if row.subject in announced else None
        if row.kind == EffectKind.TIME_OUT and round_ is not None and round_.rule.timeout:
            shown, after = first_shown(of, round_), round_.rule.timeout.after.length
            read = f"{round_.id} was shown at {shown}, its time is over at {row.due_at}"
            require(shown is None or row.due_at - shown >= after - A_SECOND, "unseen", read)


def first_shown(of: Known, round_: Round) -> datetime | None:
    """Return the time when Slack first took a card or private message of the round."""
    slack = of.world.slack
    times = [
        one.at for one in slack.shown if one.at >= round_.opened_at and one.round.id == round_.id
    ]
    private = f"direct {round_.id} "
    times += [one.posted_at for one in slack.messages if one.key.startswith(private)]
    return min(times, default=None)


async def nobody_decides_who_may_not(of: Known) -> None:
    """Each voice is of somebody who might decide then; and as many as this test's own rules ask."""
    for round_ in of.known:
        written_at = round_.edited_at or round_.opened_at
        older = [vote.by.id for vote in round_.votes if vote.at < written_at]
        require(not older, "may", f"{round_.id} of {written_at} has earlier approvals of {older}")
        decision = round_.decision
        if decision is None or not isinstance(decision.by, Person):
            continue
        require_right(of, round_, decision.by, decision.on_behalf_of, decision.at, decision.at)
        for vote in decision.votes:
            require_right(of, round_, vote.by, vote.on_behalf_of, vote.at, decision.at)
        if needs_all(decision.verdict):
            votes = [vote.voices for vote in decision.votes] or [frozenset({decision.by.id})]
            voices, needed = [one for vote in votes for one in vote], of.needed(round_)
            text = of.text_of(round_)
            read = f"{round_.id} {text!r} needs {needed}, approved by {voices}"
            require(len(votes) >= needed, "may", read)
            require(len(set(voices)) == len(voices), "may", read)
            starter = of.starter_of(round_)
            require(starter not in voices, "may", f"{read}, and {starter} started it")
            if (round_.review.crew, round_.review.task_id) == (LEGAL, "memo"):
                lawyers, finance = of.groups(decision.at)
                [one, other] = [(vote.on_behalf_of or vote.by).id for vote in decision.votes]
                is_of_both = (one in lawyers and other in finance) or (
                    other in lawyers and one in finance
                )
                require(is_of_both, "may", f"{read}: {lawyers} and {finance} are the groups")


def needs_all(verdict: Verdict) -> bool:
    """Return True for an approval, and for an answer that a flow may take for one."""
    if isinstance(verdict, Answer):
        return not (verdict.is_label and verdict.text in REJECTING)
    return isinstance(verdict, Approve)


def require_right(
    of: Known, round_: Round, by: Person, absent: Person | None, at: datetime, decided: datetime
) -> None:
    """Somebody might decide then; and at the decision whoever has the right still had it."""
    read = f"{by.id} for {absent and absent.id} at {at} on {round_.id}, decided at {decided}"
    require(of.may_decide(by, round_, at), "may", read)
    require((absent or by).id in of.in_person(round_, decided), "may", read)
    if absent is not None:
        require(absent.id in of.absent(by, round_, at), "may", read)
        require(not of.is_guest(by, decided), "may", read)


async def a_rule_decides_its_own(of: Known) -> None:
    """A rule decides at once on the calls alone that it is for; by time on no one's own text."""
    for round_ in of.known:
        decision, by = round_.decision, round_.decision and round_.decision.by
        is_approved = decision is not None and decision.is_approve
        if isinstance(by, TimedOut) and is_approved:
            require(round_.edited_by is None, "may", f"{round_.id} was edited, approved by time")
        if round_.review.crew != TOOLS or not isinstance(round_.subject, ToolCall):
            continue
        call = of.calls[round_.review.execution_id, round_.review.task_id]
        read = f"{round_.id} {call.arguments}: {decision}"
        if isinstance(by, ByRule):
            expected = call.is_allowed if is_approved else call.is_refused
            require(expected, "may", f"{read}, by a rule that is not for it")
        if is_approved:
            text = of.texts[round_.id]
            is_refused = call.would_be_refused(json.loads(text))
            require(not is_refused, "may", f"{round_.id} {text}: {by}, which a rule refuses")
        if call.is_refused:
            is_over = round_.state is State.CLOSED and decision is None
            require(isinstance(by, ByRule) or is_over, "may", f"{read}, which a rule refuses")


async def nothing_runs_otherwise_than_approved(of: Known) -> None:
    """Each run of a call has an approval of its own, of just these arguments, given knowingly."""
    refused = of.world.tools.refused_with
    require(not refused, "runs", f"a refusal came with the arguments {refused}")
    for call in of.calls.values():
        given = [decision.at for _, decision, _ in call.ran]
        require(len(set(given)) == len(given), "runs", f"{call.task} ran twice by {given}")
        for ran, decision, ran_at in call.ran:
            read = f"{call.task} ran at {ran_at} by an approval of {decision.at}"
            require(ran_at - decision.at < HOUR, "runs", read)
            about = [one for one in of.known if one.decision == decision]
            require(about, "runs", f"{call.task} ran by {decision}, which no round has")
            texts = [json.loads(of.texts[one.id]) for one in about]
            expected = [*map(str, texts), *map(json.dumps, texts)]
            require(ran in expected, "runs", f"{call.task} ran with {ran}, approved was {texts}")
            for one in about:
                by_rule = not isinstance(decision.by, Person)
                knew = isinstance(one.subject, ToolCall) and not one.subject.may_have_run
                read = f"{one.id} may have run, and a rule approved it"
                require(not by_rule or knew, "runs", read)
        for round_ in of.in_state(State.WAITING):
            review = round_.review
            is_of = (review.execution_id, review.task_id) == (call.execution, call.task)
            if is_of and call.ran and of.first_seen[round_.id] > call.ran[-1][2]:
                knows = isinstance(round_.subject, ToolCall) and round_.subject.may_have_run
                read = f"{round_.id} asks about {call.task}, which ran, and does not say so"
                require(knows, "runs", read)


async def a_call_is_asked_anew_for_a_reason(of: Known) -> None:
    """A call is asked about again if its tool did not take a change, or an approval ended.

    The answer to such an approval may still come, after the call was asked about again.
    """
    reviews: defaultdict[tuple[str, str, str], list[Round]] = defaultdict(list)
    for round_ in of.known:
        if isinstance(round_.subject, ToolCall):
            reviews[key_of(round_)].append(round_)
    for of_one in reviews.values():
        for before, again in pairwise(of_one):
            decision = before.decision
            is_anew = again.origin_id is not None and again.edited_by is None
            if is_anew and decision is not None:
                refused = decision in of.world.tools.misfits
                read = f"{again.id} asks about {before.id} anew, which is {before.reason}"
                came_late = before.ended_at is not None and before.ended_at > again.opened_at
                ended = isinstance(before.reason, Expired) or (
                    isinstance(before.reason, Answered) and came_late
                )
                require(refused or ended, "runs", read)


async def a_reason_is_so(of: Known) -> None:
    """A decision gave way to a newer output, or to an earlier run of its call, if there is one."""
    for round_ in of.known:
        if isinstance(round_.reason, NeverSent):
            latest = of.latest(*key_of(round_))
            is_newer = latest is not None and latest.number > round_.number
            read = f"{round_.id} gave way to a newer output, and {latest and latest.id} is the last"
            require(is_newer, "truth", read)
        elif isinstance(round_.reason, RanEarlier):
            call = of.calls[round_.review.execution_id, round_.review.task_id]
            read = f"{round_.id} says that {call.task} ran earlier: {call.ran}"
            ran = any(decision != round_.decision for _, decision, _ in call.ran)
            require(ran or call.ran_unasked, "truth", read)


async def what_waits_is_in_home(of: Known, by: Person | None = None) -> None:
    """Home lists just what a person may decide, and its totals count it."""
    by = by or EVERYBODY[of.looks // 4 % len(EVERYBODY)]
    expected = waits_for(of, by)
    found: list[str] = []
    page = pages = 0
    while page <= pages - 1 or not page:
        home = await queue(by.id, page=page, context=of.world.reviews)
        lines = (*home.mine.lines, *home.nobody.lines)
        found += [line.round.id for line in lines]
        listed = (*lines, *home.others.lines, *home.stuck.lines, *home.decided.lines)
        for line in listed:
            shows = any(one in repr(line) for one in (NUMBER, HIDDEN))
            read = f"Home of {by.id} shows what the card of {line.round.id} masks"
            require(not shows, "masked", read)
        pages, page = home.pages, page + 1
    missing = sorted(expected - set(found))
    require(not missing, "home", f"Home of {by.id} lacks {missing}, lists {sorted(found)}")
    twice = [one for one, many in Counter(found).items() if many > 1]
    require(not twice, "home", f"Home of {by.id} lists {twice} more than once")
    total = home.mine.total + home.nobody.total
    require(total == len(found), "figures", f"Home of {by.id} counts {total}, lists {len(found)}")


def waits_for(of: Known, by: Person) -> set[str]:
    """The rounds that a person may decide, and has not approved."""
    return {
        one.id
        for one in of.in_state(State.WAITING)
        if of.may_decide(by, one) and of.has_room(by, one)
        if all(by.id not in vote.voices for vote in one.votes)
    }


async def a_decision_stands(of: Known) -> None:
    """The first decision of a round stays; only the latest round of a review is unfinished."""
    latest = {one.review.id: one for one in of.known}
    for round_ in of.known:
        first = of.decisions.get(round_.id)
        read = f"{round_.id}: {round_.decision} in the place of {first}"
        require(round_.removed_at or round_.decision == first, "truth", read)
        read = f"{round_.id} {round_.state} beside {latest[round_.review.id].id}"
        require(round_ == latest[round_.review.id] or round_.state in OVER, "truth", read)


ALWAYS: Final[tuple[Check, ...]] = (
    a_decision_stands,
    a_reason_is_so,
    nothing_is_decided_unseen,
    no_time_began_unseen,
    nobody_decides_who_may_not,
    a_rule_decides_its_own,
    nothing_runs_otherwise_than_approved,
    a_call_is_asked_anew_for_a_reason,
)
