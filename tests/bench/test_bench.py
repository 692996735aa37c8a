"""The benchmark's smallest run: it measures what it says, and leaves no process behind."""

import os
from pathlib import Path

from tests.bench.figures import Measured, Row, quantile, ratio, spread, table
from tests.bench.options import Options
from tests.bench.throughput import clicks


async def test_the_smallest_run_measures_every_row_and_ends_its_processes(tmp_path: Path) -> None:
    options = Options(folder=tmp_path, seconds=0.05, rounds=1)
    rows = [row async for row in clicks(options)]
    assert len(rows) == 2
    assert all(row.measured not in {"", "none"} for row in rows)
    assert not _running_in(tmp_path)


def test_a_ratio_is_the_median_of_what_was_measured_side_by_side() -> None:
    # The third round was disturbed on both sides alike.
    assert ratio([10, 20, 1], [100, 100, 10]) == 0.1


def test_quantiles_and_rates() -> None:
    assert quantile([0.3, 0.1, 0.2], 0.5) == 0.2
    assert quantile([0.3, 0.1, 0.2], 0.99) == 0.3
    assert spread([0.001, 0.002, 0.003]) == "p50 2.0 ms  p99 3.0 ms"
    assert Measured(2.0, (0.1, 0.2)).rate == 1


def test_the_table_is_aligned() -> None:
    lines = table([Row("a thing", "1/s"), Row("b", "22/s", "10%", "50%")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[3] == "| b       | 22/s     | 10%      | 50%  |"


def _running_in(folder: Path) -> list[str]:
    """The processes whose working directory is below a folder; none where the system hides them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in Path(os.readlink(process / "cwd")).parents:  # noqa: PTH115
                found.append(process.name)
        except OSError:
            continue
    return found
