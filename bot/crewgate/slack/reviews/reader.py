"""The reader: modals with the whole text, the changes and the history, in pages for any length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Final, assert_never

from crewgate.domain.acts import first_arguments
from crewgate.domain.caveats import Seen, Share
from crewgate.domain.masking import NOTHING, Masking
from crewgate.domain.notification import Output
from crewgate.domain.review import Round, State
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks, excerpts
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.rich_text import in_blocks, quotation
from crewgate.slack.blockkit.text import clean, is_blank, one_line
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.changes import render_changes
from crewgate.slack.reviews.output import laid_out, output_in_modal, page_of_call
from crewgate.slack.reviews.standing import standing
from crewgate.slack.words import cards, names, states
from crewgate.slack.words.names import date
from crewgate.usecases.read_models import CardView, RoundLine

ROUNDS_ON_A_PAGE: Final = 4
_OUTPUT_SHOWN: Final = 1_500
_OUTPUT_LIMIT: Final = 30_000
"""The limit of one output on a history page, as JSON: a view has room for four, with words."""


def page_of_history(
    history: Sequence[RoundLine], round_id: str, page: int | None
) -> excerpts.BlocksPage:
    """Return this page of a history, or the last; without a number, the page with this round."""
    if page is None:
        places = (at for at, line in enumerate(history) if line.round.id == round_id)
        page = next(places, 0) // ROUNDS_ON_A_PAGE
    total = max(1, -(-len(history) // ROUNDS_ON_A_PAGE))
    page = min(page, total - 1)
    first = page * ROUNDS_ON_A_PAGE
    shown = history[first : first + ROUNDS_ON_A_PAGE]
    return excerpts.BlocksPage(
        [block for line in shown for block in render_round(line)], page, total
    )


def render_round(line: RoundLine) -> Iterator[Block]:
    round_ = line.round
    yield blocks.divider()
    yield blocks.section(f"*{names.number_of(round_)}* · {date(round_.opened_at)}")
    shown, characters = excerpts.first_part(line.excerpt, _OUTPUT_SHOWN, render=clean)
    if round_.removed_at is not None:
        yield blocks.section(names.removed(round_.removed_at))
    elif is_blank(shown):
        yield blocks.section(names.EMPTY_OUTPUT)
    elif round_.subject.has_arguments:
        arguments, _ = first_arguments(shown)
        yield from in_blocks(laid_out(arguments, _OUTPUT_SHOWN)[0])
    else:
        yield from output_in_modal(Output(shown, line.format), limit=_OUTPUT_LIMIT)
    if characters < line.characters:
        first = f"The first {characters:,} of {line.characters:,} characters"
        yield blocks.section(first, buttons.READ.on(round_.id))
    answered, outcome = states.decision_and_answer(round_)
    yield blocks.section(answered[: blocks.SECTION_LIMIT])
    if round_.decision is not None:
        yield from quotation(states.written(round_.decision))
    if outcome:
        yield blocks.section(outcome[: blocks.SECTION_LIMIT])


#: The most characters of the task's `expected_output` above the first page of its output.
_EXPECTED: Final = 500
_TITLES: Final = {
    ReaderTab.WHOLE: cards.READ,
    ReaderTab.UNMASKED: cards.READ,
    ReaderTab.CHANGES: cards.CHANGES,
    ReaderTab.HISTORY: cards.HISTORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderPage:
    """A page as a modal; `is_end`: the output's last page; `unmasks`: all masks were shown."""

    view: Block
    is_end: bool
    unmasks: bool
    pages: int
    """The pages turned, including this one, of `total`."""
    total: int


