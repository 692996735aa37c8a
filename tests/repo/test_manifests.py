"""Slack's manifests ask for what the code uses, within Slack's limits."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from crewgate.__main__ import main
from crewgate.slack import ids
from crewgate.slack.client.web_api import OPTIONAL_SCOPES
from crewgate.slack.manifest import BOT_SCOPES
from tests.repo.files import read

MANIFESTS = ("socket-mode.yaml", "http.yaml")


def manifest(name: str) -> Any:
    return yaml.safe_load(read(f"manifests/{name}"))


@pytest.mark.parametrize(("name", "words"), [("socket-mode.yaml", ()), ("http.yaml", ("--http",))])
def test_a_manifest_is_what_the_command_prints(
    name: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifest", *words]) == 0
    printed = capsys.readouterr().out
    assert read(f"manifests/{name}") == printed, f"crewgate manifest … > manifests/{name}"


@pytest.mark.parametrize(
    "host", ["bot.example.com", "https://bot.example.com/", "https://bot.example.com"]
)
def test_a_manifest_with_a_host_is_ready_to_paste(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["manifest", "--http", "--host", host])
    printed = capsys.readouterr().out
    wanted = read("manifests/http.yaml").replace("YOUR-HOST", "bot.example.com")
    assert yaml.safe_load(printed) == yaml.safe_load(wanted)
    assert "YOUR-HOST" not in printed


@pytest.mark.parametrize("app", ["Crewgate staging", 'Ana\'s: "№ 2" #'])
def test_an_app_for_each_environment_has_its_name(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["manifest", "--name", app])
    printed = yaml.safe_load(capsys.readouterr().out)
    jsonschema.validate(printed, json.loads(read("tests/data/manifest.schema.json")))
    assert printed.pop("display_information") == {
        **manifest("socket-mode.yaml").pop("display_information"),
        "name": app,
    }
    assert printed["features"]["bot_user"]["display_name"] == app


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--host", "bot.example.com"], "--host goes with --http"),
        (["--http", "--host", "bot.example.com/slack"], "is no host; put one like"),
        (["--http", "--host", "a b"], "is no host; put one like"),
        (["--name", "Crewgate for the whole legal department"], "Slack takes 1 to 35 characters"),
        (["--name", ""], "Slack takes 1 to 35 characters"),
        (["--name", "  "], "Slack takes 1 to 35 characters"),
        (["--name", "Crew\ngate"], "Slack takes 1 to 35 characters"),
    ],
)
def test_what_makes_no_manifest_is_said(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["manifest", *words])
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_what_slack_accepts(name: str) -> None:
    jsonschema.validate(manifest(name), json.loads(read("tests/data/manifest.schema.json")))


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_asks_for_the_scopes_that_are_used_and_no_more(name: str) -> None:
    scopes = manifest(name)["oauth_config"]["scopes"]
    assert scopes == {"bot": list(BOT_SCOPES), "bot_optional": list(OPTIONAL_SCOPES)}
    assert scopes["bot_optional"]
    assert set(scopes["bot_optional"]) < set(scopes["bot"])


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_announces_the_commands_that_are_answered(name: str) -> None:
    commands = manifest(name)["features"]["slash_commands"]
    assert [command["command"] for command in commands] == [ids.COMMAND]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_switches_on_only_what_exists(name: str) -> None:
    assert set(manifest(name)["features"]) == {"app_home", "bot_user", "slash_commands"}
    assert manifest(name)["features"]["app_home"]["home_tab_enabled"] is True
    events = manifest(name)["settings"]["event_subscriptions"]["bot_events"]
    assert events == ["app_home_opened", "message.channels", "message.groups"]
    assert manifest(name)["settings"]["interactivity"]["is_enabled"] is True


def test_the_manifests_differ_in_how_slack_is_reached_and_nothing_else() -> None:
    socket_mode, http = map(manifest, MANIFESTS)
    assert socket_mode["settings"].pop("socket_mode_enabled") is True
    assert http["settings"].pop("socket_mode_enabled") is False
    events = "https://YOUR-HOST/slack/events"
    assert http["settings"]["interactivity"].pop("request_url") == events
    assert http["settings"]["event_subscriptions"].pop("request_url") == events
    assert http["features"]["slash_commands"][0].pop("url") == events
    assert http == socket_mode


def test_the_ids_are_distinct_and_within_slack_s_limits() -> None:
    names = {name: value for name, value in vars(ids).items() if isinstance(value, str)}
    names = {name: value for name, value in names.items() if name.isupper()}
    assert len(set(names.values())) == len(names)
    for value in names.values():
        assert 0 < len(value) <= 255
    assert re.fullmatch(r"/[a-z0-9_-]{1,31}", ids.COMMAND)
