"""A CSV that spreadsheets read, and take nothing of for a formula."""

import csv
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

from crewgate.domain.stats import Decided
from crewgate.slack.stats import write_csv
from tests.builders import ANA, LATER, NOW


def a_decision(**changes: Any) -> Decided:
    usual: dict[str, Any] = {
        "crew": "research",
        "execution": "e-1",
        "task": "draft",
        "round": 2,
        "opened_at": NOW,
        "decided_at": LATER,
        "verdict": "approve",
        "decided_by": ANA.id,
        "name": ANA.name,
        "through": "button",
        "waited_seconds": 60,
        "within_target": None,
        "is_call": False,
    }
    return Decided(**usual | changes)


async def written(*decisions: Decided) -> list[dict[str, str]]:
    async def found() -> AsyncIterator[Decided]:
        for one in decisions:
            yield one

    file = BytesIO()
    await write_csv(found(), file)
    return [*csv.DictReader(file.getvalue().decode().splitlines())]


async def test_each_decision_is_a_line() -> None:
    late = a_decision(verdict="revise", decided_by="", name="", within_target=False)
    first, second = await written(a_decision(), late)
    assert first == {
        "crew": "research",
        "execution": "e-1",
        "task": "draft",
        "round": "2",
        "opened_at": NOW.isoformat(),
        "decided_at": LATER.isoformat(),
        "verdict": "approve",
        "decided_by": ANA.id,
        "name": ANA.name,
        "through": "button",
        "waited_seconds": "60",
        "within_target": "",
        "is_call": "False",
    }
    assert (second["verdict"], second["decided_by"], second["within_target"]) == (
        "revise",
        "",
        "False",
    )


async def test_no_cell_is_a_formula() -> None:
    [line] = await written(a_decision(task="=HYPERLINK(1)", execution="@e", crew="-1+2"))
    assert (line["task"], line["execution"], line["crew"]) == ("'=HYPERLINK(1)", "'@e", "'-1+2")


async def test_without_decisions_there_is_a_header() -> None:
    assert await written() == []
