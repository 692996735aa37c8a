"""The commands, `crewgate serve | demo | check | …`, and the parts of the bot that run them."""

import argparse
import asyncio
import importlib
import os
import re
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from crewgate import __version__
from crewgate.audit.check_evidence import add_arguments as add_check_arguments
from crewgate.audit.check_evidence import check_file
from crewgate.domain.errors import CrewgateError
from crewgate.domain.parsers import InvalidSetting, parse_days
from crewgate.domain.rules.duration import Duration
from crewgate.domain.stats import AFTER
from crewgate.host.arguments import add_arguments as add_host_arguments
from crewgate.imports import kept_imports
from crewgate.settings.load import VARIABLES, Settings, SettingsError, load, load_to_read


def _version() -> str:
    """Return the version, and the commit that hatch_build.py wrote into the build, if it did."""
    with suppress(ModuleNotFoundError):
        return f"{__version__} ({importlib.import_module('crewgate._commit').COMMIT})"
    return __version__


def run(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="crewgate", description="CrewAI's human-in-the-loop reviews, in Slack."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    command = parser.add_subparsers(dest="command")
    command.add_parser("init", help="write a .env to fill in; one that is here is left as it is")
    manifest = command.add_parser("manifest", help="the Slack app's manifest, ready to paste")
    manifest.add_argument(
        "--http", action="store_true", help="for an app that Slack reaches by HTTP, not by a socket"
    )
    manifest.add_argument(
        "--host", type=_host, help="with --http: the host of PUBLIC_URL, as bot.example.com"
    )
    manifest.add_argument(
        "--name",
        type=_app_name,
        default="Crewgate",
        help="the app's name: each bot needs an app of its own",
    )
    command.add_parser("serve", help="run the bot")
    doctor = command.add_parser(
        "check", help="ask Slack, each crew and the database whether all is well"
    )
    doctor.add_argument(
        "--send-test-card",
        action="store_true",
        help="also post a card into each channel whose buttons decide nothing",
    )
    doctor.add_argument(
        "--confirm-reviewer",
        nargs=2,
        metavar=("ADDRESS", "USER"),
        help="instead: a reviewer's e-mail address stands for this user id (U…) from now on",
    )
    add_rules_arguments(command.add_parser("rules", help="try rules before they are trusted"))
    demo = command.add_parser("demo", help="the whole product on this machine, without accounts")
    demo.add_argument("--headless", action="store_true", help="play one story, print it, and exit")
    demo.add_argument(
        "--crewai", action="store_true", help="with the real CrewAI, where it is installed"
    )
    demo.add_argument("--open", action="store_true", help="open the page in the browser")
    demo.add_argument(
        "--port", type=_port, help="where the page listens (8765); with --headless, the bot"
    )
    add_audit_arguments(command.add_parser("audit", help="who decided what, provable"))
    rotating = command.add_parser(
        "rotate", help="encrypt the credentials in the database with the newest of SECRET_KEYS"
    )
    rotating.add_argument(
        "--forget", action="store_true", help="take out those that no key opens; stop the bot first"
    )
    rotating.add_argument("--yes", action="store_true", help="with --forget, without a question")
    purge = command.add_parser("purge", help="remove texts whose `retention` is over, now")
    purge.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
    purge.add_argument("--crew", help="of this crew only")
    purge.add_argument(
        "--older-than",
        type=_days,
        metavar="DAYS",
        help="with --crew, in place of its retention: 90d; the settings need not name the crew",
    )
    dataset = command.add_parser(
        "dataset", help="what people refused and approved, as lines of JSON to the standard output"
    )
    dataset.add_argument("crew", metavar="CREW", help="its name in the settings")
    dataset.add_argument(
        "--since", type=_days, metavar="DAYS", help="executions that ended since then: 90d"
    )
    dataset.add_argument(
        "--as",
        dest="form",
        choices=["pairs", "cases"],
        default="pairs",
        help="cases: each approval as input, expected_output and metadata",
    )
    command.add_parser("health", help="exit with 0 if the bot on this machine is ready")
    host = command.add_parser("host", help="open-source crews and flows behind CrewAI's crew API")
    add_host_arguments(host)
    for name, each in command.choices.items():
        each.epilog = _READS.get(name, _READS_ALL)
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return _NOTHING_ASKED
    if chosen.command == "manifest" and chosen.host and not chosen.http:
        manifest.error("--host goes with --http: over a socket Slack needs no address")
    try:
        return _run_command(chosen)
    except SettingsError as error:
        hint = "" if Path(".env").exists() else f"\n{_NO_DOTENV}"
        return _complain(f"{error}{hint}")
    except CrewgateError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of the output closed the pipe. On exit Python would fail to write the rest, so
        # devnull takes the rest: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOT_READ


def _run_command(chosen: argparse.Namespace) -> int:
    if chosen.command == "host":
        from crewgate.host.command import run_host  # noqa: PLC0415  # only this command needs it

        return run_host(chosen)
    if chosen.command == "audit" and chosen.of_audit == "check":
        return check_file(chosen.path, chosen.head, chosen.key)
    if chosen.command in _AT_ONCE:
        return _AT_ONCE[chosen.command](chosen)
    with kept_imports():
        settings = load_to_read if chosen.command == "audit" else load
        command = _demo(chosen) if chosen.command == "demo" else _with_settings(chosen, settings())
        from crewgate.runtime import EventLoop  # noqa: PLC0415  # the host runs without the bot's packages
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(command)


def _with_settings(chosen: argparse.Namespace, settings: Settings) -> Coroutine[Any, Any, int]:  # noqa: PLR0911  # one row a case
    """Return the chosen command, imported late: a wrong setting is reported before slow imports."""
    match chosen.command:
        case "serve":
            from crewgate.app import serve  # noqa: PLC0415  # late: see the docstring

            return serve(settings)
        case "audit":
            from crewgate.audit.run import run_audit  # noqa: PLC0415  # late: see the docstring

            return run_audit(settings, chosen)
        case "purge":
            from crewgate.purge import purge  # noqa: PLC0415  # late: see the docstring

            return purge(settings, chosen)
        case "dataset":
            from crewgate.dataset import write_dataset  # noqa: PLC0415  # late: see the docstring

            return write_dataset(settings, chosen)
        case "rules":
            from crewgate.rules.run import run_rules  # noqa: PLC0415  # late: see the docstring

            return run_rules(settings, chosen)
        case "rotate":
            from crewgate.check.database import run_rotate  # noqa: PLC0415  # late: see the docstring

            return run_rotate(settings, forget=chosen.forget, yes=chosen.yes)
        case "check" if chosen.confirm_reviewer:
            from crewgate.check.database import confirm_reviewer  # noqa: PLC0415  # late: see the docstring

            return confirm_reviewer(settings.database_url, *chosen.confirm_reviewer)
        case _:
            from crewgate.check.run import check  # noqa: PLC0415  # late: see the docstring

            return check(
                settings, show_secrets=sys.stdout.isatty(), send_test_card=chosen.send_test_card
            )


def _init(_chosen: argparse.Namespace) -> int:
    from crewgate.settings.dotenv import write_dotenv  # noqa: PLC0415  # serving does not need it

    _say(f"wrote {write_dotenv(Path.cwd())}: fill it in, then run crewgate check")
    return 0


def _manifest(chosen: argparse.Namespace) -> int:
    from crewgate.slack.manifest import YOUR_HOST, render_manifest  # noqa: PLC0415  # serving does not need it

    host = chosen.host or YOUR_HOST if chosen.http else None
    _say(render_manifest(name=chosen.name, http_host=host).rstrip())
    return 0


def _health(_chosen: argparse.Namespace) -> int:
    from crewgate.check.health import ask_health  # noqa: PLC0415  # serving does not need it
    from crewgate.logs import printable  # noqa: PLC0415  # serving does not need it

    ready, lines = ask_health(load())
    for line in lines:
        _say(printable(line))
    return 0 if ready else 1


_AT_ONCE: Final = {"init": _init, "manifest": _manifest, "health": _health}


#: https://docs.slack.dev/reference/app-manifest
APP_NAME_LIMIT: Final = 35


def _app_name(text: str) -> str:
    if not text.isprintable() or not 1 <= len(text.strip()) <= APP_NAME_LIMIT:
        msg = f"Slack takes 1 to {APP_NAME_LIMIT} characters in one line"
        raise argparse.ArgumentTypeError(msg)
    return text.strip()


def _host(text: str) -> str:
    found = re.fullmatch(r"(?:https://)?([A-Za-z0-9.-]+(?::[0-9]{1,5})?)/?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no host; put one like bot.example.com")
    return found[1]


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**16:
        raise argparse.ArgumentTypeError(f"{number} is no port")
    return number


def _days(text: str) -> timedelta:
    try:
        return parse_days(text)
    except InvalidSetting as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _demo(chosen: argparse.Namespace) -> Coroutine[Any, Any, int]:
    if chosen.headless:
        from crewgate.demo.scenario import run_scenario  # noqa: PLC0415  # serving does not need it

        return run_scenario(port=chosen.port, say=_say, crewai=chosen.crewai)
    from crewgate.demo.playground.server import serve  # noqa: PLC0415  # serving does not need it

    return serve(port=chosen.port, open_browser=chosen.open, say=_say, crewai=chosen.crewai)


def add_rules_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="of_rules", metavar="{test,explain}", required=True)
    test = commands.add_parser(
        "test", help="what the rules as they are now would do with the rounds that there were"
    )
    test.add_argument(
        "--since", type=_span, metavar="DURATION", help="how far back: 30d; a sample: 366d"
    )
    test.add_argument(
        "--sample", type=_share, metavar="SHARE", help="read only this share: what was missed? 1/5"
    )
    test.add_argument(
        "--after",
        type=_count,
        default=AFTER,
        metavar="N",
        help="read the first N of each task anyway",
    )
    explain = commands.add_parser("explain", help="why the rounds of an execution went as they did")
    _add_execution(explain)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: put a whole number, 0 or more")
    return int(text)


