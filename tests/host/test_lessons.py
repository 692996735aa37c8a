"""Lessons of flows: kept until a time, retired, and asked about anew once that time is over."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from crewgate.crew_api.wire import Json
from tests.host.client import Api, Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInPupil
from tests.host.test_flows import respond

EARLIER, LATER = "2026-01-01T00:00:00Z", "2126-01-01T00:00:00+00:00"
WORDS = "Cite it."


@pytest.fixture
async def api(start_host: StartHost) -> AsyncIterator[Api]:
    """A host of a flow that learns from each answer."""
    async with start_host(StandInPupil()) as opened:
        yield opened


async def asked(listener: Listener, number: int, *, lesson: bool) -> Json:
    """The question with this number, about a lesson or the flow's own."""

    def found() -> list[Json]:
        every = listener.at("/flow/flow")
        return [one for one in every if ("drawn_from" in one) is lesson][number - 1 :]

    return (await listener.until(found))[0]


async def taught(api: Api, listener: Listener, number: int = 1) -> Json:
    """The flow's question that was answered, and thereby drew a lesson."""
    execution = await api.kick_off({})
    question = await asked(listener, number, lesson=False)
    await respond(question["callback_url"], {"feedback": WORDS})
    await api.until(execution, "completed")
    return question


async def decided(api: Api, lesson: Json, answer: str, **more: str) -> None:
    status, _ = await respond(lesson["callback_url"], {"feedback": answer, **more})
    assert status == 200
    await api.until(lesson["flow_id"], "completed")


async def recalled(api: Api, listener: Listener, number: int) -> object:
    """The lessons that the text of the next execution was rewritten by."""
    await api.kick_off({})
    question = await asked(listener, number, lesson=False)
    return question.get("rewritten", {}).get("lessons")


async def test_a_question_about_a_lesson_says_what_it_was_drawn_from(
    api: Api, listener: Listener
) -> None:
    question = await taught(api, listener)
    lesson = await asked(listener, 1, lesson=True)
    source = {"flow_id": question["flow_id"], "id": question["id"]}
    assert lesson["drawn_from"] == source | {"keep": "Keep", "retire": "Retire"}
    assert lesson["output"] == WORDS


async def test_a_kept_lesson_is_recalled_until_it_is_retired(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInPupil()) as api:
        await taught(api, listener)
        lesson = await asked(listener, 1, lesson=True)
        await decided(api, lesson, "Keep", valid_until=LATER)
        wrong, _ = await respond(lesson["callback_url"] + "x", {"feedback": "Retire"})
        again, _ = await respond(lesson["callback_url"], {"feedback": "Keep"})
    async with start_host(StandInPupil()) as api:
        assert await recalled(api, listener, 2) == [WORDS]
        url = lesson["callback_url"].replace(lesson["callback_url"].split("/human")[0], api.url)
        for _ in range(2):
            status, answer = await respond(url, {"feedback": "Retire", "source": "slack"})
            assert (status, answer["status"]) == (200, "accepted")
    async with start_host(StandInPupil()) as api:
        assert await recalled(api, listener, 3) is None
        with capture_logs() as logs:
            await taught(api, listener, 4)
        # Nobody is asked once more about what people have ended.
        assert "lesson_drawn" not in [one["event"] for one in logs]
    assert (wrong, again) == (401, 409)


async def test_a_lesson_ends_by_its_time_and_is_asked_about_anew(
    api: Api, listener: Listener
) -> None:
    await taught(api, listener)
    await decided(api, await asked(listener, 1, lesson=True), "Keep", valid_until=EARLIER)
    assert await recalled(api, listener, 2) is None

    await taught(api, listener, 3)
    second = await asked(listener, 2, lesson=True)
    await decided(api, second, "keep")
    assert await recalled(api, listener, 4) == [WORDS]
    with capture_logs() as logs:
        await taught(api, listener, 5)
    assert "lesson_drawn" not in [one["event"] for one in logs]


async def test_a_lesson_that_is_retired_before_its_answer_came_is_dropped(
    api: Api, listener: Listener
) -> None:
    await taught(api, listener)
    lesson = await asked(listener, 1, lesson=True)
    await decided(api, lesson, "Retire")
    late, _ = await respond(lesson["callback_url"], {"feedback": "Keep"})
    ended = await api.status(lesson["flow_id"])
    assert (late, ended["result"]["output"]) == (409, "Drop")


async def test_no_other_question_takes_a_retirement_or_an_end(api: Api, listener: Listener) -> None:
    execution = await api.kick_off({})
    question = await asked(listener, 1, lesson=False)
    bad, why = await respond(question["callback_url"], {"feedback": "no", "valid_until": "soon"})
    await respond(question["callback_url"], {"feedback": "Retire", "valid_until": EARLIER})
    ended = await api.until(execution, "completed")
    assert (bad, list(why["details"])) == (400, ["valid_until"])
    assert ended["result"]["output"] == "Retire"
