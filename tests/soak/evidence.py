"""What the checks look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.cards import Card
from tests.soak.crew_records import CrewRecords
from tests.soak.database import Stored
from tests.soak.labels import Label
from tests.soak.ledger import Ledger


@dataclass(slots=True)
class Evidence:
    """Everything that is known at the end, from all sides."""

    crews: CrewRecords
    stored: Stored
    ledger: Ledger
    cards: dict[str, Card]
    keys: Counter[str]
    """How many messages carry each key in their metadata: one each, as they are posted once."""
    direct: tuple[Card, ...] = ()
    """The direct messages about rounds."""
    excused: Counter[str] = field(default_factory=Counter)
    """What no bot could have done better, by why; filled in by the checks."""

    @property
    def known(self) -> set[Label]:
        """The outputs that the bot has a round for."""
        return {round_.label for round_ in self.stored.rounds}
