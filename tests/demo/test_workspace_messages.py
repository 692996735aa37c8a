"""Messages through the Web API, called with Slack's own client."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import home, refusal
from tests.standins.links import disguised_links, mentions
from tests.standins.workspace import BOT_USER_ID, Workspace, message_text


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("C404", "channel_not_found"),
        ("#nowhere", "channel_not_found"),
        ("G1", "channel_not_found"),
        ("C2", "not_in_channel"),
        ("C3", "is_archived"),
        ("", "invalid_arguments"),
    ],
)
async def test_where_the_bot_may_not_post(client: AsyncWebClient, channel: str, code: str) -> None:
    assert await refusal(client.chat_postMessage(channel=channel, text="x")) == code


async def test_texts_have_limits(slack: Workspace, client: AsyncWebClient) -> None:
    with pytest.warns(UserWarning, match="missing"):
        assert await refusal(client.chat_postMessage(channel="C1", text=" ")) == "no_text"
    answer = await client.chat_postMessage(channel="C1", text="x" * 40_001)
    assert len(slack.messages("C1")[0].text) == 40_000
    update = client.chat_update(channel="C1", ts=answer["ts"], text="x" * 4_001)
    assert await refusal(update) == "msg_too_long"


async def test_bad_blocks_are_refused_with_pointers(client: AsyncWebClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C1", text="x", blocks=blocks)
    answer = caught.value.response
    line = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [line]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {line}"]
    broken = client.chat_postMessage(channel="C1", text="x", blocks="[")
    assert await refusal(broken) == "invalid_blocks_format"


async def test_a_message_has_a_budget(client: AsyncWebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_700}}
    await client.chat_postMessage(channel="C1", text="x", blocks=[section] * 4)
    five = client.chat_postMessage(channel="C1", text="x", blocks=[section] * 5)
    assert await refusal(five) == "msg_blocks_too_long"


async def test_an_update_without_blocks_takes_them_away(
    slack: Workspace, client: AsyncWebClient
) -> None:
    metadata = {"event_type": "card", "event_payload": {"round": "r1"}}
    answer = await client.chat_postMessage(
        channel="C1", text="x", blocks=home("Title")["blocks"], metadata=metadata
    )
    await client.chat_update(channel="C1", ts=answer["ts"], text="y")
    [message] = slack.messages("C1")
    assert message_text(message) == "y"
    assert message.metadata == metadata
    assert message.edited is not None


async def test_only_its_own_messages(slack: Workspace, client: AsyncWebClient) -> None:
    written = await slack.write("U1", "C1", "mine")
    ts = written.message.ts
    assert await refusal(client.chat_update(channel="C1", ts=ts, text="x")) == "cant_update_message"
    assert (
        await refusal(client.chat_update(channel="C1", ts="1.0", text="x")) == "message_not_found"
    )


async def test_threads(slack: Workspace, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel="C1", text="root"))["ts"]
    reply = await client.chat_postMessage(channel="C1", text="a", thread_ts=root)
    await client.chat_postMessage(
        channel="C1", text="b", thread_ts=reply["ts"], reply_broadcast=True
    )
    elsewhere = client.chat_postMessage(channel="C1", text="c", thread_ts="1.0")
    assert await refusal(elsewhere) == "thread_not_found"

    history = await client.conversations_history(channel="C1")
    assert [message["text"] for message in history["messages"]] == ["b", "root"]
    assert history["messages"][1]["reply_count"] == 2
    replies = await client.conversations_replies(channel="C1", ts=root)
    assert [message["text"] for message in replies["messages"]] == ["root", "a", "b"]

    await slack.delete_message(slack.world.channels["C1"].messages[root])
    assert [message.deleted for message in slack.world.channels["C1"].thread(root)] == [
        True,
        False,
        False,
    ]
    assert await refusal(client.chat_update(channel="C1", ts=root, text="x")) == "message_not_found"
    await slack.delete_message(slack.world.channels["C1"].messages[reply["ts"]])
    assert len(slack.world.channels["C1"].thread(root)) == 2


async def test_history_is_paged_and_hides_metadata(client: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {}}
    for number in range(5):
        await client.chat_postMessage(channel="C1", text=str(number), metadata=metadata)
    first = await client.conversations_history(channel="C1", limit=3, include_all_metadata=True)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(channel="C1", limit=3, cursor=cursor)
    texts = [message["text"] for page in (first, second) for message in page["messages"]]
    assert texts == ["4", "3", "2", "1", "0"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["messages"][0]["metadata"] == metadata
    assert "metadata" not in second["messages"][0]

    middle = first["messages"][1]["ts"]
    since = await client.conversations_history(channel="C1", oldest=middle)
    assert [message["text"] for message in since["messages"]] == ["4"]
    until = await client.conversations_history(channel="C1", latest=middle, inclusive=True)
    assert [message["text"] for message in until["messages"]] == ["3", "2", "1", "0"]
    assert await refusal(client.conversations_history(channel="C1", cursor="?")) == "invalid_cursor"
    bad = client.conversations_history(channel="C1", oldest="yesterday")
    assert await refusal(bad) == "invalid_arguments"


@pytest.mark.parametrize("metadata", [{"event_type": "x"}, "{"])
async def test_bad_metadata(client: AsyncWebClient, metadata: Any) -> None:
    call = client.chat_postMessage(channel="C1", text="x", metadata=metadata)
    assert await refusal(call) == "invalid_metadata_format"


async def test_ephemerals_are_for_one_person(slack: Workspace, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel="C1", user="U1", text="psst")
    assert [message.text for message in slack.ephemerals("U1")] == ["psst"]
    assert (await client.conversations_history(channel="C1"))["messages"] == []
    stranger = client.chat_postEphemeral(channel="C1", user="U9", text="psst")
    assert await refusal(stranger) == "user_not_in_channel"


async def test_reactions(slack: Workspace, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C1", text="x"))["ts"]
    args = {"channel": "C1", "timestamp": ts, "name": "eyes"}
    await client.reactions_add(**args)
    assert slack.messages("C1")[0].reactions == {"eyes": (BOT_USER_ID,)}
    assert await refusal(client.reactions_add(**args)) == "already_reacted"


async def test_pings_are_counted_wherever_they_stand(
    slack: Workspace, client: AsyncWebClient
) -> None:
    markdown = [{"type": "markdown", "text": "ask <@U1> [here](https://evil.example)"}]
    await client.chat_postMessage(channel="C1", text="fine", blocks=markdown)
    await client.chat_postMessage(channel="C1", text="<!channel> &lt;@U1&gt;")
    await client.chat_postMessage(channel="C1", text="<!subteam^S1|x> <https://a.example|b>")
    await client.chat_postMessage(channel="C1", text="<!date^1^{date}|then> &lt;!here&gt; <@U404>")
    first, second, third, fourth = slack.messages("C1")
    assert slack.pings(first) == {"U1"}
    assert disguised_links(first.pieces) == ("https://evil.example",)
    assert slack.pings(second) == {"U1", "U2"}
    assert mentions(second.pieces) == ("!channel",)
    assert slack.pings(third) == {"U2"}
    assert disguised_links(third.pieces) == ("https://a.example",)
    assert slack.pings(fourth) == frozenset()
    assert mentions(fourth.pieces) == ("@U404",)


async def test_what_is_sent_back_is_escaped(client: AsyncWebClient) -> None:
    plain = {"type": "header", "text": {"type": "plain_text", "text": "a &lt; b"}}
    answer = await client.chat_postMessage(
        channel="C1", text="R&D &amp; <b> <@U1> <https://x.example?a&b|l>", blocks=[plain]
    )
    message = answer["message"]
    assert message["text"] == "R&amp;D &amp; &lt;b&gt; <@U1> <https://x.example?a&b|l>"
    assert message["blocks"][0]["text"]["text"] == "a &amp;lt; b"


async def test_a_thread_shows_everything_in_it(slack: Workspace, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel="C1", text="root"))["ts"]
    await client.chat_update(channel="C1", ts=root, text="changed")
    await client.reactions_add(channel="C1", timestamp=root, name="eyes")
    await client.chat_postMessage(channel="C1", text="b", thread_ts=root, reply_broadcast=True)
    await client.files_upload_v2(content="x", filename="a.txt", channel="C1", thread_ts=root)
    answer = await client.conversations_replies(channel="C1", ts=root)
    first, second, third = answer["messages"]
    assert first["edited"]["user"] == BOT_USER_ID
    assert first["reactions"] == [{"name": "eyes", "users": [BOT_USER_ID], "count": 1}]
    assert second["subtype"] == "thread_broadcast"
    assert third["files"][0]["name"] == "a.txt"
    await slack.delete_message(slack.world.channels["C1"].messages[root])
    answer = await client.conversations_replies(channel="C1", ts=root)
    assert answer["messages"][0]["subtype"] == "tombstone"
    alone = client.conversations_replies(channel="C1", ts="1.0")
    assert await refusal(alone) == "thread_not_found"
    outside = client.conversations_history(channel="C2")
    assert await refusal(outside) == "not_in_channel"
