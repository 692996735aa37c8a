"""Looks besides cards and Home: at lists, the walk, stats, the CSV, and evidence."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from crewgate.audit.check_evidence import (
    Contradiction,
    Entry,
    Replay,
    StoryFacts,
    entry_of,
    names_in,
    rule_of,
    tools_in,
)
from crewgate.audit.run import Story, body_of, read_story
from crewgate.domain.acts import ToolCall
from crewgate.domain.effects import EffectKind
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Approve, Person
from crewgate.store.audit import AuditReading
from crewgate.usecases.queries import pending, queue
from crewgate.usecases.stats import of_crew
from crewgate.usecases.waiting import left_for, next_for
from tests.simulation.known import Known, key_of
from tests.simulation.oracle import Check, require, waits_for
from tests.simulation.product import CREWS, EVERYBODY, LEGAL, REVIEWERS

DAYS: Final = 7


async def lists_have_what_waits(of: Known) -> None:
    """The walk shows each round that waits for a person, once; it and the list count the same."""
    for by in EVERYBODY:
        walk: list[str] = []
        while (
            found := await next_for(by.id, after=walk[-1] if walk else "", context=of.world.reviews)
        ) is not None:
            require(found not in walk, "home", f"the walk of {by.id} comes back to {found}")
            walk.append(found)
        missing = sorted(waits_for(of, by) - set(walk))
        require(not missing, "home", f"the walk of {by.id} lacks {missing}, shows {walk}")
        votes = {one.id: one.votes for one in of.known}
        done = [one for one in walk if any(by.id in vote.voices for vote in votes[one])]
        require(not done, "home", f"the walk of {by.id} shows {done}, which they approved")
        many, _ = await left_for(by.id, context=of.world.reviews)
        listed = await pending(by.id, mine=True, context=of.world.reviews)
        read = f"{len(walk)} in the walk of {by.id}, {many} left, {listed.total} listed"
        require(len(walk) == many == listed.total, "figures", read)


async def who_is_asked_has_it_first(of: Known) -> None:
    """A wish that somebody looks at a round is kept; it is at the top of their Home and walk."""
    for (round_id, *people), words in of.wishes.items():
        round_ = of.round(round_id)
        kept = [one.text for one in round_.referrals if [one.by.id, one.to.id] == people]
        read = f"{people} at {round_id}: {words}, there is {kept}"
        require(round_.removed_at is not None or kept == [words], "truth", read)
    for by in EVERYBODY:
        mine = waits_for(of, by)
        asked = {id_ for id_, _, to in of.wishes if to == by.id and id_ in mine}
        home = await queue(by.id, page=0, context=of.world.reviews)
        first = next(iter(home.mine.lines), None)
        nobody = {line.round.id for line in home.nobody.lines}
        wished = asked - nobody
        read = f"Home of {by.id} begins with {first and first.round.id}, asked are {wished}"
        require(not wished or (first and first.round.id in wished), "home", read)
        begin = await next_for(by.id, context=of.world.reviews)
        read = f"the walk of {by.id} begins with {begin}, asked are {asked}"
        require(not asked or begin in asked, "home", read)


async def nobody_is_mentioned_as_asked_who_was_not(of: Known) -> None:
    """Each message in a thread that somebody should look has a wish; each wish has a message.

    Unless its round was decided, or the person had approved or might no longer decide by then, or
    the message is still to come, or was given up.
    """
    said = set()
    for message in of.world.slack.keyed("referral"):
        wish = message.view and message.view.referral
        assert message.view is not None
        assert wish, "it was drawn from one"
        about = (message.view.round.id, wish.by.id, wish.to.id)
        require(about in of.wishes, "silent", f"{message.key} is about {about}, which nobody asked")
        said.add(about)
    every = await of.world.everything()
    coming = {row.subject for row in every if row.kind == EffectKind.POST_REFERRAL}
    for round_id, by, to in of.wishes.keys() - said:
        round_ = of.round(round_id)
        # Of others the right, or an approval, may have come and gone meanwhile.
        is_plain = round_.review.crew != LEGAL and to in {one.id for one in REVIEWERS}
        able = is_plain and round_.state is State.WAITING and round_.rule.approvals == 1
        is_coming = any(round_id in subject.split() for subject in coming)
        read = f"{by} asked {to} to look at {round_id}, and no message says so"
        require(not able or is_coming, "told", read)


async def the_stats_count_each_decision(of: Known) -> None:
    """The figures of `/crew stats`, and the lines of its CSV."""
    now = of.world.clock()
    since = now - timedelta(days=DAYS)
    for crew in CREWS:
        mine = [one for one in of.known if one.review.crew == crew]
        recent = [one for one in mine if one.decision is not None and one.decision.at >= since]
        [found] = (await of_crew(crew, days=DAYS, context=of.world.reviews)).crews
        figures, outputs = found.figures.now, [one for one in recent if not is_call(one)]
        people = [one for one in outputs if is_by_person(one)]
        first = [one for one in people if one.number == 1 + (one.edited_by is not None)]
        at_once = [one for one in first if is_approved(one) and one.edited_by is None]
        calls = [one for one in recent if is_call(one)]
        allowed = sum(map(is_approved, calls))
        waiting = sum(one.state is State.WAITING for one in mine)
        expected = (len(people), len(outputs) - len(people), allowed, len(calls) - allowed)
        counted = (figures.decided, figures.by_rule, figures.acts_allowed, figures.acts_refused)
        read = f"{crew} by people and rules, calls allowed and refused: {counted}, not {expected}"
        require(counted == expected, "figures", read)
        if all(one.origin_id is None or one.edited_by is not None for one in mine):
            part = figures.at_once.part
            read = f"{crew}: {part} of first outputs were approved at once, not {len(at_once)}"
            require(part == len(at_once), "figures", read)
        many = 0 if found.waiting is None else found.waiting.count
        require(many == waiting, "figures", f"{crew}: {many} wait, not {waiting}")
        await the_csv_has_each_decision(of, crew, recent, since)


async def the_csv_has_each_decision(
    of: Known, crew: str, recent: list[Round], since: datetime
) -> None:
    rules = ["", *(rule.id for rule in await of.world.uow.read.rules((crew,)))]
    lines = of.world.uow.read.stats.decisions({crew: rules}, since=since)
    listed = Counter(
        [
            (one.execution, one.task, one.round, one.verdict, one.decided_by, one.is_call)
            async for one in lines
        ]
    )
    expected = Counter(
        (
            *key_of(one)[1:],
            one.number,
            word_of(one),
            one.decision.by.id if one.decision and isinstance(one.decision.by, Person) else "",
            is_call(one),
        )
        for one in recent
    )
    read = f"the CSV of {crew} lacks {expected - listed}, has {listed - expected}"
    require(listed == expected, "figures", read)


def word_of(round_: Round) -> str:
    verdict = round_.decision and round_.decision.verdict
    return {Approve: "approve", Answer: "answer"}.get(type(verdict), "revise")


def is_call(round_: Round) -> bool:
    return isinstance(round_.subject, ToolCall)


def is_approved(round_: Round) -> bool:
    return round_.decision is not None and isinstance(round_.decision.verdict, Approve)


def is_by_person(round_: Round) -> bool:
    return round_.decision is not None and isinstance(round_.decision.by, Person)


async def the_trail_proves_each_execution(of: Known) -> None:
    """An auditor who repeats the decisions from the entries finds each call that ran unasked."""
    await of.world.linking.finish()
    reading = AuditReading(of.world.engines.for_outbox.read)
    alarms = {key_of(of.round(one))[:2] for one in of.alarms}
    for crew, execution in dict.fromkeys(key_of(one)[:2] for one in of.known):
        found = ""
        story = await read_story(reading, crew, execution, of.world.crews[crew].redact)
        try:
            for _ in Replay(*await told_by(story, reading)).lines():
                pass
        except (Contradiction, LookupError, TypeError, ValueError) as wrong:
            found = str(wrong)
        read = f"the evidence of {crew} {execution}: {found or 'nobody sees that a call ran'}"
        require(bool(found) == ((crew, execution) in alarms), "trail", read)


async def told_by(
    story: Story, reading: AuditReading
) -> tuple[list[Entry], StoryFacts, dict[str, str]]:
    """Return what an evidence file has of an execution."""
    rows = {row.id: row for row in (*story.own, *story.related)}
    own, first = {row.id for row in story.own}, min(rows)
    for person in story.absent:
        theirs = await reading.of_execution("", person)
        rows |= {row.id: row for row in theirs if row.id > first}
    entries = [
        entry_of(body_of(row), row.number, row.nth or 0, is_own=row.id in own)
        for row in sorted(rows.values(), key=lambda row: int(row.number))
    ]
    texts = {
        digest: text
        for round_, some in story.rounds
        for digest, text in story.texts(round_, some).items()
    }
    rules = {name: rule_of(**rule) for name, rule in story.rules.items()}
    salts = {round_.id: round_.salt for round_, _ in story.rounds}
    names = names_in(entries, texts)
    return entries, StoryFacts(texts, rules, names, tools_in(entries)), salts


LOOKS: Final[tuple[Check, ...]] = (
    lists_have_what_waits,
    who_is_asked_has_it_first,
    nobody_is_mentioned_as_asked_who_was_not,
    the_stats_count_each_decision,
    the_trail_proves_each_execution,
)
