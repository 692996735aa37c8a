"""Notes that are not in the box of the form behind Revise."""

from typing import Final

from crewgate.domain.caveats import Draft, Note
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, button, context, section
from crewgate.slack.blockkit.pagination import page_of_blocks
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.reviews.buttons import page_buttons

#: Blocks of one page of notes: above and below stand the box and an output's beginning.
_BLOCKS: Final = 40


def render_notes_left(draft: Draft, page: int) -> list[Block]:
    """One page of the notes that are not in the box, whole, each with a button that adds it."""
    if not draft.left:
        return []
    found = page_of_blocks(map(_note, draft.left), page, most=_BLOCKS)
    turn = page_buttons(
        found.number,
        found.total,
        value=f"{found.number}",
        previous_id=ids.PREVIOUS_NOTES,
        next_id=ids.NEXT_NOTES,
    )
    return [section("*Other notes: add what should be sent*"), *found.blocks, *turn]


def _note(note: Note) -> list[Block]:
    about = f"{shared.person(note.by)} · {shared.counted(len(note.text), 'character')}"
    if not note.fits:
        head = context(f"{about}, more than the box holds: copy what should be sent.")
        return [head, *quotation(note.text)]
    add = button("Add", action_id=ids.ADD_NOTE, value=note.ts)
    head = section(about) | {"block_id": f"note-{note.ts}", "accessory": add}
    return [head, *quotation(note.text)]
