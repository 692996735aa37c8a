"""A press: its button, its place and its person, as Slack sends them."""

from typing import Any

import pytest

from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.press import Press, Where, parse_press
from crewgate.slack.reviews import buttons

ANA = Person("U1", "ana")


def pressed(element: dict[str, Any], **around: Any) -> Press:
    user = {"id": "U1", "name": "ana"}
    return parse_press({"user": user, "trigger_id": "T", "actions": [element], **around})


def test_a_button_on_a_card() -> None:
    press = pressed({"action_id": "approve", "value": "r-1", "block_id": "b"})
    assert press == Press(action="approve", value="r-1", by=ANA, trigger_id="T", block_id="b")
    assert press.where is Where.CARD


@pytest.mark.parametrize(("kind", "where"), [("modal", Where.MODAL), ("home", Where.HOME)])
def test_the_same_button_in_a_view(kind: str, where: Where) -> None:
    values = {"feedback-1.0": {"feedback": {"value": "Hm."}}}
    view = {
        "type": kind,
        "id": "V1",
        "hash": "h",
        "private_metadata": "m",
        "state": {"values": values},
        "blocks": [{"type": "section"}, {"type": "actions", "block_id": "row"}],
    }
    press = pressed({"action_id": "approve", "value": "r-1"}, view=view)
    assert (press.action, press.value, press.where) == ("approve", "r-1", where)
    shown = press.view
    assert (shown.id, shown.hash, shown.metadata) == ("V1", "h", "m")
    assert (shown.box, shown.typed, shown.rows) == ("feedback-1.0", "Hm.", ("row",))


@pytest.mark.parametrize(
    "element",
    [
        {"action_id": "answer.2", "value": "r-1"},
        {"action_id": "answer_menu", "selected_option": {"value": "r-1 2"}},
    ],
)
def test_an_outcome_of_a_flow_by_its_button_or_from_the_menu(element: dict[str, Any]) -> None:
    press = pressed(element)
    assert (press.action, press.value, press.outcome) == (ids.ANSWER, "r-1", 2)


def test_an_entry_of_a_card_s_menu() -> None:
    chosen = {"value": buttons.READ.id}
    press = pressed({"action_id": "menu", "block_id": "r-1", "selected_option": chosen})
    assert (press.action, press.value) == (buttons.READ.id, "r-1")
