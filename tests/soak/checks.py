"""The conditions at the end of a run. Each check yields a sentence for each fault."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from crewgate.domain.retry import Retry
from crewgate.domain.review import State
from crewgate.usecases.track import STATUS_POLL
from tests.soak.database import LASTING, UNFINISHED, StoredRound
from tests.soak.evidence import Applied, Card, Evidence, pending_labels
from tests.soak.labels import CARE, Label, edited, text_of
from tests.soak.ledger import Press
from tests.soak.rules import LEAD, STARTER, TIMED_OUT, rule_of

#: A card may be on its way while its round ends: Slack takes a second, and a busy machine more.
_RACE = 3.0


def check_everything(evidence: Evidence) -> list[str]:
    """All that is wrong: first what each check finds first."""
    found = [
        list(check(evidence))
        for check in (
            unfinished_executions,
            lost_notifications,
            unfinished_rounds,
            effects_left,
            decisions_at_crews,
            decisions_on_record,
            texts_at_crews,
            lost_presses,
            cards_that_differ,
            posted_twice,
            rules_that_were_lost,
            decisions_by_others,
            decisions_by_too_few,
            approvals_taken_back,
            time_outs,
            cards_of_the_past,
            resumes_at_once,
        )
    ]
    return [problem for ones in zip_longest(*found) for problem in ones if problem is not None]


def lost_by_design(evidence: Evidence) -> frozenset[str]:
    """Executions that wait with an output whose notification was lost: crews never repeat one."""
    unheard = evidence.crews.unannounced.keys() - evidence.known
    return frozenset(
        execution.id
        for execution in evidence.crews.executions.values()
        if any(label in unheard for label in pending_labels(execution))
    )


def unfinished_executions(evidence: Evidence) -> Iterator[str]:
    """Every execution has ended, at its crew and in the database, unless it could not."""
    lost = lost_by_design(evidence)
    evidence.excused["executions whose pause the bot could not hear"] = len(lost)
    for execution in evidence.crews.executions.values():
        if execution.id in lost:
            continue
        if execution.ended_at is None:
            waits = ", ".join(map(str, pending_labels(execution))) or execution.id
            yield f"{waits} is {execution.state} at its crew"
        elif execution.id not in evidence.stored.over and execution.outputs:
            is_flow = any(task.emit for task in execution.script)
            heard = not evidence.crews.failed_updates[execution.id] and execution.feedbacks
            if is_flow or not heard:
                evidence.excused["executions whose end is known by their status, later"] += 1
            else:
                yield f"{execution.id} has ended at its crew, and the bot does not know"


def lost_notifications(evidence: Evidence) -> Iterator[str]:
    """A webhook is only lost while no bot is there to take it."""
    pauses = evidence.crews.unannounced.values()
    updates = [sent for some in evidence.crews.failed_updates.values() for sent in some]
    for sent in (*pauses, *updates):
        if sent.status is not None or not evidence.ledger.was_out(sent.at):
            came = sent.status or sent.error
            yield f"a {sent.kind} webhook was answered {came}: {sent.answer[:200]}"


def unfinished_rounds(evidence: Evidence) -> Iterator[str]:
    """Every round is over, unless its execution waits with what the bot could not hear.

    Such an execution has gone on, but nothing says so: a decision whose answer was lost stays
    “may have been taken”, which it was.
    """
    lost = lost_by_design(evidence)
    taken = {applied.label for applied in evidence.crews.applied}
    for round_ in evidence.stored.rounds:
        unknowable = round_.execution_id in lost and round_.label in taken
        if round_.state is State.STUCK and round_.in_doubt and unknowable:
            evidence.excused["rounds whose answer and proof were both lost"] += 1
        elif round_.state in UNFINISHED:
            yield f"{round_.label} (round {round_.id}) is {round_.state}, {round_.reason}"


def effects_left(evidence: Evidence) -> Iterator[str]:
    """Nothing is in the outbox but what is due later, and nothing is past giving up."""
    now = datetime.now(UTC) + timedelta(seconds=evidence.ledger.ahead)
    for job in evidence.stored.jobs:
        give_up = (STATUS_POLL if job.kind in LASTING else Retry()).give_up_after
        if now - job.created_at >= give_up:
            yield f"{job.kind} of {job.execution_id} should have been given up"
    for job in evidence.stored.behind:
        age = (now - job.created_at).total_seconds()
        due = (job.due_at - now).total_seconds()
        yield (
            f"{job.kind} of {job.execution_id} ({job.subject}) is not done "
            f"{age:.0f} s and {job.tries} tries later; due in {due:.0f} s"
        )


def decisions_at_crews(evidence: Evidence) -> Iterator[str]:
    """Whatever took effect was decided by somebody on that very output, and took effect once."""
    by_words: dict[tuple[str, bool, str], list[Label]] = defaultdict(list)
    for press in evidence.presses:
        key = (_task(press.label), press.is_approve, press.feedback)
        by_words[key].append(press.label)
    for round_ in evidence.stored.rounds:
        # The comments of several are sent together; `decisions_on_record` looks at them.
        if round_.by_rule or (len(round_.votes) > 1 and round_.is_approve):
            words = round_.feedback or "Approved."
            by_words[_task(round_.label), bool(round_.is_approve), words].append(round_.label)
    taken: Counter[tuple[Label, bool, str]] = Counter()
    for applied in evidence.crews.applied:
        seen = by_words[_task(applied.label), applied.is_approve, applied.feedback]
        if applied.label in seen:
            taken[applied.label, applied.is_approve, applied.feedback] += 1
        elif not seen:
            yield f"{applied.label} got a decision that nobody took: {applied.feedback!r}"
        elif _is_beyond_us(applied, seen, evidence):
            evidence.excused["repeats whose answer was lost, and proof lost or late"] += 1
        else:
            saw = ", ".join(map(str, sorted(set(seen))))
            yield f"{applied.label} got {applied.feedback!r}, whose reviewer saw {saw}"
    for (label, _, feedback), times in taken.items():
        if times > 1:
            yield f"{label} got the same decision {times} times: {feedback!r}"


def _is_beyond_us(applied: Applied, seen: list[Label], evidence: Evidence) -> bool:
    """Return True if the bot could not know that the crew had gone on.

    No newer output was heard by then: its notification was lost, or on its way when the repeat
    was taken.
    """
    before = [label.version for label in seen if label < applied.label]
    if not before:
        return False
    newer = range(max(before) + 1, applied.label.version + 1)
    outputs = [Label(applied.label.number, applied.label.task, version) for version in newer]
    crews = evidence.crews
    taken_at = crews.resumed_at.get(applied.label, 0)
    return all(
        label in crews.unannounced or crews.announced.get(label, 0) > taken_at for label in outputs
    )


def decisions_on_record(evidence: Evidence) -> Iterator[str]:
    """Each decision on record is at the crew once, or its card says that it is not."""
    at_crews: Counter[tuple[Label, bool, str]] = Counter(
        (applied.label, applied.is_approve, applied.feedback) for applied in evidence.crews.applied
    )
    presses: dict[str, list[Press]] = defaultdict(list)
    for press in evidence.presses:
        presses[press.round_id].append(press)
    for round_ in evidence.stored.rounds:
        if round_.decided_by is None or round_.is_approve is None:
            continue
        feedback = round_.feedback or "Approved."
        times = at_crews[round_.label, round_.is_approve, feedback]
        if not round_.by_rule and not _was_sent(round_, presses[round_.id]):
            yield f"{round_.label}: nobody sent the decision on record, {feedback!r}"
        if round_.state is State.RESUMED and times != 1:
            why = round_.reason
            yield f"{round_.label} says that the crew took it ({why}); it did {times} times"
        if round_.state is State.CLOSED and round_.reason == "never_sent" and times:
            yield f"{round_.label} says that it was never sent, and the crew took it"


def _was_sent(round_: StoredRound, presses: list[Press]) -> bool:
    """Return True if the recorded person sent that; of several, each one's comment."""
    sent = [press for press in presses if press.is_approve is round_.is_approve]
    if len(round_.votes) < 2:
        return (round_.decided_by, round_.feedback or "Approved.") in {
            (press.by, press.feedback) for press in sent
        }
    comments = [] if round_.feedback is None else round_.feedback.split("\n\n")
    words = tuple(press.feedback for press in sent)
    is_said = all(comment.endswith(words) for comment in comments)
    return is_said and round_.decided_by in {press.by for press in sent}


