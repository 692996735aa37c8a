"""The playground in a real browser; without one, these tests are skipped."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from playwright.async_api import BrowserContext, Locator, Page, async_playwright, expect

from crewgate.demo.environment import Environment, start_environment
from crewgate.demo.playground.server import open_playground

expect.set_options(timeout=30_000)  # 5 s are too few beside other work
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # each page has its own; it keeps none ready for the next
)


def browser_path() -> str | None:
    """Return the path of the system's Chromium."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
async def window() -> AsyncIterator[BrowserContext]:
    """One browser for all tests, with a page that stays: its renderer serves all others.

    To begin a renderer takes the processor longer than most tests.
    """
    path = browser_path()
    if path is None:
        pytest.skip(f"no Chromium is installed (looked for {', '.join(BROWSERS)})")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        window = await launched.new_context(reduced_motion="reduce")
        await window.new_page()
        yield window
        await launched.close()


@dataclass
class Site:
    """A playground, its environment, and pages on it."""

    address: str
    environment: Environment
    window: BrowserContext
    errors: list[str]

    async def call(self, method: str, **args: Any) -> dict[str, Any]:
        """Call the workspace's Web API as the bot does."""
        headers = {"Authorization": f"Bearer {self.environment.workspace.bot_token}"}
        url = f"{self.environment.workspace.api_url}{method}"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url, json=args) as answer,
        ):
            told: dict[str, Any] = await answer.json()
        assert told["ok"], told
        return told

    async def page(self, person: str = "U0ANA", *, width: int = 1280) -> Page:
        """Open the page as this person sees it, in front of earlier pages.

        Chromium draws pages that are behind another one once a second: a click there takes two.
        """
        page = await self.window.new_page()
        await page.set_viewport_size({"width": width, "height": 800})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: self.errors.append(said.text) if "Security Policy" in said.text else None,
        )
        await page.goto(f"{self.address}?as={person}")
        await expect(page.locator("body[data-ready]")).to_be_attached()
        return page


@asynccontextmanager
async def open_site(
    window: BrowserContext, address: str, environment: Environment
) -> AsyncIterator[Site]:
    """Pages on a playground; fails the test when one had an error or broke its own policy."""
    errors: list[str] = []
    yield Site(address, environment, window, errors)
    for page in window.pages[1:]:
        if page.url.startswith(address):
            await page.evaluate("localStorage.clear()")
        await page.close()
    for user in [user for user, opened in environment.workspace.world.modals.items() if opened]:
        await environment.workspace.close_modal(user, all_of_them=True)
    assert errors == []


@pytest.fixture(scope="module")
async def playground(window: BrowserContext) -> AsyncIterator[tuple[str, Environment]]:
    """One playground for all tests of a module."""
    async with open_playground(port=0, task_seconds=0.05, say=lambda _: None) as opened:
        yield opened


@pytest.fixture
async def site(window: BrowserContext, playground: tuple[str, Environment]) -> AsyncIterator[Site]:
    """Pages on the module's playground, which may hold what earlier tests left in it."""
    async with open_site(window, *playground) as opened:
        yield opened


@pytest.fixture(scope="module")
async def environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Environment]:
    """A environment without a page, for all tests of a module."""
    folder = tmp_path_factory.mktemp("environment")
    async with start_environment(folder, task_seconds=0) as built:
        yield built


def card(page: Page, *texts: str) -> Locator:
    """The newest message in the channel that shows all of this."""
    found = page.locator("#channel .message")
    for text in texts:
        found = found.filter(has_text=text)
    return found.last


async def later_card(page: Page, *texts: str) -> Locator:
    """A later round's card: in the thread, where the one in the channel leads."""
    link = page.locator("#channel .message a").filter(has_text=re.compile(r"^Open round \d+$"))
    await link.last.click()
    found = page.locator("#thread .message")
    for text in texts:
        found = found.filter(has_text=text)
    return found.last


async def kick_off(page: Page, topic: str = "home batteries") -> None:
    """Start the sample crew, as a visitor would."""
    await page.get_by_label("A topic for the sample crew").fill(topic)
    await page.get_by_role("button", name="Kick off").click()


async def press(page: Page, where: Locator, name: str) -> None:
    """Press a button in a message, by its text or by what screen readers say."""
    shown = where.locator("button", has_text=re.compile(rf"^{re.escape(name)}$"))
    await shown.or_(where.get_by_role("button", name=name, exact=True)).click()
