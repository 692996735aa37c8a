"""`SOAK_ACTS=20 make soak`: calls that people are asked about, and a host that is killed meanwhile.

Crews of the real library act on a file, one line for each effect; people decide at random. In the
end the file must have what they approved, each once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from tests.host.client import Json, Listener, listening
from tests.host.real import COMPLETE, Real, host
from tests.soak.options import Acts

TOOL: Final = "transfer_slowly"
_TARGETS: Final = (
    "acting",
    "acting_natively",
    "acting_beside",
    "acting_for_others",
    "ActFlow",
)
#: The longest life of a host, and the longest that people take, in seconds.
_LIFE: Final = 4.0
_THINKING: Final = 1.5
_EACH: Final = 0.7
_MOST_OPEN: Final = 30
_TAKEN, _CLOSED, _TOO_EARLY = 200, 400, 503


@dataclass
class Card:
    """A call that people are asked about."""

    execution: str
    to: str
    may_have_run: bool
    there: int = 0
    """The effects of it that stand in the file as people decide."""
    approve: bool | None = None
    """None while nobody has decided, and where it was closed before."""
    effect: str = ""
    """The line that an approval allows."""


@dataclass
class Ledger:
    """All that people saw and did."""

    calls: Counter[str] = field(default_factory=Counter)
    """The number of agents' calls, for each."""
    cards: list[Card] = field(default_factory=list)
    edited: int = 0
    kills: int = 0
    executions: set[tuple[str, str]] = field(default_factory=set)
    """Target and id."""


def wrong(ledger: Ledger, effects: Sequence[str]) -> Iterator[str]:
    """All that is wrong with what stands in the file."""
    approved = Counter(card.effect for card in ledger.cards if card.approve)
    for effect in (Counter(effects) - approved).elements():
        yield f"it stands there, and was not approved so often: {effect}"
    by_call: dict[str, list[Card]] = {}
    for card in ledger.cards:
        by_call.setdefault(card.to, []).append(card)
    for to, cards in by_call.items():
        there = _count(effects, to)
        decided = [card for card in cards if card.approve is not None]
        if not decided:
            yield f"nobody could decide on {to}"
        elif ledger.calls[to] > 1:
            # Of two equal calls nobody knows which of them the host was killed in.
            asked_anew = sum(card.may_have_run for card in cards)
            # After a restart a refusal holds for both.
            holds = any(card.approve is False for card in decided)
            if not holds and there < sum(card.approve is True for card in decided) - asked_anew:
                yield f"it was approved, and stands there {there} times: {to}"
        else:
            yield from _wrong_with_one(to, decided, there)


def _wrong_with_one(to: str, decided: Sequence[Card], there: int) -> Iterator[str]:
    first, *again = decided
    if first.may_have_run:
        yield f"it was said to have run perhaps, and nobody had approved it: {to}"
    if any(not card.may_have_run for card in again):
        yield f"it was asked anew, and not said to have run perhaps: {to}"
    if any(not card.approve for card in decided[:-1]):
        yield f"it was refused, and asked anew: {to}"
    seen = [card.there for card in decided]
    for before, after in zip(seen, [*seen[1:], there], strict=True):
        if after - before not in {0, 1}:
            yield f"an approval let it run {after - before} times: {to}"
    last = decided[-1]
    if there - last.there != int(last.approve is True):
        yield f"decided {last.approve}, then done {there - last.there} times: {to}"


def _count(effects: Sequence[str], to: str) -> int:
    return sum(effect.split()[1] == to for effect in effects)


