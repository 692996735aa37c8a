"""The arguments of `crewgate host`."""

import argparse
from pathlib import Path
from typing import Final

WORKERS: Final = 4
PORT: Final = 8000
DATABASE: Final = Path("crewgate-host.db")
_LAST_PORT: Final = 2**16 - 1
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        nargs="+",
        metavar="MODULE:NAME",
        help="a crew, a function or class that makes one, or a flow class; several are served"
        " below /NAME each",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=PORT, help=f"the port ({PORT})")
    parser.add_argument(
        "--workers",
        type=_positive,
        default=WORKERS,
        metavar="N",
        help=f"how many executions work at the same time; the others queue ({WORKERS})",
    )
    parser.add_argument(
        "--database",
        type=Path,
        default=DATABASE,
        metavar="FILE",
        help=f"the SQLite file with executions and pauses ({DATABASE})",
    )
    parser.add_argument(
        "--token-env",
        default="CREW_TOKEN",
        metavar="NAME",
        help="the variable with the bearer token that callers must present (CREW_TOKEN)",
    )
    parser.add_argument(
        "--approve-tools",
        action="append",
        metavar="PATTERNS",
        help="the tools that people are asked about before each call: send_*,purchase; of one of"
        " several targets as NAME=send_*",
    )
    parser.add_argument(
        "--tool-timeout",
        type=_seconds,
        default="1h",
        metavar="TIME",
        help="how long an MCP server may take for a call that people approved, in one try: 90s,"
        " 30m, 1h (1h)",
    )
    parser.add_argument(
        "--flow-webhook",
        metavar="URL",
        help="where the questions of flows go: https://bot.example.com/crews/CREW/flow-request;"
        " {name} in it is replaced by the flow's NAME",
    )
    parser.add_argument(
        "--flow-webhook-secret-env",
        metavar="NAME",
        help="the variable with the secret that these requests are signed with",
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="where the bot reaches this host, for the answers to flows (http://HOST:PORT)",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, a number up to {_LAST_PORT}")
    return int(text)


def _seconds(text: str) -> float:
    number, unit = text[:-1], _SECONDS.get(text[-1:])
    if unit is None or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, such as 90s, 30m or 1h")
    return float(int(number) * unit)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)
