"""What can go wrong in the host; each message is a sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Mapping


class HostNotStarted(Exception):
    """The host cannot serve what was asked for."""


class Refusal(Exception):
    """A refused request: a status with the documented error object."""

    def __init__(
        self, status: int, error: str, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message, "details": dict(details or {})}

    @classmethod
    def bad_request(cls, message: str, **details: object) -> Refusal:
        """400."""
        return cls(400, "Bad Request", message, details)

    @classmethod
    def not_found(cls, message: str) -> Refusal:
        """404."""
        return cls(404, "Not Found", message)


class TargetChanged(Exception):
    """The crew's tasks are not those with which this execution began."""


class HostStops(BaseException):
    """Ends a thread that waits for a person; what it waits for is on disk.

    Not an `Exception`: crewai would take it for a failure of the agent, and try again.
    """


class NotKept(BaseException):
    """Ends a thread whose work cannot be written to disk now; it is done again later.

    No `Exception` either: it is no failure of the crew, which would end the execution.
    """
