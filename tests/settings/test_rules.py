"""Rules from the file of crews: what they say, and what is named when it is wrong."""

from datetime import time

import pytest

from crewgate.crews import build_crews
from crewgate.domain.people import Email, Notify, User, UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration, WorkingHours
from crewgate.domain.rules.rule import Escalation, Reminders, Rule, TimeOut, TimeoutAction
from tests.settings.environments import RESEARCH, Load, problem, problems

HEAD = "[[crews.research.rules]]\n"
NAMED = HEAD + 'name = "two eyes"\n'
HERE = 'crews.toml, line 6: crews.research.rules[1] "two eyes"'
HOURS = 'working_hours = "Mon-Fri 09:00-17:30 Europe/Berlin"\n'


def rules(load_file: Load, text: str) -> tuple[Rule, ...]:
    return build_crews(load_file(RESEARCH + text))["research"].rules


def wrong(load_file: Load, text: str) -> str:
    """Return the problem with one rule, without its place."""
    message = problem(load_file, RESEARCH + NAMED + text)
    assert message.startswith(f"{HERE}.")
    return message.removeprefix(f"{HERE}.")


def test_a_rule_has_all_that_it_says(load_file: Load) -> None:
    (rule,) = rules(
        load_file,
        NAMED
        + """
        when = { task = "contract_*", agent = "Lawyer*", contains = ["indemnif", "liability"], \
json = { "budget.eur" = ">= 50000", ok = true, items.0.count = 3 }, inputs = { country = "D*" }, \
meta = { region = "EU" } }
        channel = "C0123456789"
        reviewers = ["S0123456789", "U012"]
        approvals = 2
        self_approval = false
        unknown_starter = "deny"
        notify = "dm"
        target = "4wh"
        remind = { after = "2h", every = "4h", most = 5 }
        escalate = { after = "1d", to = ["lead@example.com"] }
        timeout = { after = "3d", then = "revise", feedback = "Nobody looked." }
        working_hours = "Mon-Fri 09:00-17:30 Europe/Berlin"
        delegation = false
        """,
    )
    assert rule == Rule(
        name="two eyes",
        when=Conditions(
            task="contract_*",
            agent="Lawyer*",
            contains=("indemnif", "liability"),
            json=(("budget.eur", ">= 50000"), ("ok", "true"), ("items.0.count", "3")),
            inputs=(("country", "D*"),),
            meta=(("region", "EU"),),
        ),
        channel="C0123456789",
        reviewers=(UserGroup("S0123456789"), User("U012")),
        approvals=2,
        self_approval=False,
        unknown_starter=False,
        notify=Notify.DM,
        target=Duration.parse("4wh"),
        remind=Reminders(after=Duration.parse("2h"), every=Duration.parse("4h"), most=5),
        escalate=Escalation(Duration.parse("1d"), (Email("lead@example.com"),)),
        timeout=TimeOut(Duration.parse("3d"), TimeoutAction.REVISE, "Nobody looked."),
        working_hours=WorkingHours.parse("Mon-Fri 09:00-17:30 Europe/Berlin"),
        delegation=False,
    )
    assert rule.working_hours is not None
    assert rule.working_hours.end == time(17, 30)


def test_a_rule_that_says_its_name_alone_is_for_everything(load_file: Load) -> None:
    assert rules(load_file, NAMED) == (Rule(name="two eyes"),)
    assert rules(load_file, NAMED + "when = {}") == (Rule(name="two eyes"),)
    assert rules(load_file, "") == ()


def test_parts_that_are_left_out_have_their_defaults(load_file: Load) -> None:
    (rule,) = rules(load_file, NAMED + 'remind = { after = "2h" }\ntimeout = { after = "3d" }')
    assert rule.remind == Reminders(after=Duration.parse("2h"))
    assert rule.timeout == TimeOut(Duration.parse("3d"), TimeoutAction.LEAVE)


