"""Direct messages: each reviewer is told once, and sees what became of the round."""

from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.effects import SLACK, Effect, EffectKind, posts_destination
from crewgate.domain.outcome import Outcome, RefusalKind, Refused
from crewgate.domain.people import Anyone, Email, Notify, User, UserGroup
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Revise
from crewgate.usecases.delivery.messages import PEOPLE_LIMIT
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.ports.slack import About
from crewgate.usecases.read_models import MessageRef
from tests.builders import ANA, BEN, SECOND, a_crew, a_rule
from tests.usecases.faults import LOST, Fault
from tests.usecases.slack_standins import FakeSlack, Message
from tests.usecases.world import World

OFF = Refused("missing_scope", "im:write", RefusalKind.OFF)
DISABLED = Refused("user_disabled", "", RefusalKind.PERMANENT)


@pytest.fixture
def world(world: World) -> World:
    world.crews["research"] = a_crew(notify=Notify.DM)
    return world


def told(world: World) -> list[str]:
    """Return the people who have a direct message, in order."""
    keys = [message.key for message in world.slack.messages if message.key.startswith("direct")]
    return [key.split()[-1] for key in keys]


def direct(world: World, round_: Round, user: str) -> Message:
    (message,) = world.slack.keyed(f"direct {round_.id} {user}")
    return message


def shown(world: World, round_: Round, user: str) -> Round:
    shows = direct(world, round_, user).shows
    assert isinstance(shows, Round)
    return shows


class Decides(FakeSlack):
    """Ana decides while a direct message is on its way."""

    def __init__(self, world: World, round_: Round) -> None:
        super().__init__(clock=world.clock, messages=world.slack.messages)
        self.world = world
        self.round = round_

    async def say(self, effect: Effect, about: About, **how: Any) -> Outcome:
        if effect.kind is EffectKind.DIRECT_MESSAGE:
            await self.world.decide(self.round.id)
        return await super().say(effect, about, **how)


async def a_round(world: World, text: str = "A draft.") -> Round:
    round_ = (await world.notify(text)).round
    await world.settle_slack()
    return await world.round(round_.id)


async def test_each_reviewer_is_told_once(world: World) -> None:
    await a_round(world)
    await world.notify()  # a duplicate
    await world.settle_slack()
    assert told(world) == [ANA.id, BEN.id]


@pytest.mark.parametrize("notify", [Notify.MENTION, Notify.NONE])
async def test_otherwise_nobody_is_told_in_private(world: World, notify: Notify) -> None:
    world.crews["research"] = a_crew(notify=notify)
    await a_round(world)
    assert told(world) == []


async def test_what_becomes_of_the_round_is_shown_everywhere(world: World) -> None:
    round_ = await a_round(world)
    await world.decide(round_.id)
    await world.settle_slack()
    for user in (ANA.id, BEN.id):
        shows = direct(world, round_, user).shows
        assert isinstance(shows, Round)
        assert shows.state is State.DECIDED


@pytest.mark.parametrize("before", [0, 1])
async def test_what_was_decided_is_shown_though_the_next_card_comes_first(
    world: World, before: int
) -> None:
    for number in range(before):
        await world.decide((await a_round(world, f"Draft {number}")).id, Revise("Shorter."))
        await world.settle_slack()
    round_ = await a_round(world, "A draft.")
    await world.decide(round_.id, Revise("Shorter."))
    await world.notify("The next draft.")
    jobs = await world.lease(SLACK)
    late = [job for job in jobs if job.effect.kind is EffectKind.REFRESH]
    # A crew may be faster than the update of the card before.
    await world.deliver(*(job for job in jobs if job not in late))
    await world.settle_slack()
    await world.deliver(*late)
    await world.settle_slack()
    for user in (ANA.id, BEN.id):
        assert shown(world, round_, user).state is not State.WAITING


async def test_what_is_decided_while_somebody_is_being_told_is_shown_to_them(world: World) -> None:
    round_ = (await world.notify()).round
    await world.turn()
    await world.turn()
    jobs = [job for job in await world.lease(SLACK) if job.effect.kind is EffectKind.DIRECT_MESSAGE]
    assert len(jobs) == 2
    decides = Decides(world, round_)
    await deliver(jobs[0], replace(world.context, messenger=decides))
    await world.settle_slack()
    assert shown(world, round_, ANA.id).state is State.DECIDED


async def test_an_approval_while_somebody_is_being_told_is_shown_to_them(world: World) -> None:
    world.crews["research"] = replace(world.crews["research"], rules=(a_rule(approvals=2),))
    round_ = (await world.notify()).round
    await world.turn()
    await world.turn()
    jobs = [job for job in await world.lease(SLACK) if job.effect.kind is EffectKind.DIRECT_MESSAGE]
    decides = Decides(world, round_)
    await deliver(jobs[0], replace(world.context, messenger=decides))
    await world.settle_slack()
    assert len(shown(world, round_, ANA.id).votes) == 1


async def test_nobody_is_told_of_what_was_decided_already(world: World) -> None:
    round_ = (await world.notify()).round
    await world.turn()
    await world.decide(round_.id)
    await world.settle_slack()
    assert told(world) == []


