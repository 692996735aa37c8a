"""The command's arguments, and its words when something is wrong."""

import argparse
import asyncio
import importlib.util
import io
import socket
import sys
from pathlib import Path

import pytest

from crewgate.demo.servers import inherited
from crewgate.domain.redaction import MARK
from crewgate.host.arguments import add_arguments
from crewgate.host.command import check_flows, leave_terminal, read_options
from crewgate.host.engine.versions import check_version
from crewgate.host.records import HostNotStarted
from crewgate.host.run import Options
from crewgate.host.serve import hosting
from tests.forked import run_crewgate
from tests.host.client import TOKEN
from tests.host.standins import StandInCrew, StandInFlow
from tests.repo.files import ROOT


def options(*words: str, **environment: str) -> Options:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(parser.parse_args(["shop.crew:crew", *words]), environment)


def test_what_is_not_given_has_the_documented_default() -> None:
    chosen = options(CREW_TOKEN=TOKEN)

    assert (chosen.host, chosen.port, chosen.workers) == ("127.0.0.1", 8000, 4)
    assert (chosen.database, chosen.token) == (Path("crewgate-host.db"), TOKEN)
    assert chosen.flow_webhook is None


def test_everything_can_be_chosen() -> None:
    chosen = options(
        "shop.crew:report",
        *("--host", "10.0.0.1", "--port", "9", "--workers", "2", "--database", "a/b.db"),
        *("--token-env", "T", "--public-url", "https://host.example.com/"),
        *("--flow-webhook", "https://bot.example.com/x", "--flow-webhook-secret-env", "F"),
        *("--approve-tools", "send_*, Buy It", "--approve-tools", "report=wipe"),
        *("--tool-timeout", "90s"),
        T=TOKEN,
        F="whsec_of-the-flows",
    )

    assert (chosen.host, chosen.port, chosen.workers) == ("10.0.0.1", 9, 2)
    assert chosen.public_url == "https://host.example.com"
    assert chosen.flow_webhook is not None
    assert chosen.flow_webhook.secret == "whsec_of-the-flows"
    assert (chosen.tool_timeout, options(CREW_TOKEN=TOKEN).tool_timeout) == (90.0, 3_600.0)
    every = ["send_*", "Buy It"]
    assert chosen.approve_tools == {"crew": every, "report": [*every, "wipe"]}


