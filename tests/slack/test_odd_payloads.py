"""Whatever shape a payload of Slack's has, parsing it gives a value or raises Malformed."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.errors import Malformed
from crewgate.slack import ids, payloads
from crewgate.slack.away import parse_away_form
from crewgate.slack.press import parse_press

PARSERS: tuple[Callable[[dict[str, Any]], object], ...] = (
    parse_press,
    payloads.parse_submission,
    payloads.parse_command,
    payloads.parse_kickoff_form,
    parse_away_form,
    payloads.parse_message,
)
NAMES = (
    *("actions", "action_id", "block_id", "value", "selected_option", "user", "user_id", "id"),
    *("name", "text", "trigger_id", "view", "hash", "state", "values", "private_metadata"),
    *("channel", "subtype", "ts", "thread_ts", "message", "edited", "type"),
    *(ids.AWAY_DELEGATE, ids.AWAY_UNTIL, "selected_user", "selected_date"),
    *(ids.FEEDBACK, ids.CREW, ids.KICKOFF_INPUT, f"{ids.KICKOFF_INPUT}.topic"),
)
SUBTYPES = st.sampled_from(["message_changed", "message_deleted", "thread_broadcast"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | SUBTYPES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_shape_raises_anything_but_malformed(payload: dict[str, Any]) -> None:
    for parse in PARSERS:
        try:
            parse(payload)
        except Malformed as odd:
            assert odd.__cause__ is not None  # noqa: PT017  # either answer is right


@pytest.mark.parametrize("parse", PARSERS[:-1])
def test_nothing_at_all_is_malformed(parse: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(Malformed):
        parse({})
