"""The lines of `crewgate check` about rules and the people they name."""

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crewgate.demo.servers import free_port
from tests.check.conftest import Ask, Run
from tests.standins.crew import Crew
from tests.standins.workspace import Workspace, error

CREW = """
[crews.research]
url = "http://127.0.0.1:1"
token_env = "TOKEN"
webhook_secret_env = "SECRET"
"""
ONE = CREW + '[[crews.research.rules]]\nname = "two eyes"\n'
ALONE = dict.fromkeys(("CREW_URL", "CREW_TOKEN", "CREW_WEBHOOK_SECRET", "CREW_NAME"), "") | {
    "TOKEN": "a-token",
    "SECRET": "a-secret-of-a-crew",
}
"""The crew of the file and no other."""
HERE = 'crews.toml, line 6: crews.research.rules[1] "two eyes"'


@pytest.fixture
def said_of(ask: Ask, tmp_path: Path) -> Ask:
    """The lines about rules of a file; the exit status is 1 anyway, for nothing is at the crew."""

    async def said_of(text: str, **changes: str) -> tuple[int, list[str]]:
        (tmp_path / "crews.toml").write_text(text, encoding="utf-8")
        status, said = await ask(**ALONE, **changes)
        return status, [line for line in said if "rules[" in line]

    return said_of


async def lines(said_of: Ask, text: str, **changes: str) -> list[str]:
    return (await said_of(text, **changes))[1]


async def test_a_rule_that_decides_alone_says_so(said_of: Ask) -> None:
    of_tool = 'when = { tool = "purchase" }'
    assert await lines(said_of, ONE + f'decide = "allow"\n{of_tool}') == [
        f"✓ {HERE}: allows calls of purchase without a person"
    ]
    assert await lines(said_of, ONE + f'decide = "refuse"\nreason = "By hand."\n{of_tool}') == [
        f"✓ {HERE}: refuses calls of purchase without a person: By hand."
    ]


async def test_a_rule_has_a_line_with_how_many_people_may_decide(said_of: Ask) -> None:
    assert await lines(said_of, ONE + "approvals = 2") == [f"✓ {HERE}: 2 approvals, of 2 people"]
    assert await lines(said_of, ONE + 'reviewers = ["U0BEN", "ben@example.com"]') == [
        f"✓ {HERE}: 1 approval, of 1 person"
    ]
    assert await lines(said_of, ONE + 'reviewers = ["*"]\napprovals = 9') == [
        f"✓ {HERE}: 9 approvals, of anybody in the channel"
    ]


async def test_words_that_a_flow_asks_for_are_one_persons(said_of: Ask) -> None:
    text = ONE.replace("[[", 'flow_webhook_secret_env = "FLOW_SECRET"\n[[', 1) + "approvals = 2"
    [line] = await lines(said_of, text, FLOW_SECRET="whsec_a-secret-of-a-flow")
    assert line.endswith("2 approvals (one person answers what a flow's ask() asks), of 2 people")


async def test_more_approvals_than_people_are_wrong(said_of: Ask) -> None:
    assert await lines(said_of, ONE + 'approvals = 2\nreviewers = ["U0BEN"]') == [
        f"✗ {HERE}.approvals: 2, but only 1 person may decide; put 1 there, or name more people"
    ]


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        ("U0NOBODY", "Slack knows nobody by U0NOBODY"),
        ("nobody@example.com", "Slack knows nobody by nobody@example.com"),
        ("S0NONE", "nobody is in S0NONE"),
        ("U0GONE", "Slack knows nobody by U0GONE"),
        ("U0DEMOBOT", "Slack knows nobody by U0DEMOBOT"),
        ("S0EMPTY", "nobody is in S0EMPTY"),
    ],
)
async def test_a_rule_that_names_nobody_is_wrong(
    slack: Workspace, said_of: Ask, ref: str, why: str
) -> None:
    slack.add_group("S0EMPTY", "empty", [])
    ben = slack.world.users["U0BEN"]
    slack.world.users["U0GONE"] = replace(ben, id="U0GONE", deleted=True)

    said = await lines(said_of, f'{ONE}reviewers = ["{ref}"]')

    assert said == [
        f"✗ {HERE}.reviewers: {why}; put people of this workspace there",
        f"✗ {HERE}.approvals: nobody may decide; put people of this workspace into reviewers",
    ]


