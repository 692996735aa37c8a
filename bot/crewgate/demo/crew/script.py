"""The stand-in crew's tasks as pure functions, and the sample script of the demo.

A revised output visibly answers the feedback, as a real crew's would.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Produce = Callable[[Mapping[str, object], Sequence[str], Mapping[str, object]], object]
"""(inputs, feedback on this task so far, outputs of earlier tasks by id) -> text or JSON."""


class TaskFailed(Exception):
    """Raised by a task to end its execution with this error message."""


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a crew."""

    task_id: str
    name: str
    description: str
    expected_output: str
    agent: str
    needs_review: bool
    produce: Produce
    emit: tuple[str, ...] = ()
    """The outcomes of a flow's question, the one that lets it go on first; empty for a task."""
    beside: bool = False
    """It begins with the task before it, and runs and waits beside that."""


_EXACT: Final = re.compile(r"Make (?:this edit|these \d+ edits) in your last answer")
_EDIT: Final = re.compile(
    r"(?:Replace|Remove)\n<<<\n(.*?)\n>>>(?:\nwith\n<<<\n(.*?)\n>>>)?", re.DOTALL
)


def answer_of(
    task: Task,
    inputs: Mapping[str, object],
    feedbacks: Sequence[str],
    context: Mapping[str, object],
) -> object:
    """Return a task's output, with the exact edits that people asked for."""
    exact = [one for one in feedbacks if _EXACT.match(one)]
    output = task.produce(inputs, [one for one in feedbacks if one not in exact], context)
    if isinstance(output, str):
        for old, new in _EDIT.findall("\n\n".join(exact)):
            output = output.replace(old, new, 1)
    return output


def _topic(inputs: Mapping[str, object]) -> str:
    return str(inputs.get("topic") or "home batteries")


def changes_section(feedbacks: Sequence[str], changes: Sequence[str]) -> str:
    """The section of a revised output about its feedback; empty in the first round."""
    if not feedbacks:
        return ""
    asked = "\n\n".join(f"You asked: “{' '.join(feedback.split())}”" for feedback in feedbacks)
    done = "\n".join(f"- {change}" for change in changes)
    return f"\n\n### What changed after review\n\n{asked}\n\n{done}"


def asks_for(feedbacks: Sequence[str], *words: str) -> bool:
    """Return True if people asked for one of these."""
    said = " ".join(feedbacks).lower()
    return any(word in said for word in words)


def _research(
    inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
    rows = [
        ("Northwind", "41 %", "+18 %", "annual report, p. 12"),
        ("Fabrikam", "27 %", "+9 %", "investor call, March"),
        ("Contoso", "12 %", "-3 %", "trade register"),
    ]
    changes = []
    if feedbacks:
        rows.append(("All others", "20 %", "+4 %", "industry survey"))
        changes.append("The shares add up to 100 % now: there is a row for all others.")
    sourced = asks_for(feedbacks, "source", "cite", "reference")
    if sourced:
        changes.append("Every figure has a source.")
    head = ["Vendor", "Share", "Growth"] + (["Source"] if sourced else [])
    table = "\n".join(
        f"| {' | '.join(cells)} |"
        for cells in (head, ["---"] * len(head), *(row[: len(head)] for row in rows))
    )
    reading = (
        "Demand grew by **18 %** in a year, and two vendors hold most of the market. "
        "The third is losing ground since it raised its prices."
    )
    if asks_for(feedbacks, "short", "brief", "concise"):
        reading = "Demand is up **18 %**; two vendors hold most of the market."
        changes.append("The reading is one sentence.")
    title = f"## The market for {_topic(inputs)}"
    return f"{title}\n\n{table}\n\n{reading}{changes_section(feedbacks, changes)}"


def _plan(
    inputs: Mapping[str, object], _feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
    return (
        f"## How to enter the market for {_topic(inputs)}\n\n"
        "1. **Talk** to ten installers who sell Northwind today.\n"
        "2. **Price** below Contoso, which is losing ground.\n"
        "3. **Pilot** in one region for a quarter:\n"
        "   - two installers, forty homes\n"
        "   - a weekly report on returns\n"
        "4. **Decide** by what the pilot costs for each customer won.\n"
    )


def _report(
    inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
    careful = asks_for(feedbacks, "conservative", "careful", "cautious", "lower")
    rate = "0.09" if careful else "0.18"
    tied = "installers are tied to their vendors"
    risk = f"{tied}; two of ten we asked are free to change" if feedbacks else tied
    changes = ["The risk says how many installers could change."]
    if careful:
        changes.append("The estimate assumes half the growth.")
    return (
        f"# {_topic(inputs).capitalize()}: summary for the board\n\n"
        "A pilot pays for itself in the **second year** if demand keeps growing. "
        "The estimate, so that anybody can check it:\n\n"
        "```python\n"
        f"growth = {rate}\n"
        "homes = 40\n"
        "for year in range(1, 4):\n"
        "    homes *= 1 + growth\n"
        '    print(f"year {year}: {homes:.0f} homes")\n'
        "```\n\n"
        "- **Ask:** 60,000 for one quarter\n"
        f"- **Risk:** {risk}\n"
        f"- **Next:** a decision by the end of the month{changes_section(feedbacks, changes)}"
    )


#: Three tasks, review on the first and the last.
SAMPLE: tuple[Task, ...] = (
    Task(
        "research_task",
        "Market research",
        "Find out who sells what, and how fast each vendor grows.",
        "A table of vendors and a reading of it",
        "Researcher",
        needs_review=True,
        produce=_research,
    ),
    Task(
        "plan_task",
        "Entry plan",
        "Turn the research into steps that a small team can take.",
        "A numbered list",
        "Strategist",
        needs_review=False,
        produce=_plan,
    ),
    Task(
        "report_task",
        "Board summary",
        "Sum it up on one page, with the estimate as code.",
        "One page of Markdown",
        "Writer",
        needs_review=True,
        produce=_report,
    ),
)
