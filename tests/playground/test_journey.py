"""A visitor's acts on the page, in a real browser, with the real bot behind it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import BrowserContext, Page, expect

from crewgate.demo.environment import CHANNEL
from crewgate.demo.playground.server import open_playground
from crewgate.runtime import utc_now
from tests.playground.conftest import Site, card, kick_off, later_card, open_site, press
from tests.standins.crew import State
from tests.standins.workspace import message_text

#: A start of the bot, in ms.
STARTS = 20_000
FEEDBACK = "Add a source for every figure, and keep the reading short."


@pytest.fixture
async def site(window: BrowserContext) -> AsyncIterator[Site]:
    """Pages on a playground in which nobody was before."""
    async with (
        open_playground(port=0, task_seconds=0.05, say=lambda _: None) as opened,
        open_site(window, *opened) as pages,
    ):
        yield pages


async def test_a_review_from_kickoff_to_the_lesson_with_the_bot_killed_in_between(
    site: Site,
) -> None:
    page = await site.page()
    await kick_off(page)
    first = card(page, "Market research", "round 1")
    await expect(first.get_by_role("cell", name="Northwind")).to_be_visible()

    await press(page, first, "Revise")
    form = page.get_by_role("dialog", name="Revise")
    await expect(form.get_by_label("What should change?")).to_be_focused()
    await form.get_by_role("button", name="Send").click()
    await expect(form.get_by_role("alert").filter(has_text="required")).to_be_visible()
    await form.get_by_label("What should change?").fill(FEEDBACK)
    await form.get_by_role("button", name="Send").click()
    await expect(form).to_be_hidden()

    second = await later_card(page, "Market research", "round 2")
    await expect(second.get_by_role("columnheader", name="Source")).to_be_visible()
    await expect(second.get_by_text(FEEDBACK).first).to_be_visible()

    await page.get_by_role("button", name="Kill").click()
    await expect(page.locator("#bot")).to_have_text("down")
    await press(page, second, "Approve")
    await expect(second.locator(".failed")).to_be_visible()
    await expect(page.get_by_text("That did not work: the bot is not running.")).to_be_visible()
    await expect(page.locator("#outage")).to_contain_text("The bot was killed here, on this page.")
    await kick_off(page)
    await expect(page.get_by_text("did not start: the bot is not running.")).to_be_visible()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator("#bot")).to_have_text("running", timeout=STARTS)
    await press(page, second, "Approve")

    third = card(page, "Board summary", "round 1")
    await expect(third.locator("pre")).to_contain_text("growth = 0.18")
    await press(page, third, "Approve")
    await expect(third).to_contain_text("1 of 2: @Ana")
    await press(page, third, "Take back my approval")
    await expect(third).not_to_contain_text("1 of 2")
    await press(page, third, "Approve")
    await expect(third).to_contain_text("1 of 2: @Ana")
    ben = await site.page("U0BEN")
    await press(ben, card(ben, "Board summary", "round 1"), "Approve")
    await expect(page.locator(".execution .outcome")).to_have_text(
        "Completed. The result is the last task's output."
    )
    await expect(page.locator("#crew-state")).to_have_text("Completed")
    [execution] = site.environment.crew.executions
    assert execution.state is State.COMPLETED
    verdicts = [resume.is_approve for resume in site.environment.crew.resumes]
    assert verdicts == [False, True, True]
    assert site.environment.crew.resumes[0].human_feedback == FEEDBACK

    await page.bring_to_front()
    await keep_the_lesson(page)


async def keep_the_lesson(page: Page) -> None:
    """Keep what was asked for; the next execution is right at once."""
    thread = page.locator("#thread .message")
    await press(page, thread.filter(has_text="You had asked for this"), "Keep as a lesson…")
    form = page.get_by_role("dialog", name="Keep as a lesson")
    await form.get_by_role("button", name="Propose").click()
    proposed = page.get_by_role("dialog", name="Proposed")
    await proposed.get_by_role("button", name="Close", exact=True).last.click()
    await press(page, thread.filter(has_text="A lesson for research"), "Keep")
    await expect(thread.filter(has_text="A lesson of research, kept by")).to_be_visible()
    await kick_off(page, "heat pumps")
    taught = card(page, "heat pumps", "with 1 lesson")
    await expect(taught.get_by_role("columnheader", name="Source")).to_be_visible()


async def test_somebody_who_may_not_decide_is_told_so_and_nobody_else_sees_it(site: Site) -> None:
    ana, page = await site.page("U0ANA"), await site.page("U0CARL")

    async def act_as(name: str) -> None:
        await page.get_by_text(name, exact=True).click()
        await expect(page.locator(f"body[data-ready=U0{name.upper()}]")).to_be_attached()

    await kick_off(page)
    await press(page, card(page, "round 1"), "Approve")
    told = page.locator("#channel .message.private")
    await expect(told).to_contain_text("Only visible to you")
    await expect(told).to_contain_text("not a reviewer")
    await expect(card(ana, "round 1").get_by_role("button", name="Approve")).to_be_visible()
    await expect(ana.locator(".message.private")).to_have_count(0)
    await act_as("Ben")
    await expect(told).to_have_count(0)
    await act_as("Carl")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(told).to_have_count(0)
    assert not site.environment.crew.resumes

    await act_as("Ben")
    await press(page, card(page, "round 1"), "Approve")
    await expect(card(page, "Market research")).to_contain_text("approved by @Ben")


async def test_who_goes_away_by_the_form_is_stood_in_for(site: Site) -> None:
    carl, ana = await site.page("U0CARL"), await site.page()
    composer = ana.locator("#channel .composer textarea")
    await composer.fill("/crew away")
    await composer.press("Enter")
    form = ana.get_by_role("dialog", name="While you are away")
    day = form.get_by_label("Last day")
    await day.fill("2020-01-01")
    await form.get_by_label("Who decides for you").select_option(label="Carl")
    await form.get_by_role("button", name="Save").click()
    await expect(
        form.get_by_role("alert").filter(has_text="That day is in the past.")
    ).to_be_visible()
    await day.fill((utc_now() + timedelta(days=1)).date().isoformat())
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("@Carl decides for you until the end of")

    await carl.bring_to_front()
    await kick_off(carl)
    waiting = card(carl, "Market research", "round 1")
    await expect(waiting).to_contain_text("@Ana, @Ben and @Carl for @Ana: please decide.")
    await press(carl, waiting, "Approve")
    await expect(card(carl, "Market research")).to_contain_text("approved by @Carl for @Ana")


async def test_a_command_is_answered_in_private_and_its_link_leads_to_the_card(site: Site) -> None:
    page = await site.page()
    await kick_off(page)
    await expect(card(page, "round 1")).to_be_visible()
    composer = page.locator("#channel .composer textarea")
    await composer.press_sequentially("/cr")
    await expect(page.get_by_text("what waits for a decision")).to_be_visible()
    await composer.fill("/crew pending")
    await composer.press("Enter")

    answer = card(page, "Only visible to you")
    await expect(answer).to_contain_text("Market research")
    pages = [*page.context.pages]
    await answer.get_by_role("link").first.click()
    await expect(page.locator("#channel .message.highlighted")).to_contain_text("round 1")
    assert page.context.pages == pages


async def test_messages_in_a_thread_are_written_edited_and_deleted(site: Site) -> None:
    other, page = await site.page("U0BEN"), await site.page()
    await kick_off(page)
    await card(page, "round 1").hover()
    await page.get_by_role("button", name="Reply in thread").click()
    reply = page.locator("#thread .composer textarea")
    await expect(reply).to_be_focused()
    await reply.fill("@Ben, is <b>this</b> right?")
    await reply.press("Enter")

    mine = page.locator("#thread .message").filter(has_text="is <b>this</b> right?")
    await expect(mine.locator(".mention")).to_have_text("@Ben")
    replies = card(other, "round 1").get_by_text(re.compile("1 reply|2 replies"))
    await expect(replies).to_be_visible()  # the bot's progress may be the second one
    await expect(mine.locator(".reaction")).to_be_visible()  # the bot has noted it
    await mine.get_by_role("button", name="Edit message").focus()
    await page.keyboard.press("Enter")
    area = page.get_by_role("textbox", name="Edit message")
    await area.fill("Never mind.")
    await area.press("Enter")
    edited = page.locator("#thread .message").filter(has_text="Never mind.")
    await expect(edited).to_contain_text("(edited)")
    await edited.get_by_role("button", name="Delete message").focus()
    await page.keyboard.press("Enter")
    await expect(edited).to_have_count(0)

    await reply.fill("/crew help")
    await reply.press("Enter")
    await expect(page.get_by_text("/crew is not supported in threads")).to_be_visible()
    assert all(
        "/crew" not in message_text(one) for one in site.environment.workspace.messages(CHANNEL)
    )


async def test_the_crew_and_slack_misbehave_when_told_to(site: Site) -> None:
    page = await site.page()
    await kick_off(page)
    first = card(page, "round 1")
    crew = page.get_by_role("group", name="The crew's next /resume")
    await crew.get_by_role("button", name="refuse").click()
    await expect(page.locator("#faults")).to_have_text("crew: 1 due")
    await press(page, first, "Approve")
    await expect(first).to_contain_text("The crew says no")
    await expect(page.locator("#faults")).to_have_text("all well")
    refused = page.locator(".exchange").filter(has_text="POST /resume")
    await expect(refused.locator(".status")).to_have_text("422")

    await page.get_by_label("until stopped").check()
    slack = page.get_by_role("group", name="Slack's next answer")
    await slack.get_by_role("button", name="500").click()
    await expect(page.locator("#faults")).to_have_text("Slack: 1 due")
    await page.get_by_role("button", name="Stop all that").click()
    await expect(page.locator("#faults")).to_have_text("all well")
    await press(page, first, "Retry")
    await expect(card(page, "Board summary")).to_be_visible()


async def test_what_is_hard_to_show_is_a_press_away(site: Site) -> None:
    page = await site.page()
    for topic, shown in (
        ("Acme supply agreement", "Read all"),
        ("Battery order", "AC-10-outdoor"),
        ("Vendors side by side", "Adatum"),
        ("Mail to Acme", "Clerk wants to use send_email"),
        ("Launch article", "Never fear a power cut"),
    ):
        await page.get_by_role("button", name=topic, exact=True).click()
        await expect(card(page, topic)).to_contain_text(shown)
    await press(page, card(page, "Launch article"), "✓ Approved")
    article = page.locator(".execution").filter(has_text="Launch article")
    await expect(article.locator(".count")).to_have_text("1 of 1")
    called = site.environment.crew.requests
    [answered] = [one for one in called if one.path.endswith("/respond")]
    assert answered.body == {"feedback": "approved", "source": "slack"}


async def test_reviewers_are_told_as_the_page_says(site: Site) -> None:
    page = await site.page()
    await page.evaluate(KEEP_STATES)
    await page.get_by_label("Reviewers are told").select_option("by direct message")
    await page.wait_for_function("() => window.states.length > 0")
    await kick_off(page)  # at once: the crew waits for the bot, which would miss its notification
    await expect(card(page, "round 1")).to_be_visible(timeout=STARTS)
    await expect(page.locator("#sidebar .unread")).to_have_text("Crewgate")
    await page.get_by_role("button", name="Crewgate", exact=True).click()
    await page.get_by_role("tab", name="Messages").click()
    await expect(
        card(page, "Market research").get_by_role("button", name="Approve")
    ).to_be_visible()
    await expect(page.locator("#sidebar .unread")).to_have_count(0)


#: Keeps what the page says of the bot: a stop may be over before anybody looks.
KEEP_STATES = """() => {
    const chip = document.getElementById("bot");
    window.states = [];
    new MutationObserver(() => window.states.push(chip.textContent)).observe(
        chip, { childList: true });
}"""


async def test_the_bot_is_restarted_and_its_end_is_seen(site: Site) -> None:
    page = await site.page()
    await page.evaluate(KEEP_STATES)
    await page.get_by_role("button", name="Restart").click()
    await page.wait_for_function("() => window.states.includes('restarting')")
    await expect(page.locator("#bot")).to_have_text("running", timeout=STARTS)

    await site.environment.bot.kill()

    await expect(page.locator("#bot")).to_have_text("down")
    outage = page.get_by_role("alert").filter(has_text="The bot ended by itself.")
    await expect(outage).to_contain_text("What was decided is kept.")
    await outage.get_by_text("The end of its log").click()
    await expect(outage.locator("pre")).to_contain_text("started")
    await outage.get_by_role("button", name="Start the bot").click()
    await expect(page.locator("#bot")).to_have_text("running", timeout=STARTS)
    await expect(page.locator("#outage")).to_be_hidden()


async def test_all_of_it_by_keyboard(site: Site) -> None:
    page = await site.page()

    async def tab_to(name: str) -> None:
        """Tab on until something of this name has the focus, and shows it."""
        for _ in range(60):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus-visible")
            if await focused.count() and name in (await focused.first.aria_snapshot()):
                return
        pytest.fail(f"no way to {name} by Tab")

    await tab_to("A topic for the sample crew")
    await page.keyboard.press("Enter")
    await expect(card(page, "round 1").get_by_role("button", name="Revise")).to_be_visible()
    await page.locator("#sidebar button").first.focus()
    await tab_to("Revise")
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Revise")
    await expect(form.get_by_label("What should change?")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(card(page, "round 1").get_by_role("button", name="Revise")).to_be_focused()

    await page.keyboard.press("Enter")
    await expect(form).to_be_visible()
    await page.keyboard.type("Shorter,")
    await page.keyboard.press("Enter")
    await page.keyboard.type("please.")
    await page.keyboard.press("Control+Enter")
    await expect(form).to_be_hidden()
    second = await later_card(page, "round 2")
    await expect(second.get_by_role("button", name="Approve")).to_be_visible()
    assert site.environment.crew.resumes[0].human_feedback == "Shorter,\nplease."

    await page.locator("#sidebar button").first.focus()
    await tab_to("Approve")
    await page.keyboard.press("Enter")
    await expect(card(page, "Board summary")).to_be_visible()
