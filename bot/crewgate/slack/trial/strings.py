"""Sentences of the test card."""

from collections.abc import Sequence
from typing import Final

from crewgate.slack.strings import crew, in_words

CREWS_SHOWN: Final = 10

NOTIFICATION: Final = "A test of Crewgate: no crew waits for this."
CARD: Final = (
    "*A test of Crewgate.* No crew waits for this, and nothing that you press here decides"
    " anything. Press Approve or Revise: the answer, for you alone, says for which crews you may"
    " decide."
)
REMOVE: Final = "Remove this card"


def pressed(crews: Sequence[str]) -> str:
    arrived = "This was a test. Your press reached Crewgate, and nothing was decided."
    if not crews:
        return f"{arrived} You may decide for no crew: the settings do not name you a reviewer."
    names = [crew(name) for name in crews[:CREWS_SHOWN]]
    if len(crews) > CREWS_SHOWN:
        names.append(f"{len(crews) - CREWS_SHOWN} more")
    return f"{arrived} Crews you may decide for: {in_words(names)}."
