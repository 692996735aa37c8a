"""A review's rounds, the newest first: output, decision, every word of it, the crew's answer."""

from collections.abc import Iterator, Sequence
from typing import Final

from crewgate.domain.notification import Output
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import SECTION_LIMIT, Block, divider, section
from crewgate.slack.blockkit.excerpts import first_part
from crewgate.slack.blockkit.pagination import BlocksPage
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.blockkit.text import clean, date, is_blank
from crewgate.slack.reviews import states
from crewgate.slack.reviews.buttons import READ
from crewgate.slack.reviews.output import output_in_modal
from crewgate.usecases.read_models import RoundLine

ROUNDS_ON_A_PAGE: Final = 4
_OUTPUT_SHOWN: Final = 1_500
_OUTPUT_LIMIT: Final = 30_000
"""The most it may take of a view, written as JSON: four with their words are far below
what Slack takes."""


def page_of_history(history: Sequence[RoundLine], round_id: str, page: int | None) -> BlocksPage:
    """One page of it, or the last; without a number the one with this round.

    Only the rounds of that page are rendered.
    """
    if page is None:
        places = (at for at, line in enumerate(history) if line.round.id == round_id)
        page = next(places, 0) // ROUNDS_ON_A_PAGE
    total = max(1, -(-len(history) // ROUNDS_ON_A_PAGE))
    page = min(page, total - 1)
    first = page * ROUNDS_ON_A_PAGE
    shown = history[first : first + ROUNDS_ON_A_PAGE]
    return BlocksPage([block for line in shown for block in render_round(line)], page, total)


def render_round(line: RoundLine) -> Iterator[Block]:
    round_ = line.round
    yield divider()
    yield section(f"*{shared.number_of(round_)}* · {date(round_.opened_at)}")
    shown, characters = first_part(line.excerpt, _OUTPUT_SHOWN, render=clean)
    if round_.removed_at is not None:
        yield section(shared.removed(round_.removed_at))
    elif is_blank(shown):
        yield section(shared.EMPTY_OUTPUT)
    else:
        yield from output_in_modal(Output(shown, line.format), limit=_OUTPUT_LIMIT)
    if characters < line.characters:
        left_off = section(f"The first {characters:,} of {line.characters:,} characters")
        yield left_off | {"accessory": READ.on(round_.id)}
    answered, outcome = states.decision_and_answer(round_)
    yield section(answered[:SECTION_LIMIT])
    if round_.decision is not None:
        yield from quotation(states.written(round_.decision))
    if outcome:
        yield section(outcome[:SECTION_LIMIT])
