"""`python -m tests.lines`: the features of `bot/crewgate`, their places and their lines.

The map is for a reader. No test limits a row, for whoever exceeded a limit edited the limit.
"""

import textwrap
from collections import Counter
from typing import Final

from tests.repo.files import ROOT

BOT = ROOT / "bot" / "crewgate"
MAP: Final = (
    (
        "Tool calls, questions, fetched decisions: the bot's side",
        "domain/acts.py slack/reviews/tool_calls.py usecases/fetch.py web/decisions.py",
        "crews that act",
    ),
    (
        "Lessons",
        (
            "domain/lessons.py store/lessons.py store/migrations/versions/0042_lessons.py "
            "usecases/lessons.py usecases/teaching.py usecases/delivery/lessons.py slack/lessons.py"
        ),
        "crews whose reviewers ask for the same each week",
    ),
    ("Receiving: routes, limits, webhooks, CrewAI's formats", "web crewai", "the product"),
    (
        "Addresses, bodies and connections that are not trusted",
        "network",
        "the product: it calls addresses that strangers name",
    ),
    ("States, votes, edits, reasons", "domain", "the product"),
    ("Rules", "domain/rules rules", "companies that say who decides"),
    ("Decisions, kickoffs, lists", "usecases", "the product"),
    ("Delivery: jobs, retries, evidence, time", "usecases/delivery", "the product"),
    ("Database", "store", "the product"),
    (
        "Audit trail and evidence",
        "audit domain/audit.py usecases/audit.py store/audit.py",
        "who must prove a decision",
    ),
    ("Cards, forms, notices, words", "slack/reviews slack/words", "the product"),
    ("Text and blocks within Slack's limits", "slack/blockkit", "the product"),
    ("Slack's API, people, groups", "slack/client slack", "the product"),
    (
        "Commands, Home, absences, notes, kickoff form",
        (
            "slack/commands.py slack/home.py slack/away.py slack/notes.py slack/kickoff.py "
            "slack/executions.py slack/trial.py"
        ),
        "reviewers, daily",
    ),
    (
        "Walk, morning",
        (
            "slack/reviews/walk.py slack/morning.py domain/morning.py store/mornings.py "
            "usecases/morning.py usecases/delivery/morning.py"
        ),
        "reviewers",
    ),
    (
        "Figures: stats, metrics, traces",
        "slack/stats.py domain/stats.py store/stats.py metrics.py traces.py",
        "leads and on-call",
    ),
    ("Settings and their documents", "settings crews.py", "who installs"),
    ("`crewgate check`", "check", "who installs, in the first hour"),
    ("Process: start, stop, logs, readiness", ".", "the product"),
    ("Learning flows, data sets", "host/engine/lessons.py dataset.py", "reviewers"),
    ("Host of crews and flows", "host crew_api", "users of the library; none on AMP"),
    ("Demo: stand-ins, playground", "demo", "who evaluates; all tests stand on it"),
)
"""Each feature, its places below `bot/crewgate` (`.` is its top level), and who would miss it."""


def features() -> dict[str, str]:
    """Return the feature of each place."""
    return {place: feature for feature, places, _ in MAP for place in places.split()}


def needed() -> set[str]:
    """Return the features that every bot of this kind needs: the product would miss them."""
    return {feature for feature, _, missed_by in MAP if missed_by.startswith("the product")}


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
    rows = {feature: (places, missed_by) for feature, places, missed_by in MAP}
    for title, group in (
        ("what every such bot needs", needed()),
        ("what may be left out while reading", set(lines) - needed()),
    ):
        for feature, count in lines.most_common():
            if feature in group:
                places, missed_by = rows[feature]
                print(f"{count:>7,}  {feature} (missed by {missed_by})")
                print(textwrap.fill(places, 100, initial_indent=" " * 9, subsequent_indent=" " * 9))
        print(f"{sum(lines[one] for one in group):>7,}  {title}\n")
    print(f"{lines.total():>7,}  bot/crewgate")


if __name__ == "__main__":
    main()
