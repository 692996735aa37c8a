"""Crews from a file: what they share, what they must say, and what is named when it is wrong."""

from datetime import timedelta
from pathlib import Path
from time import process_time

import pytest

from crewgate.domain.people import Anyone, Email, Notify, User, UserGroup
from tests.settings.environments import ENOUGH, NO_CREW, RESEARCH, SECRETS, Load, problem, problems


def test_crews_come_from_a_file(load_file: Load) -> None:
    settings = load_file(
        RESEARCH
        + """
        channel = "C0123456789"
        reviewers = ["U012", "lead@example.com"]
        task_webhook_url = "https://hooks.example.com/task?key=1"
        step_webhook_url = "https://hooks.example.com/step"
        crew_webhook_url = "https://hooks.example.com/crew"
        resend_human_input_webhook = false
        kickers = ["U0EVE"]
        operators = ["S0PLATFORM"]
        notify = "none"
        forward = true
        """
    )
    crew = settings.crews["research"]
    assert crew.url == "https://research.example.com"
    assert (crew.token, crew.webhook_secret) == ("secret-5", "secret-6-of-a-crew")
    assert crew.channel == "C0123456789"
    assert crew.reviewers == (User("U012"), Email("lead@example.com"))
    assert crew.task_webhook_url == "https://hooks.example.com/task?key=1"
    assert crew.step_webhook_url == "https://hooks.example.com/step"
    assert crew.crew_webhook_url == "https://hooks.example.com/crew"
    assert not crew.resend_human_input
    assert crew.starters == (User("U0EVE"),)
    assert crew.operators == (UserGroup("S0PLATFORM"),)
    assert crew.notify is Notify.NONE
    assert crew.forward


def test_a_crew_that_says_nothing_shares_channel_and_people(load_file: Load) -> None:
    shared = {"OPERATORS": "U0OPS", "NOTIFY": "dm", "RETENTION": "90d"}
    crew = load_file(RESEARCH, **shared).crews["research"]
    assert (crew.notify, crew.retention) == (Notify.DM, timedelta(days=90))
    kept = load_file(RESEARCH + 'retention = "for ever"', **shared).crews["research"]
    assert kept.retention is None
    assert (crew.channel, crew.reviewers) == ("#reviews", (Anyone(),))
    assert (crew.starters, crew.operators) == (None, (User("U0OPS"),))


def test_an_empty_list_of_people_is_nobody_and_not_the_default(load_file: Load) -> None:
    text = RESEARCH + "kickers = []\noperators = []"
    crew = load_file(text, OPERATORS="U0OPS").crews["research"]
    assert (crew.starters, crew.operators) == ((), ())


def test_a_crew_that_nobody_may_decide_for_does_not_start(load_file: Load) -> None:
    message = problem(load_file, RESEARCH + "reviewers = []")
    assert message.startswith("crews.toml: crews.research.reviewers: empty, so nobody may decide")


def test_crews_that_say_it_all_need_nothing_shared(load_file: Load) -> None:
    text = RESEARCH + 'channel = "#research"\nreviewers = ["*"]'
    settings = load_file(text, SLACK_CHANNEL="", REVIEWERS="")
    assert settings.crews["research"].channel == "#research"


def test_the_crew_that_lacks_a_channel_or_reviewers_is_named(load_file: Load) -> None:
    channel, reviewers = problems(load_file, RESEARCH, SLACK_CHANNEL="", REVIEWERS="")
    assert channel.startswith("SLACK_CHANNEL: missing; the crew “research” names no channel")
    assert reviewers.startswith("REVIEWERS: missing; the crew “research” names nobody")


def test_crews_may_come_from_both_places_with_one_secret(load_file: Load) -> None:
    single = {name: value for name, value in ENOUGH.items() if name.startswith("CREW_")}
    settings = load_file(RESEARCH, **single, RESEARCH_SECRET="secret-4-of-a-crew")
    assert sorted(settings.crews) == ["crew", "research"]


def test_two_crews_of_one_name_are_refused(load_file: Load) -> None:
    single = {name: value for name, value in ENOUGH.items() if name.startswith("CREW_")}
    line = problem(load_file, RESEARCH, **single, CREW_NAME="research")
    assert line.startswith("CREW_NAME: crews.toml has a crew research too")


