"""The sentences that hold once nothing fails any more and nothing is due, and a month later."""

import json
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from typing import Any, Final

import sqlalchemy as sa

from crewgate.audit.check_evidence import SHOWS
from crewgate.audit.run import verify
from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.reason import Dismissed, Inferred
from crewgate.domain.recorded import DECIDERS, verdict_label
from crewgate.domain.review import Round, State
from crewgate.domain.rules.rule import NO_RULE
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.store.audit import AuditReading
from crewgate.store.tables import audit_entries, metadata
from crewgate.usecases.queries import execution as execution_status
from crewgate.usecases.queries import pending
from crewgate.usecases.stats import of_crew
from tests.simulation.known import LOST_KICKOFF, NONSENSE, Known, counted_decisions
from tests.simulation.oracle import Check, require
from tests.simulation.product import (
    AUDITED,
    CREWS,
    HIDDEN,
    NUMBER,
    REVIEWERS,
    SCANS,
    TASKS,
    TOOLS,
)


async def whoever_may_decide_was_told(of: Known) -> None:
    """Each waiting round has a card of its own."""
    every = of.world.slack.cards()
    cards = {one for one, card in every.items() if not card.deleted}
    for round_ in of.in_state(State.WAITING):
        # A card that was deleted comes back with the next update of its round.
        was_deleted = round_.id in every and not of.is_ending
        read = f"{round_.id} {round_.review.execution_id} waits: {[*cards]} are the cards"
        require(round_.id in cards or was_deleted, "told", read)


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
    # A channel that refuses for a day has its messages set aside, which operators see.
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
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
            elif isinstance(round_.reason, Inferred) and isinstance(round_.subject, ToolCall):
                # The tool says that it ran, and not by which of the approvals that were lost.
                asked = [one.decision for one in of.known if one.origin == round_.origin]
                ambiguous = sent and any(one.decision in asked for one in client.taken)
            read = f"{round_.id} {round_.state} {round_.reason}: taken {taken}, sent {sent}"
            if round_.state is State.RESUMED:
                require(taken or ambiguous, "truth", read)
            elif taken:
                is_call = isinstance(round_.subject, ToolCall)
                require(round_.in_doubt or is_call, "truth", read)
        slack = of.world.slack
        for message in (*slack.keyed(f"card {round_.id}"), *slack.keyed(f"direct {round_.id}")):
            assert isinstance(message.shows, Round)
            shows = (message.shows.state, message.shows.reason)
            instead = f"refresh failed {round_.id} {round_.state.value} "
            said = any(one.key.startswith(instead) for one in of.world.slack.messages)
            # No thread tells of one person's message.
            said |= message.key.startswith("direct ") and slack.is_given_up(message)
            read = f"{message.key} shows {shows}, it is {round_.state} {round_.reason}"
            is_current = shows == (round_.state, round_.reason) or round_.removed_at
            require(is_current or said or round_.id in aside, "told", read)


async def what_a_rule_promises_was_done(of: Known) -> None:
    """People were reminded, others called, and time did what it does; the thread says so."""
    messages = of.world.slack.messages
    keys = [one.key for one in messages]
    live = [one.key for one in messages if not one.deleted]
    # A channel that refuses for a day has its messages set aside, which operators see.
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for round_ in of.in_state(State.WAITING):
        posted = f"card {round_.id}" in live
        rule = round_.rule
        if rule == NO_RULE or not posted or round_.id in aside:
            continue
        read = f"{round_.id} waits under {rule.name!r}: {round_.reminders} reminders"
        if rule.remind is not None:
            # Its time began anew when it came back, and a message of the time before may be found.
            since = of.waits_anew.get(round_.id, round_.opened_at)
            reminders = [one for one in messages if one.key.startswith(f"reminder {round_.id} ")]
            said = sum(one.posted_at >= since for one in reminders)
            done = round_.reminders == rule.remind.most <= said
            require(done, "told", f"{read}, {said} were posted")
        if rule.escalate is not None:
            called = round_.escalated_at is not None and f"escalated {round_.id}" in keys
            require(called, "told", f"{read}, nobody else was called")
        if rule.timeout is not None:
            require(f"timed out {round_.id}" in keys, "told", f"{read}, its time is over")


