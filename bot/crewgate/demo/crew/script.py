"""The stand-in crew's tasks as pure functions, and the sample script of the demo.

A revised output visibly answers the feedback, as a real crew's would.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

Values: TypeAlias = Mapping[str, object]
Produce = Callable[[Values, Sequence[str], Values], object]
"""(inputs, feedback on this task so far, outputs of earlier tasks by id) -> text or JSON."""


class TaskFailed(Exception):
    """Raised by a task to end its execution with this error message."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool whose calls people approve, as with `crewgate host --approve-tools`."""

    name: str
    schema: Values
    """The JSON schema of the tool's arguments."""
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of a crew."""

    task_id: str
    name: str
    description: str
    expected_output: str
    agent: str
    produce: Produce
    needs_review: bool = True
    emit: tuple[str, ...] = ()
    """The outcomes of a flow's question, the approving outcome first; empty for a task."""
    beside: bool = False
    """The task begins and runs together with the task before it."""
    tool: Tool | None = None
    """The task is one call of this tool; its output is the arguments."""


_EXACT: Final = re.compile(r"Make (?:this edit|these \d+ edits) in your last answer")
_EDIT: Final = re.compile(
    r"(?:Replace|Remove)\n<<<\n(.*?)\n>>>(?:\nwith\n<<<\n(.*?)\n>>>)?", re.DOTALL
)


def answer_of(task: Task, inputs: Values, feedbacks: Sequence[str], context: Values) -> object:
    """Return a task's output, with the exact edits that people asked for."""
    exact = [one for one in feedbacks if _EXACT.match(one)]
    output = task.produce(inputs, [one for one in feedbacks if one not in exact], context)
    if isinstance(output, str):
        for old, new in _EDIT.findall("\n\n".join(exact)):
            output = output.replace(old, new, 1)
    return output


def _topic(inputs: Values) -> str:
    return str(inputs.get("topic") or "home batteries")


def changes_section(feedbacks: Sequence[str], changes: Sequence[str]) -> str:
    """Return the section of a revised output about its feedback; empty in the first round."""
    if not feedbacks:
        return ""
    asked = "\n\n".join(f"You asked: “{' '.join(feedback.split())}”" for feedback in feedbacks)
    done = "\n".join(f"- {change}" for change in changes)
    return f"\n\n### What changed after review\n\n{asked}\n\n{done}"


def asks_for(feedbacks: Sequence[str], *words: str) -> bool:
    text = " ".join(feedbacks).lower()
    return any(word in text for word in words)


def wishes(inputs: Values, feedbacks: Sequence[str]) -> tuple[str, ...]:
    """Return the lessons that the kickoff brought, then the feedback."""
    return (str(inputs.get("lessons") or ""), *feedbacks)


_SOURCED: Final = ("source", "cite", "reference")
_SHORT: Final = ("short", "brief", "concise")
_CAREFUL: Final = ("conservative", "careful", "cautious", "lower")


def _research(inputs: Values, feedbacks: Sequence[str], _context: Values) -> str:
    rows = [
        ("Northwind", "41 %", "+18 %", "annual report, p. 12"),
        ("Fabrikam", "27 %", "+9 %", "investor call, March"),
        ("Contoso", "12 %", "-3 %", "trade register"),
    ]
    changes = []
    if feedbacks:
        rows.append(("All others", "20 %", "+4 %", "industry survey"))
        changes.append("The shares add up to 100 % now: there is a row for all others.")
    asked = wishes(inputs, feedbacks)
    sourced = asks_for(asked, *_SOURCED)
    if asks_for(feedbacks, *_SOURCED):
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
    if asks_for(asked, *_SHORT):
        reading = "Demand is up **18 %**; two vendors hold most of the market."
    if asks_for(feedbacks, *_SHORT):
        changes.append("The reading is one sentence.")
    title = f"## The market for {_topic(inputs)}"
    return f"{title}\n\n{table}\n\n{reading}{changes_section(feedbacks, changes)}"


