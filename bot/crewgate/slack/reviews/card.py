"""The card: the message that shows a round, in every state of its life."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from crewgate.domain import caveats, lessons, reason, verdict
from crewgate.domain.notification import Format
from crewgate.domain.review import Round, State
from crewgate.domain.subjects import question_of
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import (
    Block,
    Message,
    actions,
    context,
    present,
    push_text,
    said_of,
    section,
    with_share,
)
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.reviews import buttons, output, tool_calls
from crewgate.slack.reviews.changes import changed, compare_outputs
from crewgate.slack.reviews.standing import what_happens, what_people_do, what_was_asked
from crewgate.slack.words import cards, decisions, names, states
from crewgate.slack.words.names import Link, linked
from crewgate.usecases.read_models import CardView, MessageRef

_NAME_LIMIT: Final = 80
#: The most entries of a menu: Slack's limit of an overflow menu.
_MENU: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A round whose card is rendered.

    In the channel a card shows the state of the latest round, which is `told`; `reader` is the only
    person who sees the card. `body` is the output, or the arguments of a call.
    """

    view: CardView
    told: Round
    now: datetime
    reader: str | None
    topic: str
    body: output.ShownOutput
    plain: bool

    @property
    def is_whole(self) -> bool:
        return not (self.plain or self.view.is_quiet)

    @property
    def headline(self) -> str:
        another = self.told is not self.view.round and not _shows_arguments(self.view)
        return states.headline(self.told, self.topic, by_number=another)


_Parts = tuple[Callable[[_Card], list[Block]], ...]


def render_card(
    view: CardView, *, now: datetime, reader: str | None = None, plain: bool = False
) -> Message:
    """Render a waiting round with its output, or a later state.

    A card stays for days, so Slack formats its times; `now` tells which are past or near, and ends
    a claim. `plain` leaves out foreign text, for a card that Slack refused.
    """
    card = _Card(
        view=view,
        told=view.shown_round if reader is None else view.round,
        now=now,
        reader=reader,
        topic="" if plain else view.topic,
        body=_body(view, plain=plain),
        plain=plain,
    )
    parts = _OF_WAITING if view.round.state is State.WAITING else _OF_OTHERS
    spoken = names.spoken(view.round, card.topic, "" if plain else view.output.text)
    blocks = [block for part in parts for block in part(card)]
    return Message(
        push_text(states.push(card.told, card.topic, _first_argument(card))),
        [said_of(one, spoken) if one["type"] == "actions" else one for one in blocks],
        shown=card.body.share.percent,
        too_long=card.body.too_long,
        no_approver=view.approvers is not None and view.approvers.too_few,
    )


def render_direct_message(
    view: CardView,
    card: MessageRef | None,
    *,
    reader: str,
    link: Link,
    now: datetime,
    why: tuple[str, ...] = (),
    plain: bool = False,
) -> Message:
    message = render_card(view, now=now, reader=reader, plain=plain)
    where = linked("in the channel", card, link)
    line = f"It is also {where}."
    if view.round.state is State.WAITING:
        alone = view.round.rule.approvals == 1
        counts = "The first decision counts." if alone else "Your approval counts once."
        line = names.joined(f"Decide here or {where}. {counts}", *why)
    headline, *others = message.blocks
    return replace(message, blocks=[headline, context(line), *others])


def file_name(view: CardView) -> str:
    """Return `research_task-round-2-7yu4vT.md`: the id distinguishes tasks with one title."""
    task = re.sub(r"[^A-Za-z0-9_]+", "-", view.round.review.title[: 4 * _NAME_LIMIT])
    ending = "json" if view.output.format is Format.JSON else "md"
    named = task[:_NAME_LIMIT].strip("-") or "output"
    return f"{named}-round-{view.round.number}-{view.round.id[:6]}.{ending}"


def _body(view: CardView, *, plain: bool) -> output.ShownOutput:
    if plain:
        return output.not_showable(view.output)
    on_card = output.arguments_on_card if _shows_arguments(view) else output.output_on_card
    return on_card(view.output, is_short=view.is_quiet)


def _first_argument(card: _Card) -> str:
    shows = _shows_arguments(card.view) and not card.plain
    return output.first_text_argument(card.view.output) if shows else ""


def _shows_arguments(view: CardView) -> bool:
    """Return True for a call: the card shows the changes of its arguments."""
    return view.round.subject.has_arguments


