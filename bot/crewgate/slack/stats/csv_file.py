"""What the numbers are made of as CSV, a line for each decision, however many there are."""

import csv
from collections.abc import AsyncIterable
from dataclasses import astuple, fields
from io import TextIOWrapper
from typing import IO

from crewgate.domain.csv_cells import csv_cell
from crewgate.domain.stats import Decided


async def write_csv(found: AsyncIterable[Decided], file: IO[bytes]) -> None:
    """Write the header, and a line for each of these."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    table = csv.writer(text)
    table.writerow(field.name for field in fields(Decided))
    async for one in found:
        table.writerow(map(csv_cell, astuple(one)))
    text.detach()
