"""The printed lines: a figure, the figures beside it, and their comparison."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEADINGS = ("what", "measured", "compared", "goal")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    compared: str = ""
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """So many answers in so many seconds, and how long each took, in seconds."""

    seconds: float
    latencies: tuple[float, ...]
    cpu_seconds: float = 0
    """The server's processor time meanwhile, also that of its work beside answering."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_each(self) -> float:
        """Processor time for each answer, in seconds: hardly moved by what else is running."""
        return self.cpu_seconds / max(1, len(self.latencies))


def joined(parts: Iterable[Measured]) -> Measured:
    """Several rounds of one measurement as one."""
    taken = tuple(parts)
    latencies = tuple(latency for part in taken for latency in part.latencies)
    return Measured(
        sum(part.seconds for part in taken), latencies, sum(part.cpu_seconds for part in taken)
    )


def per_second(rates: Iterable[float]) -> str:
    """The median of some rates."""
    return f"{statistics.median(rates):,.0f}/s"


def summary(rounds: Sequence[Measured]) -> str:
    """The rate, the latencies and the processor time of all rounds."""
    whole = joined(rounds)
    each = f"{whole.cpu_each * 1000:.2f} ms CPU each"
    return f"{per_second(part.rate for part in rounds)}  {spread(whole.latencies)}  {each}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of each round: what disturbs one round disturbs both its sides."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def by_cpu(ours: Sequence[Measured], theirs: Sequence[Measured]) -> float:
    """The ratio of what they do with the same processor time: 2 is twice as much."""
    each = joined(ours).cpu_each
    return joined(theirs).cpu_each / each if each else 0


def quantile(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(latencies: Sequence[float], most: int = 99) -> str:
    """Half of them, and this percentage of them, took no longer than this."""
    if not latencies:
        return "none"
    shares = ((share, quantile(latencies, share / 100) * 1000) for share in (50, most))
    return "  ".join(f"p{share} {taken:.1f} ms" for share, taken in shares)


def table(rows: Sequence[Row]) -> str:
    """Aligned in columns, as Markdown, for a terminal and a document alike."""
    cells = [_HEADINGS, *((row.what, row.measured, row.compared, row.goal) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)
