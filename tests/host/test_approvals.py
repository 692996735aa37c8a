"""Approvals of calls: when they end, why they are refused, and what a stop leaves of them."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crewgate.crew_api.wire import Json
from crewgate.domain.redaction import MARK
from crewgate.host.records import Call, HostStops, Outcome, Pending, TaskRow
from crewgate.host.run import Completed, Run
from crewgate.host.store import utc_seconds
from crewgate.host.webhooks import iso
from tests.host.client import Api, Listener
from tests.host.conftest import MODEL_KEY, StartHost
from tests.host.standins import StandInCrew

Told = dict[str, Any]


@dataclass
class Acts(StandInCrew):
    """Makes these calls one after the other; completes with what became of them."""

    inputs: Sequence[str] = ()
    calls: Sequence[str] = ("a",)
    fits: bool = True
    """True if the tool still takes a stored call."""
    outcome: Outcome | None = field(default_factory=lambda: Outcome("ran", "Sent."))
    role: str = ""

    def run(self, run: Run) -> Completed:
        """Ask about each."""
        run.begin([TaskRow("draft-id", "draft", "draft")])
        return Completed(", ".join(self.act(run, to) for to in self.calls))

    def act(self, run: Run, to: str) -> str:
        """Make one call."""
        call = Call(tool="send", names=("send",), arguments={"to": to})
        pending = Pending(
            id=f"send-{to}",
            asker="draft-id",
            role=self.role,
            body={
                "agent": "Clerk",
                "task_output": to,
                "tool_call": {**call.body, "schema": {}, "may_have_run": False},
            },
            fits=lambda _: self.fits,
            check=lambda arguments: arguments,
        )
        found = run.ask_within(pending)
        assert found is not None
        assert found.decision is not None
        if found.decision.approve and self.outcome is not None:
            run.tell_outcome(found, self.outcome)
        return f"{found.decision.approve} {to}"


class Tells(Acts):
    """Makes one call with the host's own secrets, and keeps what the tool would get."""

    given: Json | None = None

    def act(self, run: Run, to: str) -> str:
        """Make the call, with `to` in its schema."""
        call = Call(tool="send", names=("send", f"of {MODEL_KEY}"), arguments=self.arguments(to))
        schema = {"properties": {"to": {"type": "string"}}}
        about = {"task": "mail", "may_have_run": False, "schema": schema}
        body = {
            "agent": "Clerk",
            "task_output": json.dumps(call.arguments),
            "tool_call": {**call.body, **about},
        }
        found = run.ask_within(Pending(id="send", asker="draft-id", role="", body=body))
        assert found is not None
        assert found.call is not None
        self.given = found.call.arguments
        return ""

    @staticmethod
    def arguments(to: str) -> Json:
        """Return arguments with five secrets, one of them in a name."""
        parts = [f"{MODEL_KEY}, {MODEL_KEY}", 7, {"key": MODEL_KEY}, True, None]
        return {"to": f"{to} {MODEL_KEY} {MARK}", MODEL_KEY: parts}


def at(seconds: float) -> str:
    """The time so many seconds from now."""
    return iso(utc_seconds() + seconds)


def asked(listener: Listener) -> list[Json]:
    """The calls that were asked about."""
    return [one for one in listener.at("/human-input") if "outcome" not in one]


async def outcome(listener: Listener, task_id: str) -> Json:
    """Return the outcome of a call."""

    def found() -> list[Json]:
        told = [one for one in listener.at("/human-input") if "outcome" in one]
        return [one["outcome"] for one in told if one["task_id"] == task_id]

    return (await listener.until(found))[0]


