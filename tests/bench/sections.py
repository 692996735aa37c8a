"""What can be measured, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from tests.bench.burst import burst
from tests.bench.figures import Row
from tests.bench.footprint import footprint
from tests.bench.growth import growth
from tests.bench.latency import idle, loaded
from tests.bench.options import Options
from tests.bench.throughput import clicks, notifications

Section = Callable[[Options], AsyncIterator[Row]]

SECTIONS: Final[Mapping[str, Section]] = {
    "notifications": notifications,
    "clicks": clicks,
    "idle": idle,
    "loaded": loaded,
    "footprint": footprint,
    "growth": growth,
    "burst": burst,
}
