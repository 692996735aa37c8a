"""Every kind of effect in Slack, with every outcome: nothing is lost, nothing is there twice."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from crewgate.domain.effects import IN_ORDER, SLACK, EffectKind
from crewgate.domain.outcome import Delivered, NotSent, RefusalKind, Refused, Unknown
from crewgate.domain.people import Notify, User
from crewgate.domain.review import Round
from crewgate.usecases.delivery.context import GRACE, SHARE_GRACE
from tests.builders import ANA, SECOND, a_crew, an_effect
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
Prepare = Callable[[World], Awaitable[str]]
"""Brings about one due effect of a kind, and returns the key of its message."""


async def to_post(world: World) -> str:
    return f"card {(await world.notify()).round.id}"


async def to_attach(world: World) -> str:
    world.slack.excerpts = True
    round_id = await a_posted_round(world)
    return f"file {round_id}"


async def to_look_for_it(world: World) -> str:
    key = await to_attach(world)
    await world.turn()
    world.clock.advance(SHARE_GRACE)
    return key


async def to_tell(world: World) -> str:
    round_id = await a_posted_round(world)
    await world.decide(round_id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    await world.settle_slack()
    for told in world.slack.keyed(f"stuck {round_id}"):
        told.deleted = True
    await world.enqueue(EffectKind.NOTIFY_STUCK, round_id)
    return f"stuck {round_id}"


async def to_report(world: World) -> str:
    return f"dead letter {await world.store_dead_letter()}"


async def to_refresh(world: World) -> str:
    round_id = await a_posted_round(world)
    await world.enqueue(EffectKind.REFRESH, round_id)
    return f"card {round_id}"


async def to_repost(world: World) -> str:
    await a_posted_round(world)
    round_id = (await world.notify(task_id="publish")).round.id
    await world.turn()
    world.slack.card(round_id).deleted = True
    await world.enqueue(EffectKind.REFRESH, round_id)
    await world.turn()
    return f"card {round_id}"


async def to_say_that_it_was_not_attached(world: World) -> str:
    key = await to_attach(world)
    world.slack.faults.append(Fault(NO_FILES))
    await world.turn()
    return key.replace("file", "attach failed")


async def to_say_where_it_stands(world: World) -> str:
    round_id = await a_posted_round(world)
    await world.decide(round_id)
    world.crew.pause()
    await world.turn(CREW)
    world.slack.faults.append(Fault(NOT_EDITABLE))
    await world.turn()
    return f"refresh failed {round_id} RESUMED"


async def to_tell_in_private(world: World) -> str:
    world.crews["research"] = a_crew(notify=Notify.DM, reviewers=(User(ANA.id),))
    round_id = await a_posted_round(world)
    await world.turn()
    return f"direct {round_id} {ANA.id}"


async def to_remind_in_private(world: World) -> str:
    round_id = await a_posted_round(world)
    effect = an_effect(EffectKind.REMIND_PRIVATELY, target=round_id, user=ANA.id, number=1)
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())
    return f"reminder {round_id} 1 {ANA.id}"


async def to_tell_an_operator(world: World) -> str:
    world.crews["research"] = a_crew(operators=(User("U0OPS"),))
    effect = an_effect(
        EffectKind.TELL_OPERATOR, target="not_in_channel", channel="C1", user="U0OPS"
    )
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())
    return "refuses research not_in_channel C1 U0OPS"


async def a_posted_round(world: World) -> str:
    round_id = (await world.notify()).round.id
    await world.turn()
    return round_id


NO_FILES = Refused("file_uploads_disabled", "", RefusalKind.PERMANENT)
NOT_EDITABLE = Refused("edit_window_closed", "", RefusalKind.PERMANENT)
PREPARE: dict[EffectKind, Prepare] = {
    EffectKind.POST: to_post,
    EffectKind.ATTACH: to_attach,
    EffectKind.LOOK_FOR_FILE: to_look_for_it,
    EffectKind.NOTIFY_STUCK: to_tell,
    EffectKind.REPORT: to_report,
    EffectKind.REFRESH: to_refresh,
    EffectKind.REPOST: to_repost,
    EffectKind.ATTACH_FAILED: to_say_that_it_was_not_attached,
    EffectKind.REFRESH_FAILED: to_say_where_it_stands,
    EffectKind.DIRECT_MESSAGE: to_tell_in_private,
    EffectKind.REMIND_PRIVATELY: to_remind_in_private,
    EffectKind.TELL_OPERATOR: to_tell_an_operator,
}
every_kind = pytest.mark.parametrize("kind", PREPARE)


async def prepared(world: World, kind: EffectKind) -> str:
    key = await PREPARE[kind](world)
    assert await world.effects() == [kind]
    return key


#: A card may bring its file, which is looked for; a report in doubt may count too few.
FOLLOWS = (
    EffectKind.REFRESH,
    EffectKind.ATTACH,
    EffectKind.LOOK_FOR_FILE,
    EffectKind.REFRESH_REPORT,
)


async def there_once(world: World, key: str) -> bool:
    assert await world.effects() in ([], *([kind] for kind in FOLLOWS))
    return len(world.slack.keyed(key)) == 1


@every_kind
async def test_what_is_delivered_is_done(world: World, kind: EffectKind) -> None:
    key = await prepared(world, kind)
    assert await world.turn() == [Delivered()]
    assert await there_once(world, key)


@every_kind
async def test_what_was_not_sent_is_due_at_once_and_the_worker_told(
    world: World, kind: EffectKind
) -> None:
    key = await prepared(world, kind)
    away = NotSent("rate limited", retry_after=30 * SECOND)
    world.slack.faults.append(Fault(away))
    assert await world.turn() == [away]
    assert await world.due_in() == timedelta(0)
    (job,) = await world.lease(SLACK)
    assert (job.tries, job.in_doubt) == (2, False)
    await world.lapse()
    await world.turn()
    assert await there_once(world, key)


@every_kind
async def test_what_was_refused_is_tried_again_later_and_later(
    world: World, kind: EffectKind
) -> None:
    key = await prepared(world, kind)
    world.slack.faults.extend([Fault(Refused("not_in_channel", "invite the bot"))] * 3)
    for seconds in (1, 2, 4):
        (outcome,) = await world.turn()
        assert isinstance(outcome, Refused)
        assert await world.due_in() == timedelta(seconds=seconds)
        assert await world.turn() == []
        world.clock.advance(timedelta(seconds=seconds))
    await world.turn()
    assert await there_once(world, key)


@every_kind
@pytest.mark.parametrize(("asked", "seconds"), [(None, 1), (7 * SECOND, 7)])
async def test_what_slack_slows_down_waits_by_itself(
    world: World, kind: EffectKind, asked: timedelta | None, seconds: int
) -> None:
    key = await prepared(world, kind)
    slow = NotSent("Slack asks to slow down", retry_after=asked, alone=True)
    world.slack.faults.append(Fault(slow))
    assert await world.turn() == [slow]
    assert await world.due_in() == timedelta(seconds=seconds)
    assert await world.turn() == []
    world.clock.advance(timedelta(seconds=seconds))
    await world.turn()
    assert await there_once(world, key)


@every_kind
@pytest.mark.parametrize("after", [False, True])
async def test_what_may_have_arrived_is_looked_for_before_it_is_repeated(
    world: World, kind: EffectKind, after: bool
) -> None:
    key = await prepared(world, kind)
    world.slack.faults.append(Fault(LOST, after=after))
    assert await world.turn() == [LOST]
    assert await world.due_in() == GRACE
    world.clock.advance(GRACE)
    assert await world.turn() == [Delivered()]
    assert await there_once(world, key)


@every_kind
@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_is_no_different(world: World, kind: EffectKind, after: bool) -> None:
    key = await prepared(world, kind)
    world.slack.faults.append(Fault(Crashed, after=after))
    with pytest.raises(Crashed):
        await world.turn()
    assert await world.turn() == []
    await world.lapse()
    assert await world.turn() == [Delivered()]
    assert await there_once(world, key)


@every_kind
async def test_what_may_have_arrived_stays_so_while_slack_is_away(
    world: World, kind: EffectKind
) -> None:
    key = await prepared(world, kind)
    world.slack.faults.extend([Fault(LOST, after=True), Fault(AWAY), Fault(AWAY)])
    await world.turn()
    world.clock.advance(GRACE)
    assert await world.turn() == [AWAY]
    assert await world.turn() == [AWAY]
    assert await world.turn() == [Delivered()]
    assert await there_once(world, key)


CONTENT = Refused("msg_too_long", "", RefusalKind.CONTENT)
LIMIT = Refused("message_limit_exceeded", "", RefusalKind.PERMANENT)
NOT_IN_CHANNEL = Refused("not_in_channel", "")
CARDS = [EffectKind.POST, EffectKind.REPOST]
LINES = {EffectKind.ATTACH: EffectKind.ATTACH_FAILED, EffectKind.REFRESH: EffectKind.REFRESH_FAILED}
POSTS = [kind for kind in PREPARE if kind in IN_ORDER and kind not in CARDS]


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize("refused", [CONTENT, LIMIT])
async def test_a_post_that_slack_will_never_take_is_set_aside(
    world: World, kind: EffectKind, refused: Refused
) -> None:
    await prepared(world, kind)
    world.slack.faults.append(Fault(refused))
    await world.turn()
    assert await world.effects() == []
    assert await world.set_aside() == [(kind, refused.code)]


@pytest.mark.parametrize("kind", POSTS)
@pytest.mark.parametrize(
    ("fault", "why"), [(NOT_IN_CHANNEL, "not_in_channel"), (LOST, "answer_lost")]
)
async def test_a_post_that_fails_for_a_day_is_set_aside(
    world: World, kind: EffectKind, fault: Refused | Unknown, why: str
) -> None:
    await prepared(world, kind)
    await fail_for(DAY - SECOND, world, fault)
    assert await world.effects() == [kind]
    await fail_for(10 * SECOND, world, fault)
    assert await world.effects() == []
    assert await world.set_aside() == [(kind, why)]


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("refused", [CONTENT, NO_FILES, NOT_EDITABLE])
async def test_what_slack_will_never_take_is_said_in_the_thread_instead(
    world: World, kind: EffectKind, refused: Refused
) -> None:
    key = await prepared(world, kind)
    if kind is EffectKind.REFRESH:
        await world.decide(key.split()[1])
    world.slack.faults.extend([Fault(refused)] * 2)
    await world.turn()
    assert LINES[kind] in await world.effects()
    assert await world.set_aside() == []


@pytest.mark.parametrize("kind", LINES)
async def test_what_fails_for_a_day_is_said_in_the_thread_instead(
    world: World, kind: EffectKind
) -> None:
    key = await prepared(world, kind)
    await fail_for(DAY - SECOND, world, NOT_IN_CHANNEL)
    assert await world.effects() == [kind]
    if kind is EffectKind.REFRESH:
        await world.decide(key.split()[1])
    await fail_for(10 * SECOND, world, NOT_IN_CHANNEL)
    assert LINES[kind] in await world.effects()


@pytest.mark.parametrize("kind", CARDS)
@pytest.mark.parametrize("fault", [NOT_IN_CHANNEL, LIMIT, LOST])
async def test_a_card_has_no_deadline(
    world: World, kind: EffectKind, fault: Refused | Unknown
) -> None:
    key = await prepared(world, kind)
    await fail_for(3 * DAY, world, fault)
    assert await world.effects() == [kind]
    world.clock.advance(10 * SECOND)
    await world.settle_slack()
    assert await there_once(world, key)


@every_kind
async def test_an_outage_of_slack_is_nobody_s_failure(world: World, kind: EffectKind) -> None:
    key = await prepared(world, kind)
    await fail_for(3 * DAY, world, AWAY)
    world.slack.faults.append(Fault(NOT_IN_CHANNEL))
    await world.turn()
    assert await world.effects() == [kind]
    world.clock.advance(SECOND * 300)
    await world.turn()
    assert await there_once(world, key)


async def fail_for(time: timedelta, world: World, fault: NotSent | Refused | Unknown) -> None:
    """Try at the beginning and at the end of this time, and fail both times."""
    for wait in (time, timedelta(minutes=5)):
        world.slack.faults.append(Fault(fault))
        await world.turn()
        world.slack.faults.clear()
        world.clock.advance(wait)
    world.clock.advance(-timedelta(minutes=5))


async def test_each_round_s_effects_wait_for_the_one_before(world: World) -> None:
    first = (await world.notify()).round
    second = (await world.notify(task_id="publish")).round
    world.slack.faults.append(Fault(Refused("not_in_channel", "invite the bot")))
    await world.turn()
    assert await world.turn() == []
    other = (await world.notify(execution_id="e-2")).round
    await world.turn()
    assert [m.key for m in world.slack.messages] == [f"card {other.id}"]
    world.clock.advance(SECOND)
    await world.settle_slack()
    keys = [f"card {round_.id}" for round_ in (other, first, second)]
    assert [m.key for m in world.slack.messages] == keys
    shown = world.slack.card(first.id).shows
    assert isinstance(shown, Round)
    assert shown == await world.round(first.id)
