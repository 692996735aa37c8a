"""Floods: many rounds of one task at once, of which a card counts those that have none yet.

Nobody may wait without a card that says so, and no rule may decide by time what nobody could see.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Final

from typing_extensions import override

from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.beside import Beside
from tests.soak.database import BesideRound
from tests.soak.evidence import Card
from tests.standins.crew import Crew, Task
from tests.standins.workspace import Message

#: Executions that begin at once, and the seconds from the end of these to the next.
_MANY: Final = 24
_PAUSE: Final = 10.0
_TIME_OUT: Final = 45
#: How long somebody reads, in seconds: cards come once a second.
_READ: Final = (1.0, 5.0)
_WALKS: Final = 0.5
_LEAVES: Final = 0.2
_WALK_SECONDS: Final = 60.0
_STEP_SECONDS: Final = 8.0
_LOOK: Final = 0.2
#: Nobody waits longer, since a bot was killed last, without a card that says so: faults of Slack
#: and a busy machine included, each of which puts a message off by half a minute at most.
_UNANNOUNCED: Final = 150.0
_ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A round of a flood, as it was seen from outside."""

    execution: str
    announced: float
    """The time when the bot took its notification."""
    resumes: tuple[float, ...]
    """The times when the crew was resumed."""
    by_rule: bool
    posted: float | None
    """The time when its own card was seen."""


def wrong(rounds: Sequence[Waited], counted: Sequence[float]) -> Iterator[str]:
    """All that is wrong: `counted` are the moments at which a card was seen that counts others."""
    for one in rounds:
        if len(one.resumes) > 1:
            yield f"{one.execution} was resumed {len(one.resumes)} times"
        if one.by_rule and one.resumes:
            own = one.posted is not None and one.posted <= one.resumes[0]
            if not own and not any(one.announced <= at <= one.resumes[0] for at in counted):
                yield (
                    f"{one.execution} was decided by time, and no card had shown or counted it: "
                    "look at its CG125 in `audit show`"
                )


