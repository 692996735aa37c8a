"""People's acts, with a bot that records its requests and answers as the test says."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from tests.demo.builders import Json, plain
from tests.servers import serve, takes_posts
from tests.standins.links import disguised_links, mentions
from tests.standins.workspace import (
    BOT_USER_ID,
    CannotDoThat,
    Message,
    View,
    Workspace,
    buttons,
    message_text,
)


def options(*texts: str) -> list[Json]:
    return [{"text": plain(text), "value": text.lower()} for text in texts]


def asking(block_id: str, kind: str, **more: Any) -> Json:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(f"The {block_id}"),
        "optional": True,
        "element": {"type": kind, "action_id": f"{block_id}_action", **more},
    }


FORM: Json = {
    "type": "modal",
    "title": plain("Form"),
    "submit": plain("Send"),
    "blocks": [
        asking("note", "plain_text_input", initial_value="as before", min_length=2),
        asking("tone", "static_select", options=options("Warm", "Cold")),
        asking("who", "users_select"),
        asking("day", "datepicker", initial_date="2026-01-31"),
    ],
}
MENU: Json = {
    "type": "section",
    "block_id": "row",
    "text": {"type": "mrkdwn", "text": "A row"},
    "accessory": {"type": "overflow", "action_id": "menu", "options": options("Open", "Close")},
}

GO: Json = {
    "type": "actions",
    "elements": [{"type": "button", "text": plain("Go"), "action_id": "go"}],
}


class Bot:
    """Records payloads; answers each with `body`."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.body: Json | str = ""

    async def on_request(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.headers.append(dict(request.headers))
        self.received.append(json.loads(text) if text.startswith("{") else _form(text))
        if isinstance(self.body, dict):
            return web.json_response(self.body, status=self.status)
        return web.Response(text=self.body, status=self.status)


def _form(text: str) -> Json:
    fields = {key: values[0] for key, values in parse_qs(text, keep_blank_values=True).items()}
    found: Json = json.loads(fields["payload"]) if "payload" in fields else fields
    return found


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        slack.add_user("U1", "ana")
        slack.add_user("U2", "ben")
        slack.add_channel("G1", "secret", members=["U1"], private=True)
        yield slack


@pytest.fixture
async def bot(slack: Workspace) -> AsyncIterator[Bot]:
    bot = Bot()
    async with serve(takes_posts("/", bot.on_request)) as slack.events_url:
        yield bot


@pytest.fixture
def client(slack: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def post(slack: Workspace, client: AsyncWebClient, *blocks: Json) -> Message:
    await client.chat_postMessage(channel="G1", text="card", blocks=list(blocks))
    return slack.messages("G1")[-1]


async def open_form(slack: Workspace, client: AsyncWebClient, form: Json = FORM) -> View:
    await client.views_open(trigger_id=slack.world.new_trigger("U1"), view=form)
    return slack.open_modals("U1")[-1]


async def test_what_is_not_entered_is_as_it_was(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    await open_form(slack, client)
    await slack.submit("U1", {"tone": "Warm"})
    values = bot.received[-1]["view"]["state"]["values"]
    assert values["note"]["note_action"]["value"] == "as before"
    assert values["tone"]["tone_action"]["selected_option"]["value"] == "warm"
    assert values["who"]["who_action"]["selected_user"] is None


async def test_an_entry_can_be_too_short(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    await open_form(slack, client)
    with pytest.raises(CannotDoThat, match="1 characters"):
        await slack.submit("U1", {"note": "x"})


@pytest.mark.parametrize("body", [{"response_action": "dance"}, {"response_action": "errors"}])
async def test_answers_that_mean_nothing_are_a_problem(
    slack: Workspace, bot: Bot, client: AsyncWebClient, body: Json
) -> None:
    await open_form(slack, client)
    bot.body = body
    assert "response_action" in (await slack.submit("U1")).problem
    assert len(slack.open_modals("U1")) == 1


async def test_a_modal_stays_when_the_bot_fails(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    view = await open_form(slack, client)
    bot.status = 500
    reply = await slack.submit("U1", view=view)
    assert (reply.status, reply.ok) == (500, False)
    assert len(slack.open_modals("U1")) == 1


async def test_all_modals_can_be_closed_at_once(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    await open_form(slack, client, FORM)
    await client.views_push(trigger_id=slack.world.new_trigger("U1"), view=FORM)
    await client.views_push(trigger_id=slack.world.new_trigger("U1"), view=FORM)
    await slack.close_modal("U1")
    assert len(slack.open_modals("U1")) == 2
    await slack.close_modal("U1", all_of_them=True)
    assert slack.open_modals("U1") == []


async def test_menus(slack: Workspace, bot: Bot, client: AsyncWebClient) -> None:
    message = await post(slack, client, MENU)
    assert (await slack.overflow("U1", message, "Close")).ok
    body = bot.received[-1]
    assert body["actions"][0]["selected_option"]["value"] == "close"
    assert body["actions"][0]["block_id"] == "row"
    assert body["channel"]["name"] == "privategroup"
    with pytest.raises(CannotDoThat, match="0 choices"):
        await slack.overflow("U1", message, "Burn")


async def test_same_names_are_told_apart_by_block(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    go = {"type": "button", "text": plain("Go"), "action_id": "go"}
    rows = [
        {"type": "section", "block_id": row, "text": plain(row), "accessory": {**go, "value": row}}
        for row in ("one", "two")
    ]
    message = await post(slack, client, *rows)
    assert buttons(message) == ["Go", "Go"]
    with pytest.raises(CannotDoThat, match="2 elements"):
        await slack.click("U1", message, "Go")
    await slack.click("U1", message, "Go", block_id="two")
    assert bot.received[-1]["actions"][0]["value"] == "two"


async def test_ids_are_made_up_where_the_bot_gave_none(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    nameless = {"type": "actions", "elements": [{"type": "button", "text": plain("Go")}]}
    message = await post(slack, client, nameless)
    await slack.click("U1", message, "Go")
    action = bot.received[-1]["actions"][0]
    assert action["action_id"]
    assert action["block_id"] == message.blocks[0]["block_id"]


async def test_rich_text_can_ping(slack: Workspace, bot: Bot, client: AsyncWebClient) -> None:
    slack.add_group("S1", "all", ["U2"])
    leaves = [
        {"type": "text", "text": "see "},
        {"type": "user", "user_id": "U1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "broadcast", "range": "here"},
        {"type": "link", "url": "https://a.example", "text": "b"},
    ]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": leaves}]}
    message = await post(slack, client, rich)
    assert mentions(message.pieces) == ("@U1", "!subteam^S1", "!here")
    assert slack.pings(message) == {"U1", "U2"}
    assert disguised_links(message.pieces) == ("https://a.example",)


async def test_an_answer_can_replace_and_delete_the_original(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    message = await post(slack, client, GO)
    await client.chat_postEphemeral(channel="G1", user="U1", text="psst", blocks=[GO])
    async with aiohttp.ClientSession() as http:
        for original in (message, slack.ephemerals("U1")[0]):
            await slack.click("U1", original, "Go")
            url = bot.received[-1]["response_url"]
            await http.post(url, json={"text": "replaced", "replace_original": True})
            there = slack.messages("G1") + slack.ephemerals("U1")
            assert "replaced" in [one.text for one in there if one.ts == original.ts]
            await http.post(url, json={"delete_original": True})
            await http.post(url, json={"delete_original": True})
    assert slack.messages("G1") == []
    assert slack.ephemerals("U1") == []
    body = bot.received[-1]
    assert body["container"]["is_ephemeral"]
    assert "message" not in body


async def test_only_its_reader_can_use_an_ephemeral(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel="G1", user="U1", text="psst", blocks=[MENU])
    with pytest.raises(CannotDoThat, match="only U1"):
        await slack.overflow("U2", slack.ephemerals("U1")[0], "Open")


async def test_acknowledgements_of_commands(slack: Workspace, bot: Bot) -> None:
    bot.body = {"text": "for all", "response_type": "in_channel"}
    assert (await slack.slash("U1", "G1", "/crew", "x")).ok
    assert [message.text for message in slack.messages("G1")] == ["for all"]
    bot.body = {}
    assert (await slack.slash("U1", "G1", "/crew")).ok
    bot.body = {"response_type": "ephemeral"}
    assert (await slack.slash("U1", "G1", "/crew")).ok
    bot.body = {"text": "x", "blocks": [{"type": "marquee"}]}
    assert "invalid_blocks" in (await slack.slash("U1", "G1", "/crew")).problem
    bot.body = "{not json"
    assert (await slack.slash("U1", "G1", "/crew")).body == "{not json"
    assert [message_text(message) for message in slack.ephemerals("U1")] == ["{not json"]


async def test_people_in_a_command_are_named_by_their_ids(slack: Workspace, bot: Bot) -> None:
    slack.add_user("U3", "Mia.Lee")
    text = "away for @mia.lee, @nobody a@mia.lee @mia.lee"
    await slack.slash("U1", "G1", "/crew", text)
    [sent] = bot.received
    assert sent["text"] == "away for @mia.lee, @nobody a@mia.lee <@U3|Mia.Lee>"


async def test_repetitions_say_so(slack: Workspace, bot: Bot) -> None:
    written = await slack.write("U1", "G1", "hello")
    await slack.resend(written.delivery, 1, "http_error")
    assert bot.received[0] == bot.received[1]
    assert bot.received[0]["event"]["channel_type"] == "group"
    headers = {key.lower(): value for key, value in bot.headers[1].items()}
    assert headers["x-slack-retry-num"] == "1"
    assert headers["x-slack-retry-reason"] == "http_error"


async def test_messages_are_edited_by_their_authors(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    written = await slack.write("U1", "G1", "hello")
    with pytest.raises(CannotDoThat, match="author"):
        await slack.edit_message("U2", written.message, "bye")
    with pytest.raises(CannotDoThat, match="thread"):
        await slack.write("U1", "G1", "hello", thread_ts="1.0")
    await client.chat_postMessage(channel="U1", text="hi")
    im = slack.world.im("U1").id
    await slack.write("U1", im, "hello yourself")
    assert bot.received[-1]["event"]["channel_type"] == "im"


async def test_a_stale_screen_still_has_its_buttons(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    before = await post(slack, client, GO)
    await client.chat_update(channel="G1", ts=before.ts, text="Approved")

    assert (await slack.click("U1", before, "Go")).ok
    with pytest.raises(CannotDoThat, match="0 elements"):
        await slack.click("U1", slack.fresh(before), "Go")
    with pytest.raises(CannotDoThat, match="only the members"):
        await slack.click("U2", before, "Go")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "required"),
        ({"note": ""}, "required"),
        ({"note": "x" * 21}, "at most 20"),
        ({"note": "x", "tone": "Lukewarm"}, "no choice"),
        ({"note": "x", "colour": "red"}, "no field"),
    ],
)
async def test_the_client_does_not_send_a_bad_form(
    slack: Workspace, bot: Bot, client: AsyncWebClient, values: Json, complaint: str
) -> None:
    required = {**asking("note", "plain_text_input", max_length=20), "optional": False}
    await open_form(slack, client, {**FORM, "blocks": [required, *FORM["blocks"][1:]]})
    with pytest.raises(CannotDoThat, match=complaint):
        await slack.submit("U1", values)
    assert bot.received == []


async def test_a_submission_can_be_refused_update_push_and_clear(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    first = await open_form(slack, client)
    bot.body = {"response_action": "errors", "errors": {"note": "Say more."}}
    reply = await slack.submit("U1")
    assert (reply.ok, reply.errors) == (False, {"note": "Say more."})
    bot.body = {"response_action": "errors", "errors": {"elsewhere": "?"}}
    assert "errors" in (await slack.submit("U1")).problem

    bot.body = {"response_action": "update", "view": {**FORM, "title": plain("Sure?")}}
    await slack.submit("U1")
    [updated] = slack.open_modals("U1")
    assert updated.id == first.id
    assert updated.hash != first.hash
    assert updated.content["title"]["text"] == "Sure?"

    bot.body = {"response_action": "update", "view": {**FORM, "title": plain("x" * 25)}}
    assert "title" in (await slack.submit("U1")).problem

    bot.body = {"response_action": "clear"}
    await slack.submit("U1")
    assert slack.open_modals("U1") == []
    with pytest.raises(CannotDoThat, match="not open"):
        await slack.submit("U1", view=updated)
    with pytest.raises(CannotDoThat, match="no modal"):
        await slack.close_modal("U1")


async def test_people_write_edit_and_delete(
    slack: Workspace, bot: Bot, client: AsyncWebClient
) -> None:
    root = await post(slack, client, GO)
    written = await slack.write("U1", "G1", "What about <@U2>?", thread_ts=root.ts)
    edited = await slack.edit_message("U1", written.message, "Never mind")
    await slack.delete_message(edited.message)

    first, second, third = (body["event"] for body in bot.received)
    assert slack.pings(written.message) == {"U2"}
    assert (first["text"], first["thread_ts"]) == ("What about <@U2>?", root.ts)
    assert first["parent_user_id"] == BOT_USER_ID
    assert second["subtype"] == "message_changed"
    assert second["message"]["text"] == "Never mind"
    assert third["subtype"] == "message_deleted"
    assert third["deleted_ts"] == written.message.ts
    assert slack.messages("G1") == [root]


async def test_a_bot_that_is_elsewhere_or_gone(slack: Workspace, bot: Bot) -> None:
    slack.add_channel("C2", "quiet", members=["U1"], bot_is_member=False)
    assert (await slack.write("U1", "C2", "psst")).reply.problem == "the bot is not in the channel"
    assert bot.received == []
    with pytest.raises(CannotDoThat):
        await slack.write("U2", "C2", "me too")
    slack.events_url = "http://127.0.0.1:9/slack/events"
    reply = await slack.slash("U1", "G1", "/crew")
    assert (reply.status, reply.ok) == (0, False)
    slack.events_url = None
    assert (await slack.slash("U1", "G1", "/crew")).problem == "no socket is connected"
    with pytest.raises(ValueError, match="events_url"):
        await slack.send_raw("x")


async def test_home_is_its_owner_s(slack: Workspace, bot: Bot, client: AsyncWebClient) -> None:
    assert (await slack.open_home("U1")).ok
    await client.views_publish(user_id="U1", view={"type": "home", "blocks": [GO]})
    home = slack.home("U1")
    assert buttons(home) == ["Go"]
    await slack.click("U1", home, "Go")
    assert bot.received[-1]["container"] == {"type": "view", "view_id": home.id}
    with pytest.raises(CannotDoThat, match="only U1"):
        await slack.click("U2", home, "Go")
