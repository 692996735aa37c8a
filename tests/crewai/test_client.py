"""A resume's outcome is named right, whatever the crew or the network does.

The other side is the stand-in crew, a real server, wherever it can behave like this.
"""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from crewgate.crewai.client import HttpCrew
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.outcome import (
    Delivered,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
    Unknown,
)
from crewgate.domain.verdict import Revise
from crewgate.network.client import Timeout
from tests.builders import a_decision
from tests.crewai.crews import EXECUTION, TASK, a_client, a_resume, now, resume
from tests.standins.crew import (
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    Crew,
    Fault,
    State,
    garbage,
    slow,
    status,
)


async def test_a_resume_is_delivered_with_the_crews_words(crew: Crew, client: HttpCrew) -> None:
    outcome = await resume(client)
    assert outcome == Delivered("resumed: Execution resumed", ResumeStatus.RESUMED)
    (request,) = crew.requests
    assert request.authorization == "Bearer demo-crew-token"
    assert request.body == {
        "execution_id": EXECUTION,
        "task_id": TASK,
        "human_feedback": "Approved.",
        "is_approve": True,
    }


async def test_a_revision_carries_feedback_and_urls_verbatim(crew: Crew, client: HttpCrew) -> None:
    urls = WebhookUrls(
        task="http://127.0.0.1:1/t",
        human_input=HumanInputWebhook("http://127.0.0.1:1/h", "basic", username="u", password="p"),
    )
    decision = a_decision(Revise(" más\n& <more> 🎯 "))
    outcome = await client.resume(a_resume(EXECUTION, TASK, decision, urls))
    assert outcome == Delivered(
        "retrying: The task runs again with your feedback", ResumeStatus.RETRYING
    )
    (taken,) = crew.resumes
    assert taken.human_feedback == " más\n& <more> 🎯 "
    assert taken.urls.task == "http://127.0.0.1:1/t"
    assert taken.human_input is not None
    assert taken.human_input.authorization == "Basic dTpw"


async def test_the_crews_refusals_come_with_code_and_words(
    crew: Crew, http: httpx.AsyncClient, client: HttpCrew
) -> None:
    assert await resume(client, "other") == Refused("404", "Execution not found")
    assert await resume(client, task_id="other") == Refused(
        "404", "Task not found in this execution"
    )
    stranger = a_client(http, crew.url, "wrong")
    assert await resume(stranger) == Refused("401", "Invalid or missing bearer token")
    await resume(client)
    assert await resume(client) == Refused(
        "400", "Execution is not pending human input for this task"
    )


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (status(201, {"status": "resumed"}), Delivered("resumed", ResumeStatus.RESUMED)),
        (status(204, ""), Delivered("")),
        (garbage(), Unknown("a web page came instead of an answer")),
        (status(200, "OK"), Delivered("")),
        (status(200, {"status": "error", "message": "no"}), Refused("200", "error: no")),
        (slow(0.001), Delivered("resumed: Execution resumed", ResumeStatus.RESUMED)),
        (status(422, {"error": "Validation", "message": "no"}), Refused("422", "no")),
        (
            status(400, {"message": "over", "details": {"code": "expired"}}),
            Refused("400", "over", RefusalKind.EXPIRED),
        ),
        (status(422, {"message": "no", "details": {"code": "expired"}}), Refused("422", "no")),
        (status(403, "<html>Forbidden</html>"), Refused("403", "Forbidden")),
        (status(409, ""), Refused("409", "Conflict")),
        (status(499, ""), Refused("499", "no reason given")),
        (status(429, "slow down"), NotSent("429", words="slow down")),
        (
            status(429, "", retry_after=7),
            NotSent("429", timedelta(seconds=7), words="Too Many Requests"),
        ),
        (status(503, "away"), NotSent("503", words="away")),
        (status(500, "oh"), Unknown("500", "oh", "500")),
        (status(500, "oh", applied=True), Unknown("500", "oh", "500")),
        (status(502, ""), Unknown("502", "Bad Gateway", "502")),
        (status(504, ""), Unknown("504", "Gateway Timeout", "504")),
        (status(408, ""), Unknown("408", "Request Timeout", "408")),
        (DROP_BEFORE, Unknown("the connection was lost before an answer came")),
        (DROP_AFTER, Unknown("the connection was lost before an answer came")),
    ],
)
async def test_every_answer_has_its_outcome(
    crew: Crew, client: HttpCrew, fault: Fault, outcome: Outcome
) -> None:
    crew.fail("/resume", how=fault)
    assert await resume(client) == outcome
    assert len(crew.requests) == 1


