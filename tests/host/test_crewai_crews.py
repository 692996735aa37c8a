"""Real crews behind the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.demo.hosted.process import HostProcess
from tests.host.client import Listener, listening
from tests.host.real import api, host, needs_crewai

pytestmark = [needs_crewai, pytest.mark.asyncio(loop_scope="module")]
TARGETS = ("crew", "make", "Project", "priced", "managed", "failing")


@dataclass
class Real:
    """A running host, and who takes its webhooks."""

    process: HostProcess
    listener: Listener
    folder: Path

    def told(self, name: str) -> dict[str, Any]:
        """A kickoff's webhooks, at addresses of this name."""
        url = f"{self.listener.url}/{name}"
        return {
            "humanInputWebhook": {"url": f"{url}/pause"},
            "taskWebhookUrl": f"{url}/task",
            "stepWebhookUrl": f"{url}/step",
            "crewWebhookUrl": f"{url}/crew",
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Real]:
    """One host for all tests here."""
    folder = tmp_path_factory.mktemp("host")
    targets = [f"shop:{name}" for name in TARGETS]
    async with listening() as listener, host(folder, *targets) as process:
        yield Real(process, listener, folder)


@pytest.mark.parametrize("name", ["crew", "make", "Project"])
async def test_a_crew_is_reviewed_from_its_kickoff_to_its_end(real: Real, name: str) -> None:
    served, told = api(real.process, name), real.told(name)
    assert await served.call("GET", "/inputs") == (200, {"inputs": ["topic"]})
    missing, said = await served.call("POST", "/kickoff", {"inputs": {}})
    assert (missing, said["details"]) == (422, {"missing_inputs": ["topic"]})

    execution = await served.kick_off({"topic": name}, meta={"id": 1}, **told)
    first = await real.listener.pause(1, f"/{name}/pause")
    await served.resume(execution, first["task_id"], "Shorter.", approve=False)
    second = await real.listener.pause(2, f"/{name}/pause")
    await served.resume(execution, first["task_id"], approve=True, **told)
    third = await real.listener.pause(3, f"/{name}/pause")
    at_third = await served.status(execution)
    await served.resume(execution, third["task_id"], approve=True, **told)
    ended = await served.until(execution, "completed")
    tasks = await real.listener.until(
        lambda: found if len(found := real.listener.at(f"/{name}/task")) == 3 else []
    )
    [crew] = await real.listener.until(lambda: real.listener.at(f"/{name}/crew"))

    assert first["task_output"] == f"Draft on {name}"
    assert (first["task_name"], first["agent"], first["crew_name"]) == ("draft", "Writer", "shop")
    assert first["task_description"] == f"Draft on {name}"
    assert first["meta"] == {"id": 1}
    assert second["task_output"] == f"Draft on {name}, Shorter."
    assert second["task_id"] == first["task_id"]
    assert third["task_output"] == f"Report on {name}"
    assert at_third["progress"] == {"completed_tasks": 2, "total_tasks": 3}
    outputs = [one["output"] for one in ended["result"]["tasks"]]
    assert outputs == [f"Draft on {name}, Shorter.", "Plan", f"Report on {name}"]
    assert [one["output"] for one in tasks] == outputs
    assert crew["result"] == ended["result"]["output"] == f"Report on {name}"
    assert set(crew["token_usage"]) == {"total_tokens", "prompt_tokens", "completion_tokens"}


async def test_executions_at_the_same_time_keep_apart(real: Real) -> None:
    served = api(real.process, "make")
    names = ["a", "b", "c", "d", "e", "f"]
    ids = {n: await served.kick_off({"topic": n}, **real.told(f"apart-{n}")) for n in names}
    for name in names:
        pause = await real.listener.pause(1, f"/apart-{name}/pause")
        assert (pause["execution_id"], pause["task_output"]) == (ids[name], f"Draft on {name}")


async def test_an_output_that_is_a_model_is_json(real: Real) -> None:
    served, told = api(real.process, "priced"), real.told("priced")
    execution = await served.kick_off({}, **told)
    pause = await real.listener.pause(1, "/priced/pause")
    await served.resume(execution, pause["task_id"], approve=True, **told)
    await served.until(execution, "completed")
    [crew] = await real.listener.until(lambda: real.listener.at("/priced/crew"))
    [task] = await real.listener.until(lambda: real.listener.at("/priced/task"))

    assert pause["task_output"] in ({"name": "tea", "euros": 3}, '{"name": "tea", "euros": 3}')
    assert crew["result_json"] == {"name": "tea", "euros": 3}
    assert task["agent"] == "Seller"


async def test_a_crew_with_a_manager_is_reviewed(real: Real) -> None:
    served, told = api(real.process, "managed"), real.told("managed")
    execution = await served.kick_off({}, **told)
    pause = await real.listener.pause(1, "/managed/pause")
    status, _ = await served.resume(execution, pause["task_id"], approve=True, **told)
    ended = await served.until(execution, "completed")

    assert status == 200
    assert len(ended["result"]["tasks"]) == 1


async def test_an_error_of_the_model_is_the_status(real: Real) -> None:
    served = api(real.process, "failing")
    said = await served.until(await served.kick_off({}), "error")

    assert "the model is away" in said["error"]
    assert "failed" in real.process.log.read_text()
