"""The names Slack sends back to us, each in one place: actions, modals, blocks, commands.

Slack's limit for each is 255 characters.
"""

from typing import Final

COMMAND: Final = "/crew"

APPROVE: Final = "approve"
REVISE: Final = "revise"
RETRY: Final = "retry"
REOPEN: Final = "reopen"
DISMISS: Final = "dismiss"

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

MENU: Final = "menu"
"""The menu on a card. Its block's id is the round's; its choices are these:"""
MENU_COMMENT: Final = "with_note"
"""Named as on the cards that stand in channels since earlier versions."""
MENU_READ: Final = "read_in_full"
MENU_CHANGES: Final = "what_changed"
MENU_CLAIM: Final = "on_it"
MENU_HISTORY: Final = "rounds_so_far"

NOTES_MODAL: Final = "notes_modal"
"""The form behind Revise when people have written in the thread."""
ADD_NOTE: Final = "add_note"
DISMISS_MODAL: Final = "dismiss_modal"
CONFIRM_MODAL: Final = "confirm_modal"
"""What asks before an approval that could overlook something."""
APPROVE_MODAL: Final = "approve_modal"
PAGES_MODAL: Final = "pages_modal"
NEXT_PAGE: Final = "next_page"
PREVIOUS_PAGE: Final = "previous_page"
VIEW_APPROVE: Final = "view_approve"
VIEW_REVISE: Final = "view_revise"
VIEW_READ: Final = "view_read"
VIEW_DISMISS: Final = "view_dismiss"
"""The same as on a card, in a modal or in Home."""
SEND_NOTES: Final = "send_notes"
KEEP_COLLECTING: Final = "keep_collecting"
HOME_APPROVE: Final = "home_approve"
HOME_RETRY: Final = "home_retry"
"""What decides in Home, which may just have changed under the pointer."""
HOME_NEXT: Final = "home_next"
HOME_PREVIOUS: Final = "home_previous"

TRIAL_APPROVE: Final = "trial_approve"
TRIAL_REVISE: Final = "trial_revise"
TRIAL_REMOVE: Final = "trial_remove"
"""The buttons of the card that `crewgate check --send-test-card` posts."""