async def each_reviewer_has_a_message(of: Known) -> None:
    """A reviewer who is told in private has a message about each round that waits."""
    slack = of.world.slack
    keys = {one.key for one in slack.messages}
    for round_ in of.in_state(State.WAITING):
        if round_.review.crew == SCANS and slack.keyed(f"card {round_.id}"):
            left = [one.id for one in REVIEWERS if f"direct {round_.id} {one.id}" not in keys]
            require(not left, "told", f"{left} have no message about {round_.id}")


async def people_know_what_does_not_arrive(of: Known) -> None:
    """The thread tells of each decision that is stuck, or came to nothing."""
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for round_ in of.known:
        is_lost = round_.state is State.CLOSED and round_.decision is not None
        # A thread that somebody deleted, with its card, is told nothing of what is over.
        is_lost = is_lost and bool(of.world.slack.keyed(f"card {round_.id}"))
        if (round_.state is State.STUCK or is_lost) and round_.id not in aside:
            told = of.world.slack.keyed(f"stuck {round_.id}")
            read = f"{round_.id} is {round_.state} {round_.reason}, and its thread is silent"
            require(told, "told", read)


async def a_crew_gets_each_comment(of: Known) -> None:
    """The crew is told the comment of each person who approved."""
    for round_ in of.known:
        decision = round_.decision
        if decision is not None and decision.is_approve:
            said = [one.comment for one in decision.votes if one.comment]
            missing = [one for one in said if one not in decision.human_feedback]
            read = f"{round_.id} says {decision.human_feedback!r}, and not {missing}"
            require(not missing, "truth", read)


async def nobody_is_told_of_their_own_end(of: Known) -> None:
    """No message tells a person that they dismissed their own decision.

    A message of an earlier cause is planned anew after a deleted card.
    """
    keys = [one.key for one in of.world.slack.messages]
    deleted = {one.key for one in of.world.slack.messages if one.deleted}
    for round_ in of.known:
        is_own = round_.decision and getattr(round_.reason, "by", None) == round_.decision.by
        is_own = is_own and f"card {round_.id}" not in deleted
        if isinstance(round_.reason, Dismissed) and is_own and round_.ended_at:
            # The key has the time at which the message was planned.
            of_this = [key for key in keys if key.startswith(f"stuck {round_.id} ")]
            told = [key for key in of_this if key.split()[2] >= round_.ended_at.isoformat()]
            require(not told, "silent", f"{round_.reason} ended {round_.id}, and {told} say so")


async def a_message_is_posted_once(of: Known) -> None:
    """Neither a card nor what a rule says by time is in Slack twice, whatever answers were lost."""
    many = Counter(one.key for one in of.world.slack.messages if not one.deleted)
    twice = [key for key, number in many.items() if number > 1 and key.startswith(ONCE)]
    twice = [key for key in twice if of.came_back.isdisjoint({key, *key.split()})]
    require(not twice, "jobs", f"{twice} were posted more than once")


async def an_alarm_was_raised(of: Known) -> None:
    """Operators know of each call that ran and was not approved."""
    keys = [one.key for one in of.world.slack.messages]
    # A channel that refuses for a day has its messages set aside, which operators see.
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for round_id in of.alarms - aside:
        raised = any(key.startswith(f"call alarm {round_id} ") for key in keys)
        require(raised, "runs", f"{round_id} ran without an approval, and nobody was told")


