"""`docs/gate.py` with the real library: what people approve is what a tool or MCP server gets."""

import asyncio
import json
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
from tests.repo.files import ROOT
from tests.servers import serve

pytestmark = needs_crewai
FORMS = ("exacting", "exacting_natively")
BUYING = ("buying", "buying_natively")
PATTERNS = "*_out,purchase"


@dataclass
class Bot:
    """A bot whose people approve everything, and now and then other arguments."""

    url: str = ""
    asked: list[Json] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.asked.append(await request.json())
            return web.json_response({"round": 1}, status=202)
        call = next(one for one in self.asked if one["task_id"] in request.path)["tool_call"]
        decided = {"state": "decided", "round": 1, "human_feedback": "Yes.", "is_approve": True}
        if str(call["arguments"].get("to", "")).startswith("changed"):
            arguments = {**call["arguments"], "amount": 9}
            decided["edited"] = {"arguments": arguments, "is_approve": True}
        return web.json_response(decided)

    def call(self, to: str) -> Json:
        """The call about somebody that people were asked about."""
        calls: list[Json] = [one["tool_call"] for one in self.asked]
        [found] = [one for one in calls if to in one["arguments"].values()]
        return found


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    made = Bot()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    async with serve(app) as made.url:
        yield made


@dataclass
class Program:
    """A program that has ended."""

    results: dict[str, str]
    folder: Path

    def got(self, to: str) -> list[Json]:
        """What tools were given for somebody."""
        file = self.folder / "got.txt"
        taken = [json.loads(one) for one in file.read_text().splitlines()] if file.exists() else []
        return [one for one in taken if one["to"] == to]


async def run(folder: Path, bot: Bot, patterns: str, **calls: list[Call]) -> Program:
    """Run a program that makes these calls by each of these crews."""
    steps = [[name, [[one] for one in several]] for name, several in calls.items()]
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), "-m", "tests.host.crews.gated_exactly", patterns, json.dumps(steps)),
        cwd=folder,
        env={
            **inherited(),
            **QUIET,
            "HOME": str(folder),
            "PYTHONPATH": f"{ROOT / 'bot'}:{ROOT}",
            "CREWGATE_URL": f"{bot.url}/crews/research",
            "CREWGATE_SECRET": WEBHOOK_SECRET,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    lines = [json.loads(line) for line in out.decode().splitlines() if line.startswith('["')]
    return Program(dict(lines), folder)


async def test_a_tool_gets_what_its_gate_showed_once(tmp_path: Path, bot: Bot) -> None:
    calls = {
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
            ["shop_buy_out", {"to": f"{form}-url"}],
        ]
        for form in FORMS
    }
    program = await run(tmp_path, bot, PATTERNS, **calls)

    for form in FORMS:
        result = program.results[form]
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
        assert "Its tool would get other arguments than people see." in result
        assert "Its tool has a `run` of its own." in result
        assert "CrewAI calls this server up to three times" in result
        assert program.got(f"{form}-dice") == program.got(f"{form}-own") == []


async def test_a_server_is_sent_what_its_gate_showed_once(tmp_path: Path, bot: Bot) -> None:
    """As CrewAI's client cleans it, in one try; by the name that the server has for its tool."""
    unclean = {"note": None, "tags": [], "sources": ["web"]}
    calls: dict[str, list[Call]] = {
        form: [
            ["purchase", {"item": f"{form}-pen", **unclean}],
            ["purchase", {"item": f"{form}-late"}],
            ["purchase", {"item": f"{form}-gone"}],
        ]
        for form in BUYING
    }
    program = await run(tmp_path, bot, PATTERNS, **calls)

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
        assert f"Bought {form}-pen." in program.results[form]
        assert len(program.got(f"{form}-late")) == 1
        assert len(program.got(f"{form}-gone")) == 1


async def test_patterns_that_fit_no_tool_of_a_server_let_nothing_through(
    tmp_path: Path, bot: Bot
) -> None:
    """At the first call, also where it is another tool's, and an agent after it has the servers."""
    purchase: Call = ["purchase", {"item": "typo"}]
    search: Call = ["plain_out", {"to": "typo"}]
    calls = {"searching_and_buying": [search, purchase], "buying": [purchase]}
    refused = await run(tmp_path, bot, "purchases,send_*", **calls)
    asked = [*bot.asked]
    held = await run(tmp_path, bot, "purchase", searching_and_buying=[search, purchase])

    for result in refused.results.values():
        assert "This call did not run. No tool fits purchases, send_*" in result
    assert asked == []
    assert "Bought typo." in held.results["searching_and_buying"]
    assert [one["tool_call"]["arguments"]["item"] for one in bot.asked] == ["typo"]
    assert [one["tool"] for one in held.got("typo")] == ["plain_out", "purchase"]
