"""`crewgate rules explain`: which rule matched, and why the others did not."""

from dataclasses import replace
from datetime import timedelta

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import UserGroup
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Decide, Rule
from tests.builders import a_crew, a_rule
from tests.rules.conftest import Told, rule
from tests.usecases.test_calls import CALL, called
from tests.usecases.world import World


async def test_each_round_is_told_with_its_rule_and_with_those_of_now(
    world: World, told: Told
) -> None:
    groups = ((UserGroup("S0LEGAL"), 1), (UserGroup("S0FINANCE"), 2))
    two_eyes = Rule(name="two eyes", approvals=3, approvals_from=groups)
    world.crews["research"] = a_crew(rules=(two_eyes,))
    await world.start("e-1")
    output = Output('{"budget": {"eur": 70}}', Format.JSON)
    await world.notify(output=output, agent="Lawyer", meta=(("region", "EU"),))
    world.crews["research"] = a_crew()
    world.clock.advance(timedelta(hours=1))
    await world.notify("Another draft.")
    rules = (
        rule(
            "contracts",
            'when = { task = "contract_*", agent = "Poet", contains = ["indemnif", "liability"],'
            ' json = { budget.eur = ">= 50000" }, inputs = { country = "D*" },'
            ' meta = { region = "US" } }',
        )
        + rule("drafts", 'when = { json = { budget.eur = "*" } }')
        + rule("rest", 'when = { inputs = { topic = "tea" } }')
    )

    status, said = await told(rules, explain="e-1")

    assert status == 0
    needed = "3 approvals, 1 of S0LEGAL, 2 of S0FINANCE"
    [first, second, third] = [
        f'crews.toml, line {line}: crews.research.rules[{number}] "{name}"'
        for number, (line, name) in enumerate(
            [(6, "contracts"), (9, "drafts"), (12, "rest")], start=1
        )
    ]
    assert said == [
        "Execution e-1 of research · tea",
        "",
        "Round 1 of “Draft the report”, 2026-03-02 09:00 UTC",
        f"  opened under “two eyes”, which is kept with it as it was then: {needed}",
        "  the rules as they are now, in their order:",
        f"    ✗ {first}:",
        "        the task is Draft the report; it must be contract_*",
        "        the agent is Lawyer; it must be Poet",
        "        the output does not contain “indemnif” or “liability”",
        "        budget.eur in the output is 70; it must be >= 50000",
        "        country in inputs is not there; it must be D*",
        "        region in meta is EU; it must be US",
        f"    ✓ {second}: matches",
        f"    – {third}: comes after it",
        "",
        "Round 2 of “Draft the report”, 2026-03-02 10:00 UTC",
        "  opened when no rule matched: the crew's settings count",
        "  the rules as they are now, in their order:",
        f"    ✗ {first}:",
        "        the task is Draft the report; it must be contract_*",
        "        the agent is Lawyer; it must be Poet",
        "        the output does not contain “indemnif” or “liability”",
        "        budget.eur in the output is not there; it must be >= 50000",
        "        country in inputs is not there; it must be D*",
        "        region in meta is EU; it must be US",
        f"    ✗ {second}:",
        "        budget.eur in the output is not there; it must be *",
        f"    ✓ {third}: matches",
    ]


async def test_a_pattern_that_fits_by_letters_and_digits_alone_is_named(
    world: World, told: Told
) -> None:
    await world.notify("A wire\u2065 transfer.")
    when = 'when = { task = "draft-*", contains = ["cash", "Wire Transfer"] }'
    _, said = await told(rule("wires", when), explain="e-1")

    assert said[-1].endswith('"wires": matches, draft-*, Wire Transfer by letters and digits alone')


async def test_words_whose_letters_look_like_others_cannot_be_told(
    world: World, told: Told
) -> None:
    await world.notify("A wir\u0435 transfer.", agent="Po\u0435t")
    when = 'when = { agent = "Poet", contains = ["wire"] }'
    _, said = await told(rule("wires", when), explain="e-1")

    assert said[6:8] == [
        "        the agent cannot be told; it must be Poet",
        "        it cannot be told whether the output contains “wire”",
    ]


