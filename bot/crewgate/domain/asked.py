"""The base of subjects, with the properties that most subjects have."""

from datetime import datetime
from typing import ClassVar, Protocol

from crewgate.domain.people import Email
from crewgate.domain.verdict import Person


class Asked(Protocol):
    """The base of subjects.

    As a Protocol it lets the type checker name a class that leaves out one of the first facts. The
    others have an answer of most subjects, which a class overrides.
    """

    __slots__ = ()

    stored_as: ClassVar[str]
    """The word for the class in the database."""
    takes_answers: ClassVar[bool]
    """True if people answer in labels or words, and approve nothing."""
    has_text: ClassVar[bool]
    """True if the subject's output is a text that people edit, comment on and teach by."""
    has_arguments: ClassVar[bool]
    """True if the subject's output is the arguments of a tool: people see names and values."""
    is_act: ClassVar[bool]
    """True if an approval lets something happen outside: once, for a time, with a result."""

    @property
    def is_of_flow(self) -> bool:
        """True if a flow waits, which may get its answer from elsewhere too."""
        return False

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels to choose from, sent back exactly."""
        return ()

    @property
    def assignees(self) -> tuple[Email, ...]:
        """The people whom the request itself asks."""
        return ()

    @property
    def waits_until(self) -> datetime | None:
        """The time when the asker goes on without an answer; None: the asker has no such time."""
        return None

    @property
    def author(self) -> Person | None:
        """The person from whose words a lesson was drawn; a rule may forbid them to keep it."""
        return None

    @property
    def was_tried(self) -> bool:
        """True if an earlier approval may have let it happen; no report says that it did."""
        return False
