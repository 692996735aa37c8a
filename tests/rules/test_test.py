"""`crewgate rules test`: the effect of the present file on earlier rounds."""

import argparse
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.command_line import add_rules_arguments
from crewgate.domain.acts import ToolCall
from crewgate.domain.caveats import Seen, Share
from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Email, User
from crewgate.domain.review import Round
from crewgate.domain.rules.rule import Naming, Rule
from crewgate.domain.verdict import Approve, Revise
from crewgate.store.replay import PAGE
from crewgate.usecases.decide import edit
from tests.builders import ANA, a_crew
from tests.databases import both
from tests.rules.conftest import Told, rule
from tests.standins.workspace import Workspace
from tests.usecases.test_calls import called
from tests.usecases.world import CREW, World

MEMO = 'when = { task = "memo" }\n'


async def pause(world: World, number: int = 1, **changes: Any) -> None:
    """Open a round in an execution of its own."""
    about = {"execution_id": f"e-{number}", "task_id": "memo", "task_name": None} | changes
    await world.notify(**about)


async def test_what_would_go_as_it_went_is_counted(world: World, told: Told) -> None:
    await pause(world, 1)
    await pause(world, 2)
    status, said = await told("")
    assert (status, said) == (
        0,
        [
            "2 rounds since 2026-01-31 (--since 30d), tried on the rules as they are now",
            "",
            "research: 2 rounds",
            "  ✓ 2 would go as they went",
        ],
    )
    await pause(world, 3, task_id="draft")
    _, said = await told(rule("memos", MEMO + "approvals = 2"))
    assert said[2:4] == ["research: 3 rounds", "  ✓ 1 would go as it went"]


async def test_what_would_go_elsewhere_is_told_with_the_newest_rounds(
    world: World, told: Told
) -> None:
    for number in range(1, 6):
        await pause(world, number)
        world.clock.advance(timedelta(days=1))
    text = 'channel = "C0LEGAL"\nreviewers = ["S0LEGAL"]\napprovals = 2\nself_approval = false\n'
    status, said = await told(rule("memos", MEMO + text + 'remind = { after = "1d" }'))
    assert status == 0
    assert said[3:] == [
        "  → 5 would be under “memos” instead of the crew's settings",
        "      in C0LEGAL instead of C0REVIEWS",
        "      2 approvals instead of 1",
        "      decided by S0LEGAL instead of U0ANA, U0BEN",
        "      other values of self_approval, remind",
        "      e.g. round 1 of “memo”, execution e-5 (2026-03-06)",
        "      e.g. round 1 of “memo”, execution e-4 (2026-03-05)",
        "      e.g. round 1 of “memo”, execution e-3 (2026-03-04)",
    ]


async def test_a_call_is_named_by_its_tool(world: World, told: Told) -> None:
    await called(world, call=ToolCall("purchase"), execution_id="e-1")
    _, said = await told(rule("purchases", 'when = { tool = "purchase" }\napprovals = 2'))
    assert said[-1] == "      e.g. round 1 of a call of purchase, execution e-1 (2026-03-02)"


async def test_a_rule_that_says_something_else_now_is_told_apart_from_another_one(
    world: World, told: Told
) -> None:
    world.crews["research"] = a_crew(rules=(Rule(name="memos", approvals=2),))
    await pause(world)
    assert "  ✓ 1 would go as it went" in (await told(rule("memos", "approvals = 2")))[1]
    assert "  ✓ 1 would go as it went" in (await told(rule("memos", MEMO + "approvals = 2")))[1]
    _, said = await told(rule("memos"))
    assert said[3:5] == ["  → 1 would be under “memos” as before", "      1 approval instead of 2"]
    _, said = await told(rule("papers", "approvals = 2"))
    assert said[3] == "  → 1 would be under “papers” instead of “memos”"
    assert said[4].startswith("      e.g. round 1")
    _, said = await told("")
    assert said[3] == "  → 1 would be under the crew's settings instead of “memos”"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("approvals = 3", "nobody could approve: it needs 3 people and has 2"),
        ('reviewers = ["nobody@example.com"]', "nobody could approve: no reviewer is left"),
        (
            'self_approval = false\nreviewers = ["U0ANA"]',
            "nobody could approve: no reviewer is left",
        ),
        (
            'self_approval = false\nreviewers = ["U0ANA", "S0LEGAL"]\napprovals = 3',
            "nobody could approve: it needs 3 people and has 2",
        ),
    ],
)
async def test_rounds_that_nobody_could_approve_make_the_exit_status_1(
    world: World, told: Told, text: str, why: str
) -> None:
    """Ana started it."""
    await world.start("e-1")
    await pause(world)
    status, said = await told(rule("memos", text))
    assert status == 1
    assert said[3].startswith("  ✗ 1 would be under “memos”")
    assert said[4] == f"      {why}"


