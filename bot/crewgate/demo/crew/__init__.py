"""The stand-in crew: a deployed CrewAI crew as a real HTTP server on 127.0.0.1.

It follows the vendor's schema, pauses for reviews, answers feedback with a changed output, drops
webhook URLs at every pause, and fails on demand. Tests and the demo share it. It does not depend on
the bot.

    async with Crew(now=time.time) as crew:
        crew.human_input = Address.bearer("http://127.0.0.1:3000/crews/research/human-input", s)
        execution = crew.start_execution({"topic": "tea"})
        await crew.until(lambda: crew.notifications)
        crew.fail("/resume", how=DROP_AFTER)
"""

from crewgate.crew_api.wire import Address, FlowWebhook, Resume, Urls
from crewgate.demo.changes import Change
from crewgate.demo.crew.crew import Crew
from crewgate.demo.crew.deployment import (
    Call,
    Deployment,
    Echo,
    Execution,
    Sent,
    State,
    echo,
    garbage,
    status,
)
from crewgate.demo.crew.flows import FlowRequest
from crewgate.demo.crew.script import SAMPLE, Task, TaskFailed
from crewgate.demo.crew.wire import Style
from crewgate.demo.faults import DROP_AFTER, DROP_BEFORE, HANG, Fault, slow

__all__ = [
    "DROP_AFTER",
    "DROP_BEFORE",
    "HANG",
    "SAMPLE",
    "Address",
    "Call",
    "Change",
    "Crew",
    "Deployment",
    "Echo",
    "Execution",
    "Fault",
    "FlowRequest",
    "FlowWebhook",
    "Resume",
    "Sent",
    "State",
    "Style",
    "Task",
    "TaskFailed",
    "Urls",
    "echo",
    "garbage",
    "slow",
    "status",
]
