"""The meanings of a flow's labels, and the address of its answer."""

import pytest

from crewgate.domain.notification import Callback
from crewgate.domain.verdict import Reading, reading_of


@pytest.mark.parametrize(
    ("label", "reading"),
    [
        ("approved", Reading.APPROVAL),
        (" Approve ", Reading.APPROVAL),
        ("LGTM", Reading.APPROVAL),
        ("rejected", Reading.REJECTION),
        ("no", Reading.REJECTION),
        ("needs_revision", Reading.REVISION),
        ("Needs revision", Reading.REVISION),
        ("request-changes", Reading.REVISION),
        ("not approved", Reading.OTHER),
        ("approved?", Reading.OTHER),
        ("publish", Reading.OTHER),
        ("", Reading.OTHER),
        ("approved" + " " * 9_999, Reading.APPROVAL),
        ("approved" * 9_999, Reading.OTHER),
    ],
)
def test_only_whole_labels_read_as_something(label: str, reading: Reading) -> None:
    assert reading_of(label) is reading


def test_where_a_flow_is_answered_is_not_logged() -> None:
    assert repr(Callback("https://app.crewai.com/r/8412", "one-use-token")) == "Callback()"