async def test_who_may_decide_after_the_escalation_counts(world: World, told: Told) -> None:
    await pause(world)
    text = 'reviewers = ["U0ANA"]\napprovals = 3\nescalate = { after = "1d", to = ["S0LEGAL"] }'
    assert (await told(rule("memos", text)))[0] == 0


@pytest.mark.parametrize("starter", ["U0BEN", "ben@example.com"])
async def test_who_started_it_may_be_told_by_the_caller(
    world: World, told: Told, starter: str
) -> None:
    await world.kick_off(("started_by", starter), execution="e-1")
    await pause(world)
    text = 'self_approval = false\nreviewers = ["ben@example.com"]'
    assert (await told(rule("memos", text)))[0] == 1
    text = 'self_approval = false\nreviewers = ["ben@example.com", "U0CARL"]'
    assert (await told(rule("memos", text)))[0] == 0


async def test_a_rule_may_let_nobody_approve_what_nobody_knows_to_have_started(
    world: World, told: Told
) -> None:
    await world.kick_off(("started_by", "somebody@example.com"), execution="e-1")
    await pause(world)
    text = 'self_approval = false\nunknown_starter = "deny"'
    status, said = await told(rule("memos", text))
    assert status == 1
    assert said[4] == (
        "      nobody could approve: nobody knows who started it, and unknown_starter is deny"
    )
    assert (await told(rule("memos", "self_approval = false")))[0] == 0


async def test_anybody_is_enough(world: World, told: Told) -> None:
    await pause(world)
    assert (await told(rule("memos", 'reviewers = ["*"]\napprovals = 9')))[0] == 0


async def test_a_rule_whose_people_slack_does_not_tell_is_not_held_against_them(
    world: World, told: Told, slack: Workspace
) -> None:
    await pause(world)
    await slack.go_down()
    text = rule("memos", 'reviewers = ["S0LEGAL", "nobody@example.com"]\napprovals = 9')
    status, said = await told(text)
    assert status == 0
    assert said[0] == (
        "! Slack could not be asked who is meant by S0LEGAL, nobody@example.com; whether enough"
        " people may approve is left out where they are named"
    )
    assert (await told(rule("memos", "approvals = 9")))[0] == 1


async def test_rounds_are_chosen_for_by_all_that_was_known(world: World, told: Told) -> None:
    await world.start("e-1")
    output = Output('{"budget": {"eur": 70000}}', Format.JSON)
    await pause(world, output=output, agent="Lawyer", meta=(("region", "EU"),))
    await pause(world, 2)
    when = (
        'when = { task = "memo", agent = "Law*", contains = ["BUDGET"], inputs = { topic = "*" },'
        ' meta = { region = "eu" }, json = { budget.eur = "> 50000" } }'
    )
    _, said = await told(rule("memos", when))
    assert said[3] == "  ✓ 1 would go as it went"
    assert said[4] == "  → 1 would be under “memos” instead of the crew's settings"


