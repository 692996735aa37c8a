"""The stand-in crew obeys the vendor's contract, remembers what it saw, and fails on demand."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from bot.demo.crew import (
    SAMPLE,
    Change,
    Crew,
    Fault,
    HumanInput,
    State,
    Style,
    Task,
    TaskFailed,
    Urls,
    drop_after,
    drop_before,
    garbage,
    hang,
    slow,
    status,
)
from bot.demo.crew.records import UNREAD, BoundedLog, Changes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "webhook-secret"


def now() -> float:
    return 1_760_000_000.0


class Receiver:
    """A server that webhooks are sent to; answers 202, or what it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, Any]] = []
        self.code = 202
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{kind}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        credentials = request.headers.get("Authorization", "")
        self.got.append((request.match_info["kind"], credentials, await request.json()))
        return web.json_response({"status": "accepted"}, status=self.code)

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.got]

    def all_urls(self) -> Urls:
        return Urls(f"{self.url}/task", f"{self.url}/step", f"{self.url}/crew")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def crew(receiver: Receiver) -> AsyncIterator[Crew]:
    async with Crew(now=now) as crew:
        crew.human_input = HumanInput.bearer(f"{receiver.url}/human", SECRET)
        yield crew


async def call(
    crew: Crew, method: str, path: str, body: object = None, *, token: str | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {crew.token if token is None else token}"}
    kwargs: dict[str, Any] = {} if body is None else {"json": body}
    if isinstance(body, bytes):
        kwargs = {"data": io.BytesIO(body)}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, crew.url + path, headers=headers, **kwargs) as answer,
    ):
        if answer.content_type == "application/json":
            return answer.status, await answer.json()
        return answer.status, await answer.text()


def a_resume(
    execution_id: str, task_id: str = "research_task", /, **changes: object
) -> dict[str, object]:
    return {
        "execution_id": execution_id,
        "task_id": task_id,
        "human_feedback": "Approved.",
        "is_approve": True,
    } | changes


async def paused(crew: Crew, urls: Urls | None = None) -> str:
    """Start an execution and wait until it was announced that it waits."""
    before = len(crew.notifications)
    execution_id = crew.start_execution({"topic": "tea"}, urls=urls)
    await crew.until(lambda: len(crew.notifications) > before)
    return execution_id


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


async def test_a_whole_execution_pauses_revises_and_completes(
    crew: Crew, receiver: Receiver
) -> None:
    code, body = await call(
        crew,
        "POST",
        "/kickoff",
        {
            "inputs": {"topic": "green tea"},
            "meta": {"requestId": "r-1"},
            "taskWebhookUrl": f"{receiver.url}/task",
            "stepWebhookUrl": f"{receiver.url}/step",
            "crewWebhookUrl": f"{receiver.url}/crew",
            "humanInputWebhook": {
                "url": f"{receiver.url}/human",
                "authentication": {"strategy": "basic", "username": "research", "password": "p"},
            },
        },
    )
    assert code == 200
    run = body["kickoff_id"]
    await crew.until(lambda: len(crew.notifications) == 1)
    assert receiver.kinds() == ["step", "human"]
    _, credentials, told = receiver.got[1]
    assert credentials == "Basic cmVzZWFyY2g6cA=="
    assert told["execution_id"] == run
    assert told["task_id"] == "research_task"
    assert "| Northwind |" in told["task_output"]
    assert told["meta"] == {"requestId": "r-1"}
    assert crew.execution(run).state is State.PENDING
    assert (await call(crew, "GET", f"/status/{run}"))[1] == {
        "status": "running",
        "current_task": "research_task",
        "progress": {"completed_tasks": 0, "total_tasks": 3},
    }

    urls = {
        "taskWebhookUrl": f"{receiver.url}/task",
        "crewWebhookUrl": f"{receiver.url}/crew",
    }
    revise = a_resume(run, is_approve=False, human_feedback="Name your sources", **urls)
    code, body = await call(crew, "POST", "/resume", revise)
    assert (code, body["status"]) == (200, "retrying")
    await crew.until(lambda: len(crew.notifications) == 2)
    again = receiver.got[-1][2]["task_output"]
    assert "“Name your sources”" in again
    assert "| Source |" in again
    assert crew.execution(run).rounds == {"research_task": 2}

    code, body = await call(crew, "POST", "/resume", a_resume(run, **urls))
    assert (code, body["status"]) == (200, "resumed")
    await crew.until(lambda: len(crew.notifications) == 3)
    code, body = await call(crew, "POST", "/resume", a_resume(run, "report_task", **urls))
    assert (code, body["status"]) == (200, "completed")
    await crew.until(lambda: "crew" in receiver.kinds())
    # No step URL was sent again with the resumes, so none was called after the first pause.
    assert receiver.kinds() == [
        *("step", "human", "human"),
        *("task", "task", "human"),
        *("task", "crew"),
    ]
    for kind, credentials, told in receiver.got:
        if kind != "human":
            assert credentials == ""
            assert (told["kickoff_id"], told["meta"]) == (run, {"requestId": "r-1"})
    _, body = await call(crew, "GET", f"/status/{run}")
    assert body["status"] == "completed"
    assert [task["task_id"] for task in body["result"]["tasks"]] == [
        task.task_id for task in SAMPLE
    ]
    assert [resume.is_approve for resume in crew.resumes] == [False, True, True]