async def a_removed_text_is_nowhere(of: Known) -> None:
    """Neither an output, nor what people wrote about it, nor a lesson that nobody kept."""
    removed = {LOST_KICKOFF, *(one.id for one in of.known if one.removed_at is not None)}
    aside = await set_aside(of)
    removed |= {key for key in (execution_of(one) for one in of.known) if key not in aside}
    unread = {about for text, about in of.words.items() if text.startswith(NONSENSE)}
    removed |= unread - {row.subject for row in await of.world.everything()}
    in_use = {of.proposed[one].text for one in of.kept}
    in_use |= {one.text for one in of.requests.values() if one.drawn_from and not one.is_retired}
    texts = [*of.texts.items(), *of.crew.texts.items()]
    texts += [(about, text) for text, about in of.words.items() if text not in in_use]
    gone = {text: about for about, text in texts if about in removed}
    async with of.world.engines.for_outbox.read.connect() as connection:
        tables = {
            table.name: "\n".join(
                " ".join(map(str, row)) for row in await connection.execute(sa.select(table))
            )
            for table in metadata.sorted_tables
        }
    for name, stored in tables.items():
        for text, one in gone.items():
            there = text and text in stored and (name != "lessons" or text not in in_use)
            require(not there, "removed", f"{name} has {text!r} of {one}")


async def slack_shows_no_removed_text(of: Known) -> None:
    """Cards and private messages were updated since, and each thread was cleared."""
    aside = await set_aside(of)
    slack = of.world.slack
    for round_ in of.known:
        if round_.removed_at is None or execution_of(round_) in aside:
            continue
        for message in (*slack.keyed(f"card {round_.id}"), *slack.keyed(f"direct {round_.id}")):
            assert isinstance(message.shows, Round)
            is_old = message.shows.removed_at is None and not slack.is_given_up(message)
            require(not is_old, "removed", f"{message.key} shows its texts")
            ref = message.ref
            is_cleared = f"clear {ref.channel} {ref.thread_ts}" in slack.calls
            is_private = message.key.startswith("direct ")
            require(
                is_cleared or is_private, "removed", f"the thread of {message.key} is as it was"
            )


async def texts_were_removed(of: Known) -> None:
    """Those of each execution that ended, as long as no job about it was set aside."""
    aside = await set_aside(of)
    for round_ in of.known:
        is_kept = execution_of(round_) in aside
        read = f"{round_.id} of {round_.review.execution_id} {round_.state} has its texts"
        require(round_.removed_at is not None or is_kept, "removed", read)


async def set_aside(of: Known) -> set[str]:
    """The executions with a job that was set aside: their texts stay, for somebody to look at."""
    every = await of.world.everything()
    return {f"{row.crew} {row.execution_id}" for row in every if row.set_aside_at is not None}


def execution_of(round_: Round) -> str:
    return f"{round_.review.crew} {round_.review.execution_id}"


async def a_removed_decision_is_not_given(of: Known) -> None:
    """A program that fetches once the words are removed is told that the review is closed."""
    for question in of.questions:
        round_ = of.round(question.round_id)
        body = await of.world.fetch(round_)
        state = None if body is None else body["state"]
        removed = round_.removed_at is not None
        require(state != "decided" or not removed, "removed", f"{question.task} is {state}")


async def the_trail_replays_what_happened(of: Known) -> None:
    """The last entry about a round has its state, and the entry of its decision who decided."""
    every = sa.select(audit_entries.c.body).order_by(audit_entries.c.id)
    last: dict[str, str] = {}
    decided: dict[str, list[tuple[str, str]]] = defaultdict(list)
    async with of.world.engines.for_outbox.read.connect() as connection:
        for row in await connection.execute(every):
            entry = json.loads(row.body)
            data = entry["data"]
            # A card that was posted late shows its round as it was.
            if "round" in data and "state" in data and entry["code"] not in SHOWS:
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


