"""`python -m tests.lines`: the lines of each feature, by the map in docs/architecture.md.

The map is for a reader. No test limits a row, for whoever exceeded a limit edited the limit.
"""

import re
from collections import Counter
from collections.abc import Iterator

from tests.repo.files import ROOT, read

BOT = ROOT / "bot" / "crewgate"
_ROW = re.compile(
    r"^\| (?P<feature>[^|]+) \| (?P<places>`[^|]+`) \| (?P<missed_by>[^|]+) \|$", re.MULTILINE
)


def _rows() -> Iterator[re.Match[str]]:
    page = read("docs/architecture.md")
    return _ROW.finditer(page[page.index("| feature | in `bot/crewgate`") :])


def features() -> dict[str, str]:
    """Return the feature of each place below `bot/crewgate`; `.` is its top level."""
    return {
        place: row["feature"]
        for row in _rows()
        for place in re.findall(r"`([^`]+)`", row["places"])
    }


def needed() -> set[str]:
    """Return the features that every bot of this kind needs: the product would miss them."""
    return {row["feature"] for row in _rows() if row["missed_by"].startswith("the product")}


def lines_by_feature() -> Counter[str]:
    """Count the lines of each feature; a file belongs to the longest path that holds it."""
    by_place = features()
    lines: Counter[str] = Counter()
    for path in BOT.rglob("*.py"):
        name = path.relative_to(BOT).as_posix()
        places = [one for one in by_place if one == "." or f"{name}/".startswith(f"{one}/")]
        feature = by_place[max(places, key=lambda place: len(place) if place != "." else 0)]
        lines[feature] += len(path.read_text(encoding="utf-8").splitlines())
    return lines


def main() -> None:
    lines = lines_by_feature()
    for title, group in (
        ("what every such bot needs", needed()),
        ("what may be left out while reading", set(lines) - needed()),
    ):
        for feature, count in lines.most_common():
            if feature in group:
                print(f"{count:>7,}  {feature}")
        print(f"{sum(lines[one] for one in group):>7,}  {title}\n")
    print(f"{lines.total():>7,}  bot/crewgate")


if __name__ == "__main__":
    main()
