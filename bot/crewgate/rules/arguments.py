"""The arguments of `crewgate rules`."""

import argparse

from crewgate.domain.rules.duration import Duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="of_rules", metavar="{test,explain}", required=True)
    test = commands.add_parser(
        "test", help="what the rules as they are now would do with the rounds that there were"
    )
    test.add_argument(
        "--since", type=_span, default="30d", metavar="DURATION", help="how far back: 30d"
    )
    explain = commands.add_parser("explain", help="why the rounds of an execution went as they did")
    explain.add_argument(
        "execution", metavar="EXECUTION", help="its id, or any unambiguous beginning of it"
    )
    explain.add_argument("--crew", help="of this crew, where several have such an execution")


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
