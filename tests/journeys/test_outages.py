"""Slack away, slow, or with its answers lost: notifications are taken and kept, cards come once."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from crewgate.demo.environment import ANA, CHANNEL
from crewgate.demo.workspace import (
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    buttons,
    error,
    http_status,
    message_text,
    rate_limited,
)
from crewgate.domain.rate import Rate
from tests.journeys.conftest import AT_ONCE, MakeWorld, World


async def test_slack_away_at_the_start_is_no_reason_not_to_start(make_world: MakeWorld) -> None:
    async with make_world() as world:
        await world.slack.go_down()
        assert await world.pause() == 202
        status, ready = await world.get("/readyz")
        assert status == 200
        await world.slack.come_back()
        card = await world.card("A draft")
        assert buttons(card)[:2] == ["Approve", "Revise"]
        assert ready["status"] == "ready"


async def test_a_revoked_token_is_said_and_cards_come_when_it_is_restored(world: World) -> None:
    world.slack.revoke_token()
    assert await world.pause("one", "first") == 202
    assert await world.pause("two", "second", "e-2") == 202
    await world.slack.until(lambda: world.slack.calls_of("chat.postMessage"))

    status, ready = await world.get("/readyz")
    while not ready["details"]:
        status, ready = await world.get("/readyz")
    assert status == 200
    assert "token_revoked" in " ".join(ready["details"])

    world.slack.restore_token()
    await world.card("first")
    await world.card("second")
    assert len(world.slack.messages(CHANNEL)) == 2


async def test_a_card_whose_answer_was_lost_is_not_posted_twice(world: World) -> None:
    world.slack.fail("chat.postMessage", DROP_AFTER)

    await world.pause()

    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    assert len(world.slack.messages(CHANNEL)) == 1


async def test_every_failure_of_a_post_ends_in_one_card(world: World) -> None:
    for number, how in enumerate(
        (DROP_BEFORE, http_status(500), http_status(503), rate_limited(1), error("internal_error"))
    ):
        world.slack.fail("chat.postMessage", how)
        await world.pause("draft", f"output {number}", f"e-{number}")
        await world.card(f"output {number}")

    assert len(world.slack.messages(CHANNEL)) == 5


async def test_a_card_that_slack_refuses_comes_without_the_output(world: World) -> None:
    world.slack.fail("chat.postMessage", error("invalid_blocks"))

    await world.pause("draft", "words that Slack cannot show")

    card = await world.card("attached as a file")
    [file] = await world.slack.until(lambda: world.slack.files)
    assert file.content == b"words that Slack cannot show"
    assert buttons(card)[:2] == ["Approve", "Revise"]


async def test_a_modal_that_slack_does_not_open_is_explained(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    world.slack.fail("views.open", error("expired_trigger_id"))

    await world.slack.click(ANA, card, "Revise")

    assert "Press the button again" in await world.told(ANA)


async def test_a_private_answer_that_is_lost_loses_nothing_else(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    world.slack.fail("response_url", http_status(500))
    await world.slack.slash(ANA, CHANNEL, "/crew", "help")
    await world.slack.slash(ANA, CHANNEL, "/crew", "help")  # one of the two is lost

    assert "/crew" in await world.told(ANA)
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)


async def test_a_hanging_post_does_not_hold_up_other_executions(world: World) -> None:
    world.slack.fail("chat.postMessage", HANG)
    await world.pause("one", "first", "e-1")
    await world.slack.until(lambda: world.slack.hanging)

    await world.pause("two", "second", "e-2")

    second = await world.card("second")
    assert "second" in message_text(second)
    world.slack.release()


async def test_a_database_that_cannot_take_it_is_503_and_nothing_is_stored(
    world: World, tmp_path: Path
) -> None:
    await world.pause("one", "first", "e-1")
    card = await world.card("first")
    with closing(
        sqlite3.connect(tmp_path / "crewgate.db", isolation_level=None, check_same_thread=False)
    ) as database:
        await asyncio.to_thread(database.execute, "ALTER TABLE outbox RENAME TO gone")

        assert await world.pause("two", "second", "e-2") == 503
        await asyncio.to_thread(database.execute, "ALTER TABLE alembic_version RENAME TO gone_too")
        status, ready = await world.get("/readyz")
        assert (status, ready["error"]) == (503, "not_ready")
        await asyncio.to_thread(database.execute, "ALTER TABLE gone_too RENAME TO alembic_version")
        await world.slack.click(ANA, card, "Approve")
        assert "Nothing was recorded" in await world.told(ANA)

        await asyncio.to_thread(database.execute, "ALTER TABLE gone RENAME TO outbox")
    assert await world.pause("two", "second", "e-2") == 202
    await world.card("second")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    assert len(world.slack.messages(CHANNEL)) == 2


async def test_a_channel_at_its_limit_holds_up_no_other(make_world: MakeWorld) -> None:
    second = """
[crews.second]
url = "http://127.0.0.1:9"
token_env = "T"
webhook_secret_env = "S"
channel = "C0SECOND"
"""
    async with make_world(
        runtime=replace(AT_ONCE, post_rate=Rate(timedelta(hours=1), burst=2)),
        crews_file=second,
        T="t",
        S="second-webhook-secret",
    ) as world:
        world.slack.add_channel("C0SECOND", "second")
        for number in range(5):
            await world.pause("draft", f"output {number}", f"e-{number}")
        body = b'{"execution_id": "e", "task_id": "t", "output": "Of the second."}'

        status, _ = await world.post(
            "/crews/second/human-input",
            body,
            Authorization="Bearer second-webhook-secret",
            Content_Type="application/json",
        )

        assert status == 202
        await world.slack.until(lambda: world.slack.messages("C0SECOND"))
        assert len(world.slack.messages(CHANNEL)) == 2