async def test_what_is_decided_before_its_turn_is_not_told(world: World) -> None:
    round_ = (await world.notify()).round
    await world.turn()
    await world.turn()
    await world.decide(round_.id)
    await world.settle_slack()
    assert told(world) == []


async def test_a_person_who_left_holds_up_nobody(world: World) -> None:
    await world.notify()
    await world.turn()
    await world.turn()
    world.slack.faults.append(Fault(DISABLED))
    await world.settle_slack()
    assert told(world) == [BEN.id]
    assert await world.set_aside() == []
    assert await world.effects() == []


async def test_what_is_decided_after_an_answer_was_lost_is_shown_to_whom_it_reached(
    world: World,
) -> None:
    round_ = (await world.notify()).round
    await world.turn()
    await world.turn()
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    assert told(world) == [ANA.id, BEN.id]
    await world.decide(round_.id)
    world.clock.advance(SECOND * 10)
    await world.settle_slack()
    assert shown(world, round_, ANA.id).state is State.DECIDED


async def test_members_of_groups_and_addresses_are_told_once_slack_names_them(world: World) -> None:
    reviewers = (User(ANA.id), Email("ben@example.com"), UserGroup("S1"), Anyone())
    world.crews["research"] = a_crew(notify=Notify.DM, reviewers=reviewers)
    round_ = await a_round(world)
    assert told(world) == [ANA.id]
    assert await world.effects() == [EffectKind.TELL_REVIEWERS]
    world.directory.people[Email("ben@example.com")] = frozenset({BEN.id})
    world.directory.people[UserGroup("S1")] = frozenset({ANA.id, "U0DAN"})
    world.clock.advance(SECOND * 600)
    await world.settle_slack()
    assert told(world) == [ANA.id, BEN.id, "U0DAN"]
    assert await world.effects() == []
    assert len(await world.uow.read.direct_messages(round_.id)) == 3


async def test_who_is_waited_for_is_not_waited_for_once_it_is_decided(world: World) -> None:
    world.crews["research"] = a_crew(
        notify=Notify.DM, reviewers=(User(ANA.id), Email("ben@example.com"))
    )
    round_ = await a_round(world)
    await world.decide(round_.id)
    world.clock.advance(SECOND * 600)
    await world.settle_slack()
    assert EffectKind.TELL_REVIEWERS not in await world.effects()


async def test_no_more_people_are_told_than_slack_takes(world: World) -> None:
    crowd = tuple(User(f"U{number:03}") for number in range(PEOPLE_LIMIT + 1))
    world.crews["research"] = a_crew(notify=Notify.DM, reviewers=crowd)
    await a_round(world)
    assert len(told(world)) == PEOPLE_LIMIT


async def test_nobody_more_is_told_once_more_were_told_than_slack_takes(world: World) -> None:
    """An escalation lets others decide before the first people got their messages."""
    crowd = tuple(User(f"U{number:03}") for number in range(2 * PEOPLE_LIMIT))
    world.crews["research"] = a_crew(reviewers=crowd, notify=Notify.DM)
    round_ = (await world.notify()).round
    async with world.uow.begin() as tx:
        for user in crowd[: PEOPLE_LIMIT + 2]:
            await tx.place_direct_message(round_, user.id, MessageRef("D1", user.id, user.id))
    await world.settle_slack()
    assert told(world) == []


async def test_a_message_that_somebody_deleted_stays_deleted(world: World) -> None:
    round_ = await a_round(world)
    direct(world, round_, ANA.id).deleted = True
    await world.decide(round_.id)
    await world.settle_slack()
    assert world.slack.keyed(f"direct {round_.id} {ANA.id}") == []
    assert EffectKind.REFRESH_DIRECT_MESSAGE not in await world.effects()


async def test_what_slack_cannot_show_is_told_plainly(world: World) -> None:
    world.slack.unshowable = True
    round_ = await a_round(world)
    assert direct(world, round_, ANA.id).plain
    await world.decide(round_.id, Revise("Shorter."))
    await world.settle_slack()
    assert shown(world, round_, ANA.id).state is State.DECIDED


async def test_a_message_that_was_never_posted_is_not_brought_up_to_date(world: World) -> None:
    round_ = (await world.notify()).round
    effect = Effect(
        kind=EffectKind.REFRESH_DIRECT_MESSAGE,
        target=f"{round_.id} {ANA.id}",
        crew="research",
        execution_id="e-1",
    )
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())
    await world.settle_slack()
    assert EffectKind.REFRESH_DIRECT_MESSAGE not in await world.effects()


async def test_without_the_scope_nobody_is_told_in_private(world: World) -> None:
    world.directory.may_message = False
    await a_round(world)

    assert told(world) == []  # the journeys see the card's mention


async def test_whoever_slack_never_names_is_not_waited_for(world: World) -> None:
    hidden = Email("x@example.com")
    world.crews["research"] = a_crew(notify=Notify.DM, reviewers=(User("U0ANA"), hidden))
    world.directory.hidden = {hidden}
    await a_round(world)

    assert told(world) == ["U0ANA"]
    assert await world.effects() == []


async def test_a_message_that_is_off_is_dropped_at_once(world: World) -> None:
    await world.notify()
    await world.turn(posts_destination("research"))
    world.slack.faults.extend([Fault(OFF)] * 2)
    await world.settle_slack()

    assert told(world) == []
    assert await world.effects() == []
