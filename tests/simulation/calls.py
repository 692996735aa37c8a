"""Chains: approvals of calls whose answers are lost, and what people and hosts do then."""

from typing import Final

from crewgate.domain.acts import CallState, ToolCall
from crewgate.domain.effects import crew_destination
from crewgate.domain.outcome import Refused
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Revise
from crewgate.usecases.decide import dismiss
from crewgate.usecases.delivery.worker import LEASE, deliver
from tests.simulation.crews import Crews
from tests.simulation.known import Call, key_of
from tests.simulation.oracle import require
from tests.simulation.product import HOUR, REVIEWERS, TOOLS
from tests.simulation.story import Choices
from tests.simulation.workers import Workers
from tests.usecases.faults import LOST, Fault

NOT_NOW: Final = Fault(Refused("400", "not now"))


class Calls(Workers, Crews):
    """Calls whose approvals nobody knows to have arrived."""

    def waiting_calls(self, *tools: str) -> list[Round]:
        return [
            one
            for one in self.in_state(State.WAITING)
            if isinstance(one.subject, ToolCall) and one.review.crew == TOOLS
            if not tools or one.subject.tool in tools
        ]

    async def approval_is_lost(self, choices: Choices) -> None:
        """No answer to an approval comes; later its crew refuses it, or it ends."""
        round_ = choices.pick(self.waiting_calls())
        call = self.calls[round_.review.execution_id, round_.review.task_id]
        self.world.tools.busy.discard((call.execution, call.task))
        await self.approve_by_all(round_)
        await self.tools_answer(Fault(LOST, after=choices.one_in(2)))
        if choices.one_in(2):
            await self.world.pass_time(HOUR)
            await self.tools_answer()
            await self.is_approved_anew(round_, call, choices)
        else:
            await self.tools_answer(NOT_NOW)
            await self.somebody_acts_on_what_is_stuck(round_, choices)
        if not choices.one_in(4):
            await self.host_tells(call)

    async def is_approved_anew(self, round_: Round, call: Call, choices: Choices) -> None:
        """People approve once more; perhaps the host tells of a run while that is on its way."""
        await self.approve_by_all(round_)
        if choices.one_in(3):
            await self.tools_answer()
            return
        stood = len(self.standing)
        await self.stand_still(crew_destination(TOOLS), self.world.context)
        await self.host_tells(call)
        for one in self.standing[stood:]:
            await self.go_on(one)
        await self.look()

    async def somebody_acts_on_what_is_stuck(self, round_: Round, choices: Choices) -> None:
        await self.look()
        latest, by = self.latest(*key_of(round_)), REVIEWERS[1]
        if latest is None or latest.state is not State.STUCK:
            return
        if choices.one_in(3):
            await self.is_done(self.world.retry(latest.id, by=by), by, latest)
            return
        why = self.said("Started again", latest.id)
        act = dismiss(latest.id, why, by=by, context=self.world.reviews)
        if await self.is_done(act, by, latest):
            self.dismissed.add(latest.id)
        await self.look()

    async def approve_by_all(self, round_: Round) -> None:
        for by in REVIEWERS:
            await self.approve_again(round_, by)

    async def tools_answer(self, *faults: Fault) -> None:
        """Send what is decided; each try comes to these faults."""
        self.world.tools.faults.extend(9 * faults)
        for job in await self.world.lease(crew_destination(TOOLS)):
            await deliver(job, self.world.context)
        self.world.tools.faults.clear()
        await self.look()
        await self.world.pass_time(LEASE)

    async def host_tells(self, call: Call) -> None:
        """The host says how a call ended."""
        if call.is_reported:
            return
        if call.ran:
            await self.tell_run(call, CallState.RAN)
        else:
            await self.withdraw(call)

    async def call_runs_once_more(self, choices: Choices) -> None:
        """A call is approved again after a restart of its host, runs, and then runs once more."""
        call = choices.pick([one for one in self.calls.values() if one.is_hosted and one.ran])
        await self.restart_of(call, is_known=choices.one_in(2))
        await self.look()
        asked = self.latest(TOOLS, call.execution, call.task)
        if asked is None or asked.state is not State.WAITING:
            return
        await self.approve_by_all(asked)
        await self.tools_answer()
        call_ran = [decision for _, decision, _ in call.ran]
        if self.round(asked.id).decision in call_ran:
            await self.tell_run(call, CallState.RAN)
            await self.look()
            await self.run_again(call)

    async def change_is_refused(self, choices: Choices) -> None:
        """Somebody changes the arguments of a call, and somebody else refuses it."""
        round_ = choices.pick(self.waiting_calls("pay"))
        by, other = choices.pick(REVIEWERS), choices.pick(REVIEWERS)
        for _ in range(2):  # people are asked first about what they have not seen
            if (latest := self.latest(*key_of(round_))) == round_:
                await self.rewrite(round_, Choices(), by=by)
                await self.look()
        if latest is not None and (latest := self.latest(*key_of(round_))) != round_:
            assert latest is not None
            words = Revise(self.said("Do not", latest.id))
            await self.decide(latest, Choices(), by=other, verdict=words)
            await self.look()
            await self.tools_answer()

    async def question_comes_late(self, choices: Choices) -> None:
        """The end of a host's call comes before the question about it, which took long."""
        call = self.new_call(choices, is_hosted=True)
        await self.report(call, CallState.CLOSED)
        call.is_reported = call.is_over_unasked = True
        await self.look()
        before = [one.id for one in self.known]
        await self.announce_call(call)
        self.world.tools.pending.pop((call.execution, call.task), None)
        await self.look()
        asked = [one.id for one in self.known if one.id not in before]
        require(not asked, "silent", f"{asked} ask about {call.task}, which was over before")
