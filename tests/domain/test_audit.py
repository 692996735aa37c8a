from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.acts import CallResult, CallState, Contradiction
from crewgate.domain.audit import (
    Code,
    Entry,
    Head,
    digest_of,
    entries_of,
    outcome_entry,
    people_of,
    texts_of,
    without_texts,
)
from crewgate.domain.notification import Question
from crewgate.domain.outcome import (
    Delivered,
    Exchange,
    NotSent,
    Outcome,
    RefusalKind,
    Refused,
    ResumeStatus,
    Unknown,
)
from crewgate.domain.people import Email, UserGroup
from crewgate.domain.reason import (
    Answered,
    Dismissed,
    EditedBy,
    ExecutionGone,
    Inferred,
    NotCalled,
    NotReached,
    RefusedByCrew,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.verdict import Answer, Approve, Refuse, Revise, TimedOut, Via
from tests.builders import ANA, BEN, LATER, a_decision, a_round, a_rule, a_vote

SALT = "salt"
WAITING = a_round(salt=SALT)
DECIDED = replace(WAITING, state=State.DECIDED, decision=a_decision(Revise("Shorter.")))
STUCK = replace(DECIDED, state=State.STUCK, reason=RefusedByCrew("404", "no"))
TWO = replace(WAITING, rule=a_rule(approvals=2))
ASKED = replace(WAITING, subject=Question(request_id="1"))
GONE = replace(WAITING, state=State.CLOSED, reason=ExecutionGone(), ended_at=LATER)


def of(text: str) -> str:
    return digest_of(text, SALT)


def told(before: Round, after: Round, actor: str = "") -> list[tuple[Code, str, dict[str, Any]]]:
    return [(one.code, one.actor, one.data) for one in entries_of(before, after, actor=actor)]


def codes(before: Round, after: Round, actor: str = "") -> list[tuple[Code, str]]:
    return [(one.code, one.actor) for one in entries_of(before, after, actor=actor)]


def test_a_decision_is_told_with_its_words_as_a_digest() -> None:
    decision = replace(DECIDED.decision or a_decision(), unsent_notes=2, on_behalf_of=BEN)
    assert told(WAITING, replace(DECIDED, decision=decision)) == [
        (
            Code.DECIDED,
            ANA.id,
            {
                "verdict": "revise",
                "words": of("Shorter."),
                "via": "button",
                "unsent_notes": 2,
                "votes": {},
                "approval": False,
                "on_behalf_of": BEN.id,
                "on_behalf_of_name": of("Ben"),
            },
        )
    ]


def test_approvals_are_told_one_by_one() -> None:
    first = replace(TWO, votes=(a_vote(comment="Fine."),))
    [(code, actor, data)] = told(TWO, first)
    assert (code, actor) == (Code.APPROVED, ANA.id)
    assert (data["comment"], data["answer"], data["on_behalf_of"]) == (of("Fine."), None, None)
    both = (*first.votes, a_vote(BEN, on_behalf_of=ANA, answer="yes"))
    last = replace(
        first, votes=both, state=State.DECIDED, decision=a_decision(Approve(), votes=both)
    )
    assert codes(first, last) == [(Code.APPROVED, BEN.id), (Code.DECIDED, ANA.id)]
    assert told(first, last)[0][2]["on_behalf_of"] == ANA.id
    assert told(first, last)[0][2]["answer"] == of("yes")
    assert told(first, last)[1][2]["votes"] == {ANA.id: None, BEN.id: None}


def test_an_approval_is_taken_back_or_lapses() -> None:
    first = replace(TWO, votes=(a_vote(),))
    assert codes(first, TWO, BEN.id) == [(Code.TAKEN_BACK, BEN.id)]
    assert codes(first, TWO) == [(Code.TAKEN_BACK, ANA.id)]
    lapsed = replace(TWO, votes=(a_vote(BEN),))
    assert codes(first, lapsed, BEN.id) == [(Code.LAPSED, "crewgate"), (Code.APPROVED, BEN.id)]


def test_an_approval_that_counts_for_another_group_is_the_same() -> None:
    legal, finance = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
    first = replace(TWO, votes=(a_vote(groups=(legal, finance)),))
    both = (a_vote(groups=(finance, legal)), a_vote(BEN, groups=(legal,)))
    last = replace(first, votes=both, decision=a_decision(Approve(), votes=both))
    assert codes(first, last) == [(Code.APPROVED, BEN.id), (Code.DECIDED, ANA.id)]
    assert told(first, last)[0][2]["groups"] == ["S0LEGAL"]
    assert told(first, last)[1][2]["votes"] == {ANA.id: "S0FINANCE", BEN.id: "S0LEGAL"}


def test_earlier_voters_whose_groups_are_others_now_are_named() -> None:
    legal, finance = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
    first = replace(TWO, votes=(a_vote(groups=(legal,)),))
    both = (a_vote(groups=(finance, legal)), a_vote(BEN, groups=(legal,)))
    [(_, _, data)] = told(first, replace(first, votes=both))
    assert data["regrouped"] == {ANA.id: ["S0FINANCE", "S0LEGAL"]}


def test_a_call_that_must_not_have_run_says_why() -> None:
    result = CallResult(CallState.RAN, "Sent.", Contradiction.REFUSED)
    [(code, actor, data)] = told(WAITING, replace(WAITING, call_result=result))
    assert (code, actor) == (Code.CALL_ENDED, "crew")
    assert data == {"call": "ran", "words": of("Sent."), "contradicts": "refused"}


def test_a_rule_decides_when_nobody_did() -> None:
    by_rule = a_decision(Approve(), by=TimedOut("two eyes", Duration.parse("1d")), via=Via.RULE)
    assert codes(WAITING, replace(DECIDED, decision=by_rule)) == [(Code.TIMED_OUT, "rule")]


def test_an_answer_to_a_flow_is_a_decision() -> None:
    answered = replace(ASKED, state=State.DECIDED, decision=a_decision(Answer("yes")))
    [(code, _, data)] = told(ASKED, answered)
    assert (code, data["verdict"]) == (Code.DECIDED, "answer")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (WAITING, replace(WAITING, reminders=1), (Code.REMINDED, "rule")),
        (WAITING, replace(WAITING, escalated_at=LATER), (Code.ESCALATED, "rule")),
        (
            ASKED,
            replace(ASKED, subject=Question(request_id="1", assigned=(Email("a@b.cd"),))),
            (Code.ASSIGNED, "crew"),
        ),
        (WAITING, WAITING.supersede(LATER).round, (Code.SUPERSEDED, "crew")),
        (
            WAITING,
            replace(WAITING, state=State.SUPERSEDED, reason=EditedBy(BEN)),
            (Code.EDITED, BEN.id),
        ),
        (WAITING, GONE, (Code.CLOSED, "crewgate")),
        (GONE, replace(GONE, state=State.WAITING, reason=None), (Code.REOPENED, "crewgate")),
        (GONE, replace(STUCK, reason=None), (Code.REOPENED, "crewgate")),
        (GONE, replace(GONE, reason=Dismissed(BEN, "Old.")), (Code.DISMISSED, BEN.id)),
        (DECIDED, STUCK, (Code.STUCK, "crewgate")),
        (STUCK, STUCK.retry().round, (Code.RETRIED, "crewgate")),
        (
            DECIDED,
            replace(DECIDED, state=State.RESUMED, reason=Inferred()),
            (Code.INFERRED, "crewgate"),
        ),
    ],
)
def test_each_transition_has_its_entry(
    before: Round, after: Round, expected: tuple[Code, str]
) -> None:
    if after.decision is not None:
        before = replace(before, decision=after.decision)
    assert codes(before, after) == [expected]


