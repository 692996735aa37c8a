"""What the test card says, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crewgate.slack.strings import crew

CREWS_SHOWN: Final = 10

NOTIFICATION: Final = "A test of Crewgate: no crew waits for this."
CARD: Final = (
    "*A test of Crewgate.* No crew waits for this, and nothing that you press here decides"
    " anything. Press Approve or Revise: the answer, for you alone, says for which crews you may"
    " decide."
)
REMOVE: Final = "Remove this card"


def pressed(crews: Sequence[str]) -> str:
    """What came of a press: that it arrived, and for whom this person may decide."""
    arrived = "This was a test. Your press reached Crewgate, and nothing was decided."
    if not crews:
        return f"{arrived} You may decide for no crew: the settings do not name you a reviewer."
    names = [crew(name) for name in crews[:CREWS_SHOWN]]
    if len(crews) > CREWS_SHOWN:
        names.append(f"{len(crews) - CREWS_SHOWN} more")
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{arrived} Crews you may decide for: {listed}."
