"""The secrets before, which count too while they are being replaced."""

from crewgate.crews import build_log_redactor
from tests.settings.environments import RESEARCH, Load, problem

FLOWS = RESEARCH + 'flow_webhook_secret_env = "RESEARCH_FLOW_SECRET"\n'
SECRETS = {
    "SLACK_SIGNING_SECRET_PREVIOUS": "signing-of-yesterday",
    "RESEARCH_FLOW_SECRET": "whsec_of-the-flows",
    "RESEARCH_FLOW_SECRET_PREVIOUS": "whsec_of-yesterday",
    "RESEARCH_SECRET_PREVIOUS": "secret-of-yesterday",
}


def test_none_is_needed(load_with: Load) -> None:
    settings = load_with()
    assert settings.signing_secrets == ("secret-2",)
    (crew,) = settings.crews.values()
    assert (crew.webhook_secret_previous, crew.flow_webhook_secret_previous) == (None, None)


def test_one_crew_has_it_beside_its_own(load_with: Load) -> None:
    (crew,) = load_with(CREW_WEBHOOK_SECRET_PREVIOUS="secret-of-yesterday").crews.values()
    assert crew.webhook_secret_previous == "secret-of-yesterday"


def test_a_crew_of_the_file_has_it_in_the_variable_beside_the_one_it_names(
    load_file: Load,
) -> None:
    settings = load_file(FLOWS, **SECRETS)
    crew = settings.crews["research"]
    assert settings.signing_secrets[1:] == ("signing-of-yesterday",)
    assert crew.webhook_secret_previous == "secret-of-yesterday"
    assert crew.flow_webhook_secret_previous == "whsec_of-yesterday"
    shown = build_log_redactor(settings).text(f"{list(SECRETS.values())}")
    for secret in SECRETS.values():
        assert secret not in repr(settings) + shown


def test_one_that_is_too_short_is_named_by_its_variable(load_file: Load) -> None:
    short = {**SECRETS, "RESEARCH_SECRET_PREVIOUS": "short"}
    line = problem(load_file, FLOWS, **short)
    assert line.startswith("RESEARCH_SECRET_PREVIOUS: it has 5 characters, and needs 16 or more")
