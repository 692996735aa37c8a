"""In private a person is told why they are asked, and what the crew does next."""

from typing import Any

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_private, said
from tests.journeys.test_named import NAMED, started
from tests.standins.workspace import Workspace, message_text


async def pauses(world: World, **more: Any) -> None:
    told = {"execution_id": "e-1", "task_id": "draft", "task_output": "A draft."}
    await world.notify(f"/crews/{world.crew.name}/human-input", told | more)


async def test_private_lines_say_why_and_what_then(make_world: MakeWorld) -> None:
    async with Workspace() as slack:
        slack.add_group("S0LEGAL", "legal", [BEN])
        reviewers = {"NOTIFY": "dm", "REVIEWERS": f"{ANA},S0LEGAL"}
        async with make_world(slack=slack, **reviewers) as world:
            while "has not been asked yet" in str(await world.get("/readyz")):
                pass
            await world.ask(ANA, "away until tomorrow for @Carl")
            await pauses(world, next_task="send_newsletter")

            then = "then: Send newsletter"
            group, deputy = "you are in <!subteam^S0LEGAL>", f"standing in for <@{ANA}>"
            found = message_text(await in_private(world, BEN, "A draft."))
            assert f"The first decision counts. · {group} · {then}" in found
            found = message_text(await in_private(world, CARL, "A draft."))
            assert f"{deputy} · {then}" in found
            found = message_text(await in_private(world, ANA, "A draft."))
            assert f"The first decision counts. · {then}" in found

            assert f"{group} · {then}" in await world.ask(BEN, "pending mine")
            assert group not in await world.ask(BEN, "pending")
            await slack.open_home(CARL)
            assert f"{deputy} · {then}" in (await home(world, CARL, "A draft.")).shown

            card = message_text(await said(world, "A draft.", CHANNEL))
            assert not any(one in card for one in (then, "you are in", "standing in"))


async def test_without_a_name_of_what_comes_nothing_is_said(make_world: MakeWorld) -> None:
    async with make_world(NOTIFY="dm") as world:
        await pauses(world, next_task=["no", "name"])
        found = message_text(await in_private(world, ANA, "A draft."))
        assert "The first decision counts.\n" in found
        assert "then:" not in found


async def test_whoever_a_kickoff_names_is_told_so(make_world: MakeWorld) -> None:
    rules = f'{NAMED}notify = "dm"\n'
    async with make_world(port=free_port(), crews_file=rules, **ENVIRONMENT) as world:
        await started(world, "ben@example.com")
        found = message_text(await in_private(world, BEN, "Decide here"))
        assert "The first decision counts. · named in the kickoff" in found
