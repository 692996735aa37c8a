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
class Tool:
    """A tool whose calls people approve, as with `crewgate host --approve-tools`."""

    name: str
    schema: Mapping[str, object]
    """The JSON schema of the tool's arguments."""
    result: str


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
    """The outcomes of a flow's question, the approving outcome first; empty for a task."""
    beside: bool = False
    """The task begins and runs together with the task before it."""
    tool: Tool | None = None
    """The task is one call of this tool; its output is the arguments."""


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
    """Return the section of a revised output about its feedback; empty in the first round."""
    if not feedbacks:
        return ""
    asked = "\n\n".join(f"You asked: “{' '.join(feedback.split())}”" for feedback in feedbacks)
    done = "\n".join(f"- {change}" for change in changes)
    return f"\n\n### What changed after review\n\n{asked}\n\n{done}"


def asks_for(feedbacks: Sequence[str], *words: str) -> bool:
    said = " ".join(feedbacks).lower()
    return any(word in said for word in words)


def wishes(inputs: Mapping[str, object], feedbacks: Sequence[str]) -> tuple[str, ...]:
    """The lessons that the kickoff brought, and then the feedback."""
    return (str(inputs.get("lessons") or ""), *feedbacks)


_SOURCED: Final = ("source", "cite", "reference")
_SHORT: Final = ("short", "brief", "concise")
_CAREFUL: Final = ("conservative", "careful", "cautious", "lower")


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


@dataclass(frozen=True, slots=True)
class Sample:
    """A topic with its own script."""

    topic: str
    about: str
    script: tuple[Task, ...]


_PARTIES: Final = "Acme Cells Ltd (the *Supplier*) and Brightroof GmbH (the *Buyer*)"
_CONTRACT: Final = """\
Subject

The Supplier sells and delivers battery modules of the series AC-5 and AC-10, with their control
units, as schedule 1 lists them. The Buyer installs them in homes and resells them under its own
name. Terms of either party that are printed on orders, invoices or delivery notes do not become
part of this agreement, also where nobody objects to them.

Orders and forecast

The Buyer names the quantities that it expects for each of the next six months by the fifth of a
month. The first three months bind it to four fifths of what it named. The Supplier confirms or
refuses an order within five working days; silence confirms it.

Delivery

Delivery is free to the Buyer's warehouse in Kassel, unloaded. The Supplier delivers within thirty
days of its confirmation. If it is late by more than ten working days, the Buyer may buy elsewhere
at the Supplier's cost, up to a quarter above the agreed price.

Prices and payment

Prices are those of schedule 1, in euros and without tax. They hold for twelve months, then follow
the price index for lithium carbonate, up or down, by no more than six percent a year. Invoices
are due thirty days after receipt, or fourteen days with a discount of two percent.

Quality and inspection

Modules keep at least four fifths of their capacity for ten years or six thousand cycles,
whichever comes first. The Buyer inspects deliveries for visible damage within ten working days,
and tells the Supplier of hidden defects within ten working days of finding them.

Safety and recalls

The Supplier tells the Buyer within two working days of any fire, swelling or failure that it
learns of in a module of the same series, wherever it was sold. If a recall is needed, the
Supplier bears its cost, the cost of dismantling and refitting included.

Liability

{liability}

Insurance

The Supplier keeps product liability insurance of at least ten million euros for each event and
twenty million a year, and proves it each January.

Data

Control units send operating data to the Buyer alone. The Supplier may read them where a defect is
examined, for as long as that takes, and passes them on to nobody.

Term and end

The agreement runs for three years and then from year to year, unless one party gives six months'
notice. Either may end it at once for good cause: insolvency, a breach that is not cured within
thirty days of a written warning, or a change of control to a competitor.

Law and courts

German law applies, without the UN convention on contracts for the sale of goods. The courts of
Kassel are competent. The parties first spend thirty days on talks between their managing
directors.
"""
"""Titles and texts of clauses, in turn."""
_LIABILITY: Final = """\
Each party is liable without limit for intent, gross negligence and harm to people. For anything
else the Supplier's liability ends at {cap} the price of the delivery in question, and neither
party is liable for lost profit. What the law forbids to limit stays as it is.
"""


def _contract(
    inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
    asked = wishes(inputs, feedbacks)
    cap = "three times" if asks_for(asked, "liab", "cap", "lower", "limit") else "ten times"
    text = _CONTRACT.format(liability=_LIABILITY.format(cap=cap))
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    clauses = "\n\n".join(
        f"## {number}. {title}\n\n{clause}"
        for number, (title, clause) in enumerate(zip(parts[::2], parts[1::2], strict=True), 1)
    )
    rows = "\n".join(
        f"| AC-{size}-{variant} | {size}.0 kWh | {variant} | {400 * size + 90 * at:,} € |"
        for size in (5, 10)
        for at, variant in enumerate(("indoor", "outdoor", "marine", "rack", "rack+heat"))
    )
    prices = f"| Module | Capacity | Housing | Price |\n| --- | --- | --- | --- |\n{rows}"
    changes = [f"The Supplier's liability ends at {cap} the price of the delivery."]
    return (
        f"# {str(inputs['topic']).capitalize()}\n\nBetween {_PARTIES}.\n\n{clauses}\n\n"
        f"## Schedule 1: modules and prices\n\n{prices}{changes_section(feedbacks, changes)}"
    )


def _order(
    inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> object:
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


def _table(
    _inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
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


def _article(
    _inputs: Mapping[str, object], feedbacks: Sequence[str], _context: Mapping[str, object]
) -> str:
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


def _mail(
    _inputs: Mapping[str, object], _feedbacks: Sequence[str], _context: Mapping[str, object]
) -> object:
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
        (
            Task(
                "contract_task",
                "Contract review",
                "Draft the supply agreement from the term sheet.",
                "A contract in Markdown",
                "Counsel",
                needs_review=True,
                produce=_contract,
            ),
        ),
    ),
    Sample(
        "Battery order",
        "JSON",
        (
            Task(
                "order_task",
                "Purchase order",
                "Order what the pilot needs.",
                "JSON",
                "Buyer",
                needs_review=True,
                produce=_order,
            ),
        ),
    ),
    Sample(
        "Vendors side by side",
        "ten columns",
        (
            Task(
                "table_task",
                "Vendor comparison",
                "Compare all vendors on one page.",
                "A table",
                "Analyst",
                needs_review=True,
                produce=_table,
            ),
        ),
    ),
    Sample(
        "Mail to Acme",
        "an agent asks before it acts",
        (
            Task(
                "mail_task",
                "Order by mail",
                "Order what the pilot needs.",
                "A mail",
                "Clerk",
                needs_review=True,
                produce=_mail,
                tool=_SEND_EMAIL,
            ),
        ),
    ),
    Sample(
        "Launch article",
        "a flow with outcomes of its own",
        (
            Task(
                "review_article",
                "Review article",
                "Is this fit to publish?",
                "An article",
                "ArticleFlow",
                needs_review=True,
                produce=_article,
                emit=_EMIT,
            ),
        ),
    ),
)
