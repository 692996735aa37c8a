"""Requests of other workspaces, and of any while Slack has not told which one is ours."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from crewgate.domain.people import Installation
from crewgate.runtime import Runtime
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.web_api import new_client
from crewgate.slack.listeners import refuse_other_teams
from crewgate.usecases.read_models import MessageRef
from tests.slack.client.installations import Remembered
from tests.standins.workspace import Grid, Workspace, error, malformed

OURS, THEIRS = {"team_id": "T0DEMO"}, {"team_id": "T0OTHER"}
EVENT = {"type": "event_callback"}
CLICK = {"type": "block_actions", "response_url": "https://example.com"}


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        yield workspace


@pytest.fixture
def remembered() -> Remembered:
    return Remembered()


@pytest.fixture
def identity(slack: Workspace, remembered: Remembered) -> Identity:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    return Identity(client, sleep=Runtime().sleep, installations=remembered)


async def request(
    identity: Identity, where: dict[str, str], body: dict[str, Any]
) -> tuple[BoltResponse | None, list[str]]:
    """Return the answer to a request, and the calls and words meanwhile."""
    seen: list[str] = []

    async def next_() -> None:
        seen.append("went on")

    async def respond(**message: Any) -> None:
        seen.append(message["text"])

    req = AsyncBoltRequest(body=body, mode="socket_mode")
    req.context = AsyncBoltContext({**where, "respond": respond})
    return await refuse_other_teams(req, next_, identity=identity), seen


async def test_our_own_workspace_goes_on(slack: Workspace, identity: Identity) -> None:
    for _ in range(2):
        assert await request(identity, OURS, EVENT) == (None, ["went on"])
    assert len(slack.calls_of("auth.test")) == 1


@pytest.mark.parametrize("where", [THEIRS, {}, {"enterprise_id": "E0OURS"}])
async def test_no_other_goes_on(identity: Identity, where: dict[str, str]) -> None:
    answer, seen = await request(identity, where, CLICK)
    assert answer is not None
    assert answer.status == 200
    assert "another workspace" in seen[0]


async def test_an_app_of_a_whole_enterprise_serves_all_its_workspaces(
    slack: Workspace, identity: Identity
) -> None:
    ours = {
        "ok": True,
        "url": "https://x",
        "team_id": None,
        "enterprise_id": "E0OURS",
        "is_enterprise_install": True,
    }
    slack.fail("auth.test", malformed(ours))
    allowed = await request(identity, {**THEIRS, "enterprise_id": "E0OURS"}, EVENT)
    assert allowed == (None, ["went on"])
    assert (await request(identity, {**THEIRS, "enterprise_id": "E0X"}, EVENT))[1] == []
    assert (await request(identity, OURS, EVENT))[1] == []


async def test_who_waits_does_not_ask_again_which_of_several_workspaces_is_meant(
    slack: Workspace, identity: Identity
) -> None:
    """Slack takes 20 such calls a minute, and each person is looked up."""
    slack.world.grid = Grid(whole=True, granted={"T0DEMO", "T0SALES"})
    for _ in range(3):
        assert await identity.team() is None
    assert len(slack.calls_of("auth.teams.list")) == 1

    slack.world.grid.granted.discard("T0SALES")
    await identity.ask()

    assert await identity.team() == "T0DEMO"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (EVENT, 503, ""),
        ({"command": "/crew"}, 200, "try again in a minute"),
        ({"type": "view_submission"}, 200, "try again in a minute"),
        ({"type": "view_closed"}, 200, ""),
    ],
)
async def test_nothing_goes_on_before_slack_told_who_we_are(
    slack: Workspace, identity: Identity, body: dict[str, Any], status: int, said: str
) -> None:
    slack.fail("auth.test", error("internal_error"))
    answer, seen = await request(identity, OURS, body)
    assert answer is not None
    assert (answer.status, seen) == (status, [])
    assert said in str(answer.body)

    assert await request(identity, OURS, body) == (None, ["went on"])


async def test_what_slack_told_before_the_start_holds_while_it_is_away(
    slack: Workspace, identity: Identity, remembered: Remembered
) -> None:
    remembered.installation = Installation(url="https://demo.slack.com/", team_id="T0DEMO")
    await slack.go_down()
    await identity.recall()
    assert await request(identity, OURS, EVENT) == (None, ["went on"])
    answer, seen = await request(identity, THEIRS, CLICK)
    assert answer is not None
    assert "another workspace" in seen[0]
    assert identity.link(MessageRef("C1", "1.5", "1.5")) == "https://demo.slack.com/archives/C1/p15"


async def test_what_slack_tells_now_replaces_what_it_told_before(
    identity: Identity, remembered: Remembered
) -> None:
    remembered.installation = Installation(url="https://other.slack.com/", team_id="T0OTHER")
    await identity.recall()
    await identity.ask()
    assert (await request(identity, THEIRS, EVENT))[1] == []
    assert await request(identity, OURS, EVENT) == (None, ["went on"])
    assert remembered.installation.team_id == "T0DEMO"


async def test_it_is_remembered_once_and_again_where_that_failed(
    identity: Identity, remembered: Remembered
) -> None:
    remembered.away = True
    await identity.ask()
    assert await request(identity, OURS, EVENT) == (None, ["went on"])
    remembered.away = False
    for _ in range(3):
        await identity.ask()
    assert remembered.kept == 1
