"""Kills of a host with the real library, at every step."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bot.demo.bot_process import inherited
from bot.demo.hosted.process import QUIET, HostProcess
from tests.host.client import Api, Json, Listener
from tests.host.real import PYTHON, api, host, needs_crewai
from tests.host.test_crewai_flows import answer
from tests.repo.files import ROOT

pytestmark = [needs_crewai, pytest.mark.timeout(120)]


def pauses(listener: Listener, execution: str) -> list[Json]:
    """The notifications of an execution."""
    return [one for one in listener.at("/human-input") if one["execution_id"] == execution]


async def pause_of(listener: Listener, execution: str, number: int = 1) -> Json:
    """The notification of an execution with this number."""
    return (await listener.until(lambda: pauses(listener, execution)[number - 1 :]))[0]


def lines(folder: Path, name: str) -> list[str]:
    file = folder / name
    return file.read_text().splitlines() if file.exists() else []


async def kill_while_the_model_is_busy(process: HostProcess, folder: Path) -> None:
    await process.kill()
    (folder / "hold").unlink()
    (folder / "asked.txt").unlink()


async def hold(folder: Path) -> None:
    os.mkfifo(folder / "hold")


async def until_asked(
    served: Api, execution: str, folder: Path, what: str, *, file: str = "asked.txt"
) -> None:
    while what not in lines(folder, file):
        await served.status(execution)


async def test_crews_go_on_after_a_kill_at_every_step(
    tmp_path: Path, listener: Listener, told: dict[str, Any]
) -> None:
    process = host(tmp_path, "shop:crew", "shop:pair", workers=8)
    served, pairs = api(process, "crew"), api(process, "pair")
    async with process:
        ids = {
            name: await served.kick_off({"topic": name}, **told)
            for name in ("waits", "revised", "approved", "second", "twice")
        }
        tasks = {n: (await pause_of(listener, one))["task_id"] for n, one in ids.items()}
        await served.resume(ids["twice"], tasks["twice"], "Longer.", approve=False)
        await pause_of(listener, ids["twice"], 2)
        await served.resume(ids["second"], tasks["second"], approve=True)
        second = await pause_of(listener, ids["second"], 2)
        pair = await pairs.kick_off({"topic": "pair"}, **told)
        await pause_of(listener, pair, 2)
        both = {one["task_name"]: one["task_id"] for one in pauses(listener, pair)}
        (tmp_path / "asked.txt").unlink()
        # From here on the model is busy, so nothing of this is carried out.
        await hold(tmp_path)
        ids["fresh"] = await served.kick_off({"topic": "fresh"}, **told)
        await served.resume(ids["revised"], tasks["revised"], "Shorter.", approve=False)
        await served.resume(ids["approved"], tasks["approved"], approve=True)
        await pairs.resume(pair, both["Left"], "Longer.", approve=False)
        for what in ("Draft on fresh", "Draft on revised", "Plan", "Left of pair"):
            await until_asked(served, ids["fresh"], tmp_path, what)
        await kill_while_the_model_is_busy(process, tmp_path)

        await process.start()
        revised = await pause_of(listener, ids["revised"], 2)
        approved = await pause_of(listener, ids["approved"], 2)
        fresh = await pause_of(listener, ids["fresh"])
        # It goes on although the other of the two still waits.
        left = await pause_of(listener, pair, 3)
        asked = lines(tmp_path, "asked.txt")
        for task in both.values():
            await pairs.resume(pair, task, approve=True)
        await pairs.until(pair, "completed")
        await served.resume(ids["waits"], tasks["waits"], approve=True)
        await served.resume(ids["twice"], tasks["twice"], "And greener.", approve=False)
        await served.resume(ids["second"], second["task_id"], approve=True)
        waits = await pause_of(listener, ids["waits"], 2)
        twice = await pause_of(listener, ids["twice"], 3)
        ended = await served.until(ids["second"], "completed")
        late, _ = await served.resume(ids["approved"], tasks["approved"], approve=True)
        status = await process.stop()

    assert revised["task_output"] == "Draft on revised, Shorter."
    assert (revised["task_id"], revised["task_name"]) == (tasks["revised"], "draft")
    assert approved["task_output"] == "Report on approved"
    assert fresh["task_output"] == "Draft on fresh"
    assert left["task_output"] == "Left of pair, Longer."
    # Of what was done nothing is done again.
    assert sorted(asked) == [
        "Draft on fresh",
        "Draft on revised",
        "Left of pair",
        "Plan",
        "Report on approved",
    ]
    assert waits["task_output"] == "Report on waits"
    assert twice["task_output"] == "Draft on twice, Longer., And greener."
    assert [one["output"] for one in ended["result"]["tasks"]] == [
        "Draft on second",
        "Plan",
        "Report on second",
    ]
    assert late == 400
    # The crew's own callback was told of each task once.
    assert sorted(lines(tmp_path, "called.txt")) == sorted(
        ["draft"] * 3 + ["plan"] * 3 + ["report"]
    )
    assert status == 0


async def test_flows_go_on_after_a_kill_at_every_step(
    tmp_path: Path, listener: Listener, told: dict[str, Any]
) -> None:
    targets = ("articles:ArticleFlow", "articles:CrewFlow")
    process = host(tmp_path, *targets, flow_webhook=f"{listener.url}/flow")
    served, crews = api(process, "ArticleFlow"), api(process, "CrewFlow")

    async def question(execution: str, number: int = 1) -> Json:
        def found() -> list[Json]:
            asked = [one for one in listener.at("/flow") if one["flow_id"] == execution]
            return asked[number - 1 :]

        return (await listener.until(found))[0]

    async with process:
        waits, busy, listens = [
            await served.kick_off({"topic": name}) for name in ("waits", "busy", "listens")
        ]
        asked = {one: await question(one) for one in (waits, busy, listens)}
        # One whose crew asked people about two tasks, of which the first was revised.
        inner = await crews.kick_off({"topic": "inner"}, **told)
        draft = (await pause_of(listener, inner))["task_id"]
        await crews.resume(inner, draft, "Shorter.", approve=False)
        await pause_of(listener, inner, 2)
        await crews.resume(inner, draft, approve=True)
        report = await pause_of(listener, inner, 3)
        await hold(tmp_path)
        # CrewAI has forgotten the question by the time that its listeners work.
        await answer(asked[listens], "approved")
        await until_asked(served, listens, tmp_path, "publish", file="begun.txt")
        taken, _ = await answer(asked[busy], "Shorter, please.")
        await until_asked(served, busy, tmp_path, "needs_revision")
        await kill_while_the_model_is_busy(process, tmp_path)

        await process.start()
        published = await served.until(listens, "completed")
        await crews.resume(inner, report["task_id"], approve=True)
        asks = await question(inner)
        await answer(asks, "yes")
        whole = await crews.until(inner, "completed")
        again = await question(busy, 2)
        spent, _ = await answer(asked[busy], "approved")
        await answer(asked[waits], "approved")
        await answer(again, "rejected")
        waited = await served.until(waits, "completed")
        dropped = await served.until(busy, "completed")

    assert (taken, spent) == (200, 409)
    assert again["output"] == "Draft 2 on busy"
    assert published["result"]["output"] == "published draft 1"
    assert waited["result"]["output"] == "published draft 1"
    # What people approved is what the flow goes on with, and nobody is asked about it again.
    assert asks["output"] == report["task_output"] == "Report on inner"
    assert len(pauses(listener, inner)) == 3
    assert whole["result"]["output"] == "published Report on inner"
    assert dropped["result"]["output"] == "dropped"


REFUSALS = {
    "shop": "no MODULE:NAME",
    "shop:": "no MODULE:NAME",
    "no_such_module:crew": "there is no module 'no_such_module'",
    "shop:nobody": "has no 'nobody'",
    "shop:nothing": "a value of type int, which is no crew and no flow",
    "shop:Price": "cannot be built: ValidationError",
    "raises:crew": "LookupError: no key for the model (raises.py, line 3)",
    "leaves:crew": "leaves cannot be imported: SystemExit: 0 (leaves.py, line 3)",
    "articles:UnkeptFlow": "takes no `persistence`",
    "articles:DroppingFlow": "takes no `persistence`",
    "shop:make": "two of them are called 'make'",
}


async def test_what_cannot_be_served_is_said_in_a_sentence(tmp_path: Path) -> None:
    """One process asks for all of them: importing crewai takes seconds."""
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-m", "tests.host.crews.refusals", tmp_path),
        cwd=ROOT,
        env={**inherited(), **QUIET, "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    lines_said = [line for line in said.decode().splitlines() if " -> " in line]

    assert len(lines_said) == len(REFUSALS), said.decode()
    for line, (spec, why) in zip(lines_said, REFUSALS.items(), strict=True):
        given, _, sentence = line.partition(" -> ")
        assert given.split(" ")[0].endswith(spec)
        assert why in sentence
