"""Every block and element Slack has and the bot may use: how it looks, and what using it sends."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import expect

from crewgate.demo.environment import ANA, CHANNEL
from tests.demo.builders import fake_crew
from tests.playground.conftest import Site, card
from tests.servers import serve, takes_posts
from tests.standins.crew import pause


@dataclass
class StandInBot:
    """Listens in place of the bot; records payloads and answers each with `answer`."""

    received: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)

    async def listen(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.received.append(json.loads(str(form["payload"])))
        return web.json_response(self.answer) if self.answer else web.Response()

    @property
    def action(self) -> dict[str, Any]:
        found: dict[str, Any] = self.received[-1]["actions"][0]
        return found


@pytest.fixture
async def bot(site: Site) -> AsyncIterator[StandInBot]:
    bot = StandInBot()
    before = site.environment.workspace.events_url
    async with serve(takes_posts("/", bot.listen)) as url:
        site.environment.workspace.events_url = url
        yield bot
        site.environment.workspace.events_url = before


def text(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def option(words: str) -> dict[str, Any]:
    return {"text": text(words), "value": words.lower()}


OPTIONS = [option("One"), option("Two"), option("Three")]


def asked(label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": label.lower(),
        "label": text(label),
        "element": {"action_id": f"do_{label.lower()}", **element},
        **more,
    }


async def post(site: Site, *blocks: dict[str, Any]) -> None:
    await site.call("chat.postMessage", channel=CHANNEL, text="Hello", blocks=list(blocks))


def modal(*blocks: dict[str, Any], title: str = "A form") -> dict[str, Any]:
    return {
        "type": "modal",
        "title": text(title),
        "submit": text("Send"),
        "close": text("Cancel"),
        "blocks": list(blocks),
    }


async def open_modal(site: Site, view: dict[str, Any]) -> dict[str, Any]:
    trigger = site.environment.workspace.world.new_trigger(ANA)
    opened: dict[str, Any] = (await site.call("views.open", trigger_id=trigger, view=view))["view"]
    return opened


async def test_a_chart_shows_its_values(site: Site) -> None:
    page = await site.page()
    series = [
        {"name": name, "data": [{"label": label, "value": value} for label in ("legal", "ops")]}
        for name, value in (("Now", 5.5), ("Before", 2))
    ]
    bar = {"type": "bar", "series": series, "axis_config": {"categories": ["legal", "ops"]}}
    await post(site, {"type": "data_visualization", "title": "Hours", "chart": bar})
    chart = page.locator("figure.chart").last
    await expect(chart).to_contain_text("Hours")
    await expect(chart.locator(".bars")).to_have_text(["legal5.52", "ops5.52"])


async def test_a_message_of_every_kind_of_block(site: Site) -> None:
    page = await site.page()
    leaf = {"type": "text", "text": "rich", "style": {"bold": True}}
    await post(
        site,
        {"type": "header", "text": text("A headline")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*bold* <!date^1800000000^{date_num}|then>"},
            "fields": [{"type": "mrkdwn", "text": "_field_"}, text("another")],
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"by <@{ANA}>"}]},
        {"type": "markdown", "text": "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```"},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [leaf]}],
        },
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "A chart"},
    )
    shown = card(page, "A headline")
    await expect(shown.get_by_role("heading", name="A headline")).to_be_visible()
    await expect(shown.locator("b", has_text="bold")).to_be_visible()
    await expect(shown.locator("time[data-unix]")).to_have_text("2027-01-15")
    await expect(shown.locator(".fields .text")).to_have_count(2)
    await expect(shown.locator("hr")).to_be_visible()
    await expect(shown.locator(".context .mention.me")).to_have_text("@Ana")
    await expect(shown.get_by_role("cell", name="2")).to_be_visible()
    await expect(shown.locator("pre")).to_have_text("code")
    await expect(shown.locator(".rich b")).to_have_text("rich")
    await expect(shown.get_by_role("img", name="A chart")).to_be_visible()


async def test_buttons_ask_first_when_told_to_and_menus_offer_their_options(
    site: Site, bot: StandInBot
) -> None:
    page = await site.page()
    confirm = {
        "title": text("Really?"),
        "text": {"type": "mrkdwn", "text": "It *cannot* be undone."},
        "confirm": text("Do it"),
        "deny": text("Keep"),
        "style": "danger",
    }
    menu = {"type": "overflow", "action_id": "menu", "options": OPTIONS}
    danger = {"type": "button", "action_id": "stop", "text": text("Stop"), "style": "danger"}
    chosen = {"type": "static_select", "action_id": "pick", "options": OPTIONS}
    await post(
        site,
        {"type": "section", "text": text("Choose"), "accessory": menu},
        {"type": "actions", "elements": [{**danger, "confirm": confirm}, chosen]},
    )
    shown = card(page, "Choose")
    await shown.get_by_role("button", name="Stop").click()
    question = page.get_by_role("dialog", name="Really?")
    await question.get_by_role("button", name="Keep").click()
    await expect(question).to_be_hidden()
    assert bot.received == []
    await shown.get_by_role("button", name="Stop").click()
    async with page.expect_response("**/do/use"):
        await question.get_by_role("button", name="Do it").click()
    assert bot.action["action_id"] == "stop"

    opener = shown.get_by_role("button", name="More actions")
    await opener.press("Enter")
    await expect(page.get_by_role("menuitem", name="One")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("menu")).to_be_hidden()
    await opener.press("Enter")
    await expect(page.get_by_role("menuitem", name="One")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    async with page.expect_response("**/do/use"):
        await page.keyboard.press("Enter")
    assert bot.action["selected_option"]["value"] == "two"

    async with page.expect_response("**/do/use"):
        await shown.get_by_role("combobox").select_option("Three")
    assert bot.action["selected_option"]["value"] == "three"


async def test_an_alert_is_drawn_by_its_level(site: Site) -> None:
    page = await site.page()
    levels = ("default", "info", "warning", "error", "success")
    alerts = [
        {"type": "alert", "level": one, "text": {"type": "mrkdwn", "text": f"*{one}*"}}
        for one in levels
    ]
    await open_modal(site, modal(*alerts))
    form = page.get_by_role("dialog", name="A form")
    await expect(form.locator(".alert b")).to_have_text(levels)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for one in levels:
            painted = form.locator(f".alert.{one}")
            await expect(painted).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")


async def test_a_form_of_every_kind_of_input(site: Site, bot: StandInBot) -> None:
    page = await site.page()
    select = {"type": "static_select", "options": OPTIONS, "placeholder": text("Which?")}
    await open_modal(
        site,
        modal(
            asked("Name", {"type": "plain_text_input", "max_length": 5}, hint=text("Short.")),
            asked("Story", {"type": "plain_text_input", "multiline": True, "focus_on_load": True}),
            asked("Menu", select),
            asked("Person", {"type": "users_select"}),
            asked("Day", {"type": "datepicker", "initial_date": "2026-01-02"}),
        ),
    )
    form = page.get_by_role("dialog", name="A form")
    await expect(form.get_by_label("Story")).to_be_focused()
    await form.get_by_role("button", name="Send").click()
    await expect(form.locator(".error:visible")).to_have_count(4)
    await expect(form.get_by_label("Name")).to_be_focused()
    assert bot.received == []

    await form.get_by_label("Name").fill("too long")
    await form.get_by_label("Story").fill("one\ntwo")
    await form.get_by_label("Menu").select_option("Two")
    await form.get_by_label("Person").select_option("Ben")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("3 characters too long")).to_be_visible()

    bot.answer = {"response_action": "errors", "errors": {"name": "Taken."}}
    await form.get_by_label("Name").fill("Ada")
    await form.get_by_label("Name").press("Enter")
    await expect(form.get_by_text("Taken.")).to_be_visible()
    await expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "")
    bot.answer = {}
    await form.get_by_label("Name").press("Enter")
    await expect(form).to_be_hidden()

    values = bot.received[-1]["view"]["state"]["values"]
    entered = {block: next(iter(inputs.values())) for block, inputs in values.items()}
    assert entered["name"]["value"] == "Ada"
    assert entered["story"]["value"] == "one\ntwo"
    assert entered["menu"]["selected_option"]["value"] == "two"
    assert entered["person"]["selected_user"] == "U0BEN"
    assert entered["day"]["selected_date"] == "2026-01-02"


async def test_a_form_that_changes_keeps_what_was_entered_and_one_may_lie_on_another(
    site: Site, bot: StandInBot
) -> None:
    page = await site.page()
    name = asked("Name", {"type": "plain_text_input"})
    button = {"type": "button", "action_id": "more", "text": text("More")}
    view = await open_modal(site, modal(name, {"type": "actions", "elements": [button]}))
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("Ada")
    async with page.expect_response("**/do/use"):
        await form.get_by_role("button", name="More").click()
    entered = bot.received[-1]["view"]["state"]["values"]["name"]["do_name"]["value"]
    assert entered == "Ada"

    divider = {"type": "divider"}
    await site.call("views.update", view_id=view["id"], view=modal(divider, name, title="Wider"))
    await expect(page.get_by_role("dialog", name="Wider")).to_be_visible()
    await expect(form.get_by_label("Name")).to_have_value("Ada")

    trigger = site.environment.workspace.world.new_trigger(ANA)
    await site.call("views.push", trigger_id=trigger, view=modal(divider, title="On top"))
    await expect(page.get_by_role("dialog", name="On top")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Wider")).to_be_visible()
    await form.get_by_role("button", name="Cancel").click()
    await expect(form).to_be_hidden()


async def test_a_form_that_cannot_be_sent_says_so_and_keeps_the_text(
    site: Site, bot: StandInBot
) -> None:
    page = await site.page()
    await open_modal(site, modal(asked("Name", {"type": "plain_text_input"})))
    site.environment.workspace.events_url = "http://127.0.0.1:9/"
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("Ada")
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_text("trouble connecting")).to_be_visible()
    await expect(form.get_by_label("Name")).to_have_value("Ada")


async def test_home_is_a_surface_like_any_other(site: Site, bot: StandInBot) -> None:
    page = await site.page()
    await site.call("chat.postMessage", channel=ANA, text="A reminder")
    button = {"type": "button", "action_id": "go", "text": text("Go")}
    view = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    await site.call("views.publish", user_id=ANA, view=view)
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    async with page.expect_response("**/do/use"):
        await page.get_by_role("tabpanel").get_by_role("button", name="Go").click()
    assert bot.action["action_id"] == "go"
    await page.get_by_role("tab", name="Messages").press("Enter")
    await expect(page.get_by_role("tab", name="Messages")).to_be_focused()
    await expect(page.get_by_text("A reminder")).to_be_visible()
    await site.environment.workspace.write("U0BEN", CHANNEL, "Hello")
    await expect(page.locator("#sidebar .unread")).to_have_text("crew-reviews")
    await page.get_by_role("button", name="crew-reviews").click()
    await expect(page.locator("#sidebar .unread")).to_have_count(0)
    await expect(card(page, "Hello")).to_be_visible()


async def test_reactions_and_files_are_shown_with_the_message(site: Site) -> None:
    page = await site.page()
    posted = await site.call("chat.postMessage", channel=CHANNEL, text="See :tada:")
    where = {"channel": CHANNEL, "timestamp": posted["ts"]}
    await site.call("reactions.add", **where, name="eyes")
    await expect(card(page, "See 🎉").locator(".reaction")).to_have_text("👀1")

    await pause(fake_crew(site.environment), "e-1", "long", "A very long text. " * 2_000)
    shown = card(page, "round 1")
    await shown.get_by_text("1 reply").click()
    file = page.locator("#thread .file")
    await expect(file).to_contain_text("long-round-1-")
    await file.get_by_text("Preview").click()
    await expect(file.locator("pre")).to_contain_text("A very long text.")
    async with page.expect_popup() as opened:
        await file.get_by_role("link").click()
    popup = await opened.value
    await expect(popup.locator("body")).to_contain_text("A very long text.")
