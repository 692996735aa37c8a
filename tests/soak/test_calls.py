"""The soak finds each wrong effect of a call, and nothing wrong where all is right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crewgate.domain.review import State
from tests.soak.calls import Asked, Calls, Effect, wrong
from tests.soak.database import BesideRound

ARGUMENTS = {"to": "call1-a@x.example", "amount": 5, "bcc": ["boss"], "stamp": "2026-01-01T00:00Z"}
SHOWN = "to: call1-a@x.example amount: 5 bcc: boss stamp: 2026-01-01T00:00Z"
ASKED = Asked(
    round_id="r1",
    tool="mail_out",
    arguments=ARGUMENTS,
    is_approve=True,
    until=106,
    shown=SHOWN,
)
DONE = Effect(tool="mail_out", arguments=ARGUMENTS, at=101)
REFUSED = replace(ASKED, is_approve=False, shown=None)
#: Asked anew: after the end of an approval, or once it may have run.
ANEW = replace(ASKED, round_id="r2", until=206)
LATER = replace(DONE, at=201)
CHANGED = {**ARGUMENTS, "amount": 7}


@pytest.mark.parametrize(
    ("asked", "effects"),
    [
        ([ASKED], [DONE]),
        ([ASKED], [replace(DONE, arguments=ARGUMENTS | {"stamp": "2026-01-01T00:00+00:00"})]),
        ([REFUSED], []),
        ([ASKED, ANEW], [LATER]),
        ([ASKED, ANEW], [DONE, LATER]),
        # The bot's clock was set back meanwhile, so the first one looks as if it still held.
        ([replace(ASKED, until=3_600), replace(ANEW, since=200)], [LATER]),
        ([ASKED, replace(ANEW, is_approve=False)], [DONE]),
        ([ASKED, replace(ANEW, is_approve=False)], []),
        ([ASKED, replace(ANEW, is_approve=None, shown=None)], [DONE]),
    ],
)
def test_what_is_right(asked: list[Asked], effects: list[Effect]) -> None:
    assert list(wrong(asked, effects)) == []


@pytest.mark.parametrize(
    ("asked", "effects", "says"),
    [
        ([ASKED], [], "was approved last and never ran"),
        ([ASKED], [DONE, DONE], "was not approved so often"),
        ([REFUSED], [DONE], "was not approved so often"),
        ([], [DONE], "nothing of it"),
        ([ASKED], [LATER], "ran 95.0 s after its approval had ended"),
        ([ASKED], [replace(DONE, arguments=CHANGED)], "was not approved so often"),
        ([ASKED], [replace(DONE, arguments=ARGUMENTS | {"stamp": "2026-01-02"})], "so often"),
        ([replace(ASKED, is_approve=None)], [], "nobody decided"),
        ([ASKED, replace(ANEW, is_approve=None, shown=None)], [], "nobody decided"),
        ([replace(ASKED, shown="to: call1-a@x.example")], [DONE], "did not show amount: 5"),
    ],
)
def test_what_is_wrong(asked: list[Asked], effects: list[Effect], says: str) -> None:
    assert any(says in one for one in wrong(asked, effects))


def test_a_clock_that_was_set_back_changes_no_order(tmp_path: Path) -> None:
    first = BesideRound(
        id="r1",
        execution_id="e1",
        crew="calls",
        state=State.RESUMED,
        reason=None,
        text='{"to": "call1-a@x.example"}',
        is_approve=True,
        decided_by="U1",
        decided_at=None,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        task_id="mail_out-0f-9",
        number=1,
        call={"tool": "mail_out"},
        origin_id=None,
    )
    sooner = first.opened_at - timedelta(minutes=2)
    anew = replace(first, id="r2", task_id="mail_out-0f-10", opened_at=sooner, is_approve=False)
    assert list(Calls(tmp_path, seed=1).wrong([anew, first])) == []
