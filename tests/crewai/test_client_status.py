"""A crew's status and its description are read right, and its silence is told in plain words."""

import httpx
import pytest

from crewgate.crewai.client import HttpCrew
from crewgate.network.client import Timeout
from crewgate.usecases.read_models import CrewStatus, CrewUnavailable, Progress
from tests.crewai.crews import EXECUTION, TASK, a_client
from tests.standins.crew import (
    DROP_BEFORE,
    HANG,
    Crew,
    Fault,
    garbage,
    status,
)


async def test_the_status_of_an_execution(crew: Crew, client: HttpCrew) -> None:
    assert await client.status(EXECUTION) == Progress(
        status=CrewStatus.RUNNING,
        word="running",
        current_task=TASK,
        completed_tasks=0,
        total_tasks=0,
    )
    assert await client.status("other") == CrewUnavailable(
        "404: Execution not found", gone=True, answered=True
    )
    crew.end(EXECUTION)
    ended = await client.status(EXECUTION)
    assert isinstance(ended, Progress)
    assert (ended.status, ended.completed_tasks, ended.total_tasks) == (CrewStatus.COMPLETED, 1, 1)
    assert ended.result is not None
    crew.end(EXECUTION, "out of tokens")
    assert await client.status(EXECUTION) == Progress(
        status=CrewStatus.FAILED, word="error", error="out of tokens"
    )


@pytest.mark.parametrize("body", ["no healthy upstream", "<h1>Not found</h1>", {"odd": 1}, ""])
async def test_a_404_in_another_form_is_not_the_crews_own(
    crew: Crew, client: HttpCrew, body: object
) -> None:
    """A proxy says so while a crew is deployed anew."""
    crew.fail("/status", how=status(404, body))
    told = await client.status(EXECUTION)
    assert isinstance(told, CrewUnavailable)
    assert told.why.startswith("404")
    assert not told.gone


async def test_a_silent_crew_is_given_up_soon(crew: Crew, http: httpx.AsyncClient) -> None:
    crew.fail("/status", how=HANG, times=None)
    client = a_client(http, crew.url, status=Timeout(5, 5, 0.05))
    assert await client.status(EXECUTION) == CrewUnavailable("no answer in time")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (status(401), "401: token not accepted"),
        (status(500, "oh"), "500: oh"),
        (status(302, ""), "302: Found"),
        (garbage(), "the answer is not understood: the body is not JSON"),
        (
            status(200, {"inputs": 1}),
            "the answer is not understood: the crew's inputs are not a list",
        ),
        (DROP_BEFORE, "the connection was lost before an answer came"),
    ],
)
async def test_a_check_says_in_plain_words_what_is_wrong(
    crew: Crew, client: HttpCrew, fault: Fault, why: str
) -> None:
    crew.fail("/inputs", how=fault)
    answered = fault != DROP_BEFORE
    assert await client.inputs() == CrewUnavailable(why, answered=answered)
    assert await client.inputs() == ("topic",)
    await crew.go_down()
    assert await client.inputs() == CrewUnavailable("connection refused")