async def test_who_may_decide_later_counts_and_is_asked_for_too(said_of: Ask) -> None:
    text = ONE + 'reviewers = ["U0BEN"]\napprovals = 2\n'
    fine, doubtful = await lines(said_of, text + 'escalate = { after = "1d", to = ["U0CARL"] }')
    assert fine == f"✓ {HERE}: 2 approvals, of 2 people"
    assert doubtful == (
        f"! {HERE}: before the escalation only 1 person may decide, which is not enough; name more"
        " reviewers if that is not meant"
    )
    assert await lines(said_of, text + 'escalate = { after = "1d", to = ["U0NOBODY"] }') == [
        f"✗ {HERE}.escalate.to: Slack knows nobody by U0NOBODY; put people of this workspace there",
        f"✗ {HERE}.approvals: 2, but only 1 person may decide; put 1 there, or name more people",
    ]


async def test_reviewers_who_may_not_approve_their_own_are_too_few_where_one_starts(
    said_of: Ask,
) -> None:
    text = ONE + "self_approval = false\n"
    _, doubtful = await lines(said_of, text + 'reviewers = ["U0BEN"]')
    assert doubtful == (
        f"! {HERE}: its only reviewer may not approve what they started themselves; name another"
        " reviewer, or put self_approval = true there"
    )
    _, doubtful = await lines(said_of, text + "approvals = 2")
    assert doubtful.startswith(f"! {HERE}: all of its reviewers must approve, and one who started")
    assert len(await lines(said_of, text)) == 1


async def test_what_is_doubtful_is_no_error(said_of: Ask) -> None:
    text = (
        ONE
        + 'timeout = { after = "3d", then = "approve" }\n'
        + '[[crews.research.rules]]\nname = "more eyes"\nwhen = { task = "a" }\n'
    )
    second = 'crews.toml, line 9: crews.research.rules[2] "more eyes"'
    never = "it never counts: every review that it is for is one of"
    approves = "after 3d it approves although nobody has; put then"
    assert await lines(said_of, text) == [
        f"✓ {HERE}: 1 approval, of 2 people",
        f"✓ {second}: 1 approval, of 2 people",
        f"! {second}: {never} {HERE} already; put it before that one, or take it out",
        f'! {HERE}: {approves} = "leave" or "revise" there if that is not meant',
    ]


_SECRET = (
    "which sounds like a secret and is not kept, so the strictest rule that may match counts"
    " wherever it is given; ask for another one"
)
_OPEN = "has a [ that nothing closes, so it stands for itself"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('unknown_starter = "deny"', 'unknown_starter = "deny" bars nobody'),
        ('when = { inputs = { api_key = "*" } }', f"when.inputs asks for api_key, {_SECRET}"),
        ('when = { meta = { auth = "x", t = "y" } }', f"when.meta asks for auth, {_SECRET}"),
        ('when = { task = "contract_[ab" }', f"when.task {_OPEN}"),
        ('when = { json = { "a.b" = "x[" } }', f"when.json.'a.b' {_OPEN}"),
        (
            'when = { arguments = { amount = "over 10,000" } }',
            "when.arguments.amount: 'over 10,000' is a text; for a number put '> 10000' there",
        ),
        (
            'when = { json = { amount = "At most 9.5" } }',
            "when.json.amount: 'At most 9.5' is a text; for a number put '<= 9.5' there",
        ),
    ],
)
async def test_keys_that_are_good_for_nothing_are_doubtful(
    said_of: Ask, text: str, why: str
) -> None:
    _, doubtful = await lines(said_of, ONE + text)
    assert doubtful.startswith(f"! {HERE}: {why}")


@pytest.mark.parametrize(
    "text",
    [
        'unknown_starter = "deny"\nself_approval = false',
        'when = { task = "contract_[ab]", inputs = { topic = "[[]draft[]]" } }',
        'when = { contains = ["a["] }',
        'when = { arguments = { height = "over 10 feet", place = "over", amount = "> 10" } }',
    ],
)
async def test_what_is_meant_is_not_doubtful(said_of: Ask, text: str) -> None:
    assert len(await lines(said_of, ONE + text)) == 1


async def test_only_errors_make_the_exit_status_1(ask: Ask, crew: Crew, tmp_path: Path) -> None:
    text = (
        ONE.replace("http://127.0.0.1:1", crew.url)
        + 'timeout = { after = "3d", then = "approve" }\n'
    )
    (tmp_path / "crews.toml").write_text(text, encoding="utf-8")
    assert (await ask(**ALONE | {"TOKEN": crew.token}))[0] == 0
    (tmp_path / "crews.toml").write_text(text + 'reviewers = ["U0NOBODY"]', encoding="utf-8")
    assert (await ask(**ALONE | {"TOKEN": crew.token}))[0] == 1


async def test_channels_of_rules_are_looked_into(
    ask: Ask, slack: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "crews.toml").write_text(ONE + 'channel = "C0NOWHERE"', encoding="utf-8")
    _, said = await ask(**ALONE)
    [line] = [line for line in said if "C0NOWHERE" in line]
    assert line.startswith("✗ channel C0NOWHERE: channel_not_found")
    assert line.endswith(f" ({HERE}.channel)")


