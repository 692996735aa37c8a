"""Slack away, slow, or with its answers lost: notifications are taken and kept, cards come once."""

from pathlib import Path

import pytest
from slack_sdk.web import async_internal_utils
from slack_sdk.webhook import async_client as webhooks

from crewgate import __version__
from crewgate.demo.environment import ANA, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal, without
from tests.standins.workspace import (
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    buttons,
    error,
    http_status,
    rate_limited,
)

NOT_READY = {
    "status": "not_ready",
    "version": __version__,
    "error": "not_ready",
    "message": "The bot cannot work now.",
}
TOKEN = "status-token-of-it"  # opens nothing


async def test_no_call_opens_a_connection_for_itself(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's SDK opens a session for each call of a client that was given none."""
    for module in (async_internal_utils, webhooks):
        monkeypatch.setattr(module, "aiohttp", None)
    async with make_world() as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(ANA, card, "Revise")
        await modal(world, ANA)
        assert await world.ask(ANA, "status")


async def test_slack_away_or_hanging_holds_up_no_notification(world: World) -> None:
    await world.slack.go_down()
    assert await world.pause() == 202
    status, ready = await world.get("/readyz")
    assert status == 200
    await world.slack.come_back()
    card = await world.card("A draft")
    assert buttons(card)[:2] == ["Approve", "Revise"]
    assert ready["status"] == "ready"

    # A post that hangs holds up no other execution.
    world.slack.fail("chat.postMessage", HANG)
    await world.pause("draft", "The second draft.", "e-2")
    await world.slack.until(lambda: world.slack.faults.hanging)
    await world.pause("draft", "The third draft.", "e-3")
    await world.card("The third draft.")
    assert world.slack.faults.hanging
    world.slack.release()


async def test_a_revoked_token_is_said_and_cards_come_when_it_is_restored(
    make_world: MakeWorld,
) -> None:
    async with make_world(STATUS_TOKEN=TOKEN) as world:
        world.slack.api.revoked = True
        assert await world.pause("one", "first") == 202
        assert await world.pause("two", "second", "e-2") == 202
        await world.slack.until(lambda: world.slack.calls_of("chat.postMessage"))

        status, ready = await world.get("/readyz")
        while not any(one.startswith("posts:research: ") for one in ready["details"]):
            status, ready = await world.get("/readyz")
        assert status == 200
        assert "token_revoked" in " ".join(ready["details"])
        stranger = {"X_Forwarded_For": "203.0.113.7"}
        assert await world.get("/readyz", **stranger) == (
            200,
            {"status": "ready", "version": __version__},
        )
        told = await world.get("/readyz", **stranger, Authorization=f"Bearer {TOKEN}")
        assert any(one.startswith("posts:research: ") for one in told[1]["details"])

        world.slack.api.revoked = False
        await world.card("first")
        await world.card("second")
        assert len(world.slack.messages(CHANNEL)) == 2


async def test_every_failure_of_a_post_ends_in_one_card(world: World) -> None:
    for number, how in enumerate(
        (
            DROP_BEFORE,
            DROP_AFTER,
            http_status(500),
            http_status(503),
            rate_limited(1),
            error("internal_error"),
        )
    ):
        world.slack.fail("chat.postMessage", how)
        await world.pause("draft", f"output {number}", f"e-{number}")
        await world.card(f"output {number}")

    assert len(world.slack.messages(CHANNEL)) == 6


async def test_a_modal_that_slack_does_not_open_is_explained_and_a_lost_answer_loses_nothing_else(
    world: World,
) -> None:
    await world.pause()
    card = await world.card("A draft")
    world.slack.fail("views.open", error("expired_trigger_id"))
    await world.slack.click(ANA, card, "Revise")
    assert "Press the button again" in await world.told(ANA)

    world.slack.fail("response_url", http_status(500))
    await world.slack.slash(ANA, CHANNEL, "/crew", "help")
    await world.slack.slash(ANA, CHANNEL, "/crew", "help")  # one of the two is lost
    assert "/crew" in await world.told(ANA, count=2)
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)


async def test_a_decision_whose_page_cannot_be_drawn_anew_is_told_as_recorded(
    world: World, database: Path
) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.overflow(ANA, card, "Read all")
    page = await modal(world, ANA, "A draft")
    async with without(database, "executions"):  # a decision does not need it, and each page does
        await world.slack.click(ANA, page, "Approve")
        assert "you need not press again" in (await modal(world, ANA, "Recorded")).shown
    await world.delivered(card)
    assert len(world.crew.resumes) == 1


async def test_a_database_that_cannot_take_it_is_503_and_nothing_is_stored(
    world: World, database: Path
) -> None:
    await world.pause("one", "first", "e-1")
    card = await world.card("first")
    async with without(database, "outbox"):
        assert await world.pause("two", "second", "e-2") == 503
        async with without(database, "alembic_version"):
            status, ready = await world.get("/readyz", X_Forwarded_For="203.0.113.7")
            assert (status, ready) == (503, NOT_READY)  # strangers are not told why
            status, ready = await world.get("/readyz")
            assert (status, ready["error"]) == (503, "not_ready")
            assert ready["message"].startswith("the database cannot be used")
            assert ready["details"][0] == ready["message"]
        await world.slack.click(ANA, card, "Approve")
        assert "Nothing was recorded" in await world.told(ANA)

    assert await world.pause("two", "second", "e-2") == 202
    await world.card("second")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    assert len(world.slack.messages(CHANNEL)) == 2
