"""`docs/gate.py` with the real library: what people approve is what a tool or MCP server gets."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from crewgate.demo.environment import WEBHOOK_SECRET
from crewgate.demo.hosted.crew import QUIET
from crewgate.demo.servers import inherited
from tests.host.client import Json
from tests.host.real import PYTHON, needs_crewai
from tests.host.real_acts import Call
from tests.journeys.conftest import MakeWorld, World, make_world
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import showing
from tests.journeys.test_gate import CREWS, press, refuse
from tests.repo.files import ROOT
from tests.servers import serve
from tests.standins.workspace import Message, message_text

pytestmark = needs_crewai
__all__ = ["make_world"]  # a fixture
FORMS = ("exacting", "exacting_natively")
BUYING = ("buying", "buying_natively")
PATTERNS = ("*_out", "wipe?ut*")
MAILS = {"send_mail": ["eve"], "send_*": ["ann", "bob", "two"]}


@dataclass
class Bot:
    """A bot whose people approve everything, and now and then other arguments."""

    folder: Path
    """The program's."""
    url: str = ""
    swapping: list[str] = field(default_factory=list)
    """The tools that are replaced while people are asked."""
    asked: list[Json] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.asked.append(await request.json())
            return web.json_response({"round": 1}, status=202)
        call = next(one for one in self.asked if one["task_id"] in request.path)["tool_call"]
        if not self.is_swapped(str(call["arguments"].get("to", ""))):
            return web.json_response({"state": "waiting", "round": 1})
        decided = {"state": "decided", "round": 1, "human_feedback": "Yes.", "is_approve": True}
        if str(call["arguments"].get("to", "")).startswith("changed"):
            arguments = {**call["arguments"], "amount": 9}
            decided["edited"] = {"arguments": arguments, "is_approve": True}
        return web.json_response(decided)

    def is_swapped(self, to: str) -> bool:
        """Have a tool replaced that wants it; True once it is."""
        if not to.startswith("swap") or to in self.swapping:
            lines = self.folder / "swapped.txt"
            swapped = lines.read_text().splitlines() if lines.exists() else []
            return not to.startswith("swap") or len(swapped) == len(self.swapping)
        self.swapping.append(to)
        (self.folder / f"swap-{to}").write_text("now")
        return False

    def call(self, to: str) -> Json:
        """The call about somebody that people were asked about."""
        calls: list[Json] = [one["tool_call"] for one in self.asked]
        [found] = [one for one in calls if to in one["arguments"].values()]
        return found


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    made = Bot(tmp_path)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    async with serve(app) as made.url:
        yield made


Calls = dict[str, list[Call]]


@dataclass
class Program:
    """A program that has ended, and what its calls brought back: by patterns and crew."""

    results: list[dict[str, str]]
    output: str
    folder: Path

    def got(self, to: str) -> list[Json]:
        """Return the arguments of the calls that tools got for a person."""
        taken = [json.loads(one) for one in (self.folder / "got.txt").read_text().splitlines()]
        return [one for one in taken if one["to"] == to]