def texts_at_crews(evidence: Evidence) -> Iterator[str]:
    """A crew goes on with the text that people approved: its own, or a person's, word by word."""
    texts: dict[Label, set[str | None]] = defaultdict(set)
    for round_ in evidence.stored.rounds:
        if round_.is_approve:
            label, number = round_.label, round_.edit
            before = text_of(label)
            either = (edited(before, number or 0, care=care) for care in (True, False))
            texts[label] |= {None} if number is None else {*either}
    for applied in evidence.crews.applied:
        if applied.is_approve and applied.edited not in (texts[applied.label] or {None}):
            yield f"{applied.label} goes on with what nobody approved: {applied.edited!r:.200}"


def lost_presses(evidence: Evidence) -> Iterator[str]:
    """Yield each acknowledged press that is not on record, unless somebody else was faster."""
    rounds = {round_.id: round_ for round_ in evidence.stored.rounds}
    by_round: dict[str, list[Press]] = defaultdict(list)
    for press in evidence.presses:
        by_round[press.round_id].append(press)
    for round_id, presses in by_round.items():
        round_ = rounds.get(round_id)
        if round_ is None:
            yield f"somebody pressed a button of {round_id}, which is not on record"
        elif _is_lost(round_) and any(_decides(press, round_) for press in presses):
            yield f"{round_.label} was decided, and is {round_.state} without a decision"


