"""The ten sentences that hold whatever happens; each check names what it read.

Most are looked at after each step; some only once nothing fails any more, and nothing is due.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Approve, Person, Revise, TimedOut
from crewgate.store.tables import audit_entries, metadata
from crewgate.usecases.queries import queue
from crewgate.usecases.stats import of_crew
from tests.simulation.known import Known
from tests.simulation.product import ASKED, EVERYBODY, HOUR, NUMBER, SCANS, TASKS, TOOLS

SENTENCES: Final = {
    "unseen": "nothing is decided unseen",
    "may": "nobody decides who may not",
    "runs": "nothing runs twice or otherwise than approved",
    "told": "whoever may decide was told",
    "home": "what waits for me is in my Home",
    "once": "a decision reaches its crew once",
    "removed": "a text that was removed is nowhere",
    "trail": "what the trail replays is what happened",
    "figures": "each figure is recounted",
    "jobs": "no job waits without a reason",
    "truth": "what is shown as done was done",
}
OVER: Final = (State.RESUMED, State.SUPERSEDED, State.CLOSED)
Check = Callable[[Known], Awaitable[None]]


class Broken(Exception):
    """A sentence does not hold."""

    def __init__(self, sentence: str, read: str) -> None:
        super().__init__(SENTENCES[sentence], read)
        self.sentence = SENTENCES[sentence]
        self.read = read


def require(holds: object, sentence: str, read: str) -> None:
    if not holds:
        raise Broken(sentence, read)


async def nothing_is_decided_unseen(of: Known) -> None:
    """A rule's time counts from the moment at which Slack took what shows or counts the round."""
    for round_ in of.known:
        decision = round_.decision
        if decision is None or not isinstance(decision.by, TimedOut):
            continue
        shown = first_shown(of, round_)
        after = decision.by.after.length
        waited = decision.at - shown if shown is not None else None
        read = f"{round_.id} was shown at {shown}, decided by time at {decision.at}"
        require(waited is not None and waited >= after, "unseen", read)


def first_shown(of: Known, round_: Round) -> datetime | None:
    """When Slack first took its card or private message, or a waiting card that counts it."""
    slack = of.world.slack
    times = [
        one.at
        for one in slack.shown
        if one.at >= round_.opened_at
        and (one.round.id == round_.id or (one.gathered and counts(one.round, round_)))
    ]
    private = f"direct {round_.id} "
    times += [one.posted_at for one in slack.messages if one.key.startswith(private)]
    return min(times, default=None)


def counts(card: Round, round_: Round) -> bool:
    """Whether a card that waits tells of a round of its flood."""
    same = (card.review.crew, card.review.task_name) == (
        round_.review.crew,
        round_.review.task_name,
    )
    return same and card.state is State.WAITING and card.rule == round_.rule


async def nobody_decides_who_may_not(of: Known) -> None:
    """Each voice is of somebody who might decide then; and as many as this test's own rules ask."""
    for round_ in of.known:
        decision = round_.decision
        if decision is None or not isinstance(decision.by, Person):
            continue
        voices = {vote.by.id for vote in decision.votes} or {decision.by.id}
        for vote in decision.votes:
            by, at = vote.by, vote.at
            require(of.may_decide(by, round_, at), "may", f"{by.id} approved {round_.id} at {at}")
        if isinstance(decision.verdict, Approve):
            needed = of.needed(round_)
            read = f"{round_.id} {of.text_of(round_)!r} needs {needed}, approved by {voices}"
            require(len(voices) >= needed, "may", read)


