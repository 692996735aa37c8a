"""What a caller gave at kickoff."""

from __future__ import annotations

Given = tuple[tuple[str, str], ...]
"""Names and values that a caller gave at kickoff, in order."""
