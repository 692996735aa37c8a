"""Jobs that wait for a card, jobs done once for many, and jobs that are not tried again."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from crewgate.domain.effects import (
    MERGED,
    POSTS_A_CARD,
    SLACK,
    Effect,
    EffectKind,
    forward_destination,
)
from crewgate.store import tables
from crewgate.store.engine import Engines
from crewgate.store.outbox import Outbox
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.ports.base import Job
from tests.builders import NOW, SECOND, an_effect
from tests.repo.files import marked
from tests.store.jobs import (
    ATTACH,
    ELSEWHERE,
    FIRST,
    HOUR,
    LEASE,
    POSTS,
    REFRESH,
    SECOND_ONE,
    again,
    aside,
    done,
    lapse,
    lease,
    put,
)

# --- what needs a card ---


@pytest.mark.parametrize("posts", sorted(POSTS_A_CARD))
@pytest.mark.parametrize("needs", [REFRESH, ATTACH])
async def test_a_card_is_there_before_it_is_refreshed_or_has_a_file(
    outbox: Outbox, uow: UnitOfWork, posts: EffectKind, needs: Effect
) -> None:
    await put(uow, needs, replace(FIRST, kind=posts))
    (post,) = await lease(outbox)
    assert post.effect.kind is posts
    assert await lease(outbox) == ()
    await again(uow, post, at=NOW + HOUR)
    assert await lease(outbox) == ()
    (post,) = await lease(outbox, now=NOW + HOUR)
    await done(uow, post)
    (job,) = await lease(outbox)
    assert job.effect == needs


async def test_another_round_s_card_is_not_waited_for(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, replace(FIRST, target="r-2"), REFRESH, ATTACH)
    assert {job.effect for job in await lease(outbox)} == {
        replace(FIRST, target="r-2"),
        REFRESH,
        ATTACH,
    }


async def test_nor_is_one_that_is_set_aside(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST, REFRESH)
    (post,) = await lease(outbox)
    await aside(uow, post)
    (job,) = await lease(outbox)
    assert job.effect == REFRESH


# --- one for all that want the same ---


@pytest.mark.parametrize("kind", sorted(MERGED))
async def test_what_wants_the_present_state_is_done_once_for_all_that_wait(
    outbox: Outbox, uow: UnitOfWork, kind: EffectKind
) -> None:
    effect = an_effect(kind)
    elsewhere = an_effect(kind, target="r-2", execution_id="e-2")
    other = replace(SECOND_ONE, execution_id="e-3")
    await put(uow, effect, elsewhere, effect, other)
    await put(uow, effect)

    async def leased() -> tuple[Job, ...]:
        of_slack = await lease(outbox)
        return (*of_slack, *await lease(outbox, to=effect.destination))

    jobs = {job.effect: job for job in await leased()}
    assert set(jobs) == {effect, elsewhere, other}
    await put(uow, effect)  # while it is under way, so the state may be a newer one
    assert await leased() == ()
    await done(uow, jobs[effect])
    (job,) = await leased()
    await done(uow, job)
    assert await leased() == ()


async def test_an_update_that_is_given_up_takes_no_later_one_with_it(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    await put(uow, REFRESH)
    (job,) = await lease(outbox)
    await again(uow, job, failed_at=NOW)
    await put(uow, REFRESH)  # the present state is another one by now
    (failing,) = await lease(outbox)
    await done(uow, failing)  # no try follows: its day is over
    (job,) = await lease(outbox)
    assert (job.effect, job.failing_since) == (REFRESH, None)


async def test_another_message_of_the_same_thread_is_not_done_with_it(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    report, failed = an_effect(EffectKind.REPORT), an_effect(EffectKind.FORWARD_FAILED)
    await put(uow, report, failed, report)
    for effect in (report, failed):
        (job,) = await lease(outbox)
        assert job.effect == effect
        await done(uow, job)
    assert await lease(outbox) == ()


async def test_other_effects_are_each_carried_out(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, ATTACH, ATTACH)
    for _ in range(2):
        (job,) = await lease(outbox)
        await done(uow, job)
    assert await lease(outbox) == ()


# --- what is set aside ---


async def test_what_is_set_aside_is_kept_counted_and_holds_up_nothing(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    assert await outbox.count_set_aside() == {}
    await put(uow, FIRST, SECOND_ONE, ELSEWHERE)
    for job in await lease(outbox):
        await aside(uow, job)
    (job,) = await lease(outbox, now=NOW + HOUR)
    assert job.effect == SECOND_ONE
    assert await outbox.count_set_aside() == {EffectKind.POST: 2}
    assert await outbox.orphaned_destinations([]) == (POSTS,)
    await aside(uow, job)
    assert await outbox.count_set_aside() == {EffectKind.NOTIFY_STUCK: 1, EffectKind.POST: 2}
    assert await outbox.orphaned_destinations([]) == ()


@pytest.mark.parametrize(
    "damage",
    [{"kind": "of_a_later_version"}, {"kind": "look_for_result_file", "subject": "order 4711 1"}],
)
async def test_a_row_that_cannot_be_read_is_set_aside_alone(
    outbox: Outbox, uow: UnitOfWork, engines: Engines, damage: dict[str, str]
) -> None:
    await put(uow, ATTACH, ELSEWHERE)
    async with engines.write.begin() as connection:
        row = tables.outbox.c.kind == EffectKind.ATTACH
        await connection.execute(sa.update(tables.outbox).where(row).values(damage))
    assert await lease(outbox, to=SLACK) == ()
    assert await outbox.count_set_aside() == {damage["kind"]: 1}
    assert [job.effect for job in await lease(outbox)] == [ELSEWHERE]


async def test_who_lost_the_lease_sets_nothing_aside(
    outbox: Outbox, uow: UnitOfWork, engines: Engines
) -> None:
    await put(uow, FIRST)
    (lost,) = await lease(outbox)
    await lapse(engines)
    await lease(outbox, now=NOW + LEASE)
    await aside(uow, lost)
    assert await outbox.count_set_aside() == {}


@pytest.mark.parametrize("marker", ["look", "retry"])
async def test_the_documents_say_how_to_look_and_how_to_retry(
    outbox: Outbox, uow: UnitOfWork, engines: Engines, marker: str
) -> None:
    await put(uow, FIRST)
    (job,) = await lease(outbox)
    await again(uow, job, failed_at=NOW)
    (job,) = await lease(outbox)
    await aside(uow, job)
    shown = marked("docs/trouble.md", f"set-aside-{marker}")
    statement = re.sub(r"```(sql)?", "", shown).replace("17", str(job.id))
    async with engines.write.begin() as connection:
        result = await connection.execute(sa.text(statement))
        if marker == "look":
            assert result.one().set_aside_why == "KeyError"
            return
    (job,) = await lease(outbox)
    assert (job.effect, job.failing_since) == (FIRST, None)


async def test_the_first_failure_is_remembered(outbox: Outbox, uow: UnitOfWork) -> None:
    await put(uow, FIRST)
    for failed_at in (None, NOW, None, NOW + SECOND):
        (job,) = await lease(outbox)
        await again(uow, job, failed_at=failed_at)
    (job,) = await lease(outbox)
    assert job.failing_since == NOW


# --- webhooks that wait for an earlier one ---

TO_CALLERS = forward_destination("research")


def webhook(name: str) -> Effect:
    return an_effect(EffectKind.FORWARD, target=name)


async def forwarding(outbox: Outbox, now: datetime = NOW) -> list[str]:
    return [job.effect.target for job in await lease(outbox, to=TO_CALLERS, now=now)]


async def test_webhooks_go_on_in_order_after_a_process_that_died(
    engines: Engines, outbox: Outbox, uow: UnitOfWork
) -> None:
    for name in ("w-1", "w-2", "w-3"):
        await put(uow, webhook(name))
    for name in ("w-1", "w-2", "w-3"):
        assert await forwarding(outbox) == [name]  # it dies before it has sent it
        await lapse(engines)
        (job,) = await lease(outbox, to=TO_CALLERS)
        assert await forwarding(outbox) == []
        with suppress(EOFError):
            async with uow.begin() as tx:  # it dies before the commit
                await tx.complete(job)
                raise EOFError
        assert await forwarding(outbox) == []
        await done(uow, job)
    assert await forwarding(outbox) == []


async def test_a_webhook_is_not_held_up_by_one_that_is_set_aside(
    outbox: Outbox, uow: UnitOfWork
) -> None:
    await put(uow, webhook("w-1"))
    await put(uow, webhook("w-2"))
    (job,) = await lease(outbox, to=TO_CALLERS)
    await aside(uow, job)
    await put(uow, webhook("w-3"))
    assert await forwarding(outbox) == ["w-2"]
