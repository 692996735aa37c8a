"""The errors of the host; each message is a sentence for the person who reads it."""


class HostNotStarted(Exception):
    """The host cannot serve what was asked for."""


class TargetChanged(Exception):
    """The crew's tasks have changed since this execution began."""


class HostStops(BaseException):
    """Ends a thread that waits for a person; what it waits for is on disk.

    Not an `Exception`: crewai would take it for a failure of the agent, and try again.
    """


class NotKept(BaseException):
    """Ends a thread whose work cannot be written to disk now; it is done again later.

    No `Exception` either: it is no failure of the crew, which would end the execution.
    """
