"""People's time zones, as Slack names them."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.slack.client import people
from crewgate.slack.client.people import time_zone_of
from crewgate.slack.client.web_api import new_client
from tests.standins.workspace import HANG, Fault, Workspace, error, malformed


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        yield workspace


def client_of(slack: Workspace) -> AsyncWebClient:
    return new_client(token=slack.bot_token, base_url=slack.api_url)


async def test_a_person_s_zone_is_known(slack: Workspace) -> None:
    slack.add_user("U0ANA", "Ana", tz="Europe/Berlin")
    zone = await time_zone_of(client_of(slack), "U0ANA")
    assert zone is not None
    assert zone.key == "Europe/Berlin"


@pytest.mark.parametrize("tz", [None, "", "Europe", "../etc/passwd", "Europe/Nowhere", "\0"])
async def test_what_is_no_zone_is_none(slack: Workspace, tz: str | None) -> None:
    slack.add_user("U0ANA", "Ana", tz=tz)
    assert await time_zone_of(client_of(slack), "U0ANA") is None
    assert await time_zone_of(client_of(slack), "U0NOBODY") is None


@pytest.mark.parametrize("fault", [error("fatal_error"), malformed("<html>"), HANG])
async def test_where_slack_does_not_say_it_is_none(
    slack: Workspace, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "ZONE_SECONDS", 0.01 if fault is HANG else 5)
    slack.add_user("U0ANA", "Ana")
    slack.fail("users.info", fault, times=None)
    assert await time_zone_of(client_of(slack), "U0ANA") is None
    slack.clear_faults()