def _decides(press: Press, round_: StoredRound) -> bool:
    """Return True if a press was acknowledged and is enough; LEAD's may come too early."""
    rule = rule_of(round_.crew)
    care = round_.is_careful or CARE in press.feedback
    is_enough = rule.needed(care=care) == 1 or not press.is_approve
    return press.reply.ok and is_enough and press.by != LEAD


def _is_lost(round_: StoredRound) -> bool:
    """A card that was superseded or closed says so; anything else would have to be decided."""
    over = round_.state in (State.SUPERSEDED, State.CLOSED)
    return round_.decided_by is None and not over


def cards_that_differ(evidence: Evidence) -> Iterator[str]:
    """Every round has a card, which offers what can be done with it and nothing else.

    So does each direct message about it.
    """
    direct: dict[str, list[Card]] = defaultdict(list)
    for card in evidence.direct:
        direct[card.round_id].append(card)
    for round_ in evidence.stored.rounds:
        if round_.id not in evidence.cards:
            if round_.state in (State.SUPERSEDED, State.CLOSED):
                evidence.excused["rounds that were over before they had a card"] += 1
                continue
            yield f"{round_.label} (round {round_.id}, {round_.state}) has no card"
            continue
        for card in (evidence.cards[round_.id], *direct[round_.id]):
            waits, stuck = round_.state is State.WAITING, round_.state is State.STUCK
            if (card.waits, card.is_stuck) != (waits, stuck):
                where = f"in {card.message.channel} of {round_.label}"
                yield f"the card {where} offers {set(card.actions)}; it is {round_.state}"


def posted_twice(evidence: Evidence) -> Iterator[str]:
    """No message was posted a second time, and no decision told of as stuck more often than it was.

    It can get stuck again after Retry, and be closed as never sent after that. Reminders begin
    again where a round was opened again.
    """
    stuck: Counter[str] = Counter()
    for key, times in evidence.keys.items():
        again = key.startswith("reminder ") and evidence.ledger.reopened[key.split()[1]]
        if times > 1 + again:
            yield f"the message {key} was posted {times} times"
        if key.startswith("stuck "):
            stuck[key.split()[1]] += times
    closed = {round_.id for round_ in evidence.stored.rounds if round_.state is State.CLOSED}
    closed |= {round_.id for round_ in evidence.stored.beside if round_.state is State.CLOSED}
    for round_id, times in stuck.items():
        if times > 1 + evidence.ledger.retries[round_id] + (round_id in closed):
            yield f"the round {round_id} was told of as stuck {times} times"


def _task(label: Label) -> str:
    return f"{label.number}/{label.task}"


# --- of decisions under rules


def rules_that_were_lost(evidence: Evidence) -> Iterator[str]:
    """Each round of a crew with a rule has that rule."""
    for round_ in evidence.stored.rounds:
        if bool(rule_of(round_.crew).name) is not round_.has_rule:
            yield f"{round_.label} has lost its rule"


