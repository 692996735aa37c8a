"""`/metrics` over HTTP: what it tells of what waits and of what was done, and to whom."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from crewgate.domain.acts import ToolCall
from crewgate.domain.errors import AlreadyDecided, StoreUnavailable
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import Revise
from crewgate.lifecycle import Supervisor
from crewgate.metrics import begin_at_zero
from crewgate.readiness import Scrape
from crewgate.runtime import RESTART
from crewgate.usecases.ports.base import Wakeup, ending_turns
from crewgate.usecases.read_models import Backlog
from crewgate.web.health import add_route
from tests.builders import a_crew, a_rule
from tests.databases import both
from tests.servers import serve_limited
from tests.usecases.world import CREW, World
from tests.web.application import CREDENTIALS, an_application

DAY = timedelta(days=1)
Samples = dict[str, float]


@dataclass
class Metrics:
    """The bot's addresses, and what one of them says."""

    url: str
    world: World
    supervisor: Supervisor

    async def read(self) -> Samples:
        """Every sample by its name and labels, as it is written."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/plain"
            families = text_string_to_metric_families(await answer.text())
            return {
                " ".join((one.name, *one.labels.values())): one.value
                for family in families
                for one in family.samples
            }

    async def send(self, path: str, secret: str, body: object) -> int:
        """The status of the answer to a webhook."""
        headers = {"Authorization": f"Bearer {secret}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.url}{path}", json=body) as answer,
        ):
            return answer.status


@asynccontextmanager
async def served(
    world: World, read_backlog: Callable[..., object] | None = None
) -> AsyncIterator[Metrics]:
    application = an_application(world, forward=False)
    supervisor = Supervisor(clock=world.clock, restart=RESTART)
    scrape = Scrape(
        read_backlog=read_backlog or world.uow.read.backlog,  # type: ignore[arg-type]
        crews=["research", "idle"],
        supervisor=supervisor,
        workers={},
        clock=lambda: world.clock() + DAY,
        steady=world.clock,
    )
    add_route(application, scrape.render, allows=lambda _request: True)
    async with serve_limited(application) as url:
        yield Metrics(url, world, supervisor)


@pytest.fixture
async def metrics(world: World) -> AsyncIterator[Metrics]:
    async with served(world) as serving:
        yield serving


@both
async def test_what_waits_is_told_with_the_moment_since_when(metrics: Metrics) -> None:
    world = metrics.world
    opened = (await world.notify(execution_id="e-1")).round.opened_at
    world.clock.advance(DAY)
    await world.notify(execution_id="e-2")
    told = await metrics.read()
    assert told["crewgate_reviews_waiting research"] == 2
    assert told["crewgate_reviews_waiting idle"] == 0
    assert told["crewgate_oldest_waiting_timestamp_seconds research"] == opened.timestamp()
    assert "crewgate_oldest_waiting_timestamp_seconds idle" not in told
    assert told["crewgate_outbox_due posts:research"] == 2
    due = "crewgate_outbox_oldest_due_timestamp_seconds posts:research"
    assert told[due] == opened.timestamp()

    await world.settle_slack()
    assert "crewgate_outbox_due posts:research" not in await metrics.read()


async def test_a_decision_counts_with_how_long_it_was_waited_for(metrics: Metrics) -> None:
    world = metrics.world
    begin_at_zero(["research"])
    before = await metrics.read()
    world.crew.pause()
    round_ = (await world.notify()).round
    await world.turn()
    world.clock.advance(timedelta(minutes=10))
    await world.decide(round_.id)
    with pytest.raises(AlreadyDecided):
        await world.decide(round_.id)
    await world.turn(CREW)
    after = await metrics.read()

    def more(name: str) -> float:
        return after[name] - before[name]

    assert more("crewgate_decisions_total Person research Approve") == 1
    assert more("crewgate_decision_wait_seconds_sum") == pytest.approx(600)
    assert more("crewgate_decision_wait_seconds_bucket 300.0") == 0
    assert more("crewgate_decision_wait_seconds_bucket 900.0") == 1
    assert more("crewgate_resumes_total research Delivered") == 1
    assert more("crewgate_resumes_total research Refused") == 0


async def test_a_rule_decides_too_and_one_vote_of_two_does_not(metrics: Metrics) -> None:
    world = metrics.world
    begin_at_zero(["research"])
    before = await metrics.read()
    rule = a_rule(approvals=2, timeout=TimeOut(Duration.parse("1d"), TimeoutAction.REVISE, "Stop."))
    world.crews["research"] = a_crew(rules=(rule,))
    round_ = (await world.notify()).round
    await world.settle_slack()
    await world.decide(round_.id)
    voted = await metrics.read()
    world.clock.advance(DAY)
    await world.settle_slack()
    after = await metrics.read()
    by_people = "crewgate_decisions_total Person research Approve"
    assert before[by_people] == voted[by_people] == after[by_people]
    by_rule = "crewgate_decisions_total TimedOut research Revise"
    assert (voted[by_rule] - before[by_rule], after[by_rule] - voted[by_rule]) == (0, 1)


async def test_calls_of_tools_count_apart(metrics: Metrics) -> None:
    begin_at_zero(["research"])
    before = await metrics.read()
    round_ = (await metrics.world.notify(call=ToolCall("send_email"))).round
    await metrics.world.decide(round_.id, Revise("No."))
    after = await metrics.read()
    counted = {name for name, value in after.items() if value != before.get(name)}
    decided = {name for name in counted if "decision" in name or "acts" in name}
    assert decided == {"crewgate_acts_total Person research Revise"}


async def test_webhooks_count_by_kind_and_answer_and_strangers_make_no_names(
    metrics: Metrics,
) -> None:
    secret, body = CREDENTIALS.webhook_secrets[0], {"execution_id": "e-1", "task_id": "draft"}
    before = await metrics.read()
    assert await metrics.send("/crews/research/human-input", secret, body) == 202
    assert await metrics.send("/crews/research/human-input", "wrong", body) == 401
    assert await metrics.send("/crews/research/events/step/wrong", secret, body) == 401
    for stranger in ("/crews/other/human-input", "/crews/research/events/odd/x", "/odd"):
        assert await metrics.send(stranger, secret, body) == 404
    after = await metrics.read()
    changed = {
        name: count - before.get(name, 0)
        for name, count in after.items()
        if name.startswith("crewgate_webhooks_total") and count != before.get(name, 0)
    }
    assert changed == {
        "crewgate_webhooks_total research human-input 202": 1,
        "crewgate_webhooks_total research human-input 401": 1,
        "crewgate_webhooks_total research step 401": 1,
    }


async def test_a_loop_tells_when_it_had_its_last_turn_by_the_clock_on_the_wall(
    metrics: Metrics,
) -> None:
    wakeup, clock = Wakeup(), metrics.world.clock

    async def at_once(_seconds: float) -> None:
        pass

    async def loop() -> None:
        clock.advance(timedelta(minutes=1))
        wakeup.set()
        await wakeup.wait(5)
        clock.advance(timedelta(minutes=2))
        await pause(5)

    began, pause = clock(), ending_turns(at_once)
    await metrics.supervisor.run("directory", loop)
    clock.advance(DAY)
    told = await metrics.read()
    last = began + timedelta(minutes=3) + DAY
    assert told["crewgate_loop_last_run_timestamp_seconds directory"] == last.timestamp()


async def test_without_the_database_all_else_is_told(world: World) -> None:
    async def away(_crews: Collection[str], *, now: datetime) -> Backlog:
        raise StoreUnavailable("gone")

    async with served(world, away) as metrics:
        told = await metrics.read()
    assert "crewgate_reviews_waiting research" not in told
    assert "crewgate_outbox_due slack" not in told
    assert told["crewgate_build_info 0.2.0"] == 1


async def test_who_may_not_is_told_how() -> None:
    application = web.Application()

    async def render() -> bytes:
        raise AssertionError

    add_route(application, render, allows=lambda _request: False)
    async with (
        serve_limited(application) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as answer,
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "STATUS_TOKEN" in (await answer.json())["message"]