async def nothing_runs_otherwise_than_approved(of: Known) -> None:
    """Each run of a call has an approval of its own, of just these arguments, given knowingly."""
    for call in of.calls.values():
        given = [decision.at for _, decision, _ in call.ran]
        require(len(set(given)) == len(given), "runs", f"{call.task} ran twice by {given}")
        for ran, decision, ran_at in call.ran:
            read = f"{call.task} ran at {ran_at} by an approval of {decision.at}"
            require(ran_at - decision.at < HOUR, "runs", read)
            about = [one for one in of.known if one.decision == decision]
            require(about, "runs", f"{call.task} ran by {decision}, which no round has")
            texts = [json.loads(of.texts[one.id]) for one in about]
            expected = [*map(str, texts), *map(json.dumps, texts)]
            require(ran in expected, "runs", f"{call.task} ran with {ran}, approved was {texts}")
            for one in about:
                by_rule = not isinstance(decision.by, Person)
                knew = isinstance(one.subject, ToolCall) and not one.subject.may_have_run
                read = f"{one.id} may have run, and a rule approved it"
                require(not by_rule or knew, "runs", read)
        for round_ in of.in_state(State.WAITING):
            review = round_.review
            is_of = (review.execution_id, review.task_id) == (call.execution, call.task)
            if is_of and call.ran and of.first_seen[round_.id] > call.ran[-1][2]:
                knows = isinstance(round_.subject, ToolCall) and round_.subject.may_have_run
                read = f"{round_.id} asks about {call.task}, which ran, and does not say so"
                require(knows, "runs", read)


async def what_waits_is_in_home(of: Known) -> None:
    """Home lists just what a person may decide, and its totals count it."""
    by = EVERYBODY[of.looks % len(EVERYBODY)]
    expected = {
        one.id
        for one in of.in_state(State.WAITING)
        if of.may_decide(by, one) and all(by.id not in vote.voices for vote in one.votes)
    }
    found: list[str] = []
    page = pages = 0
    while page <= pages - 1 or not page:
        home = await queue(by.id, page=page, context=of.world.reviews)
        lines = (*home.mine.lines, *home.nobody.lines)
        found += [line.round.id for line in lines]
        open_ = [line.round.id for line in (*lines, *home.others.lines) if NUMBER in line.excerpt]
        require(not open_, "home", f"Home of {by.id} shows what the cards of {open_} mask")
        pages, page = home.pages, page + 1
    missing = sorted(expected - set(found))
    require(not missing, "home", f"Home of {by.id} lacks {missing}, lists {sorted(found)}")
    twice = [one for one, many in Counter(found).items() if many > 1]
    require(not twice, "home", f"Home of {by.id} lists {twice} more than once")
    total = home.mine.total + home.nobody.total
    require(total == len(found), "figures", f"Home of {by.id} counts {total}, lists {len(found)}")


async def a_decision_stands(of: Known) -> None:
    """The first decision of a round stays; only the latest round of a review is unfinished."""
    latest = {one.review.id: one for one in of.known}
    for round_ in of.known:
        first = of.decisions.get(round_.id)
        read = f"{round_.id}: {round_.decision} in the place of {first}"
        require(round_.removed_at or round_.decision == first, "truth", read)
        read = f"{round_.id} {round_.state} beside {latest[round_.review.id].id}"
        require(round_ == latest[round_.review.id] or round_.state in OVER, "truth", read)


# --- in the end ---


async def whoever_may_decide_was_told(of: Known) -> None:
    """Each waiting round has a card, or a waiting card of its flood counts it."""
    waiting = of.in_state(State.WAITING)
    cards = {
        message.key.removeprefix("card "): message
        for message in of.world.slack.messages
        if message.key.startswith("card ") and not message.deleted
    }
    without = [one for one in waiting if one.id not in cards]
    for round_ in without:
        counting = [
            cards[one.id]
            for one in waiting
            if one.id in cards and counts(one, round_) and cards[one.id].gathered
        ]
        # A card that was deleted comes back with the next update of its round.
        was_deleted = any(
            message.key == f"card {round_.id}" and message.deleted
            for message in of.world.slack.messages
        )
        read = f"{round_.id} {round_.review.execution_id} waits: {[*cards]} are the cards"
        require(counting or was_deleted, "told", read)
    for round_ in waiting:
        card = cards.get(round_.id)
        if card is not None and card.gathered:
            many = sum(counts(round_, one) for one in without)
            read = f"the card of {round_.id} counts {card.gathered}, {many} wait without one"
            require(card.gathered <= many, "figures", read)


