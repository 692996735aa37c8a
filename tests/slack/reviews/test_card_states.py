"""The card that does not wait: it folds, says the state first, and what is true about it now.

`tests/repo/cards.txt` draws a card in each state; here are the ways that no drawing shows.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
    Answered,
    AnswerLost,
    Dismissed,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    Fetched,
    Inferred,
    NeverSent,
    NotCalled,
    NotFetched,
    Reason,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.domain.review import State
from crewgate.domain.verdict import Revise
from crewgate.slack.reviews.buttons import DISMISS, HISTORY, READ, RETRY
from crewgate.slack.reviews.card import render_card
from crewgate.slack.words.names import moment
from tests.builders import ANA, BEN, LATER, NOW, a_decision, a_round
from tests.slack.rendering import (
    a_view,
    buttons,
    check_message,
    menu,
    read,
)

RESUMED, RETRYING = ResumeStatus.RESUMED, ResumeStatus.RETRYING
COMPLETED = ResumeStatus.COMPLETED
MENTIONED = frozenset({f"@{ANA.id}", f"@{BEN.id}"})


APPROVED = a_decision()
ASKED = a_decision(Revise("a\nb"))


@pytest.mark.parametrize(
    ("changes", "first", "then"),
    [
        (
            {"state": State.DECIDED},
            ":outbox_tray: *Draft approved by <@U0ANA>*",
            "Being sent to the crew…",
        ),
        (
            {"state": State.DECIDED, "decision": ASKED},
            ":outbox_tray: *<@U0ANA> asked for a revision of Draft*",
            "\na\nb\nBeing sent to the crew…",
        ),
        (
            {"state": State.DECIDED, "reason": AnswerLost("no answer in 30 s")},
            ":outbox_tray: *Draft approved by <@U0ANA>*",
            "The crew has not answered (no answer in 30 s). It is asked whether it has this",
        ),
        (
            {
                "state": State.DECIDED,
                "reason": AnswerLost("500: no", "500"),
                "in_doubt_since": NOW,
            },
            ":outbox_tray: *Draft approved by <@U0ANA>*",
            f"The crew has been failing since {moment(NOW, NOW)} (500: no).",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("resumed: going on", RESUMED)},
            ":white_check_mark: *Draft approved by <@U0ANA>*",
            "The crew goes on.",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("retrying", RETRYING)},
            ":white_check_mark: *Draft approved by <@U0ANA>*",
            "The crew is doing it again, although it was approved.",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("completed", COMPLETED)},
            ":white_check_mark: *Draft approved by <@U0ANA>*",
            "The crew is done.",
        ),
        (
            {"state": State.RESUMED, "reason": Inferred()},
            ":white_check_mark: *Draft approved by <@U0ANA>*",
            "The crew goes on.",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("x", RESUMED), "decision": ASKED},
            ":leftwards_arrow_with_hook: *<@U0ANA> asked for a revision of Draft*",
            "The crew goes on with these words.",
        ),
        (
            {"state": State.RESUMED, "reason": Answered("x", COMPLETED), "decision": ASKED},
            ":leftwards_arrow_with_hook: *<@U0ANA> asked for a revision of Draft*",
            "The crew is done, although a revision was asked for.",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("404", "gone")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "The crew no longer knows this execution",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("400", "no"), "decision": ASKED},
            ":warning: *<@U0ANA>'s revision request for Draft did not reach the crew*",
            "is not waiting for this",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("400", "no"), "in_doubt_since": NOW},
            ":warning: *<@U0ANA>'s approval of Draft may not have reached the crew*",
            "An answer of the crew was lost. The crew says “no” (400). It may have this already",
        ),
        (
            {"state": State.STUCK, "in_doubt_since": NOW},
            ":warning: *<@U0ANA>'s approval of Draft may not have reached the crew*",
            "It may have this already: then this card says so by itself.",
        ),
        (
            {"state": State.STUCK},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "Look at the crew's log",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("422", "no")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "could not read",
        ),
        (
            {"state": State.STUCK, "reason": NotCalled("unreadable", "its keys are lost")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "It was not sent: its keys are lost (unreadable). Put that key back",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("418", "no")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "Look at the crew's log",
        ),
        (
            {"state": State.STUCK, "reason": RefusedByCrew("403", "")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "The crew refused it (403) and did not say",
        ),
        (
            {"state": State.STUCK, "reason": RetriesExhausted("refused")},
            ":warning: *<@U0ANA>'s approval of Draft did not reach the crew*",
            "The crew could not be reached for a day (refused). Press Retry",
        ),
        (
            {"state": State.DECIDED, "reason": NotFetched()},
            ":outbox_tray: *Draft approved by <@U0ANA>*",
            "Whoever asked has yet to fetch this.",
        ),
        (
            {"state": State.STUCK, "reason": NotFetched()},
            ":warning: *<@U0ANA>'s approval of Draft was not fetched*",
            "Nobody fetched it for an hour; it still can be.",
        ),
        (
            {"state": State.RESUMED, "reason": Fetched(), "decision": ASKED},
            ":leftwards_arrow_with_hook: *<@U0ANA> asked for a revision of Draft*",
            "Whoever asked has fetched this.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionEnded()},
            ":lock: *Draft is closed*",
            "The execution has ended.",
        ),
        (
            {"state": State.CLOSED, "decision": None},
            ":lock: *Draft is closed*",
            "There is nothing left to decide.",
        ),
        (
            {"state": State.CLOSED, "reason": NeverSent()},
            ":lock: *<@U0ANA>'s approval of Draft was not sent*",
            "A newer output came before this could be sent. Round 2 takes its place.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": ExecutionFailed("no <tokens>")},
            ":lock: *Draft is closed*",
            "The execution failed: no &lt;tokens&gt;.",
        ),
        (
            {"state": State.CLOSED, "reason": ExecutionGone()},
            ":lock: *<@U0ANA>'s approval of Draft was not sent*",
            "If it does after all, press Reopen.",
        ),
        (
            {
                "state": State.CLOSED,
                "decision": None,
                "reason": ExecutionFailed("upstream", while_waiting=True),
            },
            ":lock: *Draft is closed*",
            "The execution failed: upstream. If it still waits after all, press Reopen.",
        ),
        (
            {"state": State.CLOSED, "reason": ExecutionEnded(), "in_doubt_since": NOW},
            ":lock: *<@U0ANA>'s approval of Draft may not have reached the crew*",
            "The execution has ended.",
        ),
        (
            {"state": State.CLOSED, "decision": None, "reason": Dismissed(BEN, "started again")},
            ":lock: *Draft dismissed by <@U0BEN>*",
            "<@U0BEN> dismissed it: “started again”.",
        ),
        (
            {"state": State.CLOSED, "reason": Dismissed(BEN, "x"), "in_doubt_since": NOW},
            ":lock: *Draft dismissed by <@U0BEN>*",
            "dismissed it: “x”. <@U0ANA>'s approval may not have reached the crew.",
        ),
    ],
)
def test_a_card_that_does_not_wait_folds_and_says_what_is_true_now(
    changes: dict[str, Any], first: str, then: str
) -> None:
    view = replace(a_view(**{"decision": APPROVED, **changes}), topic="tea")
    message = render_card(view, now=LATER)
    check_message(message, may_mention=MENTIONED)
    assert message.blocks[0]["text"]["text"] == f"{first} · tea"
    assert then in read(message)
    assert "## Findings" not in read(message)
    assert "History" in menu(message)


def test_a_decided_card_says_when_and_after_how_long() -> None:
    decision = a_decision(at=NOW + timedelta(minutes=3))
    view = a_view(state=State.RESUMED, decision=decision, number=2)
    said = read(render_card(replace(view, previous=a_round()), now=LATER))
    assert "2026-03-02 09:03 UTC> · waited 3 min · round 2 · research" in said
    assert menu(render_card(replace(view, previous=a_round()), now=LATER)) == ["History", "Changes"]


@pytest.mark.parametrize(
    ("reason", "acts"),
    [(RetriesExhausted("refused"), [RETRY.id, DISMISS.id]), (NotFetched(), [DISMISS.id])],
)
def test_what_is_fetched_cannot_be_sent_again(reason: Reason, acts: list[str]) -> None:
    view = a_view(state=State.STUCK, decision=APPROVED, reason=reason)
    pressed = [action for action, _ in buttons(render_card(view, now=LATER))]
    assert pressed == [*acts, READ.id]


@pytest.mark.parametrize(("length", "is_cut"), [(700, False), (701, True)])
def test_long_words_are_one_click_away(length: int, is_cut: bool) -> None:
    view = a_view(state=State.RESUMED, decision=a_decision(Revise("x" * length)))
    pressed = [action for action, _ in buttons(render_card(view, now=LATER))]
    assert pressed == [READ.id, *([HISTORY.id] if is_cut else [])]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": State.WAITING, "number": 2}, "Draft (round 2) is ready for review · tea"),
        ({"state": State.DECIDED, "decision": APPROVED}, "Draft approved by Ana · tea"),
        ({"state": State.RESUMED, "decision": APPROVED}, "Draft approved by Ana · tea"),
        ({"state": State.RESUMED, "decision": ASKED}, "Ana asked for a revision of Draft · tea"),
        (
            {"state": State.STUCK, "decision": APPROVED},
            "Ana's approval of Draft did not reach the crew · tea",
        ),
        (
            {"state": State.STUCK, "decision": ASKED, "in_doubt_since": NOW},
            "Ana's revision request for Draft may not have reached the crew · tea",
        ),
        ({"state": State.SUPERSEDED}, "Draft: round 2 takes its place · tea"),
        ({"state": State.CLOSED}, "Draft is closed · tea"),
        (
            {"state": State.CLOSED, "decision": APPROVED},
            "Ana's approval of Draft was not sent · tea",
        ),
        ({"state": State.CLOSED, "reason": Dismissed(BEN, "x")}, "Draft dismissed by Ben · tea"),
    ],
)
def test_a_push_is_the_headline_without_marks(changes: dict[str, Any], says: str) -> None:
    view = replace(a_view(**changes), topic="tea")
    assert render_card(view, now=LATER).text == says
