"""Reviewers, as Slack users: they look at the cards, decide, and press again while nothing happens.

Each has one verdict on one output, and keeps to it. Sometimes two decide at once.
"""

import asyncio
import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from crewgate.domain.edits import edits_of, exact_revision
from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.evidence import Card, find_card
from tests.soak.hosts import is_flow, is_host
from tests.soak.labels import CARE, FEEDBACK_CANARY, OUTCOMES, Label, edited, find_edit, text_of
from tests.soak.ledger import Press, TakenBack
from tests.soak.rules import (
    AWAY,
    COMES,
    DELEGATE,
    EXCLUDED,
    LEAD,
    MEANWHILE,
    STARTER,
    Rule,
    rule_of,
)
from tests.soak.world import World, channel_of, crew_in, is_of_the_load
from tests.standins.workspace import Call, CannotDoThat, Message, Reply, View

#: How long somebody thinks before they press, looks at the card after that, and waits for a form;
#: in seconds.
_THINK = (0.1, 1.5)
_PATIENCE = 15
_FORM = 6
_LOOK = 0.2
_REVISE = 0.3
_COMMENT = 0.1
_EDIT = 0.15
#: Of comments and edits, those with CARE in them.
_CARE = 0.5
_TWO = 0.1
_NOTE = 0.05
_ABSENCE = (2.0, 8.0)
#: Under a rule with a time-out, the first outputs that nobody looks at, and that only those it
#: names do; under one with several approvals, those who take theirs back.
_NOBODY = 0.3
_LEAD = 0.3
_TAKE_BACK = 0.2
_SECOND = 2
#: A task is sent back so often at most, and a decision sent again.
_REVISIONS = 3
_RETRIES = 40
#: Changes in the workspace that may wait to be looked at.
_UNREAD = 1_000_000
_APPROVED = "Approved."


@dataclass(frozen=True, slots=True)
class Choice:
    """One person's wish for one output."""

    by: str
    is_approve: bool
    feedback: str
    wavers: bool = False
    """Approves before all others, and takes that back while they approve."""
    edit: int | None = None
    """The number of the text that they write themselves."""
    care: bool = False

    @property
    def is_click(self) -> bool:
        """Approving without a comment takes one click, if nothing is asked; else it is a form."""
        return self.feedback in (_APPROVED, OUTCOMES[0]) and self.edit is None


