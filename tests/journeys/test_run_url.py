"""From Slack to the run: a link wherever a round or an execution is told of."""

from crewgate.demo.environment import ANA, CARL
from tests.journeys.conftest import MakeWorld
from tests.journeys.flow_world import ENVIRONMENT, crews_file
from tests.journeys.people import home, in_private, modal, said
from tests.standins.crew import status
from tests.standins.workspace import message_text

PEOPLE = f"""
reviewers = ["{ANA}"]
operators = ["{CARL}"]
notify = "dm"
run_url = "https://runs.example.com/{{crew}}/{{execution_id}}?task={{task_id}}"
"""
EXECUTION = "../e 1?x=<!here>|b&"
RUN = (
    "<https://runs.example.com/research/..%2Fe%201%3Fx%3D%3C%21here%3E%7Cb%26?task=draft|open run>"
)


async def test_each_surface_leads_to_the_run(make_world: MakeWorld) -> None:
    async with make_world(crews_file=crews_file(PEOPLE), **ENVIRONMENT) as world:
        world.crew.fail("/resume", how=status(401, {"message": "bad token"}), times=None)
        await world.pause(execution=EXECUTION)
        card = await world.card("A draft")
        assert f"· research · {RUN}" in message_text(card)
        assert RUN in message_text(await in_private(world, ANA, "A draft"))
        await world.slack.open_home(ANA)
        assert f" · {RUN}" in (await home(world, ANA, "A draft")).shown
        await world.slack.overflow(ANA, card, "History")
        assert RUN in (await modal(world, ANA, "A draft")).shown

        await world.slack.click(ANA, card, "Approve")
        assert RUN in message_text(await world.shown(card, "bad token"))
        notice = message_text(await said(world, f"<@{CARL}>: "))
        assert notice.endswith(RUN)


async def test_an_execution_has_a_link_without_a_task(make_world: MakeWorld) -> None:
    people = PEOPLE.replace("?task={task_id}", "")
    run = "<https://runs.example.com/research/e-1|open run>"
    async with make_world(crews_file=crews_file(people), **ENVIRONMENT) as world:
        await world.pause()
        await world.card("A draft")
        assert run in await world.ask(ANA, "status e-1")
