"""What people do: decide, write, hand on, keep lessons."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import NOTHING_SEEN, Claim, Seen, Share
from crewgate.domain.errors import (
    AbsenceRefused,
    AlreadyVoted,
    ConfirmationNeeded,
    CrewgateError,
    NotAReviewer,
    NotWaiting,
)
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Revise, Verdict
from crewgate.usecases import lessons
from crewgate.usecases.away import come_back, go_away
from crewgate.usecases.decide import change_arguments, dismiss, edit, take_back
from crewgate.usecases.notes import claim
from crewgate.usecases.queries import queue
from tests.simulation.known import Known
from tests.simulation.oracle import require
from tests.simulation.product import (
    EVERYBODY,
    HOUR,
    REVIEWERS,
    TASKS,
)
from tests.simulation.story import Choices


class People(Known):
    """Whoever may decide, and whoever may not."""

    async def press(self, choices: Choices) -> None:
        """Somebody presses a button of a card."""
        rounds = self.visible() or self.in_state(State.WAITING)
        stale = choices.one_in(8)
        round_ = choices.pick(self.known if stale else rounds)
        await self.decide(round_, choices)

    async def press_where_more_wait(self, choices: Choices) -> None:
        """Somebody decides on the round whose card counts others of its flood."""
        await self.decide(choices.pick(self.gathering()), choices)

    async def press_in_home(self, choices: Choices) -> None:
        by = choices.pick(EVERYBODY)
        found = await queue(by.id, page=0, context=self.world.reviews)
        lines = [*found.mine.lines, *found.nobody.lines]
        if lines:
            chosen = self.round(choices.pick(lines).round.id)
            await self.decide(chosen, choices, by=by)

    async def decide(self, round_: Round, choices: Choices, *, by: Person | None = None) -> None:
        by = by or choices.pick(EVERYBODY)
        verdict: Verdict = Revise(f"Shorter {len(self.known)}.") if choices.one_in(3) else Approve()
        seen, shown = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        try:
            decided = await self.world.decide(round_.id, verdict, by=by, seen=seen)
        except NotAReviewer:
            require(not self.may_decide(by, round_), "told", f"{by.id} may decide {round_.id}")
        except AlreadyVoted:
            pass
        except NotWaiting:
            require(round_.state is not State.WAITING, "truth", f"{round_.id} waits")
        except ConfirmationNeeded as needed:
            caveats, notes = needed.caveats, self.notes[round_.origin]
            require(caveats.notes == len(notes), "unseen", f"{round_.id} has {len(notes)} notes")
            self.asked[round_.id, by.id] = caveats.seen, set(notes)
            if not choices.one_in(3):
                await self.decide(round_, Choices([0 if verdict == Approve() else 2]), by=by)
        else:
            self.check_press(decided, by, verdict, seen, shown)

    def check_press(
        self, decided: Round, by: Person, verdict: Verdict, seen: Seen, shown: set[str]
    ) -> None:
        is_new = decided.id not in self.decisions
        if decided.decision is None or is_new:
            why = f"{by.id} decided {decided.id}, which they may not"
            require(self.may_decide(by, decided), "may", why)
        if decided.decision is not None and verdict == Approve() and is_new:
            notes = self.notes[decided.origin]
            require(notes <= shown, "unseen", f"{decided.id}: notes {notes - shown} were not shown")
            held = self.claims.get(decided.id)
            if held is not None and held.by != by and held.holds(self.world.clock()):
                why = f"{decided.id}: {held.by.id} was on it"
                require(seen.claimed_by == held.by.id, "unseen", why)

    async def edit(self, choices: Choices) -> None:
        """Somebody writes their own text, or other arguments, and approves that."""
        round_ = choices.pick(self.in_state(State.WAITING))
        by = choices.pick(EVERYBODY)
        seen, shown = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        posting = await self.world.uow.read.posting(round_.id, as_it_came=True)
        text = posting.view.output.text
        more: dict[str, Any] = {
            "by": by,
            "context": self.world.reviews,
            "seen": replace(seen, share=Share(1, 1)),
        }
        try:
            if isinstance(round_.subject, ToolCall):
                to = choices.pick(["ann", "nobody"])
                theirs = await change_arguments(round_.id, {"to": to}, **more)
                text = json.dumps(json.loads(text) | {"to": to})
            else:
                text += choices.pick(["!", " It is a contract."])
                theirs = await edit(round_.id, text, **more)
        except ConfirmationNeeded as needed:
            notes = self.notes[round_.origin]
            self.asked[round_.id, by.id] = needed.caveats.seen, set(notes)
        except NotAReviewer:
            require(not self.may_decide(by, round_), "told", f"{by.id} may decide {round_.id}")
        except CrewgateError:
            pass
        else:
            if theirs.id != round_.id:
                self.texts[theirs.id] = text
                self.crew.texts[theirs.id] = self.crew.texts.get(round_.id, "")
                if round_.review.crew == TASKS:
                    self.crew.edited[theirs.id] = text
                self.claims.pop(round_.id, None)
            self.check_press(theirs, by, Approve(), seen, shown)

    async def take_back(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.WAITING))
        with suppress(CrewgateError):
            await take_back(round_.id, by=choices.pick(EVERYBODY), context=self.world.reviews)

    async def write_a_note(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.WAITING))
        card = (await self.world.uow.read.posting(round_.id)).card
        if card is None:
            return
        ts = f"9.{self.world.new_id()}"
        note = await self.world.note(card, ts, by=choices.pick(EVERYBODY))
        if note is not None:
            self.notes[note.round_id].add(ts)

    async def claim(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.WAITING))
        by = choices.pick(REVIEWERS)
        self.claims[round_.id] = Claim(by, self.world.clock())
        await claim(round_.id, by=by, context=self.world.reviews)

    async def go_away(self, choices: Choices) -> None:
        by, delegate = choices.pick(REVIEWERS), choices.pick(EVERYBODY[::-1])
        now = self.world.clock()
        until = now + choices.pick([HOUR, timedelta(days=9)])
        try:
            await go_away(by, delegate, until=until, context=self.world.reviews)
        except AbsenceRefused:
            return
        self.end_absence(by, now)
        self.away[by.id] = (delegate, until)
        self.was_away.append((by.id, delegate.id, now, until))

    async def come_back(self, choices: Choices) -> None:
        by = choices.pick([one for one in REVIEWERS if one.id in self.away])
        await come_back(by, context=self.world.reviews)
        self.end_absence(by, self.world.clock())

    def end_absence(self, by: Person, at: datetime) -> None:
        self.away.pop(by.id, None)
        self.was_away = [
            (who, delegate, since, min(until, at) if who == by.id else until)
            for who, delegate, since, until in self.was_away
        ]

    async def retry(self, choices: Choices) -> None:
        with suppress(CrewgateError):
            await self.world.retry(choices.pick(self.in_state(State.STUCK)).id)

    async def dismiss(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.STUCK))
        await dismiss(round_.id, "Started again.", by=REVIEWERS[1], context=self.world.reviews)
        self.dismissed.add(round_.id)

    async def propose(self, choices: Choices) -> None:
        round_ = choices.pick(self.teachable())
        text = f"Keep in mind {len(self.proposed) + 1} of {round_.id}."
        context = self.world.reviews
        with suppress(CrewgateError):
            by = choices.pick(REVIEWERS)
            lesson = await lessons.propose(by, round_.id, text, context=context)
            self.proposed[lesson.id] = lesson

    async def keep(self, choices: Choices) -> None:
        lesson = choices.pick(list(self.proposed.values()))
        with suppress(CrewgateError):
            await lessons.keep(choices.pick(REVIEWERS), lesson.id, context=self.world.reviews)
            self.kept.add(lesson.id)
