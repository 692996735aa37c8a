"""The stand-in crew fails on demand."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from tests.demo.builders import a_resume, call, paused
from tests.standins.crew import (
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    Crew,
    Echo,
    Fault,
    echo,
    garbage,
    slow,
    status,
)


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (status(500), False),
        (status(502, "bad gateway"), False),
        (status(500, applied=True), True),
        (garbage(), True),
        (slow(0.001), True),
    ],
)
async def test_faults_answer_and_apply_as_told(crew: Crew, fault: Fault, *, applied: bool) -> None:
    execution_id = await paused(crew)
    crew.fail("/resume", how=fault)
    await call(crew, "POST", "/resume", a_resume(execution_id))
    assert (len(crew.resumes) == 1) is applied
    assert crew.requests[-1].effective is applied


@pytest.mark.parametrize("into", list(Echo))
async def test_an_echo_repeats_the_request(crew: Crew, into: Echo) -> None:
    crew.fail("/resume", how=echo(503, into=into))

    code, answer = await call(crew, "POST", "/resume", {"odd": "word"})

    assert code == 503
    assert "word" in str(answer)
    assert (crew.token in str(answer)) is (into is not Echo.INPUT)
    assert not crew.requests[-1].effective


async def test_a_fault_counts_down_or_lasts_until_cleared(crew: Crew) -> None:
    crew.fail("/inputs", times=2, how=status(429, retry_after=7))
    crew.fail("/inputs", times=None, how=status(503))
    codes = [(await call(crew, "GET", "/inputs"))[0] for _ in range(4)]
    assert codes == [429, 429, 503, 503]
    crew.clear("/inputs")
    crew.fail("/status", times=None, how=status(500))
    assert (await call(crew, "GET", "/status/x"))[0] == 500
    crew.clear()
    assert (await call(crew, "GET", "/inputs"))[0] == 200


@pytest.mark.parametrize(("fault", "applied"), [(DROP_BEFORE, False), (DROP_AFTER, True)])
async def test_a_dropped_connection_leaves_no_answer(
    crew: Crew,
    fault: Fault,
    *,
    applied: bool,
) -> None:
    execution_id = await paused(crew)
    crew.fail("/resume", how=fault)
    with pytest.raises(aiohttp.ClientError):
        await call(crew, "POST", "/resume", a_resume(execution_id))
    assert crew.requests[-1].status is None
    assert (len(crew.resumes) == 1) is applied


@pytest.mark.parametrize("applied", [True, False])
async def test_a_hanging_request_goes_on_when_released(
    crew: Crew,
    *,
    applied: bool,
) -> None:
    execution_id = await paused(crew)
    crew.fail("/resume", how=replace(HANG, applied=applied))
    asking = asyncio.ensure_future(call(crew, "POST", "/resume", a_resume(execution_id)))
    await crew.until(lambda: len(crew.requests) == 1)
    assert (len(crew.resumes) == 1) is applied
    crew.release()
    assert (await asking)[0] == 200
    assert len(crew.resumes) == 1


async def test_a_crew_that_is_down_drops_and_refuses_until_it_is_back(crew: Crew) -> None:
    execution_id = await paused(crew)
    crew.fail("/resume", how=HANG)
    asking = asyncio.ensure_future(call(crew, "POST", "/resume", a_resume(execution_id)))
    await crew.until(lambda: len(crew.requests) == 1)
    url = crew.url
    await crew.go_down()
    with pytest.raises(aiohttp.ClientError):
        await asking
    with pytest.raises(aiohttp.ClientConnectorError):
        await call(crew, "GET", "/")
    await crew.come_back()
    assert crew.url == url
    assert (await call(crew, "POST", "/resume", a_resume(execution_id)))[0] == 200


async def test_a_slow_request_is_dropped_when_the_crew_goes_down(crew: Crew) -> None:
    crew.fail("/inputs", how=slow(60))
    asking = asyncio.ensure_future(call(crew, "GET", "/inputs"))
    await crew.until(lambda: crew.requests)
    await crew.go_down()
    with pytest.raises(aiohttp.ClientError):
        await asking
