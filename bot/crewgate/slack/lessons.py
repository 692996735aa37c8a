"""Lessons: the offer to keep one, its form, its card, and `/crew lessons`."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from crewgate.domain.lessons import LESSON_CHARACTERS, Lesson, LessonsGiven, LessonState
from crewgate.domain.people import ReviewerRef, Role
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block, Message, button, context, present, section
from crewgate.slack.blockkit.excerpts import page_of_blocks
from crewgate.slack.blockkit.rich_text import leaf, paragraph, quotation
from crewgate.slack.blockkit.text import leaf_line, place_to_break
from crewgate.slack.client.replies import send_ephemeral
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import render_notice
from crewgate.slack.ids import COMMAND
from crewgate.slack.payloads import parse_submission
from crewgate.slack.press import Press
from crewgate.slack.reviews import buttons
from crewgate.slack.reviews.listeners import Verb
from crewgate.slack.reviews.replies import FormReply, Reply
from crewgate.slack.words import cards, decisions, names
from crewgate.slack.words.names import Link, bold, counted, day, joined, linked, person
from crewgate.slack.words.people import called, mentionable
from crewgate.usecases import lessons
from crewgate.usecases.read_models import CardView, CrewLessons, LessonLine, LessonView

TITLE: Final = "Keep as a lesson"
GIVEN_TITLE: Final = "Lessons given"
NO_LESSONS: Final = (
    "There are no lessons yet. Once a text that you had asked for is approved, you can keep your "
    "words as a lesson, if the crew has `{lessons}` in a task or an agent."
)
_ASKED: Final = ":bulb: Approved. You had asked for this:"
_REMOVED: Final = ":wastebasket: Its text was removed, some time after its end."
#: `_WHOLE` is the room for a lesson in full, once escaped: an unseen character becomes about
#: eight, as in `‹U+200B›`. `_AMONG` is the room for each lesson that a proposal's card lists.
_WHOLE: Final = 8 * LESSON_CHARACTERS
_AMONG: Final = 200
_BESIDE: Final = 20
"""The most lessons that a proposal's card lists."""
#: The most blocks of lessons in a message; the page's number and buttons stand below them.
_BLOCKS: Final = 48


# --- the offer to keep a lesson, and its form -----------------------------------------------------


def render_offer(view: CardView) -> Message:
    """Render the offer to keep a revision's words as a lesson; the revised text is approved now."""
    round_ = view.round
    crew = bold(names.crew(round_.review.crew))
    asked = quotation(_wish(view), _WHOLE)
    keep = f"Keep it as a lesson, and {crew} is told it at each start: nobody has to ask again."
    row = blocks.actions(buttons.KEEP_LESSON.on(round_.id))
    shown = [section(_ASKED), *asked, section(keep), row]
    return Message(f"{TITLE}: what you asked for is approved", shown)


def _wish(view: CardView) -> str:
    decision = None if view.answers is None else view.answers.decision
    return "" if decision is None else decision.human_feedback


