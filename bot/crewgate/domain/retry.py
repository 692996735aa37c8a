"""The times of retries, as a value; the outbox carries it out."""

from dataclasses import dataclass
from datetime import timedelta

#: The longest wait that the other side can ask for (`Retry-After`): a broken limiter or a mistaken
#: date must not park a decision for a day. After it one job finds out if it is still true.
LONGEST_ASKED = timedelta(minutes=5)
#: So many tries in a row that failed are an outage, fewer a hiccup.
IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter, and an end.

    The first retry comes after `first`, each later one after twice as long, but never more than
    `longest`. `jitter` (0 to 1, passed in) takes up to half of the wait away, so that retries
    spread. `give_up_after` counts from the first try.
    """

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=5)
    give_up_after: timedelta = timedelta(hours=24)

    def after(self, tries: int, *, jitter: float, at_least: timedelta | None = None) -> timedelta:
        """Return the wait after the given number of tries (1 or more).

        `at_least` is what the other side asked for (`Retry-After`); it is kept, up to
        LONGEST_ASKED.
        """
        doubled = self.first * (1 << min(tries - 1, 30))
        wait = min(doubled, self.longest) * (1 - 0.5 * jitter)
        if at_least is not None:
            wait = max(wait, min(at_least, LONGEST_ASKED))
        return wait
