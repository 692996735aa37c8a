"""Prints what the host says of what it cannot serve; run in an environment with crewai."""

import sys
from pathlib import Path

from crewgate.host.engine.loading import load_targets
from crewgate.host.records import HostNotStarted

HERE = "tests.host.crews"
SPECS = (
    "shop",
    "shop:",
    "no_such_module:crew",
    f"{HERE}.shop:nobody",
    f"{HERE}.shop:nothing",
    f"{HERE}.shop:Price",
    f"{HERE}.raises:crew",
    f"{HERE}.leaves:crew",
    f"{HERE}.articles:UnkeptFlow",
    f"{HERE}.articles:DroppingFlow",
    f"{HERE}.articles:RememberingFlow",
    f"{HERE}.shop:make {HERE}.shop:make",
    f"{HERE}.acting:foreign",
    f"{HERE}.acting:acting",
    f"{HERE}.exacting:unanswered",
)

flows = Path(sys.argv[1], "flows.db")
gated = {"acting": ["transfer*", "send_*"], "foreign": ["*"], "unanswered": ["send_*"]}
for spec in SPECS:
    try:
        load_targets(spec.split(), folder=Path.cwd(), flow_states=flows, approve_tools=gated)
        print(f"{spec} -> served")  # noqa: T201
    except HostNotStarted as error:
        print(f"{spec} -> {error}")  # noqa: T201
