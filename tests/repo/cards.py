"""The card in each of its states, drawn as lines of text.

`python -m tests.repo.cards >tests/repo/cards.txt` draws them anew; `docs/cards.md` shows eight.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crewgate.demo.playground.render_html import Names
from crewgate.demo.scenario import read_message
from crewgate.domain.caveats import Claim
from crewgate.domain.notification import Output
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.people import Notify, User, UserGroup
from crewgate.domain.reason import (
    Answered,
    Dismissed,
    ExecutionGone,
    NotReached,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.domain.referrals import Referral
from crewgate.domain.review import State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation, TimeOut, TimeoutAction
from crewgate.domain.verdict import (
    Approve,
    Decision,
    Person,
    Revise,
    TimedOut,
    Via,
    decision_of_votes,
)
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.reviews.card import render_card
from crewgate.slack.words.people import below_headline, call, calls_all, kept, newer, nobody_left
from crewgate.usecases.read_models import Approvers, CardView, MessageRef, NewerRound
from tests.builders import NOW, a_decision, a_review, a_round, a_rule, a_vote
from tests.standins.workspace import Message as SlackMessage

ANA, BEN, DORA = Person("U0ANA", "Ana"), Person("U0BEN", "Ben"), Person("U0DORA", "Dora")
CLEO, EVE = Person("U0CLEO", "Cleo"), Person("U0EVE", "Eve")
LEGAL, PLATFORM = UserGroup("S0LEGAL"), UserGroup("S0PLATFORM")
NAMES: Final = Names(
    users={one.id: one.name for one in (ANA, BEN, CLEO, DORA, EVE)},
    groups={LEGAL.id: "legal", PLATFORM.id: "platform", "S0FINANCE": "finance"},
)
AT = NOW.replace(microsecond=0)
SHORT = Output("The agreement is standard, save for **one** clause: liability ends after 3 months.")
SHORTER = Output(
    "The agreement is standard, save for **one** clause: liability ends after 12 months."
)
LONG = Output(
    "## Findings\n\nThe agreement is standard, save for the clauses below.\n\n"
    "| Clause | Risk |\n|---|---|\n"
    + "".join(f"| {number}. Liability | medium |\n" for number in range(1, 31))
)
VIEW = CardView(
    round=a_round(
        review=a_review(crew="contracts", task_id="review_task", task_name="Contract review"),
        opened_at=AT,
    ),
    output=SHORT,
    topic="Acme supply agreement",
    starter=DORA,
    given=(("contract", "Acme supply agreement"),),
    reviewers=(User(ANA.id), User(BEN.id), LEGAL),
    names=((ANA.id, "Ana"), (BEN.id, "Ben")),
)
RULE = a_rule(
    name="contracts over the limit",
    approvals=2,
    self_approval=False,
    target=Duration.parse("4h"),
    escalate=Escalation(Duration.parse("1d"), (User(EVE.id),)),
    timeout=TimeOut(Duration.parse("3d"), TimeoutAction.REVISE, "Nobody reviewed this in time."),
)
TWO = replace(
    VIEW,
    round=replace(VIEW.round, rule=RULE),
    approvers=Approvers((User(DORA.id),)),
    due_at=AT + timedelta(days=3),
)
LATER = AT + timedelta(minutes=42)
APPROVED = a_decision(Approve("Mind the date in the next steps."), by=ANA, at=LATER)
ASKED = a_decision(Revise("Name the usual cap.\nAnd say what it costs."), by=ANA, at=LATER)


def _is(state: State, view: CardView = VIEW, **changes: Any) -> CardView:
    return replace(view, round=replace(view.round, state=state, **changes))


SENT_BACK = _is(State.RESUMED, decision=ASKED, reason=Answered("", ResumeStatus.RETRYING))
SECOND = replace(
    _is(State.WAITING, number=2), output=SHORTER, previous=SENT_BACK.round, before=SHORT
)


def drawings() -> Iterator[tuple[str, list[str]]]:
    """Each state's name, and its lines."""
    yield "It waits", in_channel(VIEW)
    claimed = replace(VIEW, output=LONG, notes=2, noted_by=(ANA, BEN), claim=Claim(BEN, LATER))
    yield "A part of a long one, with notes, and somebody is on it", in_channel(claimed)
    wish = Referral(number=1, by=ANA, to=BEN, at=LATER, text="You know this customer.")
    asked = replace(VIEW, round=replace(VIEW.round, referrals=(wish,)))
    yield "Somebody is asked to look", in_channel(asked)
    yield "The next round", in_channel(SECOND)
    unchanged = replace(SECOND, output=SHORT, round=replace(SECOND.round, unchanged=True))
    yield "Nothing changed", in_channel(unchanged)
    yield "Slack cannot show it", drawn(render_card(VIEW, now=LATER, plain=True))
    yield "Decided, and being sent", in_channel(_is(State.DECIDED, decision=APPROVED))
    away = _is(State.DECIDED, decision=APPROVED, reason=NotReached("connection refused"))
    yield "The crew cannot be reached for now", in_channel(away)
    unsent = replace(APPROVED, unsent_notes=1)
    yield "Approved", in_channel(_is(State.RESUMED, decision=unsent, reason=Answered()))
    yield "A revision was asked for", in_channel(SENT_BACK)
    newer = NewerRound(SECOND.round, MessageRef("C1", "1.0", "1.0"))
    yield "The same in the channel, once the next round is there", first_card(newer)
    approved = replace(APPROVED, verdict=Approve(), at=LATER + timedelta(hours=1))
    second = _is(State.RESUMED, SECOND, decision=approved, reason=Answered())
    yield "And once that is approved", first_card(replace(newer, round=second.round))
    refused = RefusedByCrew("401", "Unauthorized")
    yield "Not delivered", in_channel(_is(State.STUCK, decision=APPROVED, reason=refused))
    lost = RetriesExhausted("no answer in 30 s")
    doubt = _is(State.STUCK, decision=APPROVED, reason=lost, in_doubt_since=LATER)
    yield "Perhaps not delivered", in_channel(doubt)
    yield from _under_rules()
    yield "Replaced", in_channel(_is(State.SUPERSEDED, ended_at=LATER))
    gone = _is(State.CLOSED, reason=ExecutionGone(), ended_at=LATER)
    yield "Closed", in_channel(gone)
    dismissed = Dismissed(BEN, "started again with the right contract")
    yield "Dismissed", in_channel(_is(State.CLOSED, decision=ASKED, reason=dismissed))


