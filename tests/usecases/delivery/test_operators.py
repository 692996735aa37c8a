"""Operators are told in private, once, that a channel refuses what is posted."""

from crewgate.domain.effects import UPDATES, EffectKind
from crewgate.domain.outcome import RefusalKind, Refused
from crewgate.domain.people import User
from crewgate.domain.rules.conditions import Conditions
from tests.builders import SECOND, a_crew, a_rule
from tests.usecases.faults import Fault
from tests.usecases.world import World

NOT_IN = Refused("not_in_channel", "")
FROZEN = Refused("edit_window_closed", "", RefusalKind.PERMANENT)
OPERATORS = (User("U0OPS"), User("U0DEV"))


def told(world: World) -> list[str]:
    keys = [message.key for message in world.slack.messages if message.key.startswith("refuses")]
    return [f"{crew} {code} {user}" for _, crew, code, _, user, _ in map(str.split, keys)]


async def refuse(world: World, execution: str, *, times: int = 1) -> None:
    """Post a card that the channel refuses this many times before."""
    await world.notify(execution_id=execution)
    for _ in range(times):
        world.slack.faults.append(Fault(NOT_IN))
        await world.turn()
        world.clock.advance(SECOND * 600)


async def test_each_operator_is_told_once_until_the_channel_takes_a_message(world: World) -> None:
    world.crews["research"] = a_crew(operators=OPERATORS)
    await refuse(world, "e-1", times=2)
    await world.notify(execution_id="e-2")
    await world.settle_slack()
    both = ["research not_in_channel U0DEV", "research not_in_channel U0OPS"]
    assert told(world) == both
    await refuse(world, "e-3")
    await world.settle_slack()
    assert told(world) == both * 2
    assert await world.effects() == []


async def test_a_rule_s_channel_that_refuses_holds_up_no_other_and_is_told_by_name(
    world: World,
) -> None:
    rule = a_rule(when=Conditions(task="contract*"), channel="C0LEGAL")
    world.crews["research"] = a_crew(operators=OPERATORS[:1], rules=(rule,))
    for number in range(3):
        await world.notify(task_id=f"contract_{number}", task_name=None)
        world.slack.faults.append(Fault(NOT_IN))
        await world.turn()
        shown = (await world.notify(task_id=f"draft_{number}", task_name=None)).round
        await world.settle_slack()
        card = (await world.uow.read.posting(shown.id)).card
        assert card is not None
        assert card.channel == "C0REVIEWS"
        world.clock.advance(SECOND * 600)
    keys = [one.key for one in world.slack.messages if one.key.startswith("refuses")]
    [key] = keys
    assert key.startswith("refuses research not_in_channel C0LEGAL U0OPS ")


async def test_neither_does_what_it_refuses_to_be_told_of_a_card(world: World) -> None:
    """A card cannot be changed there, nor can its thread be told so."""
    rule = a_rule(approvals=1, when=Conditions(task="contract"), channel="C0LEGAL")
    world.crews["research"] = a_crew(rules=(rule,))
    decided = (await world.notify(task_id="contract", task_name=None)).round
    await world.settle_slack()
    await world.decide(decided.id)
    world.slack.faults += [Fault(FROZEN)]
    await world.turn(UPDATES)
    world.slack.faults += [Fault(NOT_IN)]
    assert await world.turn() == [NOT_IN]
    shown = (await world.notify(task_id="draft", task_name=None)).round
    await world.settle_slack()
    assert (await world.uow.read.posting(shown.id)).card is not None


async def test_without_operators_nobody_is_told(world: World) -> None:
    await refuse(world, "e-1")
    await world.settle_slack()
    assert told(world) == []


async def test_what_is_wrong_with_a_message_alone_is_nothing_for_operators(world: World) -> None:
    world.crews["research"] = a_crew(operators=OPERATORS)
    await world.notify()
    world.slack.faults.append(Fault(Refused("msg_too_long", "", RefusalKind.CONTENT)))
    await world.settle_slack()
    assert told(world) == []


async def test_a_crew_that_is_not_set_up_any_more_has_no_operators(world: World) -> None:
    world.crews["research"] = a_crew(operators=OPERATORS)
    await world.start()
    await world.settle_slack()
    await world.notify()
    del world.crews["research"]
    world.slack.faults.append(Fault(NOT_IN))
    await world.turn()
    assert EffectKind.TELL_OPERATOR not in await world.effects()


async def test_operators_of_a_crew_that_was_taken_out_meanwhile_are_not_told(world: World) -> None:
    world.crews["research"] = a_crew(operators=OPERATORS)
    await world.notify()
    world.slack.faults.append(Fault(NOT_IN))
    await world.turn()
    del world.crews["research"]
    await world.settle_slack()
    assert told(world) == []
