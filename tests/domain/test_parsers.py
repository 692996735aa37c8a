"""Settings of crews and rules: the typed values, and the messages for wrong ones."""

from collections.abc import Callable
from typing import Any

import pytest

from crewgate.domain.parsers import (
    InvalidSetting,
    inline,
    one_of,
    parse_allow,
    parse_approvals_from,
    parse_channel,
    parse_contains,
    parse_duration,
    parse_flag,
    parse_glob,
    parse_json,
    parse_reviewers,
    parse_reviewers_from,
    parse_rule_name,
    parse_rule_reviewers,
    parse_run_url,
    parse_tables,
    parse_text,
    parse_url,
    parse_values,
    parse_working_hours,
    shown_key,
    whole_number,
)
from crewgate.domain.people import Anyone, Email, Notify, User, UserGroup
from crewgate.domain.rules.duration import Duration, WorkingHours

RUNS = "https://runs.example.com"
RUN = f"{RUNS}/{{crew}}?t={{task_id}}#{{execution_id}}"
Parse = Callable[[object], Any]
NOTIFY = one_of(tuple(Notify))
TABLE = inline('{ after = "2h" }')
HOURS = "Mon-Fri 09:00-17:30 Europe/Berlin"


@pytest.mark.parametrize(
    ("parse", "raw", "read"),
    [
        (parse_text, "  a b ", "a b"),
        (parse_flag, False, False),
        (NOTIFY, "DM", Notify.DM),
        (parse_url, "https://a.example:8443/b?c=d", "https://a.example:8443/b?c=d"),
        (parse_run_url, f" {RUN} ", RUN),
        (parse_channel, "C0123456789", "C0123456789"),
        (parse_channel, "#überprüfung_1", "#überprüfung_1"),
        (
            parse_reviewers,
            " U012, lead@example.com ,S0123,*,U012 ",
            (User("U012"), Email("lead@example.com"), UserGroup("S0123"), Anyone()),
        ),
        (parse_reviewers, ["U012"], (User("U012"),)),
        (parse_reviewers, [], ()),
        (parse_rule_reviewers, ["S0123"], (UserGroup("S0123"),)),
        (parse_tables, [{"name": "a"}], [{"name": "a"}]),
        (TABLE, {"after": "1h"}, {"after": "1h"}),
        (parse_rule_name, "two eyes", "two eyes"),
        (parse_glob, "contract_*", "contract_*"),
        (parse_contains, ["a", "b", "a"], ("a", "b")),
        (parse_values, {"country": "D*", "n": 3}, (("country", "D*"), ("n", "3"))),
        (
            parse_json,
            {"budget.eur": ">= 50000", "ok": True, "items": {"0": {"count": 3}}},
            (("budget.eur", ">= 50000"), ("ok", "true"), ("items.0.count", "3")),
        ),
        (parse_json, {"a": ["> 0", "< 100"]}, (("a", "> 0"), ("a", "< 100"))),
        (whole_number(50), 50, 50),
        (
            parse_approvals_from,
            {"S0A": 49, "S0B": 1},
            ((UserGroup("S0A"), 49), (UserGroup("S0B"), 1)),
        ),
        (parse_reviewers_from, "inputs.manager", "inputs.manager"),
        (parse_reviewers_from, "meta.who.decides", "meta.who.decides"),
        (parse_allow, "allow", True),
        (parse_allow, "Deny", False),
        (parse_duration, "4wh", Duration.parse("4wh")),
        (parse_working_hours, HOURS, WorkingHours.parse(HOURS)),
    ],
)
def test_what_is_well_written_is_read(parse: Parse, raw: object, read: object) -> None:
    assert parse(raw) == read