async def test_where_a_value_cannot_be_told_the_strictest_is_tried(
    world: World, told: Told
) -> None:
    await pause(world, 1)
    await world.start("e-2")
    await pause(world, 2)
    big = rule("big", 'when = { inputs = { amount = "9*" } }\napprovals = 2')
    _, said = await told(rule("small", 'when = { inputs = { amount = "1*" } }') + big)
    assert said[3:7] == [
        "  ✓ 1 would go as it went",
        "  → 1 would be under “big” instead of the crew's settings",
        "      the strictest that may match: it cannot be told which matches first",
        "      2 approvals instead of 1",
    ]
    world.crews["research"] = a_crew(rules=(Rule(name="big", approvals=2),))
    await pause(world, 3)
    world.crews["research"] = a_crew()
    _, said = await told(rule("big", 'when = { inputs = { amount = "9*" } }\napprovals = 2'))
    assert said[3] == "  ✓ 2 would go as they went"


async def test_only_rounds_since_then_are_tried(world: World, told: Told) -> None:
    await pause(world, 1)
    world.clock.advance(timedelta(days=3))
    await pause(world, 2)
    assert (await told("", since="3d"))[1][0].startswith("2 rounds since 2026-03-02")
    assert (await told("", since="71h"))[1][0].startswith("1 round since 2026-03-02")
    assert (await told("", since="30s"))[1][0].startswith("1 round since 2026-03-05")
    world.clock.advance(timedelta(days=3))
    assert (await told("", since="1d"))[1] == [
        "0 rounds since 2026-03-07 (--since 1d), tried on the rules as they are now"
    ]


async def test_every_page_is_read_once(world: World, told: Told) -> None:
    for number in range(2 * PAGE):
        await pause(world, number)
    assert "research: 40 rounds" in (await told(""))[1]
    await pause(world, 2 * PAGE)
    assert "research: 41 rounds" in (await told(""))[1]


async def test_rounds_of_a_crew_that_the_settings_do_not_name_are_left_out(
    world: World, told: Told
) -> None:
    world.crews["other"] = a_crew("other", reviewers=(User("U0ANA"),))
    await world.notify(crew="other")
    assert (await told(""))[1] == [
        "1 round since 2026-01-31 (--since 30d), tried on the rules as they are now",
        "– other: 1 round left out, because the settings name no such crew",
    ]


async def test_what_a_crew_calls_its_task_does_not_steer_the_terminal(
    world: World, told: Told
) -> None:
    await pause(world, task_name="\x1b[31m" + "x" * 100)
    _, said = await told(rule("all"))
    assert said[-1].startswith("      e.g. round 1 of “\\x1b[31m" + "x" * 74 + "…”, execution")


async def test_whom_a_request_of_a_flow_assigns_decide_where_nobody_is_named(
    world: World, told: Told
) -> None:
    world.crews["research"] = a_crew(reviewers=(), operators=(User("U0ANA"),))
    await world.ask(assigned=(Email("ben@example.com"),))
    flows = 'reviewers = []\noperators = ["U0ANA"]\nflow_webhook_secret_env = "FLOW"\n'
    secret = {"FLOW": "whsec_a-secret-of-a-flow"}
    assert "  ✓ 1 would go as it went" in (await told(flows, **secret))[1]
    status, said = await told(flows + rule("all", 'reviewers = ["U0BEN"]'), **secret)
    assert status == 0
    assert "      decided by U0BEN instead of ben@example.com" in said
    assert "      decided by U0ANA, U0BEN instead of ben@example.com" in (await told(""))[1]
    _, said = await told(flows, explain="f-1", **secret)
    assert "  opened when no rule matched: the crew's settings count" in said


async def test_a_database_of_another_version_is_not_read(world: World, told: Told) -> None:
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0019'"))
    with pytest.raises(StoreUnavailable, match="an older Crewgate made the database"):
        await told("")
    async with world.engines.write.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="a later Crewgate has migrated the database"):
        await told("")


