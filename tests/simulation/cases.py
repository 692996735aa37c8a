"""Chains: cases and scans whose people are known late, are called in vain, or wait for hours."""

from datetime import timedelta
from typing import Final

from crewgate.domain.effects import crew_destination
from crewgate.domain.review import Round, State
from tests.simulation.chains import A_MINUTE
from tests.simulation.crews import Crews
from tests.simulation.known import key_of
from tests.simulation.mentions import MOST
from tests.simulation.product import A_SECOND, EVERYBODY, HOUR, LEGAL, SCANS, TASKS
from tests.simulation.story import Choices
from tests.simulation.workers import Workers
from tests.usecases.faults import LOST, Fault

MANY: Final = MOST + 1
"""Of so many scans that wait, one calls people."""
HALF_AN_HOUR: Final = timedelta(minutes=30)
MANY_TRIES: Final = 40
"""After so many hours without an answer a person is asked."""


class Cases(Workers, Crews):
    """Acts of time and of people on rounds that wait for long."""

    def to_escalate(self) -> list[Round]:
        """The rounds that wait, and that others may soon decide too."""
        return [
            one
            for one in self.in_state(State.WAITING)
            if one.review.task_id == "case" and one.escalated_at is None
        ]

    def of_unknown_starters(self) -> list[Round]:
        return [
            one
            for one in self.to_escalate()
            if self.cases[one.review.execution_id].known_at is None
        ]

    async def others_are_called_in_vain(self, choices: Choices) -> None:
        """A rule calls others too, and the crew forgets the execution before they are told."""
        round_ = choices.pick(self.to_escalate())
        for _ in range(3):
            await self.carry_out()
        await self.world.pass_time(31 * A_MINUTE)
        await self.timers_work()
        await self.forget_all(LEGAL)
        await self.look()
        if choices.one_in(2):
            await self.approve_again(round_, EVERYBODY[-1])

    async def starter_approves_unknown(self, choices: Choices) -> None:
        """Somebody approves whose kickoff is answered only then; others approve after it."""
        round_ = choices.pick(self.of_unknown_starters())
        case = self.cases[round_.review.execution_id]
        await self.approve_again(round_, case.starter)
        self.world.clock.advance(A_SECOND)
        await self.kickoff_is_answered(case)
        await self.look()
        for by in choices.pick([EVERYBODY, EVERYBODY[:2], EVERYBODY[1:]]):
            latest = self.latest(*key_of(round_))
            if latest is not None and latest.state is State.WAITING:
                await self.approve_again(latest, by)

    async def scans_pause_for_hours(self, choices: Choices) -> None:
        """Many executions pause for a task, then as many others, while earlier ones wait."""
        waiting = sum(one.state is State.WAITING for one in self.scans())
        for many, wait in ((MANY - waiting, 55), (MANY, 20), (1, 0)):
            for _ in range(many):
                await self.scan_pauses(choices)
            for _ in range(3):
                while await self.carry_out():
                    pass
                await self.world.pass_time(3 * A_SECOND)
            await self.look()
            await self.world.pass_time(wait * A_MINUTE)

    def to_remind(self) -> list[Round]:
        """The rounds of which people are reminded, and which their crew may forget."""
        return [one for one in self.visible() if one.rule.remind and self.is_told(one)]

    async def crew_forgets_whom_people_know(self, choices: Choices) -> None:
        """People were reminded as often as they are, and the crew forgets its executions."""
        round_ = choices.pick(self.to_remind())
        for _ in range(3):
            await self.world.pass_time(HALF_AN_HOUR)
            await self.timers_work()
            await self.carry_out()
            await self.look()
        await self.forget_all(round_.review.crew)

    async def retried_in_doubt(self, choices: Choices) -> None:
        """A crew takes a decision and never says so, until a person has it sent again."""
        round_ = choices.pick([one for one in self.in_state(State.DECIDED) if self.is_told(one)])
        side, place = self.world.answering(round_.review.crew), crew_destination(round_.review.crew)
        for nth in range(MANY_TRIES):
            if self.round(round_.id).state is not State.DECIDED:
                break
            side.faults.extend([Fault(LOST, after=not nth)] * len(self.known))
            await self.deliver(await self.world.lease_of(place), self.world.context)
            side.faults.clear()
            await self.world.pass_time(HOUR)
            await self.look()
        if self.round(round_.id).state is State.STUCK:
            able = [one for one in EVERYBODY if self.may_decide(one, round_)]
            await self.retry_it(self.round(round_.id), choices.pick(able or EVERYBODY))
            await self.look()

    @staticmethod
    def is_told(round_: Round) -> bool:
        """Return True if the crew is told of decisions and is asked for its status."""
        return round_.review.crew in {SCANS, LEGAL, TASKS}
