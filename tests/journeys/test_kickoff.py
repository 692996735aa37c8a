"""Kicking a crew off through the bot."""

import gzip
import json
from typing import Any

import aiohttp
import pytest

from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from tests.journeys.conftest import World
from tests.journeys.people import modal, said, showing, waiting
from tests.standins.crew import DROP_AFTER, HANG, Address, State, status
from tests.standins.workspace import Message, message_text

MOST = 5
"""The messages that an execution with two reviews and one revision takes."""


@pytest.fixture
def world(reached: World) -> World:
    return reached


async def test_a_kickoff_through_the_bot_ends_in_a_review(world: World) -> None:
    status_, answer = await world.kick_off(taskWebhookUrl="http://127.0.0.1:9/task", meta={"a": 1})

    assert status_ == 200
    card = await world.card("Market research")
    execution = world.crew.execution(str(answer["kickoff_id"]))
    assert execution.inputs == {"topic": "tea"}
    assert execution.meta == {"a": 1}
    [sent] = [one.body for one in world.crew.requests if one.path == "/kickoff"]
    assert sent["taskWebhookUrl"] == "http://127.0.0.1:9/task"
    assert "/crews/research/events/crew/" in sent["crewWebhookUrl"]
    assert sent["humanInputWebhook"]["url"] == f"{world.url}/crews/research/human-input"

    await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)
    urls = world.crew.resumes[0].urls
    assert urls.task == "http://127.0.0.1:9/task"
    assert urls.crew == sent["crewWebhookUrl"]


async def test_the_crews_own_refusals_are_passed_on_and_its_absence_is_said(world: World) -> None:
    missing, why = await world.kick_off(inputs={})
    world.crew.fail("/kickoff", how=status(503, "later", headers={"Retry-After": "7"}))
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{world.url}/crews/research/kickoff",
            json={"inputs": {}},
            headers={"Authorization": f"Bearer {world.crew.token}"},
        ) as answer,
    ):
        assert (answer.status, await answer.text()) == (503, "later")
        assert answer.headers["Retry-After"] == "7"

    assert missing == 422
    assert why["details"] == {"missing_inputs": ["topic"]}

    await world.crew.go_down()
    unreachable, down = await world.kick_off()
    await world.crew.come_back()
    world.crew.fail("/kickoff", how=DROP_AFTER)
    lost, perhaps = await world.kick_off()
    unknown, _ = await world.post("/crews/nobody/kickoff", b"{}")

    assert (unreachable, down["error"]) == (502, "crew_unreachable")
    assert (lost, perhaps["error"]) == (504, "answer_lost")
    assert unknown == 404


async def test_started_by_a_caller_it_is_followed_to_its_result(world: World) -> None:
    assert (await world.kick_off())[0] == 200
    messages = await reviewed(world)
    assert len(messages) <= MOST, list(map(message_text, messages))
    assert {one.thread_ts for one in messages[1:]} == {messages[0].ts}
    result = message_text(messages[-1])
    assert "The result is round 1 of *Board summary*" in result
    progress = message_text(await said(world, "Completed · 3 tasks done · 1,250 tokens"))
    assert ":heavy_check_mark: Plan task ·" in progress
    assert "done." not in progress
    assert not showing(world, "I should start with")


async def test_started_in_slack_it_is_followed_to_its_result(world: World) -> None:
    await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
    await modal(world, ANA, "Topic")
    assert (await world.slack.submit(ANA, {"kickoff_input.topic": "green <tea>"})).ok
    await modal(world, ANA, "has started")
    messages = await reviewed(world)
    assert len(messages) <= MOST, list(map(message_text, messages))
    assert [execution.inputs for execution in world.crew.executions] == [{"topic": "green <tea>"}]
    started = message_text(await said(world, "started by"))
    assert "green <tea>" in started
    assert f"<@{ANA}>" in started
    result = message_text(messages[-1])
    assert f"<@{ANA}>" in result
    assert "The result is round 1 of *Board summary*" in result
    progress = await world.shown(messages[0], "Board summary")
    assert ":heavy_check_mark: Plan task ·" in message_text(progress)