async def test_groups_that_could_not_approve_together_are_told(
    world: World, slack: Workspace, told: Told
) -> None:
    slack.add_group("S0FINANCE", "finance", ["U0BEN"])
    slack.add_group("S0BOARD", "board", ["U0BEN"])
    await pause(world)
    status, said = await told(rule("memos", "approvals_from = { S0LEGAL = 1, S0FINANCE = 1 }"))
    assert status == 0
    assert said[4:7] == [
        "      2 approvals instead of 1",
        "      decided by S0LEGAL, S0FINANCE instead of U0ANA, U0BEN",
        "      other values of approvals_from",
    ]
    status, said = await told(rule("memos", "approvals_from = { S0BOARD = 1, S0FINANCE = 1 }"))
    assert (status, said[4]) == (1, "      nobody could approve: it needs 2 people and has 1")


async def test_who_was_named_would_be_named_again(world: World, told: Told) -> None:
    """The kickoff names that person, not the file."""
    as_settings = Rule(name="memos", reviewers_from="inputs.manager")
    world.crews["research"] = a_crew(rules=(as_settings,))
    round_ = (await world.notify()).round
    named = replace(as_settings, naming=Naming.NAMED, reviewers=(User("U0CARL"),))
    async with world.uow.begin() as tx:
        await tx.save(replace(await tx.round(round_.id), rule=named))
    _, said = await told(rule("memos", 'reviewers_from = "inputs.manager"'))
    assert said[3:] == ["  ✓ 1 would go as it went"]
    _, said = await told(rule("memos"))
    assert said[4:6] == [
        "      decided by U0ANA, U0BEN instead of U0CARL",
        "      other values of reviewers_from",
    ]


async def test_calls_that_a_rule_would_decide_are_counted(world: World, told: Told) -> None:
    for number, amount in enumerate((5, 50, 500)):
        output = Output(f'{{"amount": {amount}}}', Format.JSON)
        await pause(world, number, output=output, task_id="buy-1", call=ToolCall("purchase"))
    small = 'when = { tool = "purchase", arguments = { amount = "< 100" } }\ndecide = "allow"'
    _, said = await told(rule("small", small))
    assert said[3:5] == [
        "  ✓ 1 would go as it went",
        "  “small” would allow 2 calls without a person",
    ]


@both
async def test_a_sample_tells_what_it_would_have_missed_of_people_s_verdicts(
    world: World, told: Told
) -> None:
    async def paused(number: int, task: str = "draft", **about: Any) -> Round:
        world.clock.advance(timedelta(days=1))
        execution = f"e-{number}"
        world.crew.pause(execution=execution, task=task)
        found = await world.notify(f"{number}.", execution_id=execution, task_id=task, **about)
        return found.round

    for number in range(1, 6):
        verdict = Revise("Shorter.") if number in {2, 4} else Approve()
        await world.decide((await paused(number)).id, verdict)
    await edit(
        (await paused(6, takes_edits=True)).id,
        "Six.",
        by=ANA,
        context=world.reviews,
        seen=Seen(share=Share(2, 2)),
    )
    await world.decide((await paused(7, task_name="Memo")).id)
    await world.decide((await paused(8, "send-1", call=ToolCall("send"))).id)
    await paused(9)
    while await world.turn(CREW):
        pass

    status, said = await told("", after=2, since="366d")

    back = "2 of the 4 others were sent back: at most 91 in 100 (95 %)"
    assert (status, said[1:]) == (
        0,
        [
            "",
            "research: 7 decided rounds",
            f"  “Draft the report”: of 6 you would have read 2; {back}",
            "  “Memo”: of 1 you would have read 1",
        ],
    )


def test_a_share_is_a_fraction(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_rules_arguments(parser)
    chosen = parser.parse_args(["test", "--sample", "1/5"])
    assert (chosen.sample, chosen.after, chosen.since) == (Fraction(1, 5), 30, None)
    for wrong in ("0/5", "5/5", "0.2", "1/0"):
        with pytest.raises(SystemExit):
            parser.parse_args(["test", "--sample", wrong])
    assert "put a share like 1/5" in capsys.readouterr().err
    for wrong in ("-1", "x"):
        with pytest.raises(SystemExit):
            parser.parse_args(["test", "--sample", "1/5", f"--after={wrong}"])
    assert "put a whole number, 0 or more" in capsys.readouterr().err