async def test_a_503_may_be_a_proxys_after_the_host_took_a_resume_with_a_key(
    crew: Crew, client: HttpCrew
) -> None:
    """The key lets the host take the resume once, so sending it again ends the doubt."""
    with_key = a_resume(EXECUTION, TASK, a_decision(), key="round-1")
    crew.fail("/resume", how=status(503, "away", applied=True, retry_after="7"))

    assert await client.resume(with_key) == Unknown("503", "away", "503")
    assert len(crew.resumes) == 1
    crew.fail("/resume", how=status(429, "slow down"))
    assert await client.resume(with_key) == NotSent("429", words="slow down")


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta(0)),
        ("Thu, 01 Jan 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Thu, 01 Jan 2026 12:01:30 -0000", timedelta(seconds=90)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("Thu, 01 Jan 2099 11:00:00 GMT", timedelta(minutes=5)),
        ("9" * 400, timedelta(minutes=5)),
        ("999999", timedelta(minutes=5)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 99999999999999999999 11:00:00 GMT", None),
        ("Thu, 01 Jan 2026 12:01:30 +99999999999999999999", None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    crew: Crew, client: HttpCrew, header: str, wait: timedelta | None
) -> None:
    crew.fail("/resume", how=status(503, "away", retry_after=header))
    assert await resume(client) == NotSent("503", wait, words="away")


async def test_redirects_are_refused_and_the_token_does_not_travel(
    crew: Crew, client: HttpCrew
) -> None:
    async with Crew(now=now) as other:
        for code in (301, 302, 303, 307, 308):
            elsewhere = {"Location": f"{other.url}/resume"}
            crew.fail("/resume", how=status(code, "moved", headers=elsewhere))
            assert await resume(client) == Refused(str(code), "moved")
        assert other.requests == ()
    assert crew.resumes == ()


@pytest.mark.parametrize("applied", [True, False])
async def test_a_crew_that_does_not_answer_leaves_it_unknown(
    crew: Crew, http: httpx.AsyncClient, *, applied: bool
) -> None:
    crew.fail("/resume", how=replace(HANG, applied=applied))
    assert await resume(a_client(http, crew.url, resume=Timeout(5, 0.05, 5))) == Unknown(
        "no answer in time"
    )
    assert (crew.execution(EXECUTION).state is State.RUNNING) is applied
    crew.fail("/resume", how=replace(HANG, applied=applied))
    assert await resume(a_client(http, crew.url, resume=Timeout(5, 5, 0.05))) == Unknown(
        "no answer in time"
    )


async def test_a_crew_that_is_down_was_not_sent_anything(crew: Crew, client: HttpCrew) -> None:
    await crew.go_down()
    assert await resume(client) == NotSent("connection refused")
    await crew.come_back()
    assert isinstance(await resume(client), Delivered)


async def test_neither_token_nor_feedback_is_logged(
    client: HttpCrew, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        decision = a_decision(Revise("confidential words"))
        await client.resume(a_resume(EXECUTION, TASK, decision))
    said: Any = caplog.text
    assert "demo-crew-token" not in said
    assert "confidential words" not in said
    assert "demo-crew-token" not in repr(client)
