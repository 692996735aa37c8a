"""One delegate decides for an absent person, for a time, and delegates no further."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import (
    AbsenceProblem,
    AbsenceRefused,
    AlreadyVoted,
    NotAReader,
    NotAReviewer,
    SelfApproval,
    UnknownCrew,
)
from crewgate.domain.people import Anyone, Notify, Role, User
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.usecases.away import come_back as return_
from crewgate.usecases.away import go_away
from crewgate.usecases.decide import may_revise, retry, take_back
from crewgate.usecases.notes import claim
from crewgate.usecases.queries import pending, queue
from tests.builders import ANA, BEN, CAI, EVE, NOW, a_crew, a_rule
from tests.usecases.world import World

DAY = timedelta(days=1)
DAN = Person("U0DAN", "Dan")


def settings(world: World, *rules: Rule) -> None:
    world.crews["research"] = a_crew(reviewers=(User(ANA.id), User(CAI.id)), rules=rules)


async def away(world: World, by: Person = ANA, delegate: Person = EVE) -> None:
    await go_away(by, delegate, until=world.clock() + DAY, context=world.reviews)


async def come_back(world: World, by: Person = ANA) -> bool:
    return await return_(by, context=world.reviews)


@pytest.fixture
async def waiting(world: World) -> Round:
    settings(world)
    return (await world.notify()).round


async def test_the_delegate_decides_and_both_are_named(world: World, waiting: Round) -> None:
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)
    await away(world)
    decided = await world.decide(waiting.id, Revise("Shorter."), by=EVE)
    assert decided.decision is not None
    assert (decided.decision.by, decided.decision.on_behalf_of) == (EVE, ANA)
    stored = await world.round(waiting.id)
    assert stored.decision == decided.decision


async def test_so_does_an_approval(world: World, waiting: Round) -> None:
    await away(world)
    decided = await world.decide(waiting.id, Approve("Fine."), by=EVE)
    assert decided.decision is not None
    assert (decided.decision.by, decided.decision.on_behalf_of) == (EVE, ANA)
    assert decided.decision.human_feedback == "Fine."


async def test_one_s_own_right_comes_first(world: World, waiting: Round) -> None:
    await away(world, delegate=CAI)
    decided = await world.decide(waiting.id, by=CAI)
    assert decided.decision is not None
    assert decided.decision.on_behalf_of is None


async def test_it_ends_by_itself(world: World, waiting: Round) -> None:
    await away(world)
    world.clock.advance(DAY)
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)
    assert not await come_back(world)


async def test_or_sooner(world: World, waiting: Round) -> None:
    await away(world)
    assert await come_back(world)
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)
    assert not await come_back(world)


async def test_a_later_absence_takes_the_place_of_an_earlier_one(
    world: World, waiting: Round
) -> None:
    await away(world)
    await away(world, delegate=DAN)
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)
    assert (await world.decide(waiting.id, by=DAN)).decision is not None


async def test_nobody_hands_on_what_was_handed_to_them(world: World, waiting: Round) -> None:
    await away(world)
    await away(world, by=EVE, delegate=DAN)
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=DAN)
    assert (await world.decide(waiting.id, by=EVE)).decision is not None


async def test_who_may_not_decide_hands_on_nothing(world: World, waiting: Round) -> None:
    await away(world, by=DAN)
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)


@pytest.fixture
async def of_a_member(world: World) -> Round:
    """Eve decides for Ana, who may as a member of the channel; memory does not tell of Ana."""
    world.crews["research"] = a_crew(reviewers=(Anyone(),))
    world.directory.channels["C0REVIEWS"] = {ANA.id}
    world.directory.unknown = {ANA.id}
    await away(world)
    return (await world.notify()).round


async def test_slack_is_asked_whether_who_is_away_is_a_member(
    world: World, of_a_member: Round
) -> None:
    world.directory.learns["C0REVIEWS"] = {ANA.id}
    await world.reviews.ensure(EVE.id, Role.READER, of_a_member)
    world.directory.unknown = {ANA.id}
    assert await world.reviews.may(EVE.id, Role.REVIEWER, of_a_member)
    world.directory.unknown = {ANA.id}
    decided = await world.decide(of_a_member.id, by=EVE)
    assert decided.decision is not None
    assert decided.decision.on_behalf_of == ANA


async def test_while_slack_does_not_say_the_delegate_is_told_so(
    world: World, of_a_member: Round
) -> None:
    world.directory.strangers = {ANA.id: None}
    with pytest.raises(NotAReviewer) as refused:
        await world.decide(of_a_member.id, by=EVE)
    assert refused.value.uncertain
    with pytest.raises(NotAReader) as unread:
        await world.reviews.ensure(EVE.id, Role.READER, of_a_member)
    assert unread.value.uncertain


async def test_a_rule_may_forbid_it(world: World) -> None:
    settings(world, a_rule(delegation=False))
    round_ = (await world.notify()).round
    await away(world)
    with pytest.raises(NotAReviewer):
        await world.decide(round_.id, by=EVE)
    assert (await pending(EVE.id, mine=True, context=world.reviews)).lines == ()


async def test_all_that_a_reviewer_may_the_delegate_may(world: World, waiting: Round) -> None:
    context = world.reviews
    with pytest.raises(NotAReader):
        await context.ensure(EVE.id, Role.READER, waiting)
    await away(world)
    assert await may_revise(waiting.id, by=EVE, context=context) == waiting
    await claim(waiting.id, by=EVE, context=context)
    await context.ensure(EVE.id, Role.READER, waiting)
    assert await context.may(EVE.id, Role.REVIEWER, waiting)
    assert not await context.may(EVE.id, Role.REVIEWER, "research")
    assert not await context.may(EVE.id, Role.OPERATOR, waiting)
    assert not await context.may(DAN.id, Role.REVIEWER, waiting)
    with pytest.raises(NotAReviewer):
        await context.ensure(DAN.id, Role.REVIEWER, waiting)
    world.crews.clear()
    assert not await context.may(EVE.id, Role.REVIEWER, waiting)
    with pytest.raises(UnknownCrew):
        await context.ensure(EVE.id, Role.REVIEWER, waiting)


async def test_the_delegate_too_is_offered_to_send_their_note(world: World, waiting: Round) -> None:
    await away(world)
    await world.settle_slack()
    await world.note(world.slack.card(waiting.id).ref, "9.1", by=EVE)
    await world.settle_slack()
    assert [call for call in world.slack.calls if call.startswith("offer")] == ["offer 9.1"]


async def test_the_delegate_is_shown_what_they_may_decide(world: World, waiting: Round) -> None:
    async def mine() -> list[str]:
        shown = await queue(EVE.id, page=0, context=world.reviews, keep=[waiting.id])
        assert len(shown.kept) == shown.mine.total
        return [line.round.id for line in shown.mine.lines]

    assert await mine() == []
    await away(world)
    assert await mine() == [waiting.id]
    posting = await world.uow.read.posting(waiting.id)
    [absence] = posting.view.absences
    assert (absence.away, absence.delegate, absence.holds(NOW)) == (ANA, EVE, True)


# --- a delegate who is no colleague any more ---


async def test_a_delegate_who_became_a_guest_or_left_decides_and_is_shown_nothing(
    world: World, waiting: Round
) -> None:
    await away(world)
    world.directory.guests, world.directory.unknown = {EVE.id}, {EVE.id}
    with pytest.raises(NotAReviewer) as refused:
        await world.decide(waiting.id, by=EVE)
    assert not refused.value.uncertain
    assert (await queue(EVE.id, page=0, context=world.reviews, keep=[])).mine.total == 0
    world.directory.guests = set()
    assert (await world.decide(waiting.id, by=EVE)).decision is not None


async def test_slack_is_asked_again_whether_a_delegate_is_still_a_colleague(
    world: World, waiting: Round
) -> None:
    await away(world)
    world.directory.became_guests = {EVE.id}
    with pytest.raises(NotAReviewer):
        await world.decide(waiting.id, by=EVE)


async def test_nor_while_slack_does_not_say(world: World, waiting: Round) -> None:
    await away(world)
    world.directory.strangers, world.directory.unknown = {EVE.id: None}, {EVE.id}
    with pytest.raises(NotAReviewer) as refused:
        await world.decide(waiting.id, by=EVE)
    assert refused.value.uncertain


async def test_nor_is_told_in_private(world: World) -> None:
    settings(world)
    world.crews["research"] = replace(world.crews["research"], notify=Notify.DM)
    await away(world, by=ANA, delegate=EVE)
    await away(world, by=CAI, delegate=DAN)
    world.directory.guests, world.directory.strangers = {EVE.id}, {DAN.id: None}
    round_ = (await world.notify()).round
    await world.settle_slack()
    assert world.slack.keyed(f"direct {round_.id} {EVE.id}") == []
    assert world.slack.keyed(f"direct {round_.id} {DAN.id}") == []
    world.directory.strangers = {}
    world.clock.advance(timedelta(hours=1))
    await world.settle_slack()
    assert len(world.slack.keyed(f"direct {round_.id} {DAN.id}")) == 1


# --- where several approve ---


@pytest.fixture
async def two(world: World) -> Round:
    settings(world, a_rule(approvals=2))
    return (await world.notify()).round


async def test_who_is_away_counts_once(world: World, two: Round) -> None:
    await away(world)
    await world.decide(two.id, by=EVE)
    with pytest.raises(AlreadyVoted) as caught:
        await world.decide(two.id, by=ANA)
    assert caught.value.vote.by == EVE
    await take_back(two.id, by=ANA, context=world.reviews)
    await world.decide(two.id, by=ANA)
    with pytest.raises(AlreadyVoted):
        await world.decide(two.id, by=EVE)
    decided = await world.decide(two.id, by=CAI)
    assert decided.state is State.DECIDED


async def test_who_stands_in_for_two_counts_for_whom_nobody_has_yet(
    world: World, two: Round
) -> None:
    await away(world, by=ANA)
    await away(world, by=CAI)
    await world.decide(two.id, by=ANA)
    decided = await world.decide(two.id, by=EVE)
    assert decided.decision is not None
    assert decided.decision.on_behalf_of == CAI


async def test_one_person_is_one_approval_for_whomever_they_stand_in(
    world: World, two: Round
) -> None:
    await away(world, by=ANA)
    await away(world, by=CAI)
    await world.decide(two.id, by=EVE)
    assert (await world.decide(two.id, by=EVE)).decision is None


async def test_nobody_approves_for_who_started_it(world: World) -> None:
    settings(world, a_rule(self_approval=False))
    await world.start()  # Ana
    round_ = (await world.notify()).round
    await away(world, by=ANA)
    with pytest.raises(SelfApproval):
        await world.decide(round_.id, by=EVE)
    await away(world, by=CAI)
    decided = await world.decide(round_.id, by=EVE)
    assert decided.decision is not None
    assert decided.decision.on_behalf_of == CAI


# --- who can stand in ---


@pytest.mark.parametrize(
    ("delegate", "until", "why"),
    [
        (ANA, DAY, AbsenceProblem.THEMSELVES),
        (EVE, timedelta(0), AbsenceProblem.PAST),
        (EVE, -DAY, AbsenceProblem.PAST),
        (EVE, 367 * DAY, AbsenceProblem.TOO_FAR),
        (BEN, DAY, AbsenceProblem.NO_COLLEAGUE),
        (DAN, DAY, AbsenceProblem.NOT_TOLD),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    world: World, delegate: Person, until: timedelta, why: AbsenceProblem
) -> None:
    world.directory.guests = {BEN.id}
    world.directory.strangers = {DAN.id: None}
    with pytest.raises(AbsenceRefused) as caught:
        await go_away(ANA, delegate, until=NOW + until, context=world.reviews)
    assert caught.value.why is why
    assert await world.uow.read.absences.find(at=NOW) == ()


@pytest.mark.parametrize("notify", Notify)
async def test_what_waits_already_says_so_and_tells_the_delegate(
    world: World, notify: Notify
) -> None:
    settings(world)
    world.crews["research"] = replace(world.crews["research"], notify=notify)
    round_ = (await world.notify()).round
    await world.settle_slack()
    in_private = notify is Notify.DM

    await away(world)
    told = [EffectKind.TELL_REVIEWERS] if in_private else []
    assert await world.effects() == [EffectKind.REFRESH, *told]
    await world.settle_slack()
    assert len(world.slack.keyed(f"direct {round_.id} {EVE.id}")) == in_private

    assert await come_back(world)
    assert await world.effects() == [EffectKind.REFRESH]
    await world.settle_slack()
    assert not await come_back(world)
    assert await world.effects() == []


async def test_nothing_is_said_of_it_where_it_changes_nothing(world: World) -> None:
    settings(world, a_rule(delegation=False))
    await world.notify()
    await world.settle_slack()
    await away(world)
    await away(world, by=BEN)  # decides nothing
    await come_back(world)
    assert await world.effects() == []


async def test_it_is_known_of_each_as_long_as_it_lasts(world: World) -> None:
    await away(world)
    [found] = await world.uow.read.absences.find(at=world.clock(), away=ANA.id)
    assert found is not None
    assert (found.delegate, found.until) == (EVE, NOW + DAY)
    assert await world.uow.read.absences.find(at=world.clock(), away=EVE.id) == ()
    assert await world.uow.read.absences.find(at=NOW + DAY, away=ANA.id) == ()


async def test_however_many_are_away_each_is_known_of(world: World, waiting: Round) -> None:
    ids = [f"U{number:04}" for number in range(501)]
    async with world.uow.begin() as tx:
        for user in ids:
            absence = Absence(away=Person(user, user), delegate=EVE, since=NOW, until=NOW + DAY)
            await tx.absences.put(absence, at=NOW)
    found = (await world.uow.read.posting(waiting.id)).view.absences
    assert [one.away.id for one in found] == ids
    assert await world.uow.read.absences.find(at=NOW, delegate=EVE.id) == found


async def test_what_is_over_is_forgotten(world: World) -> None:
    await away(world)
    world.clock.advance(DAY)
    await away(world, by=CAI, delegate=DAN)
    [absence] = await world.uow.read.absences.find(at=world.clock())
    assert absence.away == CAI
    assert absence == (await world.uow.read.absences.find(at=world.clock(), delegate=DAN.id))[0]
    assert await world.uow.read.absences.find(at=world.clock(), delegate=EVE.id) == ()


async def test_a_stuck_decision_is_sent_again_by_a_delegate(world: World, waiting: Round) -> None:
    with pytest.raises(NotAReviewer):
        await retry(waiting.id, by=EVE, context=world.reviews)
