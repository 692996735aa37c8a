"""Home under a real pointer: a double click decides once, whatever moves."""

import pytest
from playwright.async_api import Locator, Page, expect

from crewgate.demo.environment import CHANNEL
from tests.demo.builders import fake_crew
from tests.playground.conftest import Site
from tests.standins.crew import pause

PHONE = 600
"""A narrower page shows one thing at a time."""


async def home_of_two(site: Site, width: int = 1280, first: str = "") -> Page:
    """Ana's Home with two drafts that wait, of which the first may be longer."""
    workspace = site.environment.workspace
    before = len(workspace.messages(CHANNEL))
    for number, more in ((1, first), (2, "")):
        output = f"Draft {number}.{more}"
        await pause(fake_crew(site.environment), f"e-{before + number}", "draft", output)
    await workspace.until(lambda: len(workspace.messages(CHANNEL)) == before + 2)
    page = await site.page(width=width)
    if width < PHONE:
        await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await expect(page.locator(".home").get_by_text("Waiting for you: 2")).to_be_visible()
    return page


async def middle(button: Locator) -> tuple[float, float]:
    """Return the middle of an element, for the pointer."""
    box = await button.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def the_second_decided(page: Page) -> None:
    """Leave nothing that waits."""
    await page.keyboard.press("Escape")
    await page.locator(".home").get_by_role("button", name="Approve").click()
    await expect(page.locator(".home").get_by_text("Waiting for you: 0")).to_be_visible()


def decided(site: Site) -> list[str]:
    """The drafts whose decisions the crew has."""
    return [resume.execution_id for resume in fake_crew(site.environment).resumes]


@pytest.mark.parametrize("first", ["", " It is long." * 10])
@pytest.mark.parametrize("width", [1280, 390])
async def test_a_second_click_on_one_spot_approves_no_other(
    site: Site, width: int, first: str
) -> None:
    """A decided row is as high as before: what is below it does not come under the pointer."""
    before = decided(site)
    page = await home_of_two(site, width, first)
    home = page.locator(".home")
    spot = await middle(home.get_by_role("button", name="Approve").first)

    await page.mouse.click(*spot)
    await expect(home.get_by_text("Waiting for you: 1")).to_be_visible()
    await page.mouse.click(*spot)

    # The same row is there still, with nothing that decides; on a phone its text may be longer.
    if width > PHONE:
        await expect(page.get_by_role("dialog")).to_contain_text("Draft 1.")
        await page.keyboard.press("Escape")
    await home.get_by_role("button", name="Revise").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Draft 2.")
    assert decided(site) == [*before, f"e-{len(before) + 1}"]
    await the_second_decided(page)


async def test_a_double_click_is_one_decision(site: Site) -> None:
    before = decided(site)
    page = await home_of_two(site)
    home = page.locator(".home")

    await page.mouse.dblclick(*await middle(home.get_by_role("button", name="Approve").first))

    await expect(home.get_by_text("Waiting for you: 1")).to_be_visible()
    await expect(home.get_by_role("button", name="Approve")).to_have_count(1)
    await expect(home.get_by_text("Draft 1.")).to_be_visible()
    await fake_crew(site.environment).until(lambda: len(decided(site)) > len(before))
    assert decided(site) == [*before, f"e-{len(before) + 1}"]
    await the_second_decided(page)
