"""What the numbers are made of as CSV, a line for each decision, however many there are."""

import csv
from collections.abc import AsyncIterable
from io import TextIOWrapper
from typing import IO, Final

from crewgate.domain.stats import Decided

_COLUMNS: Final = (
    *("crew", "execution", "task", "round", "opened_at", "decided_at", "verdict"),
    *("decided_by", "name", "through", "waited_seconds", "within_target"),
)
_VERDICTS: Final = {True: "approve", False: "revise", None: "answer"}


async def write_csv(found: AsyncIterable[Decided], file: IO[bytes]) -> None:
    """Write the header, and a line for each of these."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    async for one in found:
        line = (
            *(one.crew, one.execution_id, one.task_id, one.round),
            *(one.opened_at.isoformat(), one.decided_at.isoformat(), _VERDICTS[one.is_approve]),
            *(one.by.id, one.by.name, one.via.value, int(one.waited.total_seconds())),
            "" if one.is_on_target is None else one.is_on_target,
        )
        table.writerow(map(_cell, line))
    text.detach()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
