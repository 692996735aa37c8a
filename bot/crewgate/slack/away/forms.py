"""The form of somebody who goes away: the last day, and who decides for them."""

from datetime import date

from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.away import strings
from crewgate.slack.blockkit.blocks import Block, context, section
from crewgate.slack.blockkit.modals import date_field, modal, person_field


def render_form(*, until: date | None, delegate: Person | None, above: str = "") -> Block:
    """The form with the values that are set or were typed already; `above` is said first."""
    return modal(
        strings.TITLE,
        [
            *([section(above)] if above else []),
            date_field(strings.UNTIL, block_id=ids.AWAY_UNTIL, action_id=ids.AWAY_UNTIL, day=until),
            person_field(
                strings.DELEGATE,
                block_id=ids.AWAY_DELEGATE,
                action_id=ids.AWAY_DELEGATE,
                user=delegate.id if delegate is not None else None,
            ),
            context(strings.WHAT_IT_DOES),
        ],
        callback_id=ids.AWAY_FORM,
        submit=strings.SAVE,
    )
