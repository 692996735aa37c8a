"""Rounds under rules that act with time, and the messages about them."""

from dataclasses import replace
from datetime import timedelta

from crewgate.domain.people import User
from crewgate.domain.review import Round
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut, TimeoutAction
from tests.builders import EVE, a_crew, a_rule
from tests.usecases.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TWO_HOURS, ONE_DAY, THREE_DAYS = map(Duration.parse, ("2h", "1d", "3d"))
REMINDED = a_rule(remind=Reminders(after=TWO_HOURS, every=TWO_HOURS))
ESCALATED = a_rule(escalate=Escalation(ONE_DAY, (User(EVE.id),)))
SENT_BACK = a_rule(timeout=TimeOut(THREE_DAYS, TimeoutAction.REVISE, "Stop and summarise."))
ALL = replace(
    SENT_BACK, remind=Reminders(after=TWO_HOURS), escalate=ESCALATED.escalate, approvals=2
)


async def opened(world: World, rule: Rule, **changes: object) -> Round:
    """A waiting round under this rule, with its card."""
    world.crews["research"] = replace(a_crew(rules=(rule,)), **changes)  # type: ignore[arg-type]
    round_ = (await world.notify()).round
    await world.settle_slack()
    return round_


async def after(world: World, passes: timedelta) -> None:
    """Let time pass, and do what is due."""
    world.clock.advance(passes)
    await world.settle_slack()


def said(world: World, what: str, *, private: bool = False) -> list[str]:
    """Return the keys of messages in threads, or in private."""
    return [
        one.key
        for one in world.slack.messages
        if one.key.startswith(what) and one.ref.channel.startswith("D") == private
    ]
