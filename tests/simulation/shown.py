"""Messages' words, which are so: what a card shows, whom a message calls, and what an end says."""

from collections import Counter
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import ExecutionState
from crewgate.domain.lessons import LessonState
from crewgate.domain.review import State
from tests.simulation.known import Known
from tests.simulation.mentions import MENTIONS
from tests.simulation.oracle import Check, require
from tests.simulation.people import CLAIMED
from tests.simulation.product import LEGAL, OPERATOR, SCANS

_UPDATES: Final = (
    *(EffectKind.POST, EffectKind.REPOST, EffectKind.DIRECT_MESSAGE, EffectKind.EXPIRE_CLAIM),
    *(EffectKind.REFRESH, EffectKind.REFRESH_DIRECT_MESSAGE),
)


async def a_waiting_card_says_what_is_so(of: Known) -> None:
    """It shows the approvals and notes that there are, and a claim for as long as it lasts.

    Else an update of it is still to do, or was given up.
    """
    slack, now = of.world.slack, of.world.clock()
    every = await of.world.everything()
    coming = [row for row in every if row.kind != EffectKind.EXPIRE_CLAIM or row.due_at <= now]
    changing = {row.subject.partition(" ")[0] for row in coming if row.kind in _UPDATES}
    for round_ in of.in_state(State.WAITING):
        if round_.id in changing:
            continue
        for message in (*slack.keyed(f"card {round_.id}"), *slack.keyed(f"direct {round_.id}")):
            view, drawn_at = message.view, message.drawn_at
            if view is None or drawn_at is None or slack.is_given_up(message):
                continue
            voters = [sorted(vote.voices) for vote in round_.votes]
            shows = [sorted(vote.voices) for vote in view.round.votes]
            read = f"{message.key} shows approvals of {shows}, there are {voters}"
            require(shows == voters, "told", read)
            written = [one for one in of.written.values() if one.origin == round_.origin]
            read = f"{message.key} shows {view.notes} notes, its thread has {len(written)}"
            require(view.notes == len(written), "told", read)
            claim = view.claim
            if claim is not None and drawn_at - claim.at < CLAIMED:
                read = f"{message.key} shows a claim of {claim.by.id} since {claim.at}"
                require(now - claim.at < CLAIMED, "silent", read)
            held = of.claims.get(round_.id)
            if held is not None and now - held.at < CLAIMED:
                read = f"{message.key} shows the claim {claim}, there is {held}"
                require(claim is not None and claim.by == held.by, "told", read)


async def an_end_is_told_once(of: Known) -> None:
    """An execution has one message with its result, which points to no card elsewhere."""
    cards = of.world.slack.cards()
    told = Counter(
        (one.execution.crew, one.execution.execution_id)
        for one in of.world.slack.said
        if one.what is EffectKind.POST_RESULT and one.execution.crew in {LEGAL, SCANS}
        if one.execution.state is not ExecutionState.GONE  # it may come back, and end
    )
    for one in of.world.slack.said:
        card = cards.get(one.posting.approved.id) if one.posting.approved else None
        read = f"the end of {one.execution.execution_id} in {one.ref.channel} points to {card}"
        require(card is None or card.ref.channel == one.ref.channel, "told", read)
    twice = [key for key, many in told.items() if many > 1]
    require(not twice, "silent", f"the end of {twice} is told more than once")


async def an_author_is_told_of_a_lessons_end(of: Known) -> None:
    """The author of a lesson is told that others, or time, ended it; not of their own act."""
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for lesson_id in of.ever_kept:
        lesson, _ = await of.world.uow.read.lessons.find(lesson_id)
        is_told = bool(of.world.slack.keyed(f"retired {lesson_id} {lesson.author.id}"))
        by = lesson.ended_by
        is_news = lesson.state is LessonState.RETIRED and (by is None or by != lesson.author)
        is_aside = any(subject.startswith(lesson_id) for subject in aside)
        read = f"{lesson_id} of {lesson.author.id} is {lesson.state}, ended by {by and by.id}"
        require(is_told == is_news or is_aside, "told", f"{read}; its author is told: {is_told}")


async def operators_know_of_an_empty_group(of: Known) -> None:
    """They are told each time that nobody is left of a group, and at no other time."""
    told = of.world.slack.keyed(f"nobody left {LEGAL} {OPERATOR.id}")
    every = await of.world.everything()
    aside = sum(row.set_aside_at is not None for row in every if row.kind == "nobody_left")
    read = f"{len(told)} messages say that nobody is left, it was so {of.told_empty} times"
    require(len(told) + aside == of.told_empty, "told", read)


SHOWN: Final[tuple[Check, ...]] = (
    an_end_is_told_once,
    an_author_is_told_of_a_lessons_end,
    operators_know_of_an_empty_group,
    *MENTIONS,
)
