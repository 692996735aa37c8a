"""A crew of two agents: a clerk who writes, asks and mails, and a buyer who orders.

README.md beside this file says how to serve it, and what people are then asked.
"""

from pathlib import Path
from typing import Any

from crewai import Agent, Crew, Task
from crewai.tools import BaseTool

from crewgate.host import ask_people


class SendEmail(BaseTool):
    """Writes a mail into a file; put your own mail server here."""

    name: str = "send_email"
    description: str = "Sends an e-mail to one address."

    def _run(self, to: str, subject: str, text: str) -> str:
        with Path("mails.txt").open("a", encoding="utf-8") as mails:
            mails.write(f"{to}: {subject}\n{text}\n")
        return f"Sent to {to}."


class Purchase(BaseTool):
    """Writes an order into a file; put your own shop here."""

    name: str = "purchase"
    description: str = "Orders an item for an amount in euros."

    def _run(self, item: str, amount: int) -> str:
        with Path("orders.txt").open("a", encoding="utf-8") as orders:
            orders.write(f"{item}: {amount}\n")
        return f"Ordered {item} for {amount} euros."


def crew(llm: Any = None) -> Crew:
    """Return the crew; without `llm`, with the model that CrewAI takes from the environment."""
    clerk = Agent(
        role="Clerk",
        goal="Contracts and mails that nobody has to correct",
        backstory="Writes shortly.",
        tools=[SendEmail(), ask_people],
        llm=llm,
    )
    buyer = Agent(
        role="Buyer",
        goal="What the contract needs, for little money",
        backstory="Compares prices.",
        tools=[Purchase()],
        llm=llm,
    )
    contract = Task(
        name="Contract",
        description="Write the contract with {customer}.\nKeep in mind: {lessons}",
        expected_output="A contract in a few sentences",
        agent=clerk,
        human_input=True,
    )
    order = Task(
        name="Order",
        description="Order what the contract with {customer} needs.",
        expected_output="A list of what was ordered",
        agent=buyer,
    )
    mail = Task(
        name="Mail",
        description="Ask people for the day of delivery, and mail it to {customer}.",
        expected_output="What was mailed",
        agent=clerk,
    )
    return Crew(name="office", agents=[clerk, buyer], tasks=[contract, order, mail])
