"""A round that waits for people of whom nobody is left: each surface says so, and calls nobody."""

from dataclasses import replace

import pytest

from crewgate.domain.crew import Crew
from crewgate.domain.people import Email, Notify, ReviewerRef, User, UserGroup
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Escalation
from crewgate.slack.blockkit.blocks import Block, Message
from crewgate.slack.commands import render_pending
from crewgate.slack.home import in_order, render_home
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.notices import (
    Scene,
    render_escalated,
    render_nobody_left,
    render_reminder,
    render_timed_out,
)
from crewgate.slack.reviews.reader import render_reader
from crewgate.slack.words import names
from crewgate.slack.words.people import call, nobody_left, not_voted, reaches_somebody
from crewgate.usecases.read_models import Approvers, CardView, QueuePart, RoundLine, Viewer
from tests.builders import ANA, LATER, NOW, a_crew, a_round, a_rule
from tests.slack.home.test_messages import a_queue
from tests.slack.rendering import a_view, read
from tests.slack.reviews.test_people import people_of
from tests.slack.reviews.test_standing import FACTS, card, private_message
from tests.standins.workspace import Workspace

LEGAL, FINANCE, LEADS = UserGroup("S0LEGAL"), UserGroup("S0FINANCE"), UserGroup("S0LEADS")
OPS = User("U0OPS")
EMPTY = Approvers(too_few=True, empty=(LEGAL,))
SAYS = "*Nobody is in <!subteam^S0LEGAL>, so nobody may approve this.*"
PUT = "<@U0OPS>: put somebody in, which counts within minutes, or name others in the settings"


def alone() -> CardView:
    view = replace(a_view(), reviewers=(LEGAL,), approvers=EMPTY)
    return replace(view, viewer=Viewer(user=ANA.id, now=LATER))


def scene(view: CardView, *added: ReviewerRef) -> Scene:
    return Scene(
        view=view,
        card=None,
        operators=[OPS],
        assigned=(),
        added=added,
        link=lambda _: None,
        now=LATER,
    )


def shown(blocks: list[Block]) -> str:
    return read(Message("", blocks))


@pytest.mark.parametrize(
    ("rule", "reviewers", "found"),
    [
        (NO_RULE, (LEGAL,), EMPTY),
        (NO_RULE, (LEGAL, FINANCE), None),
        (a_rule(), (LEGAL,), EMPTY),
        (
            a_rule(approvals=2, approvals_from=((LEGAL, 1), (FINANCE, 1))),
            (LEGAL, FINANCE),
            EMPTY,
        ),
        (
            a_rule(escalate=Escalation(Duration.parse("1d"), (FINANCE,))),
            (LEGAL,),
            Approvers(empty=(LEGAL,)),
        ),
        (
            a_rule(escalate=Escalation(Duration.parse("1d"), (LEGAL,))),
            (FINANCE,),
            Approvers(empty=(LEGAL,)),
        ),
        (NO_RULE, (UserGroup("S0GONE"),), Approvers(too_few=True, empty=(UserGroup("S0GONE"),))),
    ],
)
async def test_what_slack_says_is_empty_is_known_of_a_round(
    rule: object, reviewers: tuple[ReviewerRef, ...], found: Approvers | None
) -> None:
    async with Workspace() as slack:
        slack.add_group("S0LEGAL", "legal", [])
        slack.add_group("S0FINANCE", "finance", [ANA.id])
        people = people_of(a_crew(reviewers=reviewers), slack, *reviewers, LEGAL)
        view = a_view(rule=rule)
        assert (await people.complete(view)).approvers == (
            None if rule == NO_RULE else Approvers(too_few=False)
        )
        await people.directory.renew()
        assert (await people.complete(view)).approvers == found
        complete = await people.complete(replace(view, round=replace(view.round, escalated_at=NOW)))
        assert LEGAL not in complete.escalates_to


def test_each_surface_says_that_nobody_is_left() -> None:
    view = alone()
    called = nobody_left(view, [OPS])
    assert called is not None
    assert SAYS in called
    assert PUT in called
    assert (nobody_left(view, []) or "").endswith(
        "Put somebody in, which counts within minutes, or name others in the settings and restart"
        " the bot."
    )
    line = RoundLine(card=None, **{name: getattr(view, name) for name in FACTS})
    found = a_queue(line, reviewed=frozenset({line.key}))
    rows = render_home(
        found, in_order(found), now=LATER, link=lambda _: None, deciders=lambda _: "", user=ANA.id
    )
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    for made in (rows, render_reader(position, view, []).view):
        assert SAYS in shown(made["blocks"])
    for render in (card, private_message):
        assert "Nobody may approve this now." in shown(render(view))
    for notice in (render_reminder, render_timed_out, render_escalated):
        message = notice(scene(view))
        assert message is not None
        assert SAYS in read(message)
        assert PUT in read(message)
        assert "more people may decide" not in read(message)


def test_whom_nobody_belongs_to_is_not_asked() -> None:
    view = alone()
    assert call(view, Notify.MENTION) is None
    assert not_voted(view) == ()
    assert not reaches_somebody(view, Notify.MENTION)
    both = replace(view, reviewers=(LEGAL, FINANCE))
    assert call(both, Notify.MENTION) == "<!subteam^S0FINANCE> may only revise."


def test_a_list_that_counts_later_is_named_without_more() -> None:
    view = replace(alone(), approvers=Approvers(empty=(LEADS, Email("x@y.example"))))
    assert f"*Nobody is left of <!subteam^S0LEADS> and x@y.example.* {PUT}" in str(
        nobody_left(view, [OPS])
    )


def test_lists_say_it_beside_the_names() -> None:
    whom = names.deciders((LEGAL, FINANCE), (LEGAL,))
    assert whom == "<!subteam^S0LEGAL> and <!subteam^S0FINANCE> (nobody is in <!subteam^S0LEGAL>)"
    line = RoundLine(round=a_round(), card=None)
    some = QueuePart((line,), 1)
    pending = render_pending(
        some, now=LATER, mine=False, link=lambda _: None, deciders=lambda _: whom
    )
    assert whom in read(pending)
    gone = Email("ana@example.com")
    assert names.deciders((), (gone,)) == "ana@example.com (nobody is left of ana@example.com)"


def test_an_operator_is_told_in_private_of_all_that_is_empty() -> None:
    crew: Crew = a_crew()
    message = render_nobody_left(crew, {(LEGAL,): "", (LEADS,): "memos"})
    assert message is not None
    assert (
        "*research*: nobody is in <!subteam^S0LEGAL> and nobody is in <!subteam^S0LEADS> (the rule"
        " “memos”), so reviews that need them wait for ever. Put somebody in"
    ) in read(message)
    assert render_nobody_left(crew, {}) is None
