"""Home within Slack's limits, whatever agents write, and what its rows say and offer."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import Claim
from crewgate.domain.notification import Format
from crewgate.domain.people import User
from crewgate.domain.reason import RefusedByCrew
from crewgate.domain.review import Round, State
from crewgate.slack.home import in_order, render_home
from crewgate.slack.words import names
from crewgate.usecases.queries import PAGE
from crewgate.usecases.read_models import COUNTED, MessageRef, Queue, QueuePart, RoundLine
from tests.builders import ANA, BEN, NOW, a_round, a_vote
from tests.slack.rendering import LINK, a_named_round, check_view, shown, texts


def deciders(_: Round) -> str:
    return names.deciders((User(BEN.id),))


NONE = QueuePart((), 0)
REF = MessageRef("C1", "1.0", "1.0")
STUCK = a_round(state=State.STUCK, id="r-stuck", reason=RefusedByCrew("401", "no"))


def link(_card: MessageRef) -> str | None:
    return LINK


def a_queue(*mine: RoundLine, **changes: Any) -> Queue:
    reviewed = frozenset({("research", "")})
    found = Queue(
        mine=QueuePart(mine, len(mine)),
        stuck=NONE,
        nobody=NONE,
        others=NONE,
        decided=NONE,
        page=0,
        pages=1,
        reviewed=reviewed,
    )
    return replace(found, **changes)


def home(found: Queue) -> dict[str, Any]:
    return render_home(found, in_order(found), now=NOW, link=link, deciders=deciders)


def buttons(view: dict[str, Any]) -> list[list[str]]:
    rows = [block for block in view["blocks"] if block["type"] == "actions"]
    return [[element["text"]["text"] for element in row["elements"]] for row in rows]


def test_what_nobody_may_approve_stands_apart_and_has_no_green_button() -> None:
    line = RoundLine(round=a_named_round(), card=REF, excerpt="A draft.", characters=8)
    view = home(a_queue(nobody=QueuePart((line,), 1)))
    assert "Stuck: nobody may approve: 1" in str(view["blocks"])
    assert ["Approve", "Revise", "Read all"] in buttons(view)
    assert "primary" not in str(view)


@settings(max_examples=40)
@example(["<https://bank.example>\u0386"], Format.MARKDOWN)
@given(st.lists(texts, max_size=PAGE), st.sampled_from(Format))
def test_home_is_within_the_limits(excerpts: list[str], format_: Format) -> None:
    lines = tuple(
        RoundLine(
            round=replace(a_named_round(), id=f"r-{number}"),
            card=REF,
            excerpt=text[:400],
            characters=len(text),
            format=format_,
            notes=3,
            noted_by=(ANA, BEN),
            claim=Claim(BEN, NOW),
        )
        for number, text in enumerate(excerpts)
    )
    found = a_queue(
        *lines, stuck=QueuePart((RoundLine(round=STUCK, card=None),), 1), page=1, pages=3
    )

    check_view(home(found), may_mention=frozenset({f"@{ANA.id}", f"@{BEN.id}"}))


def test_the_parts_have_headings_with_their_totals() -> None:
    line = RoundLine(round=a_round(), card=None, excerpt="A draft.")
    decided = RoundLine(round=a_round(State.RESUMED, id="r-2"), card=None, excerpt="A draft.")
    view = home(
        a_queue(
            line,
            stuck=QueuePart((RoundLine(round=STUCK, card=None),), COUNTED + 1),
            decided=QueuePart((decided,), 1),
        )
    )
    headings = [block["text"]["text"] for block in view["blocks"] if block["type"] == "header"]
    assert headings == [
        "Not delivered: 1,000+",
        "Waiting for you: 1",
        "Decided in the last 24 hours: 1",
    ]
    assert buttons(view) == [
        ["Start", "Refresh"],
        ["Retry", "Dismiss", "Read all"],
        ["Approve", "Revise", "Read all"],
        ["Read all"],
    ]


def test_several_pages_say_once_what_there_is_on_all() -> None:
    line = RoundLine(round=a_round(), card=None, excerpt="A draft.")
    found = a_queue(line, others=QueuePart((), 30), stuck=QueuePart((), 2), pages=2)
    said = shown(home(found))
    assert "Page 1 of 2 · Not delivered: 2 · Waiting for others: 30" in said
    assert said.count("Waiting for you: 1") == 1


def test_what_waits_for_others_says_for_whom() -> None:
    line = RoundLine(round=a_round(), card=None, excerpt="A draft.")
    mine = shown(home(a_queue(line)))
    others = shown(home(a_queue(others=QueuePart((line,), 1))))
    assert "research · round 1 · waiting for 0 s" in mine
    assert f"research · round 1 · waiting for <@{BEN.id}> for 0 s" in others


def test_who_only_reads_is_offered_nothing_else() -> None:
    line = RoundLine(round=a_round(), card=None, excerpt="A draft.")
    stuck = QueuePart((RoundLine(round=STUCK, card=None),), 1)
    found = a_queue(reviewed=frozenset(), others=QueuePart((line,), 1), stuck=stuck)
    assert buttons(home(found)) == [["Refresh"], ["Read all"], ["Read all"]]
    operated = replace(found, operated=frozenset({"research"}))
    assert buttons(home(operated)) == [
        ["Refresh"],
        ["Retry", "Dismiss", "Read all"],
        ["Read all"],
    ]


def test_a_row_shows_notes_and_a_claim_that_holds() -> None:
    claim = Claim(BEN, NOW)
    line = RoundLine(
        round=a_round(), card=None, excerpt="A draft.", notes=2, noted_by=(ANA, BEN), claim=claim
    )
    said = shown(home(a_queue(line)))
    assert f":eyes: <@{BEN.id}> is on it" in said
    assert f":memo: 2 notes from <@{ANA.id}> and <@{BEN.id}>" in said


def test_what_comes_and_goes_is_last() -> None:
    voted = a_round(votes=(a_vote(ANA),))
    found = a_queue(RoundLine(round=voted, card=None, excerpt="A draft."))
    view = render_home(found, in_order(found), now=NOW, link=link, deciders=deciders, user=ANA.id)
    assert buttons(view)[1] == ["Revise", "Read all", "Take back my approval"]


def test_a_decided_row_is_folded() -> None:
    decided = RoundLine(round=a_round(State.RESUMED), card=None, excerpt="A draft.")
    view = home(a_queue(decided=QueuePart((decided,), 1)))
    assert "A draft." not in shown(view)
