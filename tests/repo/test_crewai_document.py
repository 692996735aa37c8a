"""`docs/crewai.md` says of crews and of `crewgate host` what the code takes."""

import argparse
import re
import textwrap
from pathlib import Path

import pytest

from crewgate.host.arguments import add_arguments
from crewgate.settings.load import load
from tests.repo.files import read

DOCUMENT = read("docs/crewai.md")
CREWS = [
    textwrap.dedent(block)
    for block in re.findall(r"^ *```toml\n(.*?)^ *```", DOCUMENT, re.MULTILINE | re.DOTALL)
]
OPTIONS = re.findall(r"^\| (`--.*?) \| (.*?) ?\|", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("crews", CREWS)
def test_each_crew_of_the_page_loads(crews: str, tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_text(crews, encoding="utf-8")
    environ = {name: f"secret-of-a-crew-{name}" for name in re.findall(r'_env = "(\w+)"', crews)}
    settings = load(
        environ
        | {
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SLACK_APP_TOKEN": "xapp-1",
            "SLACK_CHANNEL": "#reviews",
            "REVIEWERS": "*",
        },
        tmp_path,
    )
    assert all(crew.flow_webhook_secret for crew in settings.crews.values())


def test_the_page_names_every_option_of_the_host_with_its_default() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    known = {
        action.option_strings[0]: action.default
        for action in parser._actions  # noqa: SLF001  # there is no public way to ask for them
        if action.option_strings
    }
    said: dict[str, str] = {}
    for names, defaults in OPTIONS:
        options = re.findall(r"`(--[\w-]+)", names)
        values = [one.strip("` ") for one in defaults.split(",")]
        said |= dict(zip(options, values * len(options), strict=False))

    assert set(said) == set(known)
    given = {name: str(default) for name, default in known.items() if default is not None}
    assert {name: said[name] for name in given} == given
