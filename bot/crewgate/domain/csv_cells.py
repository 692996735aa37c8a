"""Cells of the CSV that people open in a spreadsheet."""

from datetime import datetime


def csv_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
