"""Prints what the host says of what it cannot serve; run in an environment with crewai.

The crew with a server by URL finds its address in the file that `exacting` names.
"""

from collections.abc import Mapping, Sequence
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

GATED = {"acting": ["transfer*", "send_*"], "foreign": ["*"], "unanswered": ["send_*"]}
BY_URL = f"{HERE}.exacting:buying_by_url"


def try_to_load(spec: str, gated: Mapping[str, Sequence[str]], shown: str) -> None:
    folder = Path.cwd()
    flows = folder / "flows.db"
    try:
        load_targets(spec.split(), folder=folder, flow_states=flows, approve_tools=gated)
        print(f"{shown} -> served")  # noqa: T201
    except HostNotStarted as error:
        print(f"{shown} -> {error}")  # noqa: T201


for one in SPECS:
    try_to_load(one, GATED, one)
for pattern in ("purchase", "send_*"):
    try_to_load(BY_URL, {"buying_by_url": [pattern]}, f"{BY_URL} {pattern}")
