"""Following an execution to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.effects import SLACK, Effect, EffectKind, hand_on_destination
from bot.domain.execution import CrewNews, RunState, StepNews, TaskNews
from bot.domain.notification import Output, WebhookUrls
from bot.domain.outcome import Delivered, NotSent, Refused, Unknown
from bot.domain.review import State
from bot.usecases.follow import GENTLY, begin, hear_news
from bot.usecases.ports.slack import Saying
from bot.usecases.queries.crews import overview, run_of
from bot.usecases.read_models import Parcel, Progress, RunView, Silence
from tests.builders import ANA
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
HAND_ON = hand_on_destination("research")


async def start(world: World, execution: str = "e-1") -> None:
    async with world.uow.begin() as tx:
        inputs = (("topic", "tea"),)
        at = world.clock()
        await begin(tx, "research", execution, starter=ANA, inputs=inputs, at=at)


async def news(world: World, came: TaskNews | CrewNews | StepNews) -> None:
    about = {"uow": world.uow, "at": world.clock(), "new_id": world.new_id}
    await hear_news("research", "e-1", came, **about)  # type: ignore[arg-type]


async def view(world: World) -> RunView:
    found = await world.uow.read.runs.view("research", "e-1")
    assert found is not None
    return found


def said(world: World) -> list[Saying]:
    return [message.what for message in world.reporter.said]


async def ask(world: World, answer: Progress | Silence) -> None:
    """The next time the crew is asked for its status."""
    world.crew.says = answer
    world.clock.advance(GENTLY.longest)
    await world.turn(CREW)
    await world.settle_slack()


async def test_the_thread_begins_with_who_started_it(world: World) -> None:
    await start(world)
    await world.settle_slack()
    await world.notify()
    await world.settle_slack()

    [first] = world.reporter.said
    assert (first.what, first.run.starter) == (Saying.PROGRESS, ANA)
    assert world.slack.messages[0].ref.thread_ts == first.ref.ts


async def test_what_came_before_the_kickoffs_answer_is_shown_after_it(world: World) -> None:
    await news(world, TaskNews(title="plan"))
    await news(world, CrewNews(result=Output("All of it."), tokens=7))
    await world.settle_slack()
    assert not world.reporter.said

    await start(world)
    await world.settle_slack()

    assert said(world) == [Saying.PROGRESS, Saying.TASK, Saying.END]
    assert (await view(world)).run.tokens == 7


async def test_tasks_move_the_line_and_steps_do_not(world: World) -> None:
    await start(world)
    await world.settle_slack()
    await news(world, StepNews(doing="thinking"))
    await world.settle_slack()
    assert not world.reporter.updates
    await news(world, TaskNews(title="plan"))
    await world.settle_slack()

    assert world.reporter.updates[-1].finished == 1
    run = await run_of("research", "e-1", uow=world.uow)
    assert run is not None
    assert run.step == "thinking"
    assert await run_of("research", "e-2", uow=world.uow) is None


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Progress("completed", None, 3, 3, result=Output("All of it.")), RunState.COMPLETED),
        (Progress("error", error="out of tokens"), RunState.FAILED),
        (Progress("error"), RunState.FAILED),
        (Silence("404: not found", gone=True), RunState.GONE),
    ],
)
async def test_the_end_closes_what_waits_and_is_said_once(
    world: World, answer: Progress | Silence, state: RunState
) -> None:
    await start(world)
    round_ = (await world.notify()).round
    await world.settle_slack()
    await ask(world, Progress("running", "plan", 1, 3))
    assert world.reporter.updates[-1].current == "plan"
    await ask(world, Silence("connection refused"))

    await ask(world, answer)
    await news(world, CrewNews(result=Output("late"), tokens=9))
    await world.settle_slack()

    assert (await world.round(round_.id)).state is State.CLOSED
    assert (await view(world)).run.state is state
    assert (await view(world)).run.tokens == 9
    assert said(world).count(Saying.END) == 1
    assert not await world.claim(CREW)


async def test_a_404_right_after_the_start_closes_nothing(world: World) -> None:
    await start(world)
    round_ = (await world.notify()).round
    world.crew.says = Silence("404: not found", gone=True)

    world.clock.advance(GENTLY.first)
    await world.turn(CREW)

    assert (await world.round(round_.id)).state is State.WAITING
    assert (await view(world)).run.state is RunState.RUNNING


async def test_asking_stops_at_the_end_and_after_two_weeks(world: World) -> None:
    await start(world)
    world.clock.advance(GENTLY.patience * 2)
    await world.turn(CREW)
    world.clock.advance(DAY)
    assert not await world.claim(CREW)

    await start(world, "e-2")
    await hear_news(
        "research",
        "e-2",
        CrewNews(result=Output("x")),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
    )
    world.clock.advance(DAY)
    await world.turn(CREW)
    world.clock.advance(DAY)
    assert not await world.claim(CREW)


async def test_a_round_after_the_end_begins_again(world: World) -> None:
    await world.notify()
    await news(world, TaskNews(title="plan"))
    await news(world, CrewNews(result=Output("All of it.")))
    await world.notify("another draft")
    await world.settle_slack()

    assert (await view(world)).run.state is RunState.RUNNING
    assert said(world).count(Saying.TASK) == 1


async def test_a_long_result_follows_as_a_file(world: World) -> None:
    world.reporter.excerpts = True
    await start(world)
    await news(world, CrewNews(result=Output("long")))
    await world.settle_slack()

    assert world.reporter.files == ["long"]


async def test_what_somebody_deleted_is_not_missed(world: World) -> None:
    await start(world)
    await world.settle_slack()
    world.reporter.faults.append(Refused("message_not_found", ""))
    await news(world, TaskNews(title="plan"))
    world.reporter.faults.append(Refused("thread_not_found", ""))
    await world.settle_slack()

    assert said(world) == [Saying.PROGRESS, Saying.TASK]
    assert world.reporter.said[-1].ref.thread_ts == world.reporter.said[-1].ref.ts


async def test_slack_being_away_loses_no_line(world: World) -> None:
    await start(world)
    world.reporter.faults.append(NotSent("away"))
    await world.settle_slack()

    assert said(world) == [Saying.PROGRESS]


async def test_a_crew_that_is_not_set_up_any_more(world: World) -> None:
    await start(world)
    world.crews.clear()
    [outcome] = await world.turn(SLACK)
    assert isinstance(outcome, Refused)


async def test_the_overview_asks_every_crew(world: World) -> None:
    await start(world)
    world.crew.says = Silence("connection refused")

    seen = await overview(probes={"research": world.crew}, uow=world.uow, clock=world.clock)

    assert [crew.trouble for crew in seen.crews] == ["connection refused"]
    assert [shown.run.execution_id for shown in seen.running] == ["e-1"]


# --- handing on ---

URLS = WebhookUrls(task="https://theirs.example/task")


@pytest.fixture
def handing_on(world: World) -> World:
    own = WebhookUrls(task="https://ours.example/task", step="https://ours.example/step")
    world.crews["research"] = replace(world.crews["research"], forward=True, own=own)
    return world


async def came(world: World, *, kind: str = "task", register: WebhookUrls | None = None) -> None:
    if register:
        async with world.uow.begin() as tx:
            await tx.runs.register("research", "e-1", register)
    parcel = Parcel(world.new_id(), "research", "e-1", kind, "application/json", b"{}")
    await hear_news(
        "research",
        "e-1",
        TaskNews(title="plan") if kind == "task" else StepNews(doing=""),
        uow=world.uow,
        at=world.clock(),
        new_id=world.new_id,
        parcel=parcel,
    )


async def test_a_webhook_is_handed_on_again_until_it_is_taken(handing_on: World) -> None:
    world = handing_on
    await came(world, register=URLS)
    world.courier.faults += [NotSent("away"), Unknown("no answer")]
    for _ in range(3):
        await world.turn(HAND_ON)
        world.clock.advance(timedelta(minutes=1))

    assert world.courier.brought == [("https://theirs.example/task", b"{}")]
    assert not await world.claim(HAND_ON)


async def test_a_webhook_waits_for_the_kickoffs_answer(handing_on: World) -> None:
    world = handing_on
    await came(world)
    assert await world.turn(HAND_ON) == [Delivered("not yet")]
    async with world.uow.begin() as tx:
        await tx.runs.register("research", "e-1", URLS)
    world.clock.advance(timedelta(minutes=1))
    await world.turn(HAND_ON)
    assert world.courier.brought

    await start(world)
    await came(world, kind="step")
    await world.turn(HAND_ON)
    assert len(world.courier.brought) == 1


async def test_after_a_day_it_is_given_up_and_said(handing_on: World) -> None:
    world = handing_on
    await came(world, register=URLS)
    world.clock.advance(DAY)
    world.courier.faults.append(NotSent("away"))
    await world.turn(HAND_ON)
    await world.settle_slack()

    assert said(world) == [Saying.NOT_HANDED_ON]
    assert not await world.claim(HAND_ON)


async def test_a_crew_that_is_gone_hands_nothing_on(handing_on: World) -> None:
    world = handing_on
    await came(world, register=URLS)
    world.crews.clear()
    await world.turn(HAND_ON)
    assert not world.courier.brought
    assert not await world.claim(HAND_ON)


@pytest.mark.parametrize(
    "kind",
    ["progress", "task_done", "conclude", "result_file", "not_handed_on", "hand_on", "follow"],
)
async def test_what_is_gone_is_neither_shown_nor_sent(world: World, kind: str) -> None:
    effect = Effect(EffectKind(kind), "gone", "research", "e-9")
    async with world.uow.begin() as tx:
        await tx.enqueue([effect], at=world.clock())

    await world.turn(effect.destination)

    assert not world.reporter.said
    assert not await world.claim(effect.destination)


async def test_an_execution_is_taken_over_by_who_starts_it(world: World) -> None:
    await world.notify()
    await world.settle_slack()
    await start(world)
    await world.settle_slack()
    assert said(world) == [Saying.PROGRESS]
    assert (await view(world)).run.starter == ANA
