"""What the numbers are made of as CSV, a line for each decision, however many there are."""

import csv
from collections.abc import AsyncIterable
from dataclasses import astuple, fields
from datetime import datetime
from io import TextIOWrapper
from typing import IO, Final

from crewgate.domain.stats import Decided

_VERDICTS: Final = {True: "approve", False: "revise", None: "answer"}


async def write_csv(found: AsyncIterable[Decided], file: IO[bytes]) -> None:
    """Write the header, and a line for each of these."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text)
    names = [field.name for field in fields(Decided)]
    verdict = names.index("is_approve")
    table.writerow("verdict" if name == "is_approve" else name for name in names)
    async for one in found:
        line = [*astuple(one)]
        line[verdict] = _VERDICTS[one.is_approve]
        table.writerow(map(_cell, line))
    text.detach()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