def test_a_named_file_is_read_and_must_exist(load_with: Load, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(RESEARCH, encoding="utf-8")
    base = {**NO_CREW, **SECRETS}
    assert "research" in load_with(base=base, CREWS_FILE="other.toml").crews
    line = problem(load_with, base=base, CREWS_FILE="absent.toml")
    assert line.startswith("CREWS_FILE: 'absent.toml' does not exist")


def test_secrets_may_stand_in_dotenv(load_file: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER=secret-9\n", encoding="utf-8")
    settings = load_file(RESEARCH.replace("RESEARCH_TOKEN", "OTHER"))
    assert settings.crews["research"].token == "secret-9"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[crews.a", "crews.toml: not TOML; "),
        ("[crews.a]\n\nb =\n", "at line 3"),
        ("", "crews.toml: crews: no crew"),
        ("crews = {}", "crews.toml: crews: no crew"),
        ("crews = 1", "crews.toml: crews: describe each crew as a table"),
        ("[crew.a]", "crews.toml: crew: unknown; did you mean crews?"),
        ("[crews]\nresearch = 1", "crews.toml: crews.research: describe each crew as a table"),
        ('[crews."a b"]', "crews.toml: crews.'a b': a crew's name has 1 to 64"),
    ],
)
def test_a_file_that_is_no_list_of_crews_is_named(load_file: Load, text: str, line: str) -> None:
    assert line in problems(load_file, text)[0]


def test_a_file_that_is_not_utf_8_is_named(load_with: Load, tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_bytes(b"\xff")
    assert problem(load_with) == "crews.toml: cannot be read; it is not UTF-8"


def test_a_folder_is_no_file(load_with: Load, tmp_path: Path) -> None:
    (tmp_path / "crews.toml").mkdir()
    assert problem(load_with).startswith("crews.toml: cannot be read; ")


def test_a_crew_without_an_address_has_its_decisions_fetched(load_file: Load) -> None:
    file = RESEARCH.replace('url = "https://research.example.com/"\n', "")
    file = file.replace('token_env = "RESEARCH_TOKEN"\n', "")
    crew = load_file(file).crews["research"]
    assert (crew.url, crew.token) == (None, None)


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("url", "1", "put some text, in quotes"),
        ("url", '"research.example.com"', "https://"),
        ("url", None, "missing; a crew has both, or none if its decisions are fetched"),
        ("token_env", None, "missing; a crew has both"),
        ("token_env", '"ABSENT_TOKEN"', "the variable ABSENT_TOKEN is not set"),
        ("token_env", '"secret-9"', "not the secret itself"),
        ("token_env", '"SPACED"', "the variable SPACED: it holds spaces"),
        ("webhook_secret_env", None, "missing; put the name of the variable"),
        ("webhook_secret_env", '""', "put some text"),
        ("webhook_secret_env", '"RESEARCH_TOKEN"', "RESEARCH_TOKEN: it has 8 characters"),
        ("channel", '"research"', "put #research"),
        ("reviewers", "7", "7 is no list"),
        ("task_webhook_url", '"hooks"', "https://"),
        ("step_webhook_url", '"hooks"', "https://"),
        ("crew_webhook_url", '"hooks"', "https://"),
        ("resend_human_input_webhook", '"no"', "'no' is neither true nor false"),
        ("flow_webhook_secret_env", '"RESEARCH_TOKEN"', "the whole secret that the webhook's"),
        ("run_url", '"http://runs.example.com/{execution_id}"', "put an https:// address, with"),
        ("flow_callback_hosts", '"a.example.com"', "is no list; put host names"),
        ("flow_callback_hosts", '["https://a.example.com"]', "is no host; put its name alone"),
        ("flow_callback_hosts", '["a.example.com/b"]', "is no host"),
        ("flow_callback_hosts", '["a..b"]', "is no host"),
        ("flow_callback_hosts", "[1]", "put some text"),
        ("stream", "true", "is no longer there: webhooks and the status say as much; take it out"),
        ("task_webhook", '"x"', "unknown; did you mean task_webhook_url?"),
        ("token", '"secret-9"', "unknown; did you mean token_env?"),
        ("colour", '"red"', "unknown; known: url, token_env"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_by_its_path(
    load_file: Load, key: str, value: str | None, hint: str
) -> None:
    kept = [line for line in RESEARCH.splitlines() if not line.startswith(f"{key} =")]
    text = "\n".join([*kept, *([] if value is None else [f"{key} = {value}"])])
    line = problem(load_file, text, SPACED="secret- 9")
    assert line.startswith(f"crews.toml: crews.research.{key}: ")
    assert hint in line


def test_what_is_masked_is_named_by_kind_or_by_pattern(load_file: Load) -> None:
    crew = load_file(RESEARCH + 'redact = ["email", "/(?i)ac-[0-9]+/"]').crews["research"]
    assert repr(crew.redact) == "Masking(names=('email', '/(?i)ac-[0-9]+/'), of_call=False)"
    assert crew.redact.text("ann@x.ie has aC-12, \ud800é AC-3.") == (
        "[e-mail address] has [masked], \ud800é [masked]."
    )
    assert not load_file(RESEARCH).crews["research"].redact


@pytest.mark.parametrize(
    ("redact", "why"),
    [
        ('"email"', """'email' is no list; put, as ["email", "iban"], email, iban, card,"""),
        ('["mail"]', "'mail' is nothing that can be masked; put email, iban, card, or a"),
        ('["//"]', "'//' is nothing that can be masked"),
        ('["/(/"]', "RE2 does not take the pattern '/(/': missing )"),
        ('["/(?=a)/"]', "RE2 does not take the pattern '/(?=a)/': invalid perl operator"),
        (
            '["/a*/"]',
            "the pattern '/a*/' matches an empty text; have it match a character at least",
        ),
        (r'["/\\b/"]', "matches an empty text"),
        (r'["/(?m)$/"]', "matches an empty text"),
    ],
)
def test_what_cannot_be_masked_stops_the_start(load_file: Load, redact: str, why: str) -> None:
    message = problem(load_file, RESEARCH + f"redact = {redact}")
    assert message.startswith("crews.toml: crews.research.redact: ")
    assert why in message


def test_patterns_take_time_in_proportion_to_the_text(load_file: Load) -> None:
    text = RESEARCH + 'redact = ["/(a+)+b/", "/[0-9]+x/", "/é/"]'
    masking = load_file(text).crews["research"].redact
    began = process_time()
    assert masking.text("a" * 200_000) == "a" * 200_000
    assert masking.text("1é" * 100_000) == "1[masked]" * 100_000
    assert process_time() - began < 4
