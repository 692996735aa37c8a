"""Forwarding webhooks to their callers: in order, until they are taken."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from typing_extensions import override

from crewgate.domain.effects import EffectKind, forward_destination
from crewgate.domain.execution import (
    StepUpdate,
    TaskUpdate,
)
from crewgate.domain.notification import WebhookUrls
from crewgate.domain.outcome import Delivered, NotSent, Outcome, Refused, Unknown
from crewgate.encryption import Cipher
from crewgate.store.column_types import Secret
from crewgate.store.tables import outbox
from crewgate.usecases.delivery.executions import KICKOFF_ANSWER_TIMEOUT
from crewgate.usecases.read_models import ForwardedWebhook
from crewgate.usecases.receive import store_dead_letter
from crewgate.usecases.track import record_update
from tests.builders import a_secret_key
from tests.databases import both
from tests.usecases.crew_standins import FakeForwarder
from tests.usecases.faults import AWAY
from tests.usecases.world import World

DAY = timedelta(days=1)
FORWARD = forward_destination("research")
URLS = WebhookUrls(task="https://theirs.example/task")
NEVER: sa.ColumnClause[Any] = sa.literal_column(str(2**63 - 1))


@pytest.fixture
def forwarding(world: World) -> World:
    own = WebhookUrls(task="https://ours.example/task", step="https://ours.example/step")
    world.crews["research"] = replace(world.crews["research"], forward=True, own=own)
    return world


async def came(world: World, *, kind: str = "task", register: WebhookUrls | None = None) -> None:
    if register:
        async with world.uow.begin() as tx:
            await tx.executions.register("research", "e-1", register)
    webhook = ForwardedWebhook(
        id=world.new_id(),
        crew="research",
        execution_id="e-1",
        kind=kind,
        content_type="application/json",
        body=b"{}",
    )
    await record_update(
        "research",
        "e-1",
        TaskUpdate(title="plan") if kind == "task" else StepUpdate(doing=""),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
        webhook=webhook,
    )


async def test_a_webhook_that_is_not_understood_goes_where_the_settings_say(
    forwarding: World,
) -> None:
    world = forwarding
    for configured in (WebhookUrls(), URLS):
        world.crews["research"] = replace(world.crews["research"], configured=configured)
        webhook = ForwardedWebhook(
            id=world.new_id(),
            crew="research",
            execution_id="",
            kind="task",
            content_type="text/plain",
            body=b"?",
        )
        await store_dead_letter(
            "research",
            b"?",
            "not JSON",
            context=world.receiving,
            webhook=webhook,
        )
        await world.turn(FORWARD)
        assert not await world.lease(FORWARD)

    assert world.forwarder.forwarded == [("https://theirs.example/task", b"?")]
    assert await world.effects() == [EffectKind.REPORT] * 2


async def test_a_webhook_is_forwarded_again_until_it_is_taken(forwarding: World) -> None:
    world = forwarding
    await came(world, register=URLS)
    world.forwarder.faults += [NotSent("away"), Unknown("no answer")]
    for _ in range(3):
        await world.turn(FORWARD)
        world.clock.advance(timedelta(minutes=1))

    assert world.forwarder.forwarded == [("https://theirs.example/task", b"{}")]
    assert not await world.lease(FORWARD)


async def test_a_webhook_waits_for_the_kickoffs_answer(forwarding: World) -> None:
    world = forwarding
    await came(world)
    assert await world.turn(FORWARD) == [Delivered("not yet")]
    async with world.uow.begin() as tx:
        await tx.executions.register("research", "e-1", URLS)
    world.clock.advance(timedelta(minutes=1))
    await world.turn(FORWARD)
    assert world.forwarder.forwarded

    await world.start()
    await came(world, kind="step")
    await world.turn(FORWARD)
    assert len(world.forwarder.forwarded) == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_a_webhook_waits_for_the_kickoffs_answer_though_more_came_before_it(
    forwarding: World, *, ended: bool
) -> None:
    world = forwarding
    await came(world)
    carried = WebhookUrls(crew="https://theirs.example/crew")
    await world.notify(inputs=(("topic", "tea"),), webhooks=carried)
    if ended:
        await world.record_update(ended="Done.")
    assert await world.turn(FORWARD) == [Delivered("not yet")]

    await world.kick_off(execution="e-1")
    async with world.uow.begin() as tx:
        await tx.executions.register("research", "e-1", URLS)
    world.clock.advance(timedelta(minutes=1))
    await world.turn(FORWARD)

    assert world.forwarder.forwarded == [("https://theirs.example/task", b"{}")]


async def test_what_nobody_gave_an_address_for_waits_a_quarter_of_an_hour_in_all(
    forwarding: World,
) -> None:
    world = forwarding
    await came(world)
    await world.notify()
    world.clock.advance(KICKOFF_ANSWER_TIMEOUT)
    await came(world)
    for _ in range(2):
        await world.turn(FORWARD)

    assert not await world.lease(FORWARD)
    assert not world.forwarder.forwarded
    assert EffectKind.FORWARD_FAILED not in await world.effects()


async def test_a_webhook_whose_address_no_key_opens_waits_for_its_key(forwarding: World) -> None:
    world = forwarding
    Secret.cipher = Cipher([a_secret_key(1)])
    await came(world, register=URLS)
    for keys in ((), (a_secret_key(1),)):
        Secret.cipher = Cipher(keys)
        [outcome] = await world.turn(FORWARD)
        assert isinstance(outcome, Delivered if keys else Unknown)
        world.clock.advance(timedelta(minutes=1))

    assert world.forwarder.forwarded == [("https://theirs.example/task", b"{}")]


async def test_after_a_day_it_is_given_up_and_said(forwarding: World) -> None:
    world = forwarding
    await came(world, register=URLS)
    world.clock.advance(DAY)  # while the bot was stopped
    world.forwarder.faults.extend([NotSent("away")] * 2)
    await world.turn(FORWARD)
    world.clock.advance(DAY)
    await world.turn(FORWARD)
    await world.settle_slack()

    assert len(world.forwarder.faults) == 0
    assert world.messages_said() == [EffectKind.FORWARD_FAILED]
    assert not await world.lease(FORWARD)


GONE = Refused("410", "Gone.")


class SlowForwarder(FakeForwarder):
    """Something happens before the first answer, which comes late: a refusal, unless told."""

    late: Outcome = GONE
    meanwhile: Callable[[], Awaitable[object]] | None = None

    @override
    async def forward(self, webhook: ForwardedWebhook, url: str) -> Outcome:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is None:
            return await super().forward(webhook, url)
        await meanwhile()
        return self.late


async def forwarded_late(world: World, slow: SlowForwarder, *theirs: Outcome) -> list[Outcome]:
    """A bot stands still, another one takes its webhook over; return what comes a minute later."""
    world.context = replace(world.context, forwarder=slow)

    async def take_over() -> None:
        await world.lapse()
        slow.faults.extend(theirs)
        await world.turn(FORWARD)

    slow.meanwhile = take_over
    await came(world, register=URLS)
    await world.turn(FORWARD)
    world.clock.advance(timedelta(minutes=1))
    return await world.turn(FORWARD)


@both
@pytest.mark.parametrize("theirs", [(AWAY,), (AWAY, GONE), (GONE,)])
async def test_a_bot_that_stood_still_leaves_a_webhook_to_the_other(
    world: World, theirs: Sequence[Outcome]
) -> None:
    world.crews["research"] = replace(world.crews["research"], forward=True)
    slow = SlowForwarder()
    await forwarded_late(world, slow, *theirs)
    await world.settle_slack()
    told = GONE in theirs
    assert len(slow.forwarded) == (not told)
    assert world.messages_said() == [EffectKind.FORWARD_FAILED] * told


async def test_what_a_bot_that_stood_still_has_delivered_is_not_forwarded_again(
    forwarding: World,
) -> None:
    slow = SlowForwarder()
    slow.late = Delivered()
    assert await forwarded_late(forwarding, slow, AWAY) == [Delivered()]
    assert slow.forwarded == []


@both
@pytest.mark.parametrize("damage", [{"kind": "forward_of_tomorrow"}, {"due_at": NEVER}])
async def test_a_webhook_behind_a_damaged_one_is_forwarded(
    world: World, damage: dict[str, Any]
) -> None:
    world.crews["research"] = replace(world.crews["research"], forward=True)
    await came(world, register=URLS)
    await came(world)
    first = sa.select(sa.func.min(outbox.c.id)).where(outbox.c.kind == "forward")
    async with world.engines.write.begin() as connection:
        [found] = (await connection.execute(first)).scalars()
        await connection.execute(sa.update(outbox).where(outbox.c.id == found).values(damage))
    await world.outbox.note_alive(now=world.clock(), compare=True)
    for _ in range(3):
        await world.turn(FORWARD)
    assert len(world.forwarder.forwarded) == 1
