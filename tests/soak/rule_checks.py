"""What must hold of decisions under rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from crewgate.domain.review import State
from tests.soak.database import StoredRound
from tests.soak.evidence import Evidence
from tests.soak.rules import STARTER, TIMED_OUT, rule_of

#: A card may be on its way while its round ends: Slack takes a second, and a busy machine more.
_RACE = 3.0


def rules_that_were_lost(evidence: Evidence) -> Iterator[str]:
    """Each round of a crew with a rule has that rule."""
    for round_ in evidence.stored.rounds:
        if bool(rule_of(round_.crew).name) is not round_.has_rule:
            yield f"{round_.label} has lost its rule"


def decisions_by_others(evidence: Evidence) -> Iterator[str]:
    """Only those decide whom the rule allows, each by what they sent themselves."""
    approved = {(press.round_id, press.by) for press in evidence.ledger.presses if press.is_approve}
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
        asked = rule_of(round_.crew).approvals
        voices = [user for vote in round_.votes for user in vote if user is not None]
        if round_.is_approve and not round_.by_rule and len(round_.votes) < asked:
            yield f"{round_.label} was approved by {len(round_.votes)} of {asked}"
        if len(set(voices)) < len(voices):
            yield f"{round_.label} counts somebody twice: {', '.join(voices)}"


def approvals_taken_back(evidence: Evidence) -> Iterator[str]:
    """What was taken back before the last approval was sent is not counted."""
    sent: dict[tuple[str, str], list[float]] = defaultdict(list)
    for press in evidence.ledger.presses:
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
        then = rule_of(round_.crew).then
        words = TIMED_OUT if then == "revise" else None
        if then == "leave" or (round_.is_approve, round_.feedback) != (then == "approve", words):
            yield f"{round_.label} timed out with {round_.feedback!r}; its rule says {then}"
        posted = evidence.ledger.posted.get(round_.id)
        resumed = evidence.crews.resumed_at.get(round_.label)
        if posted is None or (resumed is not None and resumed < posted):
            yield f"{round_.label} timed out, and its card was not there"


def cards_of_the_past(evidence: Evidence) -> Iterator[str]:
    """No card is posted whose round was over."""
    for round_ in evidence.stored.rounds:
        posted = evidence.ledger.posted.get(round_.id, 0)
        ended = _ended_at(round_, evidence)
        if posted > ended + _RACE:
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