def _title(card: _Card) -> list[Block]:
    """The first line, with a menu of the actions that have no button.

    The block's id is the round's, since a menu has no value of its own. It has the share of a
    waiting round's output that is on the card: a whole output needs no Read all.
    """
    view, round_ = card.view, card.view.round
    waits = round_.state is State.WAITING
    share = card.body.share if waits else None
    changes = not waits and _has_changes(view)
    comment = waits and round_.subject.has_text
    edit = comment and output.parts_to_edit(view.output) is not None
    wished = view.answers is not None and lessons.wisher_of(view.answers) is not None
    taught = view.lessons is not None and lessons.may_teach(round_) and wished
    entries = present(
        buttons.HISTORY,
        buttons.CHANGES if changes else None,
        buttons.COMMENT if comment else None,
        buttons.EDIT if edit else None,
        buttons.READ if share is not None and _shows_all(view, share) else None,
        buttons.REFER if waits else None,
        buttons.KEEP_LESSON if taught else None,
        buttons.LESSONS if names.with_lessons(view.lessons) else None,
    )
    if len(entries) > _MENU:  # the card itself shows all that *Read all* would
        entries.remove(buttons.READ)
    options = [one.entry for one in entries]
    menu = {"type": "overflow", "action_id": ids.MENU, "options": options}
    name = round_.id if share is None else with_share(round_.id, share)
    return [section(card.headline, menu) | {"block_id": name}]


def _has_changes(view: CardView) -> bool:
    return view.previous is not None or view.output.rewritten is not None


# --- the card of a round that waits ---------------------------------------------------------------


def _about(card: _Card) -> list[Block]:
    """Return the small lines below the headline; on a short card, what time does alone."""
    view, now, plain = card.view, card.now, card.plain
    if view.is_quiet:
        about = names.capital(cards.if_nobody_decides(view, now))
    else:
        changed = "" if plain else _changed(view)
        about = cards.about_waiting(view, now=now, changed=changed, plain=plain, reader=card.reader)
    return [context(about)] if about else []


def _changed(view: CardView) -> str:
    """Return the amount of changes; empty where `what_was_asked` warns that nothing changed."""
    told_below = _shows_arguments(view) or view.round.unchanged
    if told_below or view.previous is None or view.before is None:
        return ""
    changes = compare_outputs(view.before, view.output, with_words=False)
    return changed(changes, view.previous, may_hide=view.may_hide_changes)


def _waits_again(card: _Card) -> list[Block]:
    again = decisions.waits_again(card.view.round)
    return [section(again)] if again else []


def _asked(card: _Card) -> list[Block]:
    return [] if card.plain else what_was_asked(card.view)


def _other_arguments(card: _Card) -> list[Block]:
    return tool_calls.other_arguments(card.view) if card.is_whole else []


def _output(card: _Card) -> list[Block]:
    return [*card.body.blocks]


def _tool(card: _Card) -> list[Block]:
    tool = tool_calls.about_tool(card.view) if card.is_whole else ""
    return [context(tool)] if tool else []


def _masked(card: _Card) -> list[Block]:
    if not card.view.masked:
        return []
    line = f"{cards.masked(card.view.masked)}."
    unmask = buttons.UNMASK.on(card.view.round.id)
    if card.view.circumstances.needs_unmasking and _shows_text(card.body.share):
        unmask |= {"style": "primary"}
    masked = section(line, unmask)
    return [masked | {"block_id": with_share("masked", card.body.share)}]


def _people(card: _Card) -> list[Block]:
    is_quiet, view = card.view.is_quiet, card.view
    return [] if is_quiet else what_people_do(view, now=card.now, reader=card.reader or "")


def _decide(card: _Card) -> list[Block]:
    view, share, reader = card.view, card.body.share, card.reader
    round_id, question = view.round.id, question_of(view.round.subject)
    asks = view.circumstances.asks(reader, card.now, caveats.seen_on_card(share))
    offered = [
        *buttons.decide_buttons(view.round, reader=reader, approvers=view.approvers, asks=asks)
    ]
    if not _shows_all(view, share):
        pages = output.count_pages(view.output, is_call=_shows_arguments(view))
        label = f"{buttons.READ.label} ({pages:,} pages)" if pages > 1 else buttons.READ.label
        # The green button shows what is hidden: here, or *Show them* beside the masks.
        read = buttons.READ.on(round_id, label=label)
        offered.append(read if _shows_text(share) else read | {"style": "primary"})
    if _has_changes(view) and not _shows_arguments(view):
        offered.append(buttons.CHANGES.on(round_id))
    offered += [buttons.CLAIM.on(round_id), *buttons.last_buttons(view.round, reader=reader)]
    used = "" if view.is_quiet else tool_calls.tools_used(view)
    what = [] if view.is_quiet else [what_happens(view, reader)]
    row = actions(*offered) | {"block_id": with_share("decide", share)}
    if question is None:
        return [*([context(used)] if used else []), *what, row]
    warning = [context(cards.HOST_REFUSED)] if question.host_refused else []
    return [*buttons.outcomes_in_full(question), *warning, *what, row]


