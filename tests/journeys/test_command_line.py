"""The platform engineer's commands, and their words when something is wrong."""

import asyncio
import json
import os
import sys
import sysconfig
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from crewgate import __version__
from crewgate.__main__ import main
from crewgate.check.database import address_owners
from crewgate.demo.environment import CHANNEL, connect, people
from crewgate.demo.servers import BotProcess, free_port, inherited
from tests.forked import run_crewgate
from tests.repo.files import fences
from tests.repo.samples import is_like
from tests.standins.crew import Crew
from tests.standins.settings import settings
from tests.standins.workspace import Workspace

SOURCE = str(Path(__file__).parents[2] / "bot")
SCRIPT = Path(sysconfig.get_path("scripts"), "crewgate")


async def run(*command: str, folder: Path, env: dict[str, str]) -> tuple[int | None, str]:
    """A program with exactly these settings: exit status, and all it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**inherited(), "PYTHONPATH": SOURCE, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.fixture
async def standins() -> AsyncIterator[tuple[Workspace, Crew]]:
    async with Workspace() as slack, Crew() as crew:
        people(slack)
        yield slack, crew


async def test_the_demo_plays_its_whole_story(tmp_path: Path) -> None:
    status, said = await run(
        *(sys.executable, "-m", "crewgate", "demo", "--headless"),
        folder=tmp_path,
        env={},
    )

    assert status == 0, said
    assert "Every step above was seen" in said
    assert "round 2 of “Market research”" in said


async def test_whoever_reads_no_further_is_not_shown_a_traceback(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    nobody, pipe = os.pipe()
    os.close(nobody)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crewgate", "check"),
        cwd=tmp_path,
        env={**inherited(), "PYTHONPATH": SOURCE, **settings(*standins)},
        stdout=pipe,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(pipe)
    _, said = await process.communicate()

    assert (process.returncode, said) == (141, b"")


@pytest.mark.skipif(not SCRIPT.exists(), reason="not installed: make install")
async def test_the_script_runs_no_bot_of_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("raise SystemExit('somebody else’s bot')")

    status, said = await run(str(SCRIPT), "--help", folder=tmp_path, env={})

    assert status == 0, said
    assert said.startswith("usage: crewgate ")


def test_the_first_start_names_all_that_is_missing_with_a_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxp-1")

    assert main(["serve"]) == 1

    assert [line.split(": ")[:2] for line in capsys.readouterr().err.splitlines()] == [
        ["crewgate", "SLACK_BOT_TOKEN"],
        ["crewgate", "SLACK_SIGNING_SECRET"],
        ["crewgate", "CREW_URL"],
        ["crewgate", "CREW_TOKEN"],
        ["crewgate", "CREW_WEBHOOK_SECRET"],
        ["crewgate", "SLACK_CHANNEL"],
        ["crewgate", "REVIEWERS"],
        [
            "crewgate",
            "there is no .env in this folder; crewgate init writes one to fill in",
        ],
    ]
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\n")
    assert main(["check"]) == 1
    assert ".env" not in capsys.readouterr().err


def test_the_first_settings_are_written_once_and_for_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert "fill it in, then run crewgate check" in capsys.readouterr().out
    file = tmp_path / ".env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["serve"]) == 1
    assert "crewgate: SLACK_BOT_TOKEN: missing" in capsys.readouterr().err

    file.write_text("SLACK_BOT_TOKEN=xoxb-1\n")
    assert main(["init"]) == 1
    assert capsys.readouterr().err == "crewgate: .env is here already and was left as it is\n"
    assert file.read_text() == "SLACK_BOT_TOKEN=xoxb-1\n"


async def test_health_is_that_of_the_bot_on_this_machine(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    slack, crew = standins
    env = settings(slack, crew) | {
        "PORT": str(free_port()),
        "PUBLIC_URL": "https://bot.example.com",
    }
    env["STATUS_TOKEN"] = "0123456789abcdef"

    status, said = await run_crewgate("health", folder=tmp_path, env=env)
    assert status == 1
    assert said.startswith(f"no bot answers on port {env['PORT']}: ")

    async with BotProcess(env, folder=tmp_path, port=int(env["PORT"])):
        proxied = env | {"http_proxy": "http://127.0.0.1:9"}
        status, said = await run_crewgate("health", folder=tmp_path, env=proxied)
    assert status == 0
    assert said.startswith("ready\n")
    elsewhere = {"PORT": (port := crew.url.rsplit(":", 1)[1])}
    assert await run_crewgate("health", folder=tmp_path, env=env | elsewhere) == (
        1,
        f"what answers on port {port} is no Crewgate\n",
    )


async def test_a_start_that_cannot_be_is_said_plainly(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    env = settings(*standins)
    taken = standins[1].url.rsplit(":", 1)[1]
    address = {"HOST": "127.0.0.1", "PORT": taken}
    status, said = await run_crewgate("serve", folder=tmp_path, env=env | address)
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in said
    assert "Warning" not in said
    elsewhere = {"PORT": str(free_port()), "METRICS_PORT": taken}
    status, said = await run_crewgate("serve", folder=tmp_path, env=env | address | elsewhere)
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in said

    (tmp_path / "odd.db").write_text("not a database, " * 100)
    odd = {"DATABASE_URL": f"sqlite:///{tmp_path / 'odd.db'}"}
    status, said = await run_crewgate("serve", folder=tmp_path, env=env | odd)
    assert status == 1
    assert "DATABASE_URL" in said
    assert "Traceback" not in said


async def test_a_data_set_that_cannot_be_is_said_plainly(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    env = settings(*standins)
    crew = env["CREW_NAME"]
    for words, status, says in (
        ((crew,), 1, "crewgate: there is no database yet; start the bot once"),
        (("nobody",), 1, f"crewgate: the settings name no crew nobody; they name {crew}"),
        ((), 2, "the following arguments are required: CREW"),
        ((crew, "--since", "soon"), 2, "'soon' is no time in days; put one like"),
    ):
        assert (said := await run_crewgate("dataset", *words, folder=tmp_path, env=env))[
            0
        ] == status
        assert says in said[1]


async def test_a_good_installation_has_nothing_to_warn_of(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    env = settings(*standins) | {"SLACK_APP_TOKEN": "xapp-demo"}
    status, said = await run_crewgate("check", folder=tmp_path, env=env)
    assert status == 0, said
    assert "✗" not in said
    assert "topic" in said

    async with BotProcess(env, folder=tmp_path) as bot:
        status, said = await run_crewgate("check", folder=tmp_path, env=env)
        assert status == 0, said
        assert "✓ database" in said
        second = env | {"PORT": str(free_port())}
        status, said = await run_crewgate("serve", folder=tmp_path, env=second)
        assert status == 1
        assert "another bot" in said
    assert_started_without_a_warning(bot)


def assert_started_without_a_warning(bot: BotProcess) -> None:
    log = bot.log.read_text()
    assert "started" in log
    assert "warning" not in log.lower()


async def test_check_names_everything_that_is_wrong(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    slack, crew = standins
    slack.world.channels[CHANNEL].bot_is_member = False
    env = settings(slack, crew) | {
        "CREW_TOKEN": "wrong",
        "REVIEWERS": "U0NOBODY,gone@example.com,S0GONE",
        "SLACK_APP_TOKEN": "xapp-wrong",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }

    status, said = await run_crewgate("check", folder=tmp_path, env=env)

    assert status == 1
    wrong = [line for line in said.splitlines() if line.startswith("✗")]
    for place in (
        "database",
        "slack socket",
        f"channel {CHANNEL}",
        "reviewer U0NOBODY",
        "reviewer gone@example.com",
        "reviewer S0GONE",
        "crew “research”",
    ):
        assert any(place in line for line in wrong), (place, said)


async def test_an_address_that_moved_decides_nothing_until_an_operator_confirms_it(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    slack, crew = standins
    env = settings(slack, crew) | {"REVIEWERS": "ben@example.com"}
    confirm = ("check", "--confirm-reviewer", "ben@example.com")
    bot = BotProcess(env, folder=tmp_path)
    async with bot:
        # That Slack was asked does not mean that its answer is on disk.
        while not await address_owners(f"sqlite+aiosqlite:///{tmp_path / 'crewgate.db'}"):
            assert bot.running
    slack.world.users["U0BEN"] = replace(slack.world.users["U0BEN"], email="old@example.com")
    slack.add_user("U0NEW", "New", "ben@example.com")

    async with bot:
        status, said = await run_crewgate("check", folder=tmp_path, env=env)
        assert status == 1
        assert "--confirm-reviewer ben@example.com U0NEW" in said
        status, said = await run_crewgate(*confirm, "U0NEW", folder=tmp_path, env=env)

    assert status == 0, said
    assert "stands for U0NEW (was U0BEN)" in said
    status, said = await run_crewgate("check", folder=tmp_path, env=env)
    assert status == 0, said


async def test_logs_are_json_and_hold_no_secret_output_or_feedback(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    slack, crew = standins
    env = settings(slack, crew) | {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
    bot = BotProcess(env, folder=tmp_path)
    connect(slack, crew, bot.url)
    async with bot:
        await crew.pause("e-1", "draft", "confidential output")
        card = (await slack.until(lambda: slack.messages(CHANNEL)))[-1]
        await slack.click("U0ANA", card, "Revise")
        await slack.until(lambda: slack.open_modals("U0ANA"))
        await slack.submit("U0ANA", {"feedback": "confidential feedback"})
        await crew.until(lambda: crew.resumes)
        await slack.send_raw("payload=confidential-forgery", signature="v0=0")
    log = bot.log.read_text()

    assert all(line.startswith("{") for line in log.splitlines())
    assert '"event": "decided"' in log
    lines = [json.loads(line) for line in log.splitlines()]
    [started] = [line for line in lines if line["event"] == "started"]
    assert (started["version"], started["mode"]) == (__version__, "http")
    assert (started["public_url"], started["database"]) == (None, "sqlite:///crewgate.db")
    assert lines[-1]["event"] == "stopped"
    assert {"statement", "called"} <= {line["event"] for line in lines}
    [(sample,)] = fences("docs/reference.md", "<!-- sample: log -->")
    for shown in map(json.loads, sample.splitlines()):
        assert any(is_like(shown, line) for line in lines), (shown, log)
    for secret in ("confidential", env["SLACK_BOT_TOKEN"], env["CREW_TOKEN"]):
        assert secret not in log
    for name in ("SLACK_SIGNING_SECRET", "CREW_WEBHOOK_SECRET"):
        assert env[name] not in log


async def test_what_was_imported_is_not_collected_and_what_comes_after_is(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    command = (
        "import gc, sys; from crewgate.__main__ import main;"
        " main(sys.argv[1:]); print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    _, said = await run(
        *(sys.executable, "-c", command, "rules", "explain", "e-1"),
        folder=tmp_path,
        env=settings(*standins),
    )

    assert said.splitlines()[-1] == "True True"


def test_alone_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: crewgate ")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        *((name, "Reads no settings.") for name in ("demo", "init", "manifest")),
        ("host", "Reads no settings but SECRET_KEYS, LOG_FORMAT, LOG_LEVEL and the variables"),
        *(
            (name, "NOTIFY, RETENTION, PUBLIC_URL, DATABASE_URL")
            for name in ("check", "health", "serve")
        ),
        ("rules", "LOG_LEVEL; and crews.toml"),
    ],
)
def test_the_help_of_a_command_names_the_settings_that_it_reads(
    command: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert says in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["test", "--since", "soon"], "--since: not a duration; put one like 12h or 30d"),
        (["test", "--since", "4wh"], "--since: 4wh: no working hours are known here"),
        ([], "the following arguments are required: {test,explain}"),
    ],
)
def test_what_is_typed_wrong_is_said(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", *words])

    assert ended.value.code == 2
    assert why in capsys.readouterr().err


async def test_rules_are_tried_on_what_the_bot_has_stored(
    standins: tuple[Workspace, Crew], tmp_path: Path
) -> None:
    slack, crew = standins
    env = settings(slack, crew) | {"DATABASE_URL": f"sqlite:///{tmp_path / 'crewgate.db'}"}

    status, said = await run_crewgate("rules", "explain", "e-1", folder=tmp_path, env=env)
    assert (status, said) == (1, "crewgate: there is no database yet; start the bot once\n")

    async with BotProcess(env, folder=tmp_path) as bot:
        await slack.until(lambda: slack.calls_of("auth.test"))
    assert_started_without_a_warning(bot)
    status, said = await run_crewgate("rules", "test", folder=tmp_path, env=env)
    assert status == 0, said
    assert said.startswith("0 rounds since ")
    status, said = await run_crewgate("rules", "explain", "e-1", folder=tmp_path, env=env)
    assert (status, said) == (1, "✗ no execution of a crew in the settings begins with e-1\n")
