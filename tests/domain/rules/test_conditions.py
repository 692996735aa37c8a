"""The rule that counts for a review, and the reasons why other rules do not."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.notification import (
    TEXT_LIMIT,
    UNKNOWN,
    CallerValues,
    Format,
    HiddenValue,
    Output,
    keep_asked,
    shown,
    unless_erased,
)
from crewgate.domain.people import Anyone, ReviewerRef, User
from crewgate.domain.rules.choose import choose, could_apply, strictest
from crewgate.domain.rules.conditions import FOUND_SHOWN, Conditions, Facts, Key, Mismatch
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Rule, TimeOut, TimeoutAction
from tests.worst_cases import LARGEST, SECONDS, TEXTS, seconds


def facts(output: object = "A draft.", **changes: Any) -> Facts:
    """The facts of a task called `contract_eu`; an output that is no text is written as JSON."""
    return replace(
        Facts(
            task_id="t-17",
            task_name="contract_eu",
            agent="Lawyer Bot",
            output=Output(output)
            if isinstance(output, str)
            else Output(json.dumps(output), Format.JSON),
            inputs=(("country", "DE"), ("topic", "Lease")),
            meta=(("region", "EU"),),
        ),
        **changes,
    )


def of(**wanted: Any) -> Conditions:
    return Conditions(**wanted)


BUDGET = {"budget": {"eur": 50_000.0}, "items": [{"price": "12"}, {"price": None}], "ok": True}


@pytest.mark.parametrize(
    "conditions",
    [
        of(),
        of(task="Contract_*"),
        of(task="t-1?"),
        of(agent="lawyer*"),
        of(contains=("indemnif", "A DRAFT")),
        of(inputs=(("country", "d*"), ("topic", "lease"))),
        of(meta=(("region", "EU"),)),
    ],
)
def test_a_rule_is_for_a_review_of_which_all_holds(conditions: Conditions) -> None:
    assert conditions.mismatches(facts()) == ()
    assert conditions.hold(facts())


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("budget.eur", ">= 50000"),
        ("budget.eur", "50000.0"),
        ("items.0.price", "< 13"),
        ("items.1.price", "null"),
        ("ok", "TRUE"),
        ("budget", "*"),
        ("items", "*"),
    ],
)
def test_a_value_in_a_json_output_is_found_by_its_path(path: str, wanted: str) -> None:
    assert of(json=((path, wanted),)).hold(facts(BUDGET))


@pytest.mark.parametrize(
    ("path", "wanted", "found"),
    [
        ("budget.eur", "> 50000", "50000.0"),
        ("budget.usd", "*", None),
        ("budget", "> 1", "{…}"),
        ("items", "> 1", "[…]"),
        ("items.2.price", "*", None),
        ("items.-1.price", "*", None),
        ("items.99999999999", "*", None),
        ("items.²", "*", None),
        ("ok.then", "*", None),
        ("ok", "false", "true"),
    ],
)
def test_a_value_that_is_not_as_wanted_is_named_with_its_path(
    path: str, wanted: str, found: str | None
) -> None:
    mismatches = of(json=((path, wanted),)).mismatches(facts(BUDGET))
    is_other = found in ("{…}", "[…]")
    assert mismatches == (Mismatch(Key.JSON, (wanted,), found, name=path, unsure=is_other),)


@pytest.mark.parametrize(
    "output",
    [
        Output('{"b": 1}'),
        Output("{", Format.JSON),
        Output("[" * 500_000, Format.JSON),
        Output("[1]", Format.JSON),
    ],
)
def test_an_output_that_has_no_such_value_is_not_for_the_rule(output: Output) -> None:
    assert not of(json=(("a", "*"),)).hold(replace(facts(), output=output))


@pytest.mark.parametrize(
    "text",
    [
        '{"budget": {"eur": 60000}}',
        '\n  {"budget": {"eur": 60000}}\n',
        '```json\n{"budget": {"eur": 60000}}\n```',
        '```\n{\n"budget": {"eur": 60000}\n}\n```\n',
    ],
)
def test_json_that_an_agent_wrote_as_a_text_is_read_too(text: str) -> None:
    assert of(json=(("budget.eur", ">= 50000"),)).hold(facts(text))


@pytest.mark.parametrize("text", ["60000", '"budget"', 'Here: {"budget": {"eur": 1}}', "{budget"])
def test_other_texts_have_no_values(text: str) -> None:
    assert not of(json=(("budget.eur", "*"),)).hold(facts(text))
    assert facts(text).value_at("budget.eur") is None


@pytest.mark.parametrize(
    ("wanted", "value", "holds"),
    [
        (">= 50000", "about 60000", None),
        (">= 50000", None, None),
        (">= 50000", {"eur": 1}, None),
        ("true", "yes", None),
        ("draft", 7, None),
        ("draft", ["draft"], None),
        ("draft", "final", False),
        ("*", {"eur": 1}, True),
    ],
)
def test_a_value_of_another_type_than_the_rule_s_cannot_be_told(
    wanted: str, value: object, *, holds: bool | None
) -> None:
    assert of(json=(("value", wanted),)).hold(facts({"value": value})) is holds


def test_nothing_of_an_output_with_erased_passages_is_taken_as_read() -> None:
    came = facts({"value": "9[redacted]"})
    erased = replace(came, output=replace(came.output, erased=1))
    for when in (of(json=(("value", "9*"),)), of(contains=("liability",))):
        assert when.hold(erased) is None
    assert of(json=(("value", "9*"),)).hold(came), "an agent may write so itself"


def test_every_condition_that_does_not_hold_is_named_in_the_order_of_the_keys() -> None:
    conditions = of(
        task="memo_*",
        agent="Poet*",
        contains=("liability", "Indemnif"),
        json=(("budget.eur", ">= 50000"),),
        inputs=(("country", "F*"), ("city", "*")),
        meta=(("region", "US"),),
    )
    assert conditions.mismatches(facts(agent=None, task_name=None)) == (
        Mismatch(Key.TASK, ("memo_*",), "t-17"),
        Mismatch(Key.AGENT, ("Poet*",), None),
        Mismatch(Key.CONTAINS, ("liability", "Indemnif"), None),
        Mismatch(Key.JSON, (">= 50000",), None, name="budget.eur"),
        Mismatch(Key.INPUTS, ("F*",), "DE", name="country"),
        Mismatch(Key.INPUTS, ("*",), None, name="city"),
        Mismatch(Key.META, ("US",), "EU", name="region"),
    )
    assert not conditions.hold(facts())


def test_of_a_long_value_the_beginning_is_kept() -> None:
    (mismatch,) = of(agent="Poet").mismatches(facts(agent="a" * 1_000))
    assert mismatch.found == "a" * (FOUND_SHOWN - 1) + "…"


def test_the_first_rule_whose_conditions_hold_counts() -> None:
    memo = Rule(name="memo", when=of(task="memo_*"))
    contract = Rule(name="contract", when=of(task="contract_*"))
    rest = Rule(name="rest")
    assert choose((memo, contract, rest), facts()) is contract
    assert choose((memo, rest), facts()) is rest
    assert choose((memo,), facts()) == NO_RULE
    assert choose((), facts()) == NO_RULE


@pytest.mark.parametrize(
    ("inputs", "holds"),
    [
        ((("amount", HiddenValue("90000")),), True),
        ((("amount", HiddenValue("100")),), False),
        ((("topic", "tea"),), False),
        ((("amount", HiddenValue()),), None),
        ((("amount", "9[redacted]"),), True),
        ((("amount", HiddenValue("9[redacted]")),), True),
        (UNKNOWN, None),
        ((("amount", "90000"), *UNKNOWN), True),
    ],
)
def test_a_value_that_is_hidden_counts_and_one_that_cannot_be_told_may(
    inputs: CallerValues, holds: bool | None
) -> None:
    conditions = of(inputs=(("amount", "9*"),))
    assert conditions.hold(facts(inputs=inputs)) is holds
    assert of(meta=conditions.inputs).hold(facts(meta=inputs)) is holds
    assert of(task="memo", inputs=conditions.inputs).hold(facts(inputs=inputs)) is False


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (of(agent="*lawyer"), None),
        (of(task="*lawyer"), None),
        (of(task="t-17"), True),
        (of(task="t-17", agent="*"), None),
    ],
)
def test_a_name_that_was_cut_may_match(when: Conditions, holds: bool | None) -> None:
    cut = "a" * TEXT_LIMIT
    assert when.hold(facts(agent=cut, task_name=cut)) is holds


BIG = of(inputs=(("amount", "9*"),))


def test_where_it_cannot_be_told_the_strictest_that_may_match_counts() -> None:
    test = Rule(name="test", when=of(inputs=(("env", "test"),)))
    big, eu = Rule(name="big", when=BIG, approvals=2), Rule(name="eu", when=of(task="contract_*"))
    rest = Rule(name="rest", approvals=9)
    unknown = facts(inputs=UNKNOWN)
    assert could_apply((test, big, eu, rest), unknown) == (test, big, eu)
    assert choose((test, big, eu, rest), unknown) is big
    assert choose((test, eu), unknown) is test
    assert could_apply((test,), unknown) == (test, NO_RULE)
    assert choose((big, eu), facts(inputs=(("amount", "1"),))) is eu


@pytest.mark.parametrize(
    ("strict", "loose"),
    [
        (Rule(name="a", approvals=2), Rule(name="b", self_approval=False)),
        (Rule(name="a", self_approval=False), Rule(name="b", unknown_starter=False)),
        (
            Rule(name="a", self_approval=False, unknown_starter=False),
            Rule(name="b", self_approval=False),
        ),
        (
            Rule(name="a"),
            Rule(name="b", timeout=TimeOut(Duration.parse("1d"), TimeoutAction.APPROVE)),
        ),
        (Rule(name="a", reviewers=(User("U0BEN"),)), Rule(name="b", reviewers=(Anyone(),))),
        (Rule(name="a", self_approval=False), NO_RULE),
        (NO_RULE, Rule(name="b", reviewers=(Anyone(),))),
    ],
)
def test_one_rule_is_stricter_than_another(strict: Rule, loose: Rule) -> None:
    assert strictest((loose, strict)) is strict
    assert strictest((strict, loose)) is strict


@pytest.mark.parametrize(
    ("usual", "name"), [((Anyone(),), "finance"), ((User("U0BEN"),), "large"), (None, "finance")]
)
def test_a_rule_without_reviewers_has_those_of_the_crew(
    usual: tuple[ReviewerRef, ...] | None, name: str
) -> None:
    large = Rule(name="large", when=BIG)
    finance = Rule(name="finance", reviewers=(User("U0CAI"),))
    assert choose((large, finance), facts(inputs=UNKNOWN), usual).name == name


def test_of_rules_that_are_as_strict_the_first_counts() -> None:
    leave = TimeOut(Duration.parse("1d"), TimeoutAction.LEAVE)
    one, other = Rule(name="one"), Rule(name="other", timeout=leave, unknown_starter=False)
    assert strictest((one, other, NO_RULE)) is one
    assert strictest((other, one, NO_RULE)) is other


GLOBS = st.sampled_from(["*", "a*", "ab", "a?", "b", ""])
WANTED = st.sampled_from(["*", "1*", "10", "> 1", ">= 1", "= 10", "!= 1", "a"])
NAMES = st.sampled_from(["x", "y"])
CONDITIONS = st.builds(
    Conditions,
    task=st.none() | GLOBS,
    agent=st.none() | GLOBS,
    contains=st.lists(st.sampled_from(["a", "ab", "b"]), max_size=2).map(tuple),
    json=st.lists(st.tuples(NAMES, WANTED), max_size=2).map(tuple),
    inputs=st.lists(st.tuples(NAMES, GLOBS), max_size=2).map(tuple),
    meta=st.lists(st.tuples(NAMES, GLOBS), max_size=1).map(tuple),
)
VALUES = st.sampled_from(["a", "ab", "b", "ba"])
FACTS = st.builds(
    Facts,
    task_id=VALUES,
    task_name=st.none() | VALUES,
    agent=st.none() | VALUES,
    output=st.dictionaries(NAMES, VALUES | st.sampled_from([1, 2, 10])).map(
        lambda value: Output(json.dumps(value), Format.JSON)
    ),
    inputs=st.dictionaries(NAMES, VALUES).map(lambda given: tuple(given.items())),
    meta=st.dictionaries(NAMES, VALUES).map(lambda given: tuple(given.items())),
)


@given(
    rules=st.lists(CONDITIONS, max_size=4).map(
        lambda found: tuple(Rule(name=str(number), when=when) for number, when in enumerate(found))
    ),
    found=FACTS,
    name=NAMES,
)
def test_what_cannot_be_told_leaves_every_rule_possible_that_it_could_decide_on(
    rules: tuple[Rule, ...], found: Facts, name: str
) -> None:
    others = tuple(pair for pair in found.inputs if pair[0] != name)
    untold = replace(found, inputs=(*others, (name, HiddenValue())))
    assert choose(rules, found) in could_apply(rules, untold)
    assert choose(rules, found) in could_apply(rules, replace(found, inputs=UNKNOWN))


@given(conditions=CONDITIONS, found=FACTS)
def test_conditions_hold_where_none_of_them_does_not(conditions: Conditions, found: Facts) -> None:
    assert (conditions.hold(found) is True) is (conditions.mismatches(found) == ())


HARD = of(
    contains=tuple(f"{'a' * 100}{number}" for number in range(20)),
    json=tuple((f"items.{number}.price", f"*a*b{number}") for number in range(20)),
)


@pytest.mark.parametrize("name", ["as long as can be", "'a'", "'{'", "'1,'", "'\"a\":'"])
def test_no_output_makes_choosing_slow(name: str) -> None:
    output = Output(TEXTS[name](), Format.JSON)
    rules = tuple(Rule(name=str(number), when=HARD) for number in range(20))
    assert seconds(lambda: choose(rules, replace(facts(), output=output))) < SECONDS / 4


@pytest.mark.parametrize(
    "output",
    [
        "[" + "1," * (LARGEST // 2 - 1) + "1]",
        "[" + '{"a":1},' * (LARGEST // 8 - 1) + "{}]",
        "[" + "9" * (LARGEST - 2) + "]",
        "[" + '{"price":"' + "ab" * (LARGEST // 2 - 8) + '"}]',
    ],
)
def test_no_large_json_makes_choosing_slow(output: str) -> None:
    rules = tuple(Rule(name=str(number), when=replace(HARD, contains=())) for number in range(20))
    found = replace(facts(), output=Output(output, Format.JSON))
    assert seconds(lambda: choose(rules, replace(found))) < SECONDS / 4


def test_a_value_that_had_a_secret_in_it_is_shown_and_cannot_be_told() -> None:
    came: CallerValues = (("amount", "9 key-1"), ("country", "DE"))
    clean: CallerValues = (("amount", "9 [redacted]"), ("country", "DE"))
    after = unless_erased(came, clean)
    assert shown(keep_asked(after, {"amount"})) == clean
    assert of(inputs=(("amount", "9*"),)).hold(facts(inputs=after)) is None
    assert of(inputs=(("country", "DE"),)).hold(facts(inputs=after))
    assert unless_erased(clean, clean) == clean