def _share(text: str) -> Fraction:
    part, _, whole = text.partition("/")
    if not (part.isdecimal() and whole.isdecimal() and 0 < int(part) < int(whole)):
        raise argparse.ArgumentTypeError(f"{text}: put a share like 1/5")
    return Fraction(int(part), int(whole))


def _span(text: str) -> Duration:
    try:
        found = Duration.parse(text, examples="12h or 30d")
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    if found.working:
        raise argparse.ArgumentTypeError(
            f"{found}: no working hours are known here; put hours (h) or days (d)"
        )
    return found


def add_audit_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(
        dest="of_audit", metavar="{verify,publish,show,export,evidence,check}", required=True
    )
    verify = commands.add_parser("verify", help="whether every entry fits to the one before")
    verify.add_argument("--head", metavar="NUMBER:HASH", help="a head from outside, to compare")
    commands.add_parser("publish", help="sign the head, and have it leave the database now")
    show = commands.add_parser("show", help="what happened to an execution")
    _add_execution(show)
    export = commands.add_parser("export", help="all entries, or some, to the standard output")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    export.add_argument("--crew", help="of this crew only")
    export.add_argument("--since", type=_moment, metavar="TIME", help="2026-11-01, in UTC")
    export.add_argument("--until", type=_moment, metavar="TIME", help="before this time")
    evidence = commands.add_parser("evidence", help="one file that proves what happened to it")
    _add_execution(evidence)
    evidence.add_argument(
        "--head",
        type=int,
        metavar="NUMBER",
        help="the head to lead to; else the first that was published after it",
    )
    evidence.add_argument("--output", metavar="FILE", help="else evidence-EXECUTION.json")
    add_check_arguments(commands.add_parser("check", help="check such a file without a database"))