async def reviewed(world: World) -> list[Message]:
    """Ask for changes once and approve twice; every message of the bot, once all is said."""
    decided: list[Message] = []

    async def next_card() -> Message:
        def found() -> list[Message]:
            known = {card.ts for card in decided}
            return [card for card in waiting(world) if card.ts not in known]

        [card] = await world.slack.until(found)
        decided.append(card)
        return card

    await world.revise(ANA, await next_card(), "Add a source.")
    for _ in range(2):
        await world.slack.click(ANA, await next_card(), "Approve")
    [execution] = world.crew.executions
    await world.crew.until(lambda: execution.state is State.COMPLETED)
    await said(world, "has finished")
    await world.slack.until(lambda: not showing(world, "Being sent"))
    return [message for message in world.slack.messages(CHANNEL) if message.bot]


async def test_registered_urls_are_sent_with_every_resume(world: World) -> None:
    hook = Address.bearer(f"{world.url}/crews/research/human-input", WEBHOOK_SECRET)
    execution = world.crew.start_execution({"topic": "tea"}, human_input=hook)
    url = "http://127.0.0.1:9/registered"
    path = f"/crews/research/executions/{execution}/webhooks"
    token = {"Authorization": f"Bearer {world.crew.token}"}
    headers = token | {"Content_Type": "application/json"}

    async def put(body: object) -> tuple[int, Any]:
        return await world.send("PUT", path, json.dumps(body).encode(), **headers)

    assert (await put({"taskWebhookUrl": url}))[0] == 200
    refused, why = await put({"stepWebhookUrl": "ftp://x"})
    assert refused == 400
    assert "stepWebhookUrl" in why["details"][0]
    assert (await put({}))[0] == 400
    assert (await world.send("PUT", path, b"{}", **token))[0] == 415
    nobody = "/crews/nobody/executions/1/webhooks"
    assert (await world.send("PUT", nobody, **token))[0] == 404
    assert (await world.send("PUT", path))[0] == 401

    await world.slack.click(ANA, await world.card("Market research"), "Approve")

    await world.crew.until(lambda: world.crew.resumes)
    assert world.crew.resumes[0].urls.task == url


async def test_a_kickoff_that_cannot_be_passed_on(world: World) -> None:
    """Both kinds of caller are read by the same rules: crews' webhooks, and kickoffs."""
    path = "/crews/research/kickoff"
    body = json.dumps({"inputs": {"topic": "tea"}}).encode()
    right = {"Authorization": f"Bearer {world.crew.token}", "Content_Type": "application/json"}
    cases: tuple[tuple[bytes, dict[str, str], int], ...] = (
        (b"{}", {"Authorization": ""}, 401),
        (b"{}", {"Authorization": "Bearer wrong"}, 401),
        (b"{}", {"Authorization": "Basic demo-crew-token"}, 401),
        (b"[]", {}, 400),
        (b"{", {}, 400),
        (b"{}", {"Content_Type": "text/plain"}, 415),
        (b" " * (2**20 + 1), {}, 413),
    )
    for sent, more, wanted in cases:
        answered, why = await world.post(path, sent, **right | more)
        assert answered == wanted, (sent[:10], more)
        assert {"error", "message"} <= set(why)
    odd, why = await world.post(path, body, **right, Content_Encoding="br")
    assert (odd, why["error"]) == (400, "malformed")
    assert why["details"] == ["its Content-Encoding 'br' cannot be unpacked"]
    assert not world.crew.requests

    taken, _ = await world.post(path, gzip.compress(body), **right, Content_Encoding="gzip")
    assert taken == 200


async def test_a_caller_that_gives_up_does_not_lose_its_urls(world: World) -> None:
    world.crew.fail("/kickoff", how=HANG)
    body = {"inputs": {"topic": "tea"}, "crewWebhookUrl": "http://127.0.0.1:9/crew"}
    with pytest.raises(TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session,
            session.post(
                f"{world.url}/crews/research/kickoff",
                json=body,
                headers={"Authorization": f"Bearer {world.crew.token}"},
            ),
        ):
            pass
    assert (await world.kick_off())[0] == 200  # a slow one does not hold up the next
    world.crew.release()

    await world.slack.until(lambda: len(waiting(world)) == 2)
    for card in waiting(world):
        await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: len(world.crew.resumes) == 2)
    urls = {resume.urls.crew for resume in world.crew.resumes}
    assert "http://127.0.0.1:9/crew" in urls
    assert len(urls) == 2
