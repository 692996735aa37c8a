"""Equal calls, with the real library: people know of one whose end its agent does not know."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.host.client import Json, Listener
from tests.host.real import Real, host, needs_crewai
from tests.host.real_acts import Acting, transfer
from tests.host.real_exact import bought

pytestmark = needs_crewai
AGAIN = ("moody", "moody_natively", "guarded", "guarded_natively")
#: In other words in each process: their plans, inputs or delegated tasks.
RESTARTED = (
    *("planned", "planned_natively", "PlannedFlow", "dated", "stepwise"),
    *("handing_on", "handing_on_natively", "managed"),
)
TARGETS = (
    *(f"repeating:{name}" for name in (*AGAIN, *RESTARTED)),
    *(f"acting:{name}" for name in ("acting", "acting_natively")),
    *(f"exacting:{name}" for name in ("buying", "buying_natively")),
)


async def another_try_of_a_task_knows_nothing_of_the_first(real: Real) -> None:
    """CrewAI begins a task again after an error, or because of a guardrail."""
    for target in AGAIN:
        one, to = Acting(real, target), f"{target}-again"
        await one.begin(transfer(to))
        first = await one.asked()
        await one.decide(first)
        again = await one.asked(2)
        await one.decide(again, "No.", is_approve=False)
        await one.result()

        assert first["tool_call"]["may_have_run"] is False
        assert again["tool_call"]["may_have_run"] is True
        assert again["tool_call"]["ran"]["words"] == f"Transferred to {to}."
        assert len(one.acts(to)) == 1


async def an_agent_that_knows_the_end_of_a_call_may_make_it_again(real: Real) -> None:
    for target in ("acting", "acting_natively"):
        one, to = Acting(real, target), f"{target}-knows"
        uncached = transfer(to, "transfer_slowly")
        await one.begin(uncached, transfer(to, "search", words="x"), uncached)
        await one.decide(await one.asked())
        second = await one.asked(2)
        await one.decide(second)
        await one.result()

        assert second["tool_call"]["may_have_run"] is False
        assert len(one.acts(to)) == 2


async def one_answer_of_a_model_knows_no_end_of_its_own_calls(real: Real) -> None:
    """Also where CrewAI makes them one after the other, as for a tool with a limit."""
    one = Acting(real, "acting_natively")
    both = [transfer("batch"), transfer("batch", amount=1), transfer("last", "transfer_once")]
    await one.begin(both)
    first = await one.asked()
    await one.decide(first)
    second = await one.asked(2)
    await one.decide(second, "No.", is_approve=False)
    await one.decide(await one.asked(3), "No.", is_approve=False)
    await one.result()

    assert first["tool_call"]["may_have_run"] is False
    assert second["tool_call"]["may_have_run"] is True
    assert len(one.acts("batch")) == 1


async def a_call_of_a_server_in_doubt_is_known_to_its_own_agent(real: Real) -> None:
    """The server did not answer: the agent knows that nobody knows."""
    for target in ("buying", "buying_natively"):
        one, to = Acting(real, target), f"{target}-late"
        await one.begin(bought(to), bought(to))
        await one.decide(await one.asked())
        again = await one.asked(2)
        await one.decide(again, "No.", is_approve=False)
        await one.result()

        assert again["tool_call"]["may_have_run"] is True
        assert "ran" not in again["tool_call"]


async def another_step_of_a_plan_knows_nothing_of_the_first(real: Real) -> None:
    one = Acting(real, "stepwise")
    await one.begin(transfer("steps"), transfer("steps"))
    await one.decide(await one.asked())
    again = await one.asked(2)
    await one.decide(again, "No.", is_approve=False)
    await one.result()

    assert again["tool_call"]["ran"]["words"] == "Transferred to steps."
    assert len(one.acts("steps")) == 1


CASES = (
    another_try_of_a_task_knows_nothing_of_the_first,
    an_agent_that_knows_the_end_of_a_call_may_make_it_again,
    one_answer_of_a_model_knows_no_end_of_its_own_calls,
    a_call_of_a_server_in_doubt_is_known_to_its_own_agent,
    another_step_of_a_plan_knows_nothing_of_the_first,
)


@dataclass
class Killed:
    """The executions of one target at a kill, each at another step of a call."""

    real: Real
    target: str
    at: dict[str, Acting] = field(default_factory=dict)
    asked: dict[str, Json] = field(default_factory=dict)

    def to(self, step: str) -> str:
        """Return whom the call of this step is for."""
        return f"{self.target}-{step}"

    async def begin(self) -> None:
        """Begin an execution for each step, until people are asked."""
        for step in STEPS:
            calls = [transfer(self.to(step))]
            if step == "told":
                calls.append(transfer(self.to("waits")))
            self.at[step] = await Acting(self.real, self.target).begin(*calls)
        for step, one in self.at.items():
            self.asked[step] = await one.asked()
        await self.at["told"].decide(self.asked["told"])
        self.asked["waits"] = await self.at["told"].asked(2)

    async def approve_running(self) -> None:
        """Let the tool begin, and take its time."""
        running = self.at["running"]
        await running.decide(self.asked["running"])
        while not running.acts(self.to("running")):
            await self.real.api(self.target).status(running.id)

    def turn_back(self, file: sqlite3.Connection) -> None:
        """Leave in the host's file what it had at each of the steps that take no time."""
        decide = "UPDATE rounds SET approve = 1, feedback = 'Approved.' WHERE execution_id = ?"
        for step, statement in (
            ("unasked", "DELETE FROM rounds WHERE execution_id = ?"),
            ("approved", decide),
            ("spent", decide.replace("SET", "SET spent = 1,")),
        ):
            one = (self.at[step].id,)
            file.execute(statement, one)
            file.execute("UPDATE executions SET state = 'running' WHERE id = ?", one)

    async def go_on(self) -> None:
        """Look at what people are asked after a start, and end each execution."""
        unasked = await self.at["unasked"].asked(2)
        await self.at["unasked"].decide(unasked)
        again = {
            step: await self.at[step].asked(3 if step == "told" else 2)
            for step in ("spent", "running", "told")
        }
        for step, asked in again.items():
            await self.at[step].decide(asked, "It is done.", is_approve=False)
        assert await self.at["told"].decide(self.asked["waits"]) == 200
        for one in self.at.values():
            await one.result()

        assert unasked["tool_call"]["may_have_run"] is False
        for step in ("spent", "running"):
            assert again[step]["tool_call"]["may_have_run"] is True
            assert "ran" not in again[step]["tool_call"]
        words = f"Transferred to {self.to('told')}."
        assert again["told"]["tool_call"]["ran"]["words"] == words
        assert {step: len(one.all_asked) for step, one in self.at.items()} == STEPS
        acts = {step: len(self.at["told"].acts(self.to(step))) for step in self.asked}
        assert acts == {step: int(step != "spent") for step in self.asked}


#: How often people are asked of an execution that was killed at this step.
STEPS = {"unasked": 2, "approved": 1, "spent": 2, "running": 2, "told": 3}


async def test_an_equal_call_is_known_and_a_waiting_one_keeps_its_card(
    tmp_path: Path, listener: Listener, subtests: pytest.Subtests
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    process = host(folder, *TARGETS, approve=("transfer*,*purchase",), listener=listener)
    real = Real(process, listener, folder)
    async with process:
        for case in CASES:
            with subtests.test(case.__name__):
                await case(real)
        several = [Killed(real, target) for target in RESTARTED]
        for killed in several:
            await killed.begin()
        real.hold()
        for killed in several:
            await killed.approve_running()
        await real.kill()
        with closing(sqlite3.connect(folder / "crewgate-host.db")) as file, file:
            for killed in several:
                killed.turn_back(file)
        await process.start()
        for killed in several:
            with subtests.test(f"after a kill: {killed.target}"):
                await killed.go_on()
        assert await process.stop() == 0