def _add_execution(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "execution", metavar="EXECUTION", help="its id, or any unambiguous beginning of it"
    )
    parser.add_argument("--crew", help="of this crew, where several have such an execution")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time; put one like 2026-11-01") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


_READS_ALL: Final = (
    "Reads these settings, from the environment or .env:"
    f" {', '.join(one.name for one in VARIABLES)};"
    " and crews.toml, with the variables that it names."
)
_NO_SETTINGS: Final = "Reads no settings."
_READS: Final = {
    "demo": _NO_SETTINGS,
    "host": "Reads no settings but SECRET_KEYS, LOG_FORMAT, LOG_LEVEL and the variables that"
    " --token-env and --flow-webhook-secret-env name.",
    "init": _NO_SETTINGS,
    "manifest": _NO_SETTINGS,
    "audit": f"{_READS_ALL} Without them, a DATABASE_URL is enough to read a copy.",
}
"""The settings that a command reads, in the help's words; other commands read all."""
#: The exit status if no command is given; argparse exits with it for unknown arguments, too.
_NOTHING_ASKED: Final = 2
#: The exit statuses that a shell reports for a process ended by SIGINT (130) or SIGPIPE (141).
_INTERRUPTED: Final = 130
_NOT_READ: Final = 141
_NO_DOTENV: Final = "there is no .env in this folder; crewgate init writes one to fill in"


def _complain(why: str) -> int:
    for line in why.splitlines():
        print(f"crewgate: {line}", file=sys.stderr)  # noqa: T201
    return 1