@pytest.mark.parametrize(
    "after",
    [
        DECIDED,
        replace(DECIDED, in_doubt_since=LATER),
        replace(DECIDED, reason=NotReached("refused")),
        replace(DECIDED, state=State.RESUMED, reason=Answered("ok", ResumeStatus.RESUMED)),
    ],
)
def test_what_the_outcome_of_a_try_tells_is_not_told_twice(after: Round) -> None:
    assert codes(DECIDED, after) == []


def test_a_person_who_acts_is_named() -> None:
    assert codes(STUCK, STUCK.retry().round, BEN.id) == [(Code.RETRIED, BEN.id)]
    again = replace(GONE, state=State.WAITING, reason=None)
    assert codes(GONE, again, BEN.id) == [(Code.REOPENED, BEN.id)]


def test_reasons_hold_words_as_digests() -> None:
    assert told(DECIDED, STUCK)[0][2] == {
        "reason": "RefusedByCrew",
        "code": "404",
        "words": of("no"),
    }
    not_called = replace(STUCK, reason=NotCalled("unreadable", "no key"))
    assert told(DECIDED, not_called)[0][2] == {
        "reason": "NotCalled",
        "code": "unreadable",
        "words": of("no key"),
    }
    dismissed = replace(GONE, reason=Dismissed(BEN, "Old."))
    assert told(GONE, dismissed)[0][2] == {
        "reason": "Dismissed",
        "by": BEN.id,
        "why": of("Old."),
    }


