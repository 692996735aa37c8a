"""The full members of the bot's own organisation."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.runtime import Runtime
from crewgate.slack.client import people as people_module
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.people import STANDING_RENEWED, STANDING_TRUST, Accounts
from crewgate.slack.client.web_api import new_client
from tests.builders import FakeClock
from tests.slack.client.installations import Remembered
from tests.standins.workspace import Fault, Workspace, error, malformed

CALL = "users.info"


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        workspace.add_user("U0ANA", "Ana")
        workspace.add_user("U0GUS", "Gus", is_guest=True)
        workspace.add_user("U0OTTO", "Otto", team_id="T0OTHER")
        workspace.add_user("USLACKBOT", "slackbot")
        gone = workspace.add_user("U0GONE", "Gone")
        workspace.world.users["U0GONE"] = replace(gone, deleted=True)
        yield workspace


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def people(slack: Workspace, clock: FakeClock) -> Accounts:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    identity = Identity(client, sleep=Runtime().sleep, installations=Remembered())
    return Accounts(identity, clock=clock)


@pytest.mark.parametrize(
    ("user", "is_own"),
    [
        *[("U0ANA", True), ("U0GUS", False), ("U0OTTO", False), ("U0GONE", False)],
        *[("U0NONE", False), ("USLACKBOT", False)],
    ],
)
async def test_guests_others_and_people_who_are_gone_are_none(
    people: Accounts, user: str, is_own: bool
) -> None:
    assert people.is_own(user) is None
    assert await people.renew(user)
    assert people.is_own(user) is is_own
    assert people.is_gone(user) is (user == "U0GONE")


@pytest.mark.parametrize(
    ("user", "is_own"),
    [
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0OURS"}}, True),
        ({"team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0THEIRS"}}, False),
        ({"team_id": "T0OTHER", "enterprise_user": []}, False),
        ({"team_id": "T0DEMO", "is_stranger": True}, False),
        ({"team_id": "T0DEMO", "is_ultra_restricted": True}, False),
    ],
)
async def test_an_enterprise_is_one_organisation(
    slack: Workspace, people: Accounts, user: dict[str, object], is_own: bool
) -> None:
    ours = {"ok": True, "url": "https://x", "team_id": "T0DEMO", "enterprise_id": "E0OURS"}
    slack.fail("auth.test", malformed(ours))
    slack.fail(CALL, malformed({"ok": True, "user": user}))
    await people.renew("U0ANA")
    assert people.is_own("U0ANA") is is_own


@pytest.mark.parametrize("how", [error("missing_scope"), malformed({"ok": True}), malformed([])])
async def test_what_slack_does_not_tell_is_not_known(
    slack: Workspace, people: Accounts, how: Fault
) -> None:
    slack.fail(CALL, how)
    assert not await people.renew("U0ANA")
    assert people.is_own("U0ANA") is None
    assert await people.renew("U0ANA")


async def test_an_old_answer_decides_nothing(people: Accounts, clock: FakeClock) -> None:
    await people.renew("U0ANA")
    clock.advance(STANDING_TRUST + timedelta(seconds=1))
    assert people.is_own("U0ANA") is None


async def test_people_are_asked_about_ahead_of_time_a_few_in_a_turn(
    slack: Workspace, people: Accounts, clock: FakeClock
) -> None:
    crowd = {f"U{number:05}" for number in range(people_module.STANDING_AT_ONCE + 1)}
    for user in crowd:
        slack.add_user(user, user)

    assert await people.renew_some(crowd)
    assert not await people.renew_some(crowd)
    assert all(people.is_own(user) for user in crowd)
    assert len(slack.calls_of(CALL)) == len(crowd)

    await people.renew_some(crowd)
    assert len(slack.calls_of(CALL)) == len(crowd)
    clock.advance(STANDING_RENEWED)
    assert await people.renew_some(crowd)
    assert len(slack.calls_of(CALL)) == len(crowd) + people_module.STANDING_AT_ONCE


async def test_a_slack_that_is_away_is_left_alone(slack: Workspace, people: Accounts) -> None:
    slack.fail(CALL, error("internal_error"), times=None)
    await people.renew_some({f"U{number:05}" for number in range(20)})
    assert len(slack.calls_of(CALL)) == people_module.GIVE_UP
