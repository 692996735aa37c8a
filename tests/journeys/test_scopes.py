"""A bot whose app was installed without an optional scope: what is off is off quietly."""

import pytest

from crewgate.demo.environment import ANA, CARL, CHANNEL
from crewgate.slack.client.web_api import OPTIONAL_SCOPES
from tests.journeys.conftest import MakeWorld
from tests.journeys.people import approve_anyway
from tests.standins.workspace import Workspace, all_scopes, message_text

LONG = "word " * 5_000
#: The calls of the Web API that need each scope.
METHODS = {
    "im:write": {"conversations.open"},
    "im:history": set(),  # only after a lost answer
    "files:write": {"files.getUploadURLExternal"},
    "reactions:write": {"reactions.add"},
    "users:read.email": {"users.lookupByEmail"},
    "usergroups:read": {"usergroups.users.list"},
}


def refused(slack: Workspace) -> list[str]:
    return [one.method for one in slack.calls if (one.answer or {}).get("error")]


@pytest.mark.parametrize("scope", OPTIONAL_SCOPES)
async def test_without_an_optional_scope_everything_else_works(
    make_world: MakeWorld, scope: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"NOTIFY": "dm", "REVIEWERS": f"{ANA},carl@example.com,S0LEGAL"}
    async with Workspace() as slack:
        slack.add_group("S0LEGAL", "legal", [CARL])
        slack.api.scopes = all_scopes() - {scope}
        async with make_world(slack=slack, **settings) as world:
            while "has not been asked yet" in str(await world.get("/readyz")):
                pass
            await world.pause("draft", LONG)
            card = await world.card("round 1")
            await slack.write(ANA, CHANNEL, "A note.", card.ts)
            await world.shown(card, "1 note")
            await approve_anyway(world, ANA, card)
            await world.delivered(card)
            await world.pause("publish", LONG)
            last = await world.card("Publish is ready")
            morning = await world.ask(ANA, "morning 8:30")

            asked = refused(slack)
            _, ready = await world.get("/readyz")

    assert (f"<@{ANA}>" in message_text(last)) is (scope == "im:write")
    assert ("there is no morning line" in morning) is (scope == "im:write")
    assert set(asked) <= METHODS[scope]
    assert len(asked) <= 2  # each thing is tried once, and never again
    log = capsys.readouterr().out
    assert log.count("optional_scopes_changed") == 1
    assert scope in next(line for line in log.splitlines() if "optional_scopes_changed" in line)
    assert "not_delivered" not in log
    assert "reviewers_not_resolved" not in log
    told = [one for one in ready["details"] if "missing_scope" in one]
    assert bool(told) is (scope in {"users:read.email", "usergroups:read"})
