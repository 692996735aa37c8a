"""`make screenshots`: the README's pictures, taken of the real thing."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page, async_playwright, expect

from crewgate.demo.playground.server import open_playground
from crewgate.runtime import utc_now
from tests.playground.conftest import FLAGS, browser_path, card, kick_off, later_card, press

FOLDER: Final = Path(__file__).parents[2] / "bot" / "crewgate" / "demo" / "screenshots"
#: Every station again, light and dark, on a desk and on a phone: to look at, not kept.
EVERY: Final = Path(__file__).parents[2] / ".screenshots"
WIDTHS: Final = (1200, 390)
DAY: Final = timedelta(days=1)
#: When the rule of the demo reminds, and a little more, in ms.
REMINDED: Final = 45_000
FEEDBACK: Final = "Add a source for every figure, and keep the reading short."


async def take() -> None:
    """Play half a review, and photograph its stations."""
    async with (
        async_playwright() as playwright,
        open_playground(port=0, task_seconds=0.2, say=lambda _: None) as (address, _),
    ):
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=[*FLAGS])
        page = await browser.new_page(
            viewport={"width": 1200, "height": 720}, reduced_motion="reduce"
        )
        await page.goto(address)
        await expect(page.locator("body[data-ready]")).to_be_attached()
        await play(page)
        await browser.close()


async def play(page: Page) -> None:
    """Channel, modal, thread and Home, in the order a visitor meets them."""
    await kick_off(page)
    first = card(page, "Market research", "round 1")
    await expect(first).to_be_visible()
    await shoot(page, "channel")
    await shoot_every(page, "channel")
    await press(page, first, "Revise")
    form = page.get_by_role("dialog", name="Revise")
    await form.get_by_label("What should change?").fill(FEEDBACK)
    await shoot(page, "modal")
    await shoot_every(page, "modal")
    await form.get_by_role("button", name="Send").click()
    second = await later_card(page, "Market research", "round 2")
    await expect(second).to_be_visible()
    await expect(card(page, "asked for a revision")).to_be_visible()
    await expect(page.locator("#thread .message").nth(1)).to_be_visible()
    await page.locator("#thread .composer textarea").fill("Looks right to me now.")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 1320, "height": 660})
    await page.locator("#thread .message").last.evaluate("(card) => card.scrollIntoView()")
    await shoot(page, "thread", width=948)
    await shoot_every(page, "thread")
    await press(page, second, "Changes")
    compared = page.get_by_role("dialog")
    await expect(compared).to_contain_text("changed")
    await shoot_every(page, "changes")
    await compared.get_by_role("button", name="Close", exact=True).last.click()
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1200, "height": 720})
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await expect(page.get_by_role("tab", name="Home")).to_be_visible()
    await expect(page.get_by_text("Waiting for you")).to_be_visible()
    await shoot(page, "home")
    await shoot_every(page, "home")
    await queue(page)
    await under_a_rule(page, second)


async def queue(page: Page) -> None:
    """A call on a phone, and *Start* in the middle of a queue."""
    await page.locator("#sidebar button").first.click()
    for topic in ("Launch article", "Mail to Acme"):
        await page.get_by_role("button", name=topic, exact=True).click()
        waits = card(page, topic)
        await expect(waits).to_be_visible()
    await shoot_phone(page, "call", waits)
    await shoot_every(page, "call", waits)
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await page.get_by_role("button", name="Start", exact=True).click()
    for place in ("1 of 3", "2 of 3", "3 of 3"):
        reader = page.get_by_role("dialog", name=place)
        await expect(reader).to_be_visible()
        await shoot_every(page, f"walk-{place[0]}")
        if place == "2 of 3":
            await shoot_phone(page, "walk", reader)
        await reader.get_by_role("button", name="Skip", exact=True).click()
    end = page.get_by_role("dialog", name="Waiting for you")
    await end.get_by_role("button", name="Close", exact=True).click()
    await ask_somebody(page)


async def ask_somebody(page: Page) -> None:
    """Ask Ben to look at a review, and see it in the thread, on the card and in Home."""
    await page.locator("#sidebar button").first.click()
    waits = card(page, "Launch article")
    await press(page, waits, "More actions")
    await page.get_by_role("menuitem", name="Ask somebody…").click()
    form = page.get_by_role("dialog", name="Ask somebody")
    await form.get_by_label("Who should look?").select_option(label="Ben")
    await form.get_by_label("Why?").fill("You know this customer.")
    await shoot_every(page, "refer")
    await form.get_by_role("button", name="Ask", exact=True).click()
    await expect(waits).to_contain_text("asked by")
    await shoot_every(page, "referred", waits)


async def under_a_rule(page: Page, second: Locator) -> None:
    """A rule for two approvals, and the form for absences: to look at, not kept."""
    await page.locator("#sidebar button").first.click()
    await later_card(page, "Market research", "round 2")
    note = page.locator("#thread .composer textarea")
    await note.fill("The figures need a year.")
    await note.press("Enter")
    await expect(second).to_contain_text("1 note from")
    await press(page, second, "Approve")
    asks = page.get_by_role("dialog", name="Before you approve")
    await expect(asks.locator(".alert")).to_be_visible()
    await shoot_every(page, "asks")
    await asks.get_by_role("button", name="Approve anyway").click()
    recorded = page.get_by_role("dialog", name="Recorded")
    await recorded.get_by_role("button", name="Close", exact=True).last.click()
    await teach(page)
    two = card(page, "Board summary", "round 1", "home batteries")
    await press(page, two, "Approve")
    await expect(two).to_contain_text("1 of 2")
    await shoot_every(page, "rule", two)
    composer = page.locator("#channel .composer textarea")
    await composer.fill("/crew rules")
    await composer.press("Enter")
    rules = card(page, "has 2 rules")
    await expect(rules).to_be_visible()
    await shoot_every(page, "rules", rules)
    await composer.fill("/crew away")
    await composer.press("Enter")
    form = page.get_by_role("dialog", name="While you are away")
    await expect(form).to_be_visible()
    await shoot_every(page, "away")
    await form.get_by_label("Last day").fill((utc_now() + DAY).date().isoformat())
    await form.get_by_label("Who decides for you").select_option(label="Ben")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("decides for you until")
    await shoot_every(page, "set")
    await form.get_by_role("button", name="Close", exact=True).click()
    reminder = await later_card(page, "still waits for 1 more approval")
    await expect(reminder).to_be_visible(timeout=REMINDED)
    await shoot_every(page, "reminded", reminder)
    await calls(page)


async def calls(page: Page) -> None:
    """The forms of a tool's call, and the cards of two that are decided."""
    begin = page.get_by_role("button", name="Mail to Acme", exact=True)
    waits = card(page, "wants to use")
    form = page.get_by_role("dialog")
    await page.get_by_role("button", name="Close thread").click()
    await press(page, waits, "Change")
    await form.get_by_label("to", exact=True).fill("ann@acme.example")
    await shoot_every(page, "change")
    await form.get_by_role("button", name="Approve with these").click()
    await page.get_by_role("link", name="Open the changed call").click()
    ran = page.locator("#thread .message").filter(has_text="It ran and returned")
    await expect(ran).to_be_visible()
    await shoot_every(page, "ran", ran)
    await page.get_by_role("button", name="Close thread").click()
    await begin.click()
    await press(page, waits, "Refuse")
    await form.get_by_label("Why not?").fill("The contract is not signed yet.")
    await shoot_every(page, "refuse")
    await form.get_by_role("button", name="Refuse").click()
    refused = card(page, "send_email refused by")
    await expect(refused).to_be_visible()
    await shoot_every(page, "refused", refused)


