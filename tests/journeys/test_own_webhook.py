"""A crew that forgets our webhook's credentials is given them again with the next resume."""

from __future__ import annotations

import pytest

from crewgate.demo.crew import Style
from crewgate.demo.environment import ANA, WEBHOOK_SECRET
from crewgate.demo.ports import free_port
from tests.journeys.conftest import MakeWorld


@pytest.mark.parametrize("authentication", [None, "***", "Bearer"])
@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST"])
async def test_the_next_pause_is_not_lost(
    make_world: MakeWorld, authentication: str | None, host: str
) -> None:
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as world:
        ours = f"http://{host}:{port}/crews/research/human-input"
        bearer = {"strategy": "bearer", "token": authentication}
        world.crew.style = Style.RICH
        world.crew.start_execution(
            execution_id="e-1",
            scripted=False,
            meta={
                "humanInputWebhookUrl": ours,
                "humanInputWebhook": {"url": ours, "authentication": authentication and bearer},
            },
        )
        await world.pause("draft", "A draft.")

        await world.slack.click(ANA, await world.card("A draft."), "Approve")
        await world.crew.until(lambda: world.crew.resumes)

        sent = world.crew.resumes[0].human_input
        assert sent is not None
        assert sent.url == f"{world.url}/crews/research/human-input"
        assert sent.headers == {"Authorization": f"Bearer {WEBHOOK_SECRET}"}
        assert await world.pause("final", "The final words.") == 202
        await world.card("The final words.")
