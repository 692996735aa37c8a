"""`docs/gate.py`: any program asks people, and runs nothing that they did not approve."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from crewgate.demo.environment import ANA, BEN, WEBHOOK_SECRET
from crewgate.demo.hosted.crew import QUIET
from docs import gate
from tests.host.real import PYTHON, needs_crewai
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import modal, said
from tests.journeys.test_rules import Skewed
from tests.repo.files import ROOT, read
from tests.servers import serve
from tests.standins.workspace import Message, message_text

CREWS = """
[crews.research]
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "ben@example.com"]
"""
MAIL = {"to": "ann@example.com", "text": "Hi."}


@pytest.fixture
def reaches(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the gate ask at this address."""

    def at(url: str) -> None:
        monkeypatch.setenv("CREWGATE_URL", f"{url}/crews/research")
        monkeypatch.setenv("CREWGATE_SECRET", WEBHOOK_SECRET)

    return at


async def press(world: World, button: str, shows: str = "ann@example.com") -> Message:
    card = await said(world, shows)
    await world.slack.click(ANA, card, button)
    return card


async def refuse(world: World, words: str, shows: str = "ann@example.com") -> None:
    await press(world, "Refuse", shows)
    await modal(world, ANA, "Why not?")
    assert (await world.slack.submit(ANA, {"feedback": words})).ok


