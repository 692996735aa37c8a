"""Executions that wait in a host's file of version 0.1.0 still wait, and go on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.host.client import Api, Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInCrew, StandInFlow, StandInPupil
from tests.host.test_flows import respond
from tests.repo.files import read

FIRST, SECOND, FLOW = (
    *("c13ec78f-77c9-44dc-ac52-78f46be43767", "2e52f92c-56f6-4bd1-b190-2d46f04c1bba"),
    "44eb9ad0-81b4-49aa-8faf-a7cade8ef65e",
)
LESSON = "lesson-7efe83a0c4760fd74152530482f836ce"
ANSWERS = {
    FLOW: "b59e96a2-e68e-4293-ac62-a7461e593180/respond?token="
    "CtJWEb7Oe78lQ0_Ofhtic5vf_JQ1DMKFwr_Ebhh4JR4",
    LESSON: "2d7e1b3d-d458-47ec-a35c-68fdce8e0b6f/respond?token="
    "0J0NQlqbA0ebbGZW821Dg46bdy3hV_fDFEkWBM2Tcfc",
}


async def test_all_that_waited_goes_on(
    start_host: StartHost, listener: Listener, tmp_path: Path
) -> None:
    """A task that nobody decided on, one after an approval, a flow's question and a lesson."""
    with closing(sqlite3.connect(tmp_path / "host.db")) as file:
        file.executescript(read("tests/data/host_10_waiting.sql"))
    targets = StandInCrew(), StandInFlow(), StandInPupil(name="pupil")
    async with start_host(*targets) as api:
        crew, flow, pupil = (Api(f"{api.url}/{one.name}") for one in targets)
        assert (await crew.status(FIRST))["current_task"] == "draft"
        assert (await crew.status(SECOND))["current_task"] == "report"
        for execution, task in ((FIRST, "draft-id"), (SECOND, "report-id")):
            assert (await crew.resume(execution, task, approve=True))[0] == 200
        assert (await crew.until(SECOND, "completed"))["result"]["output"] == "report 1 on milk"

        for execution, answer in ((FLOW, "approved"), (LESSON, "Keep")):
            url = f"{api.url}/human_feedback_requests/{ANSWERS[execution]}"
            assert (await respond(url, {"feedback": answer}))[0] == 200
        assert (await flow.until(FLOW, "completed"))["result"]["output"] == "approved"
        assert (await pupil.until(LESSON, "completed"))["result"]["output"] == "Keep"
        await pupil.kick_off({})
        question = await listener.pause(path="/flow/pupil")
        # The other one was kept before the upgrade, and ends 90 days after that.
        assert question["rewritten"]["lessons"][-1] == "Be brief."
