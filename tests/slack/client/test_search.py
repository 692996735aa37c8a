"""A message whose answer was lost is found however much was posted since."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from crewgate.slack.blockkit.blocks import Message, section
from crewgate.slack.client.posting import PAGE, MessageSearch, Poster
from crewgate.slack.client.web_api import CallFailed, new_client
from crewgate.usecases.read_models import MessageRef
from tests.builders import ANA, NOW, FakeClock
from tests.standins.workspace import DROP_AFTER, Workspace
from tests.standins.workspace import Message as Written

CHANNEL = "C0REVIEWS"
CARD = Message("A card", [section("A card")])
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[Workspace]:
    async with Workspace(now=lambda: clock().timestamp()) as workspace:
        workspace.add_channel(CHANNEL, "reviews")
        yield workspace


@pytest.fixture
def poster(slack: Workspace, clock: FakeClock) -> Poster:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    return Poster(client, clock=clock)


async def lose(slack: Workspace, poster: Poster, thread_ts: str | None = None) -> None:
    """A card is posted, and the answer lost."""
    slack.fail("chat.postMessage", DROP_AFTER)
    with pytest.raises(CallFailed):
        await post(poster, thread_ts, again=False)


async def post(poster: Poster, thread_ts: str | None = None, *, again: bool = True) -> MessageRef:
    ref, _ = await poster.post(
        "card 1",
        CARD,
        channel=CHANNEL,
        thread_ts=thread_ts,
        posted_since=NOW if again else None,
    )
    return ref


def talk(
    slack: Workspace, clock: FakeClock, messages: int, *, thread_ts: str | None = None
) -> None:
    """Messages of others, one a second."""
    for number in range(messages):
        clock.advance(timedelta(seconds=1))
        ts, text = slack.world.new_ts(), f"{number}"
        slack.world.put(
            Written(channel=CHANNEL, ts=ts, user=ANA.id, text=text, thread_ts=thread_ts)
        )


def cards(slack: Workspace) -> int:
    return sum(message.text == CARD.text for message in slack.messages(CHANNEL))


def looked(slack: Workspace) -> int:
    return len(slack.calls_of("conversations.history") + slack.calls_of("conversations.replies"))


async def test_it_is_found_behind_more_than_a_thousand_newer_ones(
    slack: Workspace, poster: Poster, clock: FakeClock
) -> None:
    await lose(slack, poster)
    talk(slack, clock, 1_100)

    found = await post(poster)

    assert cards(slack) == 1
    assert found.ts == slack.messages(CHANNEL)[0].ts
    assert looked(slack) <= 600 // PAGE


async def test_it_is_found_in_a_long_thread(
    slack: Workspace, poster: Poster, clock: FakeClock
) -> None:
    talk(slack, clock, 1)
    root = slack.messages(CHANNEL)[0].ts
    talk(slack, clock, PAGE + 50, thread_ts=root)
    await lose(slack, poster, root)
    talk(slack, clock, PAGE * 2, thread_ts=root)

    found = await post(poster, root)

    assert cards(slack) == 1
    assert found.thread_ts == root


async def test_days_later_it_is_found_in_the_span_of_its_try(
    slack: Workspace, poster: Poster, clock: FakeClock
) -> None:
    await lose(slack, poster)
    clock.advance(100 * HOUR)
    await post(poster)
    assert cards(slack) == 1
    assert looked(slack) == 1


async def test_what_a_later_try_posted_is_found_too(
    slack: Workspace, poster: Poster, clock: FakeClock
) -> None:
    clock.advance(100 * HOUR)
    await lose(slack, poster)
    clock.advance(2 * HOUR)
    await post(poster)
    assert cards(slack) == 1


async def test_a_second_search_leaves_out_what_the_first_went_through(
    slack: Workspace, poster: Poster, clock: FakeClock
) -> None:
    clock.advance(100 * HOUR)
    slack.fail("chat.postMessage", DROP_AFTER)
    with pytest.raises(CallFailed):
        await post(poster)
    first = looked(slack)
    assert first > 1
    clock.advance(timedelta(minutes=1))

    await post(poster)

    assert cards(slack) == 1
    assert looked(slack) == first + 1


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 100 * HOUR])
async def test_it_is_found_although_the_clock_here_is_wrong(
    slack: Workspace, clock: FakeClock, ahead: timedelta
) -> None:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    ours = FakeClock(clock.now + ahead)
    poster = Poster(client, clock=ours)

    async def try_again() -> MessageRef:
        ref, _ = await poster.post(
            "card 1", CARD, channel=CHANNEL, thread_ts=None, posted_since=NOW + ahead
        )
        return ref

    slack.fail("chat.postMessage", DROP_AFTER)
    with pytest.raises(CallFailed):
        await try_again()
    for one in (clock, ours):
        one.advance(timedelta(minutes=30))
    await try_again()
    assert cards(slack) == 1


async def test_how_far_searches_came_is_not_remembered_without_end(
    slack: Workspace, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crewgate.slack.client.posting.REMEMBERED", 1)
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    search = MessageSearch(client, clock=clock)

    async def calls(key: str) -> int:
        before = looked(slack)
        assert [message async for message in search.since(key, CHANNEL, None, NOW)] == []
        return looked(slack) - before

    clock.advance(HOUR)
    whole = await calls("card 1")
    assert whole > 1
    assert await calls("card 1") == 1
    assert await calls("card 2") == whole
    assert await calls("card 1") == whole
