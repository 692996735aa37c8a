"""The stand-in crew's executions: pauses, resumes, and the webhooks they cause."""

import json
from dataclasses import replace
from functools import partial

import pytest

from crewgate.crew_api.wire import Address
from crewgate.demo.crew.script import SAMPLES, Sample
from crewgate.domain.edits import edits_of, exact_revision
from tests.demo.builders import SECRET, Receiver, a_resume, call, now, paused
from tests.standins.crew import (
    SAMPLE,
    Crew,
    FlowWebhook,
    State,
    Style,
    Task,
    TaskFailed,
    Urls,
)


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
    execution_id = body["kickoff_id"]
    await crew.until(lambda: len(crew.notifications) == 1)
    assert receiver.kinds() == ["step", "human"]
    _, credentials, told = receiver.got[1]
    assert credentials == "Basic cmVzZWFyY2g6cA=="
    assert told["execution_id"] == execution_id
    assert told["task_id"] == "research_task"
    assert "| Northwind |" in told["task_output"]
    assert told["meta"] == {"requestId": "r-1"}
    assert crew.execution(execution_id).state is State.PENDING
    assert (await call(crew, "GET", f"/status/{execution_id}"))[1] == {
        "status": "running",
        "current_task": "research_task",
        "progress": {"completed_tasks": 0, "total_tasks": 3},
    }

    urls = {
        "taskWebhookUrl": f"{receiver.url}/task",
        "crewWebhookUrl": f"{receiver.url}/crew",
    }
    revise = a_resume(execution_id, is_approve=False, human_feedback="Name your sources", **urls)
    code, body = await call(crew, "POST", "/resume", revise)
    assert (code, body["status"]) == (200, "retrying")
    await crew.until(lambda: len(crew.notifications) == 2)
    again = receiver.got[-1][2]["task_output"]
    assert "“Name your sources”" in again
    assert "| Source |" in again
    assert crew.execution(execution_id).rounds == {"research_task": 2}

    code, body = await call(crew, "POST", "/resume", a_resume(execution_id, **urls))
    assert (code, body["status"]) == (200, "resumed")
    await crew.until(lambda: len(crew.notifications) == 3)
    code, body = await call(crew, "POST", "/resume", a_resume(execution_id, "report_task", **urls))
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
            assert (told["kickoff_id"], told["meta"]) == (execution_id, {"requestId": "r-1"})
    _, body = await call(crew, "GET", f"/status/{execution_id}")
    assert body["status"] == "completed"
    assert [task["task_id"] for task in body["result"]["tasks"]] == [
        task.task_id for task in SAMPLE
    ]
    assert [resume.is_approve for resume in crew.resumes] == [False, True, True]


async def test_urls_are_forgotten_at_a_pause_but_the_human_input_webhook_is_kept(
    crew: Crew, receiver: Receiver
) -> None:
    execution_id = await paused(crew, urls=receiver.all_urls())
    assert crew.execution(execution_id).urls == Urls()
    await call(crew, "POST", "/resume", a_resume(execution_id))
    await crew.until(lambda: len(crew.notifications) == 2)
    assert receiver.kinds() == ["step", "human", "human"]


async def test_a_resume_may_replace_the_human_input_webhook(crew: Crew, receiver: Receiver) -> None:
    execution_id = await paused(crew)
    elsewhere = {
        "url": f"{receiver.url}/elsewhere",
        "authentication": {"strategy": "bearer", "token": "t2"},
    }
    await call(crew, "POST", "/resume", a_resume(execution_id, humanInputWebhook=elsewhere))
    await crew.until(lambda: len(crew.notifications) == 2)
    assert receiver.got[-1][:2] == ("elsewhere", "Bearer t2")


async def test_a_refused_notification_is_never_repeated(crew: Crew, receiver: Receiver) -> None:
    receiver.code = 503
    execution_id = await paused(crew)
    assert crew.notifications[0].status == 503
    assert "accepted" in crew.notifications[0].answer
    assert crew.execution(execution_id).pending == ["research_task"]
    await receiver.stop()
    sent = await crew.pause(execution_id, "research_task", "again")
    assert (sent.status, bool(sent.error)) == (None, True)
    assert len(crew.notifications) == 2
    await receiver.start()


