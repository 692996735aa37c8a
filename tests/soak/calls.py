"""Calls of tools at a real `crewgate host`, which is killed as the bot is.

Its crew has a tool whose defaults say when it is, and an MCP server's. An approval holds for
seconds, so some end before the host is back. In the end `got.txt` has what people approved, each
once, as they were shown it.
"""

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from typing_extensions import override

from crewgate.demo.hosted.crew import TOKEN, HostedCrew, HostProcess
from crewgate.domain.review import State as RoundState
from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.builders import a_secret_key
from tests.host.real import PYTHON
from tests.repo.files import ROOT
from tests.soak.beside import Beside
from tests.soak.database import BesideRound
from tests.soak.evidence import Card
from tests.standins.crew import DROP_AFTER, status

#: How long an approval holds, in seconds, and by how much more a tool may be late once it began.
VALID_FOR: Final = 6
_LATE: Final = 2.0
#: Between two kickoffs, two kills and two lost answers; how long a host lives and is dead at most.
_EACH: Final = (2.0, 5.0)
_ALIVE: Final = (4.0, 12.0)
_DEAD: Final = 9.0
_FAULTS: Final = (2.0, 8.0)
_MOST_OPEN: Final = 8
_REFUSE, _CHANGE, _AGAIN = 0.15, 0.2, 0.25
_MAY_HAVE_RUN: Final = "may have been done already"

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call that people were asked about: one round."""

    round_id: str
    tool: str
    arguments: Arguments
    is_approve: bool | None
    until: float | None = None
    """The end of an approval."""
    shown: str | None = None
    """The text that the person saw who pressed Approve on its card."""
    since: float = 0
    """The time when somebody first pressed a button there, by the clock of the effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A call that a tool carried out."""

    tool: str
    arguments: Arguments
    at: float


def wrong(asked: Sequence[Asked], effects: Iterable[Effect]) -> Iterator[str]:
    """All that is wrong with effects: `asked` in the order of asking."""
    approvals: dict[str, list[Asked]] = defaultdict(list)
    latest: dict[str, Asked] = {}
    for one in asked:
        latest[subject_of(one)] = one
        if one.is_approve:
            approvals[_exactly(one)].append(one)
        hidden = [] if one.shown is None else [*_unseen(one.arguments, one.shown)]
        if hidden:
            yield f"{_exactly(one)} was approved on a card that did not show {', '.join(hidden)}"
    done: set[str] = set()
    ran: set[str] = set()
    """These need no decision: it was said only later that they had run as they were approved."""
    for effect in sorted(effects, key=lambda one: one.at, reverse=True):
        allowing = approvals[_exactly(effect)]
        if not allowing:
            others = [_exactly(one) for one in asked if subject_of(one) == subject_of(effect)]
            yield (
                f"{_exactly(effect)} ran and was not approved so often; people were asked about "
                f"{others or 'nothing of it'}: look at its line in host/got.txt and at its cards"
            )
            continue
        # The latest that can have let it run: an earlier one may have ended, or was spent.
        given = [it for it in allowing if it.since <= effect.at]
        in_time = [it for it in given if it.until is None or effect.at <= it.until + _LATE]
        if not in_time:
            late = effect.at - (allowing[-1].until or 0)
            yield f"{_exactly(effect)} ran {late:.1f} s after its approval had ended"
        allowed = (in_time or allowing)[-1]
        allowing.remove(allowed)
        done.add(allowed.round_id)
        ran.add(subject_of(allowed))
    for one in latest.values():
        if one.is_approve and one.round_id not in done:
            yield f"{_exactly(one)} was approved last and never ran: round {one.round_id}"
        elif one.is_approve is None and subject_of(one) not in ran:
            yield f"nobody decided on {_exactly(one)}: round {one.round_id}"


def place_in_asking(one: BesideRound) -> tuple[int, int]:
    """Return the place among all rounds about one call.

    The host numbers them. The bot's clock may be set back between two of them.
    """
    return int(one.task_id.rpartition("-")[2]), one.number


def subject_of(one: Asked | Effect) -> str:
    """Return what no two calls have in common."""
    return str(one.arguments.get("to") or one.arguments.get("item"))


def _exactly(one: Asked | Effect) -> str:
    return f"{one.tool} {json.dumps(_plain(one.arguments), sort_keys=True)}"


def _plain(arguments: Arguments) -> Arguments:
    """Return arguments with a time as JSON schemas and Python write it alike."""
    return {
        name: value.replace("+00:00", "Z") if name == "stamp" else value
        for name, value in arguments.items()
    }


def _unseen(arguments: Arguments, shown: str) -> Iterator[str]:
    for name, value in arguments.items():
        for leaf in value if isinstance(value, list) else [value]:
            text = str(leaf).lower() if isinstance(leaf, bool) else str(leaf)
            if text not in shown:
                yield f"{name}: {text}"


class _Host(HostProcess):
    start_seconds = 180  # beside all the load


class Calls(Beside):
    """The crew of the host, and those who decide on its calls."""

    name: ClassVar = "calls"
    people: ClassVar = ("U0CALLER0", "U0CALLER1", "U0CALLER2", "U0CALLER3")
    rules: ClassVar = tuple(
        f'when = {{ tool = "{tool}" }}\nvalid_for = "{VALID_FOR}s"'
        for tool in ("mail_out", "purchase")
    )

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder / "host"
        self.folder.mkdir()
        self.host = _Host(
            str(PYTHON),
            ["tests.host.crews.soaking:soaking", "--approve-tools", "mail_out,purchase"],
            folder=self.folder,
            environment={
                "CREW_TOKEN": TOKEN,
                "SECRET_KEYS": a_secret_key(1),
                "PYTHONPATH": f"{ROOT / 'bot'}{os.pathsep}{ROOT}",
            },
        )
        super().__init__(HostedCrew(self.host), seed)
        self.shown: dict[str, str] = {}
        self.pressed: dict[str, float] = {}

    @override
    async def load(self) -> None:
        chance, number = self.chance("load"), 0
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lose_answers())
            while True:
                if len(self._running()) < _MOST_OPEN:
                    number += 1
                    await self.kick_off(_inputs(number, chance))
                await asyncio.sleep(chance.uniform(*_EACH))

    async def _lose_answers(self) -> None:
        chance = self.chance("faults")
        while True:
            await asyncio.sleep(chance.uniform(*_FAULTS))
            fault = chance.choice((DROP_AFTER, status(502), status(503), status(500, applied=True)))
            self.crew.faults.fail("/resume", fault)
            self.ledger.faults[f"host /resume {fault.name}"] += 1

    @override
    async def kills(self, kills: int) -> None:
        chance = self.chance("kills")
        for _ in range(max(1, kills // 4)):
            await asyncio.sleep(chance.uniform(*_ALIVE))
            await self.host.kill()
            self.ledger.faults["kills of the host"] += 1
            await asyncio.sleep(chance.uniform(0, _DEAD))
            await self.host.start()

    @override
    async def decide(self, person: str, card: Card, chance: Random) -> None:
        shown = card.message.shown
        self.pressed.setdefault(card.round_id, time.time())
        if buttons.REVISE.id not in card.actions or card.approves != buttons.APPROVE.id:
            await self.approve(person, card)  # a question
            return
        # Each keeps to a verdict on a round; who is told of a call that may be done looks there.
        verdict = Random(f"{self._seed} {card.round_id}")  # noqa: S311  # nothing is hidden by it
        drawn, is_done = verdict.random(), False
        if _MAY_HAVE_RUN in shown:
            is_done = any(subject_of(one) in shown for one in self.effects())
        if drawn < (1 - _AGAIN if is_done else _REFUSE):
            await self.slack.click(person, card.message, buttons.REVISE.id)
            if (form := await self.form(person, ids.REVISE_MODAL)) is not None:
                await self.submit(person, form, {ids.FEEDBACK: "Not now."})
        elif drawn < _REFUSE + _CHANGE and buttons.CHANGE.id in card.actions and not is_done:
            await self.slack.click(person, card.message, buttons.CHANGE.id)
            if (form := await self.form(person, ids.CHANGE_MODAL)) is not None:
                await self.submit(person, form, {"amount": "7"})
        else:
            self.shown[card.round_id] = shown
            await self.approve(person, card)

    def effects(self) -> list[Effect]:
        """Return the effects of the tools so far."""
        file = self.folder / "got.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [Effect(**json.loads(line)) for line in lines]

    @override
    def is_settled(self, rounds: Sequence[BesideRound]) -> bool:
        return super().is_settled(rounds) and not self._running()

    def _running(self) -> list[str]:
        # Not by its state: a decision that comes again after the end changes that back.
        return [one.id for one in self.crew.by_id.values() if one.ended_at is None]

    @override
    def wrong(self, rounds: Sequence[BesideRound]) -> Iterator[str]:
        yield from super().wrong(rounds)
        for execution in self._running():
            yield f"calls: {execution} has not ended at the host: look at host/host.log"
        yield from (f"calls: {one}" for one in wrong(self._asked(rounds), self.effects()))

    def _asked(self, rounds: Sequence[BesideRound]) -> list[Asked]:
        asked = []
        for one in sorted(rounds, key=place_in_asking):
            # What was changed, was asked about as another round.
            if one.call is None or (one.is_approve is None and one.state is RoundState.SUPERSEDED):
                continue
            arguments = json.loads(one.text)
            decided_at = one.decided_at.timestamp() if one.decided_at else None
            asked.append(
                Asked(
                    round_id=one.id,
                    tool="purchase" if "item" in arguments else str(one.call["tool"]),
                    arguments=arguments,
                    is_approve=one.is_approve,
                    until=None if decided_at is None else decided_at + VALID_FOR,
                    shown=self.shown.get(one.id) if one.is_approve else None,
                    since=self.pressed.get(one.id) or self.pressed.get(one.origin_id or "", 0),
                )
            )
        return asked

    @override
    def figures(self, rounds: Sequence[BesideRound]) -> Iterator[tuple[str, int]]:
        asked = self._asked(rounds)
        yield "calls that people were asked about", len(asked)
        yield "  of an MCP server", sum(one.tool == "purchase" for one in asked)
        yield "  approved", sum(one.is_approve is True for one in asked)
        yield "  refused", sum(one.is_approve is False for one in asked)
        yield "  whose approval ended before", sum("expired" in str(one.reason) for one in rounds)
        yield "  done", len(self.effects())
        yield "questions of agents", sum(one.call is None for one in rounds)


def _inputs(number: int, chance: Random) -> dict[str, object]:
    mails = [[["mail_out", {"to": f"call{number}-{place}@x.example"}]] for place in "ab"]
    asks = [[["ask_people", {"question": f"Is {number} well?", "choices": ["yes", "no"]}]]]
    buys: list[Any] = [["purchase", {"item": f"call{number}-pen"}]]
    if chance.random() < 0.5:
        buys.append(["mail_out", {"to": f"call{number}-c@x.example", "amount": 3}])
    return {"steps": json.dumps(mails[: chance.randint(1, 2)] + asks), "buys": json.dumps([buys])}
