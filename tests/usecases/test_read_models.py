"""The values of a round that people are shown."""

from dataclasses import replace

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.masking import Kind
from crewgate.domain.notification import Output
from crewgate.domain.people import User
from crewgate.domain.review import State
from crewgate.domain.subjects import Subject, Work
from crewgate.domain.verdict import Revise
from crewgate.usecases.read_models import Approvers, CardView, RoundLine
from tests.builders import ANA, BEN, a_round, a_rule
from tests.usecases.world import CREW, World


async def test_an_output_answers_the_last_decision_before_it(world: World) -> None:
    world.crew.pause()
    first = (await world.notify("First.")).round
    await world.decide(first.id, Revise("Shorter."))
    await world.turn(CREW)
    second = (await world.notify("Second.")).round
    third = (await world.notify("Third.")).round

    views = [(await world.uow.read.posting(one.id)).view for one in (first, second, third)]

    assert [view.round.state for view in views] == [
        State.RESUMED,
        State.SUPERSEDED,
        State.WAITING,
    ]
    assert [view.previous and view.previous.id for view in views] == [None, first.id, second.id]
    assert [view.answers and view.answers.id for view in views] == [None, first.id, first.id]


@pytest.mark.parametrize(
    ("subject", "by_rule", "asked"),
    [
        (Work(), True, True),
        (Work(), False, False),
        (ToolCall(tool="send_email"), False, False),
        (ToolCall(tool="send_email", hides=True), False, True),
    ],
)
def test_masks_are_asked_about_by_the_rule_or_where_a_call_hides(
    subject: Subject, *, by_rule: bool, asked: bool
) -> None:
    round_ = a_round(subject=subject, rule=a_rule(ask_about_masks=by_rule))
    view = CardView(round=round_, output=Output("Pay."), masked=((Kind.IBAN, 1),))
    assert view.circumstances.needs_unmasking is asked
    assert not replace(view, masked=()).circumstances.needs_unmasking
    line = RoundLine(round=round_, card=None, masked=True)
    assert line.circumstances.needs_unmasking is asked


def test_a_starter_cannot_count_nor_anybody_where_too_few_are_left() -> None:
    others = Approvers(starters=(User(ANA.id),))
    assert [others.bar(one) for one in (ANA.id, BEN.id, None)] == [True, False, False]
    assert Approvers(too_few=True).bar(BEN.id)