async def a_decision_reaches_its_crew_once(of: Known) -> None:
    """No decision is on its way for ever, or taken twice; and what a crew waits for is asked."""
    for name, client in of.world.clients.items():
        taken = Counter((one.execution_id, one.task_id, one.decision.at) for one in client.taken)
        twice = [key for key, many in taken.items() if many > 1 and name != TASKS]
        require(not twice, "once", f"{name} took {twice} more than once")
        for execution, task in client.pending:
            if name == TASKS and of.crew.branch_of(execution, task).ambiguous:
                continue
            asked = [
                one
                for one in of.known
                if (one.review.crew, one.review.execution_id, one.review.task_id)
                == (name, execution, task)
            ]
            latest = asked[-1] if asked else None
            is_asked = latest is not None and (
                latest.state in (State.WAITING, State.STUCK) or latest.id in of.dismissed
            )
            shown = latest and (latest.id, latest.state, latest.reason)
            require(is_asked, "once", f"{name} waits at {execution} {task}: {shown}")


async def what_is_shown_as_done_was_done(of: Known) -> None:
    """A decision that is shown as taken was taken; the cards show the rounds as they are."""
    for round_ in of.known:
        require(round_.state is not State.DECIDED, "once", f"{round_.id} is on its way for ever")
        client = of.world.clients.get(round_.review.crew)
        if client is not None and round_.decision is not None and not round_.removed_at:
            sent = any(one == round_.decision for _, one in client.asked)
            taken = any(one.decision == round_.decision for one in client.taken)
            ambiguous = False
            if round_.review.crew == TASKS:
                branch = of.crew.branch_of(round_.review.execution_id, round_.review.task_id)
                unseen = of.crew.texts.get(round_.id, "") in of.crew.taken_unseen
                ambiguous = sent and (branch.ambiguous or unseen)
            read = f"{round_.id} {round_.state} {round_.reason}: taken {taken}, sent {sent}"
            if round_.state is State.RESUMED:
                require(taken or ambiguous, "truth", read)
            elif taken:
                is_call = isinstance(round_.subject, ToolCall)
                require(round_.in_doubt or is_call, "truth", read)
        for message in of.world.slack.keyed(f"card {round_.id}"):
            assert isinstance(message.shows, Round)
            shows = (message.shows.state, message.shows.reason)
            instead = f"refresh failed {round_.id} {round_.state.value} "
            said = any(one.key.startswith(instead) for one in of.world.slack.messages)
            read = f"the card of {round_.id} shows {shows}, it is {round_.state} {round_.reason}"
            is_current = shows == (round_.state, round_.reason) or round_.removed_at
            require(is_current or said, "told", read)


async def a_removed_text_is_nowhere(of: Known) -> None:
    """Neither the output of a round whose texts were removed, nor a lesson from it."""
    gone = {
        of.texts.get(one.id) or of.crew.texts.get(one.id, ""): one
        for one in of.known
        if one.removed_at is not None
    }
    gone |= {
        lesson.text: of.round(lesson.round_id)
        for lesson in of.proposed.values()
        if of.round(lesson.round_id).removed_at is not None and lesson.id not in of.kept
    }
    there = {text for one in of.known if not one.removed_at and (text := of.text_of(one))}
    gone = {text: one for text, one in gone.items() if text and text not in there}
    if not gone:
        return
    async with of.world.engines.for_outbox.read.connect() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(sa.select(table)):
                stored = " ".join(map(str, row))
                for text, one in gone.items():
                    read = f"{table.name} has {text!r} of {one.id}, removed at {one.removed_at}"
                    require(text not in stored, "removed", read)


