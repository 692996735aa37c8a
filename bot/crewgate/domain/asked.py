"""The base of subjects, with the properties that most subjects have."""

from datetime import datetime
from typing import ClassVar

from crewgate.domain.people import Email
from crewgate.domain.verdict import Person


class Asked:
    """The base of subjects; a subject's class overrides what is different for it."""

    __slots__ = ()

    stored_as: ClassVar[str]
    """The word for the class in the database."""
    takes_answers: ClassVar[bool] = False
    """True if people answer in labels or words, and approve nothing."""
    has_text: ClassVar[bool] = False
    """True if the subject's output is a text that people edit, comment on and teach by."""

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