def first_words(wish: str) -> str:
    """Return the words of a revision in one line, cut after a sentence or a word if too long."""
    line = " ".join(wish.split())
    if len(line) <= LESSON_CHARACTERS:
        return line
    return line[: place_to_break(line, LESSON_CHARACTERS // 2, LESSON_CHARACTERS)].rstrip()


def render_form(crew: str, text: str, about: str, *, replaces: bool = False) -> Block:
    """Render a lesson's form; `about` is the id of its round, or of the lesson that it replaces."""
    means = f"{bold(names.crew(crew))} is told this at each start, once its reviewers keep it."
    field = blocks.text_field(
        "The lesson, in one sentence",
        block_id=ids.FEEDBACK,
        action_id=ids.FEEDBACK,
        max_length=LESSON_CHARACTERS,
        value=text,
        placeholder="Add a source for every figure.",
        multiline=True,
    )
    until_then = context("The lesson as it is now holds until then.") if replaces else None
    return blocks.modal(
        "Edit a lesson" if replaces else TITLE,
        blocks.present(section(means), field, until_then),
        callback_id=ids.LESSON_EDIT_FORM if replaces else ids.LESSON_FORM,
        metadata=about,
        submit="Propose",
    )


# --- the card of a lesson -------------------------------------------------------------------------


def render_card(
    view: LessonView, people: Sequence[ReviewerRef], *, link: Link, calls: bool = False
) -> Message:
    """Render a lesson's card; `calls` mentions the `people` who may keep it."""
    lesson, ballot = view.lesson, view.ballot
    crew = names.crew(lesson.crew)
    origin = linked(f"round {ballot.number:,} of {names.task(ballot)}", view.from_card, link)
    above = [section(f":bulb: {_headline(lesson, crew)}"), *_quoted(lesson)]
    below: list[Block] = []
    match lesson.state:
        case LessonState.PROPOSED:
            may = [
                ref
                for ref in mentionable(ballot.not_voted(people))
                if str(ref) != lesson.author.id or ballot.rule.self_approval
            ]
            asks = f"{called(may)}: please keep or drop it." if calls and may else None
            above[1:1] = blocks.present(section(asks) if asks else None)
            needs = cards.so_far(ballot) or f"needs {cards.approvals(ballot.rule.approvals)}"
            about = joined(needs, f"from {origin}", day(lesson.proposed_at))
            keep = button("Keep", action_id=ids.LESSON_KEEP, value=lesson.id, style="primary")
            drop = button("Drop", action_id=ids.LESSON_DROP, value=lesson.id)
            row = blocks.said_of(blocks.actions(keep, drop), lesson.text)
            below = [*_other_lessons(view), row]
        case LessonState.KEPT:
            about = joined(_since(lesson), f"from {origin}")
            below = [_acts(lesson)]
        case _:
            ended = "" if lesson.ended_at is None else day(lesson.ended_at)
            about = joined(f"proposed by {person(lesson.author)}", f"from {origin}", ended)
    push = f"{names.crew(lesson.crew, names.PLAIN)}: a lesson {decisions.lesson_is(lesson)}"
    return Message(blocks.push_text(push), [*above, context(names.capital(about)), *below])


def _quoted(lesson: Lesson) -> list[Block]:
    return quotation(lesson.text, _WHOLE) or [section(_REMOVED)]


def _listed(number: int, lesson: Lesson) -> Block:
    """Return a lesson in a list; the text of a lesson that ended long ago was removed."""
    text = leaf_line(lesson.text, _WHOLE)
    return paragraph(leaf(f"{number:,}. {text}")) if text else section(f"{number:,}. {_REMOVED}")


def _headline(lesson: Lesson, crew: str) -> str:
    if lesson.state is LessonState.PROPOSED:
        what = "Other words for a lesson of" if lesson.replaces else "A lesson for"
        return f"{bold(f'{what} {crew}')}, proposed by {person(lesson.author)}"
    if lesson.state is LessonState.KEPT:
        return f"{bold(f'A lesson of {crew}')}, kept by {decisions.voters(lesson.votes)}"
    by = "" if lesson.ended_by is None else f" by {person(lesson.ended_by)}"
    return f"{bold(f'This lesson for {crew} {decisions.lesson_is(lesson)}')}{by}"


def _other_lessons(view: LessonView) -> list[Block]:
    others, elsewhere = view.beside, view.beside_elsewhere
    unread = f"{elsewhere:,} that this channel may not read" if elsewhere else ""
    if not others:
        return [context(f"It would stand beside {unread}.")] if unread else []
    mark = leaf(" (it would replace this)", italic=True)
    lines = (
        present(
            leaf(f"\n• {leaf_line(one.text, _AMONG)}"),
            mark if one.id == view.lesson.replaces else None,
        )
        for one in others[:_BESIDE]
    )
    listed = paragraph(leaf("It would stand beside:"), *chain.from_iterable(lines))
    left = len(others) - _BESIDE
    last = [f"{names.more(left)}: `{COMMAND} lessons`"] if left > 0 else []
    last += [f"and {unread}"] if unread else []
    return [listed, *([context(joined(*last))] if last else [])]


def _since(lesson: Lesson) -> str:
    since = f"since {day(lesson.kept_at or lesson.proposed_at)}"
    until = "" if lesson.expires_at is None else f"until {day(lesson.expires_at)}"
    return joined(f"taught by {person(lesson.author)}", since, until)


def _acts(lesson: Lesson) -> Block:
    retire = button("Retire", action_id=ids.LESSON_RETIRE, value=lesson.id)
    edit = button("Edit…", action_id=ids.LESSON_EDIT, value=lesson.id)
    acts = [retire] if lesson.of_flow else [retire, edit]
    return blocks.said_of(blocks.actions(*acts), lesson.text)


def render_retired(lesson: Lesson) -> Message:
    """Render the message to a lesson's author: somebody else retired it, or its time is over."""
    crew, by = names.crew(lesson.crew), lesson.ended_by
    says = f":bulb: The time of your lesson for {bold(crew)} is over:"
    if by is not None:
        says = f":bulb: {person(by)} retired your lesson for {bold(crew)}:"
    since = f"{crew} is started without it from now on."
    if lesson.of_flow:
        since = f"Texts of {crew} are not rewritten by it from now on."
    return Message(
        blocks.push_text(f"Your lesson for {lesson.crew} {decisions.lesson_is(lesson)}"),
        [section(says), *_quoted(lesson), context(since)],
    )


# --- `/crew lessons` ------------------------------------------------------------------------------


def render_list(found: Sequence[CrewLessons], *, only: str, link: Link, page: int = 0) -> Message:
    """Render a page of crews' lessons; `only` is the crew that was asked for, or empty."""
    if not any(one.lines for one in found):
        return Message(NO_LESSONS, [section(NO_LESSONS)])
    place = f"{page} {only}"
    groups = (group for one in found if one.lines for group in _groups(one, place, link))
    shown = page_of_blocks(groups, page, most=_BLOCKS)
    value = f"{shown.number} {only}"
    turn = buttons.page_buttons(
        shown, value=value, previous_id=ids.LESSONS_PREVIOUS, next_id=ids.LESSONS_NEXT
    )
    return Message("What reviewers taught their crews", [*shown.blocks, *turn])


def _groups(found: CrewLessons, place: str, link: Link) -> Iterator[list[Block]]:
    count = sum(one.lesson.state is LessonState.KEPT for one in found.lines)
    proposed = len(found.lines) - count
    counts = f"{count:,} kept" + (f", {proposed:,} proposed" if proposed else "")
    headline = f"{bold(f'Lessons of {names.crew(found.crew)}')}: {counts}"
    yield [section(headline)]
    for number, one in enumerate(found.lines, 1):
        words = _listed(number, one.lesson)
        about = context(names.capital(_about(one, link)))
        is_kept = one.lesson.state is LessonState.KEPT
        row = _acts(one.lesson) | {"block_id": f"{_LISTED}{one.lesson.id} {place}"}
        yield [words, about, *([row] if is_kept else [])]


#: Begins the `block_id` of a lesson's buttons in a list; its id, the page and the crew follow.
_LISTED: Final = "listed "


def _about(one: LessonLine, link: Link) -> str:
    lesson, holds = one.lesson, "holds what `redact` masks" if one.is_masked else ""
    if lesson.state is LessonState.PROPOSED:
        where = linked("its card", one.card, link)
        keep = f"keep or drop it on {where}"
        return joined(f"proposed by {person(lesson.author)}", keep, holds)
    if lesson.of_flow:
        return joined("of a flow, drawn by CrewAI", _since(lesson), holds)
    used = f"used {cards.times(one.uses)}" if one.uses else "not used yet"
    before = f"asked for {cards.times(one.before)} before" if one.before else ""
    again = f"asked for again {cards.times(one.again)}" if one.again else ""
    again = f"*not followed*: {again}" if one.is_not_followed else again
    return joined(_since(lesson), before, used, again, holds)


# --- the lessons of an execution ------------------------------------------------------------------


def render_given(given: LessonsGiven, found: Sequence[Lesson]) -> Block:
    made = [block for number, one in enumerate(found, 1) for block in _as_given(number, one)]
    unread = len(given.ids) - len(found)
    out = f"There was no room for {counted(given.left_out, 'older lesson')}."
    last = [context(f"and {unread:,} that you may not read")] if unread else []
    last += [context(out)] if given.left_out else []
    head = section("This execution was started with these lessons, the newest last.")
    return blocks.modal(GIVEN_TITLE, [head, *made, *last])


def _as_given(number: int, lesson: Lesson) -> Iterator[Block]:
    yield _listed(number, lesson)
    if lesson.ended_at is not None:
        yield context(f"It {decisions.lesson_is(lesson)} later, {day(lesson.ended_at)}.")


# --- listeners for presses and forms --------------------------------------------------------------


def register(app: AsyncApp, context: SlackContext) -> None:
    for form in (ids.LESSON_FORM, ids.LESSON_EDIT_FORM):
        app.view(form)(partial(on_submitted, context=context))


async def _open_form(press: Press, reply: Reply) -> None:
    """Open the form with the words that asked for the approved text."""
    view = (await reply.context.uow.read.posting(press.value)).view
    await reply.context.ensure(press.by.id, Role.REVIEWER, view.round)
    await reply.open(render_form(view.round.review.crew, first_words(_wish(view)), press.value))


async def _show_given(press: Press, reply: Reply) -> None:
    view = (await reply.context.uow.read.posting(press.value)).view
    found = await lessons.lessons_given(press.by.id, press.value, context=reply.context)
    await reply.open(render_given(view.lessons or LessonsGiven(), found))


async def _edit(press: Press, reply: Reply) -> None:
    lesson = (await lessons.lesson(press.by.id, press.value, context=reply.context)).lesson
    lesson.require(LessonState.KEPT, reply.context.clock())
    await reply.open(render_form(lesson.crew, lesson.text, lesson.id, replaces=True))


async def _retire(press: Press, reply: Reply) -> None:
    await lessons.retire(press.by, press.value, context=reply.context)
    await reply.ack()
    if press.block_id.startswith(_LISTED):
        async with reply.recorded():
            await _show_list(press, reply, press.block_id.split(" ", 2)[2])


async def _turn(press: Press, reply: Reply, *, step: int) -> None:
    await reply.ack()
    await _show_list(press, reply, press.value, step=step)


async def _show_list(press: Press, reply: Reply, place: str, *, step: int = 0) -> None:
    page, _, only = place.partition(" ")
    listed = await list_lessons(press.by, only, reply.context, page=max(0, int(page) + step))
    await send_ephemeral(reply.respond, listed, replace=True)


def _voting(change: Callable[..., Awaitable[Lesson]]) -> Verb:
    async def verb(press: Press, reply: Reply) -> None:
        await change(press.by, press.value, context=reply.context)
        await reply.ack()

    return verb


VERBS: Final[Mapping[str, Verb]] = {
    buttons.KEEP_LESSON.id: _open_form,
    buttons.LESSONS.id: _show_given,
    ids.LESSON_KEEP: _voting(lessons.keep),
    ids.LESSON_DROP: _voting(lessons.drop),
    ids.LESSON_RETIRE: _retire,
    ids.LESSON_EDIT: _edit,
    ids.LESSONS_NEXT: partial(_turn, step=+1),
    ids.LESSONS_PREVIOUS: partial(_turn, step=-1),
}


async def on_submitted(ack: AsyncAck, body: Body, *, context: SlackContext) -> None:
    sent = parse_submission(body)
    propose = lessons.replace_lesson if sent.form == ids.LESSON_EDIT_FORM else lessons.propose
    reply = FormReply(ack, sent, context)
    async with reply.explained(sent.box):
        await propose(sent.by, sent.round_id, sent.feedback, context=context)
        says = "Proposed. Its reviewers find it in the thread of the review that it comes from."
        await reply.show(render_notice(says, title="Proposed"))


async def list_lessons(by: Person, only: str, context: SlackContext, *, page: int = 0) -> Message:
    found = await lessons.lessons_of(by.id, only or None, context=context)
    return render_list(found, only=only, link=context.identity.link, page=page)
