"""What the numbers are made of as CSV, a line for each decision, however many there are."""

import csv
from collections.abc import AsyncIterable
from dataclasses import astuple, fields
from datetime import datetime
from io import TextIOWrapper
from typing import IO

from crewgate.domain.stats import Decided


async def write_csv(found: AsyncIterable[Decided], file: IO[bytes]) -> None:
    """Write the header, and a line for each of these."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text)
    table.writerow(field.name for field in fields(Decided))
    async for one in found:
        table.writerow(map(_cell, astuple(one)))
    text.detach()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