async def run(
    folder: Path, world: World, bot: Bot, *gated: tuple[tuple[str, ...], Calls]
) -> Program:
    """Run a program that mails, and makes these calls by each of these crews, by these patterns."""
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), "-m", "tests.host.crews.gated_exactly"),
        *(json.dumps(MAILS), json.dumps(gated)),
        cwd=folder,
        env={
            **inherited(),
            **QUIET,
            "HOME": str(folder),
            "PYTHONPATH": f"{ROOT / 'bot'}:{ROOT}",
            "CREWGATE_URL": f"{world.url}/crews/research",
            "APPROVING_URL": f"{bot.url}/crews/research",
            "CREWGATE_SECRET": WEBHOOK_SECRET,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:  # nobody answers it any more
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    results: list[dict[str, str]] = [{} for _ in gated]
    for line in out.decode().splitlines():
        if re.match(r"\[\d", line):
            number, name, result = json.loads(line)
            results[number][name] = result
    return Program(results, out.decode(), folder)


async def test_a_tool_or_server_gets_what_its_gate_showed_once(
    tmp_path: Path, bot: Bot, make_world: MakeWorld, subtests: pytest.Subtests
) -> None:
    """One program for all: importing crewai takes seconds."""
    search: Call = ["plain_out", {"to": "typo"}]
    typo: Call = ["purchase", {"item": "typo"}]
    found: Call = ["plain_out", {"to": "held"}]
    held: Call = ["purchase", {"item": "held"}]
    for to in (one for form in FORMS for one in swaps(form)):
        os.mkfifo(tmp_path / f"swap-{to}")
    calls = (
        (PATTERNS, calls_of_tools()),
        (("purchase",), calls_of_servers()),
        (("purchase", "send_*"), {"searching_and_buying": [search, typo], "buying": [typo]}),
        (("purchase",), {"searching_and_buying": [found, held]}),
    )
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world, asyncio.TaskGroup() as group:
        running = group.create_task(run(tmp_path, world, bot, *calls))
        await world.slack.until(lambda: showing(world, "ann.example"), timeout=60)
        card = await press(world, "Approve", "ann.example")
        await refuse(world, "Not him.", "bob.example")
        program = await running
    with subtests.test(mails_went_as_people_said.__name__):
        mails_went_as_people_said(program, card)
    for check in (tools_got_what_was_shown, servers_got_what_was_shown, patterns_held):
        with subtests.test(check.__name__):
            check(program, bot)


def mails_went_as_people_said(program: Program, card: Message) -> None:
    """Patterns that fit no tool let nothing through."""
    assert "Hi." in message_text(card)
    assert "eve: This call did not run: no tool fits send_mail," in program.output
    assert "ann: Sent." in program.output
    assert "bob: This call was refused, and did not run. Not him." in program.output
    two = "two: This call did not run: two tools of its agent have this name."
    assert two in program.output
    assert (program.folder / "sent.txt").read_text() == "ann.example: Hi.\n"


def swaps(form: str) -> list[str]:
    return [f"swap-{form}-{how}" for how in ("function", "tool")]


def calls_of_tools() -> Calls:
    return {
        form: [
            [
                "mail_out",
                {
                    "to": f"{form}-ann",
                    "amt": "7",
                    "comment": "x",
                    "password": "s3cret",
                    "address": {"street": "Main"},
                },
            ],
            ["wire_out", {"to": f"{form}-bob"}],
            ["plain_out", {"to": f"changed-{form}"}],
            ["plain_out", {"to": f"{form}-after"}],
            ["break_out", {"to": f"{form}-breaks"}],
            ["loose_out", {"to": f"{form}-loose", "more": 1}],
            ["dice_out", {"to": f"{form}-dice"}],
            ["own_out", {"to": f"{form}-own"}],
            ["wipe_out_all", {"to": f"{form}-wipe"}],
            ["shop_buy_out", {"to": f"{form}-url"}],
            ["once_out", {"to": f"{form}-items", "items": [1, 2]}],
            ["sealed_out", {"to": f"{form}-sealed", "code": "s3cret"}],
            *[["swap_out", {"to": to}] for to in swaps(form)],
        ]
        for form in FORMS
    }


def tools_got_what_was_shown(program: Program, bot: Bot) -> None:
    for form in FORMS:
        result = program.results[0][form]
        mail = bot.call(f"{form}-ann@acme.example")
        [mailed] = program.got(f"{form}-ann@acme.example")
        mailed["stamp"] = mailed["stamp"].replace(" ", "T").replace("+00:00", "Z")
        assert mail["arguments"]["amount"] == 7
        assert mail["arguments"]["password"] == "s3cret"
        assert set(mail["filled_in"]) == {"bcc", "stamp", "copies", "address.country"}
        assert mailed == {**mail["arguments"], "tool": "mail_out"}
        assert program.got(f"{form}-bob.example") == [
            {"tool": "wire_out", "to": f"{form}-bob.example", "express": True}
        ]
        assert program.got(f"changed-{form}") == [
            {"tool": "plain_out", "to": f"changed-{form}", "amount": 9}
        ]
        assert program.got("somebody-else") == []
        if form == "exacting_natively":  # by text CrewAI begins an error with an empty line
            assert "would have got other arguments than people approved" in result
            assert "the line broke" in result
        assert len(program.got(f"{form}-breaks")) == 1
        assert bot.call(f"{form}-loose")["arguments"] == {"to": f"{form}-loose", "more": 1}
        assert [one["more"] for one in program.got(f"{form}-loose")] == [1]
        assert "its tool changes its arguments each time that it checks them" in result
        assert "its tool has a `run` of its own." in result
        assert "a server that is given as a URL up to three times" in result
        assert program.got(f"{form}-items") == []
        assert bot.call(f"{form}-wipe")["tool"] == "wipe_out_all"
        sealed = bot.call(f"{form}-sealed")["arguments"]
        assert sealed == {"to": f"{form}-sealed", "code": "s3cret"}
        assert program.got(f"{form}-sealed") == [{"tool": "sealed_out", **sealed}]
        assert result.count("its tool was replaced while people were asked.") == 2
        assert [program.got(to) for to in swaps(form)] == [[], []]
        assert program.got(f"{form}-dice") == program.got(f"{form}-own") == []


def calls_of_servers() -> Calls:
    unclean = {"note": None, "tags": [], "sources": ["web"]}
    return {
        form: [
            ["purchase", {"item": f"{form}-pen", **unclean}],
            ["purchase", {"item": f"{form}-late"}],
            ["purchase", {"item": f"{form}-gone"}],
        ]
        for form in BUYING
    }


def servers_got_what_was_shown(program: Program, bot: Bot) -> None:
    """As CrewAI's client cleans it, in one try; by the name that the server has for its tool."""
    for form in BUYING:
        call = bot.call(f"{form}-pen")
        [taken] = program.got(f"{form}-pen")
        cleaned = {"amount": 5, "express": True, "sources": [{"type": "web"}]}
        assert call["arguments"] == {"item": f"{form}-pen", **cleaned}
        assert call["filled_in"] == ["amount", "express"]
        assert call["tool"] != "purchase"
        assert "purchase" in call["other_names"]
        unsent = {"tool": "purchase", "to": f"{form}-pen", "note": None, "tags": None}
        assert taken == call["arguments"] | unsent
        assert f"Bought {form}-pen." in program.results[1][form]
        assert len(program.got(f"{form}-late")) == 1
        assert len(program.got(f"{form}-gone")) == 1


def patterns_held(program: Program, bot: Bot) -> None:
    """At the first call, also where it is another tool's, and an agent after it has the servers."""
    *_, refused, held = program.results
    for result in refused.values():
        assert "This call did not run: no tool fits send_*, which" in result
    assert len(refused) == 2
    asked = [one["tool_call"]["arguments"].get("item") for one in bot.asked]
    assert "typo" not in asked
    assert program.got("typo") == []
    assert "Bought held." in held["searching_and_buying"]
    assert asked.count("held") == 1
    assert [one["tool"] for one in program.got("held")] == ["plain_out", "purchase"]


async def test_each_copy_in_a_program_has_a_door_of_its_own() -> None:
    """A crew that brings its own gate may run in the host, which has the same door."""
    module = ("-m", "tests.host.crews.two_gates", str(ROOT / "docs" / "gate.py"))
    process = await asyncio.create_subprocess_exec(
        str(PYTHON), *module, cwd=ROOT, env=inherited() | QUIET, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    *got, doors = json.loads(printed)
    assert got == 2 * ["NotPassed", ["pay", {"euros": 5}], "RuntimeError", True]
    assert doors == 2
