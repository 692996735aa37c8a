"""The names that Slack sends back: actions, modals, blocks, commands.

Slack's limit for each is 255 characters.
"""

from typing import Final

COMMAND: Final = "/crew"

# --- buttons; those of reviews are in `reviews/buttons.py` ----------------------------------------

ANSWER: Final = "answer"
"""A button for each outcome of a flow: `answer.0`, `answer.1`, …"""
ANSWER_MENU: Final = "answer_menu"
"""The outcomes as a menu; an entry's value is the round's id and the outcome's number."""
NEXT_PAGE: Final = "next_page"
PREVIOUS_PAGE: Final = "previous_page"
ADD_NOTE: Final = "add_note"
NEXT_NOTES: Final = "next_notes"
PREVIOUS_NOTES: Final = "previous_notes"
MENU: Final = "menu"
"""The menu on a card. Its block's id begins with the round's id; its values are ids of buttons."""
REFRESH_STATUS: Final = "refresh_status"
POST_STATS: Final = "post_stats"
"""The button's value is the query: the days and, after a space, a crew if the query names one."""
STATS_CSV: Final = "stats_csv"
HOME_REFRESH: Final = "home_refresh"
HOME_NEXT: Final = "home_next"
HOME_PREVIOUS: Final = "home_previous"

# --- modals and their fields ----------------------------------------------------------------------

REVISE_MODAL: Final = "revise_modal"
NOTES_MODAL: Final = "notes_modal"
APPROVE_MODAL: Final = "approve_modal"
CONFIRM_MODAL: Final = "confirm_modal"
EDIT_MODAL: Final = "edit_modal"
CHANGE_MODAL: Final = "change_modal"
ARGUMENT: Final = "argument"
"""A field with an argument of a call; its block is called `argument.REVISION.NUMBER`."""
REFER_MODAL: Final = "refer_modal"
REFER_TO: Final = "refer_to"
"""The name of the person's picker and of its block, in the form for a referral."""
DISMISS_MODAL: Final = "dismiss_modal"
DISMISS_REPORT_MODAL: Final = "dismiss_report_modal"
PAGES_MODAL: Final = "pages_modal"
FEEDBACK: Final = "feedback"
"""Both the block and the input that hold a reviewer's feedback."""
EDITED: Final = "edited"
"""A box with a part of an output; its block is called `edited.REVISION.NUMBER`."""

KICKOFF_CHOICE: Final = "kickoff_choice"
CREW: Final = "crew"
KICKOFF_FORM: Final = "kickoff_form"
KICKOFF_INPUT: Final = "kickoff_input"
"""Every field of the kickoff form; its block is called `kickoff_input.NAME`."""

AWAY_FORM: Final = "away_form"
AWAY_UNTIL: Final = "away_until"
AWAY_DELEGATE: Final = "away_delegate"
"""The name of the person's picker and of its block, in the form for absences."""

LESSON_FORM: Final = "lesson_form"
LESSON_EDIT_FORM: Final = "lesson_edit_form"
LESSON_KEEP: Final = "lesson_keep"
LESSON_DROP: Final = "lesson_drop"
LESSON_RETIRE: Final = "lesson_retire"
LESSON_EDIT: Final = "lesson_edit"
LESSONS_NEXT: Final = "lessons_next"
LESSONS_PREVIOUS: Final = "lessons_previous"

TRIAL_APPROVE: Final = "trial_approve"
TRIAL_REVISE: Final = "trial_revise"
TRIAL_REMOVE: Final = "trial_remove"
"""The buttons of the card that `crewgate check --send-test-card` posts."""
