"""The stand-in crew's routes: what they answer and what they refuse."""

from __future__ import annotations

import asyncio

import pytest

from crewgate.demo.crew import Crew, State
from tests.demo.builders import a_resume, call, paused


async def test_health_needs_no_token_and_everything_else_does(crew: Crew) -> None:
    assert await call(crew, "GET", "/", token="") == (200, "Healthy")
    for method, path in (
        ("GET", "/inputs"),
        ("GET", "/status/x"),
        ("POST", "/kickoff"),
        ("POST", "/resume"),
    ):
        code, body = await call(crew, method, path, token="wrong")
        assert code == 401
        assert set(body) == {"error", "message", "details"}
    assert await call(crew, "GET", "/inputs") == (200, {"inputs": ["topic"]})


async def test_unknown_routes_and_methods_are_refused_in_json(crew: Crew) -> None:
    code, body = await call(crew, "GET", "/nope")
    assert (code, body["error"]) == (404, "Not Found")
    code, body = await call(crew, "GET", "/resume")
    assert (code, body["error"]) == (405, "Method Not Allowed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", ""),
        (b"[]", ""),
        (b"[" * 100_000, ""),
        ({"inputs": []}, "inputs"),
        ({}, "inputs"),
        ({"inputs": {}, "meta": "m"}, "meta"),
        ({"inputs": {"topic": "t"}, "taskWebhookUrl": "ftp://x"}, "taskWebhookUrl"),
        ({"inputs": {"topic": "t"}, "stepWebhookUrl": 7}, "stepWebhookUrl"),
        ({"inputs": {"topic": "t"}, "crewWebhookUrl": "http://[x"}, "crewWebhookUrl"),
        ({"inputs": {"topic": "t"}, "humanInputWebhook": {}}, "humanInputWebhook"),
        (
            {
                "inputs": {"topic": "t"},
                "humanInputWebhook": {"url": "http://x", "authentication": {"strategy": "none"}},
            },
            "humanInputWebhook",
        ),
    ],
)
async def test_a_malformed_kickoff_starts_nothing(crew: Crew, body: object, field: str) -> None:
    code, answer = await call(crew, "POST", "/kickoff", body)
    assert code == 400
    assert not field or field in answer["details"]
    assert crew.executions == ()
    assert not crew.requests[-1].effective


async def test_a_kickoff_without_a_required_input_names_it(crew: Crew) -> None:
    code, answer = await call(crew, "POST", "/kickoff", {"inputs": {"other": 1}})
    assert code == 422
    assert answer["details"] == {"missing_inputs": ["topic"]}


async def test_over_one_mebibyte_is_refused(crew: Crew) -> None:
    assert (await call(crew, "POST", "/resume", b" " * (2**20 + 1)))[0] == 413


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("execution_id", 1),
        ("task_id", None),
        ("human_feedback", ["x"]),
        ("is_approve", "true"),
        ("is_approve", 1),
        ("taskWebhookUrl", "nope"),
    ],
)
async def test_a_resume_needs_four_fields_of_the_right_type(
    crew: Crew, name: str, wrong: object
) -> None:
    execution_id = await paused(crew)
    code, answer = await call(crew, "POST", "/resume", a_resume(execution_id, **{name: wrong}))
    assert code == 400
    assert name in answer["details"]
    assert crew.resumes == ()
    assert crew.execution(execution_id).state is State.PENDING


async def test_a_resume_for_what_does_not_wait_is_refused(crew: Crew) -> None:
    execution_id = await paused(crew)
    assert (await call(crew, "POST", "/resume", a_resume("nope")))[0] == 404
    assert (await call(crew, "POST", "/resume", a_resume(execution_id, "nope")))[0] == 404
    assert (await call(crew, "POST", "/resume", a_resume(execution_id, "report_task")))[0] == 400
    crew.end(execution_id)
    assert (await call(crew, "POST", "/resume", a_resume(execution_id)))[0] == 400
    assert crew.resumes == ()


async def test_of_many_resumes_at_once_one_takes_effect(crew: Crew) -> None:
    execution_id = await paused(crew)
    answers = await asyncio.gather(
        *(call(crew, "POST", "/resume", a_resume(execution_id)) for _ in range(10))
    )
    assert sorted(code for code, _ in answers) == [200] + [400] * 9
    assert [request.effective for request in crew.requests].count(True) == 1
