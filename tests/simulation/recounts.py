"""Recounts: rounds sent back in a row by time, what no time approves, and times of what is over."""

from collections import Counter
from typing import Final

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import OF_WAITING, TIMED
from crewgate.domain.review import State
from crewgate.domain.rules.rule import TimeoutAction
from crewgate.domain.verdict import TimedOut
from tests.simulation.known import Known, key_of
from tests.simulation.oracle import Check, require

TIMERS: Final = {kind.value for kind in OF_WAITING if kind in TIMED}


async def rounds_in_a_row_are_counted(of: Known) -> None:
    """A new output counts the rounds right before it that a rule's time sent back."""
    row: Counter[tuple[str, str, str]] = Counter()
    for round_ in of.known:
        key, decision = key_of(round_), round_.decision
        expected = row[key] if round_.origin_id is None else 0
        read = f"{round_.id} comes after {round_.sent_back} rounds in a row, not {expected}"
        require(round_.sent_back == expected, "figures", read)
        is_by_time = decision is not None and isinstance(decision.by, TimedOut)
        row[key] = expected + 1 if is_by_time else 0


async def no_time_approves_what_may_have_run(of: Known) -> None:
    """The time of a call that may have run ends in no approval, whatever its rule says."""
    for round_ in of.in_state(State.WAITING):
        call, timeout = round_.subject, round_.rule.timeout
        if isinstance(call, ToolCall) and call.may_have_run and timeout is not None:
            read = f"{round_.id} may have run, and {timeout} waits to approve it"
            require(timeout.then is not TimeoutAction.APPROVE, "runs", read)


async def no_time_runs_for_what_is_over(of: Known) -> None:
    """No reminder, escalation or end of a round is due once the round waits no longer."""
    over = {one.id: one.state for one in of.known if one.state is not State.WAITING}
    for row in await of.world.everything():
        state = over.get(row.subject.partition(" ")[0]) if row.kind in TIMERS else None
        read = f"{row.kind} {row.subject} is due at {row.due_at}, and the round is {state}"
        require(state is None or row.set_aside_at is not None, "silent", read)


RECOUNTS: Final[tuple[Check, ...]] = (
    rounds_in_a_row_are_counted,
    no_time_approves_what_may_have_run,
    no_time_runs_for_what_is_over,
)