@pytest.mark.parametrize(
    ("outcome", "code", "actor", "data"),
    [
        (
            Delivered("ok", ResumeStatus.RESUMED),
            Code.DELIVERED,
            "crew",
            {"reason": "Delivered", "words": of("ok"), "status": "resumed", "label": ""},
        ),
        (
            Refused("404", "no", RefusalKind.OTHER),
            Code.REFUSED,
            "crew",
            {"reason": "Refused", "code": "404", "words": of("no"), "kind": "other"},
        ),
        (
            Refused("unreadable", "no key"),
            Code.NOT_SENT,
            "crewgate",
            {"reason": "Refused", "code": "unreadable", "words": of("no key"), "kind": "other"},
        ),
        (
            Delivered("ok"),
            Code.DELIVERED,
            "crew",
            {"reason": "Delivered", "words": of("ok"), "status": None, "label": ""},
        ),
        (NotSent("dns"), Code.NOT_SENT, "crewgate", {"why": "dns", "code": ""}),
        (Unknown("cut", code="502"), Code.IN_DOUBT, "crewgate", {"why": "cut", "code": "502"}),
    ],
)
def test_each_outcome_has_its_entry(
    outcome: Outcome, code: Code, actor: str, data: dict[str, Any]
) -> None:
    assert outcome_entry(outcome, SALT) == Entry(code, actor, data)
    sent = outcome_entry(replace(outcome, exchange=Exchange(b"{}")), SALT)
    assert sent.data == data | {"sent": of("{}")}
    both = outcome_entry(replace(outcome, exchange=Exchange(b"{}", b"ok")), SALT)
    assert both.data == data | {"sent": of("{}"), "answer": of("ok")}


def test_a_digest_tells_nothing_without_its_salt_and_takes_any_text() -> None:
    assert digest_of("Approved.", "a") != digest_of("Approved.", "b")
    assert digest_of("\ud800", SALT) == digest_of(b"\xed\xa0\x80", SALT)


def test_the_texts_of_a_round_are_those_that_entries_have_digests_of() -> None:
    voted = replace(TWO, votes=(a_vote(comment="Fine.", answer="yes"), a_vote(BEN)))
    assert [*texts_of(voted)] == ["Ana", "Ben", "Fine.", "yes"]
    assert [*texts_of(STUCK)] == ["Ana", "Shorter.", "no"]
    assert [*texts_of(WAITING)] == []
    edited = replace(WAITING, edited_by=ANA, reason=EditedBy(BEN))
    assert [*people_of(edited)] == [ANA, BEN]


def test_a_rule_that_changes_is_told_before_what_is_done_under_it() -> None:
    last = replace(DECIDED, rule=a_rule(name="stricter"))
    assert codes(WAITING, last, ANA.id) == [(Code.RULED, ANA.id), (Code.DECIDED, ANA.id)]
    assert codes(WAITING, replace(WAITING, rule=a_rule())) == [(Code.RULED, "rule")]


def test_three_entries_let_the_crew_be_told_a_verdict() -> None:
    decides = {code for code in Code if code.decides}
    assert decides == {Code.DECIDED, Code.TIMED_OUT, Code.RULE_DECIDED}


def test_a_refused_call_without_texts_stays_refused() -> None:
    refused = replace(DECIDED, decision=a_decision(Refuse("Too dear.")))
    removed = without_texts(refused, LATER)
    assert removed.decision is not None
    assert removed.decision.verdict == Refuse("")


def test_codes_are_told_apart_and_told() -> None:
    assert len({code.told for code in Code}) == len(Code)
    assert str(Head(3, b"\x0f" * 2)) == "3:0f0f"
    assert Head(3, b"\x0f").signed == b"crewgate audit head 3:0f"