class Floods(Beside):
    """The crew, and those who decide: card by card, or by *Start* on the one that counts."""

    name: ClassVar = "flood"
    people: ClassVar = ("U0FLOOD0", "U0FLOOD1", "U0FLOOD2", "U0FLOOD3")
    rules: ClassVar = (f'timeout = {{ after = "{_TIME_OUT}s", then = "approve" }}',)

    crew: Crew

    def __init__(self, seed: int) -> None:
        draft = Task(
            task_id="draft",
            name="Draft",
            description="Write a draft.",
            expected_output="Text",
            agent="Writer",
            needs_review=True,
            produce=lambda inputs, *_: f"A draft of {inputs['topic']}.",
        )
        super().__init__(Crew(script=[draft], task_seconds=0.1), seed)
        self.counted: list[float] = []
        self.walked = 0
        self._waits_since: dict[str, float] = {}
        self._late: dict[str, str] = {}

    # --- its load

    @override
    async def load(self) -> None:
        number = 0
        while True:
            if all(
                one.ended_at is not None or one.id in self._lost() for one in self.crew.executions
            ):
                for _ in range(_MANY):
                    number += 1
                    self.crew.start_execution({"topic": f"flood {number}"})
            await asyncio.sleep(_PAUSE)

    def _lost(self) -> set[str]:
        """The executions of whose pause the bot could not hear."""
        sent = [one for one in self.crew.webhooks_sent if one.kind == "human_input"]
        return {str(one.body["execution_id"]) for one in sent if one.status != _ACCEPTED}

    # --- its people

    @override
    def look(self, message: Message, group: asyncio.TaskGroup) -> None:
        super().look(message, group)
        if _counts(message):
            self.counted.append(time.time())

    @override
    async def decide(self, person: str, card: Card, chance: Random) -> None:
        if chance.random() < _LEAVES:
            return  # the others, or its time, see to it
        await asyncio.sleep(chance.uniform(*_READ))
        if _counts(card.message) and chance.random() < _WALKS:
            await self._walk(person, card)
        else:
            await self.approve(person, card)

    async def _walk(self, person: str, card: Card) -> None:
        """Go through the flood and approve each, for as long as the bot goes on showing some."""
        await self.slack.click(person, card.message, buttons.START.id)
        began = stepped = time.monotonic()
        while time.monotonic() < min(began + _WALK_SECONDS, stepped + _STEP_SECONDS):
            await asyncio.sleep(_LOOK)
            for view in self.slack.open_modals(person)[-1:]:
                actions = {
                    element.get("action_id")
                    for block in view.blocks
                    for element in block.get("elements", ())
                }
                if buttons.APPROVE.id in actions:
                    reply = await self.press_in(person, view, buttons.APPROVE.id)
                elif view.content.get("callback_id") == ids.CONFIRM_MODAL:
                    reply = await self.submit(person, view, {})
                elif "That was" in view.shown:
                    return
                else:
                    continue
                self.walked += reply.ok
                stepped = time.monotonic()

    # --- what must hold

    @override
    def watch(self, rounds: Sequence[BesideRound]) -> None:
        now = time.time()
        killed = max((outage.until for outage in self.ledger.outages), default=0.0)
        is_counted = any(card.waits and _counts(card.message) for card in self.cards.values())
        for one in rounds:
            card = self.cards.get(one.id)
            if one.decided_by is not None or not one.is_unfinished:
                self._waits_since.pop(one.id, None)
            elif is_counted or (card is not None and card.waits):
                self._waits_since[one.id] = now
            elif now - max(self._waits_since.setdefault(one.id, now), killed) > _UNANNOUNCED:
                self._late[one.id] = (
                    f"flood: {one.text!r} waits for more than {_UNANNOUNCED:.0f} s, without a card "
                    f"and with none that counts it: look at the round {one.id} and its outbox"
                )

    @override
    def wrong(self, rounds: Sequence[BesideRound]) -> Iterator[str]:
        yield from super().wrong(rounds)
        yield from self._late.values()
        by_rule = {one.execution_id for one in rounds if one.decided_by == ""}
        posted = {one.execution_id: self.posted.get(one.id) for one in rounds}
        heard = {
            str(sent.body["execution_id"]): sent.at
            for sent in self.crew.webhooks_sent
            if sent.kind == "human_input" and sent.status == _ACCEPTED
        }
        resumes: dict[str, list[float]] = {}
        for call in self.crew.requests:
            if call.path == "/resume" and call.effective:
                resumes.setdefault(str(call.body["execution_id"]), []).append(call.at)
        for execution in heard:
            if execution not in posted:
                yield f"flood: {execution} was told to the bot, which has no round of it"
            elif not resumes.get(execution):
                yield f"flood: {execution} waits at its crew"
        seen = [
            Waited(
                execution=execution,
                announced=at,
                resumes=tuple(resumes.get(execution, ())),
                by_rule=execution in by_rule,
                posted=posted.get(execution),
            )
            for execution, at in heard.items()
        ]
        yield from (f"flood: {one}" for one in wrong(seen, self.counted))
        for card in self.cards.values():
            if _counts(card.message):
                yield f"flood: the card of the round {card.round_id} counts others, and none waits"

    @override
    def figures(self, rounds: Sequence[BesideRound]) -> Iterator[tuple[str, int]]:
        yield "rounds", len(rounds)
        yield "  without a card of their own at first", sum(one.is_gathered for one in rounds)
        yield "  that never had one", sum(one.id not in self.cards for one in rounds)
        yield "  decided by time", sum(one.decided_by == "" for one in rounds)
        yield "presses in a walk through one", self.walked
        yield "pauses that the bot could not hear", len(self._lost())


def _counts(message: Message) -> bool:
    """Return True if it offers the way through others that have no card."""
    accessories = (block.get("accessory", {}) for block in message.blocks)
    return any(one.get("action_id") == buttons.START.id for one in accessories)
