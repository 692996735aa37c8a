"""The page itself: safe with any output, readable on any screen, gone when it should be."""

from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from crewgate.demo.environment import CHANNEL
from tests.demo.builders import fake_crew
from tests.playground.conftest import Site, card, kick_off, press
from tests.standins.crew import SAMPLE

EVIL = """# A title <img src=x onerror="window.hit=1">

<script>window.hit = 2</script>

[click](javascript:window.hit=3) [data](data:text/html,<script>window.hit=4</script>)
![picture](https://example.com/x.png" onerror="window.hit=5)

<a href="https://evil.example">good.example</a> <!channel> <@U0BEN>
"""


async def test_nothing_in_an_agent_s_output_runs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await site.page()
    draft = replace(SAMPLE[0], name="<b>draft</b>", produce=lambda *_: EVIL)
    monkeypatch.setattr(fake_crew(site.environment), "script", (draft,))
    await kick_off(page, "<script>window.hit = 6</script>")
    # The bot defuses what it shows; the page must be safe without that, too.
    await site.call(
        "chat.postMessage",
        channel=CHANNEL,
        text="x",
        blocks=[
            {"type": "markdown", "text": EVIL},
            {"type": "section", "text": {"type": "mrkdwn", "text": EVIL}},
        ],
    )
    raw = card(page, "<script>window.hit = 2</script>")
    await expect(raw.locator("a")).to_have_count(1)
    await page.locator(".steps summary").click()
    await expect(page.locator(".steps .markdown")).to_contain_text("window.hit = 2</script>")
    await press(page, card(page, "<b>draft</b>"), "Revise")
    await expect(page.get_by_role("dialog")).to_be_visible()

    assert await page.evaluate("window.hit") is None
    unsafe = ":is(.blocks, .steps) :is(img, script, iframe, style, [onerror])"
    assert await page.locator(unsafe).count() == 0
    links = page.locator(":is(.blocks, .steps) a")
    targets = await links.evaluate_all("(all) => all.map((a) => [a.protocol, a.rel])")
    assert targets
    assert all(target == ["https:", "noopener noreferrer"] for target in targets)


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    found: int = await page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    return found


async def test_a_phone_s_width_needs_no_sideways_scrolling(site: Site) -> None:
    page = await site.page(width=390)
    assert await overflow(page) <= 0
    await page.get_by_role("button", name="The crew").click()
    await kick_off(page)
    await expect(page.locator(".steps .paused").first).to_be_visible()
    assert await overflow(page) <= 0
    await page.get_by_role("button", name="Slack", exact=True).click()
    await expect(card(page, "round 1")).to_be_visible()
    for pane in ("#channel .messages", "#crew .scroll"):
        wide = await page.locator(pane).evaluate("(pane) => pane.scrollWidth - pane.clientWidth")
        assert wide <= 0

    await press(page, card(page, "round 1"), "Revise")
    box = await page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_text("Ben", exact=True).click()
    await expect(page.locator("body[data-ready=U0BEN]")).to_be_attached()
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await expect(page.get_by_role("tab", name="Home")).to_be_visible()
    assert await overflow(page) <= 0


async def test_the_colours_follow_the_system_until_somebody_chooses(site: Site) -> None:
    page = await site.page()
    paper = "getComputedStyle(document.getElementById('channel')).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(26, 29, 33)"
    assert await page.evaluate(paper) == light
    await page.emulate_media(color_scheme="dark")
    assert await page.evaluate(paper) == dark
    await page.get_by_role("button", name="Colours: as the system").click()
    assert await page.evaluate(paper) == light
    await page.reload()
    await expect(page.locator("body[data-ready]")).to_be_attached()
    assert await page.evaluate(paper) == light
    await page.get_by_role("button", name="Colours: light").click()
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate(paper) == dark


async def test_the_page_says_when_the_demo_has_ended(site: Site) -> None:
    page = await site.page()
    await page.route("**/do/*", lambda route: route.abort())
    await page.get_by_role("button", name="Kick off").click()
    await expect(page.get_by_text("the demo has ended")).to_be_visible()