class _Soak:
    """A host, and everybody around it."""

    def __init__(self, real: Real, options: Acts) -> None:
        self.real = real
        self.ledger = Ledger()
        self._options = options
        self._load = Random(f"{options.seed} load")  # noqa: S311  # nothing is hidden by it
        self._people = Random(f"{options.seed} people")  # noqa: S311  # nor here
        self._death = Random(f"{options.seed} death")  # noqa: S311  # nor here
        self._seen: set[str] = set()
        self._open = 0

    @property
    def effects(self) -> list[str]:
        return [line for line in self.real.lines("acts.txt") if line.startswith(TOOL)]

    async def kills(self) -> None:
        for _ in range(self._options.kills):
            await asyncio.sleep(self._death.uniform(0, _LIFE))
            await self.real.process.kill()
            self.ledger.kills += 1
            await self.real.process.start()
            print(
                f"  kill {self.ledger.kills}: {len(self.ledger.cards)} cards,"
                f" {len(self.effects)} effects",
                flush=True,
            )

    async def kick_off(self) -> None:
        """Begin executions until cancelled; a kickoff whose answer is lost may be one."""
        number = 0
        while True:
            await asyncio.sleep(_EACH)
            if self._open > _MOST_OPEN:
                continue
            number += 1
            target = self._load.choice(_TARGETS)
            try:
                await self.real.api(target).kick_off(
                    self._inputs(target, number), **self.real.told(target)
                )
            except (aiohttp.ClientError, OSError):
                continue

    def _inputs(self, target: str, number: int) -> Json:
        sides = {side: self._script(f"{number}-{side}") for side in ("left", "right", "end")}
        if target == "acting_beside":
            return sides
        at_once = target == "acting_natively"
        script = self._script(str(number), at_once=at_once)
        if target == "acting_for_others":
            work = {"task": f"Act {script}", "context": "None", "coworker": "Clerk"}
            script = json.dumps([[["delegate_work_to_coworker", work]]])
        how = self._load.choice(("by text", "natively")) if target == "ActFlow" else ""
        return {"steps": script, "how": how}

    def _script(self, name: str, *, at_once: bool = False) -> str:
        """Return up to three calls, one after another or at once; two may be equal at once."""
        names = [f"{name}-{place}" for place in range(self._load.randint(1, 3))]
        if at_once and self._load.random() < 1 / 3:
            names.append(names[0])
        self.ledger.calls.update(names)
        calls = [[TOOL, {"to": to}] for to in names]
        return json.dumps([calls] if at_once else [[call] for call in calls])

    async def attend(self) -> None:
        """Let people decide on all that they are asked, until cancelled."""
        async with asyncio.TaskGroup() as group:
            taken = 0
            while True:
                new = await self.real.listener.until(lambda at=taken: self.real.listener.got[at:])  # type: ignore[misc]
                taken += len(new)
                for path, body, _, _ in new:
                    if not path.endswith("/pause"):
                        continue
                    target = path.split("/")[1]
                    self.ledger.executions.add((target, body["execution_id"]))
                    if "outcome" not in body and body["pause_id"] not in self._seen:
                        self._seen.add(body["pause_id"])
                        group.create_task(self._look_at(target, body))

    async def _look_at(self, target: str, body: Json) -> None:
        self._open += 1
        call = body.get("tool_call", {})
        card = None
        if call.get("tool") == TOOL:
            card = Card(body["execution_id"], call["arguments"]["to"], call["may_have_run"])
            self.ledger.cards.append(card)
        chance = Random(f"{self._options.seed} {body['pause_id']}")  # noqa: S311  # nor here
        await asyncio.sleep(chance.uniform(0, _THINKING))
        verdict: Json = {"is_approve": True}
        if card is not None:
            card.there = _count(self.effects, card.to)
            amount = 1
            if card.may_have_run:
                # They look into the file, and some let it run in spite of it.
                verdict = {"is_approve": not card.there or chance.random() < 1 / 4}
            elif (dice := chance.random()) < 1 / 4:
                verdict = {"is_approve": False}
            elif dice < 1 / 3:
                amount = 2
                edited = {"to": card.to, "amount": amount}
                verdict = {"edited": {"arguments": edited, "is_approve": True}}
            card.effect = f"{TOOL} {card.to} {amount} EUR"
        if await self._send(target, body, verdict) and card is not None:
            self.ledger.edited += "edited" in verdict
            card.approve = bool(verdict.get("is_approve", True))
        self._open -= 1

    async def _send(self, target: str, body: Json, verdict: Json) -> bool:
        """Return True if the decision is taken, False if it comes too late."""
        decision = {
            "execution_id": body["execution_id"],
            "task_id": body["task_id"],
            "human_feedback": "Seen.",
            "idempotency_key": body["pause_id"],
            **verdict,
            **self.real.told(target),
        }
        while True:
            try:
                status, said = await self.real.api(target).call("POST", "/resume", decision)
            except (aiohttp.ClientError, OSError):
                status = _TOO_EARLY
            if status in {_TAKEN, _CLOSED}:
                return status == _TAKEN
            assert status == _TOO_EARLY, said
            await asyncio.sleep(0.1)

    async def settle(self) -> list[str]:
        """Wait until all has ended; return what has not, or with an error."""
        problems: dict[str, str] = {}
        try:
            async with asyncio.timeout(self._options.settle_seconds):
                while True:
                    problems = {}
                    for target, execution in sorted(self.ledger.executions):
                        status = await self.real.api(target).status(execution)
                        if status["status"] != "completed":
                            problems[execution] = f"{target} {execution} is {status}"
                    if not problems and not self._open:
                        return []
                    await asyncio.sleep(1)
        except TimeoutError:
            return [*problems.values(), f"{self._open} decisions are not given"]

    def figures(self) -> Iterator[str]:
        cards = self.ledger.cards
        asked_anew = [card for card in cards if card.may_have_run]
        yield f"  kills: {self.ledger.kills}"
        yield f"  executions: {len(self.ledger.executions)}"
        yield f"  cards: {len(cards)}, of them asked anew: {len(asked_anew)}"
        yield f"    of these, done before: {sum(card.there > 0 for card in asked_anew)}"
        yield f"  approved: {sum(card.approve is True for card in cards)}"
        yield f"    with other arguments: {self.ledger.edited}"
        yield f"  refused: {sum(card.approve is False for card in cards)}"
        yield f"  closed before anybody decided: {sum(card.approve is None for card in cards)}"
        yield f"  effects: {len(self.effects)}"


async def soak_acts(options: Acts, folder: Path) -> tuple[list[str], list[str]]:
    """Run; return the figures and the problems."""
    if not COMPLETE.exists():
        return [], ["crewai is not installed: `make with-crewai`"]
    async with listening() as listener:
        return await _soak(listener, options, folder)


async def _soak(listener: Listener, options: Acts, folder: Path) -> tuple[list[str], list[str]]:
    process = host(folder, *(f"acting:{target}" for target in _TARGETS), listener=listener)
    soak = _Soak(Real(process, listener, folder), options)
    async with process, asyncio.TaskGroup() as group:
        people = group.create_task(soak.attend())
        load = group.create_task(soak.kick_off())
        await soak.kills()
        load.cancel()
        problems = await soak.settle()
        people.cancel()
    effects = soak.effects
    return list(soak.figures()), [*problems, *wrong(soak.ledger, effects)]
