"""Texts go once their retention is over: from the database's files, and from what Slack shows."""

import argparse
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crewgate.__main__ import main
from crewgate.check.findings import NotDone
from crewgate.demo.environment import ANA, BEN, CHANNEL
from crewgate.demo.servers import free_port
from crewgate.purge import purge
from crewgate.runtime import utc_now
from crewgate.usecases.ports.base import Clock
from crewgate.web.credentials import EventKind
from tests.forked import run_crewgate
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, modal
from tests.journeys.test_events import JSON, url
from tests.standins.settings import settings
from tests.standins.workspace import Message, Workspace, http_status, message_text

SECRET = "Zanzibar"
CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "U0BEN"]
retention = "90d"
"""
GONE = "The text was removed on"
DAY = timedelta(days=1)


@dataclass
class Later:
    """The real time, and as much later as a test says, for whoever is asked."""

    by: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.by

    def now(self) -> float:
        return self().timestamp()


def ticking(later: Later) -> Clock:
    """A clock by which everything takes a second."""

    def now() -> datetime:
        later.by += timedelta(seconds=1)
        return later()

    return now


async def a_story(world: World) -> tuple[Message, Message]:
    """Two rounds of an execution that ends; their cards."""
    await world.pause(output=f"A draft about {SECRET}. {'More of it. ' * 1_000}")
    first = await world.card("A draft")
    await world.slack.write(BEN, CHANNEL, f"What of {SECRET}?", first.ts)
    await world.revise(ANA, first, f"Shorter, and less {SECRET}.")
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause(output=f"{SECRET}.")
    second = await world.card(SECRET, round_=2)
    await world.slack.click(ANA, second, "Approve")
    await world.delivered(second)
    ended = {"kickoff_id": "e-1", "output": f"All about {SECRET}."}
    sent = json.dumps(ended).encode()
    assert (await world.post(url(EventKind.CREW), sent, Content_Type=JSON))[0] == 202
    return first, second


def files_with_it(database: Path) -> list[str]:
    files = sorted(database.parent.glob("crewgate.db*"))
    return [one.name for one in files if SECRET.encode() in one.read_bytes()]


async def test_purged(
    make_world: MakeWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later, database = Later(), tmp_path / "crewgate.db"
    async with Workspace(now=later.now) as slack:
        world_of = make_world(
            replace(AT_ONCE, clock=later),
            port=free_port(),
            slack=slack,
            crews_file=CREWS,
            **ENVIRONMENT,
        )
        async with world_of as world:
            first, second = await a_story(world)
            await world.slack.until(lambda: "has finished" in str(world.slack.messages(CHANNEL)))
            assert files_with_it(database)
            assert any(one.files for one in world.slack.messages(CHANNEL))
            decided = world.slack.fresh(second)
            chosen = argparse.Namespace(dry_run=True, crew=None, older_than=None)
            assert await purge(world.settings, chosen, clock=later) == 0
            assert "✓ research: 0 executions and 0 dead letters" in capsys.readouterr().out
            later.by = timedelta(days=91)
            said = "0 executions"
            while "0 executions" in said:  # until the last look at its status is over
                assert await purge(world.settings, chosen, clock=later) == 0
                said = capsys.readouterr().out
            assert "✓ research: 1 execution and 0 dead letters from before" in said
            with closing(sqlite3.connect(database, isolation_level=None)) as another:
                another.execute("BEGIN IMMEDIATE")  # it counts while somebody else writes
                assert await purge(world.settings, chosen, clock=later) == 0
            assert "1 execution and" in capsys.readouterr().out
            chosen.dry_run = False
            pauses: list[float] = []

            async def sleep(seconds: float) -> None:
                pauses.append(seconds)
                later.by += timedelta(seconds=1)

            assert await purge(world.settings, chosen, clock=ticking(later), sleep=sleep) == 0
            # After each batch the bot's writes have a turn as long.
            assert len(pauses) >= 3
            assert min(pauses) >= 1
            assert "UTC lost their texts" in capsys.readouterr().out
            for card in (first, second):
                shown = message_text(await world.shown(card, GONE))
                assert SECRET not in shown
            later.by = timedelta()
            assert files_with_it(database) == []
            # A card that somebody still has open as it was.
            for button in ("Read all", "Changes"):
                await world.slack.click(BEN, second if button == "Changes" else decided, button)
                assert SECRET not in (await modal(world, BEN, GONE)).shown
            await world.slack.overflow(BEN, world.slack.fresh(first), "History")
            assert SECRET not in (await modal(world, BEN, GONE)).shown
            await world.slack.open_home(ANA)
            assert SECRET not in (await home(world, ANA, "Draft")).shown
            status = await world.ask(ANA, "status e-1")
            assert GONE in status
            assert SECRET not in status
            left = [one for one in world.slack.messages(CHANNEL) if SECRET in message_text(one)]
            assert [one.user for one in left] == [BEN]
            assert not any(one.files for one in world.slack.messages(CHANNEL))


async def test_what_cannot_be_purged_is_said(
    make_world: MakeWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_world(crews_file=CREWS, **ENVIRONMENT) as world:

        async def ask(crew: str | None = None, older_than: timedelta | None = None) -> str:
            chosen = argparse.Namespace(dry_run=False, crew=crew, older_than=older_than)
            await purge(world.settings, chosen)
            return capsys.readouterr().out

        with pytest.raises(
            NotDone, match="gone has no `retention` in the settings: say one, as --older"
        ):
            await ask("gone")
        with pytest.raises(NotDone, match="--older-than goes with --crew"):
            await ask(older_than=DAY)
        said = await ask("gone", older_than=DAY)
        assert "! the settings name no crew gone: see that this is its name" in said
        assert "✓ gone: 0 executions and 0 dead letters" in said
        env = settings(world.slack, world.crew) | ENVIRONMENT
        env |= {"DATABASE_URL": f"sqlite:///{tmp_path / 'crewgate.db'}"}
        ended, told = await run_crewgate("purge", "--crew", "research", folder=tmp_path, env=env)
        assert (ended, "✓ research: 0 executions" in told) == (0, True), told
        world.slack.fail("auth.test", http_status(503), times=None)
        with pytest.raises(NotDone, match="Slack does not say what time it is"):
            await ask()
        crews = {name: replace(crew, retention=None) for name, crew in world.settings.crews.items()}
        world.settings = replace(world.settings, crews=crews)
        with pytest.raises(NotDone, match="no crew has a `retention` in the settings"):
            await ask()
    with pytest.raises(SystemExit) as ended_with:
        main(["purge", "--crew", "research", "--older-than", "12h"])
    assert ended_with.value.code == 2
    assert "'12h' is no time in days; put one like" in capsys.readouterr().err