async def test_where_no_rule_matches_the_crew_counts(world: World, told: Told) -> None:
    await world.notify()
    _, said = await told(rule("contracts", 'when = { task = "contract_*" }'), explain="e-1")
    assert said[-1] == "    ✓ none matches: the crew's settings count"
    _, said = await told("", explain="e-1")
    assert said[-1] == "  the crew has no rules now"


async def test_where_it_cannot_be_told_what_matches_the_strictest_counts(
    world: World, told: Told
) -> None:
    await world.notify()
    small = rule("small", 'when = { task = "draft", inputs = { amount = "1*" } }')
    big = rule("big", 'when = { inputs = { amount = "9*" } }\napprovals = 2')
    never = rule("never", 'when = { task = "memo", inputs = { amount = "2*" } }')
    _, said = await told(small + big + never, explain="e-1")
    first, second, third = (
        f'crews.toml, line {line}: crews.research.rules[{number}] "{name}"'
        for number, line, name in ((1, 6, "small"), (2, 9, "big"), (3, 13, "never"))
    )
    assert said[5:] == [
        f"    ? {first}:",
        "        amount in inputs cannot be told; it must be 1*",
        f"    ? {second}:",
        "        amount in inputs cannot be told; it must be 9*",
        f"    ✗ {third}:",
        "        the task is Draft the report; it must be memo",
        "        amount in inputs cannot be told; it must be 2*",
        "    → it cannot be told which matches first: “big” counts, the strictest of these",
    ]
    _, said = await told(
        rule("open", 'when = { inputs = { amount = "1*" } }\nreviewers = ["*"]'), explain="e-1"
    )
    assert said[-1].endswith("first: the crew's settings count, the strictest of these")


async def test_an_execution_is_named_by_any_unambiguous_beginning(world: World, told: Told) -> None:
    for execution in ("abc", "abcd", "abe"):
        await world.notify(execution_id=execution)
    assert (await told("", explain="abcd"))[1][0].startswith("Execution abcd of research")
    assert (await told("", explain="abc"))[1][0].startswith("Execution abc of research")
    assert (await told("", explain="abe"))[0] == 0
    status, said = await told("", explain="ab")
    assert status == 1
    assert said == [
        "✗ several executions begin with ab; give one of",
        "    abc --crew research",
        "    abcd --crew research",
        "    abe --crew research",
    ]
    assert (await told("", explain="abc", of_crew="research"))[0] == 0
    assert (await told("", explain="abc", of_crew="another"))[0] == 1
    assert await told("", explain="x") == (
        1,
        ["✗ no execution of a crew in the settings begins with x"],
    )


async def test_an_execution_without_rounds_is_told_as_that(world: World, told: Told) -> None:
    await world.start("e-7")
    assert await told("", explain="e-7") == (0, ["Execution e-7 of research · no rounds"])


async def test_a_rule_that_decides_alone_is_told_as_that(world: World, told: Told) -> None:
    refuses = a_rule(decide=Decide.REFUSE, reason="By hand.", when=Conditions(tool="purchase"))
    await called(world, refuses, call=ToolCall("purchase"), execution_id="e-2")
    await called(world, a_rule(valid_for=Duration.parse("2h")), execution_id="e-3")
    rules = rule("never", 'decide = "refuse"\nreason = "By hand."')

    _, said = await told(rules, explain="e-2")
    assert "Round 1 of a call of purchase, 2026-03-02 09:00 UTC" in said
    alone = "refuses calls of purchase without a person: By hand."
    assert f"  opened under “contracts”, which is kept with it as it was then: {alone}" in said
    assert said[-1].endswith(": matches, and refuses calls of tools without a person: By hand.")

    _, said = await told(rules, explain="e-3")
    assert said[3].endswith("as it was then: 1 approval; it holds for 2h")


async def test_a_rule_that_decides_on_calls_alone_matches_nothing_else(
    world: World, told: Told
) -> None:
    await world.notify()
    _, said = await told(rule("never", 'decide = "refuse"\nreason = "By hand."'), explain="e-1")
    assert said[-2].endswith('"never": decides on calls of tools alone')
    assert said[-1] == "    ✓ none matches: the crew's settings count"
    await called(world, call=replace(CALL, may_have_run=True), execution_id="e-2")
    allowed = rule("mails", 'decide = "allow"\nwhen = { tool = "send_email" }')
    _, said = await told(allowed, explain="e-2")
    assert said[-2].endswith('"mails": allows no call that may have run already')
