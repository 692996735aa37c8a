"""Two executions with a story, and `crewgate audit` on their database."""

import argparse
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crewgate.audit.keys import open_signer
from crewgate.audit.run import run_audit
from crewgate.command_line import add_audit_arguments
from crewgate.domain.outcome import Exchange, Refused
from crewgate.domain.people import User
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, TimeOut, TimeoutAction
from crewgate.domain.verdict import Approve, Revise
from crewgate.settings.load import Settings
from crewgate.store.engine import Engines
from crewgate.usecases.audit import Linking
from crewgate.usecases.decide import take_back
from tests.audit import kinds
from tests.audit.files import KEY, File
from tests.audit.masking import MASKING
from tests.builders import ANA, BEN, EVE, FakeClock, a_crew, a_rule, a_uow
from tests.usecases.faults import Fault
from tests.usecases.world import CREW, World

RULE = a_rule(
    reviewers=(User(ANA.id), User(BEN.id)),
    approvals=2,
    self_approval=False,
    escalate=Escalation(Duration.parse("1h"), (User(EVE.id),)),
    timeout=TimeOut(Duration.parse("1d"), TimeoutAction.REVISE, "Too late."),
)
Audit = Callable[..., Awaitable[tuple[int, str]]]
"""Runs `crewgate audit` with these words; the exit status and what it said."""


@pytest.fixture
def world(engines: Engines) -> World:
    """Entries have the time of the use cases."""
    clock = FakeClock()
    uow = a_uow(engines, clock=clock, masking={"masked": MASKING})
    return World(engines, uow, clock=clock)


@pytest.fixture
def settings(database_url: str) -> Settings:
    crews: Any = {"masked": a_crew(redact=MASKING)}
    return Settings(slack_bot_token="xoxb-1", database_url=database_url, audit_key=KEY, crews=crews)


async def link(world: World, settings: Settings) -> None:
    linking = Linking(
        world.uow,
        sign=open_signer(settings, make=False),
        channel=None,
        clock=world.clock,
        sleep=lambda _: None,  # type: ignore[arg-type, return-value]
    )
    await linking.link()
    await linking.link()  # the publication of the first batch is an entry too


async def tell_two_stories(world: World) -> None:
    """One by a rule with two approvals, one without; in between each other."""
    world.crew.pause("Another draft.", execution="e-2")
    world.crews["research"] = a_crew(rules=(RULE,))
    await world.start("e-1")
    first = (await world.notify("A draft.")).round
    world.crews["research"] = a_crew()
    second = (await world.notify("Another draft.", execution_id="e-2")).round
    world.crews["research"] = a_crew(rules=(RULE,))
    await world.settle_slack()
    await world.decide(second.id, Revise("Shorter."), by=BEN)
    world.crew.faults.append(Fault(Refused("404", "gone", exchange=Exchange(b"{}", b"no"))))
    await world.turn(CREW)
    await world.retry(second.id)
    await world.turn(CREW)
    await world.decide(first.id, Approve("Fine."), by=BEN)
    await take_back(first.id, by=BEN, context=world.reviews)
    world.clock.advance(timedelta(hours=2))
    await world.settle_slack()  # it escalates
    await world.decide(first.id, by=BEN)
    await world.decide(first.id, by=EVE)


@pytest.fixture
async def told(world: World, settings: Settings) -> World:
    await tell_two_stories(world)
    await link(world, settings)
    return world


@pytest.fixture
def audit(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Audit:
    monkeypatch.chdir(tmp_path)

    async def run(*words: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        add_audit_arguments(parser)
        status = await run_audit(settings, parser.parse_args(words))
        return status, capsys.readouterr().out

    return run


Make = Callable[[str], Awaitable[File]]
"""Have an execution of a kind, and return its evidence."""


@pytest.fixture
def make(world: World, settings: Settings, audit: Audit, tmp_path: Path) -> Make:
    async def run(kind: str) -> File:
        happens = kinds.KINDS.get(kind, kinds.by_a_delegate)
        await happens(world, kind)
        await link(world, settings)
        status, said = await audit("evidence", kind, "--output", "made.json")
        assert status == 0, said
        path = tmp_path / "made.json"
        file: File = json.loads(path.read_bytes())
        path.unlink()
        return file

    return run
