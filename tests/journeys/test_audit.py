"""The auditor reads the trail on the day after."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from crewgate.demo.environment import ANA, CHANNEL
from tests.forked import run_crewgate
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.people import said
from tests.standins.settings import settings
from tests.standins.workspace import message_text


def entries(database: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as file:
        found = file.execute("SELECT body FROM audit_entries ORDER BY id").fetchall()
    return [json.loads(body) for (body,) in found]


def mode_of(path: str) -> int:
    return Path(path).stat().st_mode & 0o777


async def proven(folder: Path, env: dict[str, str]) -> tuple[str, str]:
    """The head that the evidence of an execution leads to, and what its check tells."""
    while (await run_crewgate("audit", "evidence", "e-1", folder=folder, env=env))[0]:
        pass  # a running bot links the entries within seconds
    file = json.loads((folder / "evidence-e-1.json").read_text())
    head = f"{file['head']['number']}:{file['head']['hash']}"
    checked = ("audit", "check", "evidence-e-1.json", "--head", head, "--key", file["head"]["key"])
    status, told = await run_crewgate(*checked, folder=folder, env={})
    assert (status, told.splitlines()[-1]) == (0, "✓ it holds")
    return head, told


async def test_the_head_is_posted_where_it_is_kept(make_world: MakeWorld, database: Path) -> None:
    async with make_world(AUDIT_CHANNEL=CHANNEL) as world:
        message = message_text(await said(world, "The head of the audit trail"))
    assert "Signature" in message
    assert mode_of(f"{database}.audit-key") == 0o600
    assert [one["code"] for one in entries(database)] == ["CG191", "CG192"]


async def test_a_press_is_told_with_its_place(world: World, database: Path) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.revise(ANA, card)
    await world.crew.until(lambda: world.crew.resumes)
    await world.pause(output="Shorter.")
    second = await world.card("Shorter.", round_=2)
    await world.slack.click(ANA, second, "Approve")
    await world.delivered(second)
    told = entries(database)
    revised, approved = [one["data"] for one in told if one["code"] == "CG124"]
    assert revised["verdict"] == "revise"
    assert revised["view"]
    assert revised["action_ts"] < approved["action_ts"]
    assert approved["message_ts"] == second.ts
    assert approved["channel"] == CHANNEL
    assert approved["action_ts"]
    assert approved["shown"] == 100
    delivered = [one["data"] for one in told if one["code"] == "CG132"]
    assert len(delivered) == 2
    assert all(len(one["sent"]) == len(one["answer"]) == 64 for one in delivered)


async def test_a_decision_is_proven_from_the_command_line(world: World, tmp_path: Path) -> None:
    await world.pause()
    card = await world.card("A draft")
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'crewgate.db'}"}
    env |= settings(world.slack, world.crew)
    head, told = await proven(tmp_path, env)
    assert f"({ANA}) decided: approve" in told
    status, told = await run_crewgate("audit", "verify", "--head", head, folder=tmp_path, env=env)
    assert (status, "entries fit" in told) == (0, True)
    _, told = await run_crewgate("audit", "show", "e-1", folder=tmp_path, env=env)
    assert f"({ANA}) decided: approve" in told


async def test_no_head_is_left_at_the_stop(make_world: MakeWorld, database: Path) -> None:
    async with make_world() as world:
        await world.pause()
        await world.card("A draft")
    with closing(sqlite3.connect(database)) as file:
        [(last,)] = file.execute("SELECT max(number) FROM audit_heads")
        after = "SELECT body FROM audit_entries WHERE number > ? OR number IS NULL"
        left = [json.loads(body)["code"] for (body,) in file.execute(after, (last,))]
    assert (last > 2, left) == (True, ["CG192"])
