"""The card: the message that shows a round, in every state of its life."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, TypeAlias

from crewgate.domain.caveats import Share
from crewgate.domain.notification import Format
from crewgate.domain.review import Round
from crewgate.domain.verdict import Decision
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import (
    Block,
    Message,
    actions,
    context,
    notification,
    section,
)
from crewgate.slack.blockkit.excerpts import length
from crewgate.slack.blockkit.pagination import count_pages
from crewgate.slack.blockkit.text import is_blank
from crewgate.slack.payloads import with_share
from crewgate.slack.reviews import state_strings, strings
from crewgate.slack.reviews.buttons import (
    CHANGES,
    CLAIM,
    DISMISS,
    READ,
    READ_WORDS,
    REOPEN,
    RETRY,
    decide_buttons,
    last_buttons,
    outcomes_in_full,
)
from crewgate.slack.reviews.comparison import measure_changes
from crewgate.slack.reviews.menu import with_menu
from crewgate.slack.reviews.output import output_on_card
from crewgate.slack.reviews.presentation import (
    Closed,
    OnItsWay,
    Stuck,
    Superseded,
    Taken,
    Waiting,
    present,
)
from crewgate.usecases.read_models import CardView

_NAME_LIMIT: Final = 80

_Ended: TypeAlias = OnItsWay | Taken | Stuck | Superseded | Closed


def render_card(view: CardView, *, now: datetime) -> Message:
    """A round that waits with its output, or what became of it.

    A card stays for days, so its times are left to Slack; `now` ends a claim.
    """
    round_ = view.round
    shown = present(round_)
    output = output_on_card(view.output)
    headline = state_strings.headline(round_, shown, view.subject)
    if isinstance(shown, Waiting):
        blocks = [
            with_menu(headline, view, output.share),
            context(strings.about_waiting(view)),
            *_about_rule(view),
            *_asked(round_),
            *_since_the_round_before(view),
            *output.blocks,
            *_what_people_do(view, now=now),
            *_decide(view, output.share),
        ]
    else:
        blocks = [with_menu(headline, view), *_folded(view, shown)]
    text = notification(state_strings.push(round_, shown, view.subject))
    return Message(text, blocks, output.share.percent, output.too_long)


def render_card_plain(view: CardView, *, now: datetime) -> Message:
    """The same without anything an agent or a caller wrote, for when Slack refuses the card."""
    round_ = view.round
    shown = present(round_)
    headline = state_strings.headline(round_, shown, "")
    if isinstance(shown, Waiting):
        share = Share(0, max(1, length(view.output.text)))
        blocks = [
            with_menu(headline, view, share),
            context(strings.about_plain(round_)),
            *_about_rule(view),
            section(strings.NOT_SHOWABLE),
            *_what_people_do(view, now=now),
            *_decide(view, share),
        ]
    else:
        blocks = [with_menu(headline, view), *_folded(view, shown)]
    text = notification(state_strings.push(round_, shown))
    return Message(text, blocks, shown=0, too_long=True)


def file_name(view: CardView) -> str:
    """The name of the file with the whole output: `research_task-round-2-7yu4vT.md`.

    Two tasks of an execution may have one title, and a file is known by its name: so a part of the
    round's id is in it.
    """
    task = re.sub(r"[^A-Za-z0-9_]+", "-", view.round.review.title[: 4 * _NAME_LIMIT])
    ending = "json" if view.output.format is Format.JSON else "md"
    named = task[:_NAME_LIMIT].strip("-") or "output"
    return f"{named}-round-{view.round.number}-{view.round.id[:6]}.{ending}"


def file_title(view: CardView) -> str:
    """The title Slack shows above that file."""
    return shared.which_round(view.round)


# --- while it waits ------------------------------------------------------------------------------


def _about_rule(view: CardView) -> list[Block]:
    """The lines about the rule, the approvals and the delegates."""
    lines = strings.about_rule(view)
    return [context("\n".join(lines))] if lines else []


def _asked(round_: Round) -> list[Block]:
    """The question of a flow, in its own words."""
    if round_.question is None or is_blank(round_.question.message):
        return []
    return [section(shared.quoted(round_.question.message, strings.MESSAGE_SHOWN))]


def _since_the_round_before(view: CardView) -> list[Block]:
    """The request for changes in the round before, and the changes since."""
    lines: list[str] = []
    earlier = strings.earlier_feedback(view.answers) if view.answers is not None else None
    if earlier:
        lines.append(earlier)
    if view.round.unchanged:
        lines.append(strings.unchanged(view.round))
    elif view.previous is not None and view.before is not None:
        changes = measure_changes(view.before, view.output)
        lines.append(strings.changed(changes, view.previous))
    return [section(line) for line in lines]


def _what_people_do(view: CardView, *, now: datetime) -> list[Block]:
    """The lines about notes and the claim."""
    opens = strings.REVISE if view.round.question is None else strings.IN_WORDS
    lines = [
        *([strings.notes(view.notes, view.noted_by, opens)] if view.notes else []),
        *([strings.on_it(view.claim)] if view.claim is not None and view.claim.holds(now) else []),
    ]
    return [context(line) for line in lines]


def _decide(view: CardView, share: Share) -> list[Block]:
    """The effect of the buttons, and the buttons, beside this share of the output."""
    round_id, question = view.round.id, view.round.question
    buttons = [*decide_buttons(view.round)]
    if share.shown < share.of:
        label = strings.read_all(count_pages(view.output.text))
        buttons.append(READ.on(round_id, label=label))
    if view.previous is not None:
        buttons.append(CHANGES.on(round_id))
    buttons += [CLAIM.on(round_id), *last_buttons(view.round)]
    what = context(strings.what_buttons_do(view.round))
    row = actions(*buttons) | {"block_id": with_share("decide", share)}
    if question is None:
        return [what, row]
    warning = [context(strings.HOST_REFUSED)] if question.host_refused else []
    return [*outcomes_in_full(question), *warning, what, row]


# --- once it does not wait any more --------------------------------------------------------------


def _folded(view: CardView, shown: _Ended) -> list[Block]:
    """The decision's time and words, the crew's answer, and what can be done."""
    round_ = view.round
    if isinstance(shown, Superseded):
        blocks = [
            context(strings.about_undecided(round_)),
            section(strings.NOBODY_DECIDED),
        ]
        return [*blocks, actions(*_read_buttons(round_, None))]
    decision = shown.decision
    if decision is None:
        blocks = [context(strings.about_undecided(round_))]
    else:
        said = state_strings.said(decision)
        blocks = [
            context(strings.about_decided(round_, decision)),
            *_all_who_approved(decision),
            *([section(said)] if said else []),
        ]
    # That it is being done again is over once the next round is there.
    if not (view.newer is not None and state_strings.is_done_again(shown)):
        blocks.append(section(state_strings.answer(shown)))
    return [*blocks, actions(*_act_buttons(round_, shown), *_read_buttons(round_, decision))]


def _all_who_approved(decision: Decision) -> list[Block]:
    """All of them, where the first line names only some."""
    if len(decision.votes) <= phrases.NAMED_SHORT:
        return []
    return [context(phrases.sentence(decision))]


def _act_buttons(round_: Round, shown: _Ended) -> list[Block]:
    match shown:
        case Stuck():
            return [RETRY.on(round_.id), DISMISS.on(round_.id)]
        case Closed(can_reopen=True):
            return [REOPEN.on(round_.id), DISMISS.on(round_.id)]
        case _:
            return []


def _read_buttons(round_: Round, decision: Decision | None) -> list[Block]:
    read = READ.on(round_.id)
    if decision is None or not state_strings.is_cut(decision):
        return [read]
    return [read, READ_WORDS.on(round_.id)]