def test_secrets_of_the_environment_are_known() -> None:
    secrets = {
        "CREW_TOKEN": "token-of-sixteen",
        "OPENAI_API_KEY": "key-of-the-model",
        "db_password": "correcthorse",
        "CLIENT_SECRET": "secret-of-a-client",
    }
    kept = {
        "TOKENIZERS_PARALLELISM": "disabled",
        "MAX_TOKENS": "4096",
        "MODEL": "gpt-of-somebody",
        "KEYCLOAK_URL": "https://login.example.com",
    }

    redactor = options(**secrets, **kept).redactor

    for secret in secrets.values():
        assert redactor.error(f"No {secret}, really") == f"No {MARK}, really"
    assert redactor.text(str(kept)) == str(kept)


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        ([], {}, "CREW_TOKEN is not set"),
        (["--token-env", "T"], {"CREW_TOKEN": TOKEN}, "T is not set"),
        (["--approve-tools", "sale=x"], {"CREW_TOKEN": TOKEN}, "'sale' is not served here"),
        (["--approve-tools", "x,"], {"CREW_TOKEN": TOKEN}, "names no tool, such as send_*"),
        ([], {"CREW_TOKEN": "x"}, "CREW_TOKEN has 1 characters and needs 16"),
        (["--flow-webhook", "https://a"], {"CREW_TOKEN": TOKEN}, "--flow-webhook-secret-env"),
        (
            ["--flow-webhook", "https://a", "--flow-webhook-secret-env", "F"],
            {"CREW_TOKEN": TOKEN},
            "F is not set",
        ),
        (
            ["--flow-webhook", "https://a", "--flow-webhook-secret-env", "F"],
            {"CREW_TOKEN": TOKEN, "F": "abc"},
            "F has 3 characters and needs 16",
        ),
        (["--flow-webhook", "bot"], {"CREW_TOKEN": TOKEN}, "not a web address"),
        (["--public-url", "http://["], {"CREW_TOKEN": TOKEN}, "not a web address"),
    ],
)
def test_what_is_wrong_is_named(words: list[str], environment: dict[str, str], said: str) -> None:
    with pytest.raises(HostNotStarted) as raised:
        options(*words, **environment)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--port", "70000", "'70000' is no port"),
        ("--port", "-1", "'-1' is no port"),
        ("--port", "abc", "'abc' is no port"),
        ("--workers", "0", "'0' is no number from 1 on"),
        ("--workers", "many", "'many' is no number from 1 on"),
    ],
)
def test_a_number_that_cannot_be_is_refused(
    option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options(f"{option}={value}", CREW_TOKEN=TOKEN)

    assert f"argument {option}: {said}" in capsys.readouterr().err


def test_nothing_is_asked_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    leave_terminal()

    assert not sys.stdin.isatty()
    with sys.stdin, pytest.raises(EOFError):
        input()


def test_a_flow_without_an_address_for_its_questions_is_not_served() -> None:
    check_flows({"crew": StandInCrew()}, options(CREW_TOKEN=TOKEN))
    with pytest.raises(HostNotStarted, match="--flow-webhook URL"):
        check_flows({"flow": StandInFlow()}, options(CREW_TOKEN=TOKEN))


def test_several_flows_need_an_address_each() -> None:
    def flows_to(url: str, *names: str) -> None:
        words = ("--flow-webhook", url, "--flow-webhook-secret-env", "F")
        given = options(*words, CREW_TOKEN=TOKEN, F="whsec_of-the-flows")
        check_flows({name: StandInFlow(name) for name in names}, given)

    flows_to("https://a/crews/one/flow-request", "one")
    flows_to("https://a/crews/{name}/flow-request", "one", "two")
    with pytest.raises(HostNotStarted, match="one and two are flows"):
        flows_to("https://a/crews/one/flow-request", "one", "two")


@pytest.mark.parametrize(
    ("version", "said"), [("1.15.29", "too old"), ("0.86.0", "too old"), ("2.0.0", "newer")]
)
def test_a_crewai_that_it_does_not_know_is_refused(version: str, said: str) -> None:
    with pytest.raises(HostNotStarted, match=said):
        check_version(version)


def test_a_crewai_that_it_knows_is_good() -> None:
    for version in ("1.15.30", "1.16.0rc1", "1.99"):
        check_version(version)


async def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = Options(
            host="127.0.0.1", port=port, workers=1, database=tmp_path / "a.db", token="x"
        )
        with pytest.raises(HostNotStarted, match=f"cannot listen on 127.0.0.1:{port}"):
            async with hosting({"crew": StandInCrew()}, wanted):
                pass


async def run(folder: Path, **environment: str) -> tuple[int | None, str]:
    """`crewgate host shop.crew:crew` with exactly this environment: status, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crewgate", "host", "shop.crew:crew"),
        cwd=folder,
        env={**inherited(), "PYTHONPATH": str(ROOT / "bot"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.skipif(importlib.util.find_spec("crewai") is not None, reason="crewai is installed")
async def test_without_crewai_it_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CREW_TOKEN=from-the-file-itself")

    status, said = await run(tmp_path)

    assert status == 1
    assert said.splitlines() == [
        (
            "crewgate: crewgate host needs crewai, which is not installed in this Python:"
            " pip install '/path/to/the/copy[host]'"
        )
    ]


@pytest.mark.skipif(importlib.util.find_spec("crewai") is not None, reason="crewai is installed")
async def test_a_crewai_without_a_name_that_it_needs_is_refused_at_the_start(
    tmp_path: Path,
) -> None:
    """Its version says nothing: what is not documented may go in any."""
    for file, text in {
        "crewai-1.15.40.dist-info/METADATA": "Name: crewai\nVersion: 1.15.40",
        "crewai/__init__.py": "",
        "crewai/core/providers/human_input.py": "def set_provider(provider): ...",
        "crewai/agents/agent_executor.py": "class AgentExecutor:\n    def _invoke_loop(self): ...",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)

    status, said = await run(tmp_path, CREW_TOKEN=TOKEN)

    assert status == 1
    assert said.startswith(
        "crewgate: crewai 1.15.40 has no crewai.agents.agent_executor.AgentExecutor._ainvoke_loop,"
        " which crewgate host needs: nobody could revise a task."
    )
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [({}, "CREW_TOKEN"), ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"), ({"LOG_FORMAT": "x"}, "LOG_FORMAT")],
)
async def test_a_start_that_cannot_be_says_why_in_one_line(
    tmp_path: Path, environment: dict[str, str], wrong: str
) -> None:
    token = {} if wrong == "CREW_TOKEN" else {"CREW_TOKEN": TOKEN}

    status, said = await run_crewgate(
        "host", "shop.crew:crew", folder=tmp_path, env=environment | token
    )

    assert status == 1
    assert said.count("\n") == 1
    assert wrong in said
