"""A crew's personal data: masked in all of Slack, whole in what the crew gets back."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.servers import free_port
from tests.forked import run_crewgate
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_private, modal
from tests.journeys.test_audit import entries, proven
from tests.standins.crew import status as answer_with
from tests.standins.workspace import Workspace, buttons, message_text

IBAN = "DE89 3704 0044 0532 0130 00"
SECRETS = ("alice@example.com", "bob@x.de", "0532 0130", "4111 1111", "AC-77")
TEXT = f"""# Refunds

Write to alice@example.com, [Bob](mailto:bob@x.de) and alice@example.com about AC-77.

| Who | Where |
|---|---|
| Alice | {IBAN} |
| Bob | 4111 1111 1111 1111 |

Pay them now."""
CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "U0BEN"]
redact = ["email", "iban", "card", "/AC-[0-9]+/"]
notify = "dm"
"""
SAID = "3 e-mail addresses, 1 IBAN, 1 card number and 1 passage are masked"


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as built:
        yield built


def leaks(slack: Workspace) -> list[str]:
    """Return the masked values that Slack was ever sent, but for those who asked for them."""
    told = json.dumps([call.args for call in slack.calls], ensure_ascii=False)
    told += "".join(one.text for one in slack.files)
    return [one for one in SECRETS if one in told]