class People:
    """Everybody who decides."""

    def __init__(self, world: World) -> None:
        self.cards: dict[str, Card] = {}
        """The latest of each round, by its id."""
        self.direct: dict[tuple[str, str], Card] = {}
        """Direct messages about rounds, by the round's id and the channel. Nobody answers there."""
        self._world = world
        self._slack = world.slack
        self._ledger = world.ledger
        self._chance = world.chance("people")
        self._free: asyncio.Queue[str] = asyncio.Queue()
        for person in world.reviewers:
            self._free.put_nowait(person)
        self._borrowing = asyncio.Lock()
        self._attended: set[str] = set()
        self._numbers = count(1)

    @property
    def attended(self) -> frozenset[str]:
        """The rounds whose cards are being looked at, by their ids."""
        return frozenset(self._attended)

    async def go_away(self) -> None:
        """Have somebody decide for AWAY from now on."""
        day = datetime.now(UTC).date() + timedelta(days=7)
        said = f"away until {day} for @{DELEGATE.lower()}"
        await self._slack.slash(AWAY, channel_of(self._world.crews[0]), "/crew", said)
        await self._slack.until(
            lambda: "decides for you" in self._slack.ephemerals(AWAY)[-1].shown, _PATIENCE
        )

    async def come_and_go(self) -> None:
        """Have COMES go away and be back, until cancelled."""
        chance = self._world.chance("absences")
        channel = channel_of(self._world.crews[0])
        for turn in count():
            await asyncio.sleep(chance.uniform(*_ABSENCE))
            day = datetime.now(UTC).date() + timedelta(days=7)
            goes = f"away until {day} for @{MEANWHILE.lower()}"
            await self._slack.slash(COMES, channel, "/crew", "back" if turn % 2 else goes)
            self._ledger.counts["absences that began or ended"] += 1

    async def run(self) -> None:
        """Look at whatever comes, until cancelled."""
        with self._slack.subscribe(_UNREAD) as changes:
            async with asyncio.TaskGroup() as group:
                async for change in changes:
                    match change.subject:
                        case Call(method, args):
                            self._ledger.slack_calls.append(f"{method} {json.dumps(args)}")
                        case Message(bot=True, only_for=None) as message:
                            self._look(message, group)
                        case Message(only_for=str()) as message:
                            self._ledger.slack_calls.append(message.shown)
                        case _:
                            pass
                    assert not changes.missed

    def _look(self, message: Message, group: asyncio.TaskGroup) -> None:
        card = find_card(message)
        if card is None:
            return
        if self._slack.world.channels[message.channel].im_with is not None:
            self.direct[card.round_id, message.channel] = card
            return
        if not is_of_the_load(message.channel):
            return
        self.cards[card.round_id] = card
        self._ledger.posted.setdefault(card.round_id, float(message.ts))
        if self._wants_somebody(card) and card.round_id not in self._attended:
            self._attended.add(card.round_id)
            group.create_task(self._attend(card.round_id))

    def _wants_somebody(self, card: Card) -> bool:
        """Return True if a press may help; after many refusals a person asks the crew."""
        return card.waits or (card.is_stuck and self._ledger.retries[card.round_id] < _RETRIES)

    async def _attend(self, round_id: str) -> None:
        """Be on one card for as long as it wants somebody."""
        chance = Random(f"{self._world.options.seed} {self.cards[round_id].label}")  # noqa: S311
        first = self.cards[round_id]
        rule = rule_of(crew_of(first))
        wanted = 0 if rule.people else rule.most + (chance.random() < _TWO)
        async with self._borrowing:  # two that wait for each other's people would wait for ever
            borrowed = [await self._free.get() for _ in range(wanted)]
        persons = list(rule.people) or _turnout(rule, first, borrowed, chance)
        choices: list[Choice] = []
        turn = 0
        try:
            while self._wants_somebody(card := self.cards[round_id]):
                await asyncio.sleep(chance.uniform(*_THINK))
                if self.cards[round_id].is_stuck:
                    helper = (*rule.people, *borrowed)[0]
                    await self._slack.click(helper, self.cards[round_id].message, buttons.RETRY.id)
                    self._ledger.retries[round_id] += 1
                elif card.waits and card.label is not None:
                    choices = choices or [
                        self._choice(person, rule, card, card.label, chance) for person in persons
                    ]
                    turn += 1
                    waverers = [choice for choice in choices if choice.wavers]
                    async with asyncio.TaskGroup() as group:
                        for choice in (turn == 1 and waverers) or choices:
                            if choice.wavers and turn == _SECOND:
                                group.create_task(self._take_back(choice.by, round_id))
                            else:
                                group.create_task(self._press(choice, card, card.label))
                        group.create_task(self._try(rule, card, card.label))
                await self._changed(round_id, card)
        finally:
            self._attended.discard(round_id)
            for person in borrowed:
                self._free.put_nowait(person)

    def _choice(self, person: str, rule: Rule, card: Card, label: Label, chance: Random) -> Choice:
        number = next(self._numbers)
        written = f"{FEEDBACK_CANARY} {number}: shorter, please."
        care = chance.random() < _CARE
        if is_flow(crew_of(card)):
            return Choice(person, is_approve=True, feedback=OUTCOMES[0])
        is_own = find_edit(card.message.shown) is not None
        if not is_own and label.version <= _REVISIONS and chance.random() < _EDIT:
            return _edit(person, label, number, care=care, in_place=is_host(crew_of(card)))
        if label.version <= _REVISIONS and chance.random() < _REVISE:
            return Choice(person, is_approve=False, feedback=written)
        if rule.approvals > 1:
            wavers = chance.random() < _TAKE_BACK
            return Choice(person, is_approve=True, feedback=_APPROVED, wavers=wavers)
        comment = chance.random() < (_CARE if rule.careful else _COMMENT)
        written += f" {CARE}" if care else ""
        return Choice(person, is_approve=True, feedback=written if comment else _APPROVED)

    async def _try(self, rule: Rule, card: Card, label: Label) -> None:
        """Those who may not decide try to; none of it may count."""
        tries = [EXCLUDED] if rule.name else []
        tries += [STARTER] if rule.others_approve and label.number in self._ledger.started else []
        for person in tries:
            await self._slack.click(person, card.message, card.approves)
            self._ledger.counts["approvals by people who may not"] += 1
        if EXCLUDED in tries:
            await self._slack.click(EXCLUDED, card.message, buttons.REVISE.id)
            for view in self._slack.open_modals(EXCLUDED):
                if _is_about(view, card.round_id):
                    await self._submit(EXCLUDED, view, {ids.FEEDBACK: "Of no weight."})

    async def _changed(self, round_id: str, card: Card) -> None:
        """Look at a card until its buttons change, or it has been too long."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self.cards[round_id].actions != card.actions:
                return
            await asyncio.sleep(_LOOK)

    async def _press(self, choice: Choice, card: Card, label: Label) -> None:
        if self._chance.random() < _NOTE:
            await self._write_note(choice.by, card.message)
        sent_at = time.time()
        if choice.is_click:
            reply = await self._slack.click(choice.by, card.message, card.approves)
        else:
            form = await self._open_form(choice, card)
            if form is None:
                return
            sent_at = time.time()
            reply = await self._submit(choice.by, form, _filled_in(choice, form))
        self._ledger.presses.append(
            Press(
                by=choice.by,
                round_id=card.round_id,
                label=label,
                is_approve=choice.is_approve,
                feedback=choice.feedback,
                sent_at=sent_at,
                answered_at=time.time(),
                reply=reply,
                edit=choice.edit,
            )
        )
        self._ledger.slack_calls.append(json.dumps(reply.body))
        if choice.is_click:
            await self._confirm(choice.by, card)

    async def _take_back(self, person: str, round_id: str) -> None:
        card = self.cards[round_id]
        if buttons.TAKE_BACK.id in card.actions:
            reply = await self._slack.click(person, card.message, buttons.TAKE_BACK.id)
            if reply.ok:
                self._ledger.taken_back.append(TakenBack(person, round_id, time.time()))

    async def _confirm(self, person: str, card: Card) -> None:
        """Approve anyway, if somebody is asked: notes wait, or the card does not show all."""
        until = time.monotonic() + _FORM
        while time.monotonic() < until and self.cards[card.round_id].actions == card.actions:
            for view in self._slack.open_modals(person):
                is_asked = view.content.get("callback_id") == ids.CONFIRM_MODAL
                if is_asked and _is_about(view, card.round_id):
                    await self._slack.click(person, view, card.approves)
                    await self._close(person)
                    self._ledger.counts["approvals that were asked about"] += 1
                    return
            await asyncio.sleep(_LOOK)

    async def _open_form(self, choice: Choice, card: Card) -> View | None:
        if choice.edit is not None:
            await self._slack.overflow(choice.by, card.message, buttons.EDIT.label)
        elif choice.is_approve:
            await self._slack.overflow(choice.by, card.message, buttons.COMMENT.label)
        else:
            await self._slack.click(choice.by, card.message, buttons.REVISE.id)
        until = time.monotonic() + _FORM
        while time.monotonic() < until:
            for view in reversed(self._slack.open_modals(choice.by)):
                if _is_about(view, card.round_id):
                    return view
            await asyncio.sleep(_LOOK)
        self._ledger.counts["forms that did not open"] += 1
        return None

    async def _submit(self, person: str, form: View, values: dict[str, str]) -> Reply:
        try:
            reply = await self._slack.submit(person, values, form)
        except CannotDoThat as error:  # it was closed, or replaced, meanwhile
            return Reply(0, problem=str(error))
        await self._close(person)
        return replace(reply)

    async def _close(self, person: str) -> None:
        """Close what is still open: the bot may have closed it."""
        if self._slack.open_modals(person):
            await self._slack.close_modal(person, all_of_them=True)

    async def _write_note(self, person: str, message: Message) -> None:
        text = f"{FEEDBACK_CANARY}: a thought of {person}."
        await self._slack.write(person, message.channel, text, message.thread_ts or message.ts)


def crew_of(card: Card) -> str:
    """The name of the crew whose card it is."""
    return crew_in(card.message.channel)


def _edit(person: str, label: Label, number: int, *, care: bool, in_place: bool) -> Choice:
    """A text of one's own: in the place of the output, or else the crew is asked for it."""
    before = text_of(label)
    asked = exact_revision(edits_of(before, edited(before, number, care=care)))
    feedback = _APPROVED if in_place else asked
    return Choice(person, is_approve=in_place, feedback=feedback, edit=number, care=care)


def _filled_in(choice: Choice, form: View) -> dict[str, str]:
    if choice.edit is None:
        return {ids.FEEDBACK: choice.feedback}
    box = next(block for block in form.blocks if block["type"] == "input")
    before = box["element"]["initial_value"]
    return {box["block_id"]: edited(before, choice.edit, care=choice.care)}


def _turnout(rule: Rule, card: Card, people: list[str], chance: Random) -> list[str]:
    """Return the people who decide: for a rule with a time-out not always enough."""
    drawn, label = chance.random(), card.label
    if rule.after is None or label is None or label.version > 1 or drawn >= _NOBODY + _LEAD:
        return people
    if find_edit(card.message.shown) is not None or (rule.careful and CARE in text_of(label)):
        return people  # no time-out approves that
    return [] if drawn < _NOBODY else [*people[1:], LEAD]


def _is_about(view: View, round_id: str) -> bool:
    return round_id in str(view.content.get("private_metadata"))
