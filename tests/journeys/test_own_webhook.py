"""A crew that forgets our webhook's credentials is given them again with the next resume."""

from __future__ import annotations

from itertools import product

from crewgate.demo.crew import Style
from crewgate.demo.environment import ANA, WEBHOOK_SECRET
from crewgate.demo.ports import free_port
from tests.journeys.conftest import MakeWorld


async def test_the_next_pause_is_not_lost(make_world: MakeWorld) -> None:
    port = free_port()
    async with make_world(port=port, PUBLIC_URL=f"http://127.0.0.1:{port}") as world:
        world.crew.style = Style.RICH
        for count, (host, authentication) in enumerate(
            product(("127.0.0.1", "LOCALHOST"), (None, "***", "Bearer")), start=1
        ):
            execution = f"e-{count}"
            ours = f"http://{host}:{port}/crews/research/human-input"
            bearer = {"strategy": "bearer", "token": authentication}
            world.crew.start_execution(
                execution_id=execution,
                scripted=False,
                meta={
                    "humanInputWebhookUrl": ours,
                    "humanInputWebhook": {"url": ours, "authentication": authentication and bearer},
                },
            )
            await world.pause("draft", f"A draft of {execution}.", execution)

            card = await world.card(f"A draft of {execution}.")
            await world.slack.click(ANA, card, "Approve")
            await world.crew.until(lambda: len(world.crew.resumes) == count)  # noqa: B023

            sent = world.crew.resumes[-1].human_input
            assert sent is not None
            assert sent.url == f"{world.url}/crews/research/human-input"
            assert sent.headers == {"Authorization": f"Bearer {WEBHOOK_SECRET}"}
            assert await world.pause("final", f"The final words of {execution}.", execution) == 202
            await world.card(f"The final words of {execution}.")
