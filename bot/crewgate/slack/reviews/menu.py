"""The menu at a card's first line: what is neither a button nor needed for most reviews."""

from crewgate.domain.caveats import Share
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import Block, section
from crewgate.slack.payloads import with_share
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.edit_form import parts_to_edit
from crewgate.slack.reviews.presentation import Waiting, present
from crewgate.usecases.read_models import CardView


def with_menu(headline: str, view: CardView, share: Share | None = None) -> Block:
    """A card's first line with its menu. The block is named after the round.

    `share` is how much of a waiting round's output the card shows: all of it needs no button.
    """
    round_ = view.round
    waits = isinstance(present(round_), Waiting)
    changes = not waits and view.previous is not None
    comment = waits and round_.question is None
    edit = comment and parts_to_edit(view.output) is not None
    entries = [
        buttons.HISTORY,
        *([buttons.CHANGES] if changes else []),
        *([buttons.COMMENT] if comment else []),
        *([buttons.EDIT] if edit else []),
        *([buttons.READ] if share is not None and share.shown >= share.of else []),
    ]
    accessory = {
        "type": "overflow",
        "action_id": ids.MENU,
        "options": [one.entry for one in entries],
    }
    name = round_.id if share is None else with_share(round_.id, share)
    return section(headline) | {"block_id": name, "accessory": accessory}
