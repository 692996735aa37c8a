"""The settings of crews that take requests of flows."""

import pytest

from crewgate.domain.people import Email, User
from tests.settings.environments import RESEARCH, Load, problem, problems

FLOWS = RESEARCH + 'flow_webhook_secret_env = "RESEARCH_SECRET"\n'
NOBODY = {"REVIEWERS": "", "OPERATORS": ""}


def test_without_its_keys_a_crew_takes_no_requests_of_flows(load_file: Load) -> None:
    crew = load_file(RESEARCH).crews["research"]
    assert crew.flow_webhook_secret is None
    assert crew.flow_callback_hosts == ()


def test_what_flows_need_is_read(load_file: Load) -> None:
    hosts = 'flow_callback_hosts = ["Flows.example.com", "127.0.0.1:8000", "localhost"]'
    crew = load_file(f"{FLOWS}{hosts}").crews["research"]
    assert crew.flow_webhook_secret == "secret-6-of-a-crew"
    assert crew.flow_callback_hosts == ("flows.example.com", "127.0.0.1:8000", "localhost")
    assert "secret-6" not in repr(crew)


@pytest.mark.parametrize("reviewers", ["", "reviewers = []"])
def test_a_crew_of_flows_may_name_operators_alone(load_file: Load, reviewers: str) -> None:
    text = f'{FLOWS}{reviewers}\noperators = ["U0OPERATOR1"]'
    crew = load_file(text, **NOBODY).crews["research"]
    assert crew.reviewers == ()
    assert crew.operators == (User("U0OPERATOR1"),)
    settings = load_file(f"{FLOWS}{reviewers}", REVIEWERS="", OPERATORS="ops@example.com")
    assert settings.crews["research"].operators == (Email("ops@example.com"),)


@pytest.mark.parametrize("reviewers", ["", "reviewers = []"])
def test_a_crew_of_flows_with_nobody_at_all_does_not_start(load_file: Load, reviewers: str) -> None:
    line = problem(load_file, f"{FLOWS}{reviewers}", **NOBODY)
    assert line.startswith("crews.toml: crews.research.operators: missing; put who gets")


def test_reviewers_who_cannot_be_read_are_named_once(load_file: Load) -> None:
    line = problem(load_file, f'{FLOWS}reviewers = ["ana"]', **NOBODY)
    assert "'ana' is no reviewer" in line
    (line,) = problems(load_file, FLOWS, REVIEWERS="ana", OPERATORS="")
    assert line.startswith("REVIEWERS: 'ana' is no reviewer")
