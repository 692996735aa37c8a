"""A refusal of Slack to open or update a modal is told to the person, and raises nothing."""

import pytest
from structlog.testing import capture_logs

from crewgate.runtime import Runtime
from crewgate.slack.blockkit.blocks import alert, modal, section
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.newer_blocks import BLOCKS, takes
from crewgate.slack.client.replies import open_modal, update_modal
from crewgate.slack.client.web_api import new_client
from tests.slack.client.installations import Remembered
from tests.standins.workspace import Fault, Workspace, echo, error, http_status, malformed

VIEW = modal("A title", [section("Something")])
WARNS = modal("A title", [section("Something"), alert("Look.")])


def identity_in(slack: Workspace) -> Identity:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    return Identity(client, sleep=Runtime().sleep, installations=Remembered())


async def test_a_modal_of_a_trigger_that_nobody_has_is_not_opened() -> None:
    async with Workspace() as slack:
        assert await open_modal(identity_in(slack), "no-such-trigger", VIEW) is None


async def test_a_modal_that_was_closed_is_not_updated() -> None:
    async with Workspace() as slack:
        assert await update_modal(identity_in(slack), VIEW, view_id="V0CLOSED") == "not_found"


async def test_what_slack_quotes_of_a_modal_is_not_logged() -> None:
    async with Workspace() as slack:
        identity = identity_in(slack)
        for method in ("views.open", "views.update"):
            slack.fail(method, echo("invalid_arguments"))

        with capture_logs() as logs:
            await open_modal(identity, "a-trigger", VIEW)
            await update_modal(identity, VIEW, view_id="V1")

    assert [line["why"] for line in logs] == ["invalid_arguments", "invalid_arguments"]


@pytest.mark.parametrize(
    ("view", "fault", "still"),
    [
        (WARNS, None, False),
        (WARNS, error("invalid_blocks"), False),
        (WARNS, error("expired_trigger_id"), True),
        (VIEW, error("invalid_arguments"), True),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["views.open", "views.update"])
async def test_after_a_refused_form_with_an_alert_forms_have_none(
    method: str, view: dict[str, object], fault: Fault | None, still: bool
) -> None:
    async with Workspace() as slack:
        identity = identity_in(slack)
        identity.takes_alerts = True
        slack.world.unknown_blocks.add("alert")
        if fault is not None:
            slack.fail(method, fault)

        if method == "views.open":
            await open_modal(identity, "a-trigger", view)
        else:
            await update_modal(identity, view, view_id="V1")

    assert identity.takes_alerts is still


@pytest.mark.parametrize("block", BLOCKS)
async def test_slack_tells_which_blocks_a_workspace_takes(block: str) -> None:
    async with Workspace() as slack:
        client = identity_in(slack).client
        assert await takes(block, client) is True
        for fault in (error("unknown_method"), http_status(503), malformed([])):
            slack.fail("blocks.validate", fault)
            assert await takes(block, client) is None
        slack.world.unknown_blocks.add(block)
        assert await takes(block, client) is False
