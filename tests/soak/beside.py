"""A crew beside those of the load, with people of its own and what must hold for it alone.

Calls of tools and lessons are each one of these. Its rounds carry no label: the checks of
the load leave them out.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from random import Random
from typing import ClassVar

import aiohttp

from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.database import BesideRound
from tests.soak.evidence import Card, find_card
from tests.soak.ledger import Ledger
from tests.standins.crew import Deployment
from tests.standins.workspace import CannotDoThat, Message, Reply, View, Workspace

_UNREAD = 1_000_000
_KICKOFF_SECONDS = 20
#: How long somebody thinks, waits for a form, and looks at a card before they press again; seconds.
_THINK = (0.2, 1.5)
_FORM = 6
_PATIENCE = 15
_LOOK = 0.2
_RETRIES = 40


class Beside:
    """One crew in one channel."""

    name: ClassVar[str]
    people: ClassVar[tuple[str, ...]]
    rules: ClassVar[tuple[str, ...]]
    """The lines of each rule besides its name and reviewers."""

    slack: Workspace
    address: str
    """The bot's."""
    ledger: Ledger

    def __init__(self, crew: Deployment, seed: int) -> None:
        crew.name = self.name
        self.crew = crew
        self.cards: dict[str, Card] = {}
        """The latest card of each round, by its id."""
        self.posted: dict[str, float] = {}
        """The time when each of them was seen first."""
        self.free = {person: asyncio.Lock() for person in self.people}
        """Nobody looks at two modals at once."""
        self._seed = seed
        self._attended: set[str] = set()

    @property
    def channel(self) -> str:
        """The id of its channel."""
        return f"C2{self.name.upper()}"

    def table(self) -> str:
        """The crew in the settings."""
        rules = (
            f"""
[[crews.{self.name}.rules]]
name = "{self.name} {number}"
reviewers = {list(self.people)}
{rule}
"""
            for number, rule in enumerate(self.rules)
        )
        return f"""
[crews.{self.name}]
url = "{self.crew.url}"
token_env = "TOKEN_{self.name}"
webhook_secret_env = "HOOK_{self.name}"
channel = "{self.channel}"
reviewers = {list(self.people)}
notify = "mention"
{"".join(rules)}
"""

    def join(self, slack: Workspace, address: str, ledger: Ledger) -> None:
        """Have it take part in a run, once the bot is there."""
        self.slack, self.address, self.ledger = slack, address, ledger

    def chance(self, of: str) -> Random:
        """Chance for one part of it, equal for an equal seed."""
        return Random(f"{self._seed} {self.name} {of}")  # noqa: S311  # nothing is hidden by it

    # --- what each of them does in its own way

    async def load(self) -> None:
        """Begin executions until cancelled."""
        raise NotImplementedError

    async def last(self) -> None:
        """Do what belongs to the time when nothing goes wrong any longer."""

    async def kills(self, kills: int) -> None:
        """Kill what it has besides the bot, if it has anything."""

    def person_for(self, card: Card, chance: Random) -> str:
        """Return who decides on a card."""
        return chance.choice(self.people)

    async def decide(self, person: str, card: Card, chance: Random) -> None:
        """Press something on a card that waits; called again while that changes nothing."""
        raise NotImplementedError

    def look(self, message: Message, group: asyncio.TaskGroup) -> None:
        """Look at a message of the bot in the channel."""
        card = find_card(message)
        if card is None:
            return
        self.cards[card.round_id] = card
        self.posted.setdefault(card.round_id, time.time())
        if self._wants_somebody(card) and card.round_id not in self._attended:
            self._attended.add(card.round_id)
            group.create_task(self._attend(card.round_id))

    def is_settled(self, rounds: Sequence[BesideRound]) -> bool:
        """Return True if nothing is left to do."""
        return not self._attended and not any(one.is_unfinished for one in rounds)

    def watch(self, rounds: Sequence[BesideRound]) -> None:
        """Look at what has to hold all the time; called again and again."""

    def wrong(self, rounds: Sequence[BesideRound]) -> Iterator[str]:
        """All that is wrong at the end."""
        for one in rounds:
            if one.is_unfinished:
                yield f"{self.name}: the round {one.id} is {one.state}, {one.reason}: {one.text!r}"

    def figures(self, rounds: Sequence[BesideRound]) -> Iterator[tuple[str, int]]:
        """Names and numbers for the report."""
        yield "rounds", len(rounds)

    # --- what they share

    async def attend(self) -> None:
        """Have people look at whatever comes, until cancelled."""
        with self.slack.subscribe(_UNREAD) as changes:
            async with asyncio.TaskGroup() as group:
                async for change in changes:
                    match change.subject:
                        case Message(bot=True, only_for=None, channel=self.channel) as message:
                            self.look(message, group)
                        case _:
                            pass

    async def kick_off(self, inputs: Mapping[str, object]) -> bool:
        """Kick off through the bot, once; return True if that is answered with an execution."""
        url = f"{self.address}/crews/{self.name}/kickoff"
        headers = {"Authorization": f"Bearer {self.crew.token}"}
        timeout = aiohttp.ClientTimeout(total=_KICKOFF_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
                session.post(url, json={"inputs": inputs}) as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return False
        self.ledger.http_answers.append(text)
        return answer.status == HTTPStatus.OK and "kickoff_id" in text

    def _wants_somebody(self, card: Card) -> bool:
        return card.waits or (card.is_stuck and self.ledger.retries[card.round_id] < _RETRIES)

    async def _attend(self, round_id: str) -> None:
        chance = self.chance(self.cards[round_id].message.ts)
        person = self.person_for(self.cards[round_id], chance)
        try:
            while self._wants_somebody(self.cards[round_id]):
                await asyncio.sleep(chance.uniform(*_THINK))
                async with self.free[person]:
                    card = self.cards[round_id]
                    if card.is_stuck:
                        await self.slack.click(person, card.message, buttons.RETRY.id)
                        self.ledger.retries[round_id] += 1
                    elif card.waits:
                        await self.decide(person, card, chance)
                    await self.close(person)
                await self._changed(card)
        finally:
            self._attended.discard(round_id)

    async def _changed(self, card: Card) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self.cards[card.round_id].actions != card.actions:
                return
            await asyncio.sleep(_LOOK)

    async def approve(self, person: str, card: Card) -> Reply:
        """Press Approve, or a question's first answer, and again where that asks."""
        reply = await self.slack.click(person, card.message, card.approves)
        until = time.monotonic() + _FORM
        while time.monotonic() < until and self.cards[card.round_id].actions == card.actions:
            for view in self.slack.open_modals(person):
                if view.content.get("callback_id") == ids.CONFIRM_MODAL:
                    return await self.press_in(person, view, card.approves)
            await asyncio.sleep(_LOOK)
        return reply

    async def press_in(self, person: str, view: View, action: str) -> Reply:
        """Press a button of a modal, which may have been closed or replaced meanwhile."""
        try:
            return await self.slack.click(person, view, action)
        except CannotDoThat as error:
            return Reply(0, problem=str(error))

    async def form(self, person: str, name: str) -> View | None:
        """Wait for a person's form, by its callback id."""
        until = time.monotonic() + _FORM
        while time.monotonic() < until:
            for view in reversed(self.slack.open_modals(person)):
                if view.content.get("callback_id") == name:
                    return view
            await asyncio.sleep(_LOOK)
        return None

    async def submit(self, person: str, form: View, values: Mapping[str, str | None]) -> Reply:
        """Send a form, which may have been closed or replaced meanwhile."""
        try:
            return await self.slack.submit(person, values, form)
        except CannotDoThat as error:
            return Reply(0, problem=str(error))

    async def close(self, person: str) -> None:
        """Close what a person has still open."""
        if self.slack.open_modals(person):
            await self.slack.close_modal(person, all_of_them=True)
