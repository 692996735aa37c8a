"""Secrets are rotated without losing a click or a pause."""

from crewgate.demo.environment import ANA, WEBHOOK_SECRET
from crewgate.web.credentials import Credentials, EventKind
from tests.journeys.conftest import MakeWorld
from tests.standins.workspace import Workspace


async def test_what_was_given_away_before_goes_on_beside_what_is_new(
    make_world: MakeWorld,
) -> None:
    rotated = {
        "SLACK_SIGNING_SECRET": "a-signing-secret-of-today",
        "SLACK_SIGNING_SECRET_PREVIOUS": Workspace().signing_secret,
        "CREW_WEBHOOK_SECRET": "a-webhook-secret-of-today",
        "CREW_WEBHOOK_SECRET_PREVIOUS": WEBHOOK_SECRET,
    }
    async with make_world(**rotated) as world:
        assert await world.pause() == 202
        await world.slack.click(ANA, await world.card("A draft."), "Approve")
        await world.crew.until(lambda: world.crew.resumes)
        key = Credentials("research", (WEBHOOK_SECRET,), "token").event_keys(EventKind.STEP)[0]
        step = {"execution_id": "e-1", "thought": "Go on."}
        assert (await world.notify(f"/crews/research/events/step/{key}", step))[0] == 202
