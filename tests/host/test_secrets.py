"""The operator's own secrets: they leave the host in no field that a crew or a caller fills."""

import json
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from crewgate.domain.redaction import MARK
from crewgate.host.records import Asked, Pending
from crewgate.host.run import Completed, Failed, Run
from tests.host.client import Listener
from tests.host.conftest import MODEL_KEY, StartHost
from tests.host.standins import StandInCrew, StandInFlow

Told = dict[str, Any]
TOPIC = {"topic": f"{MODEL_KEY} and tea"}
SHOWN = f"draft 1 on {MARK} and tea"


async def test_an_output_loses_them_wherever_it_goes_and_takes_no_edits(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    meta = {"ticket": f"T-1 {MODEL_KEY}"}
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        execution = await api.kick_off(TOPIC, meta=meta, **told)
        asked = await listener.pause()
        await api.resume(execution, "draft-id", approve=True, **told)
        ended = await api.until(execution, "completed")
        [task, crew] = [await listener.pause(path=f"/{kind}") for kind in ("task", "crew")]

    assert asked["task_output"] == SHOWN
    assert asked["erased"] == 2
    assert asked["meta"] == {"ticket": f"T-1 {MARK}"}
    assert asked["resume_extensions"] == ["idempotency_key"]
    assert task["output"] == crew["result"] == SHOWN
    assert "erased" not in task
    assert ended["result"]["output"] == ended["result"]["tasks"][0]["output"] == SHOWN
    assert MODEL_KEY not in str(listener.got)


async def test_an_output_without_them_stays_as_it_is(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        await api.kick_off(**told)
        asked = await listener.pause()

    assert asked["resume_extensions"] == ["edited", "idempotency_key"]
    assert "erased" not in asked


class Asks(StandInCrew):
    """Has a question with choices, in the name of an agent, and fails with the answer."""

    def run(self, run: Run) -> Completed:
        """Ask."""
        run.begin([])
        ask = {"place": "draft", "choices": ["Blue", MODEL_KEY], "expires_at": None}
        body = {"task_output": f"Is it {MODEL_KEY}?", "agent": f"of {MODEL_KEY}", "ask": ask}
        run.ask_within(Pending(id=f"ask-{MODEL_KEY}", asker="draft", role="", body=body))
        raise LookupError(MODEL_KEY)


async def test_a_question_loses_them_and_its_id_still_takes_the_answer(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(Asks()) as api:
        execution = await api.kick_off(**told)
        asked = await listener.pause()
        status, _ = await api.resume(execution, asked["task_id"], "Blue", approve=True)
        failed = await api.until(execution, "error")

    assert asked["task_output"] == f"Is it {MARK}?"
    assert asked["agent"] == f"of {MARK}"
    assert asked["ask"]["choices"] == ["Blue", MARK]
    assert asked["erased"] == 3
    assert asked["task_id"] == f"ask-{MODEL_KEY}-1"
    assert status == 200
    assert failed["error"] == f"LookupError: {MARK}"


@dataclass
class Tells(StandInFlow):
    """Has secrets in all that a flow's question shows."""

    def run(self, run: Run) -> Completed | Asked | Failed:
        """Ask, and end with the answer."""
        asked = super().run(run)
        if not isinstance(asked, Asked):
            return asked
        return replace(
            asked,
            message=f"Is {MODEL_KEY} good?",
            output={"key": [MODEL_KEY]},
            emit=("yes", MODEL_KEY),
            metadata={"of": MODEL_KEY},
            pending={"state": {"answers": [], MODEL_KEY: json.dumps({"key": MODEL_KEY})}},
        )


async def test_a_flows_question_loses_them_in_output_state_and_outcomes(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(Tells()) as api:
        await api.kick_off({})
        asked = await listener.pause(path="/flow/flow")

    assert asked["message"] == f"Is {MARK} good?"
    assert asked["output"] == {"key": [MARK]}
    assert asked["emit"] == ["yes", MARK]
    assert asked["metadata"] == {"of": MARK}
    assert asked["state"] == {"answers": [], MARK: json.dumps({"key": MARK})}
    assert asked["erased"] == 6
    assert MODEL_KEY not in str(listener.got)


async def test_a_refusal_of_a_request_loses_them(start_host: StartHost) -> None:
    async with (
        start_host(StandInCrew()) as api,
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/{MODEL_KEY}") as answer,
    ):
        refused = await answer.json()

    assert answer.status == 404
    assert refused["message"] == f"GET /{MARK}: Not Found"