async def test_a_channel_that_no_card_goes_to_is_told_with_its_setting(
    ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "crews.toml").write_text(CREW + 'digest = "#numbers"', encoding="utf-8")
    _, said = await ask(**ALONE, AUDIT_CHANNEL="#audit")
    problem = "the bot is in no channel of this name; /invite it, or put the channel's id"
    assert f"✗ channel #numbers: {problem} (crews.research.digest)" in said
    assert f"✗ channel #audit: {problem} (AUDIT_CHANNEL)" in said


async def test_who_cannot_be_asked_for_is_not_counted(slack: Workspace, said_of: Ask) -> None:
    slack.fail("users.info", error("missing_scope"), times=None)
    assert await lines(said_of, ONE + 'reviewers = ["U0BEN"]') == [
        f"– {HERE}: skipped, because Slack could not be asked for all of its people"
    ]


async def test_a_crew_that_takes_flows_may_leave_its_people_to_the_request(said_of: Ask) -> None:
    text = (
        CREW
        + 'reviewers = []\noperators = ["U0ANA"]\nflow_webhook_secret_env = "FLOW_SECRET"\n'
        + '[[crews.research.rules]]\nname = "two eyes"\n'
    )
    (line,) = await lines(said_of, text, FLOW_SECRET="whsec_a-secret-of-a-flow")
    assert line.endswith("1 approval, of whom the request assigns")


async def test_what_is_doubtful_is_in_the_log_of_a_start(run: Run) -> None:
    text = ONE + '[[crews.research.rules]]\nname = "more eyes"\n'
    with capture_logs() as logs:
        async with run(free_port(), crews_file=text, **ALONE):
            pass
    [line] = [line for line in logs if line["event"] == "rule_doubtful"]
    assert line["rule"] == 'crews.toml, line 8: crews.research.rules[2] "more eyes"'
    assert line["why"].startswith(f"it never counts: every review that it is for is one of {HERE}")


async def test_each_group_must_have_enough_people(slack: Workspace, said_of: Ask) -> None:
    slack.add_group("S0LEGAL", "legal", ["U0ANA", "U0BEN"])
    slack.add_group("S0FINANCE", "finance", ["U0BEN"])
    groups = "approvals_from = { S0LEGAL = 1, S0FINANCE = 1 }\n"
    enough = f"✓ {HERE}: 2 approvals, of 2 people"
    assert await lines(said_of, ONE + groups) == [enough]
    alone = "who started it may not approve it, and without some of its people too few are left"
    assert (await lines(said_of, f"{ONE}{groups}self_approval = false"))[1:] == [
        f"! {HERE}: {alone}; name another reviewer, or put self_approval = true there"
    ]
    few = "3 people, each for one group, but only"
    put = "put smaller numbers there, or more people into the groups"
    assert await lines(said_of, f"{ONE}approvals_from = {{ S0LEGAL = 1, S0FINANCE = 2 }}") == [
        f"✗ {HERE}.approvals_from: {few} 2 can approve; 1 person is in S0FINANCE; {put}"
    ]
    slack.add_group("S0LEGAL", "legal", ["U0BEN"])
    assert await lines(said_of, ONE + groups) == [
        f"✗ {HERE}.approvals_from: 2 people, each for one group, but only 1 can approve; {put}"
    ]


async def test_a_group_that_there_is_not_is_named(slack: Workspace, said_of: Ask) -> None:
    slack.add_group("S0LEGAL", "legal", ["U0BEN"])
    said = await lines(said_of, f"{ONE}approvals_from = {{ S0LEGAL = 1, S0NONE = 1 }}")
    assert said[0] == (
        f"✗ {HERE}.approvals_from: nobody is in S0NONE; put people of this workspace there"
    )
    assert "0 people are in S0NONE" in said[1]


async def test_a_rule_that_takes_its_reviewer_from_a_kickoff(said_of: Ask) -> None:
    assert await lines(said_of, f'{ONE}reviewers_from = "inputs.manager"') == [
        f"✓ {HERE}: 1 approval, of the person in inputs.manager; where it names nobody, of 2 people"
    ]
    doubt = (await lines(said_of, f'{ONE}reviewers_from = "meta.api_key"'))[1]
    assert "reviewers_from asks for api_key, which sounds like a secret" in doubt
    nested = (await lines(said_of, f'{ONE}reviewers_from = "inputs.team.lead"'))[1]
    assert "what is called 'team.lead', with its dots, and not for a value inside" in nested
