"""Uploads through the Web API, called with Slack's own client."""

from collections.abc import Callable
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import refusal
from tests.standins.workspace import Workspace


async def test_files_are_uploaded_in_three_steps(slack: Workspace, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel="C1", text="root"))["ts"]
    content = "ünï\x00code" * 10_000
    await client.files_upload_v2(
        content=content,
        filename="output.md",
        title="The whole output",
        channel="C1",
        thread_ts=root,
        initial_comment="All of it",
    )
    [file] = slack.files
    assert (file.name, file.title, file.thread_ts) == ("output.md", "The whole output", root)
    assert file.text == content
    shown = slack.world.channels["C1"].thread(root)[-1]
    assert (shown.text, shown.files[0].id) == ("All of it", file.id)
    [reply] = (await client.conversations_replies(channel="C1", ts=root))["messages"][1:]
    assert [one["id"] for one in reply["files"]] == [file.id]


async def test_uploads_that_are_not_done(slack: Workspace, client: AsyncWebClient) -> None:
    prepared = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    files = [{"id": prepared["file_id"], "title": "a"}]
    done: Callable[..., Any] = client.files_completeUploadExternal
    assert await refusal(done(files=files, channel_id="C1")) == "file_not_found"
    async with aiohttp.ClientSession() as http:
        async with http.post(prepared["upload_url"], data=b"four") as response:
            assert response.status == 400
        async with http.post(f"{prepared['upload_url']}9", data=b"abc") as response:
            assert response.status == 404
    await client.files_getUploadURLExternal(filename="a.txt", length=3)
    empty = client.files_getUploadURLExternal(filename="a.txt", length=0)
    assert await refusal(empty) == "invalid_arguments"
    assert await refusal(done(files=[], channel_id="C1")) == "invalid_arguments"
    lost = done(files=files, channel_id="C1", thread_ts="1.0")
    assert await refusal(lost) == "thread_not_found"
    assert slack.files == []
