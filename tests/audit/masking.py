"""All that can be masked."""

from crewgate.domain.masking import FINDERS, Masking

MASKING = Masking(tuple(FINDERS), tuple(FINDERS.values()))
