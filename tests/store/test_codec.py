"""Values stored as JSON stay readable, and rules keep their ids."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from crewgate.domain.notification import UNKNOWN, CallerValues, HiddenValue, Question
from crewgate.domain.people import Email
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Vote
from crewgate.store.codec import codec
from crewgate.store.round_rows import from_rule, rule_id_of, to_rule
from tests.builders import LATER, a_round, a_rule
from tests.store.test_rules import FULL, SPARSE, VOTES

STORED = {
    "ace08cb3ca52b256d0fcfea84b6ffb685dc66364df2f0ae669e10593d608e997": (
        FULL,
        (
            r'{"approvals":2,"channel":"C0LEGAL","delegation":false,"escalate":{"after":"3d"'
            r',"to":[["email","lead@example.com"]]},"name":"contracts \u201cover\u201d the l'
            r'imit","notify":"dm","remind":{"after":"4wh","every":"15m","most":7},"reviewers'
            r'":[["user","U0ANA"],["group","S0LEGAL"],["email","lead@example.com"],["anyone"'
            r',""]],"self_approval":false,"target":"30s","timeout":{"after":"3d","feedback":'
            r'"Stop. \u00ab\u0428\u043e\u0440\u0442\u00bb \ud83c\udf89","then":"revise"},"un'
            r'known_starter":false,"when":{"agent":"Lawyer*","contains":["indemnif","liabili'
            r'ty"],"inputs":[["country","D*"]],"json":[["budget.eur",">= 50000"]],"meta":[["'
            r'region","EU"]],"task":"contract_*"},"working_hours":"Mon-Fri 09:00-17:30 Europ'
            r'e/Berlin"}'
        ),
    ),
    "d6afd3c3fb2634237ca8879cde62855beacdabf9e9d07d1a3cb3a758fc7d8e9f": (
        SPARSE,
        r'{"name":"contracts","remind":{"after":"3d"},"reviewers":[],"timeout":{"after":"3d"}}',
    ),
}
"""Rules by their ids of the crew `research`."""


@pytest.mark.parametrize("rule_id", STORED)
def test_a_stored_rule_is_read_and_keeps_its_id(rule_id: str) -> None:
    rule, stored = STORED[rule_id]
    assert to_rule(stored) == rule
    assert from_rule(rule) == stored
    assert rule_id_of(a_round(rule=to_rule(stored))) == rule_id


def test_what_is_escalated_has_another_id() -> None:
    escalated = rule_id_of(a_round(rule=FULL, escalated_at=LATER))
    assert escalated == "a57362a8a56d955a3708de022348a583565924ce360b8a08fd0c421008009717"


@pytest.mark.parametrize("option", sorted(json.loads(from_rule(FULL)).keys() - {"name"}))
def test_a_rule_without_an_option_has_its_default(option: str) -> None:
    stored = json.loads(from_rule(FULL))
    del stored[option]
    default = getattr(Rule(name="default"), option)
    assert to_rule(json.dumps(stored)) == replace(FULL, **{option: default})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerConditions(Conditions):
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerRule(Rule):
    labels: tuple[str, ...] = field(default_factory=tuple)
    nested: NewerConditions = field(default_factory=NewerConditions)


def test_an_option_that_is_added_changes_nothing_where_it_has_its_default() -> None:
    newer = {"labels": ["a"], "nested": {"languages": ["de"]}}
    rule = NewerRule(name="contracts")
    assert codec(NewerRule).dump(rule) == {"name": "contracts"}
    assert codec(NewerRule).load({"name": "contracts"}) == rule
    rule = replace(rule, labels=("a",), nested=NewerConditions(languages=("de",)))
    assert codec(NewerRule).dump(rule) == {"name": "contracts"} | newer
    assert codec(NewerRule).load({"name": "contracts"} | newer) == rule


def test_an_option_that_only_later_code_knows_is_passed_over() -> None:
    assert codec(Rule).load(codec(Rule).dump(a_rule()) | {"later": 1}) == a_rule()


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (
            Vote,
            VOTES[1],
            {
                "by": ["U0BEN", "Ben"],
                "at": "2026-03-02T09:01:00.123456+00:00",
                "via": "modal",
                "on_behalf_of": ["U0CAI", "Cai"],
            },
        ),
        (
            Question,
            Question(request_id="1", outcomes=("yes",), assigned=(Email("ana@example.com"),)),
            {
                "request_id": "1",
                "outcomes": ["yes"],
                "assigned": ["ana@example.com"],
            },
        ),
        (
            Question,
            Question(request_id="1", called_at=LATER, host_refused=True),
            {
                "request_id": "1",
                "called_at": "2026-03-02T09:01:00.123456+00:00",
                "host_refused": True,
            },
        ),
        (CallerValues, UNKNOWN, [["", []]]),
        (
            CallerValues,
            (("topic", "tea"), ("plan", HiddenValue("free"))),
            [["topic", "tea"], ["plan", ["free"]]],
        ),
    ],
)
def test_values_are_stored_in_a_form_that_stays(kind: Any, value: Any, stored: Any) -> None:
    assert codec(kind).dump(value) == stored
    assert codec(kind).load(json.loads(json.dumps(stored))) == value
