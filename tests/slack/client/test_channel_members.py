"""The members of channels, as Slack names them: in pages, in memory, and never for too long."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from crewgate.runtime import Runtime
from crewgate.slack.client import web_api
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.people import A_MINUTE, MEMBERS_TRUST, MINUTE, ChannelMembers
from crewgate.slack.client.web_api import new_client
from tests.builders import SECOND, FakeClock
from tests.slack.client.installations import Remembered
from tests.standins.workspace import DROP_BEFORE, Fault, Workspace, error, malformed, rate_limited

CALL = "conversations.members"


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        for user in ("U0ANA", "U0BEN", "U0EVE"):
            workspace.add_user(user, user)
        workspace.add_channel("C1", "reviews", members=["U0ANA", "U0BEN"])
        workspace.add_channel("G1", "secret", private=True, members=["U0ANA"])
        yield workspace


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def members(slack: Workspace, clock: FakeClock) -> ChannelMembers:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    identity = Identity(client, sleep=Runtime().sleep, installations=Remembered())
    return ChannelMembers(identity, ["C1", "#secret"], clock=clock)


async def test_before_slack_was_asked_memory_does_not_tell(members: ChannelMembers) -> None:
    assert members.has("U0ANA", "C1") is None


@pytest.mark.parametrize("channel", ["C1", "#reviews"])
async def test_members_are_and_others_are_not(members: ChannelMembers, channel: str) -> None:
    assert await members.renew(channel)

    assert members.has("U0ANA", channel) is True
    assert members.has("U0EVE", channel) is False
    assert members.of(channel) >= {"U0ANA", "U0BEN"}


async def test_all_channels_are_renewed_ahead_of_time(members: ChannelMembers) -> None:
    await members.renew_all()

    assert members.has("U0ANA", "#secret") is True
    assert members.has("U0BEN", "#secret") is False
    assert not members.failures


async def test_a_large_channel_comes_in_pages(slack: Workspace, members: ChannelMembers) -> None:
    crowd = [f"U{number:05}" for number in range(web_api.PAGE_SIZE + 5)]
    slack.add_channel("C9", "crowd", members=crowd)

    await members.renew("C9")

    assert all(members.has(user, "C9") for user in crowd)
    assert len(slack.calls_of(CALL)) == 2


async def test_a_cursor_without_end_is_not_followed_without_end(
    slack: Workspace, members: ChannelMembers
) -> None:
    again = {"ok": True, "members": ["U0ANA"], "response_metadata": {"next_cursor": "again"}}
    slack.fail(CALL, malformed(again), times=None)

    assert await members.renew("C1")

    assert members.has("U0BEN", "C1") is False


async def test_an_old_answer_decides_nothing(
    slack: Workspace, members: ChannelMembers, clock: FakeClock
) -> None:
    await members.renew("C1")
    slack.fail(CALL, DROP_BEFORE, times=None)
    clock.advance(MEMBERS_TRUST)
    assert not await members.renew("C1")
    assert members.has("U0ANA", "C1") is True

    clock.advance(SECOND)

    assert members.has("U0ANA", "C1") is None


async def test_who_left_is_out_as_soon_as_slack_was_asked_again(
    slack: Workspace, members: ChannelMembers
) -> None:
    await members.renew("C1")
    slack.world.channels["C1"].members.discard("U0BEN")

    await members.renew("C1")

    assert members.has("U0BEN", "C1") is False


async def test_nobody_makes_us_ask_more_than_some_times_a_minute(
    slack: Workspace, members: ChannelMembers, clock: FakeClock
) -> None:
    learnt = [await members.renew("C1") for _ in range(A_MINUTE + 5)]
    assert learnt.count(True) == len(slack.calls_of(CALL)) == A_MINUTE
    assert await members.renew("#secret")

    clock.advance(MINUTE)

    assert await members.renew("C1")


async def test_many_who_ask_at_once_are_one_call(slack: Workspace, members: ChannelMembers) -> None:
    learnt = await asyncio.gather(*(members.renew("C1") for _ in range(20)))

    assert all(learnt)
    assert len(slack.calls_of(CALL)) == 1


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (error("missing_scope"), "missing_scope"),
        (error("channel_not_found"), "channel_not_found"),
        (rate_limited(1), "slow down"),
        (malformed({"ok": True}), "malformed"),
        (malformed({"ok": True, "members": {}}), "malformed"),
        (malformed([]), "Slack failed"),
    ],
)
async def test_what_slack_does_not_tell_is_not_known_and_said(
    slack: Workspace, members: ChannelMembers, how: Fault, why: str
) -> None:
    slack.fail(CALL, how)

    assert not await members.renew("C1")

    assert members.has("U0ANA", "C1") is None
    assert why in members.failures["C1"]
    with capture_logs() as logs:
        for _ in range(2):
            assert await members.renew("C1")
    assert not members.failures
    assert [(line["event"], line["channel"]) for line in logs] == [("channel_members_known", "C1")]


async def test_a_name_that_the_bot_is_in_no_channel_of(members: ChannelMembers) -> None:
    assert not await members.renew("#nowhere")
    assert members.failures == {"#nowhere": "not_in_channel"}


async def test_a_channel_that_was_made_anew_under_its_name_is_found(
    slack: Workspace, members: ChannelMembers
) -> None:
    await members.renew("#reviews")
    del slack.world.channels["C1"]
    slack.add_channel("C2", "reviews", members=["U0EVE"])

    for _ in range(2):
        await members.renew("#reviews")

    assert members.has("U0EVE", "#reviews") is True
