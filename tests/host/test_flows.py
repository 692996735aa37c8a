"""A flow's questions: the signed request, and the address for the answer."""

import asyncio
import hashlib
import hmac
import json
import threading
from typing import Any

import aiohttp

from tests.host.client import Listener
from tests.host.conftest import SECRET, StartHost
from tests.host.standins import StandInFlow


async def respond(url: str, body: object) -> tuple[int, Any]:
    """Answer a question."""
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, await answer.json()


async def test_a_question_is_sent_as_amp_sends_it_and_signed(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInFlow()) as api:
        execution = await api.kick_off({}, meta={"a": 1})
        body = await listener.pause(path="/flow/flow")
        waiting = await api.status(execution)
        # A flow's /resume is not there, as on AMP.
        resumed, _ = await api.resume(execution, "review_0", approve=True)

    [(_, _, headers, raw)] = listener.got
    stamp = headers["X-CrewAI-Timestamp"]
    signed = hmac.new(SECRET.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    assert headers["X-CrewAI-Signature"] == f"sha256={signed}"
    assert json.loads(raw) == body
    sample = json.loads(SHAPE)
    assert {key: body[key] for key in sample} == {**sample, "flow_id": execution}
    assert body["callback_url"] == (
        f"{api.url}/human_feedback_requests/{body['id']}/respond?token={body['response_token']}"
    )
    assert waiting["current_task"] == "review_0"
    assert resumed == 404


async def test_an_answer_is_taken_once_with_the_token_of_its_question(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInFlow(questions=2)) as api:
        execution = await api.kick_off({})
        first = await listener.pause(path="/flow/flow")
        url, said = first["callback_url"], {"feedback": "approved", "source": "slack"}
        wrong, _ = await respond(url[:-1] + "!", said)
        unknown, _ = await respond(url.replace(first["id"], "nothing"), said)
        empty, why = await respond(url, {"feedback": " \n", "source": "slack"})
        taken, answer = await respond(url, said)
        second = await listener.pause(2, path="/flow/flow")
        again, told = await respond(url, {"feedback": "rejected"})
        crossed, _ = await respond(second["callback_url"].split("token=")[0] + "token=x", said)
        words, free = await respond(second["callback_url"], {"feedback": "Nearly."})
        ended = await api.until(execution, "completed")

    assert (wrong, unknown, crossed) == (401, 404, 401)
    assert (empty, why["error"]) == (400, "Bad Request")
    assert (taken, answer["status"]) == (200, "accepted")
    assert answer["request"]["outcome"] == "approved"
    assert answer["request"]["responded_via"] == "slack"
    assert (again, told["error"]) == (409, "already_responded")
    assert "via slack at 20" in told["message"]
    assert (words, free["request"]["outcome"]) == (200, None)
    assert second["id"] != first["id"]
    assert ended["result"]["output"] == "approved, Nearly."


async def test_of_many_answers_at_once_one_counts(
    start_host: StartHost, listener: Listener
) -> None:
    flow = StandInFlow()
    async with start_host(flow) as api:
        execution = await api.kick_off({})
        question = await listener.pause(path="/flow/flow")
        answers = await asyncio.gather(
            *(respond(question["callback_url"], {"feedback": f"{n}"}) for n in range(8))
        )
        await api.until(execution, "completed")

    assert sorted(status for status, _ in answers) == [200] + [409] * 7
    assert len(flow.carried_out) == 1


async def test_an_answer_that_was_being_carried_out_is_so_again_after_a_restart(
    start_host: StartHost, listener: Listener
) -> None:
    held = StandInFlow(hold=threading.Event())
    async with start_host(held) as api:
        execution = await api.kick_off({})
        question = await listener.pause(path="/flow/flow")
        await respond(question["callback_url"], {"feedback": "approved"})
        await asyncio.to_thread(lambda: _until(lambda: held.carried_out))
    flow = StandInFlow()
    async with start_host(flow) as api:
        ended = await api.until(execution, "completed")
    assert held.hold is not None
    held.hold.set()

    assert flow.carried_out == ["approved"]
    assert ended["result"]["output"] == "approved"


async def test_a_question_waits_on_through_a_restart(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInFlow()) as api:
        execution = await api.kick_off({})
        question = await listener.pause(path="/flow/flow")
    async with start_host(StandInFlow()) as api:
        url = f"{api.url}/{question['callback_url'].split('/', 3)[3]}"
        taken, _ = await respond(url, {"feedback": "rejected"})
        await api.until(execution, "completed")

    assert taken == 200
    assert len(listener.got) == 1


async def test_a_flow_that_ends_otherwise_than_it_was_told_to_says_so(
    start_host: StartHost, listener: Listener
) -> None:
    async with start_host(StandInFlow(), asks=True) as api:
        execution = await api.kick_off({})
        question = await listener.pause(path="/flow/flow")
        await respond(question["callback_url"], {"feedback": "fail"})
        said = await api.until(execution, "error")

    assert said["error"] == "It was told to."


async def test_without_an_address_a_question_waits(start_host: StartHost) -> None:
    async with start_host(StandInFlow(), asks=False) as api:
        execution = await api.kick_off({})
        while (await api.status(execution))["current_task"] != "review_0":
            pass


def _until(found: object) -> None:
    assert callable(found)
    while not found():
        pass


LABEL = {"feedback": "approved", "source": "slack"}
SHAPE = """{
  "event_type": "new_request",
  "status": "pending",
  "flow_id": "",
  "flow_class": "demo.Flow",
  "method_name": "review_0",
  "message": "Good?",
  "output": "A draft.",
  "emit": ["approved", "rejected"],
  "state": {"answers": []},
  "metadata": {"region": "EU"},
  "deployment_name": "flow"
}"""
