from datetime import UTC, datetime

import pytest

from crewgate.domain.csv_cells import csv_cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        *((f"{first}1+1", f"'{first}1+1") for first in "=+-@\t\r"),
        ("1=1", "1=1"),
        ("", ""),
        (-1, -1),
        (None, None),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
    ],
)
def test_no_cell_is_a_formula(value: object, cell: object) -> None:
    assert csv_cell(value) == cell