def _plan(inputs: Values, _feedbacks: Sequence[str], _context: Values) -> str:
    return (
        f"## How to enter the market for {_topic(inputs)}\n\n"
        "1. **Talk** to ten installers who sell Northwind today.\n"
        "2. **Price** below Contoso, which is losing ground.\n"
        "3. **Pilot** in one region for a quarter:\n"
        "   - two installers, forty homes\n"
        "   - a weekly report on returns\n"
        "4. **Decide** by what the pilot costs for each customer won.\n"
    )


def _report(inputs: Values, feedbacks: Sequence[str], _context: Values) -> str:
    rate = "0.09" if asks_for(wishes(inputs, feedbacks), *_CAREFUL) else "0.18"
    tied = "installers are tied to their vendors"
    risk = f"{tied}; two of ten we asked are free to change" if feedbacks else tied
    changes = ["The risk says how many installers could change."]
    if asks_for(feedbacks, *_CAREFUL):
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


SAMPLE: tuple[Task, ...] = (
    Task(
        task_id="research_task",
        name="Market research",
        description="Find out who sells what, and how fast each vendor grows.",
        expected_output="A table of vendors and a reading of it",
        agent="Researcher",
        produce=_research,
    ),
    Task(
        task_id="plan_task",
        name="Entry plan",
        description="Turn the research into steps that a small team can take.",
        expected_output="A numbered list",
        agent="Strategist",
        needs_review=False,
        produce=_plan,
    ),
    Task(
        task_id="report_task",
        name="Board summary",
        description="Sum it up on one page, with the estimate as code.",
        expected_output="One page of Markdown",
        agent="Writer",
        produce=_report,
    ),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A topic with its own task."""

    topic: str
    about: str
    task: Task


_CONTRACT: Final = (Path(__file__).parent / "contract.md").read_text(encoding="utf-8").strip()


def _contract(inputs: Values, feedbacks: Sequence[str], _context: Values) -> str:
    asked = wishes(inputs, feedbacks)
    cap = "three times" if asks_for(asked, "liab", "cap", "lower", "limit") else "ten times"
    changes = [f"The Supplier's liability ends at {cap} the price of the delivery."]
    contract = _CONTRACT.format(topic=str(inputs["topic"]).capitalize(), cap=cap)
    return contract + changes_section(feedbacks, changes)


def _order(inputs: Values, feedbacks: Sequence[str], _context: Values) -> object:
    fewer = asks_for(wishes(inputs, feedbacks), "fewer", "less", "reduce", "cheap")
    quantities = {"AC-5-indoor": (20 if fewer else 40, 2000), "AC-10-outdoor": (12, 4090)}
    lines = [
        {"module": module, "quantity": quantity, "unit_price": price}
        for module, (quantity, price) in quantities.items()
    ]
    total = sum(quantity * price for quantity, price in quantities.values())
    return {
        "supplier": {"name": "Acme Cells Ltd", "country": "IE"},
        "deliver_by": "2027-03-31",
        "lines": lines,
        "total": {"eur": total, "discount_percent": 2},
        "express": False,
        "remarks": [f"Asked for: {one}" for one in feedbacks] or None,
    }


def _table(_inputs: Values, feedbacks: Sequence[str], _context: Values) -> str:
    head = ["Vendor", "Share", "Growth", "Price for 1 kWh", "Cycles", "Warranty", "Lead time"]
    head += ["Certified", "Service in", "Remarks"]
    rows = [
        "Northwind | 41 % | +18 % | 389 € | 6,000 | 10 years | 4 weeks | VDE, UL | DE, AT, CH | –",
        "Fabrikam | 27 % | +9 % | 402 € | 8,000 | 12 years | 6 weeks | VDE | DE, NL | –",
        "Contoso | 12 % | -3 % | 455 € | 5,000 | 8 years | 2 weeks | UL | DE | raised its prices",
        "Adatum | 9 % | +31 % | 341 € | 4,500 | 7 years | 9 weeks | pending | none | new",
        "Litware | 6 % | +2 % | 398 € | 6,500 | 10 years | 5 weeks | VDE, UL | FR | no racks",
    ]
    if feedbacks:
        rows.append("All others | 5 % | +4 % | – | – | – | – | – | – | sum of twelve vendors")
    lines = [" | ".join(head), " | ".join(["---"] * len(head)), *rows]
    table = "\n".join(f"| {line} |".replace(" €", "\N{NO-BREAK SPACE}€") for line in lines)
    section = changes_section(feedbacks, ["There is a row for all others."])
    return f"## Vendors side by side\n\n{table}{section}"


def _article(_inputs: Values, feedbacks: Sequence[str], _context: Values) -> str:
    opening = (
        "Power cuts last minutes, and freezers forgive them. A home battery pays by what it does"
        " on ordinary days: it moves noon to the evening."
        if feedbacks
        else "Never fear a power cut again! Our revolutionary home battery changes everything."
    )
    return (
        f"# A battery for ordinary days\n\n{opening}\n\n"
        "- **5 kWh** carry a family of four through an evening.\n"
        "- **Ten years** of warranty, or six thousand cycles.\n"
        "- **One day** to install, without a permit in most states."
        f"{changes_section(feedbacks, ['The opening says what it does, not how great it is.'])}"
    )


def _mail(_inputs: Values, _feedbacks: Sequence[str], _context: Values) -> object:
    return {
        "to": "bob@acme.example",
        "subject": "Order of 40 modules",
        "text": (
            "Dear Bob,\n\nthank you for your offer. We order 40 modules AC-5 at the price of your"
            " last letter, delivered to Kassel by the end of March.\n\nKind regards\nBrightroof"
        ),
        "copies": 1,
        "urgent": False,
    }


_TEXTS: Final = ("to", "subject", "text")
_SEND_EMAIL: Final = Tool(
    "send_email",
    {
        "properties": {
            **{name: {"type": "string"} for name in _TEXTS},
            "copies": {"type": "integer"},
            "urgent": {"type": "boolean"},
        },
        "required": _TEXTS,
    },
    "Sent as message 17.",
)
#: The outcomes of the flow's question; the first outcome approves.
_EMIT: Final = ("approved", "needs_revision", "rejected")

SAMPLES: Final = (
    Sample(
        "Acme supply agreement",
        "long, and calls Dana after a minute",
        Task(
            task_id="contract_task",
            name="Contract review",
            description="Draft the supply agreement from the term sheet.",
            expected_output="A contract in Markdown",
            agent="Counsel",
            produce=_contract,
        ),
    ),
    Sample(
        "Battery order",
        "JSON",
        Task(
            task_id="order_task",
            name="Purchase order",
            description="Order what the pilot needs.",
            expected_output="JSON",
            agent="Buyer",
            produce=_order,
        ),
    ),
    Sample(
        "Vendors side by side",
        "ten columns",
        Task(
            task_id="table_task",
            name="Vendor comparison",
            description="Compare all vendors on one page.",
            expected_output="A table",
            agent="Analyst",
            produce=_table,
        ),
    ),
    Sample(
        "Mail to Acme",
        "an agent asks before it acts",
        Task(
            task_id="mail_task",
            name="Order by mail",
            description="Order what the pilot needs.",
            expected_output="A mail",
            agent="Clerk",
            produce=_mail,
            tool=_SEND_EMAIL,
        ),
    ),
    Sample(
        "Launch article",
        "a flow with outcomes of its own",
        Task(
            task_id="review_article",
            name="Review article",
            description="Is this fit to publish?",
            expected_output="An article",
            agent="ArticleFlow",
            produce=_article,
            emit=_EMIT,
        ),
    ),
)
