"""A crew's pauses behind the documented API."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from crewgate.domain.redaction import MARK
from crewgate.host.records import HostStops, TaskRow
from crewgate.host.run import Completed, Run
from tests.host.client import Api, Listener
from tests.host.conftest import MODEL_KEY, StartHost
from tests.host.standins import StandInCrew

Told = dict[str, Any]


async def test_a_crew_is_reviewed_from_its_kickoff_to_its_end(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew()) as api:
        assert await api.call("GET", "/inputs") == (200, {"inputs": ["topic"]})
        execution = await api.kick_off(**told, meta={"requestId": "r-1"})
        first = await listener.pause()
        waiting = await api.status(execution)
        revised = await api.resume(execution, "draft-id", "Shorter.", approve=False, **told)
        second = await listener.pause(2)
        approved = await api.resume(execution, "draft-id", approve=True, **told)
        third = await listener.pause(3)
        done = await api.resume(execution, "report-id", approve=True, **told)
        ended = await api.until(execution, "completed")
        [crew] = await listener.until(lambda: listener.at("/crew"))

    assert first == {
        "execution_id": execution,
        "task_id": "draft-id",
        "task_output": "draft 1 on tea",
        "task_name": "draft",
        "meta": {"requestId": "r-1"},
        "pause_id": first["pause_id"],
        "resume_extensions": ["edited", "idempotency_key"],
    }
    assert waiting["current_task"] == "draft"
    assert waiting["progress"] == {"completed_tasks": 0, "total_tasks": 2}
    assert (revised[0], revised[1]["status"]) == (200, "retrying")
    assert second["task_output"] == "draft 2 on tea"
    assert second["pause_id"] != first["pause_id"]
    assert (approved[0], approved[1]["status"]) == (200, "resumed")
    assert third["task_output"] == "report 1 on tea"
    assert (done[0], done[1]["status"]) == (200, "completed")
    assert ended["result"]["output"] == "report 1 on tea"
    assert [one["output"] for one in ended["result"]["tasks"]] == [
        "draft 2 on tea",
        third["task_output"],
    ]
    assert crew["result"] == "report 1 on tea"
    assert (crew["kickoff_id"], crew["meta"]) == (execution, {"requestId": "r-1"})


async def test_a_task_is_answered_by_the_name_that_its_status_gives(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        current = (await api.status(execution))["current_task"]
        unknown, _ = await api.resume(execution, "nobody", approve=True)
        named, _ = await api.resume(execution, current, approve=True)
        await api.until(execution, "completed")
        late, _ = await api.resume(execution, current, approve=True)

    assert current == "draft"
    assert (unknown, named, late) == (404, 200, 400)


async def test_a_decision_that_is_sent_again_with_its_key_is_answered_alike(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """It is not applied to the next pause either, and is known after a restart."""
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        first = {"feedback": "Shorter.", "approve": False, "idempotency_key": "k-1", **told}
        revised = await api.resume(execution, "draft-id", **first)
        await listener.pause(2)
        again = await api.resume(execution, "draft-id", **first)
        waiting = await api.status(execution)
        other = await api.resume(execution, "draft-id", approve=True, idempotency_key="k-1", **told)
        approved = await api.resume(
            execution, "draft-id", approve=True, idempotency_key="k-2", **told
        )
        await listener.pause(3)
        last = {"approve": True, "idempotency_key": "k-3", **told}
        done = await api.resume(execution, "report-id", **last)
        await api.until(execution, "completed")
        odd = await api.resume(execution, "report-id", approve=True, idempotency_key=3)
    async with start_host(StandInCrew()) as api:
        later = [
            await api.resume(execution, "draft-id", **first),
            await api.resume(execution, "report-id", **last),
        ]
        unknown = await api.resume(execution, "report-id", approve=True)

    assert (revised[1]["status"], done[1]["status"]) == ("retrying", "completed")
    assert [again, *later] == [revised, revised, done]
    assert waiting["progress"]["completed_tasks"] == 0
    assert (approved[0], other[0], odd[0], unknown[0]) == (200, 400, 400, 400)
    assert len(listener.at("/human-input")) == 3


async def test_a_text_of_a_person_is_the_tasks_output_from_then_on(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        edited = {"output": "theirs", "is_approve": True}
        body = {"execution_id": execution, "task_id": "draft-id", "human_feedback": "Good."}
        for wrong in (
            {"edited": edited, "is_approve": True},
            {"edited": {"output": "theirs"}},
            {"edited": {"output": 1, "is_approve": True}},
            {"edited": "theirs"},
        ):
            status, said = await api.call("POST", "/resume", body | wrong)
            assert (status, said["details"]) == (400, {"edited": "invalid"})
        status, _ = await api.call("POST", "/resume", body | told | {"edited": edited})
        assert status == 200
        again = await api.call("POST", "/resume", body | {"edited": edited})
        assert again[0] == 400
        await listener.pause(2)
        [task] = await listener.until(lambda: listener.at("/task"))
        waiting = {"output": "theirs again", "is_approve": False}
        about = {"execution_id": execution, "task_id": "report-id", "human_feedback": "Shorter."}
        assert (await api.call("POST", "/resume", about | {"edited": waiting}))[0] == 200
        await listener.pause(3)
        await api.resume(execution, "report-id", approve=True)
        ended = await api.until(execution, "completed")

    assert task["output"] == "theirs"
    assert [one["output"] for one in ended["result"]["tasks"]] == ["theirs", "report 2 on tea"]


async def test_a_text_of_a_person_holds_through_a_restart(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
    edited = {"output": "theirs", "is_approve": True}
    body = {"execution_id": execution, "task_id": "draft-id", "human_feedback": "Good."}
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        assert (await api.call("POST", "/resume", body | {"edited": edited}))[0] == 200
        ended = await api.until(execution, "completed")
    assert ended["result"]["output"] == "theirs"


async def test_what_an_execution_asks_for_is_sent_with_its_credentials(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    basic = {"strategy": "basic", "username": "crew", "password": "päss"}
    other = {"url": f"{listener.url}/other", "authentication": basic}
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        await api.resume(execution, "draft-id", approve=False, humanInputWebhook=other)
        await listener.pause(1, "/other")
        await api.resume(execution, "draft-id", approve=False)
        await listener.pause(2, "/other")

    presented = {path: headers.get("Authorization") for path, _, headers, _ in listener.got}
    assert presented["/human-input"] == "Bearer from-the-crew"
    assert presented["/other"] == "Basic Y3Jldzpww6Rzcw=="
    assert presented["/step"] is None


async def test_task_step_and_crew_urls_are_forgotten_at_each_pause(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        # None of them is given again.
        await api.resume(execution, "draft-id", approve=True)
        await listener.pause(2)
        await api.resume(
            execution, "report-id", approve=True, taskWebhookUrl=f"{listener.url}/task"
        )
        await api.until(execution, "completed")
        [task] = await listener.until(lambda: listener.at("/task"))

    assert (task["name"], task["output"]) == ("report", "report 1 on tea")
    assert len(listener.at("/step")) == 1  # of the first task, before its pause
    assert listener.at("/crew") == []


async def test_a_pause_is_announced_until_somebody_takes_it(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.refuse = 7
    async with start_host(StandInCrew()) as api:
        await api.kick_off(**told | {"stepWebhookUrl": None})
        await listener.pause()

    assert listener.refuse == 0
    assert len(listener.got) == 1


async def test_that_a_crew_is_done_is_sent_after_what_its_tasks_say(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.refuse = 1
    urls = {name: told[name] for name in ("taskWebhookUrl", "crewWebhookUrl")}
    async with start_host(StandInCrew(tasks=["draft"], unreviewed=["draft"])) as api:
        await api.kick_off(**urls)
        await listener.pause(path="/crew")

    assert [path for path, *_ in listener.got] == ["/task", "/crew"]


async def test_credentials_follow_no_redirect(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.redirects = 2
    async with start_host(StandInCrew()) as api:
        await api.kick_off(humanInputWebhook=told["humanInputWebhook"])
        await listener.pause()

    assert not listener.redirects
    assert listener.at("/elsewhere") == []


async def test_what_announces_no_pause_is_given_up(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.refuse = 6
    silent = told | {"humanInputWebhook": None, "taskWebhookUrl": None}
    async with start_host(StandInCrew(tasks=["draft"], unreviewed=["draft"])) as api:
        execution = await api.kick_off(**silent | {"crewWebhookUrl": None})
        await api.until(execution, "completed")
        await listener.until(lambda: not listener.refuse)
        await api.kick_off(**silent | {"stepWebhookUrl": None})
        await listener.until(lambda: listener.at("/crew"))

    assert listener.at("/step") == []


async def test_webhooks_that_hang_hold_up_no_pause(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.hangs = "/step"
    busy = [f"task-{number}" for number in range(40)]
    async with start_host(StandInCrew(tasks=[*busy, "draft"], unreviewed=busy)) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        await listener.until(lambda: len(listener.at("/task")) == len(busy))
        listener.release.set()
        await api.resume(execution, "draft-id", approve=True)
        await api.until(execution, "completed")


async def test_of_many_decisions_at_once_one_counts(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInCrew(tasks=["draft"])) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        answers = await asyncio.gather(
            *(api.resume(execution, "draft-id", approve=True) for _ in range(8))
        )
        await api.until(execution, "completed")
        late, said = await api.resume(execution, "draft-id", approve=False)

    assert sorted(status for status, _ in answers) == [200] + [400] * 7
    assert (late, said["error"]) == (400, "Bad Request")


async def test_only_as_many_work_as_may_and_the_others_queue(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """An execution that waits for a person takes no place."""
    go_on, working = threading.Semaphore(0), threading.Semaphore(0)

    def work(_: str) -> None:
        working.release()
        assert go_on.acquire(timeout=20)

    crew = StandInCrew(tasks=["draft"], work=work)
    async with start_host(crew, workers=1) as api:
        first, second = [await api.kick_off({"topic": name}, **told) for name in "ab"]
        await asyncio.to_thread(working.acquire, timeout=20)
        assert (await api.status(second))["current_task"] == ""
        assert not working.acquire(blocking=False)
        go_on.release()
        await listener.pause()  # the first waits, so the second works
        await asyncio.to_thread(working.acquire, timeout=20)
        await api.resume(first, "draft-id", approve=True)
        assert (await api.status(first))["status"] == "running"  # it queues, behind the second
        go_on.release()
        await listener.pause(2)
        await api.until(first, "completed")
        await api.resume(second, "draft-id", approve=True)
        await api.until(second, "completed")


@pytest.mark.parametrize("error", [LookupError("no such model"), SystemExit("no such model")])
async def test_an_error_of_the_crew_is_its_status(
    start_host: StartHost, told: Told, error: BaseException
) -> None:
    def work(_: str) -> None:
        raise error

    async with start_host(StandInCrew(work=work)) as api:
        execution = await api.kick_off(**told)
        said = await api.until(execution, "error")

    assert said["error"] == f"{type(error).__name__}: no such model"


async def test_an_error_is_told_without_keys(start_host: StartHost, told: Told) -> None:
    def work(_task: str) -> None:
        raise LookupError(f"401 for https://model.example/?api_key=sk-LEAK ({MODEL_KEY})")

    async with start_host(StandInCrew(work=work)) as api:
        said = await api.until(await api.kick_off(**told), "error")

    assert said["error"] == f"LookupError: 401 for https://model.example/?api_key={MARK} ({MARK})"


class Impatient(StandInCrew):
    """Fails while people are still asked, as a crew does whose other task fails meanwhile."""

    def run(self, run: Run) -> Completed:
        """Ask in another thread, and fail."""
        run.begin([TaskRow("draft-id", "draft", "draft")])

        def ask() -> None:
            with suppress(HostStops):
                run.pause("draft-id", "A draft.", {})

        threading.Thread(target=ask, daemon=True).start()
        while not run.rounds():
            pass
        raise LookupError("no such model")


async def test_what_ended_is_asked_about_no_more(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    listener.refuse = 10_000
    async with start_host(Impatient(), StandInCrew("other", tasks=["draft"])) as served:
        api, other = Api(f"{served.url}/crew"), Api(f"{served.url}/other")
        execution = await api.kick_off(**told)
        await api.until(execution, "error")
        late, _ = await api.resume(execution, "draft-id", approve=True)
        ended = await api.status(execution)
        listener.refuse = 0
        await other.kick_off(**told)
        await listener.pause()

    assert late == 400
    assert ended["status"] == "error"
    [announced] = listener.at("/human-input")
    assert announced["execution_id"] != execution
