"""The arguments of `crewgate audit`."""

import argparse
from datetime import UTC, datetime

from crewgate.audit.check_evidence import add_arguments as add_check_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`verify`, `publish`, `show`, `export`, `evidence` and `check`."""
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
