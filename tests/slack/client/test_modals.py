"""A refusal of Slack to open or update a modal is told to the person, and raises nothing."""

from structlog.testing import capture_logs

from crewgate.slack.blockkit.blocks import modal, section
from crewgate.slack.client.replies import open_modal, update_modal
from crewgate.slack.client.web_api import new_client
from tests.standins.workspace import Workspace, echo

VIEW = modal("A title", [section("Something")])


async def test_a_modal_of_a_trigger_that_nobody_has_is_not_opened() -> None:
    async with Workspace() as slack:
        client = new_client(token=slack.bot_token, base_url=slack.api_url)

        assert await open_modal(client, "no-such-trigger", VIEW) is None


async def test_a_modal_that_was_closed_is_not_updated() -> None:
    async with Workspace() as slack:
        client = new_client(token=slack.bot_token, base_url=slack.api_url)

        assert await update_modal(client, VIEW, view_id="V0CLOSED") == "not_found"


async def test_what_slack_quotes_of_a_modal_is_not_logged() -> None:
    async with Workspace() as slack:
        client = new_client(token=slack.bot_token, base_url=slack.api_url)
        for method in ("views.open", "views.update"):
            slack.fail(method, echo("invalid_arguments"))

        with capture_logs() as logs:
            await open_modal(client, "a-trigger", VIEW)
            await update_modal(client, VIEW, view_id="V1")

    assert [line["why"] for line in logs] == ["invalid_arguments", "invalid_arguments"]
