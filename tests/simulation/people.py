"""People's acts: decide, write, hand on, keep lessons."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import (
    NOTHING_SEEN,
    WHOLE,
    Caveats,
    Claim,
    HastyReading,
    Seen,
    Share,
    Unseen,
)
from crewgate.domain.errors import (
    AbsenceRefused,
    AlreadyVoted,
    ConfirmationNeeded,
    CrewgateError,
    GroupsComplete,
    NotAReviewer,
    NotPermitted,
    NotVoted,
    NotWaiting,
    SelfApproval,
    VotedOtherwise,
    VoteRefused,
)
from crewgate.domain.lessons import MOST, NO_LESSONS, Lesson, LessonState
from crewgate.domain.notification import Question
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Person, Revise, Verdict
from crewgate.usecases import lessons
from crewgate.usecases.away import come_back, go_away
from crewgate.usecases.caveats import record_read_to_end
from crewgate.usecases.decide import change_arguments, dismiss, edit, take_back
from crewgate.usecases.morning import end_morning, set_morning
from crewgate.usecases.notes import change_note, claim, delete_note
from crewgate.usecases.ports.crew import KickoffRequest
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import QueuePart
from tests.simulation.known import MOMENT, Known, Written, key_of
from tests.simulation.oracle import needs_all, require
from tests.simulation.product import (
    BERLIN,
    EVERYBODY,
    HOUR,
    LAWYERS,
    LEGAL,
    LESSONS_LAST,
    OPERATOR,
    REVIEWERS,
    SCANS,
    TASKS,
    Product,
)
from tests.simulation.story import Choices

CLAIMED: Final = timedelta(minutes=30)
"""The time for which others are asked about a claim."""


def is_a_press(verdict: Verdict) -> bool:
    """Return True for what one press can say, without words: it may overlook something."""
    return isinstance(verdict, Approve) or (isinstance(verdict, Answer) and verdict.is_label)


def words_in(verdict: Verdict) -> str:
    return verdict.feedback if isinstance(verdict, Revise) else ""


class People(Known):
    """The people with the right to decide, and those without it."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        product.slack.on_line = self.line_comes

    async def press(self, choices: Choices) -> None:
        """Somebody presses a button of a card."""
        rounds = self.visible() or self.in_state(State.WAITING)
        stale = choices.one_in(8)
        round_ = choices.pick(self.known if stale else rounds)
        await self.decide(round_, choices)

    async def press_in_home(self, choices: Choices) -> None:
        by = choices.pick(EVERYBODY)
        found = await queue(by.id, page=0, context=self.world.reviews)
        lines = [*found.mine.lines, *found.nobody.lines]
        if lines:
            chosen = self.round(choices.pick(lines).round.id)
            await self.decide(chosen, choices, by=by)

    async def decide(
        self,
        round_: Round,
        choices: Choices,
        *,
        by: Person | None = None,
        verdict: Verdict | None = None,
    ) -> None:
        by = by or choices.pick(EVERYBODY)
        verdict = self.verdict_on(round_, verdict, choices)
        seen, shown = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        on_card = self.world.slack.shares.get(round_.id, WHOLE)
        try:
            decided = await self.world.decide(round_.id, verdict, by=by, seen=seen)
        except NotAReviewer:
            require(not self.may_decide(by, round_), "told", f"{by.id} may decide {round_.id}")
        except (AlreadyVoted, GroupsComplete, VotedOtherwise) as refused:
            self.check_refusal(refused, by, round_, verdict)
        except SelfApproval:
            starter = self.starter_of(round_)
            at = self.world.clock()
            is_own = starter in {by.id, *self.absent(by, round_, at)}
            require(is_own, "told", f"{by.id} did not start {round_.id}")
        except NotWaiting:
            over = self.races or round_.state is not State.WAITING
            require(over, "truth", f"{round_.id} waits")
        except ConfirmationNeeded as needed:
            self.is_asked(by, round_, needed.caveats)
            if not choices.one_in(3):
                await self.decide(round_, Choices(), by=by, verdict=verdict)
        else:
            self.check_press(decided, by, verdict, seen, shown)
            if is_a_press(verdict):
                self.check_sight(decided, by, seen, on_card)

    def verdict_on(self, round_: Round, verdict: Verdict | None, choices: Choices) -> Verdict:
        """Return a verdict; of a question a label takes an approval's place, or words do."""
        if verdict is None:
            is_sent_back = choices.one_in(3)
            verdict = Revise(self.said("Shorter", round_.id)) if is_sent_back else Approve()
        question = round_.subject
        if not (isinstance(question, Question) and isinstance(verdict, Approve)):
            return verdict
        if verdict.comment is None and question.labels:
            return Answer(choices.pick(question.labels), is_label=True)
        return Revise(verdict.comment or "Green tea.")

    def check_refusal(
        self, refused: VoteRefused, by: Person, round_: Round, verdict: Verdict
    ) -> None:
        if isinstance(refused, VotedOtherwise):
            text = verdict.text if isinstance(verdict, Answer) else words_in(verdict)
            require(refused.vote.answer != text, "told", f"{by.id} may choose {text}")
            return
        is_over = isinstance(refused, AlreadyVoted) or self.races
        is_full = not self.has_room(by, round_)
        require(is_over or is_full, "told", f"{by.id} may approve {round_.id}")

    def is_asked(self, by: Person, round_: Round, caveats: Caveats) -> None:
        notes, claim = self.notes[round_.origin], caveats.claim
        require(caveats.notes == len(notes), "unseen", f"{round_.id} has {len(notes)} notes")
        if claim is not None:
            is_held = self.world.clock() - claim.at < CLAIMED and claim.by != by
            require(is_held, "unseen", f"{by.id} is asked about {claim} on {round_.id}")
        self.asked[round_.id, by.id] = caveats.seen, set(notes)

    def check_sight(self, round_: Round, by: Person, seen: Seen, on_card: int) -> None:
        """A person who approves with one press saw all of the output, or was asked."""
        if round_.decision is not None and round_.id not in self.decisions:
            share = seen.share  # that of a form with the whole text, in which it was asked
            # A bot may redraw the card while the press is recorded.
            on_card = max(on_card, self.world.slack.shares.get(round_.id, WHOLE))
            is_cut = share is None and on_card < WHOLE
            turned = self.turned.get((round_.id, by.id))
            unseen = {
                Unseen.EXCERPT: is_cut and (round_.id, by.id) not in self.turned,
                Unseen.MASKS: round_.review.crew == SCANS,
                Unseen.HASTE: turned is not None,
            }
            for what, is_unseen in unseen.items():
                read = f"{round_.id}: {by.id} was not asked about {what}"
                require(what in seen.unseen or not is_unseen, "unseen", read)

    def check_press(
        self, decided: Round, by: Person, verdict: Verdict, seen: Seen, shown: set[str]
    ) -> None:
        is_new = decided.id not in self.decisions
        if decided.decision is None or is_new:
            why = f"{by.id} decided {decided.id}, which they may not"
            require(self.may_decide(by, decided), "may", why)
            voices = {one for vote in decided.votes for one in vote.voices}
            starter = self.starter_of(decided)
            # An approval from before the starter was known stays until the next one is counted.
            is_counted = decided.decision is not None and needs_all(verdict)
            is_own = is_counted and starter in voices
            require(not is_own, "may", f"{decided.id} has {starter}'s own approval")
        call = decided.subject
        is_approval = is_a_press(verdict)
        if isinstance(call, ToolCall) and call.may_have_run and is_approval:
            knew = Unseen.MAY_HAVE_RUN in seen.unseen
            require(knew, "unseen", f"{decided.id}: nobody said that it may have run")
        if decided.decision is not None and is_approval and is_new:
            if isinstance(call, ToolCall) and call.hides:
                knew = Unseen.MASKS in seen.unseen
                require(knew, "unseen", f"{decided.id}: nobody said that a value is masked")
            notes = self.notes[decided.origin]
            require(notes <= shown, "unseen", f"{decided.id}: notes {notes - shown} were not shown")
            held = self.claims.get(decided.id)
            if held is not None and held.by != by and self.world.clock() - held.at < CLAIMED:
                why = f"{decided.id}: {held.by.id} was on it"
                require(seen.claimed_by == held.by.id, "unseen", why)
        held = self.claims.get(decided.id)
        if decided.decision is None and held is not None and held.by == by:
            del self.claims[decided.id]  # whoever voted is no longer on it

    async def edit(self, choices: Choices) -> None:
        """Somebody writes their own text, or other arguments, and approves that."""
        await self.rewrite(choices.pick(self.in_state(State.WAITING)), choices)

    async def edit_too_late(self, choices: Choices) -> None:
        """Somebody whose form was open meanwhile sends it."""
        over = [one for one in self.known if one.state is not State.WAITING]
        await self.rewrite(choices.pick(over), choices)

    async def rewrite(self, round_: Round, choices: Choices, *, by: Person | None = None) -> None:
        by = by or choices.pick(EVERYBODY)
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
                to = choices.pick(["ann", "nobody", "wire  transfer"])
                theirs = await change_arguments(round_.id, {"to": to}, **more)
                text = json.dumps(json.loads(text) | {"to": to})
            else:
                text += choices.pick(["!", " It is a contract.", " It is a CON\u00adTRACT."])
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
        """Somebody takes their approval back, or the one that a delegate gave for them."""
        await self.take_back_from(
            choices.pick(self.in_state(State.WAITING)), choices.pick(EVERYBODY)
        )

    async def take_back_from(self, round_: Round, by: Person) -> None:
        others = tuple(vote for vote in round_.votes if by.id not in vote.voices)
        try:
            after = await take_back(round_.id, by=by, context=self.world.reviews)
        except NotVoted:
            require(others == round_.votes, "may", f"{by.id} may not take back {round_.votes}")
        else:
            is_right = after.votes == others != round_.votes
            require(is_right, "may", f"{by.id} took back, so that {after.votes} are left")

    async def write_a_note(self, choices: Choices) -> None:
        await self.write_in_thread(choices.pick(self.visible()), choices)

    async def write_in_thread(self, round_: Round, choices: Choices) -> None:
        card = (await self.world.uow.read.posting(round_.id)).card
        if card is None:
            return
        ts = f"9.{self.world.new_id()}"
        by, text = choices.pick(EVERYBODY), self.said("A note", round_.id)
        note = await self.world.note(card, ts, by=by, text=text)
        if note is not None:
            # Several rounds may wait in one thread; a note belongs to the output of one of them.
            # A round whose card is not posted, or was deleted, waits there too.
            waiting = self.in_state(State.WAITING)
            here = [one for one in waiting if key_of(one)[:2] == key_of(round_)[:2]]
            outputs = {one.origin for one in here}
            read = f"a note is on {note.round_id}, in its thread wait {outputs}"
            require(note.round_id in outputs, "truth", read)
            self.notes[note.round_id].add(f"{ts} 0")
            self.written[ts] = Written(card, note.round_id, by, text)

    async def change_a_note(self, choices: Choices) -> None:
        """Somebody rewrites their message; Slack may tell late of an earlier change."""
        ts = choices.pick(sorted(self.written))
        note = self.written[ts]
        before, was = note.changes, note.text
        self.notes[note.origin].discard(f"{ts} {before}")
        note.changes, note.text = before + 1, self.said("Rather", note.origin)
        self.notes[note.origin].add(f"{ts} {note.changes}")
        tellings = [(note.text, note.changes)]
        if before and choices.one_in(2):
            tellings.append((was, before))
        for text, number in tellings:
            more: Any = {"edited_ts": f"{number:03}", "context": self.world.reviews}
            await change_note(note.card.channel, ts, text=text, **more)
        await self.see_notes(note.origin)

    async def delete_a_note(self, choices: Choices) -> None:
        ts = choices.pick(sorted(self.written))
        note = self.written.pop(ts)
        self.notes[note.origin].discard(f"{ts} {note.changes}")
        await delete_note(note.card.channel, ts, context=self.world.reviews)
        await self.see_notes(note.origin)

    async def see_notes(self, origin: str) -> None:
        """The notes on an output are those that stand in its thread, unless they were removed."""
        found = [one.text for one in await self.world.uow.read.notes.of_round(origin, limit=99)]
        expected = [one.text for one in self.written.values() if one.origin == origin]
        read = f"the notes on {origin} are {sorted(found)}, its thread has {sorted(expected)}"
        is_removed = self.round(origin).removed_at is not None
        require(sorted(found) == ([] if is_removed else sorted(expected)), "truth", read)

    async def read_to_end(self, choices: Choices) -> None:
        """Somebody turns the pages of an output to the last one, perhaps in haste."""
        round_, by = choices.pick(self.in_state(State.WAITING)), choices.pick(EVERYBODY)
        turned = HastyReading(3, 1) if choices.one_in(2) else None
        more: Any = {"by": by, "context": self.world.reviews, "turned": turned}
        await record_read_to_end(round_.id, **more)
        if self.turned.get((round_.id, by.id), turned) is not None or turned is None:
            self.turned[round_.id, by.id] = turned  # a slow reading stays

    async def claim(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.WAITING))
        await self.claim_it(round_, choices.pick(EVERYBODY))

    async def claim_it(self, round_: Round, by: Person) -> None:
        if await self.is_done(claim(round_.id, by=by, context=self.world.reviews), by, round_):
            self.claims[round_.id] = Claim(by, self.world.clock())

    async def is_done(self, act: Awaitable[object], by: Person, round_: Round) -> bool:
        """Let somebody act on a round; see that whoever may decide may, and nobody else."""
        operates = round_.review.crew in {TASKS, LEGAL} and by == OPERATOR
        may = self.may_decide(by, round_) or (operates and round_.state is State.STUCK)
        try:
            await act
        except NotPermitted:
            require(not may, "told", f"{by.id} may decide {round_.id}")
            return False
        except CrewgateError:
            return False
        require(may, "may", f"{by.id} acted on {round_.id}, which they may not decide")
        return True

    async def go_away(self, choices: Choices) -> None:
        by, delegate = choices.pick(REVIEWERS), choices.pick(EVERYBODY[::-1])
        await self.leave_to(delegate, by, choices.pick([HOUR, timedelta(days=9)]))

    async def leave_to(self, delegate: Person, by: Person, length: timedelta) -> None:
        self.world.clock.advance(MOMENT)  # each act has a time of its own
        now = self.world.clock()
        until = now + length
        try:
            await go_away(by, delegate, until=until, context=self.world.reviews)
        except AbsenceRefused:
            return
        self.end_absence(by, now)
        self.away[by.id] = (delegate, until)
        self.was_away.append((by.id, delegate.id, now, until))

    async def come_back(self, choices: Choices) -> None:
        await self.return_of(choices.pick([one for one in REVIEWERS if one.id in self.away]))

    async def return_of(self, by: Person) -> None:
        self.world.clock.advance(MOMENT)
        await come_back(by, context=self.world.reviews)
        self.end_absence(by, self.world.clock())

    def end_absence(self, by: Person, at: datetime) -> None:
        self.away.pop(by.id, None)
        self.was_away = [
            (who, delegate, since, min(until, at) if who == by.id else until)
            for who, delegate, since, until in self.was_away
        ]

    # --- mornings ---

    async def wish_for_mornings(self, choices: Choices) -> None:
        """Somebody wants a line each day, from a moment that comes soon, or none any longer."""
        user = choices.pick([*sorted(self.mornings), *(one.id for one in EVERYBODY)])
        if choices.one_in(5):
            await end_morning(user, context=self.world.reviews)
            self.mornings.pop(user, None)
            # A wish of the same day after this one is new, and brings that day's line again.
            lines = self.world.slack.keyed(f"morning {user}")
            self.came_back.update(one.key for one in lines[-1:])
        else:
            soon = self.world.clock() + choices.pick([timedelta(minutes=11), HOUR])
            zone = choices.pick([ZoneInfo("UTC"), BERLIN])
            await self.wish_for(user, soon, zone)

    async def wish_for(self, user: str, at: datetime, zone: ZoneInfo) -> None:
        """Somebody wants a line each day when their clock shows what it shows then."""
        there = at.astimezone(zone)
        minute = there.hour * 60 + there.minute
        await set_morning(user, minute, zone.key, context=self.world.reviews)
        self.mornings[user] = zone

    async def line_comes(self, user: str, line: QueuePart) -> None:
        """A line counts what Home lists, the rounds among it that nobody may approve too."""
        home = await queue(user, page=0, context=self.world.reviews)
        mine, nobody = home.mine.total, home.nobody.total
        read = f"the line of {user} counts {line.total}, Home {mine} and {nobody} for nobody"
        is_so = line.total and mine <= line.total <= mine + nobody
        require(is_so or self.races, "figures", read)  # somebody may press just then
        require(user in self.mornings, "jobs", f"{user} has a morning line, and wants none")

    # --- what is stuck ---

    async def retry(self, choices: Choices) -> None:
        await self.retry_it(choices.pick(self.in_state(State.STUCK)), choices.pick(EVERYBODY))

    async def retry_it(self, round_: Round, by: Person) -> None:
        await self.is_done(self.world.retry(round_.id, by=by), by, round_)

    async def dismiss(self, choices: Choices) -> None:
        round_ = choices.pick(self.in_state(State.STUCK))
        mine = [one for one in EVERYBODY if round_.decision and round_.decision.is_by(one.id)]
        by = choices.pick([*mine, REVIEWERS[1], *EVERYBODY])
        why = self.said("Started again", round_.id)
        act = dismiss(round_.id, why, by=by, context=self.world.reviews)
        if await self.is_done(act, by, round_):
            self.dismissed.add(round_.id)

    async def lawyers_change(self, choices: Choices) -> None:
        """Others are in the group from now on; seldom nobody."""
        left = choices.number(len(EVERYBODY))
        members = frozenset(one.id for at, one in enumerate(EVERYBODY) if at != left)
        if choices.one_in(3):
            members -= {choices.pick(sorted(members))}
        self.let_in(frozenset() if choices.one_in(8) else members)

    async def lists_are_looked_at(self, _: Choices) -> None:
        """The bot looks which lists of people are empty."""
        is_empty = not self.world.directory.people[LAWYERS]
        self.told_empty += is_empty and not self.is_empty
        self.is_empty = is_empty
        await self.world.empty.look()

    def let_in(self, members: frozenset[str]) -> None:
        self.world.clock.advance(MOMENT)
        self.world.directory.people[LAWYERS] = members
        self.lawyers.append((self.world.clock(), members))

    async def somebody_is_a_guest(self, choices: Choices) -> None:
        """The last of everybody is a guest from now on, or no longer; memory may lag behind."""
        directory, who = self.world.directory, EVERYBODY[-1]
        is_guest = not self.is_guest(who, self.world.clock())
        directory.guests.discard(who.id)
        directory.became_guests.discard(who.id)
        if is_guest:
            lags = choices.one_in(2)
            (directory.became_guests if lags else directory.guests).add(who.id)
        self.guests.append((self.world.clock(), is_guest))

    async def two_at_once(self, choices: Choices) -> None:
        """Two people act on one round at the same time."""
        round_ = choices.pick(self.in_state(State.WAITING))
        acts = [choices.pick([self.decide, self.decide, self.rewrite]) for _ in range(2)]
        people = [Choices([choices.number(99) for _ in range(5)]) for _ in acts]
        self.races = True
        await asyncio.gather(*(act(round_, one) for act, one in zip(acts, people, strict=True)))
        self.races = False

    # --- lessons ---

    async def propose(self, choices: Choices) -> None:
        teachable = self.teachable()
        late = [one for one in teachable if one.removed_at is not None]
        round_ = choices.pick(late if late and choices.one_in(2) else teachable)
        text = self.said(f"Keep in mind of {round_.id}", round_.id)
        await self.attempt(lessons.propose, choices.pick(EVERYBODY), round_.id, text)

    async def replace_a_lesson(self, choices: Choices) -> None:
        lesson = self.proposed[choices.pick(sorted(self.kept))]
        text = self.said("Rather", lesson.round_id)
        await self.attempt(lessons.replace_lesson, choices.pick(EVERYBODY), lesson.id, text)

    async def attempt(self, act: Any, by: Person, about: str, text: str) -> None:
        with suppress(CrewgateError):
            lesson: Lesson = await act(by, about, text, context=self.world.reviews)
            self.proposed[lesson.id] = lesson
            may = self.may_decide(by, self.round(lesson.round_id))
            require(may, "may", f"{by.id} proposed {lesson.id}")
            await self.see_a_lesson(lesson)

    async def keep(self, choices: Choices) -> None:
        """Somebody votes for a lesson, or two people do at the same time."""
        lesson = choices.pick(list(self.proposed.values())[::-1])
        people = [choices.pick(EVERYBODY) for _ in range(choices.pick([1, 2]))]
        counted = await asyncio.gather(*(self.vote_for(lesson, by) for by in people))
        found, _ = await self.world.uow.read.lessons.find(lesson.id)
        voices = {voice for vote in found.votes for voice in vote.voices}
        lost = [one.id for one, is_counted in zip(people, counted, strict=True) if is_counted]
        lost = [one for one in lost if one not in voices]
        require(not lost, "truth", f"{lost} voted for {lesson.id}, which has {voices}")

    async def vote_for(self, lesson: Lesson, by: Person) -> bool:
        try:
            after = await lessons.keep(by, lesson.id, context=self.world.reviews)
        except CrewgateError:
            return False
        if after.state is LessonState.KEPT and lesson.id not in self.ever_kept:
            self.check_votes(after)
            self.kept.pop(after.replaces or "", None)
            self.kept[lesson.id] = now = self.world.clock()
            lasts = self.world.crews[lesson.crew].lessons_expire
            ends = None if lasts is None else now + lasts
            read = f"{lesson.id} was kept at {now} and ends at {after.expires_at}, not {ends}"
            require(after.expires_at == ends, "late", read)
            self.ever_kept.add(lesson.id)
        await self.see_a_lesson(lesson)
        return True

    def check_votes(self, lesson: Lesson) -> None:
        """A lesson needs the voices that its round needs, and none of its author's own."""
        round_, now = self.round(lesson.round_id), self.world.clock()
        voters = [vote.by for vote in lesson.votes]
        needed = round_.rule.approvals
        read = f"{lesson.id} of {round_.id} was kept by {voters}"
        require(len(set(voters)) >= needed, "may", read)
        for by in voters:
            require(self.may_decide(by, round_, now), "may", read)
        is_strict = not round_.rule.self_approval
        is_own = any(lesson.author.id in vote.voices for vote in lesson.votes)
        require(not (is_strict and is_own), "may", f"{read}; {lesson.author.id} proposed it")

    async def drop_a_lesson(self, choices: Choices) -> None:
        lesson = choices.pick(list(self.proposed.values()))
        act = choices.pick([lessons.retire, lessons.drop])
        by, round_ = choices.pick(EVERYBODY), self.round(lesson.round_id)
        if await self.is_done(act(by, lesson.id, context=self.world.reviews), by, round_):
            self.kept.pop(lesson.id, None)

    async def see_a_lesson(self, lesson: Lesson) -> None:
        """A lesson's card shows those alone that its channel may read."""
        view = await lessons.view_of(lesson.id, context=self.world.reviews)
        here = self.round(lesson.round_id).rule.channel
        for one in view.beside:
            there = self.round(one.round_id).rule.channel
            require(there == here, "may", f"the card of {lesson.id} in {here} shows one of {there}")

    async def kick_off(self, choices: Choices) -> None:
        """A kickoff carries the lessons alone that are in force, even once some have ended."""
        if self.kept and choices.one_in(4):
            await self.world.pass_time(LESSONS_LAST)
        for name in (LEGAL, SCANS, TASKS):
            given, _others = await self.world.teaching.fill(
                self.world.crews[name], KickoffRequest(body=b"{}")
            )
            now, lasts = self.world.clock(), self.world.crews[name].lessons_expire
            expected = [
                self.proposed[one].text
                for one, since in self.kept.items()
                if self.proposed[one].crew == name and (lasts is None or now < since + lasts)
            ]
            text = given.lessons or NO_LESSONS
            lines = [] if text == NO_LESSONS else text.splitlines()
            found = [line.partition(". ")[2] for line in lines]
            read = f"a kickoff of {name} carries {found}, in force are {expected}"
            held = set(found) <= set(expected) and len(found) == min(len(expected), MOST)
            require(held, "may", read)