def _shows_all(view: CardView, share: caveats.Share) -> bool:
    return _shows_text(share) and not view.circumstances.needs_unmasking


def _shows_text(share: caveats.Share) -> bool:
    return share.shown >= share.of and not share.beyond


#: The parts of the card of a round that waits, from above.
_OF_WAITING: Final[_Parts] = (
    _title,
    _about,
    _waits_again,
    _asked,
    _other_arguments,
    _output,
    _tool,
    _masked,
    _people,
    _decide,
)


# --- the card of a round that does not wait any more ----------------------------------------------


def _folded(card: _Card) -> list[Block]:
    view, told, round_ = card.view, card.told, card.view.round
    run = names.run(view.run_url)
    if round_.state is State.SUPERSEDED:
        is_edited = isinstance(round_.reason, reason.EditedBy)
        blocks = [
            context(names.joined(cards.about_undecided(round_), run)),
            section(states.in_full(round_) if is_edited else cards.NOBODY_DECIDED),
        ]
        if round_.removed_at is not None:
            return [*blocks, context(names.removed(round_.removed_at))]
        unseen = decisions.left_unseen(told.decision) if told.decision else ""
        return [
            *blocks,
            *tool_calls.other_arguments(view),
            *present(context(unseen) if unseen else None),
            actions(*_read_buttons(round_, told, None)),
        ]
    decision = round_.decision
    is_sent = round_.state is State.DECIDED and round_.reason is None
    goes_well = is_sent or round_.state is State.RESUMED
    if decision is not None and isinstance(decision.by, verdict.ByRule) and goes_well:
        return _of_rule(view, decision)
    if decision is None:
        blocks = [context(names.joined(cards.about_undecided(round_), run))]
    else:
        changed = tool_calls.other_arguments(view)
        about = cards.about_decided(round_, decision, is_told=told is round_)
        blocks = present(
            context(names.joined(about, names.with_lessons(view.lessons), run)),
            *_all_who_approved(decision),
            *(changed or present(output.decided_on(view))),
            *quotation(states.written(decision), states.FEEDBACK_SHOWN),
        )
    # A newer round shows by itself that the crew has done the task again, so `answer` is left out.
    is_done_again = decision is not None and isinstance(decision.verdict, verdict.Revise)
    if not (view.newer is not None and round_.state is State.RESUMED and is_done_again):
        blocks.append(section(states.answer(round_)))
    if round_.removed_at is not None:
        return [*blocks, context(names.removed(round_.removed_at))]
    return [*blocks, actions(*_act_buttons(round_), *_read_buttons(round_, told, decision))]


def _of_rule(view: CardView, decision: verdict.Decision) -> list[Block]:
    """Return the arguments that a rule decided on alone, and its reason: nobody has seen them."""
    round_ = view.round
    why = quotation(states.written(decision), states.FEEDBACK_SHOWN)
    result = states.answer(round_) if round_.call_result else ""
    if round_.removed_at is not None:
        return [context(names.removed(round_.removed_at))]
    arguments = output.arguments_on_card(view.output).blocks if _shows_arguments(view) else []
    about = names.joined(names.run(view.run_url), result)
    return present(*arguments, *why, context(about) if about else None)


def _all_who_approved(decision: verdict.Decision) -> list[Block]:
    """Name all approvers, if the first line names only some, or not their groups."""
    grouped = any(vote.group for vote in decision.votes)
    if len(decision.votes) <= decisions.NAMED_SHORT and not grouped:
        return []
    return [context(decisions.sentence(decision))]


def _act_buttons(round_: Round) -> list[Block]:
    if round_.state is State.STUCK:
        return [*buttons.stuck_buttons(round_)]
    return (
        [buttons.REOPEN.on(round_.id), buttons.DISMISS.on(round_.id)] if round_.can_reopen else []
    )


def _read_buttons(round_: Round, told: Round, decision: verdict.Decision | None) -> list[Block]:
    read = buttons.READ.on(told.id)
    if decision is None or not states.is_cut(decision):
        return [read]
    return [read, buttons.READ_WORDS.on(round_.id)]


#: The parts of the card of a round that does not wait any more, from above.
_OF_OTHERS: Final[_Parts] = (_title, _folded)
