"""The questions of hooks, in the middle of a task."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from crewgate.host.records import TaskRow
from crewgate.host.run import Completed, Run
from tests.host.client import Api, Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInCrew

Told = dict[str, Any]


@dataclass
class StandInHooks(StandInCrew):
    """Asks all of these at once, in the middle of its task, and completes with the answers."""

    inputs: Sequence[str] = ()
    asks: Sequence[str] = ("Send it?",)

    def run(self, run: Run) -> Completed:
        """Ask, and wait for all."""
        run.begin([TaskRow("draft-id", "draft", "draft")])

        def ask(text: str) -> str:
            body = {"task_output": text, "ask": {"place": "draft: send", "expires_at": None}}
            decision = run.ask_hook(f"of-{text}", "draft-id", text, body)
            return "nobody" if decision is None else f"{decision.approve} {decision.feedback}"

        with ThreadPoolExecutor() as threads:
            said = ", ".join(sorted(threads.map(ask, self.asks)))
        output = dict.fromkeys(("description", "name", "expected_output", "summary"), "draft")
        run.finish_task(0, {**output, "raw": said, "agent": "", "json": None}, seconds=0)
        return Completed(said)


async def test_equal_questions_at_once_are_one_each_and_a_name_must_mean_one(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInHooks(asks=("Send it?", "Send it?"))) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        ids = {one["task_id"] for one in listener.at("/human-input")}
        several, said = await api.resume(execution, "draft", "yes", approve=True)
        waiting = await api.status(execution)
        await api.resume(execution, min(ids), "yes", approve=True)
        await api.resume(execution, "draft", "no", approve=False)
        again, _ = await api.resume(execution, "draft", "yes", approve=True)
        ended = await api.until(execution, "completed")

    assert len(ids) == 2
    assert (several, waiting["current_task"]) == (400, "draft")
    assert all(one in said["message"] for one in ids)
    assert again == 400
    assert ended["result"]["output"] == "False no, True yes"


async def test_where_nobody_is_told_nobody_is_asked(start_host: StartHost) -> None:
    async with start_host(StandInHooks()) as api:
        ended = await api.until(await api.kick_off(), "completed")
    assert ended["result"]["output"] == "nobody"


async def test_a_question_keeps_its_card_and_what_is_not_asked_again_takes_no_answer(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """After a restart the agent may make another call."""
    async with start_host(StandInHooks(asks=("Send it?", "Pay?"))) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
    asked = {one["task_output"]: one["task_id"] for one in listener.at("/human-input")}
    async with start_host(StandInHooks(asks=("Send it?", "Wipe?"))) as api:
        await listener.pause(3)
        wipe = listener.at("/human-input")[-1]
        await api.resume(execution, asked["Send it?"], "yes", approve=True)
        await api.resume(execution, wipe["task_id"], "no", approve=True)
        ended = await api.until(execution, "completed")
        late, _ = await api.resume(execution, asked["Pay?"], "yes", approve=True)

    assert ended["result"]["output"] == "True no, True yes"
    assert len(listener.at("/human-input")) == 3
    assert late == 400


async def test_an_answer_that_was_taken_before_the_stop_is_given_after_it_once(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        begun.set()
        release.wait(20)

    holds = StandInCrew("holds", work=hold)
    async with start_host(StandInHooks(), holds, workers=1) as api:
        served = Api(f"{api.url}/crew")
        execution = await served.kick_off(**told)
        asked = await listener.pause()
        # It takes the only place, so the hook does not go on before the stop.
        await Api(f"{api.url}/holds").kick_off()
        assert begun.wait(20)
        taken, _ = await served.resume(execution, asked["task_id"], "yes", approve=True)
    release.set()
    async with start_host(StandInHooks(asks=("Send it?", "Send it?"))) as api:
        again = await listener.pause(2)
        await api.resume(execution, again["task_id"], "no", approve=True)
        ended = await api.until(execution, "completed")

    assert taken == 200
    assert again["task_id"] != asked["task_id"]
    assert ended["result"]["output"] == "True no, True yes"