def render_reader(
    position: ReaderPosition,
    view: CardView,
    history: Sequence[RoundLine],
    *,
    masking: Masking = NOTHING,
    may_unmask: bool = False,
) -> ReaderPage:
    """Render a page of the reader, with its viewer's buttons while the round waits.

    `masking` finds the masked passages of a text shown without masks. The worst texts take half a
    second, or as long as masking: call it off the event loop.
    """
    page, share, unmasked = _page(position, view, history)
    unmasks = bool(unmasked) and _has_all_masks(unmasked, view.output.text, masking)
    round_ = view.round
    above = standing(view, was_asked=position.tab is not ReaderTab.CHANGES)  # the page says it
    waits = round_.state is State.WAITING
    reader = None if view.viewer is None else view.viewer.user
    is_output = position.tab in (ReaderTab.WHOLE, ReaderTab.UNMASKED)
    goes_on = is_output and page.number + 1 < page.total
    first = page.number if position.first is None else position.first
    turn = partial(
        buttons.page_buttons,
        page,
        value=round_.id,
        previous_id=ids.PREVIOUS_PAGE,
        next_id=ids.NEXT_PAGE,
    )
    is_end = is_output and not goes_on
    facts = replace(view.circumstances, read_to_end=is_end)
    facts = replace(facts, masked=False) if unmasks else facts
    now = round_.opened_at if view.viewer is None else view.viewer.now
    asks = facts.asks(reader, now, Seen(share=share, in_reader=True))
    # Approve is not green before the last page, where *Next* is.
    decide = [
        *buttons.decide_buttons(
            round_, reader=reader, approvers=view.approvers, asks=asks or goes_on
        ),
        *buttons.last_buttons(round_, reader=reader),
    ]
    task = round_.review.expected_output if is_output and page.number == 0 else None
    shown = blocks.present(
        blocks.section(cards.about(view)),
        *above,
        *([] if waits and (above or not round_.votes) else _state(round_)),
        *_masks(position.tab, view, unmasks=unmasks, may_unmask=may_unmask),
        blocks.context(f"The task: {one_line(task, _EXPECTED)}") if task else None,
        *turn(on_top=True),
        *page.blocks,
        *turn(is_next_green=goes_on),
        blocks.actions(*decide) if waits else None,
    )
    now_at = replace(position, page=page.number, share=share, first=first, unmasked=unmasked)
    return ReaderPage(
        view=blocks.modal(
            _TITLES[position.tab], shown, callback_id=ids.PAGES_MODAL, metadata=now_at.as_metadata()
        ),
        is_end=is_end,
        unmasks=unmasks,
        pages=page.number - first + 1,
        total=page.total,
    )


def _has_all_masks(shown: tuple[int, ...], text: str, masking: Masking) -> bool:
    first, last = masking.extent(excerpts.cleaned(text))
    return min(shown) <= first and last <= max(shown)


def _state(round_: Round) -> Iterator[Block]:
    """Yield the round's state; only the card tells the progress of a decision."""
    is_new = round_.state is State.DECIDED and round_.reason is None
    recorded = cards.recorded(round_) if is_new or round_.state is State.WAITING else ""
    yield blocks.section(recorded or states.in_full(round_))
    if round_.decision is not None and not recorded:
        yield from quotation(states.written(round_.decision), states.FEEDBACK_SHOWN)


def _page(
    position: ReaderPosition, view: CardView, history: Sequence[RoundLine]
) -> tuple[excerpts.BlocksPage, Share | None, tuple[int, ...]]:
    share, unmasked = position.share, position.unmasked
    match position.tab:
        case ReaderTab.WHOLE | ReaderTab.UNMASKED:
            page, of_page, places = _page_of_output(position, view)
            if position.tab is ReaderTab.UNMASKED:
                places = (*unmasked, *places)
                unmasked = min(places), max(places)
            # Percentages are compared first: numbers of characters differ with and without masks.
            share = max(of_page, share or of_page, key=attrgetter("percent", "shown"))
            return page, share, unmasked
        case ReaderTab.CHANGES:
            changes = ([block] for block in render_changes(view))
            return excerpts.page_of_blocks(changes, position.page or 0), share, unmasked
        case ReaderTab.HISTORY:
            page = page_of_history(history, position.round_id, position.page)
            return page, share, unmasked
        case _:
            assert_never(position.tab)


def _page_of_output(
    position: ReaderPosition, view: CardView
) -> tuple[excerpts.BlocksPage, Share, tuple[int, ...]]:
    """Return a page, the share of the output up to its end, and its places in the text."""
    output, share = view.output, position.share
    if view.round.subject.has_arguments and view.round.removed_at is None:
        of_call = page_of_call(output, position.page, share)
        if of_call is not None:
            page, of_page = of_call
            whole = len(excerpts.cleaned(output.text))
            ends = (0,) * (page.number == 0) + (whole,) * (page.number + 1 == page.total)
            return page, of_page, ends or (whole // 2,)
    seen = 0 if share is None else share.shown
    found = excerpts.page_of(output.text, position.page, seen=seen)
    page = excerpts.BlocksPage(_whole(found.text, view), found.number, found.total)
    return page, found.share, (found.start, found.share.shown)


def _masks(tab: ReaderTab, view: CardView, *, unmasks: bool, may_unmask: bool) -> list[Block]:
    if tab is ReaderTab.UNMASKED:
        says = "Nothing is masked here. Only you see this, and the audit trail tells that you did."
        more = "" if unmasks else " More is masked on pages that you have not turned to."
        return [blocks.context(f"{says}{more}")]
    if tab is not ReaderTab.WHOLE or not view.masked:
        return []
    masked = f"{cards.masked(view.masked)}."
    if not may_unmask:
        return [blocks.section(f"{masked} Only who may decide can have this shown.")]
    return [blocks.section(masked, buttons.UNMASK.on(view.round.id))]


def _whole(text: str, view: CardView) -> list[Block]:
    if view.round.removed_at is not None:
        return [blocks.section(names.removed(view.round.removed_at))]
    if is_blank(text):
        return [blocks.section(names.EMPTY_OUTPUT)]
    return output_in_modal(Output(text, view.output.format))
