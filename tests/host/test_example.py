"""`docs/example` as its page says: the real library, a scripted model, and the bot beside it."""

import json
import os
import re
from pathlib import Path

from crewgate.demo.environment import ANA, BEN
from crewgate.demo.hosted.crew import HostProcess
from crewgate.demo.servers import free_port
from tests.host.client import TOKEN, Api
from tests.host.real import PYTHON, needs_crewai
from tests.journeys.conftest import MakeWorld, World, make_world
from tests.journeys.flow_world import NO_CREW
from tests.journeys.people import modal, said
from tests.repo.files import ROOT, read
from tests.standins.workspace import Message, message_text

pytestmark = needs_crewai
__all__ = ["make_world"]  # a fixture
EXAMPLE = "docs/example"
WISH = "Name the day of payment."


def options() -> list[str]:
    """Return the words of the page's `crewgate host`, with its target."""
    [line] = re.findall(r"^crewgate host ([^&]+) &", read(f"{EXAMPLE}/README.md"), re.MULTILINE)
    return str(line).replace("'", "").split()


async def kick_off(world: World) -> str:
    status, begun = await world.post(
        "/crews/office/kickoff",
        json.dumps({"inputs": {"customer": "Acme"}}).encode(),
        Authorization=f"Bearer {TOKEN}",
        Content_Type="application/json",
    )
    assert status == 200, begun
    return str(begun["kickoff_id"])


async def approve(world: World, person: str, card: Message) -> None:
    reply = await world.slack.click(person, card, "Approve")
    assert reply.ok


async def test_the_example_runs_as_its_page_says(tmp_path: Path, make_world: MakeWorld) -> None:
    (folder := tmp_path / "office").mkdir()
    environment = {
        "CREW_TOKEN": TOKEN,
        "PYTHONPATH": f"{ROOT / 'bot'}{os.pathsep}{ROOT / EXAMPLE}",
    }
    host = HostProcess(str(PYTHON), options(), folder=folder, environment=environment)
    settings = read(f"{EXAMPLE}/crews.toml").replace("http://127.0.0.1:8000", host.url)
    for placeholder, person in (("U0123456789", ANA), ("U9876543210", BEN)):
        settings = settings.replace(placeholder, person)
    secrets = {"CREW_TOKEN": TOKEN, "CREW_WEBHOOK_SECRET": "secret-of-the-office"}
    async with (
        host,
        make_world(port=free_port(), crews_file=settings, **NO_CREW | secrets) as world,
    ):
        world.patience = 60
        execution = await kick_off(world)
        first = await world.card("Contract")
        assert "It is agreed" not in message_text(first)  # the lessons were the text "(none)"
        assert (await world.revise(ANA, first, WISH)).ok
        second = await world.card("Contract", round_=2)
        assert WISH in message_text(second)
        await approve(world, ANA, second)
        await world.shown(second, "1 of 2")
        await approve(world, BEN, second)
        [offer] = await world.slack.until(lambda: world.slack.ephemerals(ANA), timeout=60)
        assert "You had asked for this" in message_text(offer)
        await world.slack.click(ANA, offer, "Keep as a lesson…")
        await modal(world, ANA, "Keep as a lesson")
        assert (await world.slack.submit(ANA)).ok
        lesson = await said(world, "A lesson for office")
        for person in (ANA, BEN):
            await world.slack.click(person, lesson, "Keep")
        await world.shown(lesson, "A lesson of office")

        asked = await said(world, "Buyer wants to use purchase")
        assert "40 modules" in message_text(asked)
        await said(world, "allowed by the rule “small purchases”")
        await said(world, "refused by the rule “no huge purchases”")
        await approve(world, ANA, asked)
        question = await said(world, "Which day of delivery?")
        await world.slack.click(BEN, question, "Friday")
        mail = await said(world, "Clerk wants to use send_email")
        await approve(world, BEN, mail)
        ended = await Api(host.url).until(execution, "completed")

        await kick_off(world)
        taught = await world.card("with 1 lesson")
        assert WISH in message_text(taught)
        status, told = await Api(host.url).call("POST", "/kickoff", {"inputs": {"customer": "A"}})
        assert (status, "lessons" in str(told)) == (422, True)
    assert "Sent to bob@acme.example." in ended["result"]["output"]
    assert (folder / "orders.txt").read_text() == "Cables: 60\n40 modules: 4300\n"
    assert (folder / "mails.txt").read_text().startswith("bob@acme.example: Delivery\n")
