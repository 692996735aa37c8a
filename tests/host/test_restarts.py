"""The state that an earlier host left: no answer is lost, and no call runs twice."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crewgate.host.engine.agents import replace_once
from crewgate.host.records import HostNotStarted
from tests.host.client import Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInCrew


async def test_a_pause_waits_on_with_the_output_that_was_shown(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        await api.resume(execution, "draft-id", approve=True)
        await listener.pause(2)
    crew = StandInCrew()
    async with start_host(crew) as api:
        waiting = await api.status(execution)
        await api.resume(execution, "report-id", approve=True)
        ended = await api.until(execution, "completed")

    assert waiting["progress"] == {"completed_tasks": 1, "total_tasks": 2}
    assert crew.worked == []
    assert ended["result"]["output"] == "report 1 on tea"
    assert len(listener.at("/human-input")) == 2


async def test_a_revision_after_a_restart_is_the_next_round(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        await api.resume(execution, "draft-id", "Shorter.", approve=False)
        shown = await listener.pause(2)
        await api.resume(execution, "draft-id", approve=True)
        await api.until(execution, "completed")

    assert shown["task_output"] == "draft 2 on tea"


async def test_a_decision_that_was_accepted_is_carried_out_by_the_next_host(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    """The only place is taken, so the first host accepts both decisions and carries out none."""
    block = threading.Event()

    def work(task: str) -> None:
        if task == "block":
            block.wait(20)

    crew = StandInCrew(tasks=["draft"])
    blocking = StandInCrew("blocking", tasks=["block"], work=work)
    async with start_host(crew, blocking, workers=1) as api:
        served = type(api)(f"{api.url}/crew")
        approved = await served.kick_off(**told)
        await listener.pause()
        revised = await served.kick_off(**told)
        await listener.pause(2)
        await type(api)(f"{api.url}/blocking").kick_off()
        for execution, approve in ((approved, True), (revised, False)):
            status, _ = await served.resume(execution, "draft-id", approve=approve)
            assert status == 200
        queued = await served.kick_off(**told)
    block.set()
    later = StandInCrew(tasks=["draft"])
    async with start_host(later) as api:
        ended = await api.until(approved, "completed")
        shown = [await listener.pause(number) for number in (3, 4)]
        twice, _ = await api.resume(approved, "draft-id", approve=True)

    assert ended["result"]["output"] == "draft 1 on tea"
    assert {one["execution_id"]: one["task_output"] for one in shown} == {
        revised: "draft 2 on tea",
        queued: "draft 1 on tea",
    }
    assert twice == 400
    assert later.worked == ["draft", "draft"]


async def test_what_was_being_worked_on_is_done_again(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    block, working = threading.Event(), threading.Event()

    def work(_: str) -> None:
        working.set()
        block.wait(20)

    async with start_host(StandInCrew(work=work)) as api:
        execution = await api.kick_off(**told)
        await asyncio.to_thread(working.wait, 20)
    block.set()
    async with start_host(StandInCrew()):
        shown = await listener.pause()

    assert shown["execution_id"] == execution


async def test_a_webhook_that_nobody_took_is_sent_by_the_next_host(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    listener.refuse = 10_000
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        while not (await api.status(execution))["current_task"]:
            pass
    listener.refuse = 0
    async with start_host(StandInCrew()):
        assert (await listener.pause())["execution_id"] == execution


async def test_an_execution_of_a_crew_that_changed_or_is_gone_waits_for_its_return(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
    async with start_host(StandInCrew("another")) as api:
        assert (await api.call("GET", f"/status/{execution}"))[0] == 404
    async with start_host(StandInCrew(tasks=["other"])) as api:
        status, _ = await api.resume(execution, "draft-id", approve=True)
        assert status == 200
    crew = StandInCrew()
    async with start_host(crew) as api:
        await listener.pause(2)
        await api.resume(execution, "report-id", approve=True)
        ended = await api.until(execution, "completed")

    assert crew.worked == ["report"]
    assert ended["result"]["tasks"][0]["output"] == "draft 1 on tea"


async def test_a_pause_in_a_restored_copy_is_another_one(
    start_host: StartHost, listener: Listener, told: dict[str, Any], tmp_path: Path
) -> None:
    """Else the bot takes its output for one that people have decided."""
    file = tmp_path / "host.db"
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        pauses = [await listener.pause()]
    copy = file.read_bytes()
    for number in (2, 3):
        file.write_bytes(copy)
        async with start_host(StandInCrew()) as api:
            await api.resume(execution, "draft-id", "Shorter.", approve=False, **told)
            pauses.append(await listener.pause(number))
    assert len({one["pause_id"] for one in pauses}) == 3


async def test_one_file_is_one_hosts(start_host: StartHost, tmp_path: Path) -> None:
    async with start_host(StandInCrew()):
        with pytest.raises(HostNotStarted, match="another host is using it"):
            async with start_host(StandInCrew()):
                pass
    file = tmp_path / "host.db"
    assert file.stat().st_mode & 0o077 == 0
    for version, which in ((99, "a later version"), (9, "let that version end what is paused")):
        with closing(sqlite3.connect(file)) as other:
            other.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(HostNotStarted, match=which):
            async with start_host(StandInCrew()):
                pass
    file.write_text("no database, " * 100)
    with pytest.raises(HostNotStarted, match="cannot be used"):
        async with start_host(StandInCrew()):
            pass


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_each_task_of_an_agent_that_waited_is_taken_up_once(order: tuple[str, str]) -> None:
    class Agent:
        def execute_task(self, task: str, context: Any = None, tools: Any = None) -> str:
            return f"another {task}"

    agent = Agent()
    for task in ("left", "right"):
        replace_once(agent, task, lambda task=task: f"approved {task}")  # type: ignore[misc]
    assert [agent.execute_task(task=one) for one in order] == [f"approved {one}" for one in order]
    assert [agent.execute_task(task=one) for one in order] == [f"another {one}" for one in order]
