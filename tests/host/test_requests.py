"""Callers' requests, right and wrong; each answer is compared with the documented schema."""

from typing import Any

import aiohttp
import pytest

from crewgate.crew_api.wire import Json
from tests.host.client import Api, Listener
from tests.host.conftest import StartHost
from tests.host.standins import StandInCrew

ROUTES = [("GET", "/inputs"), ("POST", "/kickoff"), ("GET", "/status/e-1"), ("POST", "/resume")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_wants_the_token(start_host: StartHost, method: str, path: str) -> None:
    async with start_host(StandInCrew()) as api:
        for token in ("", "wrong", "höst"):
            status, said = await Api(api.url, token).call(method, path, b"{}" * (method == "POST"))
            assert (status, said["error"]) == (401, "Unauthorized")


async def test_anybody_may_ask_whether_it_is_healthy(start_host: StartHost) -> None:
    async with (
        start_host(StandInCrew()) as api,
        aiohttp.ClientSession() as session,
        session.get(f"{api.url}/") as answer,
        session.get(f"{api.url}/nowhere") as nowhere,
        session.get(f"{api.url}/kickoff") as other_method,
    ):
        assert (answer.status, await answer.text()) == (200, "Healthy")
        assert (nowhere.status, (await nowhere.json())["error"]) == (404, "Not Found")
        assert other_method.status == 405


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        (b"", 400, "JSON object"),
        (b"[]", 400, "JSON object"),
        (b'{"inputs": NaN}', 400, "JSON object"),
        (b'{"inputs": {"topic": 1e999}}', 400, "JSON object"),
        (b"[" * 100_000, 400, "JSON object"),
        (b'{"inputs": "' + b"a" * (9 * 2**20) + b'"}', 400, "over 8,388,608 bytes"),
        ({}, 400, "inputs"),
        ({"inputs": []}, 400, "inputs"),
        ({"inputs": {}, "meta": 1}, 400, "meta"),
        ({"inputs": {}, "meta": {"a": "x" * 100_000}}, 400, "at most 100,000 bytes"),
        ({"inputs": {}, "taskWebhookUrl": "ftp://a"}, 400, "taskWebhookUrl"),
        ({"inputs": {}, "stepWebhookUrl": "http://["}, 400, "stepWebhookUrl"),
        ({"inputs": {}, "stepWebhookUrl": "http://a:99999"}, 400, "stepWebhookUrl"),
        ({"inputs": {}, "crewWebhookUrl": 7}, 400, "crewWebhookUrl"),
        ({"inputs": {}, "humanInputWebhook": {}}, 400, "humanInputWebhook"),
        ({"inputs": {}, "humanInputWebhook": {"url": "http://"}}, 400, "humanInputWebhook"),
        (
            {"inputs": {}, "humanInputWebhook": {"url": "http://a", "authentication": {}}},
            400,
            "authentication",
        ),
        (
            {
                "inputs": {},
                "humanInputWebhook": {
                    "url": "http://a",
                    "authentication": {"strategy": "bearer", "token": "a\nb"},
                },
            },
            400,
            "authentication",
        ),
        ({"inputs": {}}, 422, "Missing"),
    ],
)
async def test_a_kickoff_that_is_wrong_says_what_is_wrong(
    start_host: StartHost, body: object, status: int, names: str
) -> None:
    async with start_host(StandInCrew()) as api:
        answered, said = await api.call("POST", "/kickoff", body)

    assert answered == status
    assert names in said["message"]
    if status == 422:
        assert said["details"]["missing_inputs"] == ["topic"]


async def test_a_resume_that_is_wrong_changes_nothing(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        good = {
            "execution_id": execution,
            "task_id": "draft-id",
            "human_feedback": "Good.",
            "is_approve": True,
        }
        wrongs: list[tuple[dict[str, object], int]] = [
            ({"execution_id": "e-0"}, 404),
            ({"execution_id": "\ud800"}, 404),
            ({"task_id": "nothing"}, 404),
            ({"task_id": "report-id"}, 400),
            ({"is_approve": "yes"}, 400),
            ({"human_feedback": None}, 400),
            ({"crewWebhookUrl": "nowhere"}, 400),
        ]
        for wrong, status in wrongs:
            answered, said = await api.call("POST", "/resume", {**good, **wrong})
            assert answered == status, said
        waiting = await api.status(execution)
        unknown, _ = await api.call("GET", "/status/e-0")
        status, _ = await api.call("POST", "/resume", good)

    assert waiting["current_task"] == "draft"
    assert unknown == 404
    assert status == 200


async def test_several_are_served_below_their_names_and_know_their_own_executions(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    async with start_host(StandInCrew("one"), StandInCrew("two", inputs=["place"])) as api:
        one, two = Api(f"{api.url}/one"), Api(f"{api.url}/two")
        assert await two.call("GET", "/inputs") == (200, {"inputs": ["place"]})
        execution = await one.kick_off(**told)
        await listener.pause()
        elsewhere, _ = await two.call("GET", f"/status/{execution}")
        refused, said = await two.resume(execution, "draft-id", approve=True)
        async with aiohttp.ClientSession() as session:
            for path in ("", "/one", "/two/"):
                async with session.get(f"{api.url}{path}") as healthy:
                    assert healthy.status == 200
            async with session.post(f"{api.url}/kickoff") as nowhere:
                assert nowhere.status == 404
        taken, _ = await one.resume(execution, "draft-id", approve=True)

    assert elsewhere == 404
    assert (refused, said["message"]) == (404, "Execution not found")
    assert taken == 200


async def test_what_nobody_expected_is_an_error_as_documented(start_host: StartHost) -> None:
    class Unexpected(StandInCrew):
        def check(self, inputs: Json) -> None:
            raise LookupError(str(inputs))

    async with start_host(Unexpected()) as api:
        status, said = await api.call("POST", "/kickoff", {"inputs": {"topic": "secret"}})

    assert (status, said["error"]) == (500, "Internal Server Error")
    assert "secret" not in said["message"]


async def test_text_that_cannot_be_sent_is_mended_wherever_it_comes_from(
    start_host: StartHost, listener: Listener, told: dict[str, Any]
) -> None:
    """Half a character, as JSON can hold it and UTF-8 cannot."""
    async with start_host(StandInCrew(tasks=["draft"], ending=" \ud83d")) as api:
        execution = await api.kick_off({"topic": "t\udc00"}, **told)
        shown = await listener.pause()
        await api.resume(execution, "draft-id", approve=True)
        ended = await api.until(execution, "completed")

    assert shown["task_output"] == "draft 1 on t? ?"
    assert ended["result"]["output"] == "draft 1 on t? ?"
    assert ended["result"]["tasks"][0]["output"] == "draft 1 on t? ?"
