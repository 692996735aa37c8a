"""Calls and questions that wait for people in the middle of a task."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue
from typing import Any

from crewgate.crew_api.wire import Json
from crewgate.domain.redaction import MARK
from crewgate.host.records import HostStops, Outcome, Pending, TaskRow, TooMany
from crewgate.host.run import Completed, Run
from tests.host.client import Api, Listener
from tests.host.conftest import MODEL_KEY, StartHost
from tests.host.standins import StandInCrew

Told = dict[str, Any]


@dataclass
class StandInHooks(StandInCrew):
    """Asks all of these at once, in the middle of its task, and completes with the answers."""

    inputs: Sequence[str] = ()
    asks: Sequence[str] = ("Send it?",)

    def run(self, run: Run) -> Completed:
        """Ask, and wait for all."""
        run.begin([TaskRow("draft-id", "draft", "draft")])

        def ask(text: str) -> str:
            body = {"task_output": text, "ask": {"place": "draft: send", "expires_at": None}}
            pending = Pending(id=f"ask-of{text}", asker="draft-id", role="", body=body)
            found = run.ask_within(pending)
            decision = None if found is None else found.decision
            return "nobody" if decision is None else f"{decision.approve} {decision.feedback}"

        with ThreadPoolExecutor() as threads:
            said = ", ".join(sorted(threads.map(ask, self.asks)))
        output = dict.fromkeys(("description", "name", "expected_output", "summary"), "draft")
        run.finish_task(0, {**output, "raw": said, "agent": "", "json": None}, seconds=0)
        return Completed(said)


async def test_equal_questions_at_once_are_one_each_and_a_name_must_mean_one(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInHooks(asks=("Send it?", "Send it?"))) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        ids = {one["task_id"] for one in listener.at("/human-input")}
        several, said = await api.resume(execution, "draft", "yes", approve=True)
        waiting = await api.status(execution)
        await api.resume(execution, min(ids), "yes", approve=True)
        await api.resume(execution, "draft", "no", approve=False)
        again, _ = await api.resume(execution, "draft", "yes", approve=True)
        ended = await api.until(execution, "completed")

    assert len(ids) == 2
    assert (several, waiting["current_task"]) == (400, "draft")
    assert all(one in said["message"] for one in ids)
    assert again == 400
    assert ended["result"]["output"] == "False no, True yes"


async def test_where_nobody_is_told_nobody_is_asked(start_host: StartHost) -> None:
    async with start_host(StandInHooks()) as api:
        ended = await api.until(await api.kick_off(), "completed")
    assert ended["result"]["output"] == "nobody"


async def test_a_question_keeps_its_card_and_what_is_not_asked_again_takes_no_answer(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """After a restart the agent may make another call."""
    async with start_host(StandInHooks(asks=("Send it?", "Pay?"))) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
    asked = {one["task_output"]: one["task_id"] for one in listener.at("/human-input")}
    async with start_host(StandInHooks(asks=("Send it?", "Wipe?"))) as api:
        await listener.pause(3)
        wipe = listener.at("/human-input")[-1]
        await api.resume(execution, asked["Send it?"], "yes", approve=True)
        await api.resume(execution, wipe["task_id"], "no", approve=True)
        ended = await api.until(execution, "completed")
        late, _ = await api.resume(execution, asked["Pay?"], "yes", approve=True)

        over = await listener.pause(4)

    assert ended["result"]["output"] == "True no, True yes"
    assert over["task_id"] == asked["Pay?"]
    assert over["outcome"] == {"state": "closed", "words": "The task is done, and needs no answer."}
    assert late == 400


async def test_an_answer_that_was_taken_before_the_stop_is_given_after_it_once(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        begun.set()
        release.wait(20)

    holds = StandInCrew("holds", work=hold)
    async with start_host(StandInHooks(), holds, workers=1) as api:
        served = Api(f"{api.url}/crew")
        execution = await served.kick_off(**told)
        asked = await listener.pause()
        # It takes the only place, so the hook does not go on before the stop.
        await Api(f"{api.url}/holds").kick_off()
        assert begun.wait(20)
        taken, _ = await served.resume(execution, asked["task_id"], "yes", approve=True)
    release.set()
    async with start_host(StandInHooks(asks=("Send it?", "Send it?"))) as api:
        again = await listener.pause(2)
        await api.resume(execution, again["task_id"], "no", approve=True)
        ended = await api.until(execution, "completed")

    assert taken == 200
    assert again["task_id"] != asked["task_id"]
    assert ended["result"]["output"] == "True no, True yes"


@dataclass
class StandInActs(StandInCrew):
    """Makes all of these calls at once, in the middle of its task; completes with what ran."""

    inputs: Sequence[str] = ()
    calls: Sequence[str] = ("a",)
    most: int | None = None
    checks: bool = True
    refusals: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def run(self, run: Run) -> Completed:
        """Ask, and wait for all."""
        run.begin([TaskRow("draft-id", "draft", "draft")])

        def act(to: str) -> str:
            tool_call = {"tool": "send", "arguments": {"to": to}, "schema": {}}
            pending = Pending(
                id=f"send-{to}",
                asker="draft-id",
                role="",
                body={"task_output": to, "tool_call": tool_call},
                holds=lambda decision: not decision.approve,
                most_waiting=self.most,
                check=_only_short if self.checks else None,
            )
            try:
                found = run.ask_within(pending)
            except TooMany as many:
                self.refusals.put(to)
                return str(many)
            assert found is not None
            assert found.decision is not None
            if found.decision.approve:
                run.tell_outcome(found, Outcome("ran", f"{to} and {MODEL_KEY}"))
            said = found.decision.edited or found.decision.feedback
            return f"{found.decision.approve} {to} {said}"

        with ThreadPoolExecutor(30) as threads:
            done = ", ".join(sorted(threads.map(act, self.calls)))
        output = dict.fromkeys(("description", "name", "expected_output", "summary"), "draft")
        run.finish_task(0, {**output, "raw": done, "agent": "", "json": None}, seconds=0)
        return Completed(done)


def _only_short(arguments: Json) -> Json:
    if len(arguments["to"]) > 1:
        raise ValueError("it is too long")
    return arguments


async def test_the_twenty_first_call_that_would_wait_is_refused_with_a_sentence(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    calls = [f"{number}" for number in range(25)]
    crew = StandInActs(calls=calls, most=20)
    async with start_host(crew) as api:
        execution = await api.kick_off(**told)
        await listener.pause(20)
        for _ in range(5):  # a call that came after the first decision would wait in its place
            await asyncio.to_thread(crew.refusals.get, timeout=60)
        for asked in listener.at("/human-input")[:20]:
            await api.resume(execution, asked["task_id"], "no", approve=False)
        ended = await api.until(execution, "completed")

    said = ended["result"]["output"].split(", ")
    assert said.count("20 calls wait for people already") == 5
    assert len([one for one in said if one.startswith("False ")]) == 20


async def test_other_arguments_are_taken_once_the_call_is_made_again(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    edited = {"edited": {"arguments": {"to": "b"}, "is_approve": True}}

    async def change(api: Api, more: Told) -> tuple[int, Any]:
        body = {"execution_id": execution, "task_id": asked["task_id"], "human_feedback": "Better."}
        return await api.call("POST", "/resume", {**body, **more})

    async with start_host(StandInActs()) as api:
        execution = await api.kick_off(**told)
        asked = await listener.pause()
        too_long = {"edited": {"arguments": {"to": "long"}, "is_approve": True}}
        wrong, why = await change(api, too_long)
    async with start_host(StandInActs(checks=False)) as api:
        # As long as the tool is not there again.
        early, _ = await change(api, edited)
    async with start_host(StandInActs()) as api:
        keyed = {**edited, "idempotency_key": "k"}
        while (taken := (await change(api, keyed))[0]) == 503:
            pass
        again, _ = await change(api, keyed)
        ended = await api.until(execution, "completed")
        outcome = (await listener.pause(2))["outcome"]

    assert (wrong, early, taken, again) == (400, 503, 200, 200)
    assert "it is too long" in why["message"]
    assert ended["result"]["output"] == 'True a {"to": "b"}'
    assert outcome == {"state": "ran", "words": f"a and {MARK}"}


async def test_a_call_that_is_not_made_again_is_closed_and_one_that_is_keeps_its_card(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInActs(calls="abc")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(3)
        asked = {one["task_output"]: one["task_id"] for one in listener.at("/human-input")}
    async with start_host(StandInActs(calls="ax"), close_after=0.2) as api:
        closed = await listener.until(
            lambda: [one for one in listener.at("/human-input") if "outcome" in one][1:]
        )
        late, _ = await api.resume(execution, asked["b"], approve=True)
        new = [one for one in listener.at("/human-input") if one["task_output"] == "x"]
        await api.resume(execution, new[0]["task_id"], approve=False)
        await api.resume(execution, asked["a"], approve=True)
        ended = await api.until(execution, "completed")

    assert late == 400
    over = [one for one in listener.at("/human-input") if "outcome" in one]
    assert {one["task_id"] for one in over[:2]} == {asked["b"], asked["c"]}
    assert closed[0]["outcome"]["words"] == "The agent, started again, makes another call."
    assert ended["result"]["output"] == "False x Good., True a Good."


async def test_every_equal_call_after_a_restart_says_that_one_may_have_run(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInActs(calls="ab")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        asked = {one["task_output"]: one["task_id"] for one in listener.at("/human-input")}
        await api.resume(execution, asked["a"], approve=True)
        await listener.pause(3)  # it ran
    async with start_host(StandInActs(calls="aab")) as api:
        await listener.pause(5)
        again = [one for one in listener.at("/human-input")[3:] if one["task_output"] == "a"]
        for one in (*(new["task_id"] for new in again), asked["b"]):
            await api.resume(execution, one, approve=False)
        await api.until(execution, "completed")

    assert len({asked["a"], *(one["task_id"] for one in again)}) == 3
    assert all(one["tool_call"]["may_have_run"] for one in again)


async def test_of_two_equal_calls_at_once_one_says_that_the_other_may_have_run(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInActs(calls="aa")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        asked = listener.at("/human-input")
        for one in asked:
            await api.resume(execution, one["task_id"], approve=False)
        await api.until(execution, "completed")

    assert sorted(one["tool_call"]["may_have_run"] for one in asked) == [False, True]


async def test_an_approval_that_came_before_its_warning_lets_nothing_run(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """The equal call beside it, whose card has the warning, is approved first."""
    async with start_host(StandInActs(calls="aa")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        asked = {one["tool_call"]["may_have_run"]: one for one in listener.at("/human-input")}
        await api.resume(execution, asked[True]["task_id"], approve=True)
        await listener.pause(3)  # it ran
        await api.resume(execution, asked[False]["task_id"], approve=True)
        await listener.pause(5)
        closed, third = sorted(
            listener.at("/human-input")[3:], key=lambda one: "outcome" not in one
        )
        await api.resume(execution, third["task_id"], "No.", approve=False)
        ended = await api.until(execution, "completed")

    assert closed["task_id"] == asked[False]["task_id"]
    assert closed["outcome"] == {
        "state": "closed",
        "words": "An equal call may have been done already. It is asked about again.",
    }
    assert third["tool_call"]["ran"]["words"] == f"a and {MARK}"
    assert ended["result"]["output"] == "False a No., True a Good."


async def test_a_waiting_card_without_the_warning_is_replaced_once_an_equal_call_ran(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInActs(calls="aa")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        asked = {one["tool_call"]["may_have_run"]: one for one in listener.at("/human-input")}
        await api.resume(execution, asked[True]["task_id"], approve=True)
        await listener.pause(3)  # it ran
    async with start_host(StandInActs(calls="a")) as api:
        await listener.pause(5)
        closed, third = sorted(
            listener.at("/human-input")[3:], key=lambda one: "outcome" not in one
        )
        await api.resume(execution, third["task_id"], approve=False)
        await api.until(execution, "completed")

    assert closed["task_id"] == asked[False]["task_id"]
    assert closed["outcome"]["words"].endswith("an equal call may have been done already.")
    assert third["tool_call"]["may_have_run"] is True


async def test_a_call_that_may_have_run_in_the_place_of_another_says_so(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(StandInActs(calls="ax")) as api:
        execution = await api.kick_off(**told)
        await listener.pause(2)
        [asked] = [one for one in listener.at("/human-input") if one["task_output"] == "a"]
        body = {"execution_id": execution, "task_id": asked["task_id"], "human_feedback": ""}
        edited = {"edited": {"arguments": {"to": "b"}, "is_approve": True}}
        await api.call("POST", "/resume", {**body, **edited})
        await listener.pause(3)  # it ran
    async with start_host(StandInActs(calls="bc")) as api:
        await listener.pause(5)
        again = {one["task_output"]: one for one in listener.at("/human-input")[3:5]}
        for one in again.values():
            await api.resume(execution, one["task_id"], approve=False)
        await api.until(execution, "completed")

    assert again["b"]["tool_call"]["may_have_run"] is True
    assert again["c"]["tool_call"]["may_have_run"] is False


async def test_a_call_is_not_decided_by_the_name_of_its_task(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """A late or repeated answer would approve the next call, which nobody saw."""
    async with start_host(StandInActs(calls="a")) as api:
        execution = await api.kick_off(**told)
        asked = await listener.pause()
        status, said = await api.resume(execution, "draft", approve=True)
        await api.resume(execution, asked["task_id"], approve=True)
        await api.until(execution, "completed")

    assert status == 400
    assert asked["task_id"] in said["message"]


class EndsFirst(StandInActs):
    """Fails once a call is approved, which has not gone on yet."""

    done = threading.Event()

    def run(self, run: Run) -> Completed:
        """Ask in another thread, and fail."""

        def ask() -> None:
            with suppress(HostStops, RuntimeError):
                super(EndsFirst, self).run(run)
            self.done.set()

        threading.Thread(target=ask, daemon=True).start()
        while not [one for one in run.rounds() if one.decision]:
            pass
        raise LookupError("no such model")


async def test_a_call_that_was_closed_does_not_run_though_it_was_approved(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        begun.set()
        release.wait(20)

    acts = EndsFirst()
    async with start_host(acts, StandInCrew("holds", work=hold), workers=1) as api:
        served = Api(f"{api.url}/crew")
        execution = await served.kick_off(**told)
        asked = await listener.pause()
        # It takes the only place, so the call does not go on before the end.
        await Api(f"{api.url}/holds").kick_off()
        assert begun.wait(20)
        taken, _ = await served.resume(execution, asked["task_id"], approve=True)
        ended = await served.until(execution, "error")
        assert acts.done.wait(20)
        over = await listener.pause(2)
        still = await served.status(execution)
        release.set()

    assert taken == 200
    assert over["outcome"] == {"state": "closed", "words": "The execution has ended."}
    assert len(listener.at("/human-input")) == 2
    assert still == ended


class ActsLate(StandInActs):
    """Makes its call when it has failed already."""

    done = threading.Event()

    def run(self, run: Run) -> Completed:
        """Ask in another thread, and fail."""

        def ask() -> None:
            while run.execution.ended_at is None:
                pass
            with suppress(HostStops, AssertionError):
                super(ActsLate, self).run(run)
            self.done.set()

        threading.Thread(target=ask, daemon=True).start()
        raise LookupError("no such model")


async def test_a_call_after_the_end_is_not_asked_about(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """Nobody could decide on it, nor would its card be closed."""
    acts = ActsLate()
    async with start_host(acts) as api:
        execution = await api.kick_off(**told)
        assert await asyncio.to_thread(acts.done.wait, 20)
        ended = await api.status(execution)

    assert ended["status"] == "error"
    assert listener.at("/human-input") == []


async def test_a_call_that_is_about_to_be_asked_about_at_the_end_is_not(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    """Its thread would leave a place once more, and wait for ever."""
    asking, ended = threading.Event(), threading.Event()

    class EndsMeanwhile(ActsLate):
        done = threading.Event()

        def run(self, run: Run) -> Completed:
            """Ask in another thread, and fail once it is about to."""

            def ask() -> None:
                with suppress(HostStops):
                    StandInActs.run(self, run)
                self.done.set()

            threading.Thread(target=ask, daemon=True).start()
            assert asking.wait(20)
            raise LookupError("no such model")

    ids = count()

    def new_id() -> str:
        if next(ids):  # the pause's, after the execution's
            asking.set()
            assert ended.wait(20)
        return "e-1"

    acts = EndsMeanwhile()
    async with start_host(acts, new_id=new_id) as api:
        await api.until(await api.kick_off(**told), "error")
        ended.set()
        assert await asyncio.to_thread(acts.done.wait, 20)

    assert listener.at("/human-input") == []


class Fails(StandInActs):
    """Fails while people are asked about a call, as where another task fails meanwhile."""

    def run(self, run: Run) -> Completed:
        """Ask in another thread, and fail."""

        def ask() -> None:
            with suppress(HostStops):
                super(Fails, self).run(run)

        threading.Thread(target=ask, daemon=True).start()
        while not run.rounds():
            pass
        raise LookupError("no such model")


async def test_a_call_that_waits_at_the_end_is_closed(
    start_host: StartHost, listener: Listener, told: Told
) -> None:
    async with start_host(Fails()) as api:
        execution = await api.kick_off(**told)
        await api.until(execution, "error")
        [over] = await listener.until(
            lambda: [one for one in listener.at("/human-input") if "outcome" in one]
        )
        late, _ = await api.resume(execution, over["task_id"], approve=True)

    assert over["outcome"] == {"state": "closed", "words": "The execution has ended."}
    assert late == 400
