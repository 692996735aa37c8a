"""Cards: posted once, in their thread, and kept true."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from crewgate.domain.effects import SLACK, UPDATES, Effect, EffectKind
from crewgate.domain.execution import ExecutionState
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, TimeOut
from crewgate.domain.verdict import Revise
from crewgate.usecases.decide import dismiss_report, may_dismiss_report
from crewgate.usecases.delivery.reports import TOGETHER
from crewgate.usecases.delivery.worker import LEASE
from crewgate.usecases.notes import claim
from crewgate.usecases.read_models import DeadLetter, MessageRef
from crewgate.usecases.rounds import times_out_at
from crewgate.usecases.track import end_execution
from tests.builders import BEN, NOW, a_crew, a_rule
from tests.databases import both
from tests.usecases.faults import LOST, Fault
from tests.usecases.world import CREW, World

MINUTE = timedelta(minutes=1)


# --- posting ---


@both
async def test_a_worker_that_stood_still_keeps_the_card_of_the_other(
    world: World, waiting: Round
) -> None:
    """Its own card was deleted meanwhile; else the other worker would have found it."""
    slack = world.slow_down()

    async def take_over() -> None:
        slack.messages[0].deleted = True
        await world.lapse()
        await world.turn()

    slack.meanwhile = take_over
    await world.turn()
    await world.settle_slack()
    await world.decide(waiting.id, by=BEN)
    await world.settle_slack()
    assert slack.card(waiting.id).shows == await world.round(waiting.id)


@both
async def test_a_worker_that_stood_still_leaves_no_older_state_on_the_card(
    world: World, waiting: Round
) -> None:
    """Its update arrives after that of the worker that took over."""
    slack = world.slow_down()
    await world.settle_slack()
    await world.enqueue(EffectKind.REFRESH, waiting.id)

    async def take_over() -> None:
        await world.lapse()
        await world.decide(waiting.id, by=BEN)
        await world.settle_slack()

    slack.meanwhile = take_over
    await world.turn(UPDATES)
    assert slack.card(waiting.id).shows == waiting
    await world.settle_slack()
    assert slack.card(waiting.id).shows == await world.round(waiting.id)
    assert await world.turn() == []


async def test_a_card_is_posted_and_starts_the_thread(world: World, waiting: Round) -> None:
    assert await world.turn() == [Delivered()]
    message = world.slack.card(waiting.id)
    assert message.ref.channel == "C0REVIEWS"
    assert message.ref.thread_ts == message.ref.ts
    posting = await world.uow.read.posting(waiting.id)
    assert (posting.card, posting.channel, posting.thread_ts) == (
        message.ref,
        "C0REVIEWS",
        message.ref.ts,
    )
    assert await world.effects() == []


async def test_later_cards_of_an_execution_go_into_its_thread(world: World, waiting: Round) -> None:
    await world.turn()
    later = await world.notify("Another draft.")
    other_task = await world.notify(task_id="publish")
    elsewhere = await world.notify(execution_id="e-2")
    await world.settle_slack()
    root = world.slack.card(waiting.id).ref
    assert world.slack.card(later.round.id).ref.thread_ts == root.ts
    assert world.slack.card(other_task.round.id).ref.thread_ts == root.ts
    assert world.slack.card(elsewhere.round.id).ref.thread_ts != root.ts


async def test_a_card_shows_the_state_at_the_time_of_posting(world: World, waiting: Round) -> None:
    await world.decide(waiting.id)
    await world.turn()
    assert world.slack.card(waiting.id).shows == await world.round(waiting.id)


async def test_an_output_too_long_for_a_card_follows_as_a_file(
    world: World, waiting: Round
) -> None:
    world.slack.excerpts = True
    await world.turn()
    assert await world.effects() == [EffectKind.ATTACH]
    await world.settle_slack()
    (file,) = world.slack.keyed(f"file {waiting.id}")
    assert file.ref.thread_ts == world.slack.card(waiting.id).ref.ts


async def test_an_output_that_slack_refuses_is_shown_plain_with_a_file(
    world: World, waiting: Round
) -> None:
    world.slack.unshowable = True
    await world.settle_slack()
    assert world.slack.card(waiting.id).plain
    assert len(world.slack.keyed(f"file {waiting.id}")) == 1


async def test_a_card_that_slack_refuses_even_plain_is_set_aside(
    world: World, waiting: Round
) -> None:
    world.slack.faults.extend([Fault(Refused("invalid_blocks", "", RefusalKind.CONTENT))] * 2)
    await world.turn()
    assert await world.effects() == []
    assert await world.set_aside() == [(EffectKind.POST, "invalid_blocks")]


async def test_a_card_that_is_there_already_is_not_posted_again(
    world: World, waiting: Round
) -> None:
    async with world.uow.begin() as tx:
        await tx.place_card(waiting, MessageRef("C0REVIEWS", "1.000", "1.000"), at=NOW, shown=100)
    assert await world.turn() == [Delivered()]
    assert world.slack.calls == []
    assert await world.effects() == []


async def test_a_round_that_was_over_before_its_card_was_posted_gets_none(
    world: World, waiting: Round
) -> None:
    later = (await world.notify("Another draft.")).round
    other = (await world.notify(execution_id="e-2")).round
    await world.record_update("e-2", ended="the execution has ended")
    await world.settle_slack()
    assert (await world.round(other.id)).state is State.CLOSED
    assert [one.key for one in world.slack.messages] == [f"card {later.id}"]
    assert await world.effects() == []


async def test_one_that_may_have_been_posted_before_is_found_and_brought_up_to_date(
    world: World, waiting: Round
) -> None:
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    await world.notify("Another draft.")
    world.clock.advance(timedelta(minutes=1))
    await world.settle_slack()
    shown = world.slack.card(waiting.id).shows
    assert isinstance(shown, Round)
    assert shown.state is State.SUPERSEDED


async def test_one_whose_execution_may_turn_up_again_gets_its_card(
    world: World, waiting: Round
) -> None:
    execution = await world.execution()
    async with world.uow.begin() as tx:
        gone = execution.end(ExecutionState.GONE, world.clock())
        await end_execution(tx, execution, gone, at=world.clock())
    await world.settle_slack()
    assert [one.key for one in world.slack.messages] == [f"card {waiting.id}"]


async def test_a_deleted_thread_is_started_anew(world: World, waiting: Round) -> None:
    await world.settle_slack()
    world.slack.card(waiting.id).deleted = True
    await world.record_update(ended="the execution has ended")
    later = await world.notify("Another draft.")
    await world.settle_slack()
    card = world.slack.card(later.round.id).ref
    assert card.thread_ts == card.ts
    assert (await world.uow.read.posting(later.round.id)).thread_ts == card.ts


# --- keeping it true ---


async def test_a_card_follows_its_round(world: World, waiting: Round) -> None:
    await world.turn()
    await world.decide(waiting.id)
    await world.turn()
    card = world.slack.card(waiting.id)
    assert isinstance(card.shows, Round)
    assert card.shows.state is State.DECIDED
    world.crew.pause()
    await world.turn(CREW)
    await world.turn()
    assert card.shows == await world.round(waiting.id)


async def test_a_card_that_slack_refuses_is_kept_true_plain(world: World, waiting: Round) -> None:
    world.slack.unshowable = True
    await world.settle_slack()
    await world.decide(waiting.id, Revise("Shorter."))
    await world.settle_slack()
    card = world.slack.card(waiting.id)
    assert card.plain
    assert card.shows == await world.round(waiting.id)


async def test_a_deleted_card_comes_back_while_somebody_must_act_on_it(
    world: World, waiting: Round
) -> None:
    await world.turn()
    await world.decide(waiting.id)
    world.crew.faults.append(Fault(Refused("401", "no")))
    await world.turn(CREW)
    world.slack.card(waiting.id).deleted = True
    world.slack.excerpts = True
    await world.settle_slack()
    card = world.slack.card(waiting.id)
    assert isinstance(card.shows, Round)
    assert card.shows.state is State.STUCK
    assert (await world.uow.read.posting(waiting.id)).card == card.ref
    assert world.slack.keyed(f"file {waiting.id}") == []  # it is in the thread already


async def test_a_late_word_of_a_deleted_card_leaves_the_one_in_its_place(
    world: World, waiting: Round
) -> None:
    await world.settle_slack()
    world.slack.card(waiting.id).deleted = True
    await world.enqueue(EffectKind.REFRESH, waiting.id)
    [late] = await world.lease(UPDATES)
    update = world.slack.update

    async def slow(*args: Any, **options: Any) -> Outcome:
        outcome = await update(*args, **options)
        world.slack.update = update  # type: ignore[method-assign]
        # Meanwhile another job finds it deleted, too, and the card is posted anew.
        await world.enqueue(EffectKind.POST_REMINDER, waiting.id)
        await world.settle_slack()
        return outcome

    world.slack.update = slow  # type: ignore[method-assign]
    await world.deliver(late)
    assert await world.effects() == [EffectKind.REFRESH]
    await world.settle_slack()
    card = world.slack.card(waiting.id)
    assert (await world.uow.read.posting(waiting.id)).card == card.ref


async def test_a_card_that_may_have_come_back_is_found_once_it_was_decided(
    world: World, waiting: Round
) -> None:
    await world.turn()
    world.slack.card(waiting.id).deleted = True
    await claim(waiting.id, by=BEN, context=world.reviews)
    for _ in ("the card is gone", "its thread is gone"):
        await world.turn()
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    await world.decide(waiting.id, by=BEN)
    world.clock.advance(MINUTE)
    await world.settle_slack()
    shown = world.slack.card(waiting.id).shows
    assert isinstance(shown, Round)
    assert shown.state is State.DECIDED


async def test_a_deleted_card_stays_away_when_there_is_nothing_to_do(
    world: World, waiting: Round
) -> None:
    await world.turn()
    world.slack.card(waiting.id).deleted = True
    await world.record_update(ended="the execution has ended")
    assert Delivered("deleted") in await world.turn()
    assert await world.effects() == []
    assert world.slack.keyed(f"card {waiting.id}") == []


async def test_a_card_that_could_never_be_posted_is_not_brought_up_to_date(
    world: World, waiting: Round
) -> None:
    world.slack.faults.extend([Fault(Refused("invalid_blocks", "", RefusalKind.CONTENT))] * 2)
    await world.turn()
    await world.record_update(ended="the execution has ended")
    assert Delivered("never posted") in await world.turn()
    assert await world.effects() == []


async def test_one_update_does_for_all_that_wait(world: World, waiting: Round) -> None:
    await world.settle_slack()
    for _ in range(5):
        await world.enqueue(EffectKind.REFRESH, waiting.id)
    await world.settle_slack()
    assert world.slack.calls.count(f"update {waiting.id}") == 1


async def test_a_claim_ends_in_order_with_the_other_updates(world: World, waiting: Round) -> None:
    await world.settle_slack()
    await world.enqueue(EffectKind.EXPIRE_CLAIM, waiting.id)
    await world.turn()
    assert await world.effects() == [EffectKind.REFRESH]


async def test_no_file_is_attached_to_a_card_that_is_gone(world: World, waiting: Round) -> None:
    (post,) = await world.lease(SLACK)
    async with world.uow.begin() as tx:
        await tx.complete(post)
    await world.enqueue(EffectKind.ATTACH, waiting.id)
    await world.enqueue(EffectKind.REPOST, waiting.id)
    await world.decide(waiting.id)
    await world.settle_slack()
    assert world.slack.messages == []
    assert await world.effects() == [EffectKind.RESUME]


async def test_a_card_that_cannot_be_changed_is_told_of_once_a_state(
    world: World, waiting: Round
) -> None:
    await world.settle_slack()
    frozen = Fault(Refused("edit_window_closed", "", RefusalKind.PERMANENT))
    world.slack.faults.append(frozen)
    await world.enqueue(EffectKind.REFRESH, waiting.id)
    await world.settle_slack()
    assert len(world.slack.messages) == 1  # there is nothing to say while it waits
    await world.decide(waiting.id)
    for _ in range(2):
        world.slack.faults.append(frozen)
        await world.enqueue(EffectKind.REFRESH, waiting.id)
        await world.settle_slack()
    assert len(world.slack.keyed(f"refresh failed {waiting.id}")) == 1
    assert len(world.slack.messages) == 2


async def test_it_is_told_of_again_when_it_is_in_that_state_again(
    world: World, waiting: Round
) -> None:
    frozen = Fault(Refused("edit_window_closed", "", RefusalKind.PERMANENT))
    await world.settle_slack()
    await world.decide(waiting.id)
    for told in (1, 2):
        world.crew.faults.append(Fault(Refused("401", "bad token")))
        await world.turn(CREW)
        world.slack.faults.append(frozen)
        await world.turn(UPDATES)
        await world.settle_slack()
        assert len(world.slack.keyed(f"refresh failed {waiting.id} STUCK")) == told
        await world.retry(waiting.id)


# --- reports ---


async def test_a_report_goes_to_the_crew_s_channel(world: World) -> None:
    letter_id = await world.store_dead_letter()
    assert await world.turn() == [Delivered()]
    (message,) = world.slack.keyed(f"dead letter {letter_id}")
    assert message.ref.channel == "C0REVIEWS"


@both
async def test_what_comes_together_is_reported_in_one_message(world: World) -> None:
    first = await world.store_dead_letter()
    for _ in range(3):
        world.clock.advance(MINUTE)
        await world.store_dead_letter()
    world.crews["finance"] = replace(a_crew(), name="finance")
    other = await world.store_dead_letter(crew="finance")
    assert await world.turn() == [Delivered(), Delivered()]
    assert await world.effects() == []
    assert set(reported(world)) == {(first, 4), (other, 1)}
    for _ in range(2):
        world.clock.advance(MINUTE)
        await world.store_dead_letter()
        await world.settle_slack()
    assert set(reported(world)) == {(first, 6), (other, 1)}


async def test_what_comes_later_or_after_a_dismissal_is_reported_anew(world: World) -> None:
    first = await world.store_dead_letter()
    await world.settle_slack()
    world.clock.advance(TOGETHER)
    second = await world.store_dead_letter()
    await world.settle_slack()
    assert reported(world) == [(first, 1), (second, 1)]
    await dismiss_report(second, "Mine.", by=BEN, context=world.reviews)
    world.clock.advance(MINUTE)
    third = await world.store_dead_letter()
    await world.settle_slack()
    assert reported(world) == [(first, 1), (second, 1), (third, 1)]


async def test_what_came_while_a_report_was_in_doubt_is_counted(world: World) -> None:
    first = await world.store_dead_letter()
    world.slack.faults.append(Fault(LOST, after=True))
    await world.turn()
    world.clock.advance(LEASE)
    await world.store_dead_letter()
    await world.settle_slack()
    assert reported(world) == [(first, 2)]


async def test_a_report_is_shown_with_the_first_of_what_came(world: World) -> None:
    for body in (b"1", b"2", b"3"):
        await world.store_dead_letter(body)
        world.clock.advance(MINUTE)
    await world.settle_slack()
    first = await may_dismiss_report(reported(world)[0][0], by=BEN, context=world.reviews)
    came = await world.uow.read.dead_letters.report(first, most=2)
    assert [(one.body, one.count) for one in came] == [(b"1", 3), (b"2", 1)]


def reported(world: World) -> list[tuple[str, int]]:
    return [
        (message.shows.id, message.shows.count)
        for message in world.slack.messages
        if isinstance(message.shows, DeadLetter)
    ]


async def test_nothing_is_reported_of_what_was_removed_meanwhile(world: World) -> None:
    removed = Effect(kind=EffectKind.REPORT, target="d-1", crew="research", execution_id="")
    async with world.uow.begin() as tx:
        await tx.enqueue([removed], at=world.clock())
    assert await world.turn() == [Delivered("nothing to report")]


async def test_the_first_card_follows_the_latest_round(world: World, waiting: Round) -> None:
    await world.settle_slack()
    await world.decide(waiting.id, Revise("Shorter."))
    second = (await world.notify("Another draft.")).round
    await world.settle_slack()
    world.slack.calls.clear()
    await world.decide(second.id)
    await world.settle_slack()
    assert world.slack.calls == [f"update {second.id}", f"update {waiting.id}"]
    told = (await world.uow.read.posting(waiting.id)).view.shown_round
    assert (told.id, told.state) == (second.id, State.DECIDED)
    assert (await world.uow.read.posting(second.id)).view.shown_round.id == second.id


async def test_a_card_names_the_moment_at_which_its_rule_decides(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(timeout=TimeOut(Duration.parse("1h"))),))
    round_ = (await world.notify(execution_id="e-2")).round
    assert (await world.uow.read.posting(round_.id)).view.due_at is None
    await world.settle_slack()
    due_at = (await world.uow.read.posting(round_.id)).view.due_at
    assert due_at == world.clock() + timedelta(hours=1)
    assert times_out_at(round_, world.clock()) == due_at
    assert times_out_at(replace(round_, rule=NO_RULE), world.clock()) is None


async def test_the_progress_follows_whom_the_execution_waits_for(world: World) -> None:
    await world.start("e-2")
    await world.settle_slack()
    round_ = (await world.notify(execution_id="e-2")).round
    await world.settle_slack()
    assert [one.state for one in world.slack.updates[-1].rounds] == [State.WAITING]
    await world.decide(round_.id)
    await world.settle_slack()
    assert [one.state for one in world.slack.updates[-1].rounds] == [State.DECIDED]


@both
async def test_lists_learn_from_each_update_that_nobody_may_approve(
    world: World, waiting: Round
) -> None:
    await world.turn()
    for nobody in (True, True, False):
        world.slack.no_approver = nobody
        await world.enqueue(EffectKind.REFRESH, waiting.id)
        await world.settle_slack()
        found = await world.uow.read.rounds.without_approver({("research", "")})
        assert found == ((waiting.id,) if nobody else ())