async def test_a_refused_resume_says_why_in_a_code(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        task = (await listener.pause())["task_id"]
        body = {"execution_id": execution, "task_id": task, "human_feedback": "", "edited": {}}
        misfit = {**body, "edited": {"output": "x", "is_approve": True}}
        _, wrong = await api.call("POST", "/resume", misfit)
        _, late = await api.resume(execution, task, approve=True, valid_until=at(-1))
        codes = [one["details"]["code"] for one in (wrong, late)]
        ended, _ = await api.resume(execution, task, approve=True, valid_until=at(60))
        await api.until(execution, "completed")
        codes.append((await api.resume(execution, task, approve=True))[1]["details"]["code"])

    assert codes == ["arguments", "expired", "answered"]
    assert "By this host's clock" in late["message"]
    assert ended == 200


async def test_a_call_loses_the_hosts_secrets_where_people_read_it(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    tells = Tells()
    async with start_host(tells) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
        [shown] = asked(listener)
        await api.resume(execution, shown["task_id"], "Yes.", approve=True)
        await api.until(execution, "completed")

    arguments = {"to": f"a {MARK} {MARK}", MARK: [f"{MARK}, {MARK}", 7, {"key": MARK}, True, None]}
    assert shown["tool_call"] == {
        "tool": "send",
        "arguments": arguments,
        "other_names": [f"of {MARK}"],
        "task": "mail",
        "may_have_run": False,
        "erased": 6,
    }
    assert json.loads(shown["task_output"]) == arguments
    assert shown["resume_extensions"] == ["idempotency_key"]
    assert tells.given == Tells.arguments("a")


@pytest.mark.parametrize("end", ["soon", 7, "2026-11-30T10:00:00", "9999-99-99T00:00:00Z"])
async def test_an_end_without_a_zone_or_that_is_no_time_is_refused(
    start_host: StartHost, listener: Listener, told: Told, end: object
) -> None:
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        task = (await listener.pause())["task_id"]
        status, why = await api.resume(execution, task, approve=True, valid_until=end)
        await api.resume(execution, task, approve=False, valid_until=at(-1))
        await api.until(execution, "completed")

    assert status == 400
    assert "valid_until" in why["message"]


async def test_an_approval_that_ended_before_the_call_could_run_is_asked_for_again(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """The only place is taken until it has ended."""
    begun, release = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        begun.set()
        release.wait(20)

    holds = StandInCrew("holds", work=hold, tasks=["block"], unreviewed=["block"])
    async with start_host(Acts(), holds, workers=1) as api:
        served = Api(f"{api.url}/crew")
        execution = await served.kick_off(**told)
        first = await listener.pause()
        await Api(f"{api.url}/holds").kick_off()
        assert begun.wait(20)
        until = utc_seconds() + 0.2
        end = iso(until)
        status, _ = await served.resume(
            execution, first["task_id"], approve=True, valid_until=end, idempotency_key="k"
        )
        while utc_seconds() <= until:
            # The answer was lost: it is given again, whatever the time.
            again, _ = await served.resume(
                execution, first["task_id"], approve=True, valid_until=end, idempotency_key="k"
            )
        release.set()
        second = (await listener.until(lambda: asked(listener)[1:]))[0]
        closed = await outcome(listener, first["task_id"])
        await served.resume(execution, second["task_id"], approve=True, valid_until=at(60))
        ended = await served.until(execution, "completed")

    assert (status, again) == (200, 200)
    assert closed == {
        "state": "closed",
        "words": "Its approval ended before it ran. It is asked about again.",
    }
    assert second["tool_call"]["may_have_run"] is False
    assert ended["result"]["output"] == "True a"
    assert (await outcome(listener, second["task_id"]))["state"] == "ran"


async def test_open_calls_are_announced_again_at_the_start(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """A restored file may lack what people decided. The same pause again is a duplicate."""
    listener.once = False
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
    async with start_host(Acts()) as api:
        again = await listener.pause(2)
        await api.resume(execution, first["task_id"], approve=False)
        await api.until(execution, "completed")

    assert again == first


async def release_later(listener: Listener) -> None:
    """Answer the next webhook once a host that did not wait for that would have started."""
    await listener.changed.wait()
    for _ in range(100):
        await asyncio.sleep(0)  # noqa: TID251  # lets it start
    listener.release.set()


async def test_a_host_takes_no_answer_before_it_announced_what_is_open(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """A bot that hears of a call after its answer was taken would ask about it once more."""
    listener.once = False
    async with start_host(Acts(calls="a")) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
    listener.hangs = "/human-input"
    releasing = asyncio.create_task(release_later(listener))
    async with start_host(Acts(calls="a")) as api:
        told_by_then = len(listener.at("/human-input"))
        status, _ = await api.resume(execution, first["task_id"], approve=False)
        await api.until(execution, "completed")
    await releasing
    listener.refuse = 10_000
    async with start_host(Acts(calls="a")) as api:
        other = await api.kick_off(**told)
        while not (await api.status(other))["current_task"]:
            pass
    async with start_host(Acts(calls="a")) as api:  # it starts also where nobody takes it
        assert (await api.status(other))["status"] == "running"

    assert (status, told_by_then) == (200, 2)


async def test_a_restart_closes_no_call_that_the_agent_comes_to_again(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """It makes the call before it anew; what was approved of the one that waits would be lost."""
    async with start_host(Acts(calls="ab")) as api:
        execution = await api.kick_off(**told)
        await api.resume(execution, (await listener.pause())["task_id"], approve=True)
        waits = (await listener.until(lambda: asked(listener)[1:]))[0]
    async with start_host(Acts(calls="ab"), close_after=0.0) as api:
        again = (await listener.until(lambda: asked(listener)[2:]))[0]
        await api.resume(execution, again["task_id"], approve=False)
        taken, _ = await api.resume(execution, waits["task_id"], approve=True)
        assert taken == 200
        ended = await api.until(execution, "completed")

    assert ended["result"]["output"] == "False a, True b"
    assert len(asked(listener)) == 3


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_a_call_that_is_known_to_have_run_says_so_with_its_outcome(
    start_host: StartHost, listener: Listener, told: Told, in_doubt: bool
) -> None:
    before = Outcome("failed" if in_doubt else "ran", "Sent to a.", in_doubt=in_doubt)
    async with start_host(Acts(calls="ab", outcome=before)) as api:
        execution = await api.kick_off(**told)
        await api.resume(execution, (await listener.pause())["task_id"], approve=True)
        await listener.until(lambda: asked(listener)[1:])
    async with start_host(Acts(calls="ab")) as api:
        again = (await listener.until(lambda: asked(listener)[2:]))[0]
        await api.resume(execution, again["task_id"], approve=False)

    call = again["tool_call"]
    assert call["may_have_run"] is True
    assert ("ran" in call) is not in_doubt
    if not in_doubt:
        assert call["ran"]["state"] == "ran"
        assert call["ran"]["words"] == "Sent to a."
        assert datetime.fromisoformat(call["ran"]["at"]).tzinfo is not None


async def test_a_call_of_which_nothing_is_known_may_have_run_and_one_from_a_cache_did_not(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    for before, may_have_run in ((None, True), (Outcome("closed", "From a cache."), False)):
        listener.got.clear()
        async with start_host(Acts(calls="ab", outcome=before)) as api:
            execution = await api.kick_off(**told)
            await api.resume(execution, (await listener.pause())["task_id"], approve=True)
            await listener.until(lambda: asked(listener)[1:])
        async with start_host(Acts(calls="a")) as api:
            again = (await listener.until(lambda: asked(listener)[2:]))[0]
            await api.resume(execution, again["task_id"], approve=False)
            await api.until(execution, "completed")

        assert again["tool_call"]["may_have_run"] is may_have_run
        assert "ran" not in again["tool_call"]


async def test_a_stored_call_that_its_tool_would_not_get_any_more_is_asked_about_anew(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
    async with start_host(Acts(fits=False)) as api:
        second = (await listener.until(lambda: asked(listener)[1:]))[0]
        closed = await outcome(listener, first["task_id"])
        late, _ = await api.resume(execution, first["task_id"], approve=True)
        await api.resume(execution, second["task_id"], approve=True)
        ended = await api.until(execution, "completed")

    assert closed["state"] == "closed"
    assert "asked about again" in closed["words"]
    assert late == 400
    assert ended["result"]["output"] == "True a"


async def test_an_approval_from_before_an_upgrade_is_carried_out(
    start_host: StartHost, listener: Listener, told: Told, tmp_path: Path
) -> None:
    """Files of version 10 have no digest of a call."""
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
    with closing(sqlite3.connect(tmp_path / "host.db")) as file, file:
        file.execute("UPDATE rounds SET approve = 1, feedback = 'Approved.', digest = NULL")
    async with start_host(Acts()) as api:
        ended = await api.until(execution, "completed")

    assert ended["result"]["output"] == "True a"


async def test_a_call_that_is_not_stored_as_it_was_approved_is_asked_about_again(
    start_host: StartHost, listener: Listener, told: Told, tmp_path: Path
) -> None:
    async with start_host(Acts()) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
    with closing(sqlite3.connect(tmp_path / "host.db")) as file, file:
        file.execute("UPDATE rounds SET approve = 1, feedback = 'Approved.', digest = 'other'")
    async with start_host(Acts()) as api:
        closed = await outcome(listener, first["task_id"])
        second = (await listener.until(lambda: asked(listener)[1:]))[0]
        await api.resume(execution, second["task_id"], approve=True)
        ended = await api.until(execution, "completed")

    assert closed["words"] == "It is not stored as it was approved. It is asked about again."
    assert second["tool_call"]["may_have_run"] is False
    assert ended["result"]["output"] == "True a"


@pytest.mark.parametrize("asker", ["draft-id", ""])
async def test_a_call_that_waits_keeps_its_card_through_an_upgrade(
    start_host: StartHost, listener: Listener, told: Told, tmp_path: Path, asker: str
) -> None:
    """Version 12 had a digest of the task's words, and no task of a coworker's work."""
    role = "" if asker else "Clerk"
    async with start_host(Acts(role=role)) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
    with closing(sqlite3.connect(tmp_path / "host.db")) as file, file:
        file.execute("ALTER TABLE rounds RENAME COLUMN role TO place")
        file.execute("UPDATE rounds SET place = 'd1e2', asker = ?", (asker,))
        file.execute("PRAGMA user_version = 12")
    async with start_host(Acts(role=role)) as api:
        assert (await api.resume(execution, first["task_id"], approve=True))[0] == 200
        ended = await api.until(execution, "completed")

    assert ended["result"]["output"] == "True a"
    assert len(asked(listener)) == 1


async def test_the_card_of_a_call_that_ran_when_the_host_ended_says_so(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(Acts(calls="ab", outcome=None)) as api:
        execution = await api.kick_off(**told)
        first = await listener.pause()
        await api.resume(execution, first["task_id"], approve=True)
        await listener.until(lambda: asked(listener)[1:])
    async with start_host(Acts(calls="ab")) as api:
        end = await outcome(listener, first["task_id"])
        again = (await listener.until(lambda: asked(listener)[2:]))[0]
        await api.resume(execution, again["task_id"], approve=False)

    assert end["state"] == "failed"
    assert end["words"].startswith("It may have been done: the host stopped while it ran.")
    assert again["tool_call"]["may_have_run"] is True
    assert "ran" not in again["tool_call"]


@dataclass
class Fails(Acts):
    """Fails while a thread of its waits for people, as where another task fails meanwhile."""

    name: str = "fails"
    threads: list[threading.Thread] = field(default_factory=list)

    def run(self, run: Run) -> Completed:
        """Ask in another thread, and fail."""

        def ask() -> None:
            with suppress(HostStops):
                super(Fails, self).run(run)

        self.threads.append(threading.Thread(target=ask, daemon=True))
        self.threads[-1].start()
        while not run.rounds():
            pass
        raise LookupError("another task failed")


async def test_a_call_that_its_thread_comes_to_again_at_the_end_ends_that_thread(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """Its round was closed before anybody could wake the thread."""
    asking, ended = threading.Event(), threading.Event()

    class Slowly:
        def __bool__(self) -> bool:
            asking.set()
            return ended.wait(20)

    class EndsMeanwhile(Fails):
        def run(self, run: Run) -> Completed:
            """Fail once the thread is about to wait again."""
            with suppress(LookupError):
                super().run(run)
            assert asking.wait(20)
            raise LookupError

    async with start_host(Acts(name="fails")) as api:
        execution = await api.kick_off(**told)
        await listener.pause()
    fails = EndsMeanwhile(fits=Slowly())  # type: ignore[arg-type]
    async with start_host(fails) as api:
        await api.until(execution, "error")
        ended.set()
        await asyncio.to_thread(fails.threads[0].join, 20)
        assert not fails.threads[0].is_alive()


async def test_an_execution_that_fails_while_a_call_waits_gives_back_its_place_and_its_thread(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    begun, release = threading.Semaphore(0), threading.Event()

    def hold(_: str) -> None:
        begun.release()
        release.wait(20)

    fails = Fails()
    holds = StandInCrew("holds", work=hold, inputs=(), tasks=["block"], unreviewed=["block"])
    async with start_host(fails, holds, workers=1) as api:
        failing, holding = Api(f"{api.url}/fails"), Api(f"{api.url}/holds")
        for number in (1, 2):
            await failing.until(await failing.kick_off(**told), "error")
            await listener.pause(2 * number - 1)
        for thread in fails.threads:
            thread.join(20)
        others = [await holding.kick_off(inputs={"topic": "tea"}) for _ in range(3)]
        assert begun.acquire(timeout=20)
        for one in others:
            await holding.status(one)
        at_once = 1 + sum(begun.acquire(blocking=False) for _ in others)
        release.set()

    assert not any(thread.is_alive() for thread in fails.threads)
    assert at_once == 1
