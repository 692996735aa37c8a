"""The arguments of `crewgate rules`."""

import argparse
from fractions import Fraction

from crewgate.domain.rules.duration import Duration
from crewgate.domain.stats import AFTER


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    explain.add_argument(
        "execution", metavar="EXECUTION", help="its id, or any unambiguous beginning of it"
    )
    explain.add_argument("--crew", help="of this crew, where several have such an execution")


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
