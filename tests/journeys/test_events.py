"""The crew's plain webhooks: who may send them, and what they are a sign of."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import pytest

from crewgate.demo.crew import drop_after, status
from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.workspace import buttons, message_text
from crewgate.web.credentials import Credentials, EventKind
from tests.journeys.conftest import MakeWorld, World, says_delivered

JSON = "application/json"


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(PUBLIC_URL="https://bot.example.com") as built:
        yield built


def url(kind: EventKind) -> str:
    """An event URL as the bot gives it to crews."""
    key = Credentials("research", WEBHOOK_SECRET, "token").event_key(kind)
    return f"/crews/research/events/{kind}/{key}"


def sign(execution: str = "e-1") -> bytes:
    return json.dumps({"kickoff_id": execution, "meta": {"requestId": "r"}}).encode()


async def test_a_resume_carries_this_bots_own_urls_where_nobody_gave_any(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)

    [resume] = world.crew.resumes
    assert resume.urls.task == f"https://bot.example.com{url(EventKind.TASK)}"
    assert resume.urls.step == f"https://bot.example.com{url(EventKind.STEP)}"
    assert resume.urls.crew == f"https://bot.example.com{url(EventKind.CREW)}"
    assert resume.human_input is not None
    assert resume.human_input.url == "https://bot.example.com/crews/research/human-input"
    assert resume.human_input.authorization == f"Bearer {WEBHOOK_SECRET}"


async def test_an_event_is_taken_with_its_own_key_only(world: World) -> None:
    for kind in EventKind:
        accepted = await world.post(url(kind), sign(), Content_Type=JSON)
        others = [other for other in EventKind if other is not kind]
        wrong = [url(other).replace(f"/{other}/", f"/{kind}/") for other in others]

        refused = [await world.post(path, sign(), Content_Type=JSON) for path in wrong]

        assert accepted[0] == 202
        assert [status for status, _ in refused] == [401, 401]
    assert (await world.post("/crews/nobody/events/task/x", sign()))[0] == 404
    assert (await world.post("/crews/research/events/dance/x", sign()))[0] == 404
    before = len(world.slack.messages(CHANNEL))
    assert (await world.post(url(EventKind.TASK), b"{}", Content_Type=JSON))[0] == 400
    await world.slack.until(lambda: len(world.slack.messages(CHANNEL)) > before)


async def test_the_end_of_an_execution_closes_what_waits(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    assert (await world.post(url(EventKind.CREW), sign(), Content_Type=JSON))[0] == 202

    closed = await world.shown(card, "ended")
    assert buttons(closed) == ["Read all"]
    await world.slack.click(ANA, card, "Approve")
    assert "closed" in await world.told(ANA)


async def test_a_task_webhook_after_a_lost_answer_is_evidence(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    world.crew.fail("/resume", how=drop_after())
    world.crew.fail("/resume", how=status(500), times=None)
    await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)

    await world.post(url(EventKind.STEP), sign(), Content_Type=JSON)
    assert not says_delivered(world.slack.fresh(card))
    await world.post(url(EventKind.TASK), sign(), Content_Type=JSON)

    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def start_anew_before_the_change(world: World, execution: str) -> None:
    """An execution as the migration finds it: begun under the old keys."""
    path = world.settings.database_url.partition("///")[2]

    def insert() -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO old_event_keys VALUES ('research', ?)", [execution])

    await asyncio.to_thread(insert)  # the bot may be about to commit, on this event loop


async def test_an_old_key_counts_for_executions_of_its_time_only(world: World) -> None:
    kind = EventKind.TASK
    key = Credentials("research", WEBHOOK_SECRET, "token").old_event_key(kind)
    path = f"/crews/research/events/{kind}/{key}"
    await world.pause(execution="e-new")
    await start_anew_before_the_change(world, "e-old")

    answers = [
        await world.post(path, body, Content_Type=JSON)
        for body in (sign("e-old"), sign("e-new"), sign("e-unknown"), b"{")
    ]

    assert [status for status, _ in answers] == [202, 401, 401, 401]
    assert not [one for one in world.slack.messages(CHANNEL) if "understood" in message_text(one)]
