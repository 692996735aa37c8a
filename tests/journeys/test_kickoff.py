"""Kicking a crew off through the bot."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from crewgate.demo.crew import Address, drop_after, hang, status
from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import Message, buttons, message_text
from tests.journeys.conftest import MakeWorld, World


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    """A world that crews reach, at an address that is known before it listens."""
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as built:
        built.crew.human_input = None
        yield built


async def kick_off(world: World, **body: object) -> tuple[int, dict[str, object]]:
    body.setdefault("inputs", {"topic": "tea"})
    return await world.post(
        "/crews/research/kickoff",
        json.dumps(body).encode(),
        Authorization=f"Bearer {world.crew.token}",
        Content_Type="application/json",
    )


async def test_a_kickoff_through_the_bot_ends_in_a_review(world: World) -> None:
    status_, answer = await kick_off(world, taskWebhookUrl="http://127.0.0.1:9/task", meta={"a": 1})

    assert status_ == 200
    card = await world.card("Market research")
    execution = world.crew.execution(str(answer["kickoff_id"]))
    assert execution.inputs == {"topic": "tea"}
    assert execution.meta == {"a": 1}
    sent = world.crew.requests[0].body
    assert sent["taskWebhookUrl"] == "http://127.0.0.1:9/task"
    assert "/crews/research/events/crew/" in sent["crewWebhookUrl"]
    assert sent["humanInputWebhook"]["url"] == f"{world.url}/crews/research/human-input"

    await world.slack.click("U0ANA", card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)
    urls = world.crew.resumes[0].urls
    assert urls.task == "http://127.0.0.1:9/task"
    assert urls.crew == sent["crewWebhookUrl"]


async def test_the_crews_own_refusals_are_passed_on_untouched(world: World) -> None:
    missing, why = await kick_off(world, inputs={})
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


def thread(world: World, shows: str) -> list[Message]:
    return [m for m in world.slack.messages(CHANNEL) if shows in message_text(m)]


async def test_an_execution_is_followed_to_its_result(world: World) -> None:
    await kick_off(world)
    card = await world.card("Market research")
    await world.slack.click(ANA, card, "Approve")
    last = await world.card("Board summary")

    await world.slack.until(lambda: thread(world, "Entry plan: done."))
    await world.slack.until(lambda: thread(world, "2 tasks done"))
    await world.slack.click(ANA, last, "Approve")

    await world.slack.until(lambda: thread(world, "has finished"))
    await world.slack.until(lambda: thread(world, "Completed · 3 tasks done · 1,250 tokens"))
    [result] = thread(world, "has finished")
    assert "The result is round 1 of *Board summary*" in message_text(result)
    assert {m.thread_ts for m in world.slack.messages(CHANNEL)[1:]} == {card.ts}
    [progress] = thread(world, "Entry plan: done.")
    assert message_text(progress).count("done.") == 3
    assert not thread(world, "I should start with")


async def test_registered_urls_are_sent_with_every_resume(world: World) -> None:
    hook = Address.bearer(f"{world.url}/crews/research/human-input", WEBHOOK_SECRET)
    execution = world.crew.start_execution({"topic": "tea"}, human_input=hook)
    url = "http://127.0.0.1:9/registered"
    path = f"/crews/research/executions/{execution}/webhooks"
    headers = {"Authorization": f"Bearer {world.crew.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.put(f"{world.url}{path}", json={"taskWebhookUrl": url}) as answer:
            assert answer.status == 200
        async with session.put(f"{world.url}{path}", json={"stepWebhookUrl": "ftp://x"}) as answer:
            assert answer.status == 400
            assert "stepWebhookUrl" in (await answer.json())["details"][0]
        async with session.put(f"{world.url}{path}", json={}) as answer:
            assert answer.status == 400
        async with session.put(f"{world.url}{path}", data=b"{}") as answer:
            assert answer.status == 415
        async with session.put(f"{world.url}/crews/nobody/executions/1/webhooks") as answer:
            assert answer.status == 404
    async with aiohttp.ClientSession() as session, session.put(f"{world.url}{path}") as answer:
        assert answer.status == 401

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


async def test_a_crew_that_is_down_is_said_to_be(world: World) -> None:
    await world.crew.go_down()
    unreachable, why = await kick_off(world)
    await world.crew.come_back()
    world.crew.fail("/kickoff", how=drop_after())
    lost, perhaps = await kick_off(world)
    unknown, _ = await world.post("/crews/nobody/kickoff", b"{}")

    assert (unreachable, why["error"]) == (502, "crew_unreachable")
    assert (lost, perhaps["error"]) == (504, "answer_lost")
    assert unknown == 404


async def test_without_a_public_url_nothing_is_started(make_world: MakeWorld) -> None:
    async with make_world() as world:
        refused, why = await kick_off(world)

        assert refused == 503
        assert "PUBLIC_URL" in str(why["message"])
        assert not world.crew.requests


async def test_a_caller_that_gives_up_does_not_lose_its_urls(world: World) -> None:
    world.crew.fail("/kickoff", how=hang())
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
    assert (await kick_off(world))[0] == 200  # a slow one does not hold up the next
    world.crew.release()

    def waiting() -> list[Message]:
        return [m for m in thread(world, "Market research") if buttons(m)]

    await world.slack.until(lambda: len(waiting()) == 2)
    cards = waiting()
    for card in cards:
        await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: len(world.crew.resumes) == 2)
    urls = {resume.urls.crew for resume in world.crew.resumes}
    assert "http://127.0.0.1:9/crew" in urls
    assert len(urls) == 2