async def what_is_masked_was_posted_nowhere(of: Known) -> None:
    """Neither Slack nor the trail has a value that is masked, nor a list of `/crew`."""
    context, by = of.world.reviews, REVIEWERS[0].id
    posted = of.world.slack.unmasked
    require(not posted, "masked", f"Slack was given what is masked: {posted}")
    async with of.world.engines.for_outbox.read.connect() as connection:
        for row in await connection.execute(sa.select(audit_entries.c.body)):
            require(HIDDEN.encode() not in row.body, "masked", f"the trail has {row.body}")
    lists: list[object] = [await pending(by, mine=False, context=context)]
    lists += [
        await execution_status(one, by=by, context=context, clients={})
        for one in {one.review.execution_id for one in of.known if one.review.crew == TOOLS}
    ]
    lists += [
        await execution_status(one.review.execution_id, by=by, context=context, clients={})
        for one in of.scans()[:3]
    ]
    for listed in map(repr, lists):
        shows = NUMBER in listed or HIDDEN in listed
        require(not shows, "masked", f"a list of `/crew` shows what cards mask: {listed}")


async def the_trail_verifies(of: Known) -> None:
    """`crewgate audit verify` finds each entry linked, counted, and in its order."""
    await of.world.linking.finish()
    reading = AuditReading(of.world.engines.for_outbox.read)
    with redirect_stdout(StringIO()) as printed:
        status = await verify(reading, AUDITED, None)
    require(status == 0, "trail", printed.getvalue())


async def each_figure_is_recounted(of: Known) -> None:
    """The numbers of `/crew stats`, and the outcomes behind its sample."""
    days, now = 7, of.world.clock()
    for crew in CREWS:
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


async def each_decision_was_counted(of: Known) -> None:
    """The metrics count each decision once, by whom it was and what it said."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for one in of.known:
        if one.decision is not None:
            word = verdict_label(type(one.decision.verdict))
            expected[one.review.crew, word, DECIDERS[type(one.decision.by)]] += 1
    found = counted_decisions() - of.counted_before
    read = f"more are counted: {found - expected}, fewer: {expected - found}"
    require(found == expected, "figures", read)


def _by(round_: Round) -> object:
    return round_.decision and round_.decision.by


def _verdict(round_: Round) -> object:
    return round_.decision and round_.decision.verdict


def is_to_do(row: Any) -> bool:
    """Return True if a row of the outbox does not wait for a day that comes by itself."""
    later = {EffectKind.POLL_STATUS, EffectKind.END_LESSON, EffectKind.MORNING_LINE}
    return row.set_aside_at is None and row.kind not in later


async def no_job_waits_without_a_reason(of: Known) -> None:
    """A job that was set aside was refused for good, or for a day; no other job is left."""
    for row in await of.world.everything():
        if row.set_aside_at is not None:
            read = f"{row.kind} {row.subject} was set aside: {row.set_aside_why!r}"
            require(row.set_aside_why not in {"", "unreadable"}, "jobs", read)
        else:
            read = f"{row.kind} {row.subject} is left, due at {row.due_at}"
            require(not is_to_do(row), "jobs", read)


ONCE: Final = ("card ", "direct ", "reminder ", "escalated ", "timed out ", "lesson ", "morning ")
IN_THE_END: Final[tuple[Check, ...]] = (
    whoever_may_decide_was_told,
    each_reviewer_has_a_message,
    what_a_rule_promises_was_done,
    people_know_what_does_not_arrive,
    nobody_is_told_of_their_own_end,
    a_crew_gets_each_comment,
    a_message_is_posted_once,
    an_alarm_was_raised,
    a_decision_reaches_its_crew_once,
    what_is_shown_as_done_was_done,
    the_trail_replays_what_happened,
    what_is_masked_was_posted_nowhere,
    the_trail_verifies,
    each_figure_is_recounted,
    each_decision_was_counted,
    no_job_waits_without_a_reason,
)
AFTER_A_MONTH: Final[tuple[Check, ...]] = (
    texts_were_removed,
    slack_shows_no_removed_text,
    a_removed_text_is_nowhere,
    a_removed_decision_is_not_given,
    the_trail_verifies,
    no_job_waits_without_a_reason,
)