async def test_a_call_runs_once_somebody_approved_it(
    make_world: MakeWorld, reaches: Callable[[str], None]
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        reaches(world.url)
        asking = asyncio.create_task(asyncio.to_thread(gate.ask, "send_email", MAIL, agent="Clerk"))
        card = await press(world, "Approve")
        decision = await asking

        assert decision
        assert decision.arguments == MAIL
        assert "Whoever asked has fetched this." in message_text(await world.delivered(card))
        assert not world.crew.requests
        status = await world.ask(BEN, "status")
        assert "*research* fetches its decisions" in status
        assert "There is no crew that you may start." in await world.ask(BEN, "kickoff")
        assert "no address of this crew" in await world.ask(BEN, "kickoff research")


async def test_a_refusal_has_the_words_and_the_bot_may_end_meanwhile(
    make_world: MakeWorld, reaches: Callable[[str], None]
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        reaches(world.url)
        asking = asyncio.create_task(asyncio.to_thread(gate.ask, "send_email", MAIL))
        await refuse(world, "Not to her.")
        decision = await asking
    assert (decision.approved, decision.words, decision.arguments) == (False, "Not to her.", {})


async def test_whoever_gives_up_withdraws_the_question(
    make_world: MakeWorld, reaches: Callable[[str], None]
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        reaches(world.url)
        assert not await asyncio.to_thread(gate.ask, "send_email", MAIL, seconds=0.3)
        await world.shown(await said(world, "ann@example.com"), "is closed")


async def test_the_examples_of_the_document_run_what_was_approved(
    make_world: MakeWorld, reaches: Callable[[str], None]
) -> None:
    sent: list[dict[str, str]] = []

    def deliver(**mail: str) -> str:
        sent.append(mail)
        return "Sent."

    tools = {"send_email": deliver}
    scope: dict[str, Any] = {"gate": gate, "deliver": deliver, "TOOLS": tools}
    text = read("docs/http.md").replace("import gate\n", "")
    for example in text.split("```python\n")[1:]:
        exec(example.partition("```")[0], scope)  # noqa: S102  # ours
    call = {"name": "send_email", "args": {"to": "bob@example.com"}, "id": "1"}
    state = {"messages": [SimpleNamespace(tool_calls=[call])], "thread": "t-1"}
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:
        reaches(world.url)
        plain = asyncio.create_task(asyncio.to_thread(scope["send_email"], **MAIL))
        await press(world, "Approve", "Hi.")
        assert (await plain, sent) == ("Sent.", [MAIL])
        node = asyncio.create_task(asyncio.to_thread(scope["run_tools"], state))
        await refuse(world, "No.", "bob@example.com")
        refused = {"role": "tool", "tool_call_id": "1", "content": "No."}
        assert await node == {"messages": [refused]}
    assert sent == [MAIL]


DECIDED = {"state": "decided", "round": 1, "human_feedback": "Yes."}
EDITED = {"arguments": {"to": "bob"}, "is_approve": True}


@pytest.mark.parametrize(
    ("posted", "answer", "arguments"),
    [
        (202, DECIDED | {"is_approve": True}, MAIL),
        (202, DECIDED | {"edited": EDITED}, {"to": "bob"}),
        (202, DECIDED | {"is_approve": False}, None),
        (202, DECIDED | {"is_approve": "yes"}, None),
        (202, DECIDED, None),
        (202, DECIDED | {"edited": {"output": "Hi.", "is_approve": True}}, None),
        (202, DECIDED | {"edited": EDITED | {"is_approve": False}}, None),
        (202, DECIDED | {"edited": "yes", "is_approve": True}, None),
        (202, {"state": "closed", "round": 1}, None),
        (202, {"is_approve": True}, None),
        (202, ["yes"], None),
        (202, "yes", None),
        (202, DECIDED | {"is_approve": True, "valid_until": "2999-01-01T00:00:00Z"}, MAIL),
        (202, DECIDED | {"is_approve": True, "valid_until": "2026-01-01T00:00:00Z"}, None),
        (202, DECIDED | {"is_approve": True, "valid_until": "soon"}, None),
        (401, DECIDED | {"is_approve": True}, None),
        (302, DECIDED | {"is_approve": True}, None),
    ],
)
async def test_only_a_clear_answer_is_an_approval(
    reaches: Callable[[str], None], posted: int, answer: object, arguments: object
) -> None:
    """An unclear answer is a refusal, and the question is withdrawn."""
    bodies: list[Any] = []

    async def on_post(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"round": 3}, status=posted, headers={"Location": "/elsewhere"})

    async def on_get(request: web.Request) -> web.Response:
        assert f"/decisions/e%2F1/{bodies[0]['task_id']}?wait=25&round=3" in request.raw_path
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/crews/research/human-input", on_post)
    app.router.add_get("/crews/research/decisions/{tail:.*}", on_get)
    async with serve(app) as url:
        reaches(url)
        decision = await asyncio.to_thread(gate.ask, "send_email", MAIL, execution="e/1", seconds=5)
    assert bool(decision) is (arguments is not None)
    assert decision.arguments == (arguments or {})
    assert decision.words
    assert bodies[0]["tool_call"]["arguments"] == MAIL


async def test_an_approval_that_ended_at_the_gate_is_told_on_its_card(
    make_world: MakeWorld, reaches: Callable[[str], None]
) -> None:
    """The clock of the bot is two hours behind the program's."""
    behind = Skewed()
    behind.later = -timedelta(hours=2)
    async with make_world(replace(AT_ONCE, clock=behind), crews_file=CREWS, **ENVIRONMENT) as world:
        reaches(world.url)
        asking = asyncio.create_task(asyncio.to_thread(gate.ask, "send_email", MAIL, agent="Clerk"))
        card = await press(world, "Approve")
        decision = await asking
        assert "has ended" in decision.words
        assert not decision
        await world.shown(card, "did not run")


async def test_an_answer_without_a_round_is_no_question(reaches: Callable[[str], None]) -> None:
    """A decision on another round could come."""

    async def answer(request: web.Request) -> web.Response:
        is_asked = request.method == "GET"
        return web.json_response(DECIDED | {"is_approve": True} if is_asked else {})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with serve(app) as url:
        reaches(url)
        assert not await asyncio.to_thread(gate.ask, "send_email", MAIL, seconds=5)


# Calls the hooks of the gate as CrewAI does, twice with arguments that are one object.
TWICE = """
from crewai.hooks.dispatch import HookAborted, InterceptionPoint, dispatch
from crewai.hooks.tool_hooks import ToolCallHookContext
from crewai.tools import tool
from docs.gate import gate_crewai


@tool("send_email")
def send_email(to: str, text: str) -> str:
    "Send."
    return "Sent."


class UnsayableError(Exception):
    def __str__(self):
        raise RuntimeError


class Odd:
    "A tool that tells nothing about itself."

    def __getattr__(self, name):
        raise UnsayableError


gate_crewai("send_email")
given = {"to": "ann@example.com", "text": "Hi."}
made = send_email.to_structured_tool()
for tool in (made, made, Odd()):
    call = ToolCallHookContext(tool_name="send_email", tool_input=given, tool=tool)
    try:
        dispatch(InterceptionPoint.PRE_TOOL_CALL, call)
    except HookAborted as aborted:
        print(aborted.reason)
    else:
        print(dispatch(InterceptionPoint.POST_TOOL_CALL, call))
"""


@needs_crewai
async def test_an_approved_call_has_no_words_of_an_earlier_refusal(tmp_path: Path) -> None:
    """CrewAI may never ask for the words of a refusal, and a later call may have its id."""
    verdicts = [False, True]

    async def answer(request: web.Request) -> web.Response:
        decided = request.method == "GET"
        return web.json_response(
            DECIDED | {"is_approve": verdicts.pop(0)} if decided else {"round": 1}
        )

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with serve(app) as url:
        process = await asyncio.create_subprocess_exec(
            *(str(PYTHON), "-c", TWICE),
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env={
                **QUIET,
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "CREWGATE_URL": f"{url}/crews/research",
                "CREWGATE_SECRET": WEBHOOK_SECRET,
            },
        )
        out, _ = await process.communicate()
    refused, approved, odd = out.decode().splitlines()
    assert refused == "This call was refused, and did not run. Yes."
    assert "refused" not in approved
    # CrewAI runs a call whose hook raises anything else.
    assert odd == "This call did not run: it could not be checked."


async def test_nothing_goes_through_while_nobody_can_be_asked(
    reaches: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", away)
    async with serve(app) as url:
        reaches(url)
        late = await asyncio.to_thread(gate.ask, "send_email", MAIL, seconds=0.05)
    assert not late
    assert "nobody decided in time" in late.words
    assert not gate.ask("send_email", {"when": float("nan")})
    assert not gate.ask("send_email", {"what": object()})
    assert not gate.ask("send_email", ["no names"])  # type: ignore[arg-type]
    monkeypatch.delenv("CREWGATE_SECRET")
    assert not gate.ask("send_email", MAIL)
