"""Every message once: found again when an answer was lost, posted when it may not be looked for."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crewgate.domain.outcome import Unknown
from crewgate.runtime import utc_now
from crewgate.slack.blockkit.blocks import Message, section
from crewgate.slack.client.posting import METADATA, Poster
from crewgate.slack.client.web_api import CallFailed, new_client
from crewgate.usecases.ports.slack import Found
from crewgate.usecases.read_models import MessageRef
from tests.standins.workspace import DROP_AFTER, Workspace, error, malformed

CHANNEL = "C0REVIEWS"
CARD = Message("A card", [section("A card")])
LONG_AGO = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        workspace.add_channel(CHANNEL, "reviews")
        yield workspace


def a_poster(slack: Workspace) -> Poster:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    return Poster(client, clock=lambda: LONG_AGO)


async def post(
    poster: Poster,
    key: str = "card 1",
    *,
    channel: str = CHANNEL,
    thread_ts: str | None = None,
    posted_since: datetime | None = None,
    broadcast: bool = False,
) -> MessageRef:
    ref, known = await poster.post(
        key,
        CARD,
        channel=channel,
        thread_ts=thread_ts,
        posted_since=posted_since,
        broadcast=broadcast,
    )
    assert known is None or posted_since is not None
    return ref


@pytest.mark.parametrize("ts", [None, 7, "", "soon", "1e999", "999999999999.000001", "-1.0", "1"])
async def test_a_message_of_which_slack_gives_no_time_is_not_found(
    slack: Workspace, ts: object
) -> None:
    metadata = {"event_type": METADATA, "event_payload": {"key": "card 1"}}
    odd = {"type": "message", "ts": ts, "metadata": metadata}
    slack.fail("conversations.history", malformed({"ok": True, "messages": [odd]}), times=None)
    ref = await post(a_poster(slack), posted_since=LONG_AGO)
    assert [one.ts for one in slack.messages(CHANNEL)] == [ref.ts]
    slack.fail("chat.postMessage", malformed({"ok": True, "channel": CHANNEL, "ts": ts}))
    with pytest.raises(CallFailed) as failed:
        await post(a_poster(slack), "card 2")
    assert isinstance(failed.value.failure, Unknown)


@pytest.mark.parametrize("is_quiet", [True, False])
async def test_a_message_whose_answer_was_lost_is_found_by_its_key(
    slack: Workspace, *, is_quiet: bool
) -> None:
    poster = a_poster(slack)
    other = await post(poster, "card 2")
    slack.fail("chat.postMessage", DROP_AFTER)
    with pytest.raises(CallFailed) as lost:
        await poster.post(
            "card 1",
            CARD,
            channel=CHANNEL,
            thread_ts=None,
            posted_since=None,
            is_quiet=is_quiet,
        )
    assert isinstance(lost.value.failure, Unknown)

    again = poster.post("card 1", CARD, channel=CHANNEL, thread_ts=None, posted_since=LONG_AGO)
    found, known = await again

    assert known == Found(datetime.fromtimestamp(float(found.ts), UTC), is_quiet=is_quiet)
    assert [message.ts for message in slack.messages(CHANNEL)] == [other.ts, found.ts]


async def test_without_a_sign_of_it_the_message_is_posted(slack: Workspace) -> None:
    posted = await post(a_poster(slack), posted_since=LONG_AGO)

    assert [message.ts for message in slack.messages(CHANNEL)] == [posted.ts]


async def test_where_the_bot_may_not_read_a_message_is_posted_again(slack: Workspace) -> None:
    poster = a_poster(slack)
    await post(poster)
    slack.fail("conversations.history", error("missing_scope"))

    await post(poster, posted_since=LONG_AGO)

    assert len(slack.messages(CHANNEL)) == 2


async def test_while_slack_cannot_be_asked_nothing_is_posted(slack: Workspace) -> None:
    slack.fail("conversations.history", error("internal_error"))

    with pytest.raises(CallFailed):
        await post(a_poster(slack), posted_since=LONG_AGO)

    assert slack.messages(CHANNEL) == []


async def test_a_reply_is_shown_in_the_channel_only_when_that_is_asked_for(
    slack: Workspace,
) -> None:
    poster = a_poster(slack)
    first = await post(poster)

    await post(poster, "card 2", thread_ts=first.ts)
    second = await post(poster, "card 3", thread_ts=first.ts, broadcast=True)

    assert second.thread_ts == first.ts
    thread = slack.world.channels[CHANNEL].thread(first.ts)
    assert [message.broadcast for message in thread] == [False, False, True]


async def test_a_channel_known_by_name_is_looked_in_by_its_id(slack: Workspace) -> None:
    poster = a_poster(slack)
    posted = await post(poster, channel="#reviews")
    assert posted.channel == CHANNEL

    again = await post(poster, channel="#reviews", posted_since=LONG_AGO)

    assert again == posted


async def test_a_file_is_uploaded_once(slack: Workspace) -> None:
    poster = a_poster(slack)
    card = await post(poster)

    for again in (False, True):
        await poster.upload(
            card, name="a.md", title="All of it", content="text", may_be_there=again
        )

    assert [file.name for file in slack.files] == ["a.md"]


async def test_of_a_file_in_a_thread_that_may_not_be_read_nobody_knows(slack: Workspace) -> None:
    poster = a_poster(slack)
    card = await post(poster)
    assert await poster.has_file(card, "a.md") is False
    slack.fail("conversations.replies", error("missing_scope"))
    assert await poster.has_file(card, "a.md") is None
    slack.fail("conversations.replies", error("internal_error"))
    with pytest.raises(CallFailed):
        await poster.has_file(card, "a.md")


async def test_a_thread_is_cleared_of_our_files_and_of_what_a_message_said(
    slack: Workspace,
) -> None:
    poster = a_poster(slack)
    slack.add_user("U0ANA", "Ana")
    slack.world.channels[CHANNEL].members.add("U0ANA")
    card = await post(poster)
    for name in ("a.md", "b.md"):
        await poster.upload(card, name=name, title="All of it", content="text", may_be_there=False)
    ours = slack.files[0]
    theirs = replace(ours, id="F0ANA", name="hers.md")
    slack.world.files[theirs.id] = theirs
    written = await slack.write("U0ANA", CHANNEL, "Look.", card.ts)
    slack.world.put(replace(written.message, files=(theirs,)))
    end = await post(poster, "end research e-1 2026", thread_ts=card.ts)
    other = await post(poster, "end research e-10 2026", thread_ts=card.ts)

    slack.fail("files.delete", error("file_deleted"))
    for _ in range(2):  # again after an answer that was lost
        instead = {"end research e-1 ": Message("Gone", [section("Gone")])}
        await poster.clear(card, instead, until=utc_now())

    assert [file.name for file in slack.files] == ["hers.md"]
    texts = {one.ts: one.text for one in slack.messages(CHANNEL)}
    assert (texts[end.ts], texts[other.ts], texts[card.ts]) == ("Gone", "A card", "A card")


async def test_a_file_that_may_not_be_deleted_is_no_success(slack: Workspace) -> None:
    poster = a_poster(slack)
    card = await post(poster)
    await poster.upload(card, name="a.md", title="All of it", content="text", may_be_there=False)
    slack.fail("files.delete", error("cant_delete_file"))
    with pytest.raises(CallFailed):
        await poster.clear(card, {"end research e-1 ": CARD}, until=utc_now())


async def test_a_file_that_came_after_the_texts_were_removed_stays(slack: Workspace) -> None:
    poster = a_poster(slack)
    card = await post(poster)
    for name in ("a.md", "b.md"):
        until = utc_now()
        await poster.upload(card, name=name, title="All", content="text", may_be_there=False)
    await poster.clear(card, {"end research e-1 ": CARD}, until=until)
    assert [file.name for file in slack.files] == ["b.md"]
