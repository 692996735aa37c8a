"""A crew that repeats what it was sent: no secret leaves, on whatever way.

Each test ends with a look at everything: all that Slack was ever sent, the log, and every row of
the database except those that must hold secrets.
"""

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import aiohttp
import pytest

from crewgate.crews import build_credentials
from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.servers import free_port
from crewgate.domain.redaction import MARK
from crewgate.web.credentials import EventKind
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import modal, said, showing
from tests.standins.crew import Echo, Style, echo, status
from tests.standins.workspace import Message, message_text

CARRIED = "carried-token-of-a-caller"
PATH_KEY = "T0ken0fAnAddress1234"
FEEDBACK = "Feedback of nobody's business."
NOTICE = "your decision on round 1 of Draft did not reach the crew"
ECHOES = list(Echo)


@dataclass
class Watched:
    """A world, and everything that must not be found anywhere."""

    world: World
    database: Path
    capsys: pytest.CaptureFixture[str]
    secrets: list[str] = field(default_factory=list)

    def expect_no_leak(self) -> None:
        slack = str([(call.method, call.args) for call in self.world.slack.calls])
        modals = str([view.content for view in self.world.slack.open_modals(ANA)])
        private = str([message_text(message) for message in self.world.slack.ephemerals(ANA)])
        out, err = self.capsys.readouterr()
        rows = self._rows()
        for name in self.secrets:
            # The bot's own token is in each of its calls.
            assert name not in slack + modals + private
            assert name not in out + err
            assert name not in rows
        assert FEEDBACK not in out + err
        assert "Rejected" not in out + err

    def _rows(self) -> str:
        with sqlite3.connect(self.database) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            kept = {
                name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608  # ours
                for (name,) in tables
                # Sent again with a resume, and kept as it came.
                if name not in ("webhooks", "dead_letters")
            }
        return str(kept)


@pytest.fixture
async def watched(
    make_world: MakeWorld, database: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Watched]:
    async with make_world(port=free_port()) as world:
        credentials = build_credentials(world.settings)["research"]
        keys = [credentials.event_keys(kind)[0] for kind in EventKind]
        watched = Watched(world, database, capsys)
        watched.secrets = [WEBHOOK_SECRET, world.crew.token, CARRIED, PATH_KEY, *keys]
        yield watched
        watched.expect_no_leak()


@pytest.fixture
def world(watched: Watched) -> World:
    return watched.world


def carrying(world: World, execution: str = "e-1") -> None:
    """The next pauses of this execution carry a caller's webhooks, with secrets of their own."""
    world.crew.style = Style.RICH
    world.crew.start_execution(
        execution_id=execution,
        scripted=False,
        meta={
            "taskWebhookUrl": f"http://127.0.0.1:9/hooks/{PATH_KEY}",
            "humanInputWebhook": {
                "url": "http://127.0.0.1:9/pause",
                "authentication": {"strategy": "bearer", "token": CARRIED},
            },
        },
    )


async def revised(world: World, execution: str = "e-1") -> Message:
    """The card of an output for which Ana has just asked for changes."""
    carrying(world, execution)
    await world.pause(output=f"A draft of {execution}.", execution=execution)
    card = await world.card(f"A draft of {execution}.")
    await world.revise(ANA, card, FEEDBACK)
    return card


async def test_a_refused_resume(world: World) -> None:
    for count, (code, into) in enumerate(product((422, 400, 401), ECHOES), start=1):
        world.crew.clear()
        world.crew.fail("/resume", how=echo(code, into=into), times=None)

        card = await revised(world, f"e-{code}-{into.name}")

        stuck = await world.shown(card, "did not reach the crew")
        if into is Echo.INPUT:
            assert "body: Input is not valid" in message_text(stuck)
        await world.slack.until(lambda: len(showing(world, NOTICE)) == count)  # noqa: B023


async def test_a_crew_that_is_away(watched: Watched) -> None:
    world = watched.world
    for count, (code, into) in enumerate(product((429, 500, 503), ECHOES), start=1):
        world.crew.fail("/resume", how=echo(code, into=into), times=None)

        card = await revised(world, f"e-{code}-{into.name}")

        await world.shown(card, str(code))
        _, ready = await world.get("/readyz")
        if code != 500:
            while f"crew:research: {code}" not in ready["details"]:
                _, ready = await world.get("/readyz")
        assert FEEDBACK not in str(ready)
        assert "Rejected" not in str(ready)
        assert not any(secret in str(ready) for secret in watched.secrets)
        world.crew.clear()
        await world.crew.until(lambda: len(world.crew.resumes) == count)  # noqa: B023
        assert world.crew.resumes[-1].human_feedback == FEEDBACK


async def test_a_resume_that_was_taken(world: World) -> None:
    world.crew.fail("/resume", how=echo(200, into=Echo.MESSAGE, applied=True))

    await world.shown(await revised(world), MARK)

    [resume] = world.crew.resumes
    assert resume.urls.task == f"http://127.0.0.1:9/hooks/{PATH_KEY}"
    assert resume.human_input is not None
    assert resume.human_input.authorization == f"Bearer {CARRIED}"


