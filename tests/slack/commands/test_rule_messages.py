"""`/crew rules`: each rule in sentences, within Slack's limits."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.people import Anyone, Notify, ReviewerRef, User, UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Decide, Escalation, Reminders, Rule, TimeOut, TimeoutAction
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.commands import render_rules
from crewgate.slack.words.rules import CONDITIONS, OPTIONS, rule_in_words
from crewgate.usecases.queries import CrewRules
from tests.builders import ANA, BEN, a_crew, a_rule
from tests.slack.rendering import REVIEWERS, check_message, names, read, rules, texts

PEOPLE = (User(ANA.id), UserGroup("S1"))
HOUR, DAY = Duration.parse("1h"), Duration.parse("1d")


def render(*found: CrewRules) -> Message:
    def in_slack(named: Sequence[ReviewerRef]) -> Sequence[ReviewerRef]:
        return named

    return render_rules(found, in_slack=in_slack)


def of(*of_crew: Rule, otherwise: bool = True) -> CrewRules:
    crew = a_crew(reviewers=(User(ANA.id), User(BEN.id)), rules=of_crew)
    return CrewRules(crew=crew, rules=tuple(enumerate(of_crew, start=1)), otherwise=otherwise)


def said(rule: Rule) -> list[str]:
    return rule_in_words(1, rule, PEOPLE, PEOPLE).splitlines()


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({}, "every review that no rule before it is for"),
        ({"task": "contract_*"}, "reviews where the task fits `contract_*`"),
        (
            {"agent": "Lawyer*", "contains": ("indemnif", "liability")},
            "the agent fits `Lawyer*` and the output has “indemnif” or “liability” in it.",
        ),
        ({"tool": "send_*"}, "calls where the tool fits `send_*`"),
        (
            {"tool": "purchase", "arguments": (("amount", "> 10000"),)},
            "calls where the tool is `purchase` and the argument `amount` is `&gt; 10000`",
        ),
        ({"contains": tuple("abcde")}, "reviews where the output has “a” or “b” or “c” or 2 more"),
        (
            {"json": (("budget.eur", ">= 50000"),)},
            "reviews where `budget.eur` in the output is `&gt;= 50000`",
        ),
        (
            {"inputs": (("country", "D*"),), "meta": (("region", "EU"),)},
            "reviews where the input `country` fits `D*` and `region` in `meta` is `EU`",
        ),
        (
            {"inputs": tuple((name, "*") for name in "abcdefgh")},
            "the input `f` fits `*` and 2 more hold",
        ),
    ],
)
def test_it_says_which_reviews_a_rule_is_for(when: dict[str, object], says: str) -> None:
    [first, *_] = said(a_rule(when=Conditions(**when)))  # type: ignore[arg-type]
    assert first.startswith("1. *“contracts”* is for ")
    assert says in first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "It takes one approval; <@U0ANA> and <!subteam^S1> may decide."),
        ({"approvals": 2}, "It takes two approvals; <@U0ANA> and <!subteam^S1> may decide."),
        ({"channel": "C0LEGAL"}, "may decide, in <#C0LEGAL>."),
        ({"channel": "#legal"}, "may decide, in #legal."),
        (
            {"self_approval": False},
            "The starter may not approve; where the starter is unknown, all may.",
        ),
        ({"self_approval": False, "unknown_starter": False}, "is unknown, nobody may."),
        ({"delegation": False}, "Nobody may stand in for somebody who is away."),
        ({"decide": Decide.ALLOW}, "It allows them without a person."),
        (
            {"decide": Decide.REFUSE, "reason": "By hand.", "channel": "C0LEGAL"},
            "It refuses them without a person, in <#C0LEGAL>. The agent is told: “By hand.”",
        ),
        ({"valid_for": HOUR}, "An approval holds for 1 hour."),
        ({"ask_about_masks": False}, "*Approve* does not ask about what is masked."),
        ({"notify": Notify.DM}, "Reviewers get a private message."),
    ],
)
def test_it_says_who_and_how_many(changes: dict[str, object], says: str) -> None:
    [_, second] = said(a_rule(**changes))
    assert says in second


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": HOUR}, "It is wanted within 1 hour."),
        (
            {"remind": Reminders(after=HOUR)},
            "Reminders come after 1 hour and then each time after twice as long, 3 at most.",
        ),
        (
            {
                "remind": Reminders(after=HOUR, every=DAY, most=5),
                "working_hours": WorkingHours.parse("Mon-Fri 09:00-17:30 UTC"),
            },
            "5 at most, in working hours only. Working hours are Mon-Fri 09:00-17:30 UTC.",
        ),
        (
            {"remind": Reminders(after=HOUR, most=1)},
            "One reminder comes after 1 hour.",
        ),
        (
            {"escalate": Escalation(DAY, PEOPLE)},
            "After 1 day <@U0ANA> and <!subteam^S1> may decide too.",
        ),
        (
            {"timeout": TimeOut(DAY, TimeoutAction.REVISE, "Stop.")},
            "2 times in a row at most; then operators are called. The crew is told",
        ),
        (
            {"timeout": TimeOut(DAY, TimeoutAction.APPROVE)},
            "If it is not decided within 1 day, it is approved by the rule.",
        ),
        (
            {"timeout": TimeOut(DAY)},
            "If nobody decides within 1 day, the thread says so, and it goes on waiting.",
        ),
    ],
)
def test_it_says_what_time_brings(changes: dict[str, object], says: str) -> None:
    [*_, last] = said(a_rule(**changes))
    assert says in last


A_PATTERN: dict[str, object] = {
    "contains": ("liability",),
    **dict.fromkeys(("tool", "task", "agent"), "send_*"),
    **dict.fromkeys(("arguments", "json", "inputs", "meta"), (("amount", "> 7"),)),
}
BOTH = {"self_approval": False}
CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "name": ({}, {"name": "others"}),
    "when": ({}, {"when": Conditions(task="law")}),
    "decide": ({}, {"decide": Decide.ALLOW}),
    "reason": ({"decide": Decide.REFUSE}, {"decide": Decide.REFUSE, "reason": "By hand."}),
    "channel": ({}, {"channel": "C0LEGAL"}),
    "reviewers": ({}, {"reviewers": (User(BEN.id),)}),
    "reviewers_from": ({}, {"reviewers_from": "inputs.manager"}),
    "approvals": ({}, {"approvals": 2}),
    "approvals_from": ({}, {"approvals_from": ((UserGroup("S1"), 1),)}),
    "self_approval": ({}, BOTH),
    "unknown_starter": (BOTH, BOTH | {"unknown_starter": False}),
    "notify": ({}, {"notify": Notify.NONE}),
    "target": ({}, {"target": HOUR}),
    "remind": ({}, {"remind": Reminders(after=HOUR)}),
    "escalate": ({}, {"escalate": Escalation(DAY, PEOPLE)}),
    "timeout": ({}, {"timeout": TimeOut(DAY)}),
    "working_hours": ({}, {"working_hours": WorkingHours.parse("Mon-Fri 09:00-17:30 UTC")}),
    "valid_for": ({}, {"valid_for": DAY}),
    "delegation": ({}, {"delegation": False}),
    "ask_about_masks": ({}, {"ask_about_masks": False}),
}
"""Of each option two rules that differ in it alone."""


def test_each_field_of_a_rule_and_of_its_conditions_has_its_words() -> None:
    """A new field fails here: it needs its words, and a row above."""
    conditions = {one.name for one in fields(Conditions)}
    assert {*CONDITIONS} == conditions == {*A_PATTERN}
    of_a_round = {"naming", "by_letters"}  # no settings have them
    options = {one.name for one in fields(Rule)} - of_a_round
    worded = [name for line in OPTIONS for some in line for name in some]
    assert {*worded, "name", "when"} == options == {*CHANGED}


@pytest.mark.parametrize("name", A_PATTERN)
def test_each_condition_changes_the_sentence(name: str) -> None:
    when = Conditions(**{name: A_PATTERN[name]})  # type: ignore[arg-type]
    assert said(a_rule(when=when))[0] != said(a_rule(when=Conditions()))[0]


@pytest.mark.parametrize("name", CHANGED)
def test_each_option_changes_the_sentences(name: str) -> None:
    def shown(changes: dict[str, Any]) -> str:
        return read(render(of(a_rule(**{"when": Conditions(), **changes}))))

    before, after = CHANGED[name]
    assert shown(before) != shown(after)


def test_a_rule_that_refuses_all_calls_leaves_all_else() -> None:
    shown = read(render(of(a_rule(decide=Decide.REFUSE, reason="No.", when=Conditions()))))
    assert "is for every call of a tool that no rule before it is for" in shown
    assert "Everything else takes one approval; <@U0ANA> and <@U0BEN> may decide." in shown


def test_crews_and_rules_are_in_their_order_with_what_is_left() -> None:
    law = a_rule(name="law", when=Conditions(task="law"))
    shown = read(render(of(law, a_rule(name="money", when=Conditions(task="money")))))
    order = ["*research* has 2 rules, tried in this order.", "1. *“law”*", "2. *“money”*"]
    places = [shown.index(part) for part in (*order, "Everything else takes one approval;")]
    assert places == sorted(places)


def test_a_rule_for_everything_leaves_nothing() -> None:
    assert "Everything else" not in read(render(of(a_rule())))


def test_a_crew_without_rules_says_who_decides() -> None:
    shown = read(render(of()))
    assert "*research* has no rules." in shown
    assert "<@U0ANA> and <@U0BEN> may decide." in shown


def test_who_is_concerned_by_some_sees_those_and_their_places() -> None:
    some = replace(of(a_rule(name="a"), a_rule(name="b"), otherwise=False), rules=((2, a_rule()),))
    shown = read(render(some))
    assert "*research* has 2 rules; 1 concerns you." in shown
    assert "2. *“contracts”*" in shown
    assert "Everything else" not in shown
    both = replace(some, crew=a_crew(rules=(a_rule(),) * 3), rules=((1, a_rule()), (3, a_rule())))
    assert "3 rules; 2 concern you." in read(render(both))


def test_nobody_is_told_of_rules_that_do_not_concern_them() -> None:
    assert read(render()) == "You decide for no crew, so no rule concerns you."


pairs = st.lists(st.tuples(names, names), max_size=9).map(tuple)
conditions = st.builds(
    Conditions,
    tool=st.none() | names,
    arguments=pairs,
    task=st.none() | names,
    agent=st.none() | names,
    contains=st.lists(texts, max_size=9).map(tuple),
    json=pairs,
    inputs=pairs,
    meta=pairs,
)


any_rules = st.builds(
    replace,
    rules,
    when=conditions,
    channel=st.sampled_from([None, "C0LEGAL", "#" + "l" * 80]),
    reviewers=st.sampled_from([None, REVIEWERS * 5, (Anyone(),)]),
    remind=st.sampled_from([None, Reminders(after=HOUR), Reminders(after=HOUR, most=1)]),
    working_hours=st.just(WorkingHours.parse("Mon-Fri 09:00-17:30 America/Argentina/Buenos_Aires")),
    delegation=st.booleans(),
)


@settings(max_examples=40)
@given(st.lists(any_rules, max_size=4), st.sampled_from([1, 30]))
def test_whatever_rules_say_is_within_the_limits(some: list[Rule], times: int) -> None:
    everybody = {"@U0ANA", "!subteam^S1", "@U0BEN", "#C0LEGAL"}
    message = render(of(*some * times), of(otherwise=False))
    check_message(message, may_mention=frozenset(everybody))
    assert "Revise" in read(message)
