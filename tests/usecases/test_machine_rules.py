"""Any order of votes, absences, reminders, escalations and time-outs too, on a real store."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from crewgate.domain.effects import OF_WAITING, TIMER, EffectKind
from crewgate.domain.errors import AbsenceRefused, NotVoted
from crewgate.domain.people import User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, TimeOut, TimeoutAction
from crewgate.domain.verdict import Person, TimedOut, Vote, assign
from crewgate.store.engine import rows
from crewgate.store.tables import outbox
from crewgate.usecases.away import come_back, go_away
from crewgate.usecases.decide import take_back
from crewgate.usecases.delivery.worker import LEASE
from tests.builders import ANA, BEN, CAI, EVE, a_crew, a_rule
from tests.databases import EmptiedSqlite, SqliteTemplate
from tests.usecases.test_machine import Draw, Reviews, Step, run

HOUR = Duration.parse("1h")
REVIEWERS = (ANA, BEN, CAI)
TIMED = a_rule(
    name="timed",
    when=Conditions(task="draft"),
    approvals=2,
    remind=Reminders(after=Duration.parse("10m"), most=2),
    escalate=Escalation(Duration.parse("30m"), (User(EVE.id),)),
    timeout=TimeOut(HOUR, TimeoutAction.REVISE, "Nobody had time."),
)
LEGAL, FINANCE = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
MEMBERS = {LEGAL: frozenset({ANA.id, BEN.id}), FINANCE: frozenset({ANA.id, CAI.id})}
LEFT = a_rule(
    name="left",
    when=Conditions(task="check"),
    reviewers=tuple(MEMBERS),
    approvals=3,
    approvals_from=((LEGAL, 1), (FINANCE, 2)),
    timeout=TimeOut(HOUR),
)
APPROVED = a_rule(
    name="approved",
    when=Conditions(task="translate"),
    delegation=False,
    channel="C0OTHER",
    timeout=TimeOut(HOUR, TimeoutAction.APPROVE),
)
PENDING = sa.select(outbox.c.subject, outbox.c.kind)
PEOPLE = st.sampled_from([*REVIEWERS, EVE])


class RuledReviews(Reviews):
    """The same under rules, and with people who are away."""

    STRIDE = timedelta(minutes=21)

    async def open(self, database: EmptiedSqlite) -> None:
        await super().open(database)
        people = tuple(User(one.id) for one in REVIEWERS)
        for group, members in MEMBERS.items():
            self.world.directory.people[group] = members
        self.world.crews["research"] = a_crew(reviewers=people, rules=(TIMED, LEFT, APPROVED))
        self.away: dict[Person, tuple[Person, object]] = {}
        self.voted: defaultdict[str, list[Vote]] = defaultdict(list)

    def interference(self) -> dict[Step, int]:
        return {
            self.somebody_takes_back: self.any_round(State.WAITING),
            self.somebody_goes_away: 1,
            self.somebody_comes_back: len(self.away),
            self.much_time_passes: 1,
        }

    async def somebody_takes_back(self, draw: Draw) -> None:
        waiting = [one for one in self.known if one.state is State.WAITING]
        round_ = draw(st.sampled_from(waiting))
        by = draw(PEOPLE)
        try:
            changed = await take_back(round_.id, by=by, context=self.world.reviews)
        except NotVoted:
            assert all(by.id not in vote.voices for vote in round_.votes)
        else:
            assert len(changed.votes) < len(round_.votes)
            self.voted[round_.id] = list(changed.votes)

    async def somebody_goes_away(self, draw: Draw) -> None:
        by, delegate = draw(PEOPLE), draw(PEOPLE)
        until = self.world.clock() + draw(st.sampled_from([LEASE, timedelta(days=9)]))
        try:
            await go_away(by, delegate, until=until, context=self.world.reviews)
        except AbsenceRefused:
            assert by == delegate
        else:
            self.away[by] = (delegate, until)

    async def somebody_comes_back(self, draw: Draw) -> None:
        by = draw(st.sampled_from(list(self.away)))
        await come_back(by, context=self.world.reviews)
        del self.away[by]

    async def much_time_passes(self, draw: Draw) -> None:
        """Whatever is due is done, and the process may crash before it says so."""
        self.world.clock.advance(draw(st.sampled_from([timedelta(minutes=9), timedelta(hours=2)])))
        await self.time_has_passed(draw)

    async def time_has_passed(self, draw: Draw) -> None:
        while jobs := await self.world.lease(TIMER, limit=1):
            self.world.clock.advance(timedelta(microseconds=1))
            if draw(st.sampled_from([False, False, False, True])):
                continue  # crashed: the lease ends by itself
            await self.world.deliver(*jobs)
            await self.learn_of_time_outs()

    async def learn_of_time_outs(self) -> None:
        for round_ in await self.rounds():
            decision = round_.decision
            if decision is None or round_.id in self.decisions:
                continue
            assert isinstance(decision.by, TimedOut)
            assert round_.rule.timeout is not None
            assert decision.at - round_.opened_at >= round_.rule.timeout.after.length
            self.decisions[round_.id] = decision
            self.crew.decided[decision] = round_.id

    # --- what always holds ---

    def may_decide(self, by: Person) -> bool:
        return by != EVE

    def may_vote(self, vote: Vote, round_: Round) -> bool:
        """Return True if a vote was by its author's own right, or that of a person who was away."""
        own = {one.id for one in REVIEWERS}
        if round_.escalated_at is not None:
            own.add(EVE.id)
        if vote.on_behalf_of is None:
            return vote.by.id in own
        delegable = round_.rule.delegation
        return delegable and vote.on_behalf_of.id in own and vote.by.id not in own

    def counted(self, round_: Round, by: Person) -> None:
        before = {replace(vote, groups=()) for vote in self.voted[round_.id]}
        now = {replace(vote, groups=()) for vote in round_.votes}
        assert any(vote.by == by for vote in round_.votes)
        assert before <= now
        for vote in now - before:
            assert self.may_vote(vote, round_)
            if vote.on_behalf_of is not None:
                assert self.away[vote.on_behalf_of][0] == by
            claim = self.claims.get(round_.id)
            if claim is not None and claim.by == by:
                del self.claims[round_.id]  # who has approved is done with it
        self.voted[round_.id] = list(round_.votes)

    def no_group_needs(self, by: Person, round_: Round) -> None:
        assert round_.rule.approvals_from
        for right in {by.id, *(away.id for away, (one, _) in self.away.items() if one == by)}:
            groups = [group for group in MEMBERS if right in MEMBERS[group]]
            able = [*(vote.groups for vote in round_.votes), groups]
            assert assign(round_.rule.approvals_from, able)[-1] is None

    async def check(self) -> None:
        await super().check()
        pending = await self.pending()
        said = [message.key for message in self.world.slack.messages]
        for round_ in self.known:
            self.check_votes(round_)
            if round_.state is not State.WAITING:
                assert not pending[round_.id] & OF_WAITING
                self.check_silence(round_)
            elif round_.rule.timeout is not None:
                # The next step of time is on its way, or people were told of it.
                steps = {EffectKind.POST, EffectKind.TIME_OUT, EffectKind.POST_TIMED_OUT}
                ahead = steps & pending[round_.id]
                assert ahead or f"timed out {round_.id}" in said
        by_time = [key for key in said if key.startswith(("reminder", "escalated", "timed out"))]
        assert len(by_time) == len(set(by_time)), by_time

    async def pending(self) -> defaultdict[str, set[EffectKind]]:
        found: defaultdict[str, set[EffectKind]] = defaultdict(set)
        async with self.world.engines.for_outbox.read.connect() as connection:
            for row in await rows(connection, PENDING, {}):
                found[row.subject].add(EffectKind(row.kind))
        return found

    def check_votes(self, round_: Round) -> None:
        voices = [voice for vote in round_.votes for voice in vote.voices]
        assert len(voices) == len(set(voices))
        for vote in round_.votes if round_.rule.approvals_from else ():
            assert vote.group in [one for one in MEMBERS if vote.right.id in MEMBERS[one]]
        given = [vote.group for vote in round_.votes]
        assert all(given.count(group) <= count for group, count in round_.rule.approvals_from)
        decision = round_.decision
        if decision is None:
            assert len(round_.votes) < round_.rule.approvals
        elif decision.is_approve and not isinstance(decision.by, TimedOut):
            assert len(decision.votes) == (
                round_.rule.approvals if round_.rule.approvals > 1 else 0
            )

    def check_silence(self, round_: Round) -> None:
        """Check that nobody was reminded or called once a round waited no longer."""
        ended = round_.decision.at if round_.decision is not None else round_.ended_at
        assert ended is not None
        for message in self.world.slack.messages:
            if message.key.startswith((f"reminder {round_.id} ", f"escalated {round_.id}")):
                assert message.posted_at <= ended


@pytest.mark.no_cover
def test_reviews_under_rules(sqlite_template: SqliteTemplate) -> None:
    run(RuledReviews, sqlite_template)
