"""After a decision: what features add to it and tell of it, each in its own file.

`decide` stores the decision first, and then asks the features here, in the order of these tuples.
A new feature is a row. None of them can refuse or change a decision.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from crewgate.domain.crew import Crew
from crewgate.domain.review import Round
from crewgate.metrics import count_decision
from crewgate.usecases.ports.store import Tx
from crewgate.usecases.teaching import keep_drawn, offer_lesson


class Add(Protocol):
    """Adds to a round's decision, in its transaction; `round_` may still wait for approvals."""

    async def __call__(self, tx: Tx, round_: Round, crew: Crew, /, *, at: datetime) -> None: ...


IN_THE_COMMIT: Final[tuple[Add, ...]] = (
    offer_lesson,  # the job of the offer comes behind the jobs of the decision itself
    keep_drawn,
)
AFTER_THE_COMMIT: Final[tuple[Callable[[Round], None], ...]] = (count_decision,)


async def in_the_commit(tx: Tx, round_: Round, crew: Crew, *, at: datetime) -> None:
    for add in IN_THE_COMMIT:
        await add(tx, round_, crew, at=at)


def after_the_commit(round_: Round) -> None:
    """Tell of a stored decision, of a person or of a rule."""
    for tell in AFTER_THE_COMMIT:
        tell(round_)