def decisions_by_others(evidence: Evidence) -> Iterator[str]:
    """Only those decide whom the rule allows, each by what they sent themselves."""
    approved = {(press.round_id, press.by) for press in evidence.presses if press.is_approve}
    for round_ in evidence.stored.rounds:
        rule = rule_of(round_.crew)
        for by, absent in round_.votes if rule.name else ():
            who = by if absent is None else f"{by} for {absent}"
            if not rule.allows((by, absent), escalated=round_.escalated):
                yield f"{who} decided {round_.label}, and may not under “{rule.name}”"
            elif by == STARTER and round_.label.number in evidence.ledger.started:
                yield f"{who} approved {round_.label}, and started it"
            elif round_.is_approve and (round_.id, by) not in approved:
                yield f"{who} did not approve {round_.label}, and is counted"


def decisions_by_too_few(evidence: Evidence) -> Iterator[str]:
    """An approval by people is by as many different ones as the rule asks for."""
    for round_ in evidence.stored.rounds:
        asked = rule_of(round_.crew).needed(care=round_.is_careful)
        voices = [user for vote in round_.votes for user in vote if user is not None]
        if round_.is_approve and not round_.by_rule and len(round_.votes) < asked:
            yield f"{round_.label} was approved by {len(round_.votes)} of {asked}"
        if len(set(voices)) < len(voices):
            yield f"{round_.label} counts somebody twice: {', '.join(voices)}"


def approvals_taken_back(evidence: Evidence) -> Iterator[str]:
    """Yield approvals that count although they were taken back before the last one was sent."""
    sent: dict[tuple[str, str], list[float]] = defaultdict(list)
    for press in evidence.presses:
        sent[press.round_id, press.by].append(press.sent_at)
    rounds = {round_.id: round_ for round_ in evidence.stored.rounds}
    for one in evidence.ledger.taken_back:
        round_ = rounds[one.round_id]
        again = any(at > one.at for at in sent[one.round_id, one.by])
        counted = round_.is_approve and one.by in (by for by, _ in round_.votes)
        last = max(sent[one.round_id, round_.decided_by or ""], default=0)
        if counted and not again and last > one.at:
            yield f"{one.by} took their approval of {round_.label} back, and it is counted"


def time_outs(evidence: Evidence) -> Iterator[str]:
    """A rule decides as it says, and nothing whose card was not there."""
    for round_ in evidence.stored.rounds:
        if not round_.by_rule:
            continue
        rule = rule_of(round_.crew)
        then = "leave" if rule.careful and round_.is_careful else rule.then
        words = TIMED_OUT if then == "revise" else None
        if then == "leave" or (round_.is_approve, round_.feedback) != (then == "approve", words):
            yield f"{round_.label} timed out with {round_.feedback!r}; its rule says {then}"
        posted = evidence.ledger.posted.get(round_.id)
        resumed = evidence.crews.resumed_at.get(round_.label)
        if posted is None or (resumed is not None and resumed < posted):
            yield f"{round_.label} timed out, and its card was not there"


def cards_of_the_past(evidence: Evidence) -> Iterator[str]:
    """No card is posted whose round was over; that of a person's text may be."""
    for round_ in evidence.stored.rounds:
        posted = evidence.ledger.posted.get(round_.id, 0)
        ended = _ended_at(round_, evidence)
        if round_.edit is None and posted > ended + _RACE:
            yield f"the card of {round_.label} came {posted - ended:.0f} s after its end"


def _ended_at(round_: StoredRound, evidence: Evidence) -> float:
    newer = replace(round_.label, version=round_.label.version + 1)
    never = float("inf")
    if round_.state is State.WAITING:
        return never
    crews = evidence.crews
    return min(crews.resumed_at.get(round_.label, never), crews.announced.get(newer, never))


def resumes_at_once(evidence: Evidence) -> Iterator[str]:
    """No decision is sent again while it is under way or once it was answered.

    It may be after a kill: then nobody knows what was answered.
    """
    for label, (first, second) in evidence.crews.repeated:
        if not any(first <= outage.since <= second for outage in evidence.ledger.outages):
            yield f"{label} got its decision again after {second - first:.1f} s, with no doubt"
