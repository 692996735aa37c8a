"""The fake crew's bounded logs of requests, resumes and webhooks.

The crew writes them; tests and the playground read them.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: The most bytes that one log keeps, whatever the number of entries.
LOG_BYTES = 32 * 2**20


@dataclass(slots=True)
class Call:
    """One request to the crew. `status` stays None when no answer was given (yet)."""

    method: str
    path: str
    body: dict[str, Any]
    """The JSON object that was sent; empty when it was none."""
    authorization: str = field(repr=False)
    at: float
    status: int | None = None
    answer: Any = None
    """The JSON that was answered, or the text."""
    effective: bool = False
    """The request changed the crew's state."""
    query: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """One webhook that was sent, once; `status` is None when nobody answered, `error` says why."""

    kind: str
    """`human_input`, `task`, `step`, `crew`, `flow` or `raw`."""
    url: str
    body: dict[str, Any]
    """The JSON object that was sent; empty when it was none."""
    raw: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    status: int | None
    answer: str = ""
    error: str = ""
    at: float = 0
    """When it was answered or lost."""


class BoundedLog(Generic[T]):
    """The latest entries, bounded by number and by bytes."""

    def __init__(self, keep: int, keep_bytes: int = LOG_BYTES) -> None:
        self.total = 0
        """The number of entries ever appended."""
        self._entries: deque[tuple[int, T]] = deque()
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._bytes = 0

    def append(self, entry: T, size: int = 0) -> None:
        """Add an entry; the oldest ones make room, the newest always stays."""
        self._entries.append((size, entry))
        self.total += 1
        self._bytes += size
        while len(self._entries) > self._keep or (
            self._bytes > self._keep_bytes and len(self._entries) > 1
        ):
            dropped_size, _ = self._entries.popleft()
            self._bytes -= dropped_size

    def __iter__(self) -> Iterator[T]:
        return (entry for _, entry in self._entries)
