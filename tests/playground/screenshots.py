"""`make screenshots`: the README's pictures, taken of the real thing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright, expect

from bot.demo.playground.serve import open_playground
from tests.playground.conftest import FLAGS, browser_path, card, kick_off, later_card, press

FOLDER: Final = Path(__file__).parents[2] / "bot" / "demo" / "screenshots"
#: Every station again, light and dark, on a desk and on a phone: to look at, not kept.
EVERY: Final = Path(__file__).parents[2] / ".screenshots"
WIDTHS: Final = (1200, 390)
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
    form = page.get_by_role("dialog", name="Ask for changes")
    await form.get_by_label("What should change?").fill(FEEDBACK)
    await shoot(page, "modal")
    await shoot_every(page, "modal")
    await form.get_by_role("button", name="Send").click()
    second = await later_card(page, "Market research", "round 2")
    await expect(second).to_be_visible()
    await expect(card(page, "asked for changes to Market research")).to_be_visible()
    await expect(page.locator("#thread .message").nth(1)).to_be_visible()
    await page.locator("#thread .composer textarea").fill("Looks right to me now.")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 1320, "height": 660})
    await page.locator("#thread .message").last.evaluate("(card) => card.scrollIntoView()")
    await shoot(page, "thread", width=948)
    await shoot_every(page, "thread")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1200, "height": 720})
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await expect(page.get_by_role("tab", name="Home")).to_be_visible()
    await expect(page.get_by_text("Waiting for you")).to_be_visible()
    await shoot(page, "home")
    await shoot_every(page, "home")


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


async def shoot_every(page: Page, name: str) -> None:
    """What is shown, in both colour schemes and widths; the page is as before afterwards."""
    before = page.viewport_size
    assert before is not None
    EVERY.mkdir(exist_ok=True)
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 844})
            path = EVERY / f"{name}-{scheme}-{width}.png"
            await page.screenshot(path=path, caret="hide", animations="disabled")
    await page.set_viewport_size(before)


if __name__ == "__main__":
    if browser_path() is None:
        sys.exit("No Chromium is installed; on Debian: apt-get install chromium")
    asyncio.run(take())
