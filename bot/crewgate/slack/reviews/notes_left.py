"""The notes that are not in the box of the form behind Revise: whole, however long, in pages."""

from collections.abc import Iterator, Sequence
from typing import Final

from crewgate.domain.caveats import Draft, Note
from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, button, context, section
from crewgate.slack.blockkit.pagination import page_of_blocks
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.blockkit.text import pieces_of
from crewgate.slack.reviews import strings
from crewgate.slack.reviews.buttons import page_buttons

#: Blocks of one page of notes: above and below stand the box and an output's beginning.
_BLOCKS: Final = 40
_PART: Final = 1_000
"""A note that the box cannot hold is added in parts of at most so many characters."""


def render_notes_left(draft: Draft, reader: str, page: int) -> list[Block]:
    """One page of them, each with its author and a button that adds it.

    What the box can never hold can be added in parts by who wrote it: `reader` is a user's id.
    """
    if not draft.left:
        return []
    found = page_of_blocks(_notes(draft, reader), page, most=_BLOCKS)
    turn = page_buttons(
        found.number,
        found.total,
        value=f"{found.number}",
        previous_id=ids.PREVIOUS_NOTES,
        next_id=ids.NEXT_NOTES,
    )
    return [section("*Other notes: add what should be sent*"), *found.blocks, *turn]


def part_in_feedback(note: Note, number: int) -> str | None:
    """One part of a long note, counted from 1, as it goes into the feedback; None: no such part."""
    parts = _parts(note)
    if not 1 <= number <= len(parts):
        return None
    return note.attributed_part(parts[number - 1], number, len(parts))


def is_in(feedback: str, note: Note) -> bool:
    """Whether nothing of a note is left to add."""
    if note.fits:
        return note.attributed in feedback
    parts = _parts(note)
    return all(
        note.attributed_part(words, number, len(parts)) in feedback
        for number, words in enumerate(parts, 1)
    )


def _parts(note: Note) -> Sequence[str]:
    return pieces_of(note.text, _PART)


def _notes(draft: Draft, reader: str) -> Iterator[list[Block]]:
    """What stands together: a note, or a part of one."""
    for note in draft.left:
        if note.fits:
            add = button("Add", action_id=ids.ADD_NOTE, value=note.ts)
            head = section(_author(note))
            head |= {"block_id": f"note-{note.ts}", "accessory": add}
            yield [head, *quotation(note.text)]
        elif note.by.id == reader:
            yield [context(f"{_author(note)}, more than the box holds. Add the parts that matter.")]
            yield from _parts_left(note, draft.text)
        else:
            only = "who wrote it may add parts of it."
            head = context(f"{_author(note)}, more than the box holds: {only}")
            yield [head, *quotation(note.text)]


def _parts_left(note: Note, feedback: str) -> Iterator[list[Block]]:
    parts = _parts(note)
    for number, words in enumerate(parts, 1):
        if note.attributed_part(words, number, len(parts)) in feedback:
            continue
        value = f"{note.ts} {number}"
        add = button("Add this part", action_id=ids.ADD_PART, value=value)
        head = section(strings.part(number, len(parts)))
        head |= {"block_id": f"note-{note.ts}-{number}", "accessory": add}
        yield [head, *quotation(words)]


def _author(note: Note) -> str:
    """The author and the length of a note."""
    return f"{shared.person(note.by)} · {shared.counted(len(note.text), 'character')}"
