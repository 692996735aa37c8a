"""Each key of a rule as Slack shows it.

`python -m tests.repo.rule_cards >tests/repo/rule_cards.txt` draws it anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crewgate.demo.scenario import read_message
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.people import User, UserGroup
from crewgate.domain.reason import Answered
from crewgate.domain.review import State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Escalation, Naming, Reminders, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Decision, Revise, TimedOut, Via, decision_of_votes
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.commands import render_rules
from crewgate.slack.reviews.notices import render_escalated, render_reminder, render_timed_out
from crewgate.usecases.queries import CrewRules
from crewgate.usecases.read_models import Approvers, CardView
from tests.builders import a_crew, a_rule, a_vote
from tests.repo.cards import ANA, AT, BEN, DORA, LATER, LEGAL, NAMES, VIEW, in_channel
from tests.slack.rendering import a_scene
from tests.standins.workspace import Message as SlackMessage

CLEO: Final = replace(BEN, id="U0CLEO", name="Cleo")
FINANCE: Final = UserGroup("S0FINANCE")
EVE: Final = replace(BEN, id="U0EVE", name="Eve")
NAME: Final = "contracts over the limit"
DAY: Final = timedelta(days=1)
#: Those at the beginning of the page.
RULES: Final = (
    Rule(
        name=NAME,
        when=Conditions(task="contract_*", json=(("budget.eur", ">= 50000"),)),
        reviewers=(LEGAL,),
        approvals=2,
        self_approval=False,
        remind=Reminders(after=Duration.parse("4wh")),
        escalate=Escalation(Duration.parse("1d"), (User(EVE.id),)),
        timeout=TimeOut(
            Duration.parse("3d"),
            TimeoutAction.REVISE,
            "Nobody reviewed this in time. Stop and summarise.",
        ),
        working_hours=WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin"),
    ),
    Rule(name="everything else", remind=Reminders(after=Duration.parse("1d"), most=1)),
)
LEGAL_RULES: Final = CrewRules(
    crew=a_crew("legal", rules=RULES), rules=tuple(enumerate(RULES, start=1)), otherwise=True
)


def drawings() -> Iterator[tuple[str, list[str]]]:
    """The name and the lines of each."""
    yield "name", _more(in_channel(_under()), VIEW)
    one = _under(approvals=2, votes=(a_vote(ANA, at=LATER),))
    yield "approvals", in_channel(one)
    groups = {"approvals_from": ((LEGAL, 1), (FINANCE, 1)), "approvals": 2}
    yield "approvals_from", in_channel(_under(votes=(a_vote(ANA, groups=(LEGAL,)),), **groups))[:2]
    votes = a_vote(ANA, groups=(LEGAL,)), a_vote(BEN, groups=(FINANCE,), at=LATER)
    done = _under(votes=votes, **groups)
    approved = decision_of_votes(votes, unsent_notes=0)
    done = replace(done, round=replace(done.round, state=State.DECIDED, decision=approved))
    yield "groups have approved", in_channel(done)[2:3]
    again = replace(one.round, state=State.SUPERSEDED, ended_at=LATER)
    newer = replace(one, round=replace(one.round, number=2, votes=()), previous=again)
    yield "again", [line for line in in_channel(newer) if "the count starts again" in line]
    eve = replace(_under(reviewers=(User(EVE.id),)), reviewers=(User(EVE.id),))
    yield "reviewers", _more(in_channel(eve))
    unnamed = _under(reviewers_from="inputs.manager_email", naming=Naming.NO_MEMBER)
    yield "reviewers_from", _more(in_channel(unnamed))
    yield from _of_starters()
    yield "target", _more(in_channel(_under(target=Duration.parse("4h"))))
    yield "remind", _lines(render_reminder(a_scene(one)))
    yield from _of_time()
    away = Absence(away=ANA, delegate=CLEO, since=AT, until=AT + 7 * DAY)
    yield "delegation", _more(in_channel(replace(_under(), absences=(away,))))
    yield "crew rules", _lines(render_rules([LEGAL_RULES], in_slack=lambda named: named))


def _of_starters() -> Iterator[tuple[str, list[str]]]:
    known = Approvers(VIEW.started_by or (User(DORA.id),))
    yield "self_approval", _more(in_channel(replace(_under(self_approval=False), approvers=known)))
    nobody = _under(self_approval=False, unknown_starter=False)
    yield "unknown_starter", _more(in_channel(replace(nobody, approvers=Approvers())))
    alone = replace(_under(self_approval=False), approvers=replace(known, too_few=True))
    yield "too few", _more(in_channel(alone))[:4]


def _of_time() -> Iterator[tuple[str, list[str]]]:
    more = _under(escalate=Escalation(Duration.parse("1d"), (User(EVE.id),)))
    yield "escalate", _lines(render_escalated(a_scene(more, added=(User(EVE.id),), now=AT + DAY)))
    escalated = replace(more.round, escalated_at=AT + DAY)
    since = replace(more, round=escalated, escalates_to=(User(EVE.id),))
    yield "escalated", _more(in_channel(since))
    text = "Nobody reviewed this in time. Stop and summarise."
    revise = _under(timeout=TimeOut(Duration.parse("3d"), TimeoutAction.REVISE, text))
    revise = replace(revise, due_at=AT + 3 * DAY)
    yield "timeout", _more(in_channel(revise))
    decision = Decision(
        verdict=Revise(text), by=TimedOut(NAME, Duration.parse("3d")), at=AT + 3 * DAY, via=Via.RULE
    )
    taken = Answered("", ResumeStatus.RETRYING)
    done = replace(
        revise.round, state=State.RESUMED, decision=decision, reason=taken, ended_at=AT + 3 * DAY
    )
    yield "timed out", in_channel(replace(revise, round=done))
    yield "left", _lines(render_timed_out(a_scene(_under(timeout=TimeOut(Duration.parse("3d"))))))


def _under(votes: tuple[Any, ...] = (), **rule: Any) -> CardView:
    """The card of a round under a rule that says this and nothing else."""
    named: Rule = replace(a_rule(**rule), name=NAME)
    return replace(VIEW, round=replace(VIEW.round, rule=named, votes=votes))


def _more(lines: list[str], than: CardView | None = None) -> list[str]:
    """The lines that a card has more than that of a rule that has a name and nothing else."""
    plain = {*in_channel(than or _under()), *in_channel(than or VIEW)}
    return [line for line in lines if line not in plain]


def _lines(message: Message | None) -> list[str]:
    assert message is not None
    posted = SlackMessage(
        channel="C1", ts="1.0", user="U0BOT", text=message.text, blocks=tuple(message.blocks)
    )
    return list(read_message(posted, NAMES))


if __name__ == "__main__":
    for _name, _shown in drawings():
        print(f"== {_name}", *_shown, "", sep="\n")  # noqa: T201
