"""The figures of a run, and what is wrong."""

import resource
from collections.abc import Iterable, Iterator
from statistics import quantiles

from tests.soak.database import StoredRound
from tests.soak.evidence import Evidence
from tests.soak.rules import rule_of
from tests.soak.world import World
from tests.standins.crew import State as AtCrew

_SHOWN = 12


def figures(world: World, evidence: Evidence, seconds: float) -> Iterator[str]:
    """Lines of `what  how many`."""
    ledger, stored, crews = world.ledger, evidence.stored, evidence.crews
    ended = sum(one.state is AtCrew.COMPLETED for one in crews.executions.values())
    decided = [round_ for round_ in stored.rounds if round_.decided_by is not None]
    yield line("executions started", len(crews.executions))
    yield line("  completed", ended)
    yield line("rounds", len(stored.rounds))
    yield line("decisions", len(decided))
    yield line("  by several people", sum(len(round_.votes) > 1 for round_ in decided))
    away = sum(absent is not None for round_ in decided for _, absent in round_.votes)
    yield line("  with somebody for who is away", away)
    yield line("  by a rule, in time", sum(round_.by_rule for round_ in decided))
    yield line("  escalated before", sum(round_.escalated for round_ in decided))
    yield line("  sent by people, again or at once too", len(ledger.presses))
    yield line("  that took effect at crews", len(crews.applied))
    edits = [round_ for round_ in stored.rounds if round_.edit is not None]
    yield line("  approvals of a person's own text", sum(map(_is_approved, edits)))
    asked = {press.edit for press in ledger.presses if press.edit and not press.is_approve}
    yield line("  edits that crews were asked for", len(asked))
    careful = [round_ for round_ in decided if rule_of(round_.crew).careful and round_.is_careful]
    yield line("  under the stricter of two rules", len(careful))
    yield line("  approvals taken back", len(ledger.taken_back))
    yield line("  sent again with Retry", ledger.retries.total())
    yield line("direct messages about rounds", len(evidence.direct))
    yield line("calls of Slack", len(ledger.slack_calls))
    late = sum(press.reply.status == 0 for press in ledger.presses)
    yield line("presses that got no answer", late)
    yield line("faults", sum(ledger.faults.values()))
    for name, times in sorted(ledger.faults.items()):
        yield line(f"  {name}", times)
    for name, times in sorted((ledger.counts + evidence.excused).items()):
        yield line(name, times)
    yield from _resumes(evidence)
    out = sum(outage.until - outage.since for outage in ledger.outages)
    yield line("seconds in all", round(seconds))
    yield line("  without a bot", round(out))
    yield line("  of a processor, in the bots", round(_processor(resource.RUSAGE_CHILDREN)))
    yield line("  of a processor, in the load", round(_processor(resource.RUSAGE_SELF)))


def _is_approved(round_: StoredRound) -> bool:
    return bool(round_.is_approve)


def _processor(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def _resumes(evidence: Evidence) -> Iterator[str]:
    """From the press that counted to the resume that took effect, through all faults."""
    sent = {(press.round_id, press.by): list[float]() for press in evidence.ledger.presses}
    for press in evidence.ledger.presses:
        sent[press.round_id, press.by].append(press.sent_at)
    waits = []
    for round_ in evidence.stored.rounds:
        resumed_at = evidence.crews.resumed_at.get(round_.label)
        if resumed_at is not None and round_.decided_by:
            presses = sent.get((round_.id, round_.decided_by), [])
            before = [at for at in presses if at <= resumed_at]
            waits += [resumed_at - max(before)] if before else []
    if len(waits) > 1:
        cut = quantiles(waits, n=100)
        for percent in (50, 90, 99):
            yield line(f"click to resume, p{percent}", f"{cut[percent - 1]:.3f} s")


def problems(found: Iterable[str]) -> Iterator[str]:
    """Everything that is wrong, the first ones of it in full."""
    wrong = list(found)
    yield f"{len(wrong)} WRONG:" if wrong else "Nothing is wrong."
    yield from (f"  - {one}" for one in wrong[:_SHOWN])
    if len(wrong) > _SHOWN:
        yield f"  … and {len(wrong) - _SHOWN} more, in the report"


def line(name: str, value: object) -> str:
    """Return what, and how many."""
    return f"  {name:<58} {value!s:>10}"
