"""The lines of `crewgate check` about tools and arguments in rules that no call had."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import Format, Output
from crewgate.runtime import Runtime
from tests.check.conftest import Ask
from tests.check.test_rules import ALONE, HERE, ONE
from tests.databases import both
from tests.usecases.world import World

NONE = "no round of the last 30 days had"
PURCHASE = {"amount": 120, "to": {"iban": "DE1"}, "api_key": "sesame"}


async def call(world: World, tool: str = "purchase", **changes: str) -> None:
    output = Output(json.dumps(PURCHASE), Format.JSON)
    await world.notify(output=output, task_id=f"{tool}-1", call=ToolCall(tool), **changes)


@pytest.fixture
def doubts_of(ask: Ask, world: World, database_url: str, tmp_path: Path) -> Ask:
    async def doubts_of(when: str, text: str = ONE) -> tuple[int, list[str]]:
        (tmp_path / "crews.toml").write_text(f"{text}when = {when}\n", encoding="utf-8")
        runtime = Runtime(clock=world.clock)
        status, said = await ask(runtime=runtime, DATABASE_URL=database_url, **ALONE)
        return status, [line for line in said if NONE in line]

    return doubts_of


@both
async def test_a_tool_and_arguments_that_no_call_had_are_named(
    world: World, doubts_of: Ask
) -> None:
    await call(world)
    await call(world, "send_mail", execution_id="e-2")
    _, said = await doubts_of('{ tool = "purchse", arguments = { amuont = "> 1" } }')
    assert said == [f"! {HERE}.when.tool: {NONE} a tool “purchse”; is it written so?"]
    _, said = await doubts_of('{ tool = "Purch*", arguments = { amuont = "> 1", amount = "> 1" } }')
    where = "in a call of “Purch*”; is it written so?"
    assert said == [f"! {HERE}.when.arguments: {NONE} an argument “amuont” {where}"]
    _, said = await doubts_of('{ arguments = { amuont = "> 1" } }')
    assert said == [f"! {HERE}.when.arguments: {NONE} an argument “amuont”; is it written so?"]


async def test_what_a_call_had_is_not_named_also_where_people_are_not_shown_it(
    world: World, doubts_of: Ask
) -> None:
    await call(world)
    arguments = '{ amount = "> 1", "to.iban" = "DE*", to = "x", api_key = "x" }'
    assert (await doubts_of(f'{{ tool = "purchase", arguments = {arguments} }}'))[1] == []
    assert (await doubts_of('{ task = "purchse" }'))[1] == []


async def test_a_tool_has_all_its_names_but_for_a_rule_that_allows(
    world: World, doubts_of: Ask
) -> None:
    output = Output(json.dumps(PURCHASE), Format.JSON)
    of_server = ToolCall("shop_y_795ae92b", other_names=("purchase",))
    await world.notify(output=output, task_id="purchase-1", call=of_server)
    when = '{ tool = "purchase" }'
    assert (await doubts_of(when))[1] == []
    allows = f'{when}\ndecide = "allow"'
    assert len((await doubts_of(allows))[1]) == 1


async def test_nothing_is_named_where_there_were_no_calls(world: World, doubts_of: Ask) -> None:
    when = '{ tool = "purchse" }'
    await world.notify(json.dumps(PURCHASE))
    assert (await doubts_of(when))[1] == []
    other = ONE.replace("crews.research", "crews.legal")
    await call(world, execution_id="e-2")
    assert (await doubts_of(when, other))[1] == []
    assert len((await doubts_of(when))[1]) == 1
    world.clock.advance(timedelta(days=31))
    assert (await doubts_of(when))[1] == []


async def test_a_database_that_is_not_there_yet_has_no_doubts(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_text(f'{ONE}when = {{ tool = "x" }}', encoding="utf-8")
    _, said = await ask(**ALONE)
    assert not [line for line in said if NONE in line]