async def test_by_hand_any_task_can_pause_with_any_output(crew: Crew, receiver: Receiver) -> None:
    for style, key in ((Style.REFERENCE, "task_output"), (Style.CAMEL, "taskOutput")):
        crew.style = style
        sent = await crew.pause("e 1/2", "qa", {"score": 1})
        assert sent.status == 202
        assert receiver.got[-1][2][key] == {"score": 1}
    crew.style = Style.RAW
    await crew.pause("e 1/2", "qa", "text")
    assert receiver.got[-1][2]["task_output"] == {"raw": "text"}
    code, body = await call(crew, "GET", "/status/e%201%2F2")
    assert (code, body["current_task"]) == (200, "qa")
    code, body = await call(crew, "POST", "/resume", a_resume("e 1/2", "qa", is_approve=False))
    assert (code, body["status"]) == (200, "retrying")
    crew.end("e 1/2", "out of tokens")
    _, body = await call(crew, "GET", "/status/e%201%2F2")
    assert (body["status"], body["error"]) == ("error", "out of tokens")
    assert (await call(crew, "GET", "/status/other"))[0] == 404


async def test_any_body_can_be_sent_as_a_notification(crew: Crew, receiver: Receiver) -> None:
    sent = await crew.notify_raw({"odd": True})
    assert receiver.got == [("human", f"Bearer {SECRET}", {"odd": True})]
    assert (sent.kind, sent.status) == ("raw", 202)
    sent = await crew.notify_raw(b"{}", {"X-Other": "1"}, url=f"{receiver.url}/other")
    assert receiver.got[-1] == ("other", "", {})


async def test_a_task_that_breaks_ends_the_execution(receiver: Receiver) -> None:
    def broken(*_: object) -> str:
        raise TaskFailed("no such tool")

    script = (
        Task(
            task_id="t",
            name="T",
            description="",
            expected_output="",
            agent="A",
            needs_review=False,
            produce=broken,
        ),
    )
    async with Crew(now=now, script=script, inputs=(), task_seconds=0.001) as crew:
        execution_id = crew.start_execution()
        await crew.until(lambda: crew.execution(execution_id).state is State.ERROR)
        assert crew.execution(execution_id).error == "no such tool"
    assert receiver.got == []


async def test_an_execution_that_ended_meanwhile_does_not_go_on(receiver: Receiver) -> None:
    async with Crew(now=now, task_seconds=0.001) as crew:
        execution_id = crew.start_execution(urls=receiver.all_urls())
        with crew.subscribe() as changes:
            crew.end(execution_id)
            while (await anext(changes)).kind != "sent":
                pass
    assert crew.execution(execution_id).outputs == {}


async def test_a_flow_among_the_samples_asks_until_it_may_go_on(receiver: Receiver) -> None:
    async with Crew(now=now, samples=SAMPLES) as crew:
        crew.flows.webhook = FlowWebhook(f"{receiver.url}/flow", SECRET)
        execution_id = crew.start_execution({"topic": "Launch article"}, urls=receiver.all_urls())
        await crew.until(lambda: len(crew.webhooks_sent) == 2)
        asked = crew.webhooks_sent[-1].body
        assert (asked["flow_id"], asked["emit"][0]) == (execution_id, "approved")
        crew.flows.answer(asked["id"], "needs_revision")
        await crew.until(lambda: len(crew.webhooks_sent) == 4)
        again = crew.webhooks_sent[-1].body
        assert "Never fear" in asked["output"]
        assert "Never fear" not in again["output"]
        crew.flows.answer(again["id"], "approved")
        await crew.until(lambda: "crew" in receiver.kinds())
        assert crew.execution(execution_id).state is State.COMPLETED
        refused = crew.start_execution({"topic": "Launch article"})
        await crew.until(lambda: crew.webhooks_sent[-1].body.get("flow_id") == refused)
        crew.flows.answer(crew.webhooks_sent[-1].body["id"], "rejected")
        assert crew.execution(refused).state is State.COMPLETED
    assert crew.resumes == ()


