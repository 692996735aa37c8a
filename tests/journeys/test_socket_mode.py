"""Slack over a socket: the same review, and a connection that comes back."""

import pytest

from crewgate.demo.environment import ANA
from tests.journeys.conftest import MakeWorld, World


async def decide_over_the_socket(world: World, execution: str) -> None:
    await world.pause("draft", f"words of {execution}", execution)
    card = await world.card(f"words of {execution}")
    await world.revise(ANA, card)
    await world.delivered(card)


ODD_FRAMES = (
    "",
    "ping",
    '{"type": "events_api", "envelope_id"',
    '["hello"]',
    "[" * 100_000,
    '{"type": "interactive", "envelope_id": "e", "payload": null}',
    '{"type": "interactive", "envelope_id": "e", "payload": ["SECRET"]}',
    '{"type": "slash_commands", "envelope_id": 7, "payload": {}}',
    '{"type": {"odd": 1}, "payload": {"text": "SECRET"}}',
)


async def test_a_review_over_a_socket_that_is_connected_anew_and_sends_odd_frames(
    make_world: MakeWorld,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with make_world(SLACK_APP_TOKEN="xapp-demo") as world:
        world.slack.events_url = None
        await world.slack.until(lambda: len(world.slack.sockets.open))
        for frame in ODD_FRAMES:
            await world.slack.sockets.send_frame(frame)
        await decide_over_the_socket(world, "e-0")
        status, _ = await world.post("/slack/events", b"")
        assert status == 404

        for count in (1, 2):
            if count == 1:
                await world.slack.sockets.refresh()
            else:
                world.slack.sockets.drop()
            await world.slack.until(lambda: world.slack.sockets.ever > count, timeout=20)  # noqa: B023
            await world.slack.until(lambda: len(world.slack.sockets.open), timeout=20)
            await decide_over_the_socket(world, f"e-{count}")
        assert "othing" in await world.ask(ANA, "pending")

    written = "".join(capsys.readouterr()) + caplog.text
    assert "socket_frame_odd" in written
    assert "Traceback" not in written
    assert "Failed to" not in written
    assert "SECRET" not in written
