"""Chains: acts of people and of time that meet on one round, between two approvals."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from crewgate.domain import verdict
from crewgate.domain.caveats import NOTHING_SEEN
from crewgate.domain.effects import TIMER, EffectKind
from crewgate.domain.errors import (
    CrewgateError,
    NotPermitted,
    ReferralProblem,
    ReferralRefused,
)
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.usecases import lessons
from crewgate.usecases.delivery.context import DeliveryContext
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.notes import draft_for
from crewgate.usecases.ports.base import Job
from crewgate.usecases.referrals import refer
from tests.simulation.known import MOMENT, key_of
from tests.simulation.meetings import Met
from tests.simulation.oracle import require
from tests.simulation.people import CLAIMED, People
from tests.simulation.product import BERLIN, EVERYBODY, HOUR, REVIEWERS, Product
from tests.simulation.story import Choices

A_MINUTE: Final = timedelta(minutes=1)
CLOCKS_CHANGE: Final = datetime(2026, 3, 27, 15, 30, tzinfo=UTC)
"""The Friday before the Sunday on which the clocks of Berlin go forward, before the office closes.
"""
Change = Callable[[Round, Person, Person, Choices], Awaitable[None]]


class Chains(People):
    """People whose acts change what an earlier one meant."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        self.met = Met()
        """The steps of this story, for the count of those that meet."""

    def of_several(self) -> list[Round]:
        """The rounds that wait for several people."""
        return [one for one in self.in_state(State.WAITING) if self.needed(one) > 1]

    def deeds(self) -> list[Round]:
        """The rounds that are worked on in office hours alone."""
        return [one for one in self.in_state(State.WAITING) if one.review.task_id == "deed"]

    # --- somebody is asked to look ---

    async def ask_somebody(self, choices: Choices) -> None:
        """Somebody asks another to look at a round; perhaps one of them may not decide on it."""
        round_ = choices.pick(self.in_state(State.WAITING))
        by, to = choices.pick(EVERYBODY), choices.pick(EVERYBODY[::-1])
        before, voices = round_.votes, verdict.voices_of(round_.votes)
        may, others_may = (self.may_decide(one, round_) for one in (by, to))
        words = self.said("Look at it", round_.id)
        read = f"{by.id} asks {to.id} to look at {round_.id}"
        try:
            after = await refer(round_.id, to, words, by=by, context=self.world.reviews)
        except NotPermitted:
            require(not may, "told", f"{read}, and may not")
        except ReferralRefused as refused:
            so = {
                ReferralProblem.THEMSELVES: by == to,
                ReferralProblem.NO_REVIEWER: not others_may,
                ReferralProblem.HAS_APPROVED: to.id in voices,
            }
            require(so.get(refused.why, True), "told", f"{read}: {refused.why}")
        except CrewgateError:
            return
        else:
            is_so = may and others_may and by != to and to.id not in voices
            require(is_so, "may", f"{read}, which counts")
            require(after.votes == before and after.decision is None, "may", f"{read}: it decided")
            self.wishes[round_.id, by.id, to.id] = words

    # --- something happens between two approvals ---

    async def approvals_meet(self, choices: Choices) -> None:
        """One person approves, something changes, and another approves, or the first again."""
        round_ = choices.pick(self.of_several())
        able = [one for one in EVERYBODY if self.may_decide(one, round_)]
        first, second = choices.pick(able or EVERYBODY), choices.pick(EVERYBODY[::-1])
        await self.approve_again(round_, first)
        changes: list[tuple[str, Change]] = [
            ("go_away", self.first_goes_away),
            ("come_back", self.second_stands_in),
            ("lawyers_change", self.first_leaves_the_group),
            ("lawyers_change", self.everybody_leaves_the_group),
            ("time_passes", self.others_are_called),
            ("edit", self.third_edits),
            ("write_a_note", self.third_writes),
            ("claim", self.third_claims),
            ("take_back", self.first_takes_back),
        ]
        name, change = choices.pick(changes)
        self.met.act(name, [round_])
        await change(round_, first, second, choices)
        await self.approve_again(round_, second)
        if choices.one_in(2):
            await self.approve_again(round_, first)

    async def approve_again(self, round_: Round, by: Person) -> None:
        """Somebody approves the latest round of a review, if it waits, and confirms."""
        self.world.clock.advance(MOMENT)  # each act has a time of its own
        await self.look()
        latest = self.latest(*key_of(round_))
        if latest is not None and latest.state is State.WAITING:
            await self.decide(latest, Choices(), by=by)
            await self.look()

    async def press_comes_again(self, choices: Choices) -> None:
        """Somebody who saw a request of Slack's sends it again, once its person took it back."""
        round_ = choices.pick(self.of_several())
        able = [one for one in EVERYBODY if self.may_decide(one, round_)]
        by = choices.pick(able or EVERYBODY)
        pressed, later = (f"{self.world.clock().timestamp():.6f}{one}" for one in "12")
        await self.world.pressed(pressed, self.approve_again(round_, by))
        round_ = self.latest(*key_of(round_)) or round_
        if round_.state is not State.WAITING or round_.vote_of(by.id) is None:
            return
        await self.world.pressed(later, self.take_back_from(round_, by))
        before = (await self.world.round(round_.id)).votes
        seen, _ = self.asked.get((round_.id, by.id), (NOTHING_SEEN, set()))
        with suppress(CrewgateError):
            again = self.world.decide(round_.id, by=by, seen=seen)
            await self.world.pressed(pressed, again)
        after = await self.world.round(round_.id)
        read = f"a press of {by.id} on {round_.id} came again: {before} became {after.votes}"
        require(after.votes == before and after.decision is None, "once", read)

    async def first_goes_away(
        self, _: Round, first: Person, second: Person, choices: Choices
    ) -> None:
        """Somebody who approved goes away, and their delegate approves."""
        await self.leave_to(second, first, choices.pick([timedelta(days=9), HOUR]))

    async def second_stands_in(
        self, round_: Round, first: Person, second: Person, choices: Choices
    ) -> None:
        """A delegate approves for somebody, who comes back."""
        absent = choices.pick([one for one in REVIEWERS if one not in {first, second}])
        await self.leave_to(second, absent, HOUR)
        await self.approve_again(round_, second)
        if choices.one_in(2):
            await self.world.pass_time(HOUR)
        elif absent.id in self.away:
            await self.return_of(absent)
        await self.approve_again(round_, absent)

    async def first_leaves_the_group(
        self, _: Round, first: Person, second: Person, __: Choices
    ) -> None:
        """Somebody who approved is in the group no longer, in which somebody else is now."""
        lawyers, _accountants = self.groups(self.world.clock())
        self.let_in(lawyers - {first.id} | {second.id})

    async def everybody_leaves_the_group(
        self, round_: Round, first: Person, second: Person, choices: Choices
    ) -> None:
        """Nobody is in the group for a while; then some are, or all come back."""
        lawyers, _ = self.groups(self.world.clock())
        self.let_in(frozenset())
        await self.approve_again(round_, second)
        await self.world.pass_time(choices.pick([A_MINUTE, HOUR]))
        await self.timers_work()
        self.let_in(choices.pick([lawyers, frozenset({second.id}), lawyers - {first.id}]))

    async def others_are_called(self, _: Round, __: Person, ___: Person, choices: Choices) -> None:
        """So much time passes that a rule reminds people, or lets others decide too."""
        await self.world.pass_time(choices.pick([HOUR, 2 * HOUR, timedelta(days=1)]))
        await self.timers_work()

    async def timers_work(self) -> None:
        await self.deliver(await self.world.lease(TIMER), self.world.context)

    async def deliver(self, jobs: Iterable[Job], context: DeliveryContext) -> None:
        for job in jobs:
            self.world.clock.advance(MOMENT)  # each decision and message has a time of its own
            await deliver(job, context)
            if job.effect.destination == TIMER or job.effect.kind is EffectKind.POST:
                await self.look()

    async def third_edits(
        self, round_: Round, first: Person, second: Person, choices: Choices
    ) -> None:
        """Somebody approves a text of their own in the place of the one that has an approval."""
        others = [one for one in EVERYBODY if one not in {first, second}]
        await self.rewrite(self.round(round_.id), choices, by=choices.pick(others))

    async def third_writes(self, round_: Round, _: Person, __: Person, choices: Choices) -> None:
        await self.write_in_thread(round_, choices)

    async def third_claims(
        self, round_: Round, first: Person, second: Person, choices: Choices
    ) -> None:
        others = [one for one in EVERYBODY if one not in {first, second}]
        await self.claim_it(round_, choices.pick(others))

    async def first_takes_back(self, round_: Round, first: Person, _: Person, __: Choices) -> None:
        if self.round(round_.id).state is State.WAITING:
            await self.take_back_from(self.round(round_.id), first)

    async def absent_takes_back(self, choices: Choices) -> None:
        """Somebody takes back what a delegate, who has no other right, approved for them."""
        round_ = choices.pick(self.of_several())
        absent, delegate = choices.pick(REVIEWERS), EVERYBODY[-1]
        await self.leave_to(delegate, absent, HOUR)
        await self.approve_again(round_, delegate)
        latest = self.latest(*key_of(round_))
        if latest is not None and latest.state is State.WAITING:
            await self.take_back_from(latest, absent)

    # --- words and claims ---

    async def claim_grows_old(self, choices: Choices) -> None:
        """Somebody is on a round for about half an hour, when another approves."""
        round_ = choices.pick(self.in_state(State.WAITING))
        await self.claim_it(round_, choices.pick(EVERYBODY))
        await self.world.pass_time(CLAIMED + choices.pick([-A_MINUTE, timedelta(0), A_MINUTE]))
        await self.timers_work()
        await self.approve_again(round_, choices.pick(EVERYBODY))

    async def approve_with_words(self, choices: Choices) -> None:
        """Somebody approves and says something about it, which a rule may be for."""
        round_ = choices.pick([*self.of_several(), *self.in_state(State.WAITING)])
        words = choices.pick(["Well done", "Sign this CON\u00adTRACT"])
        verdict = Approve(self.said(words, round_.id))
        await self.decide(round_, choices, by=choices.pick(EVERYBODY), verdict=verdict)
        if choices.one_in(2):
            await self.approve_again(round_, choices.pick(EVERYBODY))

    async def notes_are_sent_back(self, choices: Choices) -> None:
        """Somebody asks for changes in the words of the thread and in their own."""
        waiting = self.in_state(State.WAITING)
        noted = [one for one in waiting if self.notes[one.origin]]
        round_ = choices.pick(noted or waiting)
        draft = await draft_for(round_, context=self.world.reviews)
        written = [one for one in self.written.values() if one.origin == round_.origin]
        if not self.world.directory.became_guests:  # else memory may not know of it yet
            mine = [one.text for one in written if self.may_decide(one.by, round_)]
            found = [draft.text.find(text) for text in mine]
            read = f"the draft of {round_.id} is {draft.text!r}, its notes are {mine}"
            require(-1 not in found and found == sorted(found), "truth", read)
            others = {one.text for one in written if one.text not in mine}
            left = {one.text for one in draft.left}
            require(left == others, "truth", f"{read}; left are {left}")
        words = f"{draft.text}\n\n{self.said('And more', round_.id)}".strip()
        await self.decide(round_, choices, by=choices.pick(EVERYBODY), verdict=Revise(words))

    # --- lessons of two crews ---

    async def two_crews_teach(self, choices: Choices) -> None:
        """A lesson of each of two crews is proposed and kept; then both crews are started."""
        teachable = self.teachable()
        crews = sorted({one.review.crew for one in teachable})
        for crew in {choices.pick(crews): None, choices.pick(crews): None}:
            round_ = choices.pick([one for one in teachable if one.review.crew == crew])
            text = self.said(f"In {crew} keep in mind of {round_.id}", round_.id)
            author = choices.pick(EVERYBODY)
            before = set(self.proposed)
            await self.attempt(lessons.propose, author, round_.id, text)
            for lesson_id in self.proposed.keys() - before:
                for by in EVERYBODY:
                    await self.vote_for(self.proposed[lesson_id], by)
        await self.kick_off(choices)

    # --- clocks ---

    async def clocks_change_soon(self, _: Choices) -> None:
        """The story begins shortly before a weekend on which the clocks go forward."""
        await self.world.pass_time(max(CLOCKS_CHANGE - self.world.clock(), timedelta(0)))

    async def office_opens(self, _: Choices) -> None:
        """Time passes to the minute before the office opens, and to the one after it."""
        there = self.world.clock().astimezone(BERLIN)
        opens = there.replace(hour=9, minute=0, second=0, microsecond=0)
        if opens <= there:
            opens += timedelta(days=1)
        for moment in (opens - A_MINUTE, opens + A_MINUTE):
            await self.world.pass_time(moment.astimezone(UTC) - self.world.clock())
            await self.timers_work()