def _under_rules() -> Iterator[tuple[str, list[str]]]:
    """Yield the cards of rounds under rules."""
    yield "Two approvals are needed", in_channel(TWO)
    one = replace(TWO, round=replace(TWO.round, votes=(a_vote(ANA, at=LATER),)))
    yield "One of two is given", in_channel(one)
    again = replace(one.round, state=State.SUPERSEDED, ended_at=LATER)
    second = replace(TWO, round=replace(TWO.round, number=2), previous=again, before=SHORTER)
    yield "A newer output: the count starts again", in_channel(second)
    waits = replace(
        TWO,
        round=replace(TWO.round, escalated_at=LATER),
        reviewers=(*TWO.reviewers, User(EVE.id)),
        escalates_to=(User(EVE.id),),
        absences=(Absence(away=ANA, delegate=CLEO, since=AT, until=AT + timedelta(days=7)),),
    )
    yield "More people may decide, and somebody is away", in_channel(waits)
    alone = replace(TWO, approvers=Approvers((User(DORA.id),), too_few=True))
    yield "Too few are left who may approve", in_channel(alone)
    votes = (a_vote(ANA, at=LATER), a_vote(BEN, at=LATER, on_behalf_of=EVE))
    both = decision_of_votes(votes, unsent_notes=0)
    yield "Approved by two", in_channel(_is(State.RESUMED, TWO, decision=both, reason=Answered()))
    by = TimedOut(RULE.name, Duration.parse("3d"))
    revise = Revise("Nobody reviewed this in time. Stop and summarise.")
    sent_back = Decision(verdict=revise, by=by, at=AT + timedelta(days=3), via=Via.RULE)
    retrying = Answered("", ResumeStatus.RETRYING)
    yield (
        "Nobody decided in time",
        in_channel(_is(State.RESUMED, TWO, decision=sent_back, reason=retrying)),
    )


def in_channel(view: CardView) -> list[str]:
    """A card as it is posted and brought up to date: with whom it calls."""
    line = kept(view, [PLATFORM]) or nobody_left(view, [PLATFORM])
    asked = None if view.round.votes else call(view, Notify.MENTION)
    view = replace(view, calls_all=calls_all(view, Notify.MENTION))
    return drawn(below_headline(below_headline(render_card(view, now=LATER), line), asked))


def first_card(latest: NewerRound) -> list[str]:
    """The first card of a review, which tells the state of the latest round."""
    view = replace(SENT_BACK, newer=latest)
    line = newer(view, lambda ref: f"https://demo.slack.com/{ref.ts}", is_told=True)
    return drawn(below_headline(render_card(view, now=LATER), line))


def drawn(message: Message) -> list[str]:
    first = message.blocks[0]
    menu = ", ".join(option["text"]["text"] for option in first["accessory"]["options"])
    posted = SlackMessage(
        channel="C1", ts="1.0", user="U0BOT", text=message.text, blocks=tuple(message.blocks)
    )
    return [*read_message(posted, NAMES), f"[ ⋯ ]  {menu}"]


if __name__ == "__main__":
    for _name, _lines in drawings():
        print(f"== {_name}", *_lines, "", sep="\n")  # noqa: T201
