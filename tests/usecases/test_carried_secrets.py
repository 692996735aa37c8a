"""Callers' addresses take nothing out of what people review; progress lines lose their paths."""

from dataclasses import replace

import pytest

from crewgate.domain.caveats import NOTHING_SEEN, Share, Unseen
from crewgate.domain.errors import ConfirmationNeeded
from crewgate.domain.execution import GONE_ANSWERS, CrewUpdate, StepUpdate
from crewgate.domain.notification import HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Decide, Rule
from crewgate.domain.verdict import Refuse
from crewgate.usecases import queries as look
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.track import PAUSED_POLL
from tests.builders import ANA, a_crew
from tests.usecases.test_calls import CALL, about, called
from tests.usecases.world import STATUS, World

TOKEN = "carried-token"  # opens nothing
KEY = "T0ken0fAnAddress1234"
TOLD = f"Look: {TOKEN} {KEY}, https://h.example/{KEY}?a=1 and https://other.example/{KEY}."
SHORT = f"Look: {TOKEN} {KEY}, https://h.example and https://other.example/{KEY}."
NEVER = Rule(name="never", when=Conditions(tool="*refund*"), decide=Decide.REFUSE, reason="No.")
SHOP = Rule(name="the shop's", when=Conditions(tool="shop_*"), decide=Decide.ALLOW)


async def carry(world: World, path: str = KEY) -> None:
    webhook = HumanInputWebhook("https://h.example/pause", "bearer", token=TOKEN)
    await world.notify("A draft.", webhooks=WebhookUrls(human_input=webhook))
    urls = WebhookUrls(task=f"https://h.example/{path}")
    await register_webhooks("research", "e-1", urls, uow=world.uow, clock=world.clock)


async def test_a_later_output_stays_as_it_came(world: World) -> None:
    await carry(world)
    received = await world.notify(TOLD, agent=TOKEN, task_name=KEY)
    posting = await world.uow.read.posting(received.round.id)
    assert posting.view.output == Output(TOLD)
    assert received.round.review.agent == TOKEN


@pytest.mark.parametrize("tool", ["create_refund_v2", "shop_create_refund_v2"])
async def test_an_address_takes_no_call_out_of_its_rule(world: World, tool: str) -> None:
    await carry(world, "create_refund_v2/done")
    world.crews["research"] = a_crew(rules=(NEVER, SHOP))
    call = replace(CALL, tool=tool, other_names=("create_refund_v2",))
    round_ = (await world.notify(**about(call=call))).round
    assert round_.rule.name == "never"
    assert round_.decision is not None
    assert isinstance(round_.decision.verdict, Refuse)


async def test_an_address_takes_no_task_out_of_its_rule(world: World) -> None:
    await carry(world, "ContractReview2026/done")
    two = Rule(name="two eyes", when=Conditions(task="Contract*"), approvals=2)
    world.crews["research"] = a_crew(rules=(two,))
    received = await world.notify(task_id="7f0c", task_name="ContractReview2026")
    assert received.round.rule.name == "two eyes"


async def test_a_call_whose_name_is_unreadable_is_not_approved_at_once(world: World) -> None:
    """Nobody is told which tool it is."""
    output = replace(about()["output"], erased=1)
    round_ = await called(world, call=replace(CALL, tool=""), output=output)
    await world.settle_slack()
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(round_.id, seen=replace(NOTHING_SEEN, share=Share(10, 10)))
    assert Unseen.ERASED in asked.value.caveats.unseen


async def test_an_update_loses_the_paths_of_callers_addresses(world: World) -> None:
    await carry(world)
    await world.record(StepUpdate(doing=TOLD))
    assert (await world.execution()).step == SHORT


async def test_a_result_stays_as_it_came(world: World) -> None:
    await carry(world)
    await world.record(CrewUpdate(result=Output(TOLD)))
    assert (await world.execution()).result == Output(TOLD)


async def test_a_status_loses_the_paths_of_callers_addresses(world: World) -> None:
    await carry(world)
    world.crew.says = Progress(status=CrewStatus.FAILED, word=TOLD, error=TOLD)

    shown = await look.execution(
        "e-1", by=ANA.id, context=world.reviews, clients=world.context.clients
    )
    for _ in range(GONE_ANSWERS):
        world.clock.advance(PAUSED_POLL)
        await world.turn(STATUS)

    assert shown.progress == Progress(status=CrewStatus.FAILED, word=SHORT, error=SHORT)
    assert (await world.execution()).error == SHORT
