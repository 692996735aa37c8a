"""Frequent acts take few statements: on SQLite each is carried out in the loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.domain.execution import StepUpdate, TaskUpdate
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders, TimeOut
from crewgate.domain.verdict import Revise
from crewgate.usecases.away import go_away
from tests.builders import ANA, BEN, EVE, NOW, a_crew, a_rule
from tests.usecases.world import World

HOUR = Duration.parse("1h")


@pytest.fixture
def backend() -> str:
    return "sqlite"


@contextmanager
def at_most(count: int, world: World) -> Iterator[None]:
    """The block writes in so many statements at most, BEGIN and COMMIT apart.

    One is that of the audit entries, whatever happens.
    """
    statements: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    engine = world.engines.write.sync_engine
    sa.event.listen(engine, "before_cursor_execute", keep)
    yield
    sa.event.remove(engine, "before_cursor_execute", keep)
    assert 0 < len(statements) <= count, "\n".join(statements)


async def test_a_notification(world: World) -> None:
    with at_most(7, world):
        received = await world.notify("A draft.")
    with at_most(4, world):
        await world.notify("A draft.")
    with at_most(8, world):  # one for the round that it supersedes
        await world.notify("Another draft.")
    assert received.accepted


async def test_a_notification_under_a_rule(world: World) -> None:
    timed = a_rule(approvals=2, remind=Reminders(after=HOUR), timeout=TimeOut(HOUR))
    world.crews["research"] = a_crew(rules=(timed,))
    with at_most(8, world):  # the first under a rule keeps it
        await world.notify("A draft.")
    with at_most(7, world):
        await world.notify("A draft.", execution_id="e-2")


async def test_a_click_under_a_rule(world: World) -> None:
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2, self_approval=False),))
    round_ = (await world.notify()).round
    with at_most(7, world):  # one for who started it, one for who may have
        await world.decide(round_.id)
    with at_most(7, world):
        await world.decide(round_.id, by=BEN)
    world.crews["research"] = a_crew(rules=(a_rule(timeout=TimeOut(HOUR)),))
    round_ = (await world.notify(execution_id="e-2")).round
    await go_away(ANA, EVE, until=NOW + timedelta(days=1), context=world.reviews)
    # Slack is asked about a delegate at each decision; two statements then run again.
    with at_most(9, world):  # one for whom Eve stands in, one for what is not due any more
        await world.decide(round_.id, by=EVE)


async def test_a_click(world: World) -> None:
    round_ = (await world.notify()).round
    with at_most(5, world):
        await world.decide(round_.id)
    round_ = (await world.notify("A longer draft.")).round
    with at_most(4, world):
        await world.decide(round_.id, Revise("Shorter."))


async def test_a_webhook(world: World) -> None:
    await world.start()
    with at_most(2, world):
        await world.record(StepUpdate(doing="thinking"))
    with at_most(4, world):
        await world.record(TaskUpdate(title="plan"))