async def teach(page: Page) -> None:
    """Keep the approved wish as a lesson, in the open thread."""
    thread = page.locator("#thread .message")
    offer = thread.filter(has_text="You had asked for this")
    await expect(offer).to_be_visible()
    await shoot_every(page, "lesson-offer", offer)
    await press(page, offer, "Keep as a lesson…")
    form = page.get_by_role("dialog", name="Keep as a lesson")
    await expect(form).to_be_visible()
    await shoot_every(page, "lesson-form")
    await form.get_by_role("button", name="Propose").click()
    proposed = page.get_by_role("dialog", name="Proposed")
    await proposed.get_by_role("button", name="Close", exact=True).last.click()
    lesson = thread.filter(has_text="A lesson for research")
    await expect(lesson).to_be_visible()
    await shoot_phone(page, "lesson", lesson)
    await shoot_every(page, "lesson-proposed", lesson)
    await press(page, lesson, "Keep")
    lesson = thread.filter(has_text="A lesson of research, kept by")
    await expect(lesson).to_be_visible()
    await shoot_every(page, "lesson-kept", lesson)
    await page.get_by_role("button", name="Close thread").click()
    await kick_off(page, "heat pumps")
    taught = card(page, "heat pumps", "with 1 lesson")
    await expect(taught).to_be_visible()
    await shoot_every(page, "lesson-given", taught)
    await press(page, taught, "More actions")
    await page.get_by_role("menuitem", name="Lessons given").click()
    given = page.get_by_role("dialog", name="Lessons given")
    await expect(given).to_be_visible()
    await shoot_every(page, "lesson-texts")
    await given.get_by_role("button", name="Close", exact=True).last.click()
    await press(page, taught, "Approve")
    await expect(card(page, "Market research approved by", "heat pumps")).to_be_visible()
    composer = page.locator("#channel .composer textarea")
    await composer.fill("/crew lessons")
    await composer.press("Enter")
    listed = card(page, "Lessons of research")
    await expect(listed).to_be_visible()
    await shoot_every(page, "lessons", listed)


async def shoot(page: Page, name: str, *, width: int | None = None) -> None:
    """One picture, without a blinking caret; of the left part only when a width is given."""
    size = page.viewport_size
    assert size is not None
    await page.mouse.move(0, 0)
    await page.screenshot(
        path=FOLDER / f"{name}.png",
        caret="hide",
        animations="disabled",
        clip={"x": 0, "y": 0, "width": width or size["width"], "height": size["height"]},
    )


async def shoot_phone(page: Page, name: str, what: Locator) -> None:
    """A message or window as wide as a phone shows it; the page is as before afterwards."""
    before = page.viewport_size
    assert before is not None
    await page.set_viewport_size({"width": WIDTHS[1], "height": 844})
    await what.evaluate("(shown) => shown.scrollIntoView()")
    await what.screenshot(path=FOLDER / f"{name}.png", caret="hide", animations="disabled")
    await page.set_viewport_size(before)


async def shoot_every(page: Page, name: str, what: Locator | None = None) -> None:
    """Take pictures in both colour schemes and widths; the page is as before afterwards.

    With `what`, scrolled to that message.
    """
    before = page.viewport_size
    assert before is not None
    EVERY.mkdir(exist_ok=True)
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 844})
            if what is not None:
                await what.evaluate("(message) => message.scrollIntoView()")
            path = EVERY / f"{name}-{scheme}-{width}.png"
            await page.screenshot(path=path, caret="hide", animations="disabled")
    await page.set_viewport_size(before)


if __name__ == "__main__":
    if browser_path() is None:
        sys.exit("No Chromium is installed; on Debian: apt-get install chromium")
    asyncio.run(take())
