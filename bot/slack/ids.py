"""The names Slack sends back to us, each in one place: actions, modals, blocks, commands.

Slack's limit for each is 255 characters.
"""

from typing import Final

COMMAND: Final = "/crew"

APPROVE: Final = "approve"
REVISE: Final = "revise"
RETRY: Final = "retry"

REVISE_MODAL: Final = "revise_modal"
FEEDBACK: Final = "feedback"
"""Both the block and the input that hold a reviewer's feedback."""

KICKOFF_CHOICE: Final = "kickoff_choice"
CREW: Final = "crew"
"""Both the block and the menu that hold the crew to start."""
KICKOFF_FORM: Final = "kickoff_form"
KICKOFF_INPUT: Final = "kickoff_input"
"""Every field of that form; its block is called `kickoff_input.NAME`."""
REFRESH_STATUS: Final = "refresh_status"

METADATA: Final = "crewgate"
"""`event_type` of the metadata of every message that must not be posted twice; its payload is
`{"key": …}`, so that the message can be found again when Slack's answer was lost."""
