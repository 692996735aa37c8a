"""A direct message about a round: its card, with a link to the one in the channel."""

from dataclasses import replace
from datetime import datetime

from crewgate.slack.blockkit.blocks import Message, context
from crewgate.slack.reviews import notice_strings
from crewgate.slack.reviews.card import render_card, render_card_plain
from crewgate.slack.reviews.links import Link, linked
from crewgate.slack.reviews.presentation import Waiting, present
from crewgate.usecases.read_models import CardView, MessageRef


def render_direct_message(
    view: CardView,
    card: MessageRef | None,
    *,
    reader: str,
    link: Link,
    now: datetime,
    plain: bool = False,
) -> Message:
    """Render the card for one person, with a link to the one in the channel.

    `card` is the one in the channel; `plain` leaves out what the agent wrote.
    """
    message = (render_card_plain if plain else render_card)(view, now=now, reader=reader)
    where = linked(notice_strings.THE_CARD, card, link)
    waits = isinstance(present(view.round), Waiting)
    line = notice_strings.decide_here_or(where, view.round) if waits else notice_strings.see(where)
    headline, *others = message.blocks
    return replace(message, blocks=[headline, context(line), *others])
