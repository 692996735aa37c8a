"""Equal calls, with the real library: people know of one whose end its agent does not know."""

from pathlib import Path

import pytest

from tests.host.client import Listener
from tests.host.real import Real, host, needs_crewai
from tests.host.real_acts import Acting, transfer
from tests.host.real_exact import bought

pytestmark = needs_crewai
AGAIN = ("moody", "moody_natively", "guarded")
RESTARTED = ("planned", "PlannedFlow", "handing_on")
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


CASES = (
    another_try_of_a_task_knows_nothing_of_the_first,
    an_agent_that_knows_the_end_of_a_call_may_make_it_again,
    one_answer_of_a_model_knows_no_end_of_its_own_calls,
    a_call_of_a_server_in_doubt_is_known_to_its_own_agent,
)


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
        several = {one: Acting(real, one) for one in RESTARTED}
        waits = {}
        for name, one in several.items():
            await one.begin(transfer(f"{name}-ran"), transfer(f"{name}-waits"))
            await one.decide(await one.asked())
            waits[name] = await one.asked(2)
        await process.kill()
        await process.start()
        for name, one in several.items():
            with subtests.test(f"after a kill: {name}"):
                again = await one.asked(3)
                await one.decide(again, "It is done.", is_approve=False)
                assert await one.decide(waits[name]) == 200
                await one.result()

                assert again["tool_call"]["ran"]["words"] == f"Transferred to {name}-ran."
                assert len(one.all_asked) == 3
                assert [len(one.acts(f"{name}-{to}")) for to in ("ran", "waits")] == [1, 1]
        assert await process.stop() == 0