async def test_urls_are_forgotten_at_a_pause_but_the_human_input_webhook_is_kept(
    crew: Crew, receiver: Receiver
) -> None:
    run = await paused(crew, urls=receiver.all_urls())
    assert crew.execution(run).urls == Urls()
    await call(crew, "POST", "/resume", a_resume(run))
    await crew.until(lambda: len(crew.notifications) == 2)
    assert receiver.kinds() == ["step", "human", "human"]


async def test_a_resume_may_replace_the_human_input_webhook(crew: Crew, receiver: Receiver) -> None:
    run = await paused(crew)
    elsewhere = HumanInput.bearer(f"{receiver.url}/elsewhere", "t2")
    await call(crew, "POST", "/resume", a_resume(run, humanInputWebhook=elsewhere.wire))
    await crew.until(lambda: len(crew.notifications) == 2)
    assert receiver.got[-1][:2] == ("elsewhere", "Bearer t2")


async def test_a_refused_notification_is_never_repeated(crew: Crew, receiver: Receiver) -> None:
    receiver.code = 503
    run = await paused(crew)
    assert crew.notifications[0].status == 503
    assert "accepted" in crew.notifications[0].answer
    assert crew.execution(run).pending == "research_task"
    await receiver.stop()
    sent = await crew.pause(run, "research_task", "again")
    assert (sent.status, bool(sent.error)) == (None, True)
    assert len(crew.notifications) == 2
    await receiver.start()


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
            "humanInputWebhook.authentication",
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
    run = await paused(crew)
    code, answer = await call(crew, "POST", "/resume", a_resume(run, **{name: wrong}))
    assert code == 400
    assert name in answer["details"]
    assert crew.resumes == ()
    assert crew.execution(run).state is State.PENDING


async def test_a_resume_for_what_does_not_wait_is_refused(crew: Crew) -> None:
    run = await paused(crew)
    assert (await call(crew, "POST", "/resume", a_resume("nope")))[0] == 404
    assert (await call(crew, "POST", "/resume", a_resume(run, "nope")))[0] == 404
    assert (await call(crew, "POST", "/resume", a_resume(run, "report_task")))[0] == 400
    crew.end(run)
    assert (await call(crew, "POST", "/resume", a_resume(run)))[0] == 400
    assert crew.resumes == ()


async def test_of_many_resumes_at_once_one_takes_effect(crew: Crew) -> None:
    run = await paused(crew)
    answers = await asyncio.gather(
        *(call(crew, "POST", "/resume", a_resume(run)) for _ in range(10))
    )
    assert sorted(code for code, _ in answers) == [200] + [400] * 9
    assert [request.effective for request in crew.requests].count(True) == 1


