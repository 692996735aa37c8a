"""One set of icons for where a round or an execution is; nothing else uses these emoji."""

from __future__ import annotations

from typing import Final

WAITING: Final = ":hourglass:"
SENDING: Final = ":outbox_tray:"
"""Decided, and the crew does not know yet."""
APPROVED: Final = ":white_check_mark:"
"""Only once the crew has it."""
CHANGES_ASKED: Final = ":leftwards_arrow_with_hook:"
REJECTED: Final = ":no_entry:"
"""A flow was told no."""
ANSWERED: Final = ":speech_balloon:"
"""A flow was told anything else."""
DONE: Final = ":heavy_check_mark:"
"""A part of what is waited for: one of several approvals, a finished task."""
NOT_DELIVERED: Final = ":warning:"
"""Stuck; also where it may have been taken."""
RUNNING: Final = ":gear:"
"""An execution that waits for nobody."""
CLOSED: Final = ":lock:"
REPLACED: Final = ":fast_forward:"
