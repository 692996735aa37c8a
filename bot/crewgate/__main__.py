"""`crewgate …`, and `python -m crewgate` with equal arguments."""

import sys
from collections.abc import Sequence

from crewgate.imports import kept_imports


def main(arguments: Sequence[str] | None = None) -> int:
    with kept_imports():
        from crewgate.command_line import run  # noqa: PLC0415  # garbage collection is off during the imports
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