async def the_trail_replays_what_happened(of: Known) -> None:
    """The last entry about a round has its state, and the entry of its decision who decided."""
    every = sa.select(audit_entries.c.body).order_by(audit_entries.c.id)
    last: dict[str, str] = {}
    decided: dict[str, list[tuple[str, str]]] = defaultdict(list)
    async with of.world.engines.for_outbox.read.connect() as connection:
        for row in await connection.execute(every):
            entry = json.loads(row.body)
            data = entry["data"]
            if "round" in data and "state" in data:
                last[data["round"]] = data["state"]
            if entry["code"] in {"CG124", "CG125", "CG126"}:
                decided[data["round"]].append((entry["actor"], data["verdict"]))
    for round_ in of.known:
        read = f"{round_.id} is {round_.state}, the trail ends with {last.get(round_.id)}"
        require(last.get(round_.id) == round_.state.value, "trail", read)
        found, decision = decided[round_.id], round_.decision
        expected = []
        if decision is not None:
            by = decision.by.id if isinstance(decision.by, Person) else "rule"
            word = type(decision.verdict).__name__.lower()
            expected = [(by, "revise" if word == "refuse" else word)]
        read = f"{round_.id} was decided {expected}, the trail has {found}"
        require(found == expected, "trail", read)


async def each_figure_is_recounted(of: Known) -> None:
    """The numbers of `/crew stats`, and the outcomes behind its sample."""
    days, now = 7, of.world.clock()
    for crew in (TASKS, TOOLS, ASKED, SCANS):
        found = (await of_crew(crew, days=days, context=of.world.reviews)).crews[0].figures.now
        mine = [
            one
            for one in of.known
            if one.review.crew == crew
            and one.decision is not None
            and one.decision.at >= now - timedelta(days=days)
        ]
        outputs = [one for one in mine if not isinstance(one.subject, ToolCall)]
        people = [one for one in outputs if isinstance(_by(one), Person)]
        approved = sum(isinstance(_verdict(one), Approve) for one in people)
        revised = sum(isinstance(_verdict(one), Revise) for one in people)
        read = f"{crew}: {found.approved} approved, {found.revised} revised; {approved}, {revised}"
        require((found.approved, found.revised) == (approved, revised), "figures", read)
        rules = [rule.id for rule in await of.world.uow.read.rules((crew,))]
        since = now - timedelta(days=days)
        listed = await of.world.uow.read.stats.verdicted({crew: ["", *rules]}, since=since)
        for one in listed:
            round_ = of.round(one.id)
            rewritten = round_.edited_by is not None or not isinstance(_verdict(round_), Approve)
            read = f"{round_.id}: sent back {one.sent_back}, edited by {round_.edited_by}"
            require(bool(one.sent_back) == rewritten, "figures", read)


def _by(round_: Round) -> object:
    return round_.decision and round_.decision.by


def _verdict(round_: Round) -> object:
    return round_.decision and round_.decision.verdict


def is_to_do(row: Any) -> bool:
    """Whether a row of the outbox is not one that waits for a day that comes by itself."""
    later = {EffectKind.POLL_STATUS, EffectKind.END_LESSON}
    return row.set_aside_at is None and row.kind not in later


async def no_job_waits_without_a_reason(of: Known) -> None:
    """What was set aside was refused for good, or over a day; nothing else is left."""
    for row in await of.world.everything():
        if row.set_aside_at is not None:
            read = f"{row.kind} {row.subject} was set aside: {row.set_aside_why!r}"
            require(row.set_aside_why not in {"", "unreadable"}, "jobs", read)
        else:
            read = f"{row.kind} {row.subject} is left, due at {row.due_at}"
            require(not is_to_do(row), "jobs", read)


ALWAYS: Final[tuple[Check, ...]] = (
    a_decision_stands,
    nothing_is_decided_unseen,
    nobody_decides_who_may_not,
    nothing_runs_otherwise_than_approved,
    what_waits_is_in_home,
)
IN_THE_END: Final[tuple[Check, ...]] = (
    whoever_may_decide_was_told,
    a_decision_reaches_its_crew_once,
    what_is_shown_as_done_was_done,
    a_removed_text_is_nowhere,
    the_trail_replays_what_happened,
    each_figure_is_recounted,
    no_job_waits_without_a_reason,
)
