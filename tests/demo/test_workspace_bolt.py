"""A small real Bolt bot in the workspace, over signed HTTP and over Socket Mode."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.demo.workspace import (
    BOT_USER_ID,
    DROP_BEFORE,
    CannotDoThat,
    Reply,
    Workspace,
    buttons,
    rate_limited,
)
from tests.demo.builders import Json, plain
from tests.servers import serve


def button(text: str, action: str, value: str = "r1") -> Json:
    return {"type": "button", "text": plain(text), "action_id": action, "value": value}


CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*A draft* for R&D"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [button("Approve", "approve"), button("Revise", "revise")],
    },
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "revise_modal",
    "private_metadata": "r1",
    "notify_on_close": True,
    "title": plain("Revise"),
    "submit": plain("Send"),
    "blocks": [
        {
            "type": "input",
            "block_id": "feedback",
            "label": plain("What should change?"),
            "element": {
                "type": "plain_text_input",
                "action_id": "feedback",
                "multiline": True,
                "max_length": 20,
            },
        },
        {
            "type": "input",
            "block_id": "tone",
            "optional": True,
            "label": plain("Tone"),
            "element": {
                "type": "static_select",
                "action_id": "tone",
                "options": [{"text": plain("Warm"), "value": "w"}],
            },
        },
    ],
}
MODAL_UPDATED = {**MODAL, "title": plain("Sure?"), "blocks": MODAL["blocks"][:1]}


class Bot:
    """What a bot in tests has received, and what it does about it."""

    def __init__(self, slack: Workspace) -> None:
        self.received: list[Json] = []
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.app = AsyncApp(
            client=client,
            signing_secret=slack.signing_secret,
            raise_error_for_unhandled_request=False,
        )
        self.client = client
        self.answer: Json = {}
        self.app.action("approve")(self.on_approve)
        self.app.action("revise")(self.on_revise)
        self.app.action("more")(self.on_approve)
        self.app.view("revise_modal")(self.on_submit)
        self.app.view_closed("revise_modal")(self.on_anything)
        self.app.command("/crew")(self.on_command)
        self.app.event("message")(self.on_anything)
        self.app.event("app_home_opened")(self.on_home)

    async def on_approve(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        self.received.append(body)
        await ack()
        if "message" in body:
            channel, ts = body["channel"]["id"], body["message"]["ts"]
            await client.chat_update(channel=channel, ts=ts, text="Approved")

    async def on_revise(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        self.received.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await ack()

    async def on_submit(self, ack: Any, body: Json) -> None:
        self.received.append(body)
        await ack(**self.answer)

    async def on_command(self, ack: Any, body: Json) -> None:
        self.received.append(body)
        await ack(f"you said {body['text']}")

    async def on_home(self, event: Json, client: AsyncWebClient) -> None:
        self.received.append(event)
        blocks = [{"type": "actions", "elements": [button("More", "more")]}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async def on_anything(self, ack: Any, body: Json) -> None:
        self.received.append(body)
        await ack()


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        slack.add_user("U1", "ana", "ana@example.com")
        slack.add_user("U2", "ben")
        slack.add_channel("C1", "reviews", members=["U1", "U2"])
        yield slack


@pytest.fixture(params=["http", "socket"])
async def bot(slack: Workspace, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    bot = Bot(slack)
    if request.param == "http":
        async with serve(bot.app.server(path="/slack/events").web_app) as url:
            slack.events_url = f"{url}/slack/events"
            yield bot
    else:
        handler = AsyncSocketModeHandler(bot.app, slack.app_token, ping_interval=1)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await slack.until(lambda: slack.sockets == 1)
        yield bot
        await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
async def card(slack: Workspace, bot: Bot) -> str:
    """The ts of a card with two buttons."""
    answer = await bot.client.chat_postMessage(channel="#reviews", text="A draft", blocks=CARD)
    return str(answer["ts"])


async def test_a_stale_screen_still_has_its_buttons(slack: Workspace, bot: Bot, card: str) -> None:
    [before] = slack.messages("C1")
    await slack.click("U1", before, "approve")
    await slack.until(lambda: slack.fresh(before).text == "Approved")

    assert (await slack.click("U2", before, "Approve")).ok
    with pytest.raises(CannotDoThat, match="0 elements"):
        await slack.click("U2", slack.fresh(before), "Approve")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "required"),
        ({"feedback": ""}, "required"),
        ({"feedback": "x" * 21}, "at most 20"),
        ({"feedback": "x", "tone": "Cold"}, "no choice"),
        ({"feedback": "x", "colour": "red"}, "no field"),
    ],
)
async def test_the_client_does_not_send_a_bad_form(
    slack: Workspace, bot: Bot, card: str, values: dict[str, str], complaint: str
) -> None:
    await slack.click("U1", slack.messages("C1")[0], "Revise")
    received = len(bot.received)
    with pytest.raises(CannotDoThat, match=complaint):
        await slack.submit("U1", values)
    assert len(bot.received) == received


async def test_errors_keep_the_modal_open(slack: Workspace, bot: Bot, card: str) -> None:
    await slack.click("U1", slack.messages("C1")[0], "Revise")
    bot.answer = {"response_action": "errors", "errors": {"feedback": "Say more."}}
    reply = await slack.submit("U1", {"feedback": "x"})
    assert reply.errors == {"feedback": "Say more."}
    assert not reply.ok
    assert len(slack.open_modals("U1")) == 1

    bot.answer = {"response_action": "errors", "errors": {"elsewhere": "?"}}
    assert "errors" in (await slack.submit("U1", {"feedback": "x"})).problem


async def test_a_submission_can_update_push_and_clear(
    slack: Workspace, bot: Bot, card: str
) -> None:
    await slack.click("U1", slack.messages("C1")[0], "Revise")
    [first] = slack.open_modals("U1")
    bot.answer = {"response_action": "update", "view": MODAL_UPDATED}
    await slack.submit("U1", {"feedback": "x"})
    [updated] = slack.open_modals("U1")
    assert updated.id == first.id
    assert updated.hash != first.hash
    assert updated.content["title"]["text"] == "Sure?"

    bot.answer = {"response_action": "push", "view": MODAL}
    await slack.submit("U1", {"feedback": "x"})
    below, above = slack.open_modals("U1")
    assert (above.root_id, above.previous_id) == (below.id, below.id)

    bot.answer = {"response_action": "update", "view": {**MODAL, "title": plain("x" * 25)}}
    assert "title" in (await slack.submit("U1", {"feedback": "x"})).problem

    bot.answer = {"response_action": "clear"}
    await slack.submit("U1", {"feedback": "x"})
    assert slack.open_modals("U1") == []
    with pytest.raises(CannotDoThat, match="not open"):
        await slack.submit("U1", {"feedback": "x"}, view=above)


async def test_closing_a_modal_is_told_when_asked_for(
    slack: Workspace, bot: Bot, card: str
) -> None:
    await slack.click("U1", slack.messages("C1")[0], "Revise")
    reply = await slack.close_modal("U1")
    assert reply is not None
    assert reply.ok
    assert bot.received[-1]["type"] == "view_closed"
    with pytest.raises(CannotDoThat, match="no modal"):
        await slack.close_modal("U1")


async def test_a_command_is_answered_to_one_person(slack: Workspace, bot: Bot) -> None:
    reply = await slack.slash("U1", "C1", "/crew", "status a&b")
    assert reply.ok
    assert [message.text for message in slack.ephemerals("U1")] == ["you said status a&b"]
    assert slack.ephemerals("U2") == []
    assert slack.messages("C1") == []
    assert bot.received[-1]["channel_name"] == "reviews"


async def test_people_write_edit_and_delete(slack: Workspace, bot: Bot, card: str) -> None:
    written = await slack.write("U1", "C1", "What about <@U2>?", thread_ts=card)
    edited = await slack.edit_message("U1", written.message, "Never mind")
    await slack.delete_message(edited.message)

    first, second, third = (body["event"] for body in bot.received)
    assert written.message.pings == {"U2"}
    assert (first["text"], first["thread_ts"]) == ("What about <@U2>?", card)
    assert first["parent_user_id"] == BOT_USER_ID
    assert second["subtype"] == "message_changed"
    assert second["message"]["text"] == "Never mind"
    assert third["subtype"] == "message_deleted"
    assert third["deleted_ts"] == written.message.ts
    assert [message.ts for message in slack.thread("C1", card)] == [card]


async def test_an_event_is_repeated_under_the_same_id(slack: Workspace, bot: Bot) -> None:
    written = await slack.write("U1", "C1", "hello")
    assert (await slack.resend(written.delivery, retry_num=2)).ok
    first, second = bot.received
    assert first["event_id"] == second["event_id"]


async def test_a_bot_outside_hears_nothing(slack: Workspace, bot: Bot) -> None:
    slack.add_channel("C2", "quiet", members=["U1"], bot_is_member=False)
    written = await slack.write("U1", "C2", "psst")
    assert written.reply.problem == "the bot is not in the channel"
    assert bot.received == []
    with pytest.raises(CannotDoThat):
        await slack.write("U2", "C2", "me too")


async def test_home_has_buttons_too(slack: Workspace, bot: Bot) -> None:
    await slack.open_home("U1")
    home = await slack.until(lambda: slack.home("U1"))
    assert buttons(home) == ["More"]
    assert (await slack.click("U1", home, "More")).ok
    assert bot.received[-1]["container"] == {"type": "view", "view_id": home.id}
    with pytest.raises(CannotDoThat, match="only U1"):
        await slack.click("U2", home, "More")


async def test_one_web_client_fault_is_felt_by_the_bot(slack: Workspace, bot: Bot) -> None:
    slack.fail("chat.postMessage", rate_limited(7))
    with pytest.raises(Exception, match="ratelimited"):
        await bot.client.chat_postMessage(channel="C1", text="x")
    slack.fail("chat.postMessage", DROP_BEFORE, times=None)
    with pytest.raises(Exception, match="disconnected"):
        await bot.client.chat_postMessage(channel="C1", text="x")
    slack.clear_faults()
    await bot.client.chat_postMessage(channel="C1", text="x")
    assert [message.text for message in slack.messages("C1")] == ["x"]


@pytest.mark.parametrize("bot", ["http"], indirect=True)
async def test_bolt_refuses_bad_signatures(slack: Workspace, bot: Bot) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c"})
    good = await slack.send_raw(body, content_type="application/json")
    forged = await slack.send_raw(body, signature="v0=00")
    old = await slack.send_raw(body, timestamp="1000")
    assert [reply.status for reply in (good, forged, old)] == [200, 401, 401]
    assert good.body == {"challenge": "c"}


@pytest.mark.parametrize("bot", ["socket"], indirect=True)
async def test_a_socket_is_refreshed_and_works_on(slack: Workspace, bot: Bot) -> None:
    with pytest.raises(ValueError, match="events_url"):
        await slack.send_raw("x")
    await slack.refresh_socket()
    await slack.until(lambda: slack.sockets_ever == 2)
    assert (await slack.slash("U1", "C1", "/crew", "hi")).ok


async def test_nobody_there_is_a_reply_too(slack: Workspace) -> None:
    assert (await slack.slash("U1", "C1", "/crew")).problem == "no socket is connected"
    slack.events_url = "http://127.0.0.1:9/slack/events"
    reply = await slack.slash("U1", "C1", "/crew")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.ok) == (0, False)
