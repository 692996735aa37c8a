"""What crews do: tasks, calls of tools, questions whose decisions are fetched, and floods."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall
from crewgate.domain.effects import crew_destination
from crewgate.domain.errors import CrewgateError
from crewgate.domain.execution import CrewUpdate, StepUpdate
from crewgate.domain.notification import Format, Output
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.track import record_update
from tests.simulation.known import MOMENT, Call, Known, Question
from tests.simulation.oracle import require
from tests.simulation.product import (
    ASKED,
    NUMBER,
    REVIEWERS,
    SCANS,
    TOOLS,
    Product,
)
from tests.simulation.story import Choices
from tests.usecases.crew_standins import Resumed
from tests.usecases.simulated_crew import Branch

RAN = CallResult(CallState.RAN, "Sent as message 17.")


class Crews(Known):
    """Four crews, each of another kind."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        product.tools.on_taken = self.tool_is_answered
        product.scans.on_taken = self.scan_is_answered

    # --- the crew with tasks ---

    def pick_branch(self, choices: Choices, holds: Callable[[Branch], object]) -> str:
        return choices.pick([one.name for one in self.crew.branches.values() if holds(one)])

    async def crew_pauses(self, choices: Choices) -> None:
        name = self.pick_branch(choices, lambda one: one.working)
        self.crew.finish(name, same=choices.one_in(4))
        if not choices.one_in(3):
            await self.crew.announce(name)

    async def notification_arrives(self, choices: Choices) -> None:
        await self.crew.announce(self.pick_branch(choices, lambda one: one.undelivered))

    async def update_arrives(self, choices: Choices) -> None:
        await self.crew.update(self.pick_branch(choices, lambda one: one.updates))

    async def step_arrives(self, choices: Choices) -> None:
        """A task that runs, or another one beside what waits, takes a step."""
        running = sorted({one.id for one in self.crew.branches.values() if one.working})
        if running:
            await self.world.record(StepUpdate(doing="thinking"), choices.pick(running))

    # --- the crew with tools ---

    async def agent_calls(self, choices: Choices) -> None:
        self.tool_number += 1
        tool = choices.pick(["send", "list"])
        arguments: dict[str, object] = {"to": "bob", "text": f"Hi {self.tool_number}."}
        call = Call(
            execution=choices.pick(["t 1", "t 2"]),
            task=f"{tool} {self.tool_number}",
            tool=tool,
            arguments=arguments,
            is_hosted=choices.one_in(2),
        )
        self.calls[call.execution, call.task] = call
        await self.announce_call(call)

    async def announce_call(self, call: Call, **changes: Any) -> None:
        text = json.dumps(call.arguments)
        if "call_result" not in changes:
            self.world.tools.pause(text, execution=call.execution, task=call.task)
        received = await self.world.notify(
            crew=TOOLS,
            execution_id=call.execution,
            task_id=call.task,
            task_name="mail",
            output=Output(text, Format.JSON),
            pause_id=f"{call.task} {call.pauses}" if call.is_hosted else None,
            call=ToolCall(
                call.tool,
                may_have_run=call.may_have_run,
                arguments=(Argument("to", Kind.TEXT, required=True),),
            ),
            takes_edits=True,
            takes_key=call.is_hosted,
            **changes,
        )
        if received.accepted:
            self.texts[received.round.id] = text

    async def tool_is_answered(self, resumed: Resumed) -> None:
        call = self.calls[resumed.execution_id, resumed.task_id]
        if resumed.decision.is_approve:
            call.ran.append((resumed.output, resumed.decision, self.world.clock()))
            call.is_reported = False

    async def tool_reports(self, choices: Choices) -> None:
        ran = [one for one in self.calls.values() if one.ran and not one.is_reported]
        call = choices.pick(ran)
        call.is_reported = True
        await self.announce_call(call, call_result=RAN)

    async def host_restarts(self, choices: Choices) -> None:
        """It stopped while a call ran, does not know whether it ran, and asks about it anew."""
        ran = [one for one in self.calls.values() if one.ran and not one.is_reported]
        call = choices.pick(ran)
        if call.is_hosted:
            call.may_have_run, call.is_reported = True, True
            call.pauses += 1
            await self.announce_call(call)

    # --- the program that fetches ---

    async def program_asks(self, choices: Choices) -> None:
        text = choices.pick(["Deploy?", "Deploy all?"])
        asked_at = self.world.clock()
        received = await self.world.notify(
            text, crew=ASKED, execution_id="night 1", task_id="deploy"
        )
        self.questions.append(Question(text, asked_at, received.round.id))
        self.texts[received.round.id] = text

    async def program_fetches(self, choices: Choices) -> None:
        question = self.questions[-1]
        body = await self.world.fetch(await self.world.round(question.round_id))
        if body is None or body["state"] != "decided":
            return
        await self.look()
        found = [one for one in self.known if one.review.crew == ASKED]
        latest = max(found, key=lambda one: one.number)
        require(latest.decision is not None, "runs", f"{latest.id} has no decision")
        assert latest.decision is not None
        why = f"asked at {question.asked_at}, it passed by a decision of {latest.decision.at}"
        require(latest.decision.at >= question.asked_at, "runs", why)
        if not choices.one_in(4):  # else the answer is lost, and it asks again
            question.passed_by = latest.decision

    # --- the crew that is scanned ---

    async def scans_pause(self, choices: Choices) -> None:
        """Many executions pause at once for the same task."""
        for _ in range(choices.pick([12, 3, 14])):
            await self.scan_pauses(choices)

    async def scan_pauses(self, _: Choices) -> None:
        self.scanned += 1
        await self.announce_scan(f"order {self.scanned}", f"Scan <{self.scanned}>: {NUMBER}.")

    async def announce_scan(self, execution: str, text: str) -> None:
        self.world.clock.advance(MOMENT)
        self.world.scans.pause(text, execution=execution, task="scan")
        received = await self.world.notify(
            text, crew=SCANS, execution_id=execution, task_id="scan", task_name="scan"
        )
        self.texts[received.round.id] = text

    async def scan_is_answered(self, resumed: Resumed) -> None:
        execution = resumed.execution_id
        if resumed.decision.is_approve:
            self.world.scans.completed.add(execution)
        else:
            # No card number by itself: a part of it was one in the output before.
            tries = resumed.output.count("again") + 1
            text = f"{resumed.output.partition(':')[0]}: {NUMBER}5{' again' * tries}."
            await self.announce_scan(execution, text)

    async def scans_are_sent_back(self, choices: Choices) -> None:
        """Somebody wants all scans that wait again, and has them."""
        by = choices.pick(REVIEWERS)
        for round_ in self.in_state(State.WAITING):
            if round_.review.crew == SCANS:
                self.world.clock.advance(MOMENT)
                with suppress(CrewgateError):
                    await self.world.decide(round_.id, Revise("Again."), by=by)
        await self.look()
        while jobs := await self.world.lease_of(crew_destination(SCANS)):
            for job in jobs:
                await deliver(job, self.world.context)

    async def scan_ends(self, choices: Choices) -> None:
        execution = choices.pick(self.finished_scans())
        self.ended_scans.add(execution)
        await record_update(
            SCANS,
            execution,
            CrewUpdate(result=Output(f"Result of {execution}")),
            uow=self.world.uow,
            at=self.world.clock(),
            new_id=self.world.new_id,
        )