async def test_slack_is_shown_masks_everywhere_and_the_crew_gets_the_text(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    assert SAID in message_text(card)
    await in_private(world, BEN, SAID)
    await world.slack.open_home(ANA)
    await home(world, ANA, "[e-mail address]")
    assert "Draft" in await world.ask(ANA, "status e-1")
    await world.slack.click(CARL, card, "Read all")
    await modal(world, CARL, SAID)
    await world.slack.overflow(ANA, card, "History")
    await modal(world, ANA, "[IBAN]")
    await world.slack.close_modal(ANA, all_of_them=True)
    await world.revise(ANA, card, "Greet alice@example.com.")
    await world.crew.until(lambda: world.crew.resumes)
    assert world.crew.resumes[0].human_feedback == "Greet alice@example.com."
    await world.pause("draft", TEXT.replace("alice@", "carol@"))
    second = await world.card("Pay them", round_=2)
    assert "Only masked text changed since round 1" in message_text(second)
    await world.slack.click(BEN, second, "Changes")
    await modal(world, BEN, "Only masked passages changed.")
    await world.slack.click(BEN, second, "Approve")
    asks = await modal(world, BEN, "are masked*, and you have not had all of them shown.")
    await world.slack.click(BEN, asks, "Approve anyway")
    await world.delivered(second)
    assert not leaks(world.slack)
    logged = "".join(capfd.readouterr())
    assert "decided" in logged
    assert not [one for one in SECRETS if one in logged]


async def test_a_long_text_is_masked_before_it_is_cut_and_in_its_file(world: World) -> None:
    text = "".join(f"{number} alice@example.com bob@x.de\n\n" for number in range(2_000))
    await world.pause("draft", text)
    card = await world.card("4,000 e-mail addresses are masked")
    await world.slack.until(lambda: world.slack.files)
    assert world.slack.files[0].text == text.replace(
        "alice@example.com", "[e-mail address]"
    ).replace("bob@x.de", "[e-mail address]")
    await world.slack.click(BEN, card, "Read all (14 pages)")
    view = await modal(world, BEN, "4,000 e-mail addresses are masked")
    await world.slack.click(BEN, view, "Page 2")
    assert not leaks(world.slack)


async def test_who_may_decide_is_shown_it_in_private_and_that_is_on_record(
    world: World, database: Path
) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    await world.slack.click(CARL, card, "Read all")
    assert "Show them" not in buttons(await modal(world, CARL, "Only who may decide can have this"))
    await world.slack.click(BEN, card, "Read all")
    await world.slack.click(BEN, await modal(world, BEN, SAID), "Show them")
    view = await modal(world, BEN, "Nothing is masked here")
    assert "alice@example.com" in view.shown
    assert IBAN in view.shown
    assert "Show them" not in buttons(view)
    shown = [one for one in entries(database) if one["code"] == "CG115"]
    assert [(one["actor"], one["execution"]) for one in shown] == [(BEN, "e-1")]
    await world.slack.click(BEN, view, "Approve")
    await world.delivered(card)
    [decided] = [one for one in entries(database) if one["code"] == "CG124"]
    assert decided["data"]["masked"] == 6
    assert not [one for one in SECRETS if one in message_text(world.slack.fresh(card))]


async def test_the_card_itself_has_them_shown(world: World) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    await world.slack.click(CARL, card, "Show them")
    assert "not a reviewer" in await world.told(CARL)
    await world.slack.click(BEN, card, "Show them")
    view = await modal(world, BEN, "Nothing is masked here")
    assert IBAN in view.shown
    await world.slack.click(BEN, view, "Approve")
    await world.delivered(card)
    assert not [one for one in SECRETS if one in message_text(world.slack.fresh(card))]


async def test_masks_are_shown_before_an_approval(world: World) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    await world.slack.click(ANA, card, "Approve")
    asks = await modal(world, ANA, "are masked*, and you have not had all of them shown.")
    assert asks.content["submit"]["text"] == "Show them"
    assert buttons(asks) == ["Approve anyway", "Revise"]
    await world.slack.submit(ANA, view=asks)
    view = await modal(world, ANA, "Nothing is masked here")
    assert IBAN in view.shown
    await world.slack.click(ANA, view, "Approve")
    await world.delivered(card)
    await world.pause("check", TEXT)
    card = await world.card("Check", round_=1)
    await world.slack.overflow(ANA, card, "Approve with a comment…")
    form = await modal(world, ANA, "are masked*, and you have not had all of them shown.")
    await world.slack.click(ANA, form, "Show them")
    await modal(world, ANA, "Nothing is masked here")


async def test_masks_count_as_shown_on_the_pages_that_were_turned_to(world: World) -> None:
    await world.pause("draft", "\n\n".join((TEXT, *["Drink tea."] * 600, TEXT)))
    await world.slack.click(ANA, await world.card("Pay them"), "Read all (2 pages)")
    await world.slack.click(ANA, await modal(world, ANA, "Page 1 of 2"), "Show them")
    view = await modal(world, ANA, "More is masked on pages that you have not turned to.")
    await world.slack.click(ANA, view, "Next page")
    view = await modal(world, ANA, "Page 2 of 2")
    await world.slack.close_modal(ANA, all_of_them=True)
    card = await world.card("Pay them")
    await world.slack.click(ANA, card, "Read all (2 pages)")
    view = await modal(world, ANA, "Page 1 of 2")
    await world.slack.click(ANA, view, "Approve")
    asks = await modal(world, ANA, "You turned 2 pages")
    assert "masked" not in asks.shown
    await world.slack.click(BEN, card, "Read all (2 pages)")
    await world.slack.click(BEN, await modal(world, BEN, "Page 1 of 2"), "Show them")
    view = await modal(world, BEN, "More is masked on pages that you have not turned to.")
    await world.slack.click(BEN, view, "Approve")
    await modal(world, BEN, "are masked*, and you have not had all of them shown.")


async def test_an_edit_of_a_masked_text_reaches_the_crew_whole(world: World) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    await world.slack.overflow(ANA, card, "Edit the text")
    form = await modal(world, ANA, "What is masked has a number")
    [box] = [block for block in form.blocks if block["type"] == "input"]
    text = box["element"]["initial_value"]
    assert "[e-mail address 1], [Bob](mailto:[e-mail address 2]) and [e-mail address 1]" in text
    made_up = await world.slack.submit(ANA, {"edited.0.0": text.replace("now.", "[IBAN 2].")})
    assert "[IBAN 2] stands for nothing in this text." in str(made_up.errors)
    assert not world.crew.resumes
    changed = text.replace("and [e-mail address 1]", "and [IBAN 4]").replace("now.", "now!")
    await world.slack.submit(ANA, {"edited.0.0": changed})
    await world.crew.until(lambda: world.crew.resumes)
    asked = world.crew.resumes[0].human_feedback
    assert f"[Bob](mailto:bob@x.de) and {IBAN} about AC-77." in asked
    assert "[e-mail address" not in asked
    await world.shown(card, "asked for exact edits")
    edited = TEXT.replace("and alice@example.com", f"and {IBAN}").replace("now.", "now!")
    await world.pause("draft", edited)
    second = await world.card("now!", round_=2)
    assert "both were made" in message_text(second)
    await world.slack.overflow(ANA, second, "History")
    await modal(world, ANA, "“Pay them now.” → “Pay them now!”")
    assert not leaks(world.slack)


async def test_a_misspelt_mask_is_told_where_it_stands(world: World) -> None:
    await world.pause("draft", f"{TEXT}\n\n{'Tea. ' * 700}")
    await world.slack.overflow(ANA, await world.card("Refunds"), "Edit the text")
    await modal(world, ANA, "What is masked has a number")
    sent = await world.slack.submit(ANA, {"edited.0.1": "To [e-mial address 1]."})
    assert list(sent.errors) == ["edited.0.1"]
    assert "[e-mial address 1] stands for nothing in this text." in sent.errors["edited.0.1"]
    assert not world.crew.resumes


@pytest.mark.parametrize("redact", ["", 'redact = ["iban"]'])
async def test_an_edit_of_a_text_that_is_masked_otherwise_now_is_refused(
    make_world: MakeWorld, redact: str
) -> None:
    async with Workspace() as slack:
        async with make_world(slack=slack, crews_file=CREWS, **ENVIRONMENT) as world:
            await world.pause("draft", TEXT)
            await slack.overflow(ANA, await world.card("Pay them"), "Edit the text")
            form = await modal(world, ANA, "What is masked has a number")
        [box] = [block for block in form.blocks if block["type"] == "input"]
        text = box["element"]["initial_value"].replace("now.", "now!")
        changed = re.sub("redact = .*", redact, CREWS)
        async with make_world(slack=slack, crews_file=changed, **ENVIRONMENT) as world:
            sent = await slack.submit(ANA, {"edited.0.0": text})
            assert "This form is of an earlier version" in str(sent.errors)
            assert not world.crew.resumes


async def test_what_a_crew_says_to_a_kickoff_is_masked(make_world: MakeWorld) -> None:
    said = answer_with(400, "Nobody is called alice@example.com")
    async with make_world(port=free_port(), crews_file=CREWS, **ENVIRONMENT) as world:
        world.crew.fail("/inputs", how=said)
        await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff research")
        await modal(world, ANA, "Nobody is called [e-mail address]")
        await world.slack.close_modal(ANA)
        await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff research")
        await modal(world, ANA, "Topic")
        world.crew.fail("/kickoff", how=said)
        await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
        await modal(world, ANA, "Nobody is called [e-mail address]")
        assert not leaks(world.slack)


async def test_the_command_line_shows_masks(world: World, tmp_path: Path) -> None:
    await world.pause("draft", TEXT)
    card = await world.card("Pay them")
    await world.revise(ANA, card, "Greet alice@example.com.")
    await world.crew.until(lambda: world.crew.resumes)
    await world.delivered(card)
    env = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'crewgate.db'}",
        "CREWS_FILE": str(tmp_path / "crews.toml"),
        **ENVIRONMENT,
    }
    chosen = world.settings
    env |= {"SLACK_BOT_TOKEN": chosen.slack_bot_token, "SLACK_CHANNEL": "#reviews"}
    env |= {"SLACK_SIGNING_SECRET": chosen.slack_signing_secret or ""}
    _, told = await run_crewgate("audit", "show", "e-1", folder=tmp_path, env=env)
    assert "“# Refunds" in told
    assert "“Greet [e-mail address].”" in told
    assert "masked: 6" in told
    assert not [one for one in SECRETS if one in told]
    _, told = await run_crewgate("rules", "explain", "e-1", folder=tmp_path, env=env)
    _, exported = await run_crewgate("audit", "export", "--format", "csv", folder=tmp_path, env=env)
    assert "e-1" in exported
    assert not [one for one in SECRETS if one in told + exported]
    await proven(tmp_path, env)