def test_rules_keep_their_order(load_file: Load) -> None:
    text = NAMED + HEAD + 'name = "b"\n' + HEAD + 'name = "a"'
    assert [rule.name for rule in rules(load_file, text)] == ["two eyes", "b", "a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aprovals = 2", "aprovals: unknown; did you mean approvals?"),
        ('when = { tsk = "a" }', "when.tsk: unknown; did you mean task?"),
        ('remind = { after = "2h", evry = "2h" }', "remind.evry: unknown; did you mean every?"),
        ('remind = { every = "2h" }', 'remind.after: missing; put a duration, as "4h"'),
        ('remind = "2h"', "remind: '2h' is no table; put one like { after = \"2h\" }"),
        ('escalate = { after = "1d" }', "escalate.to: missing; put who may decide then too"),
        ("approvals = 51", "approvals: 51: put a number from 1 to 50, no quotes"),
        ('remind = { after = "2h", most = 21 }', "remind.most: 21: put a number from 1 to 20"),
        ("reviewers = []", "reviewers: empty, so nobody may decide; put user ids (U…)"),
        ('escalate = { after = "1d", to = [] }', "escalate.to: empty, so nobody may decide"),
        ('channel = "Reviews"', "channel: 'Reviews' is no channel"),
        ('notify = "mail"', "notify: 'mail' is unknown; put mention or dm or none"),
        ('self_approval = "no"', "self_approval: 'no' is neither true nor false"),
        ('unknown_starter = "no"', "unknown_starter: 'no' is unknown; put allow or deny"),
        ('target = "soon"', "target: 'soon': not a duration; put one like 30s"),
        ('target = "4wh"', "target: 4wh needs working_hours; give the rule some, or put hours (h)"),
        ('remind = { after = "1wh", every = "1h" }', "remind.after: 1wh needs working_hours"),
        ('remind = { after = "1h", every = "1wh" }', "remind.every: 1wh needs working_hours"),
        ('timeout = { after = "9wh" }', "timeout.after: 9wh needs working_hours"),
        ('working_hours = "9 to 5"', "working_hours: '9 to 5': not understood; put hours like"),
        ('timeout = { after = "3d", then = "revise" }', "timeout.feedback: missing; put what"),
        (
            'timeout = { after = "3d", then = "leave", feedback = "x" }',
            'timeout.feedback: it is sent with then = "revise" only',
        ),
        (
            f'timeout = {{ after = "3d", then = "revise", feedback = "{"x" * 3_001}" }}',
            "timeout.feedback: it has 3001 characters; put 3000 at most",
        ),
        ('decide = "allow"', 'decide: "allow" needs tools by name; put when = { tool ='),
        ('decide = "allow"\nwhen = { tool = "*" }', 'decide: "allow" needs tools by name'),
        ('valid_for = "1h"', "valid_for: it is for approvals of calls; put when = { tool ="),
        ('valid_for = "1h"\nwhen = { tool = "*" }', "valid_for: it is for approvals of calls"),
        (
            'valid_for = "1wh"\nwhen = { tool = "buy" }',
            "valid_for: 1wh needs working_hours; give the rule some, or put hours (h)",
        ),
        ('decide = "refuse"', 'reason: missing; put what the agent is told by decide = "refuse"'),
        ('decide = "perhaps"', "decide: 'perhaps' is unknown; put allow or refuse"),
        ('reason = "x"', "reason: it is told with decide only; put that, or take it out"),
        (
            f'decide = "refuse"\nreason = "{"x" * 3_001}"',
            "reason: it has 3001 characters; put 3000 at most",
        ),
        ('decide = "refuse"\napprovals = 2', "approvals: decide stands for it; take one of the"),
        ('when = { arguments = { a = "> x" } }', "when.arguments: a: after > comes a number"),
        (
            'when = { arguments = { a = ["> 0", "b*"] } }',
            'when.arguments: a: a list has comparisons that all hold, as ["> 0", "< 100"]',
        ),
        ("when = { json = { a = [] } }", "when.json: a: a list has comparisons that all hold"),
        ('timeout = { after = "3d", then = "reject" }', "timeout.then: 'reject' is unknown; put"),
        (
            'timeout = { after = "3d", then = "approve" }\nremind = { after = "72h" }',
            "remind.after: it must come before the time-out (3d); put a shorter one",
        ),
        ('when = "contract"', "when: 'contract' is no table; put one like { task ="),
        ('when = { contains = "a" }', "when.contains: put a list of texts, as"),
        (f'when = {{ task = "{"a" * 201}" }}', "when.task: it has 201 characters; put 200"),
        ('when = { json = { a.b = ">= many" } }', "when.json: 'a.b': after >= comes a number; put"),
        ("when = { inputs = {} }", "when.inputs: it is empty; put names with their values"),
        ("when = { meta = { region = [] } }", "when.meta: region: put some text, in quotes"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_rule(load_file: Load, text: str, said: str) -> None:
    assert wrong(load_file, text).startswith(said)


def test_a_rule_without_a_name_is_told_by_its_number(load_file: Load) -> None:
    message = problem(load_file, RESEARCH + HEAD + "approvals = 2")
    assert message == (
        "crews.toml, line 6: crews.research.rules[1].name: missing; put what people call this"
        " rule, in quotes"
    )


def test_a_rule_without_a_name_before_another_is_told_too(load_file: Load) -> None:
    text = RESEARCH + HEAD + "approvals = 2\n" + NAMED
    assert problem(load_file, text).startswith("crews.toml, line 6: crews.research.rules[1].name")


def test_comparisons_of_one_value_may_be_a_list(load_file: Load) -> None:
    when = 'when = { tool = "buy", arguments = { amount = ["> 0", "< 100"], a.b = "x" } }\n'
    (rule,) = load_file(RESEARCH + NAMED + when).crews["research"].rules
    assert rule.when.arguments == (("amount", "> 0"), ("amount", "< 100"), ("a.b", "x"))


def test_a_name_that_comes_twice_is_refused_where_it_comes_again(load_file: Load) -> None:
    text = RESEARCH + NAMED + HEAD + 'name = "Two Eyes"\n'
    assert problem(load_file, text) == (
        'crews.toml, line 8: crews.research.rules[2] "Two Eyes".name: another rule of this crew has'
        " it; put a name of its own"
    )


def test_all_that_is_wrong_is_said_at_once(load_file: Load) -> None:
    text = RESEARCH + NAMED + "approvals = 0\nreviewers = []\n" + HEAD + 'target = "soon"\n'
    assert len(problems(load_file, text)) == 4


def test_the_line_is_left_out_where_it_cannot_be_told(load_file: Load) -> None:
    text = RESEARCH + 'rules = [{ name = "two eyes", approvals = 0 }]'
    message = problem(load_file, text)
    assert message.startswith('crews.toml: crews.research.rules[1] "two eyes".approvals: 0')


@pytest.mark.parametrize("text", ["[crews.research.rules]\n", "rules = 3", 'rules = ["a"]'])
def test_rules_are_tables_with_two_brackets(load_file: Load, text: str) -> None:
    assert problem(load_file, RESEARCH + text) == (
        "crews.toml: crews.research.rules: describe each rule as a table with two brackets,"
        " [[crews.NAME.rules]]"
    )


def test_working_hours_are_counted_where_the_rule_has_them(load_file: Load) -> None:
    (rule,) = rules(load_file, NAMED + HOURS + 'target = "4wh"\nremind = { after = "1wh" }')
    assert rule.target == Duration.parse("4wh")


@pytest.mark.parametrize(
    "text",
    [
        'timeout = { after = "3d" }\nremind = { after = "4d" }',
        HOURS + 'timeout = { after = "3d", then = "approve" }\nremind = { after = "99wh" }',
        'timeout = { after = "3d", then = "approve" }\nremind = { after = "2d" }',
    ],
)
def test_a_reminder_may_come_when_the_time_out_may_not_yet_have(load_file: Load, text: str) -> None:
    assert len(rules(load_file, NAMED + text)) == 1


def test_groups_that_must_approve_are_the_reviewers(load_file: Load) -> None:
    (rule,) = rules(load_file, NAMED + "approvals_from = { S0LEGAL = 1, S0FINANCE = 2 }\n")
    legal, finance = UserGroup("S0LEGAL"), UserGroup("S0FINANCE")
    assert rule.approvals_from == ((legal, 1), (finance, 2))
    assert (rule.reviewers, rule.approvals) == ((legal, finance), 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("approvals_from = {}", "approvals_from: it is empty; put user groups with numbers,"),
        (
            "approvals_from = { S0LEGAL = 1 }\napprovals = 1",
            "approvals: approvals_from stands for it; take one of the two out",
        ),
        (
            'approvals_from = { S0LEGAL = 1 }\nreviewers = ["U0ANA"]',
            "reviewers: approvals_from stands for it; take one of the two out",
        ),
    ],
)
def test_groups_that_cannot_be_counted_are_named(load_file: Load, text: str, said: str) -> None:
    assert wrong(load_file, text).startswith(said)


def test_a_reviewer_is_taken_from_inputs_or_meta(load_file: Load) -> None:
    (rule,) = rules(load_file, NAMED + 'reviewers_from = "meta.who.decides"\n')
    assert (rule.reviewers_from, rule.reviewers, rule.naming) == ("meta.who.decides", None, None)
    said = wrong(load_file, 'reviewers_from = "manager"')
    assert said == "reviewers_from: 'manager': put inputs.NAME or meta.NAME"
    said = wrong(load_file, 'reviewers_from = "inputs.manager"\napprovals = 2')
    assert said.startswith("approvals: reviewers_from stands for it")