async def test_by_hand_any_task_can_pause_with_any_output(crew: Crew, receiver: Receiver) -> None:
    for style, key in ((Style.REFERENCE, "task_output"), (Style.CAMEL, "taskOutput")):
        sent = await crew.pause("run 1/2", "qa", {"score": 1}, style=style)
        assert sent.status == 202
        assert receiver.got[-1][2][key] == {"score": 1}
    crew.style = Style.RAW
    await crew.pause("run 1/2", "qa", "text")
    assert receiver.got[-1][2]["task_output"] == {"raw": "text"}
    code, body = await call(crew, "GET", "/status/run%201%2F2")
    assert (code, body["current_task"]) == (200, "qa")
    code, body = await call(crew, "POST", "/resume", a_resume("run 1/2", "qa", is_approve=False))
    assert (code, body["status"]) == (200, "retrying")
    crew.end("run 1/2", "out of tokens")
    _, body = await call(crew, "GET", "/status/run%201%2F2")
    assert (body["status"], body["error"]) == ("error", "out of tokens")
    assert (await call(crew, "GET", "/status/other"))[0] == 404


async def test_any_body_can_be_sent_as_a_notification(crew: Crew, receiver: Receiver) -> None:
    sent = await crew.notify_raw({"odd": True})
    assert receiver.got == [("human", f"Bearer {SECRET}", {"odd": True})]
    assert (sent.kind, sent.status) == ("raw", 202)
    sent = await crew.notify_raw(b"{}", {"X-Other": "1"}, url=f"{receiver.url}/other")
    assert receiver.got[-1] == ("other", "", {})


async def test_without_an_address_a_pause_is_silent(crew: Crew) -> None:
    crew.human_input = None
    assert (await crew.pause("run", "task", "text")).error == "no humanInputWebhook"
    assert crew.execution("run").state is State.PENDING
    assert crew.notifications == ()


async def test_a_task_that_breaks_ends_the_execution(receiver: Receiver) -> None:
    def broken(*_: object) -> str:
        raise TaskFailed("no such tool")

    script = (Task("t", "T", "", "", "A", needs_review=False, produce=broken),)
    async with Crew(now=now, script=script, inputs=(), task_seconds=0.001) as crew:
        run = crew.start_execution()
        await crew.until(lambda: crew.execution(run).state is State.ERROR)
        assert crew.execution(run).error == "no such tool"
    assert receiver.got == []


async def test_an_execution_that_ended_meanwhile_does_not_go_on(receiver: Receiver) -> None:
    async with Crew(now=now, task_seconds=0.001) as crew:
        run = crew.start_execution(urls=receiver.all_urls())
        changes = crew.subscribe()
        crew.end(run)
        while (await changes.get()).what != "sent":
            pass
    assert crew.execution(run).outputs == {}


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
    run = await paused(crew)
    crew.fail("/resume", how=fault)
    await call(crew, "POST", "/resume", a_resume(run))
    assert (len(crew.resumes) == 1) is applied
    assert crew.requests[-1].effective is applied


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
    with pytest.raises(ValueError, match="no route"):
        crew.fail("/nope", how=status(500))


@pytest.mark.parametrize(("fault", "applied"), [(drop_before(), False), (drop_after(), True)])
async def test_a_dropped_connection_leaves_no_answer(
    crew: Crew,
    fault: Fault,
    *,
    applied: bool,
) -> None:
    run = await paused(crew)
    crew.fail("/resume", how=fault)
    with pytest.raises(aiohttp.ClientError):
        await call(crew, "POST", "/resume", a_resume(run))
    assert crew.requests[-1].status is None
    assert (len(crew.resumes) == 1) is applied


@pytest.mark.parametrize("applied", [True, False])
async def test_a_hanging_request_goes_on_when_released(
    crew: Crew,
    *,
    applied: bool,
) -> None:
    run = await paused(crew)
    crew.fail("/resume", how=hang(applied=applied))
    asking = asyncio.ensure_future(call(crew, "POST", "/resume", a_resume(run)))
    await crew.until(lambda: len(crew.requests) == 1)
    assert (len(crew.resumes) == 1) is applied
    crew.release()
    assert (await asking)[0] == 200
    assert len(crew.resumes) == 1