async def test_a_tool_among_the_samples_asks_first_and_tells_what_came_back(
    receiver: Receiver,
) -> None:
    def sent(many: int) -> bool:
        return len(crew.webhooks_sent) == many

    async with Crew(now=now, samples=SAMPLES) as crew:
        human = Address(f"{receiver.url}/human")
        for verdict in ({"is_approve": True}, {"edited": {"arguments": {}, "is_approve": True}}):
            before = len(crew.webhooks_sent)
            execution_id = crew.start_execution({"topic": "Mail to Acme"}, human_input=human)
            await crew.until(partial(sent, before + 1))
            asked = crew.webhooks_sent[-1].body
            assert json.loads(asked["task_output"]) == asked["tool_call"]["arguments"]
            body = {"execution_id": execution_id, "task_id": "mail_task", "human_feedback": "Yes."}
            code, _ = await call(crew, "POST", "/resume", body | verdict)
            assert code == 200
            await crew.until(partial(sent, before + 2))
            outcome = crew.webhooks_sent[-1].body["outcome"]
            assert outcome == {"state": "ran", "words": "Sent as message 17."}
            assert crew.execution(execution_id).outputs["mail_task"] == outcome["words"]
        refused = crew.start_execution({"topic": "Mail to Acme"}, human_input=human)
        await crew.until(lambda: crew.webhooks_sent[-1].body["execution_id"] == refused)
        body = {"execution_id": refused, "task_id": "mail_task", "human_feedback": "No."}
        await call(crew, "POST", "/resume", body | {"is_approve": False})
        assert crew.execution(refused).state is State.COMPLETED
        assert "outcome" not in crew.webhooks_sent[-1].body


OF_OUTPUTS = [one for one in SAMPLES if one.task.tool is None]


@pytest.mark.parametrize("sample", OF_OUTPUTS, ids=lambda sample: sample.topic)
def test_every_sample_answers_feedback(sample: Sample) -> None:
    task = sample.task
    first = task.produce({"topic": sample.topic}, [], {})
    second = task.produce({"topic": sample.topic}, ["Fewer, and cap the liability"], {})
    assert first != second
    assert "cap the liability" in str(second)
    assert "cap the liability" not in str(first)


async def test_exact_edits_are_made_and_nothing_else_changes(
    crew: Crew, receiver: Receiver
) -> None:
    execution_id = await paused(crew, urls=receiver.all_urls())

    async def revised(feedback: str) -> str:
        before = len(crew.notifications)
        revise = a_resume(execution_id, is_approve=False, human_feedback=feedback)
        assert (await call(crew, "POST", "/resume", revise))[0] == 200
        await crew.until(lambda: len(crew.notifications) > before)
        return str(receiver.got[-1][2]["task_output"])

    before = await revised("Add sources.")
    edited = before.replace("investor call, March", "-").replace("two vendors", "three vendors")
    edited = edited.replace("| Contoso | 12 % | -3 % | trade register |\n", "")
    assert await revised(exact_revision(edits_of(before, edited))) == edited
    later = await revised("Be brief.")
    assert "investor call" not in later
    assert "“Be brief.”" in later


def test_the_sample_answers_feedback() -> None:
    inputs = {"topic": "tea"}
    research, _, report = SAMPLE
    assert str(research.produce(inputs, ["Shorter please"], {})).count("18 %") == 2
    assert "growth = 0.18" in str(report.produce(inputs, [], {}))
    revised = str(report.produce(inputs, ["Be more careful"], {}))
    assert "growth = 0.09" in revised
    assert "“Be more careful”" in revised


def test_the_sample_is_right_at_once_with_a_lesson() -> None:
    lesson = {"topic": "tea", "lessons": "1. Add a source for every figure, and keep it short."}
    first = str(SAMPLE[0].produce(lesson, [], {}))
    assert "| Source |" in first
    assert "two vendors hold most of the market." in first
    assert "What changed" not in first
    again = str(SAMPLE[0].produce(lesson, ["Name the others, too"], {}))
    assert "Every figure has a source." not in again


async def test_two_tasks_run_and_wait_beside_each_other(crew: Crew) -> None:
    left, right, report = SAMPLE[0], replace(SAMPLE[2], beside=True), SAMPLE[1]
    crew.script = (left, right, report)
    execution_id = crew.start_execution({"topic": "tea"})
    execution = crew.execution(execution_id)
    await crew.until(lambda: len(crew.notifications) == 2)
    assert sorted(execution.pending) == sorted([left.task_id, right.task_id])

    first = a_resume(execution_id, task_id=right.task_id)
    assert (await call(crew, "POST", "/resume", first))[1]["status"] == "resumed"
    assert execution.pending == [left.task_id]
    assert execution.state is State.PENDING
    progress = (await call(crew, "GET", f"/status/{execution_id}"))[1]["progress"]
    assert progress == {"completed_tasks": 1, "total_tasks": 3}
    assert (await call(crew, "POST", "/resume", first))[0] == 400
    await call(crew, "POST", "/resume", a_resume(execution_id, task_id=left.task_id))
    await crew.until(lambda: execution.state is State.COMPLETED)
    assert list(execution.outputs)[-1] == report.task_id