@pytest.mark.parametrize(
    ("parse", "raw", "said"),
    [
        (parse_text, True, "put some text, in quotes"),
        (parse_text, " ", "put some text, in quotes"),
        (parse_flag, "no", "'no' is neither true nor false; put one of them, without quotes"),
        (NOTIFY, "mail", "'mail' is unknown; put mention or dm or none"),
        (parse_url, "hooks.example.com", "not a web address; put one that starts with https://"),
        (parse_url, "https://[bot", "not a web address"),
        (parse_url, "https://bot example.com", "not a web address"),
        *(
            (parse_url, f"https://bot.example.com/{unseen}a", "not a web address")
            for unseen in ("\u200b", "\ufeff", "\u00a0", "\u202e", "\x7f", "\t")
        ),
        *(
            (
                parse_run_url,
                raw,
                "put an https:// address, with {execution_id}, {task_id} or {crew}",
            )
            for raw in (
                "http://runs.example.com/{execution_id}",
                "https://{crew}.example.com/{execution_id}",
                "https://runs.example.com{execution_id}",
                "https://runs.example.com\\@{execution_id}",
                f"{RUNS}/{{run}}",
                f"{RUNS}/{{execution_id",
                f"{RUNS}/a|b",
                f"{RUNS}/>",
                RUN.replace("https", "HTTPS"),
                RUN.replace("//", "//ana:secret@"),
                f"{RUNS}/{'x' * 400}",
            )
        ),
        (parse_channel, "reviews", "'reviews' is no channel; put #reviews or its id (C…)"),
        (parse_channel, "#Reviews", "'#Reviews' is no channel; put #name or its id"),
        (parse_reviewers, 7, "7 is no list; put user ids (U…), e-mails and user-group ids (S…)"),
        (parse_reviewers, ["ana"], "'ana' is no reviewer; put user ids (U…)"),
        (parse_reviewers, [1], "1 is no reviewer"),
        (parse_reviewers, ",", "',' is no reviewer"),
        (parse_rule_reviewers, [], "empty, so nobody may decide; put user ids (U…)"),
        (parse_tables, {}, "describe each rule as a table with two brackets, [[crews.NAME.rules]]"),
        (parse_tables, ["a"], "describe each rule as a table with two brackets"),
        (parse_tables, [{}] * 51, "51 rules; put 50 at most"),
        (TABLE, "2h", "'2h' is no table; put one like { after = \"2h\" }"),
        (parse_rule_name, "a" * 101, "put a name on one line, of 100 characters at most"),
        (parse_rule_name, "a\nb", "put a name on one line"),
        (parse_glob, "a" * 201, "it has 201 characters; put 200 at most"),
        (parse_contains, "a", 'put a list of texts, as ["liability", "indemnif"]'),
        (parse_contains, [], "put a list of texts"),
        (parse_contains, [""], "put some text, in quotes"),
        (parse_contains, ["a"] * 21, "21 of them; put 20 at most"),
        (parse_values, {}, "it is empty; put names with their values, { country ="),
        (parse_values, {"region": []}, "region: put some text, in quotes"),
        (parse_values, {"": "a"}, "'': put a name of 1 to 200 characters"),
        (parse_json, {}, "it is empty; put paths with what their values must be, { "),
        (parse_json, {"a..b": "x"}, "'a..b' is no path; put keys with dots between"),
        (parse_json, {"a": {"b": ">= many"}}, "'a.b': after >= comes a number; put one like >= 5"),
        (parse_json, {"a": []}, "a: a list has comparisons that all hold"),
        (whole_number(50), 0, "0: put a number from 1 to 50, no quotes"),
        (whole_number(50), "2", "'2': put a number from 1 to 50, no quotes"),
        (whole_number(50), True, "true: put a number from 1 to 50, no quotes"),
        (parse_approvals_from, {}, "it is empty; put user groups with numbers,"),
        (parse_approvals_from, 2, "2 is no table; put one like"),
        (parse_approvals_from, {"U0ANA": 1}, "'U0ANA' is no user group; put ids of groups (S…)"),
        (parse_approvals_from, {"S0A": 0}, "0: put a number from 1 to 50"),
        (parse_approvals_from, {"S0A": 49, "S0B": 2}, "51 approvals in all; put"),
        (parse_reviewers_from, "manager", "'manager': put inputs.NAME or meta.NAME"),
        (parse_reviewers_from, "inputs.", "'inputs.': put inputs.NAME or meta.NAME"),
        (parse_reviewers_from, "output.a", "'output.a': put inputs.NAME or meta.NAME"),
        (parse_allow, "no", "'no' is unknown; put allow or deny"),
        (parse_duration, "soon", "'soon': not a duration; put one like 30s, 15m, 4h, 3d, or 4wh"),
        (parse_duration, 4, "4: not a duration; put one like 30s"),
        (parse_duration, "0h", "'0h': put a duration from 1h to 366d"),
        (parse_duration, "99999999s", "'99999999s': put a duration from 1s to 366d"),
        (parse_duration, "9999wh", "'9999wh': put a duration from 1wh to 1000wh"),
        (parse_working_hours, "9 to 5", "'9 to 5': not understood; put hours like"),
        (parse_working_hours, 9, "9: not understood; put hours like Mon-Fri"),
        (
            parse_working_hours,
            "Mon-Fri 09:00-17:30 Europe/Berln",
            "the time zone 'Europe/Berln' does not exist; did you mean Europe/Berlin?",
        ),
        (
            parse_working_hours,
            "Mon-Fri 09:00-17:30 Qqqqq",
            "the time zone 'Qqqqq' does not exist; put one like Europe/Berlin or UTC",
        ),
    ],
)
def test_what_to_put_there_is_said(parse: Parse, raw: object, said: str) -> None:
    with pytest.raises(InvalidSetting) as wrong:
        parse(raw)
    assert str(wrong.value).startswith(said)


def test_what_is_shown_of_a_value_is_short_and_on_one_line() -> None:
    with pytest.raises(InvalidSetting) as wrong:
        NOTIFY("mail\n" * 20)
    assert str(wrong.value).startswith("'mail\\nmail\\n")
    assert "…" in str(wrong.value)
    assert (shown_key("a-b_1"), shown_key("a.b")) == ("a-b_1", "'a.b'")
