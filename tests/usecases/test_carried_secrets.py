"""Secrets of an execution's webhooks are removed from everything that the crew says later."""

import pytest

from crewgate.domain.caveats import Unseen
from crewgate.domain.errors import ConfirmationNeeded
from crewgate.domain.execution import GONE_ANSWERS, StepUpdate
from crewgate.domain.notification import HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.redaction import MARK
from crewgate.usecases import queries as look
from crewgate.usecases.kickoff import register_webhooks
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.track import PAUSED_POLL
from tests.builders import ANA
from tests.usecases.world import STATUS, World

TOKEN = "carried-token"  # opens nothing
KEY = "T0ken0fAnAddress1234"
TOLD = f"Look: {TOKEN} {KEY}."
CLEAN = f"Look: {MARK} {MARK}."


async def carry(world: World) -> None:
    webhook = HumanInputWebhook("https://h.example/pause", "bearer", token=TOKEN)
    await world.notify("A draft.", webhooks=WebhookUrls(human_input=webhook))
    urls = WebhookUrls(task=f"https://h.example/{KEY}")
    await register_webhooks("research", "e-1", urls, uow=world.uow, clock=world.clock)


async def test_in_a_later_output(world: World) -> None:
    await carry(world)

    received = await world.notify(TOLD, agent=TOKEN)

    posting = await world.uow.read.posting(received.round.id)
    assert posting.view.output == Output(CLEAN, erased=2)
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(received.round.id)
    assert asked.value.caveats.unseen == {Unseen.ERASED}
    assert (await world.notify(TOLD, agent=TOKEN)).accepted is False
    assert (await world.uow.read.webhooks(received.round))[0].task == f"https://h.example/{KEY}"


async def test_a_sentence_in_an_address_is_no_secret(world: World) -> None:
    """Else a caller could take words out of what people and rules read."""
    text = "Please make the wire transfer of 90000 EUR to ACC-666 today."
    urls = WebhookUrls(crew="https://h.example/wire%20transfer%20of%2090000%20EUR%20to%20ACC-666")

    received = await world.notify(text, webhooks=urls)

    posting = await world.uow.read.posting(received.round.id)
    assert posting.view.output == Output(text)


async def test_in_an_update(world: World) -> None:
    await carry(world)

    await world.record(StepUpdate(doing=TOLD))

    assert (await world.execution()).step == CLEAN


async def test_in_a_status(world: World) -> None:
    await carry(world)
    world.crew.says = Progress(status=CrewStatus.FAILED, word=TOLD, error=TOLD)

    shown = await look.execution(
        "e-1", by=ANA.id, context=world.reviews, clients=world.context.clients
    )
    for _ in range(GONE_ANSWERS):
        world.clock.advance(PAUSED_POLL)
        await world.turn(STATUS)

    assert shown.progress == Progress(status=CrewStatus.FAILED, word=CLEAN, error=CLEAN)
    assert (await world.execution()).error == CLEAN
