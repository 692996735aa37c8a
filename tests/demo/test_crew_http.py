"""The stand-in crew's routes: what they answer and what they refuse."""

import asyncio

from tests.demo.builders import a_resume, call, paused
from tests.standins.crew import Crew, State


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


async def test_what_is_malformed_changes_nothing(crew: Crew) -> None:
    """The refusals of the vendor's parser are tested with the host, which uses the same parser."""
    execution_id = await paused(crew)
    assert (await call(crew, "POST", "/kickoff", {"inputs": []}))[0] == 400
    assert (await call(crew, "POST", "/kickoff", {"inputs": {"other": 1}}))[0] == 422
    wrong = a_resume(execution_id, is_approve="true")
    assert (await call(crew, "POST", "/resume", wrong))[0] == 400
    assert not any(request.effective for request in crew.requests)
    assert len(crew.executions) == 1
    assert crew.execution(execution_id).state is State.PENDING


async def test_over_one_mebibyte_is_refused(crew: Crew) -> None:
    assert (await call(crew, "POST", "/resume", b" " * (2**20 + 1)))[0] == 413


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