async def test_a_crew_that_is_down_drops_and_refuses_until_it_is_back(crew: Crew) -> None:
    run = await paused(crew)
    crew.fail("/resume", how=hang())
    asking = asyncio.ensure_future(call(crew, "POST", "/resume", a_resume(run)))
    await crew.until(lambda: len(crew.requests) == 1)
    url = crew.url
    await crew.go_down()
    with pytest.raises(aiohttp.ClientError):
        await asking
    with pytest.raises(aiohttp.ClientConnectorError):
        await call(crew, "GET", "/")
    await crew.come_back()
    assert crew.url == url
    assert (await call(crew, "POST", "/resume", a_resume(run)))[0] == 200


async def test_a_slow_request_is_dropped_when_the_crew_goes_down(crew: Crew) -> None:
    crew.fail("/inputs", how=slow(60))
    asking = asyncio.ensure_future(call(crew, "GET", "/inputs"))
    await crew.until(lambda: crew.requests)
    await crew.go_down()
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_a_script_without_reviews_runs_to_its_end(receiver: Receiver) -> None:
    script = tuple(
        Task(name, name, "", "", "A", needs_review=False, produce=lambda *_: {"done": True})
        for name in ("first", "second")
    )
    async with Crew(now=now, script=script, inputs=()) as crew:
        run = crew.start_execution(urls=receiver.all_urls())
        await crew.until(lambda: len(crew.webhooks_sent) == 5)
        assert crew.execution(run).state is State.COMPLETED
        assert receiver.kinds() == ["step", "task", "step", "task", "crew"]
        assert receiver.got[-1][2]["result_json"] == {"done": True}
        crew.task_seconds = 0.001
        crew.style = Style.CAMEL
        assert (crew.task_seconds, crew.style) == (0.001, Style.CAMEL)


async def test_after_it_stopped_nothing_is_sent(crew: Crew) -> None:
    await crew.stop()
    assert (await crew.pause("run", "t", "x")).error == "the crew is not running"


def test_the_sample_answers_feedback() -> None:
    inputs = {"topic": "tea"}
    research, _, report = SAMPLE
    assert str(research.produce(inputs, ["Shorter please"], {})).count("18 %") == 2
    assert "growth = 0.18" in str(report.produce(inputs, [], {}))
    revised = str(report.produce(inputs, ["Be more careful"], {}))
    assert "growth = 0.09" in revised
    assert "“Be more careful”" in revised


async def test_changes_can_be_followed(crew: Crew) -> None:
    changes = crew.subscribe()
    run = await paused(crew)
    seen: list[Change] = [changes.get_nowait() for _ in range(changes.qsize())]
    assert [(change.what, change.execution_id) for change in seen] == [
        ("started", run),
        ("paused", run),
        ("sent", run),
    ]


async def test_waiting_for_what_never_comes_times_out(crew: Crew) -> None:
    with pytest.raises(TimeoutError):
        await crew.until(lambda: False, timeout=0.01)


def test_memory_is_bounded() -> None:
    ledger: BoundedLog[int] = BoundedLog(3, keep_bytes=10)
    for number in range(5):
        ledger.append(number, 1)
    assert (list(ledger), ledger.total) == ([2, 3, 4], 5)
    ledger.append(9, 50)
    assert list(ledger) == [9]

    changes = Changes(now=now)
    queue = changes.subscribe()
    for number in range(UNREAD + 5):
        changes.announce("x", str(number))
    assert queue.qsize() == UNREAD
    assert queue.get_nowait().execution_id == "5"


async def test_old_executions_are_forgotten_the_ended_ones_first() -> None:
    async with Crew(now=now, keep=2) as crew:
        first, second = (crew.start_execution(run=False) for _ in range(2))
        crew.end(second)
        third = crew.start_execution(run=False)
        assert [execution.id for execution in crew.executions] == [first, third]
        fourth = crew.start_execution(run=False)
        assert [execution.id for execution in crew.executions] == [third, fourth]
