"""Workers' acts: they stand still in a call, and are at one place at the same moment."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from crewgate.domain.effects import TIMER, EffectKind
from crewgate.domain.review import Round
from crewgate.domain.verdict import Decision
from crewgate.usecases.delivery.context import GRACE, DeliveryContext
from crewgate.usecases.delivery.worker import LEASE, deliver
from crewgate.usecases.ports.base import Job
from tests.simulation.chains import Chains
from tests.simulation.in_the_end import is_to_do
from tests.simulation.known import MOMENT
from tests.simulation.oracle import require
from tests.simulation.product import EVERYBODY, HOUR, Product
from tests.simulation.story import Choices

TIMERS: Final = (EffectKind.REMIND, EffectKind.ESCALATE, EffectKind.TIME_OUT)


@dataclass
class Standing:
    """A worker that stands still after its call took effect, before it knows the answer."""

    job: Job
    work: asyncio.Task[object]
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)


class Workers(Chains):
    """The workers of two bots."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        self.standing: list[Standing] = []
        product.crew.on_resume = self.answer_comes

    async def answer_comes(self, execution_id: str, decision: Decision) -> None:
        """The decision may be of this moment: a person presses while a bot works."""
        await self.look()
        await self.crew.on_resume(execution_id, decision)

    async def due(self) -> list[str]:
        now = self.world.clock()
        return sorted(
            {
                row.destination
                for row in await self.world.everything()
                if is_to_do(row) and row.due_at <= now
            }
        )

    async def worker_stands_still(self, choices: Choices) -> None:
        """The other side does what a worker wants of it, and the worker stands still."""
        places = [one for one in await self.due() if one != TIMER]
        if not places:
            return
        context = choices.pick([self.world.context, self.world.beside])
        await self.stand_still(choices.pick(places), context)
        if choices.one_in(2):
            await self.another_takes_over(choices)

    async def stand_still(self, place: str, context: DeliveryContext) -> None:
        """Let a worker do the oldest job at a place, until the other side has done it."""
        leased = await self.world.outbox.lease(place, now=self.world.clock(), lease=LEASE, limit=1)
        for job in leased.jobs:
            halt = self.world.halt
            halt.goes_on = asyncio.Event()
            one = Standing(job, asyncio.create_task(deliver(job, context)), halt.goes_on)
            reached = asyncio.create_task(halt.reached.wait())
            await asyncio.wait({one.work, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
            halt.goes_on = None
            halt.reached.clear()
            if not one.work.done():
                self.standing.append(one)
                self.stood = True
            else:
                one.work.result()

    async def another_takes_over(self, choices: Choices) -> None:
        """The lease of the worker that stands still ends, and both bots do what is due."""
        await self.world.pass_time(choices.pick([LEASE, timedelta(minutes=11), HOUR]))
        for place in await self.due():
            await self.deliver(await self.world.lease_of(place), self.world.beside)

    async def worker_goes_on(self, choices: Choices) -> None:
        """A worker that stood still is told the answer, and settles its job, if it still can."""
        await self.go_on(choices.pick(self.standing))

    async def go_on(self, one: Standing) -> None:
        self.standing.remove(one)
        one.goes_on.set()
        await one.work

    async def all_workers_go_on(self) -> None:
        while self.standing:
            await self.worker_goes_on(Choices())

    async def stop(self) -> None:
        """End what stands still, as a killed process does."""
        for one in self.standing:
            one.work.cancel()
        await asyncio.gather(*(one.work for one in self.standing), return_exceptions=True)
        self.standing.clear()

    async def nobody_serves(self, choices: Choices) -> None:
        """No bot works for a while; then the time of each rule goes on where it stood."""
        await self.stop()
        outbox = self.world.outbox
        await outbox.note_alive(now=self.world.clock(), compare=False)
        before = {row.id: row.due_at for row in await self.world.everything()}
        away = choices.pick([HOUR, 5 * HOUR, timedelta(days=3)])
        await self.world.pass_time(away)
        await outbox.release(due_at=self.world.clock() + GRACE)
        await outbox.note_alive(now=self.world.clock(), compare=True)
        self.begin_bots()
        for row in await self.world.everything():
            if row.kind in TIMERS and row.set_aside_at is None:
                read = f"{row.kind} {row.subject} was due at {before[row.id]}, {away} without a bot"
                require(row.due_at == before[row.id] + away, "late", f"{read}: at {row.due_at}")

    def begin_bots(self) -> None:
        """Begin both bots again; only their memory knew that operators were told of empty lists."""
        self.world.begin_bots()
        self.is_empty = False

    # --- a person, or another bot, acts while a worker stands still ---

    async def approval_comes_beside(self, choices: Choices) -> None:
        """Somebody approves while a message about the round is on its way, and cards follow."""
        round_ = choices.pick(self.of_several())
        kind = choices.pick([EffectKind.DIRECT_MESSAGE, EffectKind.POST, EffectKind.REFRESH])
        for _ in range(3):
            if any(one.kind == kind for one in await self.due_about(round_)):
                break
            await self.carry_out()
        stood = len(self.standing)
        for row in await self.due_about(round_):
            if row.kind == kind and len(self.standing) == stood:
                await self.stand_still(row.destination, self.world.context)
        await self.approve_again(round_, choices.pick(EVERYBODY))
        await self.carry_out()
        for one in self.standing[stood:]:
            await self.go_on(one)
        await self.look()

    async def due_about(self, round_: Round) -> list[Any]:
        now = self.world.clock()
        return [
            row
            for row in await self.world.everything()
            if row.subject.partition(" ")[0] == round_.id
            if is_to_do(row) and row.due_at <= now and row.lease_until is None
        ]

    def cards_to_delete(self) -> list[Round]:
        """The rounds that wait and whose cards people can delete."""
        cards = {one.key.removeprefix("card ") for one in self.world.slack.deletable()}
        return [one for one in self.visible() if one.id in cards]

    async def two_find_a_card_deleted(self, choices: Choices) -> None:
        """A worker stands still before it knows, so that another one brings the card back."""
        round_ = choices.pick(self.cards_to_delete())
        while await self.carry_out():
            await self.look()
        if round_ not in self.cards_to_delete():
            return
        self.world.slack.card(round_.id).deleted = True
        able = [one for one in EVERYBODY if self.may_decide(one, round_)]
        await self.claim_it(round_, choices.pick(able or EVERYBODY))
        stood = len(self.standing)
        for row in await self.due_about(round_):
            if row.kind == EffectKind.REFRESH:
                await self.stand_still(row.destination, self.world.context)
        for _ in range(3):
            await self.another_takes_over(Choices())
        for one in self.standing[stood:]:
            await self.go_on(one)
        await self.look()

    async def card_is_gone_before_it_is_known(self, choices: Choices) -> None:
        """A worker posts a card and stands still; it is deleted, and another bot posts its own."""
        stood = len(self.standing)
        for place in (row.destination for row in await self.cards_to_post()):
            if len(self.standing) == stood:
                await self.stand_still(place, self.world.context)
        cards = [one for one in self.standing[stood:] if one.job.effect.kind is EffectKind.POST]
        for one in cards:
            await self.look()
            key = f"card {one.job.effect.target}"
            ours = [card for card in self.world.slack.deletable() if card.key == key]
            for card in ours:
                card.deleted = True
            for _ in range(3):
                await self.another_takes_over(Choices())
            await self.go_on(one)
            await self.look()
            round_ = self.round(one.job.effect.target)
            able = [by for by in EVERYBODY if self.may_decide(by, round_)]
            await self.approve_again(round_, choices.pick(able or EVERYBODY))

    async def cards_to_post(self) -> list[Any]:
        """The first jobs that post a card, if such a job is the next at its destination."""
        now, first = self.world.clock(), dict[str, Any]()
        for row in await self.world.everything():
            if is_to_do(row) and row.due_at <= now and row.lease_until is None:
                first.setdefault(row.destination, row)
        return [row for row in first.values() if row.kind == EffectKind.POST]

    async def both_bots_work(self, choices: Choices) -> None:
        """Both lease at one place, and carry it out at the same time."""
        await self.let_both_work(choices.pick(await self.due() or [TIMER]))

    async def let_both_work(self, place: str) -> None:
        leased = await asyncio.gather(*(self.world.lease_of(place) for _ in range(2)))
        ids = [job.id for jobs in leased for job in jobs]
        require(len(ids) == len(set(ids)), "jobs", f"both bots have {ids} of {place}")
        bots = (self.world.context, self.world.beside)
        await asyncio.gather(*map(self.deliver, leased, bots))

    async def people_press_while_bots_work(self, choices: Choices) -> None:
        """A person decides, perhaps another does, while both bots do what is due."""
        round_ = choices.pick(self.of_several() or self.visible())
        await self.world.pass_time(choices.pick([timedelta(0), LEASE, timedelta(minutes=31), HOUR]))
        people = [Choices([choices.number(99) for _ in range(4)]) for _ in range(2)]
        places = await self.due()
        # Each decision has a time of its own.
        self.races, self.world.clock.tick = True, MOMENT
        await asyncio.gather(
            *(self.decide(round_, one) for one in people), *map(self.let_both_work, places)
        )
        await self.look()
        self.races, self.world.clock.tick = False, timedelta(0)

    async def carry_out(self) -> int:
        """Carry out what is due and nobody's; return how many jobs that were."""
        jobs = [job for place in await self.due() for job in await self.world.lease_of(place)]
        await self.deliver(jobs, self.world.context)
        return len(jobs)