async def kick_off(
    world: World, body: bytes = b'{"inputs": {"topic": "tea"}, "odd":  1.0}'
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{world.url}/crews/research/kickoff",
            data=body,
            headers={
                "Authorization": f"Bearer {world.crew.token}",
                "Content-Type": "application/json",
            },
        ) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_kickoffs_answer_to_its_caller_and_to_the_form(watched: Watched) -> None:
    world = watched.world
    for into in ECHOES:
        await world.slack.slash(ANA, CHANNEL, "/crew", "kickoff")
        await modal(world, ANA, "Topic")
        world.crew.fail("/kickoff", how=echo(422, into=into))
        await world.slack.submit(ANA, {"kickoff_input.topic": "tea"})
        await modal(world, ANA, "Nothing was started")
        await world.slack.close_modal(ANA)

        world.crew.fail("/kickoff", how=echo(422, into=into))
        code, answer = await kick_off(world)

        assert code == 422
        assert "/crews/research/human-input" in answer
        assert '"topic"' in answer.replace("\\", "")
        assert not any(secret in answer for secret in watched.secrets)

    body = '{ "kickoff_id" :"k-1",\t"x": 1.0,  "é": "token"}'
    world.crew.fail("/kickoff", how=status(200, body))
    assert await kick_off(world) == (200, body)  # without an echo, byte for byte


async def test_what_an_execution_was_started_on(watched: Watched) -> None:
    """Its topic stands on every card and in lists."""
    world = watched.world
    told = f"tea {WEBHOOK_SECRET}"
    body = {
        "inputs": {"topic": told},
        "meta": {"why": world.crew.token},
        "taskWebhookUrl": f"http://127.0.0.1:9/hooks/{PATH_KEY}",
    }
    code, _ = await kick_off(world, json.dumps(body).encode())

    assert code == 200
    await world.card("Market research")
    assert world.crew.executions[0].inputs == {"topic": told}
    with sqlite3.connect(watched.database) as connection:
        assert f"tea {MARK}" in connection.execute("SELECT subject FROM executions").fetchone()[0]


async def test_what_a_crew_says_of_its_executions(world: World) -> None:
    carrying(world)
    told = f"Look: {WEBHOOK_SECRET} and {world.crew.token}."
    await world.pause(output=told)
    await world.card(MARK)
    await world.pause("other", output={"deep": [told]})
    await world.card(MARK, round_=1)
    world.crew.fail("/status", how=status(200, {"status": "running", "current_task": told}))
    assert MARK in await world.ask(ANA, "status e-1")

    world.crew.fail("/status", how=status(503, told))
    assert MARK in await world.ask(ANA, "status e-1")


async def test_webhooks_of_an_execution(watched: Watched) -> None:
    world = watched.world
    for kind in EventKind:
        execution = f"e-{kind}"
        carrying(world, execution)
        await world.pause(execution=execution)
        key = build_credentials(world.settings)["research"].event_keys(kind)[0]
        told = f"Look: {WEBHOOK_SECRET}, {key}."
        body = {"execution_id": execution, "description": told, "summary": told, "result": told}
        before = len(showing(world, MARK))

        code, _ = await world.post(
            f"/crews/research/events/{kind}/{key}",
            json.dumps(body | {"thought": told, "agent": told}).encode(),
            Content_Type="application/json",
        )

        assert code == 202
        if kind is not EventKind.STEP:
            await world.slack.until(lambda: len(showing(world, MARK)) > before)  # noqa: B023
        with sqlite3.connect(watched.database) as connection:
            query = "SELECT step FROM executions WHERE execution_id = ?"
            steps = connection.execute(query, [execution]).fetchall()
        assert (kind is EventKind.STEP) is (MARK in str(steps))


async def test_a_webhook_that_is_not_understood(watched: Watched) -> None:
    world = watched.world
    bodies: tuple[object, ...] = (
        {"humanInputWebhook": {"authentication": {"strategy": "bearer", "token": CARRIED}}},
        {"task_id": WEBHOOK_SECRET, "authorization": f"Bearer {CARRIED}"},
        [WEBHOOK_SECRET, {"password": CARRIED}],
    )
    raw = [json.dumps(body).encode() for body in bodies]
    for one in raw:
        code, answer = await world.notify("/crews/research/human-input", one)

        assert code == 400
        assert not any(secret in str(answer) for secret in watched.secrets)
    report = await world.shown(await said(world, "could not be shown"), "3 messages")
    await world.slack.click(ANA, report, "What came")
    assert (await modal(world, ANA)).shown.count(MARK) >= len(raw)
    with sqlite3.connect(watched.database) as connection:
        kept = connection.execute("SELECT body FROM dead_letters ORDER BY received_at").fetchall()
    assert kept == [(one,) for one in raw]
